import math
from dataclasses import replace

import numpy as np
import pytest

from examples import respondent, study, system
from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, Orientation
from valuelex.domain.second import Choices, DirectRatings
from valuelex.domain.study import ComparePlan
from valuelex.stages.second_scores import (
    marginal_reliability,
    score_choices,
    score_direct,
    score_second,
    second_results,
)

NAN = np.nan
TWO = system({"heart": ("care",), "hand": ("skill",)})
SIX = system({"heart": ("care", "zeal", "calm"), "hand": ("skill", "speed", "order")})
NAMES = tuple(s.id for s in SIX.subdimensions)


def choices(rows, of=TWO):
    """From (respondent, first, second, outcome or reason)."""
    who, first, second, outcome = zip(*rows, strict=True)
    wins = [NAN if isinstance(o, Missing) else float(o) for o in outcome]
    codes = [REASONS.index(o) if isinstance(o, Missing) else -1 for o in outcome]
    names = tuple(s.id for s in of.subdimensions)
    place = [np.array(p, dtype=np.int64) for p in (first, second)]
    draw = np.zeros(len(who), dtype=np.int64)
    return Choices(of.name, names, who, *place, draw, np.array(wins), np.array(codes, np.int8))


def ratings(values, who=("a",), of=TWO, why=Missing.REFUSED):
    values = np.array(values, dtype=float)
    missing = np.where(np.isnan(values), REASONS.index(why), -1).astype(np.int8)
    return DirectRatings(of.name, who, tuple(s.id for s in of.subdimensions), values, missing)


def test_choices_are_scored_over_both_orders_by_hand():
    # Care first: chosen 3 of 4; skill first: chosen 2 of 4; the prior adds half a choice to each side. With d the
    # difference and e the place, d + e = ln(3.5 / 1.5) and -d + e = 0. Scores are d / 2 and -d / 2.
    rows = [("a", 0, 1, o) for o in (1, 1, 1, 0)] + [("a", 1, 0, o) for o in (1, 1, 0, 0)]
    found = score_choices(choices([*rows, ("a", 0, 1, Missing.REFUSED)]))
    d = math.log(7 / 3) / 2
    assert found.values == pytest.approx(np.array([[d / 2, -d / 2]]), abs=1e-9)
    assert found.position[0].value == pytest.approx(d)
    assert (found.low < found.values).all()
    assert (found.values < found.high).all()
    assert found.n_answers.tolist() == [[8, 8]]
    assert found.missing == ({Missing.REFUSED: 1},)
    assert found.remarks == ("",)


def test_one_who_always_takes_the_first_prefers_nothing():
    rows = [("a", 0, 1, 1)] * 4 + [("a", 1, 0, 1)] * 4
    found = score_choices(choices(rows))
    assert found.values == pytest.approx(np.zeros((1, 2)), abs=1e-9)
    assert found.position[0].value == pytest.approx(math.log(9))
    assert found.remarks == ("Choices without an exception; scores rest on the prior.",)


def test_each_respondent_has_scores_of_its_own_or_a_reason():
    rows = [("a", 0, 1, 1), ("b", 0, 1, Missing.EMPTY), ("a", 1, 0, 0), ("b", 1, 0, Missing.EMPTY)]
    found = score_choices(choices(rows))
    assert found.respondent_ids == ("a", "b")
    assert found.values[0, 0] > 0
    assert np.isnan(found.values[1]).all()
    assert found.remarks[1] == (
        "The 0 comparisons with a winner leave 2 objects in 2 unconnected parts ('care'; 'skill'); compare objects of "
        "different parts, or estimate each part alone."
    )
    assert found.position[1].reason == found.remarks[1]
    assert found.missing == ({}, {Missing.EMPTY: 2})


def test_direct_ratings_are_means_over_draws_by_hand():
    # Means 2 and 5.5. Sums of squares 2 and .5 over 2 degrees of freedom: variance 1.25, errors sqrt(1.25 / 2); t is
    # 4.302653. The interval is cut at the ends of the scale.
    found = score_direct(ratings([[[1, 3, NAN], [5, 6, NAN]]]))
    assert found.values.tolist() == [[2, 5.5]]
    assert found.errors == pytest.approx(np.full((1, 2), math.sqrt(0.625)))
    assert found.low == pytest.approx(np.array([[0, 5.5 - 4.302653 * math.sqrt(0.625)]]), abs=1e-5)
    assert found.high == pytest.approx(np.array([[2 + 4.302653 * math.sqrt(0.625), 6]]), abs=1e-5)
    assert found.n_answers.tolist() == [[2, 2]]
    assert found.missing == ({Missing.REFUSED: 2},)


