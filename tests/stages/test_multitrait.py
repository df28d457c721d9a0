import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stages.multitrait import Compared, fisher_estimate, multitrait_multimethod
from valuelex.stats.bootstrap import resample_units

TRAITS = ("care", "skill")
# Ranks, so r = 1 - 6 * (sum of squared differences) / 120.
ONE = np.array([[1, 2, 3, 4, 5], [5, 1, 4, 2, 3]], dtype=float).T
OTHER = np.array([[2, 1, 4, 3, 5], [4, 1, 5, 2, 3]], dtype=float).T


def compared(n, form="raw", n_units=None):
    n_units = n_units or n
    weights = resample_units(n_units, 200, np.random.default_rng(1)) if n_units > 1 else np.ones((1, 1))
    return Compared(form, np.arange(n) % n_units, weights)


def of(one=ONE, other=OTHER, reliabilities=None):
    return multitrait_multimethod(
        {"choices": one, "direct": other},
        reliabilities or {"choices": None, "direct": None},
        TRAITS,
        compared(len(one)),
    )


def test_the_matrix_by_hand():
    # Differences of ranks. Care by both: 1, 1, 1, 1, 0: r = .8. Skill by both: 1, 0, 1, 0, 0: r = .9.
    # Care by choices with skill by choices: 4, 1, 1, 2, 2, sum of squares 26: r = -.3; with skill by direct: 3, 1, 2,
    # 2, 2: r = -.1. Care by direct with skill by choices: 3, 0, 0, 1, 2: r = .3; by direct: 2, 0, 1, 1, 2: r = .5.
    found = of()
    assert np.array(found.correlations) == pytest.approx(
        np.array([[1, -0.3, 0.8, -0.1], [-0.3, 1, 0.3, 0.9], [0.8, 0.3, 1, 0.5], [-0.1, 0.9, 0.5, 1]])
    )
    assert found.monomethod == pytest.approx((-0.3, 0.5))
    assert [(c.trait, c.a, c.b) for c in found.convergences] == [
        ("care", "choices", "direct"),
        ("skill", "choices", "direct"),
    ]
    (pair,) = found.pairs
    assert pair.mean_convergent.value == pytest.approx(0.85)
    assert pair.mean_heterotrait == pytest.approx(0.1)
    assert pair.ratio == pytest.approx(0.1 / 0.85)
    # Each of the two is held against its row and column: -.1 and .3 between, and -.3 and .5 within the methods.
    assert (pair.n_above_heteromethod, pair.n_heteromethod) == (4, 4)
    assert (pair.n_above_monomethod, pair.n_monomethod) == (4, 4)
    # Fisher, n = 5: less 1.959964 / sqrt(2) = 1.385904, atanh(.8) = 1.098612 lies below 0, atanh(.9) = 1.472219 not.
    assert (pair.n_positive, pair.n_convergent) == (1, 2)


def test_fisher_interval_by_hand():
    found = fisher_estimate(0.8, 5)
    assert found.low == pytest.approx(np.tanh(1.098612 - 1.385904), abs=1e-5)
    assert found.high == pytest.approx(np.tanh(1.098612 + 1.385904), abs=1e-5)
    assert fisher_estimate(0.8, 4).reason == "A correlation over 4 respondents tells nothing; 5 are needed."
    assert fisher_estimate(1.0, 9).low is None
    assert fisher_estimate(np.nan, 9).reason == "One of the two does not vary."


def test_a_convergent_value_that_another_exceeds_loses_to_it():
    # Traits of the second method exchanged: convergent -.1 and .3, between methods .8 and .9, within -.3 and .5.
    # Between: all lose. Within: -.1 beats -.3, .3 beats -.3, both lose to .5.
    (pair,) = of(other=OTHER[:, ::-1]).pairs
    assert pair.n_above_heteromethod == 0
    assert pair.n_above_monomethod == 2
    assert pair.ratio == pytest.approx(0.85 / 0.1)


