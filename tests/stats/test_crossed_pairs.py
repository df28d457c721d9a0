"""Pairs of columns within lists, and over lists that share a maker or a topic."""

import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.crossed_pairs import Given, crossed_pairs, explained_shares, held_out_gain


def lists(seed, *, topic=0.0, style=0.0, own=0.0, n_makers=10, n_topics=80, p=40, k=4):
    """Lists of Poisson(6) columns by Gumbel choice, with group preferences of topics, makers and lists."""
    rng = np.random.default_rng(seed)
    group = np.arange(p) % k
    base = -0.6 * np.log(np.arange(1, p + 1))
    of_topic = topic * rng.normal(size=(n_topics, k))[:, group]
    of_maker = style * rng.normal(size=(n_makers, k))[:, group]
    rows, makers, topics = [], [], []
    for m in range(n_makers):
        for t in range(n_topics):
            utility = base + of_topic[t] + of_maker[m] + own * rng.normal(size=k)[group]
            row = np.zeros(p, np.uint8)
            row[np.argsort(-(utility + rng.gumbel(size=p)))[: rng.poisson(6)]] = 1
            rows.append(row)
            makers.append(m)
            topics.append(t)
    return np.array(rows), np.array(makers), np.array(topics), group


def test_pairs_match_hand_counts():
    # Makers 0, 1; topics 0, 1; columns a, b.
    # maker 0: topic 0 {a, b}, topic 1 {a};  maker 1: topic 0 {b}, topic 1 {a, b}.
    x = np.array([[1, 1], [1, 0], [0, 1], [1, 1]], np.uint8)
    pairs = crossed_pairs(x, [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0])
    ab = (0, 0, 1)
    assert pairs.same_list[ab] == 2  # {a, b} twice
    assert pairs.n_same_list[0] == 4  # 2·1 + 0 + 0 + 2·1
    # Same maker, other topic, a of one list with b of the other: {a, b} and {a} give one, {b} and {a, b} one.
    assert pairs.same_maker[ab] == 2
    assert pairs.n_same_maker[0] == 4  # a·b and b·a
    # Neither: (list 0, list 3): a·b both ways = 2; (list 1 {a}, list 2 {b}): 1.
    assert pairs.neither[ab] == 3
    assert pairs.n_neither[0] == 6
    # Same topic, brought to the pairs within its lists. Topic 0: {a, b} x {b} gives a·b and b·a, 2 for the 2 pairs
    # within {a, b}; topic 1: {a} x {a, b} gives 2 for 2 as well.
    assert pairs.same_topic[ab] == pytest.approx(2.0)
    assert pairs.n_same_topic[0] == 4


def test_every_two_lists_share_a_cell_a_maker_a_topic_or_nothing():
    x, makers, topics, _ = lists(0, n_makers=4, n_topics=6)
    table = crossed_pairs(x, makers, topics, makers).over(slice(None))
    total = x.sum(axis=0).astype(float)
    r = x.sum(axis=1).astype(float)
    same_topic = sum(
        np.outer(x[topics == t].sum(axis=0, dtype=float), x[topics == t].sum(axis=0)) for t in range(6)
    )
    diagonal = x.T.astype(float) @ x
    expected = np.outer(total, total) - (same_topic - diagonal) - table.same_maker - diagonal
    off = ~np.eye(40, dtype=bool)
    np.testing.assert_allclose(table.neither[off], expected[off])
    assert table.n_same_list == (r * (r - 1)).sum()


def test_units_add_up_to_the_whole():
    x, makers, topics, _ = lists(1, n_makers=6, n_topics=10)
    whole = crossed_pairs(x, makers, topics, np.zeros(len(x))).over(slice(None))
    parts = crossed_pairs(x, makers, topics, makers // 2).over(slice(None))
    np.testing.assert_allclose(parts.same_maker, whole.same_maker)
    np.testing.assert_allclose(parts.neither, whole.neither)
    assert parts.n_neither == pytest.approx(whole.n_neither)


def test_topics_explain_what_topics_make():
    # Groups of columns belong to topics alone: lists of others to the same topic show the whole association.
    x, makers, topics, group = lists(2, topic=1.0)
    shares = explained_shares(crossed_pairs(x, makers, topics, makers), group)
    assert shares.topic == pytest.approx(1.0, abs=0.1)
    assert shares.maker == pytest.approx(0.0, abs=0.05)


def test_makers_explain_what_makers_make():
    x, makers, topics, group = lists(3, style=1.0)
    shares = explained_shares(crossed_pairs(x, makers, topics, makers), group)
    assert shares.maker == pytest.approx(1.0, abs=0.1)
    assert shares.topic == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("source", [{"topic": 1.0}, {"style": 1.0}, {}])
def test_topics_and_styles_are_no_structure_of_lists(source):
    x, makers, topics, _ = lists(4, **source)
    pairs = crossed_pairs(x, makers, topics, makers)
    found = held_out_gain(pairs, Given.MAKER_AND_TOPIC, (2, 4), np.random.default_rng(0))
    assert found.gain.max() < 1.0


def test_topics_alone_pass_for_structure_where_they_are_not_taken_out():
    x, makers, topics, _ = lists(4, topic=1.0)
    pairs = crossed_pairs(x, makers, topics, makers)
    found = held_out_gain(pairs, Given.MAKER, (2, 4), np.random.default_rng(0))
    assert found.candidates[int(found.gain.argmax())] == 4
    assert found.gain.max() > 10


def test_groups_within_lists_are_found_beside_topics_and_styles():
    x, makers, topics, _ = lists(5, topic=0.7, style=0.7, own=1.2)
    pairs = crossed_pairs(x, makers, topics, makers)
    found = held_out_gain(pairs, Given.MAKER_AND_TOPIC, (2, 3, 4, 6), np.random.default_rng(0))
    assert found.candidates[int(found.gain.argmax())] == 4
    assert found.gain.max() > 10


def test_a_maker_in_two_units_is_refused():
    with pytest.raises(DataError) as error:
        crossed_pairs(np.eye(2, dtype=np.uint8), [0, 0], [0, 1], [0, 1])
    assert str(error.value) == (
        "A maker's lists stand in two units; folds would not be independent. Give each maker one unit."
    )


def test_one_unit_cannot_be_held_out():
    pairs = crossed_pairs(np.ones((2, 2), np.uint8), [0, 1], [0, 0], [0, 0])
    with pytest.raises(DataError) as error:
        held_out_gain(pairs, Given.CHANCE, (2,), np.random.default_rng(0))
    assert str(error.value) == "1 independent units cannot be held out; at least 2 are needed."