def test_a_refusal_is_not_a_low_rating():
    assert score_direct(ratings([[[5, NAN], [5, 5]]])).values.tolist() == [[5, 5]]
    nothing = score_direct(ratings([[[NAN], [NAN]]]))
    assert np.isnan(nothing.values).all()
    assert nothing.remarks == ("None of its 2 ratings could be read.",)


def test_methods_that_were_not_asked_have_no_scores():
    assert score_second(None, None) == ()
    assert [s.method for s in score_second(None, ratings([[[1], [2]]]))] == ["direct"]


def test_reliability_is_what_errors_leave_of_the_variance():
    # Variance of 1 to 5 is 2.5; errors of 1 leave 1 - 1 / 2.5 = .6. Errors of 2 leave nothing. A constant has none.
    values = np.column_stack([np.arange(1.0, 6), np.arange(1.0, 6), np.ones(5)])
    found = marginal_reliability(values, np.column_stack([np.ones(5), np.full(5, 2.0), np.ones(5)]))
    assert found[:2] == pytest.approx([0.6, 0])
    assert np.isnan(found[2])
    assert marginal_reliability(values[:4], np.ones((4, 3))) is None


def simulated(n_respondents, rng, *, noise=0.4, n_draws=5, yes_saying=0.0):
    """Give three methods on known profiles: choices by logits, ratings and orientations with noise."""
    profile = rng.normal(0, 1, size=(n_respondents, 6))
    profile -= profile.mean(axis=1, keepdims=True)
    ids = tuple(f"r{i:02d}" for i in range(n_respondents))
    orders = [(i, j) for i in range(6) for j in range(6) if i != j]
    rows = []
    for name, own in zip(ids, profile, strict=True):
        for i, j in orders:
            p = 1 / (1 + math.exp(-(own[i] - own[j] + 0.7)))
            rows += [(name, i, j, int(rng.random() < p)) for _ in range(n_draws)]
    level = yes_saying * rng.choice([-1.0, 1.0], size=(n_respondents, 1, 1))
    drawn = 3 + level + 0.8 * profile[:, :, None] + rng.normal(0, noise, size=(n_respondents, 6, n_draws))
    direct = ratings(np.clip(drawn, 0, 6), ids, SIX)
    rated = 3 + 0.7 * profile + rng.normal(0, noise, size=profile.shape)
    orientations = [
        Orientation(
            name,
            "tiny",
            "axis",
            "subdimension",
            target,
            float(v),
            float(v - 0.8),
            float(v + 0.8),
            30,
            30,
            {},
            0.4,
        )
        for name, row in zip(ids, rated, strict=True)
        for target, v in zip(NAMES, row, strict=True)
    ]
    who = [respondent(name, family=name) for name in ids]
    return (
        profile,
        replace(study(who), compare=ComparePlan(("respondent",), 300)),
        choices(rows, SIX),
        direct,
        orientations,
    )


def test_three_methods_of_known_profiles_agree_and_tell_subdimensions_apart():
    profile, made, chosen, direct, orientations = simulated(12, np.random.default_rng(17))
    found = second_results(made, SIX, orientations, chosen, direct, np.random.default_rng(1))
    for scores in found.scores:
        own = scores.values - scores.values.mean(axis=1, keepdims=True)
        assert np.corrcoef(own.ravel(), profile.ravel())[0, 1] > 0.9
    assert np.mean([p.value for p in found.scores[0].position]) == pytest.approx(0.7, abs=0.2)
    assert found.multitrait.methods == ("projective", "choices", "direct")
    assert found.multitrait.n_respondents == 12
    # Variance of a profile is 5/6. Projective scores keep .49 * 5/6 / (.49 * 5/6 + .16) = .72 of theirs, direct ones
    # .64 * 5/6 / (.64 * 5/6 + .16 / 5) = .94: r is expected near sqrt(.72 * .94) = .82.
    projective_direct = found.multitrait.pairs[1]
    assert (projective_direct.a, projective_direct.b) == ("projective", "direct")
    assert projective_direct.mean_convergent.value == pytest.approx(0.82, abs=0.1)
    for compared in (found.multitrait, found.ipsatised):
        assert all(pair.n_positive >= 5 for pair in compared.pairs)
        assert all(pair.n_above_heteromethod >= 57 for pair in compared.pairs)
        assert all(pair.mean_convergent.low > 0.5 for pair in compared.pairs)
        assert all(pair.ratio < 0.1 for pair in compared.pairs)
    assert found.warnings == ()
    # The ipsatised traits of each method sum to zero: they correlate at about -1/5 with one another.
    assert found.ipsatised.monomethod == pytest.approx([-0.2] * 3, abs=0.05)
    # Two of three methods say how far their own scores may be off by draws, the projective test by stems.
    assert all(r is not None and 0 < r <= 1 for row in found.multitrait.reliabilities for r in row)
    assert all(r is None for row in found.ipsatised.reliabilities for r in row)