def test_disattenuation_divides_by_the_root_of_both_reliabilities():
    # .8 / sqrt(.64 * 1) = 1; of skill one reliability is unknown.
    found = of(reliabilities={"choices": np.array([0.64, np.nan]), "direct": np.array([1.0, 0.5])})
    assert [c.disattenuated for c in found.convergences] == [pytest.approx(1.0), None]
    assert found.reliabilities == ((0.64, None), (1.0, 0.5))


def test_fewer_than_five_respondents_tell_nothing():
    found = of(ONE[:3], OTHER[:3])
    assert found.reason == found.verdict == "A correlation over 3 respondents tells nothing; 5 are needed."
    assert (found.correlations, found.pairs, found.convergences) == ((), (), ())


def test_pairs_without_enough_scores_have_no_correlation():
    other = OTHER.copy()
    other[0, 1] = np.nan
    found = of(other=other)
    assert found.correlations[1][3] is None
    assert (
        found.convergences[1].correlation.reason
        == "A correlation over 4 respondents tells nothing; 5 are needed."
    )
    (pair,) = found.pairs
    assert (pair.n_convergent, pair.n_heteromethod) == (1, 1)
    assert pair.mean_convergent.value == pytest.approx(0.8)


def test_a_method_without_scores_is_left_out():
    found = multitrait_multimethod(
        {"projective": np.full((5, 2), np.nan), "choices": ONE, "direct": OTHER},
        dict.fromkeys(("projective", "choices", "direct")),
        TRAITS,
        compared(5),
    )
    assert found.methods == ("choices", "direct")


def test_intervals_are_resampled_from_ten_units_on():
    rng = np.random.default_rng(4)
    one = rng.normal(size=(20, 2))
    other = one + 0.5 * rng.normal(size=(20, 2))
    tables = {"choices": one, "direct": other}
    many = multitrait_multimethod(tables, dict.fromkeys(tables), TRAITS, compared(20))
    few = multitrait_multimethod(tables, dict.fromkeys(tables), TRAITS, compared(20, n_units=5))
    (pair,) = many.pairs
    assert pair.mean_convergent.low < pair.mean_convergent.value < pair.mean_convergent.high
    assert many.convergences[0].resampled.low > 0
    assert few.convergences[0].resampled.low is None
    assert few.convergences[0].resampled.reason == "5 units are too few to resample; 10 are needed."
    assert few.pairs[0].mean_convergent.value == pytest.approx(pair.mean_convergent.value)


def test_the_verdict_says_what_was_found():
    # r = .9 over 5: z = 1.472 x sqrt(2) = 2.08, p = .037, by Holm over two .075.
    assert of().verdict == (
        "Scores as they are: no two methods agree on any subdimension beyond chance (Holm's correction over 2 "
        "comparisons). Choices and direct: mean convergent correlation 0.85 (5 respondents), above 0 on 1 of 2 "
        "subdimensions, and larger than 4 of 4 correlations between different subdimensions by these two methods."
    )
    assert "no two methods agree on any subdimension beyond chance" in of(other=OTHER[:, ::-1]).verdict
    assert "all methods agree on every subdimension beyond chance" in of(other=ONE).verdict


def test_a_method_that_tells_nobody_apart_is_no_evidence_of_disagreement():
    assert of(other=np.full_like(ONE, 3.0)).verdict == (
        "Scores as they are: no subdimension has a correlation between two methods, so agreement cannot be told."
    )


def test_the_order_of_respondents_does_not_matter():
    order = np.array([3, 0, 4, 1, 2])
    assert np.array(of(ONE[order], OTHER[order]).correlations) == pytest.approx(np.array(of().correlations))


def test_tables_of_other_shapes_are_refused():
    with pytest.raises(DataError, match=r"Scores of 'direct' have shape \(4, 2\), expected \(5, 2\)"):
        of(other=OTHER[:4])
