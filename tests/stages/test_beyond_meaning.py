import numpy as np
import pytest

from valuelex.stages import beyond_meaning
from valuelex.stages.beyond_meaning import Meaning
from valuelex.stages.material import Material
from valuelex.stages.resample import Resampled, resample
from valuelex.stats.level_choice import Evidence, affinities, partitions
from valuelex.stats.levels import product_affinity

BETWEEN = (1.0, 0.0, 0.0)
NONE = np.zeros(0, dtype=np.int64)
GROUP = np.arange(90) % 3


def tasted(reach: np.ndarray, vectors: np.ndarray | None, n_sources: int, noise: float = 1.0) -> Material:
    """Profiles of sources with a taste for directions, by how much each moves each term (n_terms, n_directions)."""
    rng = np.random.default_rng(6)
    profile = rng.standard_normal((n_sources, reach.shape[1])) @ reach.T
    profile += noise * rng.standard_normal(profile.shape)
    embeddings = None if vectors is None else product_affinity(vectors.T)
    evidence = Evidence(None, profile, np.arange(n_sources), NONE)
    return Material(evidence, None, embeddings, vectors, np.zeros(0, dtype=np.bool_), NONE)


def meant() -> np.ndarray:
    vectors = np.random.default_rng(7).standard_normal((90, 24))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def drawn(material: Material) -> Resampled:
    views = affinities(material.evidence, np.ones(material.evidence.n_independent))
    (labels,) = partitions((*views, None), BETWEEN, material.n_terms, [3])
    found = resample(material, BETWEEN, labels, 40, np.random.default_rng(8))
    assert found is not None
    return found


@pytest.mark.parametrize("n_sources", [40, 2000])
def test_groups_by_a_few_directions_of_meaning_are_not_said_to_be_beyond_it(n_sources):
    # Sources care for three of 24 directions, so that the cosine of two terms says little of how they go together.
    vectors = meant()
    material = tasted(3 * vectors[:, :3] * np.array([2.0, 1.5, 1.0]), vectors, n_sources)
    groups = drawn(material).groups
    assert all(g.support.ci_low > 0 for g in groups)
    assert not any(g.beyond_meaning.ci_low > 0.5 for g in groups)
    assert all(g.beyond_meaning.value < 0.3 for g in groups)


@pytest.mark.parametrize("n_sources", [40, 2000])
def test_groups_that_meaning_knows_nothing_of_are_beyond_it(n_sources):
    groups = drawn(tasted(np.eye(3)[GROUP], meant(), n_sources)).groups
    assert all(g.beyond_meaning.ci_low > 0.5 for g in groups)
    assert all(g.beyond_meaning.value > 0.9 for g in groups)


def test_without_embeddings_there_is_support_alone():
    groups = drawn(tasted(np.eye(3)[GROUP], None, 30)).groups
    assert all(g.support.ci_low > 0 for g in groups)
    assert all(np.isnan(g.beyond_meaning.value) for g in groups)


def test_no_share_is_told_of_one_term_and_none_is_beyond_where_nothing_supports():
    material = tasted(np.eye(3)[GROUP], meant(), 30)
    meaning = Meaning.of(material, BETWEEN)
    assert meaning is not None
    alone = GROUP.copy()
    alone[0] = 3
    against = (
        np.arange(90) // 30
    )  # Ten terms of each planted group: what they have in common is below the mean.
    half = np.arange(30) % 2.0
    told = meaning.support(alone, half, 4)
    assert told is not None
    assert np.isnan([told.affinity[3], told.share_beyond[3]]).all()
    assert (told.share_beyond[:3] > 0.9).all()
    # A resample may make fewer groups than there are.
    fewer = meaning.support(np.zeros(90, dtype=np.int64), half, 3)
    assert fewer is not None
    assert np.isnan([fewer.affinity, fewer.share_beyond]).tolist() == [[False, True, True]] * 2
    mixed = meaning.support(against, half, 3)
    assert mixed is not None
    assert (mixed.affinity < 0.1).all()
    assert (mixed.share_beyond[mixed.affinity <= 0] == 0).all()
    assert (mixed.affinity <= 0).any()
    assert meaning.support(GROUP, np.ones(30), 3) is None


def test_too_many_terms_are_left_out(monkeypatch):
    monkeypatch.setattr(beyond_meaning, "MOST_EXACT", 50)
    groups = drawn(tasted(np.eye(3)[GROUP], meant(), 30)).groups
    assert all(np.isnan([g.support.value, g.beyond_meaning.value]).all() for g in groups)
