import numpy as np
import pytest

from examples import response_matrix
from valuelex.domain.embedding import NamedVectors
from valuelex.domain.sources import Sources
from valuelex.domain.study import ConstructPlan
from valuelex.stages.construct import construct
from valuelex.stages.material import NO_EMBEDDINGS
from valuelex.stages.other_embeddings import notes_on_embeddings, with_embeddings_told

N_GROUPS, PER_GROUP = 3, 6
GROUP = np.repeat(np.arange(N_GROUPS), PER_GROUP)


def vectors(groups: np.ndarray, seed: int = 0, noise: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(groups.max() + 1, 16))[groups] + noise * rng.normal(size=(len(groups), 16))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def made():
    """Weak lists of planted groups, with true meaning to help."""
    rng = np.random.default_rng(3)
    n = 48
    wish = 0.8 * rng.normal(size=(n, N_GROUPS))[:, GROUP] + rng.gumbel(size=(n, len(GROUP)))
    lists = (wish >= np.sort(wish, axis=1)[:, -5, None]).astype(np.uint8)
    who = [f"r{i // 4}" for i in range(n)]
    matrix = response_matrix(lists, who, [f"w{i:02d}" for i in range(len(GROUP))])
    sources = Sources(
        matrix.respondent_ids,
        matrix.respondent_ids,
        matrix.respondent_ids,
        tuple("p" for _ in range(n)),
    )
    plan = ConstructPlan(n_subdimensions=N_GROUPS, resamples=5)
    structure = construct(matrix, sources, vectors(GROUP), plan, np.random.default_rng(0))
    assert structure.taxonomy.weights["embeddings"] > 0
    return structure, matrix, sources


def test_the_same_vectors_give_the_same_groups_and_others_less_so(made) -> None:
    structure, matrix, sources = made
    named = (
        NamedVectors("a/lead", vectors(GROUP)),
        NamedVectors("a/same", vectors(GROUP)),
        NamedVectors("a/other", vectors(np.arange(len(GROUP)), seed=9)),
    )
    told = with_embeddings_told(structure, matrix, sources, named)
    added = told.sensitivities[len(structure.sensitivities) :]
    assert [s.choice for s in added] == ["embeddings of a/same", "embeddings of a/other"]
    assert added[0].adjusted_rand == 1.0
    assert added[1].adjusted_rand < 1.0
    assert [s.n_terms for s in added] == [18, 18]
    assert told.notes == structure.notes


def test_what_could_not_be_used_is_told_with_the_way_out(made) -> None:
    structure, matrix, sources = made
    lead = NamedVectors("a/lead", None, "it is down", "run it again")
    further = NamedVectors("a/more", None, "it is down too", "run it again")
    told = with_embeddings_told(structure, matrix, sources, (lead, further))
    assert told.notes[len(structure.notes) :] == (
        "The embeddings of a/lead could not be used: it is down, so terms are grouped by the lists alone; run it "
        "again.",
        "The embeddings of a/more could not be used: it is down too, so it was not seen whether they give the same "
        "groups; run it again.",
    )
    assert told.sensitivities == structure.sensitivities


def test_embeddings_that_failed_are_not_told_as_if_nobody_had_wanted_any(made) -> None:
    _, matrix, sources = made
    plan = ConstructPlan(n_subdimensions=N_GROUPS, resamples=0)
    bare = construct(matrix, sources, None, plan, np.random.default_rng(0))
    assert NO_EMBEDDINGS in bare.notes
    lead = NamedVectors("a/lead", None, "it is down", "run it again")
    told = with_embeddings_told(bare, matrix, sources, (lead,))
    assert NO_EMBEDDINGS not in told.notes
    assert [note for note in told.notes if "lists alone" in note] == notes_on_embeddings((lead,))
    assert NO_EMBEDDINGS in with_embeddings_told(bare, matrix, sources, ()).notes
    # Ratings are no lists.
    assert "grouped by the ratings alone" in notes_on_embeddings((lead,), "ratings")[0]


def test_without_embeddings_there_is_nothing_to_compare_with(made) -> None:
    _, matrix, sources = made
    plan = ConstructPlan(n_subdimensions=N_GROUPS, resamples=5)
    bare = construct(matrix, sources, None, plan, np.random.default_rng(0))
    named = (NamedVectors("a/lead", None, "it is down", "wait"), NamedVectors("minilm", vectors(GROUP)))
    told = with_embeddings_told(bare, matrix, sources, named)
    assert told.sensitivities == bare.sensitivities
    assert told.notes[-1] == (
        "Embeddings have weight 0 in these groups, so those of minilm were not compared with them."
    )
    assert with_embeddings_told(bare, matrix, sources, ()) == bare
