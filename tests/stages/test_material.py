from dataclasses import replace

import numpy as np
import pytest

from examples import response_matrix
from valuelex.domain.incidence import Incidence
from valuelex.domain.sources import Sources
from valuelex.errors import DataError
from valuelex.stages.material import gather, notes_on


def lists(n_respondents, n_lists, n_terms=6, seed=0):
    rng = np.random.default_rng(seed)
    values = (rng.random((n_respondents * n_lists, n_terms)) < 0.5).astype(np.uint8)
    values[:, :2] = [1, 0]
    values[0, 1] = 1  # Term b is named once, a always, and no response is empty.
    who = [f"r{i:02d}" for i in range(n_respondents) for _ in range(n_lists)]
    return response_matrix(values, who, "abcdefghij"[:n_terms])


def sources(matrix, n_models, n_families):
    number = [int(r[1:]) for r in matrix.respondent_ids]
    return Sources(
        matrix.respondent_ids,
        tuple(f"m{i % n_models}" for i in number),
        tuple(f"f{i % n_models % n_families}" for i in number),
    )


def notes(n_models, n_families, n_lists=6, n_respondents=12):
    matrix = lists(n_respondents, n_lists)
    of = sources(matrix, n_models, n_families)
    return notes_on(matrix, of, of.units(), np.eye(6))


ALWAYS = (
    "1 term is in every response (first: 'a'); such a term goes together with all others alike, so the lists "
    "cannot place it."
)


def test_five_families_need_no_note():
    assert notes(6, 6) == (ALWAYS,)


def test_settings_of_one_model_are_told():
    assert notes(1, 1) == (
        "All answers come from one model. Its 12 respondents (settings and personas) are not independent models: what "
        "is found between them is between settings and personas of this model, and says nothing of others.",
        ALWAYS,
    )


@pytest.mark.parametrize(("n_models", "few"), [(2, "fewer than three"), (4, "fewer than 5")])
def test_few_models_are_told(n_models, few):
    assert notes(n_models, n_models) == (
        f"There are {few} independent models ({n_models}), so 12 respondents are held out and resampled instead; "
        "respondents of one model are no independent cases, and intervals are too narrow.",
        ALWAYS,
    )


def test_models_of_few_families_are_told():
    assert notes(6, 2) == (
        "The 6 models come from fewer than 5 families, so models are held out and resampled instead; models of one "
        "family are alike, and intervals are too narrow.",
        ALWAYS,
    )


def test_one_level_only_is_told():
    assert notes(6, 6, n_lists=1) == (
        "Sources have habits that can be compared where there are 5 of them or more, with 5 responses each or more on "
        "average. Here there are not, so there is one level only: all responses together, in which what sources like "
        "and what belongs together cannot be told apart.",
        ALWAYS,
    )


def test_lists_without_embeddings_are_told():
    always = lists(12, 6)
    values = always.named.dense()
    values[0, 0] = 0
    matrix = replace(always, named=Incidence.of_dense(values))
    of = sources(matrix, 6, 6)
    assert notes_on(matrix, of, of.units(), None) == (
        "No embeddings were used: terms are grouped by the lists alone.",
    )


def test_both_levels_are_gathered_where_models_have_habits():
    matrix = lists(12, 6)
    of = sources(matrix, 6, 6)
    found = gather(matrix, of.units(), np.eye(6))
    assert found.evidence.profile.shape == (6, 6)
    assert found.evidence.fold_of_unit.tolist() == list(range(6))
    # Respondents r00, r01... belong to models 0 to 5 in turn, and nobody weighs those of one apart.
    assert found.evidence.fold_of_block.tolist() == list(range(6))
    assert found.block.tolist() == [i % 6 for i in range(12) for _ in range(len(found.block) // 12)]
    assert found.pooled.pooled
    assert found.pooled.profile is None
    assert (found.n_terms, found.evidence.n_independent) == (6, 6)


def test_only_one_level_is_gathered_where_nobody_has():
    matrix = lists(12, 1)
    of = sources(matrix, 6, 6)
    found = gather(matrix, of.units(), None)
    assert found.evidence.pooled
    assert found.pooled is None
    assert found.embeddings is None
    assert found.evidence.n_independent == 6


def test_models_of_one_family_are_held_out_together():
    matrix = lists(20, 5)
    of = sources(matrix, 10, 5)
    found = gather(matrix, of.units(), None)
    assert found.evidence.n_independent == 5
    assert found.evidence.profile.shape[0] == 10
    assert found.evidence.fold_of_unit.tolist() == [i % 5 for i in range(10)]


def test_nothing_named_is_refused():
    matrix = response_matrix(np.zeros((4, 5), dtype=np.uint8), "aabb", "vwxyz")
    of = Sources(matrix.respondent_ids, ("m",) * 4, ("f",) * 4)
    with pytest.raises(DataError, match=r"^No response names a term of the lexicon"):
        gather(matrix, of.units(), None)
