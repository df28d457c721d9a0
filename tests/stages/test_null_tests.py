import numpy as np
import pytest

from two_level_lists import two_level_lists
from valuelex.stages import null_tests
from valuelex.stages.material import Material, gather
from valuelex.stages.null_tests import NullTests
from valuelex.stats.block_model import Outcome
from valuelex.stats.levels import ListCounts


def material_of(planted) -> Material:
    return gather(planted.matrix, planted.sources.units(), None)


def null_tests_of(planted) -> NullTests:
    rng = np.random.default_rng(0)
    return null_tests.null_tests(planted.matrix, material_of(planted), (1.0, 1.0, 0.0), planted.group, 4, rng)


def sums(counts: ListCounts) -> tuple[np.ndarray, list[float]]:
    """How often each unit names each term, and the number and lengths of its lists."""
    member = np.eye(counts.n_units)[counts.unit].T
    return member @ counts.totals.toarray(), [counts.n_lists.sum(), counts.lengths.sum()]


def test_reshuffled_responses_keep_what_each_source_names_and_nothing_else():
    planted = two_level_lists(within=1.2)
    material = material_of(planted)
    counts = material.evidence.counts
    assert counts is not None
    draw = null_tests._reshuffling(planted.matrix, material, np.random.default_rng(1))
    drawn = [draw() for _ in range(5)]
    for replicate in drawn:
        for own, other in zip(sums(counts), sums(replicate), strict=True):
            np.testing.assert_array_equal(own, other)
    # Pairs of one group come together in the data oftener than in any replicate.
    inside = planted.group[counts.first] == planted.group[counts.second]
    together = counts.pairs.sum(axis=0)[inside].sum()
    for replicate in drawn:
        own = planted.group[replicate.first] == planted.group[replicate.second]
        assert replicate.pairs.sum(axis=0)[own].sum() < together


@pytest.mark.parametrize(
    ("strength", "where"),
    [({"within": 1.2}, "reshuffled responses"), ({"between": 1.0}, "shuffled profiles")],
)
def test_structure_is_beyond_all_replicates_of_its_own_level(strength, where):
    found = null_tests_of(two_level_lists(**strength))
    tests = {t.name: t for t in found.tests}
    assert {name: t.n_replicates for name, t in tests.items()} == {
        "reshuffled responses": 19,
        "shuffled profiles": 99,
    }
    # Beyond all replicates: 1 in 20, or 1 in 100.
    assert tests[where].p == pytest.approx(1 / (tests[where].n_replicates + 1))
    assert tests[where].null_mean < 0 < tests[where].observed
    # All structure was taken from the controls, at both levels.
    assert len(found.controls) == 4
    assert abs(np.mean([c.trace for c in found.controls])) < 3
    assert Outcome.GROUPS not in {c.outcome for c in found.controls}
    assert "GROUPS" not in {c.outcome.value for c in found.controls}


def test_what_is_no_structure_is_among_its_replicates():
    tests = null_tests_of(two_level_lists(style=1.0)).tests
    assert all(t.p > 0.05 for t in tests)
    assert all(t.null_mean - 5 < t.observed < t.null_high + 1 for t in tests)
