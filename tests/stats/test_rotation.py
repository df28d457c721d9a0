"""Rotation: hand calculations, degenerate input and invariances; other software is in rotation_oracle.py."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.congruence import align_loadings, procrustes
from valuelex.stats.flags import Weakness
from valuelex.stats.rotation import CRITERIA, Rotation, rotate

MINIMISED = [c for c in CRITERIA if c not in ("none", "promax") and not c.startswith("target")]
OBLIQUE = ("oblimin", "quartimin", "geomin", "bifactor_oblique", "promax", "target")


def simple_structure(p: int = 18, k: int = 3, *, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """Loadings of p variables, each mainly on one of k factors, turned at random."""
    rng = np.random.default_rng(seed)
    a = rng.normal(0, noise, (p, k))
    a[np.arange(p), np.arange(p) % k] += rng.uniform(0.4, 0.8, p)
    q, _ = np.linalg.qr(rng.normal(size=(k, k)))
    return a @ q


def assert_consistent(a: np.ndarray, r: Rotation, criterion: str) -> None:
    """The result is a rotation of these loadings, whatever it minimises."""
    t, k = r.transformation, a.shape[1]
    np.testing.assert_allclose(np.diag(r.phi), 1.0, atol=1e-12)
    np.testing.assert_allclose(t.T @ t, r.phi, atol=1e-10)
    np.testing.assert_allclose(r.pattern @ r.phi @ r.pattern.T, a @ a.T, atol=1e-8)
    np.testing.assert_allclose(r.pattern, a @ np.linalg.inv(t).T, atol=1e-8)
    if criterion not in OBLIQUE:
        np.testing.assert_array_equal(r.phi, np.eye(k))
        np.testing.assert_allclose(r.pattern, a @ t, atol=1e-10)


# By hand ------------------------------------------------------------------------------------------------


def turned(angle: float) -> np.ndarray:
    """Four variables in two perfect clusters, turned."""
    simple = np.array([[0.8, 0.0], [0.6, 0.0], [0.0, 0.7], [0.0, 0.5]])
    c, s = np.cos(angle), np.sin(angle)
    return simple @ np.array([[c, -s], [s, c]])


@pytest.mark.parametrize("criterion", [c for c in MINIMISED if not c.startswith("bifactor")])
def test_perfect_clusters_are_found(criterion: str) -> None:
    r = rotate(turned(0.6), criterion)
    expected = [[0.8, 0.0], [0.6, 0.0], [0.0, 0.7], [0.0, 0.5]]
    # Geomin adds delta before it takes products, which shifts its optimum a little.
    atol = 0.02 if criterion.startswith("geomin") else 1e-7
    np.testing.assert_allclose(r.pattern, expected, atol=atol)
    np.testing.assert_allclose(r.phi, np.eye(2), atol=3 * atol)
    assert r.converged
    assert r.flags == ()


def test_values_of_the_criteria_by_hand() -> None:
    # Perfect clusters with squares (.64, 0), (.36, 0), (0, .49), (0, .25).
    a = turned(0.6)
    # Oblimin: products of squares of different factors are all 0.
    assert rotate(a, "oblimin").value == pytest.approx(0.0, abs=1e-12)
    # Quartimax: -(.64^2 + .36^2 + .49^2 + .25^2) / 4 = -(.4096 + .1296 + .2401 + .0625) / 4.
    assert rotate(a, "quartimax").value == pytest.approx(-0.8418 / 4, abs=1e-10)
    # Varimax: the sum of squares less p times the squared mean: .8418 - 4 (.25^2 + .185^2) = .8418 - .3869.
    assert rotate(a, "varimax").value == pytest.approx(-0.4549 / 4, abs=1e-10)
    # Geomin, orthogonal, at the clusters: sum of sqrt((s + .01) (.01)); the minimum lies at or below it.
    at_clusters = sum(np.sqrt((s + 0.01) * 0.01) for s in (0.64, 0.36, 0.49, 0.25))
    assert rotate(a, "geomin_orthogonal").value == pytest.approx(at_clusters, abs=1e-3)
    # Oblimin with gamma -1 at the clusters: 0 + (1 / 4) sum_i sum_i' S_i1 S_i'2 2 / 4 = 1 * .74 * 2 / 16.
    assert rotate(a, "oblimin", gamma=-1.0, max_iterations=0, start=unturn(0.6)).value == pytest.approx(
        0.0925
    )


def unturn(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s], [-s, c]])


def test_varimax_of_two_factors_has_the_angle_of_kaiser() -> None:
    # tan 4v = (2 sum uv - 2 sum u sum v / p) / (sum (u^2 - v^2) - ((sum u)^2 - (sum v)^2) / p),
    # u = x^2 - y^2, v = 2xy.
    a = simple_structure(10, 2, noise=0.2, seed=4)
    x, y = a.T
    u, v = x**2 - y**2, 2 * x * y
    numerator = 2 * (u * v).sum() - 2 * u.sum() * v.sum() / 10
    denominator = (u**2 - v**2).sum() - (u.sum() ** 2 - v.sum() ** 2) / 10
    expected = a @ unturn(-np.arctan2(numerator, denominator) / 4)
    aligned = align_loadings(rotate(a, "varimax").pattern, expected)
    np.testing.assert_allclose(aligned.loadings, expected, atol=1e-8)


def test_a_full_target_is_met_by_procrustes() -> None:
    a = simple_structure()
    target = np.round(rotate(a, "varimax").pattern)[:, [2, 0, 1]] * [1, -1, 1]
    r = rotate(a, "target_orthogonal", target=target)
    rotated, t = procrustes(a, target)
    np.testing.assert_allclose(r.pattern, rotated, atol=1e-8)
    np.testing.assert_allclose(r.transformation, t, atol=1e-8)
    assert r.value == pytest.approx(((rotated - target) ** 2).sum(), abs=1e-10)


def test_a_target_that_can_be_reached_is_reached_where_it_is_known() -> None:
    rng = np.random.default_rng(2)
    pattern = np.where(np.arange(12)[:, None] % 3 == np.arange(3), rng.uniform(0.4, 0.8, (12, 3)), 0.0)
    phi = np.array([[1.0, 0.4, 0.2], [0.4, 1.0, 0.3], [0.2, 0.3, 1.0]])
    a = pattern @ np.linalg.cholesky(phi)
    target = np.where(pattern == 0, 0.0, np.nan)
    target[0, 0] = pattern[0, 0]
    r = rotate(a, "target", target=target)
    assert r.value == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(r.pattern, pattern, atol=1e-5)
    np.testing.assert_allclose(r.phi, phi, atol=1e-5)


def test_promax_is_the_rescaled_fit_to_signed_powers() -> None:
    a = simple_structure(12, 3, seed=5)
    simple = rotate(a, "varimax").pattern
    fit = np.linalg.lstsq(simple, np.sign(simple) * simple**4, rcond=None)[0]
    fit *= np.sqrt(np.diag(np.linalg.inv(fit.T @ fit)))
    r = rotate(a, "promax")
    aligned = align_loadings(r.pattern, simple @ fit)
    np.testing.assert_allclose(aligned.loadings, simple @ fit, atol=1e-10)
    inverse = np.linalg.inv(fit)
    np.testing.assert_allclose(aligned.factor_correlations(r.phi), inverse @ inverse.T, atol=1e-10)
    assert not np.allclose(rotate(a, "promax", power=2.0).phi, r.phi, atol=1e-3)


def test_normalising_rotates_directions_and_gives_lengths_back() -> None:
    a = simple_structure(15, 3, noise=0.2, seed=6)
    lengths = np.linalg.norm(a, axis=1)
    r = rotate(a, "varimax", normalise=True)
    by_hand = rotate(a / lengths[:, None], "varimax").pattern * lengths[:, None]
    np.testing.assert_allclose(align_loadings(by_hand, r.pattern).loadings, r.pattern, atol=1e-8)
    np.testing.assert_allclose(np.linalg.norm(r.pattern, axis=1), lengths, atol=1e-12)


def test_the_general_factor_comes_first() -> None:
    rng = np.random.default_rng(7)
    pattern = np.zeros((15, 4))
    pattern[:, 0] = rng.uniform(0.2, 0.3, 15)  # the smallest sum of squares of the four
    pattern[np.arange(15), np.arange(15) % 3 + 1] = rng.uniform(0.5, 0.7, 15)
    q, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    r = rotate(pattern @ q, "bifactor", n_starts=20, rng=rng)
    assert r.value == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(r.pattern[:, 0], pattern[:, 0], atol=1e-6)
    np.testing.assert_allclose(align_loadings(r.pattern, pattern).loadings, pattern, atol=1e-6)


def test_order_and_signs() -> None:
    a = simple_structure(20, 4, seed=8)
    for criterion in ("varimax", "geomin", "promax"):
        pattern = rotate(-a, criterion).pattern
        squares = (pattern**2).sum(axis=0)
        assert (np.diff(squares) <= 0).all()
        assert (pattern.sum(axis=0) >= 0).all()


# Starts, convergence and flags --------------------------------------------------------------------------


def several_optima() -> np.ndarray:
    return np.random.default_rng(11).normal(0, 0.4, (12, 4))


def test_local_optima_are_counted_and_flagged() -> None:
    r = rotate(several_optima(), "geomin", n_starts=40, rng=np.random.default_rng(0))
    assert len(r.optima) > 1
    assert sum(o.n_starts for o in r.optima) <= 40
    values = [o.value for o in r.optima]
    assert values == sorted(values)
    assert r.value == values[0]
    (flag,) = [f for f in r.flags if f.weakness is Weakness.LOCAL_OPTIMA]
    assert flag.detail.startswith(f"40 starts ended at {len(r.optima)} optima: value {values[0]:.6g} from ")


def test_more_starts_are_never_worse() -> None:
    a = several_optima()
    values = [
        float(rotate(a, "geomin", n_starts=n, rng=np.random.default_rng(0)).value) for n in (1, 5, 20, 60)
    ]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(values))


def test_one_start_needs_no_generator_and_repeats_itself() -> None:
    a = simple_structure()
    np.testing.assert_array_equal(rotate(a, "geomin").pattern, rotate(a, "geomin").pattern)
    assert len(rotate(a, "geomin").optima) == 1


def test_an_iteration_cut_short_is_flagged() -> None:
    r = rotate(simple_structure(), "geomin", max_iterations=3)
    assert not r.converged
    assert [str(f) for f in r.flags] == [
        "NOT_CONVERGED: it had not converged after at most 3 evaluations of the criterion"
    ]
    assert_consistent(simple_structure(), r, "geomin")
    stack = rotate(np.stack([simple_structure(seed=i) for i in range(5)]), "geomin", max_iterations=3)
    assert "5 of 5 rotations (first: 0, 1, 2 and 2 more)" in stack.flags[0].detail


def test_a_criterion_without_bound_is_flagged() -> None:
    # Oblimin with gamma 1 falls without end as factors come to coincide.
    r = rotate(several_optima(), "oblimin", gamma=1.0, max_iterations=200)
    assert [f.weakness for f in r.flags] == [Weakness.NOT_CONVERGED]
    assert np.isfinite(r.pattern).all()
    assert np.isfinite(r.phi).all()


@pytest.mark.parametrize("criterion", ["varimax", "quartimax", "oblimin", "geomin", "promax"])
def test_a_general_and_a_bipolar_factor_are_not_taken_for_simple(criterion: str) -> None:
    # All criteria have no gradient here, since every square is .25; clusters are at 45 degrees, sqrt(.5).
    a = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [0.5, -0.5]])
    r = rotate(a, criterion)
    clusters = np.sqrt(0.5) * np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    np.testing.assert_allclose(align_loadings(r.pattern, clusters).loadings, clusters, atol=1e-6)


def test_a_good_start_saves_iterations() -> None:
    a = simple_structure(40, 5)
    cold = rotate(a, "oblimin")
    warm = rotate(a, "oblimin", start=cold.transformation)
    assert warm.n_iterations <= 1
    np.testing.assert_allclose(warm.pattern, cold.pattern, atol=1e-8)


# Degenerate input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("criterion", [c for c in CRITERIA if not c.startswith("target")])
def test_a_single_factor_is_left_alone(criterion: str) -> None:
    a = np.array([[0.5], [-0.6], [-0.7]])
    r = rotate(a, criterion)
    np.testing.assert_array_equal(r.pattern, a)
    np.testing.assert_array_equal(r.phi, [[1.0]])
    assert r.converged
    assert r.flags == ()


def test_none_leaves_loadings_alone() -> None:
    a = simple_structure()
    r = rotate(a, "none")
    np.testing.assert_array_equal(r.pattern, a)
    np.testing.assert_array_equal(r.transformation, np.eye(3))
    assert np.isnan(r.value)


@pytest.mark.parametrize("criterion", [c for c in MINIMISED if not c.startswith("bifactor")])
def test_a_variable_without_loadings_stays_at_zero(criterion: str) -> None:
    a = simple_structure()
    a[4] = 0.0
    r = rotate(a, criterion, normalise=True)
    np.testing.assert_array_equal(r.pattern[4], 0.0)
    assert np.isfinite(r.pattern).all()
    assert r.converged


@pytest.mark.parametrize("criterion", MINIMISED)
def test_loadings_of_deficient_rank(criterion: str) -> None:
    a = simple_structure(18, 3)
    a = np.column_stack([a, a[:, 0] + a[:, 1]])
    r = rotate(a, criterion, n_starts=5, rng=np.random.default_rng(0))
    assert np.isfinite(r.pattern).all()
    np.testing.assert_allclose(r.pattern @ r.phi @ r.pattern.T, a @ a.T, atol=1e-6)
    assert r.converged or r.flags[0].weakness is Weakness.NOT_CONVERGED


def test_no_loadings_at_all() -> None:
    for criterion in MINIMISED:
        r = rotate(np.zeros((6, 3)), criterion)
        np.testing.assert_array_equal(r.pattern, np.zeros((6, 3)))
        assert r.converged


def test_fewer_variables_than_factors() -> None:
    a = several_optima()[:2]
    r = rotate(a, "varimax")
    np.testing.assert_allclose(r.pattern @ r.pattern.T, a @ a.T, atol=1e-10)


GOOD = np.full((6, 3), 0.5) + np.eye(6, 3)
HOLED = GOOD.copy()
HOLED[1, 2], HOLED[3, 0] = np.nan, np.inf


@pytest.mark.parametrize(
    ("loadings", "criterion", "options", "message"),
    [
        (
            HOLED,
            "oblimin",
            {},
            "loadings hold 2 missing or infinite values (first: row 1 column 2, row 3 column 0); leave those "
            "variables out.",
        ),
        (
            np.stack([GOOD, HOLED]),
            "oblimin",
            {},
            "loadings hold 2 missing or infinite values (first: row 1 column 2 of matrix 1, row 3 column 0 of "
            "matrix 1); leave those variables out.",
        ),
        (
            np.empty((6, 0)),
            "varimax",
            {},
            "loadings have shape (6, 0); give a matrix of variables × factors with at least one of each, or a "
            "stack of such matrices.",
        ),
        (
            np.ones(4),
            "varimax",
            {},
            "loadings have shape (4,); give a matrix of variables × factors with at least one of each, or a "
            "stack of such matrices.",
        ),
        ([["a"]], "varimax", {}, "loadings hold values that are not numbers; give an array of numbers."),
        (
            GOOD,
            "varymax",
            {},
            "criterion must be one of 'none', 'promax', 'varimax', 'quartimax', 'geomin_orthogonal', 'bifactor', "
            "'target_orthogonal', 'oblimin', 'quartimin', 'geomin', 'bifactor_oblique', 'target', not 'varymax'.",
        ),
        (GOOD, "oblimin", {"n_starts": 0}, "n_starts is 0; give a whole number of at least 1."),
        (
            GOOD,
            "oblimin",
            {"n_starts": 9},
            "9 starts are random but for the first; give a random generator as rng.",
        ),
        (
            GOOD,
            "oblimin",
            {"gamma": 2.0},
            "gamma is 2; oblimin is defined for at most 1, and usually 0.",
        ),
        (GOOD, "geomin", {"delta": 0.0}, "delta is 0; geomin needs more than 0, and usually .01."),
        (GOOD, "promax", {"power": 1.0}, "power is 1; promax needs more than 1, and usually 4."),
        (
            GOOD,
            "target",
            {"normalise": True, "target": GOOD},
            "A target is given in loadings, not in normalised loadings; leave normalise off.",
        ),
        (
            GOOD[:, :2],
            "bifactor",
            {},
            "One general and one group factor can be rotated at will; a bifactor rotation needs 3 factors.",
        ),
        (
            GOOD,
            "target",
            {},
            "'target' needs a target of shape (6, 3), with NaN where a loading is free.",
        ),
        (
            GOOD,
            "varimax",
            {"target": GOOD},
            "'varimax' has no target; choose 'target' or 'target_orthogonal', or give none.",
        ),
        (
            GOOD,
            "target",
            {"target": np.full((6, 3), np.nan)},
            "target has shape (6, 3) and 0 finite cells; it needs shape (6, 3), at least one known cell, and NaN, "
            "not infinity, where a loading is free.",
        ),
        (
            GOOD,
            "oblimin",
            {"start": np.eye(2)},
            "start has shape (2, 2); it needs shape (3, 3) or (1, 3, 3), and finite cells.",
        ),
        (
            GOOD,
            "oblimin",
            {"start": np.ones((3, 3))},
            "start is singular; give an invertible transformation.",
        ),
        (
            np.column_stack([GOOD[:, :2], GOOD[:, 0]]),
            "promax",
            {},
            "1 of 1 loading matrices (first: 0) have fewer independent factors than columns, so promax has no "
            "solution; extract fewer factors or choose another criterion.",
        ),
    ],
)
def test_what_cannot_be_rotated_is_refused(
    loadings: object, criterion: str, options: dict, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        rotate(loadings, criterion, **options)
    assert str(caught.value) == message


# Invariances --------------------------------------------------------------------------------------------

matrices = st.builds(
    simple_structure,
    p=st.integers(8, 20),
    k=st.integers(3, 5),
    noise=st.sampled_from([0.02, 0.1]),
    seed=st.integers(0, 10_000),
)
criteria = st.sampled_from([*MINIMISED, "promax"])
few = settings(max_examples=25, deadline=None)


@few
@given(a=matrices, criterion=criteria, normalise=st.booleans())
@example(a=simple_structure(18, 4, seed=2295), criterion="bifactor", normalise=True)
def test_the_common_part_is_reproduced(a: np.ndarray, criterion: str, normalise: bool) -> None:
    before = a.copy()
    assert_consistent(a, rotate(a, criterion, normalise=normalise), criterion)
    np.testing.assert_array_equal(a, before)


@few
@given(a=matrices, criterion=st.sampled_from(MINIMISED), seed=st.integers(0, 1000))
def test_the_value_never_rises(a: np.ndarray, criterion: str, seed: int) -> None:
    start, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(a.shape[1], a.shape[1])))
    values = [
        float(rotate(a, criterion, start=start, max_iterations=m).value) for m in (0, 1, 2, 4, 8, 16, 1000)
    ]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(values))


@few
@given(a=matrices, criterion=criteria, seed=st.integers(0, 1000))
def test_permuting_rows_permutes_rows(a: np.ndarray, criterion: str, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(a))
    np.testing.assert_allclose(
        rotate(a[order], criterion).pattern, rotate(a, criterion).pattern[order], atol=1e-5
    )


@few
@given(a=matrices, criterion=st.sampled_from(["varimax", "quartimax", "oblimin", "promax"]), data=st.data())
def test_order_and_signs_of_the_unrotated_factors_do_not_matter(
    a: np.ndarray, criterion: str, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(a.shape[1])))
    signs = np.array(data.draw(st.lists(st.sampled_from([-1, 1]), min_size=5, max_size=5)))[: a.shape[1]]
    one, other = rotate(a, criterion), rotate(a[:, order] * signs, criterion)
    aligned = align_loadings(other.pattern, one.pattern)
    np.testing.assert_allclose(aligned.loadings, one.pattern, atol=1e-5)
    np.testing.assert_allclose(aligned.factor_correlations(other.phi), one.phi, atol=1e-5)


@few
@given(criterion=criteria, k=st.integers(3, 4), seed=st.integers(0, 10_000), n_starts=st.sampled_from([1, 3]))
def test_a_stack_equals_its_matrices_one_by_one(criterion: str, k: int, seed: int, n_starts: int) -> None:
    stack = np.stack([simple_structure(14, k, seed=seed + i) for i in range(4)])
    together = rotate(stack, criterion, n_starts=n_starts, rng=np.random.default_rng(seed))
    for i, a in enumerate(stack):
        alone = rotate(a, criterion, n_starts=n_starts, rng=np.random.default_rng(seed))
        np.testing.assert_allclose(together.pattern[i], alone.pattern, atol=1e-6)
        np.testing.assert_allclose(together.phi[i], alone.phi, atol=1e-6)
        assert together.value[i] == pytest.approx(float(alone.value), abs=1e-10)
        assert together.converged[i] == alone.converged
    assert together.optima == ()


@few
@given(a=matrices, scale=st.sampled_from([1e-3, 30.0]))
def test_the_scale_of_loadings_does_not_matter_to_quartic_criteria(a: np.ndarray, scale: float) -> None:
    for criterion in ("varimax", "oblimin"):
        one, other = rotate(a, criterion), rotate(scale * a, criterion)
        np.testing.assert_allclose(other.pattern / scale, one.pattern, atol=1e-6)
        np.testing.assert_allclose(other.phi, one.phi, atol=1e-6)


def test_more_problems_than_fit_a_block() -> None:
    base = simple_structure(300, 5)
    stack = base + np.random.default_rng(0).normal(0, 0.02, (90, 300, 5))
    together = rotate(stack, "oblimin")
    for i in (0, 45, 89):
        np.testing.assert_allclose(together.pattern[i], rotate(stack[i], "oblimin").pattern, atol=1e-6)
