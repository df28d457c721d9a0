import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from examples import MODEL, rating_table, ratings, respondent, system
from valuelex.domain.call import Missing
from valuelex.domain.study import FACTORS
from valuelex.stages import compare
from valuelex.stages.compare import contrast, levels_of
from valuelex.stats.multiplicity import holm

TREE = system({"d1": ("care", "skill"), "d2": ("hope",)})
A, B, C = (respondent(name) for name in "abc")


@pytest.fixture(autouse=True)
def _fewer_flips(monkeypatch):
    monkeypatch.setattr(compare, "N_FLIPS", 999)


def contrasts(array, who, factor="respondent", of=None, seed=0):
    n_stems = 1 + max(int(c.stem_id[1:]) for c in array.completions)
    names = [f"s{i}" for i in range(n_stems)]
    found = contrast(array, of or system(), who, names, factor, 200, np.random.default_rng(seed))
    return {(c.a, c.b, c.target): c for c in found}


def test_a_difference_is_paired_by_stem():
    # Stems differ by up to 5 points, a is above b by .4, .5, .6, .5, .5, .5 on each: mean .5, sd sqrt(.02 / 5).
    b = np.array([0.0, 5, 1, 4, 2, 3])
    a = b + np.array([0.4, 0.5, 0.6, 0.5, 0.5, 0.5])
    found = contrasts(rating_table(np.column_stack([a, b]), ["a", "b"]), [A, B])[("a", "b", "care")]
    assert found.difference == pytest.approx(0.5)
    assert found.effect_size == pytest.approx(0.5 / np.sqrt(0.02 / 5))
    assert 0.3 < found.ci_low < 0.5 < found.ci_high < 0.7
    # Only ++++++ and ------ reach the sum: p = 2/64, here by 999 random patterns.
    assert found.p_value == pytest.approx(2 / 64, abs=4 * np.sqrt(2 / 64 / 999))
    assert (found.n_stems, found.n_respondents_a, found.n_respondents_b) == (6, 1, 1)
    assert (found.factor, found.level, found.system, found.judge) == (
        "respondent",
        "subdimension",
        "tiny",
        "axis:test",
    )


def test_a_stem_that_one_side_lacks_is_left_out_of_the_pairing():
    scores = {("a", f"s{i}", 0): 4.0 for i in range(4)} | {("b", f"s{i}", 0): 3.0 for i in range(3)}
    scores |= {("b", "s3", 0): Missing.REFUSED, ("a", "s2", 0): Missing.EMPTY}
    found = contrasts(ratings(scores), [A, B])[("a", "b", "care")]
    assert (found.difference, found.n_stems) == (1, 2)
    assert (found.ci_low, found.effect_size) == (None, None)


def test_nothing_in_common_gives_none_and_never_nan():
    scores = {("a", "s0", 0): 4.0, ("b", "s1", 0): 3.0}
    found = contrasts(ratings(scores), [A, B])[("a", "b", "care")]
    assert found.n_stems == 0
    numbers = (
        found.difference,
        found.ci_low,
        found.ci_high,
        found.effect_size,
        found.p_value,
        found.p_adjusted,
    )
    assert numbers == (None,) * 6


def test_a_level_is_the_mean_of_its_respondents_stem_by_stem():
    # Family x: a and b, mean 2 on s0 and, b missing, 5 on s1; family y: c, 1 and 1. Differences 1 and 4: mean 2.5.
    scores = {
        ("a", "s0", 0): 1.0,
        ("b", "s0", 0): 3.0,
        ("c", "s0", 0): 1.0,
        ("a", "s1", 0): 5.0,
        ("b", "s1", 0): Missing.EMPTY,
        ("c", "s1", 0): 1.0,
    }
    who = [dataclasses.replace(r, family=f) for r, f in ((A, "x"), (B, "x"), (C, "y"))]
    found = contrasts(ratings(scores), who, "family")[("x", "y", "care")]
    assert found.difference == pytest.approx(2.5)
    assert (found.n_respondents_a, found.n_respondents_b) == (2, 1)


def test_holm_is_over_all_contrasts_of_a_factor_at_one_level():
    table = np.random.default_rng(4).uniform(0, 6, (10, 3, 3))
    found = contrasts(rating_table(table, ["a", "b", "c"], TREE), [A, B, C], of=TREE)
    assert len(found) == 3 * 5  # three pairs, three subdimensions and two dimensions
    for level, n in (("subdimension", 9), ("dimension", 6)):
        family = [c for c in found.values() if c.level == level]
        assert len(family) == n
        raw = np.array([c.p_value for c in family])
        np.testing.assert_allclose([c.p_adjusted for c in family], holm(raw))
        smallest = min(family, key=lambda c: c.p_value)
        assert smallest.p_adjusted == pytest.approx(min(1.0, n * smallest.p_value))


def test_one_level_leaves_nothing_to_compare():
    array = rating_table(np.ones((3, 2)), ["a", "b"])
    assert contrasts(array, [A, B], "family") == {}


def test_a_difference_that_nothing_bounds_ends_at_the_widest_there_is():
    # Eleven stems alike and one 6 points apart: 35 % of resamples hold no difference at all, so how many
    # such stems there are is not bounded by what was seen.
    a, b = np.zeros(12), np.zeros(12)
    b[0] = 6.0
    found = contrasts(rating_table(np.column_stack([a, b]), ["a", "b"]), [A, B])[("a", "b", "care")]
    assert found.difference == -0.5
    assert found.ci_low == -6.0
    assert -0.5 < found.ci_high < 6.0