def test_methods_without_anything_in_common_do_not_agree():
    # A correlation over 12 respondents has a standard deviation of 1 / sqrt(11) = .30 about 0; the mean of six that are
    # nearly independent .13, and that of 20 studies .03. Fisher intervals lie above 0 in 2.5 % of 240: 6, with
    # a standard deviation of sqrt(240 * .025 * .975) = 2.4. Three standard deviations are allowed.
    rng = np.random.default_rng(3)
    means, n_positive = [], 0
    for _ in range(20):
        _, made, chosen, _, _ = simulated(12, rng, n_draws=2)
        _, _, _, direct, orientations = simulated(12, rng, n_draws=2)
        found = second_results(made, SIX, orientations, chosen, direct, rng)
        pairs = [p for p in found.multitrait.pairs if "choices" in (p.a, p.b)]
        means.append([p.mean_convergent.value for p in pairs])
        n_positive += sum(p.n_positive for p in pairs)
    assert np.mean(means, axis=0) == pytest.approx([0, 0], abs=0.09)
    assert n_positive <= 13


def test_a_habit_of_high_numbers_hides_agreement_that_profiles_show():
    # Numbers 1.5 points too high or too low for each respondent: choices know nothing of it, and profiles lose it.
    _, made, chosen, direct, _ = simulated(12, np.random.default_rng(8), noise=0.2, yes_saying=1.5)
    found = second_results(made, SIX, (), chosen, direct, np.random.default_rng(1))
    (raw,), (own,) = found.multitrait.pairs, found.ipsatised.pairs
    assert own.mean_convergent.value > 0.85
    assert raw.mean_convergent.value < own.mean_convergent.value - 0.2
    assert (found.multitrait.scores, found.ipsatised.scores) == ("raw", "ipsatised")


def test_draws_that_only_repeat_one_another_do_not_narrow_an_interval():
    # One coin for each pair and order, written down five times: intervals by 150 answers would be sqrt(5) too narrow.
    rng = np.random.default_rng(4)
    cells = [(i, j, int(rng.random() < 0.5)) for i in range(6) for j in range(6) if i != j]
    once = score_choices(choices([("a", *cell) for cell in cells], SIX))
    copied = score_choices(choices([("a", *cell) for cell in cells for _ in range(5)], SIX))
    assert copied.errors == pytest.approx(once.errors, rel=0.2)


def test_few_respondents_give_scores_and_a_reason():
    _, made, chosen, direct, orientations = simulated(3, np.random.default_rng(2))
    found = second_results(made, SIX, orientations, chosen, direct, np.random.default_rng(1))
    assert len(found.scores) == 2
    assert found.multitrait.reason == "A correlation over 3 respondents tells nothing; 5 are needed."
    assert found.multitrait.correlations == ()


def test_the_last_judge_speaks_for_the_projective_test():
    _, made, _, direct, orientations = simulated(12, np.random.default_rng(6))
    orientations[:6] = [replace(o, estimate=None, ci_low=None, ci_high=None) for o in orientations[:6]]
    other = [replace(o, judge="old", estimate=2.0) for o in orientations]
    elsewhere = [replace(o, system="other", judge="axis", estimate=0.0) for o in orientations]
    one = second_results(made, SIX, orientations, None, direct, np.random.default_rng(1))
    found = second_results(
        made, SIX, [*other, *orientations, *elsewhere], None, direct, np.random.default_rng(1)
    )
    assert found.multitrait == one.multitrait
    assert found.choices is None


def test_nothing_asked_means_no_warnings_and_nothing_to_compare():
    _, made, _, _, orientations = simulated(5, np.random.default_rng(6))
    found = second_results(made, SIX, orientations, None, None, np.random.default_rng(1))
    assert (found.scores, found.warnings) == ((), ())
    assert found.multitrait.reason == "1 of the methods gave scores; agreement needs two."


def test_warnings_name_who_answers_little_and_who_goes_by_place():
    made = study([respondent("a"), respondent("b")])
    rows = [("a", 0, 1, 1)] * 3 + [("a", 1, 0, 1)] * 3
    rows += [("b", 0, 1, 1), ("b", 1, 0, 0)] + [("b", 0, 1, Missing.UNPARSEABLE)] * 4
    found = second_results(made, TWO, (), choices(rows), None, np.random.default_rng(1))
    assert found.warnings == (
        "Less than half of the choices could be read of 1 of 2 respondents (first: b).",
        "1 of 2 respondents chooses by place rather than by content (first: a): standing first or second outweighs the "
        "widest difference between two statements.",
        "Respondents of one family are not independent, so intervals of correlations by Fisher's z are too narrow; "
        "resampling is by respondents.",
    )
