import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats import associations
from valuelex.stats.associations import (
    between_profiles,
    phi_of_lists,
    ppmi_of_lists,
    ratings_of_rows,
    within_profiles,
)
from valuelex.stats.cooccurrence import cooccurrence, ppmi

N_UNITS, PER_UNIT, P = 8, 30, 7


def lists(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(N_UNITS), PER_UNIT)
    taste = rng.uniform(0.15, 0.6, (N_UNITS, P))
    return (rng.random((len(unit), P)) < taste[unit]).astype(np.uint8), unit


def repeated(x: np.ndarray, unit: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The rows of the units as often as they were drawn, one after the other."""
    return np.concatenate([x[unit == u] for u in range(N_UNITS) for _ in range(int(counts[u]))])


COUNTS = np.array([2, 0, 1, 1, 3, 0, 1, 0], dtype=float)


@pytest.mark.parametrize("stack", [associations.LARGEST_STACK, 0])
def test_phi_is_the_correlation_of_the_rows_that_were_drawn(monkeypatch, stack):
    monkeypatch.setattr(associations, "LARGEST_STACK", stack)
    x, unit = lists()
    expected = np.corrcoef(repeated(x, unit, COUNTS).T)
    np.testing.assert_allclose(phi_of_lists(x, unit)(COUNTS), expected, atol=1e-12)


def test_ppmi_compares_profiles_by_their_angle():
    x, unit = lists()
    drawn = repeated(x, unit, COUNTS)
    profiles = ppmi(cooccurrence(drawn), len(drawn), smoothing=0.5)
    lengths = np.linalg.norm(profiles, axis=0)
    expected = profiles.T @ profiles / np.outer(lengths, lengths)
    np.testing.assert_allclose(ppmi_of_lists(x, unit)(COUNTS), expected, atol=1e-12)


def test_between_and_within_take_the_lists_apart():
    x, unit = lists()
    shares = np.array([x[unit == u].mean(axis=0) for u in range(N_UNITS)])
    each = np.repeat(np.arange(N_UNITS), COUNTS.astype(int))
    np.testing.assert_allclose(
        between_profiles(x, unit, unit)(COUNTS), np.corrcoef(np.sqrt(shares[each]).T), atol=1e-12
    )
    drawn = repeated(x - shares[unit], unit, COUNTS)
    np.testing.assert_allclose(within_profiles(x, unit, unit)(COUNTS), np.corrcoef(drawn.T), atol=1e-12)


def test_families_of_models_are_drawn_whole():
    x, model = lists()
    family = model // 2
    weights = np.array([2.0, 0.0, 1.0, 1.0])
    per_model = np.repeat(weights, 2)
    for kind in (between_profiles, within_profiles):
        np.testing.assert_allclose(
            kind(x, model, family)(weights), kind(x, model, model)(per_model), atol=1e-12
        )


def test_ratings_are_correlated_over_the_rows_that_hold_both():
    rng = np.random.default_rng(1)
    table = rng.standard_normal((20, 5)) + rng.standard_normal((20, 1))
    unit = np.arange(20)
    weights = rng.multinomial(20, np.full(20, 0.05)).astype(float)
    drawn = np.repeat(table, weights.astype(int), axis=0)
    np.testing.assert_allclose(ratings_of_rows(table, unit)(weights), np.corrcoef(drawn.T), atol=1e-12)
    table[[0, 3, 7], [1, 1, 4]] = np.nan
    found = ratings_of_rows(table, unit)(np.ones(20))
    both = np.isfinite(table[:, 1]) & np.isfinite(table[:, 4])
    assert both.sum() == 17
    assert found[1, 4] == pytest.approx(np.corrcoef(table[both][:, [1, 4]].T)[0, 1], abs=1e-12)
    np.testing.assert_array_equal(np.diag(found), 1.0)


@pytest.mark.parametrize(
    "kind",
    [
        phi_of_lists,
        ppmi_of_lists,
        lambda x, unit: between_profiles(x, unit, unit),
        lambda x, unit: within_profiles(x, unit, unit),
    ],
)
def test_a_column_that_a_resample_lacks_is_nan_there_and_changes_nothing_else(kind):
    x, unit = lists()
    x[:, 0] = 0
    x[unit == 1, 0] = np.arange(PER_UNIT) % 2  # The only unit that names it; COUNTS leaves it out.
    found = kind(x, unit)(COUNTS)
    assert np.isnan(found[0]).all()
    assert np.isnan(found[:, 0]).all()
    if kind is not ppmi_of_lists:  # There the profile loses a place.
        np.testing.assert_allclose(found[1:, 1:], kind(x[:, 1:], unit)(COUNTS), atol=1e-12)
    assert np.isfinite(found[1:, 1:]).all()


def test_what_cannot_be_profiled_is_refused():
    x, unit = lists()
    with pytest.raises(DataError, match="profiles names 2 independent units"):
        between_profiles(x, unit // 4, unit)
    with pytest.raises(DataError, match="4 of 4 profiles belong to more than one unit; give units"):
        between_profiles(x, unit // 2, unit)
