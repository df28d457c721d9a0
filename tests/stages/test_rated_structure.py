import numpy as np
import pytest

from valuelex.domain.evidence import Level, Outcome
from valuelex.domain.rated_terms import RatedProfiles
from valuelex.domain.sources import Units
from valuelex.domain.study import ConstructPlan
from valuelex.errors import DataError
from valuelex.stages.rated_structure import structure_of_ratings, system_of_ratings
from valuelex.stats.stability import compare_partitions

TRUE = np.repeat([0, 1, 2], 8)
TERMS = tuple(f"t{i:02d}" for i in range(24))
PLAN = ConstructPlan(resamples=20)


def profiles(n_units: int, loading: float, seed: int = 1, elevation: float = 1.0) -> RatedProfiles:
    """Units that value three groups of eight terms each in their own measure, and rate all terms more or less high."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n_units, 3))[:, TRUE]
    noise = rng.normal(size=(n_units, 24))
    high = elevation * rng.normal(size=(n_units, 1))
    raw = np.clip(3 + 0.7 * (loading * common + noise) + 0.7 * high, 0, 6)
    centred = raw - raw.mean(axis=1, keepdims=True)
    return RatedProfiles(tuple(f"m{i}" for i in range(n_units)), TERMS, raw, centred, (), (), 0)


def each(n: int) -> Units:
    return Units("models", tuple(f"m{i}" for i in range(n)), "", ())


def found(of: RatedProfiles, plan: ConstructPlan = PLAN, units: Units | None = None):
    return structure_of_ratings(
        of, units or each(len(of.units)), None, plan, len(of.units), np.random.default_rng(3)
    )


def test_planted_groups_are_found_with_their_number() -> None:
    structure = found(profiles(40, 1.0))
    assert (structure.joint.level, structure.joint.outcome, structure.joint.n_groups) == (
        Level.BETWEEN,
        Outcome.GROUPS,
        3,
    )
    assert compare_partitions(structure.taxonomy.subdimension, TRUE).adjusted_rand > 0.9
    assert len(structure.controls) == 4
    assert all(c.outcome is not Outcome.GROUPS for c in structure.controls)
    assert structure.verdict[0].startswith(
        "The ratings of 40 independent models support three groups of terms"
    )
    assert not any("list" in sentence for sentence in structure.verdict)
    assert structure.splits[0].mean > 0.5
    assert (structure.independent, structure.n_independent) == ("models", 40)


def test_ratings_without_groups_stay_in_one_group() -> None:
    structure = found(profiles(40, 0.0))
    assert structure.joint.outcome is not Outcome.GROUPS
    assert set(structure.taxonomy.subdimension.tolist()) == {0}


def test_how_high_a_unit_rates_everything_is_no_group() -> None:
    # Elevation is most of the variance here, and all terms share it.
    structure = found(profiles(40, 1.0, elevation=3.0), ConstructPlan(n_subdimensions=3, resamples=20))
    assert compare_partitions(structure.taxonomy.subdimension, TRUE).adjusted_rand > 0.8
    (raw,) = structure.sensitivities
    assert raw.choice == "profiles as rated, not centred"
    assert raw.n_terms == 24


def test_units_of_one_family_are_held_out_together() -> None:
    of = profiles(40, 1.0)
    structure = found(of, units=Units("families", tuple(f"f{i % 8}" for i in range(40)), "", ()))
    assert (structure.independent, structure.n_independent) == ("families", 8)


def test_too_few_terms_are_refused() -> None:
    few = RatedProfiles(("a", "b"), ("x", "y"), np.ones((2, 2)), np.zeros((2, 2)), (), (), 0)
    with pytest.raises(
        DataError,
        match=r"Only 2 terms were rated, too few .* \(at least 4\); name more terms",
    ):
        found(few, units=Units("respondents", ("a", "b"), "", ()))


def test_the_system_says_that_it_is_of_ratings() -> None:
    system = system_of_ratings(found(profiles(40, 1.0)), "mine")
    assert system.source == "Built by ValueLex from the ratings of terms of the study 'mine'."
    assert all(s.definition.startswith("Words valued together: ") for s in system.subdimensions)
    assert len(system.subdimensions) == 3