small_tables = arrays(np.float64, (7, 2), elements=st.integers(0, 50).map(lambda i: i / 10))


@given(small_tables)
@settings(max_examples=40)
def test_exchanging_a_and_b_negates_a_contrast(table):
    one = contrasts(rating_table(table, ["a", "b"]), [A, B])[("a", "b", "care")]
    other = contrasts(rating_table(table, ["a", "b"]), [B, A])[("b", "a", "care")]
    assert other.difference == pytest.approx(-one.difference)
    assert other.p_value == one.p_value
    assert (other.ci_low is None) == (one.ci_low is None)
    if one.ci_low is not None:
        assert (other.ci_low, other.ci_high) == pytest.approx((-one.ci_high, -one.ci_low), abs=1e-6)
    if one.effect_size is not None:
        assert other.effect_size == pytest.approx(-one.effect_size)


@given(small_tables)
@settings(max_examples=40)
def test_adding_a_constant_to_all_ratings_changes_no_contrast(table):
    one = contrasts(rating_table(table, ["a", "b"]), [A, B])[("a", "b", "care")]
    other = contrasts(rating_table(table + 1, ["a", "b"]), [A, B])[("a", "b", "care")]
    assert other.difference == pytest.approx(one.difference, abs=1e-9)
    assert other.p_value == one.p_value
    assert (other.ci_low is None) == (one.ci_low is None)
    if one.ci_low is not None:
        assert (other.ci_low, other.ci_high) == pytest.approx((one.ci_low, one.ci_high), abs=1e-6)


def test_one_respondent_far_from_thirty_survives_holm():
    # 31 respondents make 465 pairs. One stands 2 points off on 24 stems: its 30 contrasts must survive,
    # however many others are made, so the smallest p-value must lie below .05 / 465.
    rng = np.random.default_rng(3)
    names = [f"r{i}" for i in range(31)]
    scores = np.clip(3 + rng.normal(0, 0.5, (24, 31)) + 2.0 * (np.arange(31) == 7), 0, 6)
    found = contrasts(rating_table(scores, names), [respondent(n) for n in names])
    of_care = {pair: c for pair, c in found.items() if pair[2] == "care"}
    survivors = {pair for pair, c in of_care.items() if c.p_adjusted < 0.05}
    assert {pair for pair in of_care if "r7" in pair[:2]} <= survivors
    assert len(survivors) <= 31


def test_identical_respondents_get_uniform_p_values():
    # 200 pairs of respondents with one and the same standing, each pair on 15 stems of its own draw:
    # p < .05 in about 5 % (binomial sd 1.5 %) and p < .5 in about half (sd 3.5 %).
    rng = np.random.default_rng(11)
    p_values = []
    for _ in range(25):
        stem = rng.normal(3, 1, (15, 1))
        table = np.clip(stem + rng.normal(0, 1, (15, 16)), 0, 6)
        who = [respondent(f"r{i}") for i in range(16)]
        found = contrasts(rating_table(table, [r.id for r in who]), who)
        p_values += [found[(f"r{i}", f"r{i + 1}", "care")].p_value for i in range(0, 16, 2)]
    assert len(p_values) == 200
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.10
    assert 0.38 <= np.mean(np.array(p_values) < 0.5) <= 0.62


def test_a_real_difference_is_found_and_the_rest_is_not():
    rng = np.random.default_rng(5)
    stem = rng.normal(3, 1, (30, 1))
    table = np.clip(stem + rng.normal(0, 0.5, (30, 3)) + [0, 0, 1], 0, 6)
    found = contrasts(rating_table(table, ["a", "b", "c"]), [A, B, C])
    assert found[("a", "c", "care")].p_adjusted < 0.01
    assert found[("b", "c", "care")].p_adjusted < 0.01
    assert found[("a", "b", "care")].p_adjusted > 0.05


WHO = (
    respondent("a", attributes={"size": 7, "open": True}),
    respondent("b", api="completion", persona="nurse", subject="a nurse", temperature=0.0, top_p=1.0),
    respondent("c", family="other", model=dataclasses.replace(MODEL, name="acme-2"), attributes={"size": 70}),
)


@pytest.mark.parametrize(
    ("factor", "levels"),
    [
        ("respondent", {"a": (0,), "b": (1,), "c": (2,)}),
        ("model", {"acme/acme-1": (0, 1), "acme/acme-2": (2,)}),
        ("family", {"acme": (0, 1), "other": (2,)}),
        ("api", {"chat": (0, 2), "completion": (1,)}),
        ("persona", {"none": (0, 2), "nurse": (1,)}),
        ("temperature", {"1": (0, 2), "0": (1,)}),
        ("top_p", {"0.9": (0, 2), "1": (1,)}),
        ("size", {"7": (0,), "70": (2,)}),
        ("open", {"True": (0,)}),
        ("unknown", {}),
    ],
)
def test_levels_of_every_factor(factor, levels):
    found = levels_of(factor, WHO)
    assert dict(found) == levels
    assert list(found) == list(levels)


def test_every_factor_of_the_domain_groups_every_respondent():
    for factor in FACTORS:
        assert sorted(sum(levels_of(factor, WHO).values(), ())) == [0, 1, 2]
