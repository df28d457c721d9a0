"""A system is held against a known one: counterparts, pairs, shared and unique terms."""

import numpy as np
import pytest

from valuelex.domain.crosswalk import Crosswalk, Doubt
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.errors import DataError
from valuelex.stages.crosswalk import crosswalk, members_of, own_terms, standings, texts_to_embed

D = 24


def system_of(name, groups):
    parts = tuple(
        Subdimension(i, i.upper(), f"Meaning of {name} {i}.", tuple(markers), ("High.",), ("Low.",))
        for i, markers in groups.items()
    )
    return ValueSystem(name, name.title(), "Made up.", (Dimension("all", "All", "All.", parts),))


def words(prefix, n=8):
    return [f"{prefix}{i}" for i in range(n)]


def around(axis, texts, seed, noise=0.12):
    rng = np.random.default_rng(seed)
    vectors = np.eye(D)[axis] + noise * rng.normal(size=(len(texts), D))
    return dict(zip(texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), strict=True))


MINE = system_of("mine", {"skill": ["same", *words("skill")], "calm": words("calm"), "odd": words("odd")})
KNOWN = system_of(
    "known", {"peace": words("peace"), "ability": ["same", *words("ability")], "wealth": words("wealth")}
)
VECTORS = (
    around(0, ["same", *words("skill"), *words("ability")], 1)
    | around(1, [*words("calm"), *words("peace")], 2)
    | around(2, words("odd"), 3)
    | around(3, words("wealth"), 4)
    | around(9, [s.definition for one in (MINE, KNOWN) for s in one.subdimensions], 5)
)  # fmt: skip


@pytest.fixture(scope="module")
def walk():
    return crosswalk(MINE, KNOWN, own_terms(MINE), VECTORS, np.random.default_rng(0), 500)


def test_what_means_alike_is_the_counterpart_and_what_does_not_has_none(walk):
    assert [(m.subdimension, m.best, m.one_to_one) for m in walk.matches] == [
        ("skill", "ability", "ability"),
        ("calm", "peace", "peace"),
        ("odd", None, None),
    ]


def test_shared_terms_are_counted_against_both_sides(walk):
    cell = next(c for c in walk.cells if (c.subdimension, c.known) == ("skill", "ability"))
    assert cell.shared == ("same",)
    # 9 markers each, one in common: 17 in all.
    assert (cell.jaccard, cell.overlap) == (1 / 17, 1 / 9)
    assert next(c for c in walk.cells if (c.subdimension, c.known) == ("calm", "ability")).shared == ()


def test_terms_far_from_every_known_group_are_unique(walk):
    # One in twenty known markers is by definition farther from its own group, and some terms of matched groups are too.
    assert set(words("odd")) <= set(walk.unique)
    assert len(walk.unique) <= 8 + 3


def test_both_part_the_terms_alike(walk):
    assert walk.agreement.n_terms == 25
    # "same" is a marker there, and so in its group; all others go to the nearest.
    assert walk.agreement.n_listed == 1
    assert walk.agreement.adjusted_rand > 0.5
    assert walk.agreement.adjusted_rand_p == walk.agreement.mutual_information_p == 1 / 501


def test_a_system_parts_its_own_terms_as_it_does():
    # One marker means what another group's do, so that by the nearest group alone it would change sides.
    vectors = VECTORS | around(1, ["skill0"], 9)
    groups = {"skill": words("skill"), "calm": words("calm")}
    one, known = system_of("mine", groups), system_of("known", groups)
    vectors |= around(9, [s.definition for system in (one, known) for s in system.subdimensions], 8)
    walk = crosswalk(one, known, own_terms(one), vectors, np.random.default_rng(0), 200)
    assert (walk.agreement.adjusted_rand, walk.agreement.n_listed) == (1, 16)


def test_a_group_that_may_be_none_has_no_counterpart_however_near_it_is():
    def matched(**given):
        found = standings(
            {"skill": 0.9, "calm": 0.59, "odd": float("nan")},
            given.get("n_groups", 3),
            given.get(
                "nulls", {"shuffled profiles": 0.2, "reshuffled responses": 0.01, "embeddings only": 0.9}
            ),
        )
        walk = crosswalk(MINE, KNOWN, own_terms(MINE), VECTORS, np.random.default_rng(0), 500, standing=found)
        return [(m.best, m.one_to_one, m.doubt, m.standing.stability) for m in walk.matches]

    unstable = (None, None, Doubt.UNSTABLE, 0.59)
    assert matched() == [("ability", "ability", None, 0.9), unstable, (None, None, None, None)]
    # The study gave the number of groups, but held-out sources show none.
    none, odd = (None, None, Doubt.NO_GROUPS, 0.9), (None, None, Doubt.NO_GROUPS, None)
    assert matched(n_groups=1) == [none, unstable, odd]
    chance = {"shuffled profiles": 0.2, "reshuffled responses": 0.06}
    assert matched(nulls=chance)[0] == (None, None, Doubt.CHANCE, 0.9)
    assert matched(nulls={})[0][0] == "ability"


def test_the_same_seed_gives_the_same_crosswalk(walk):
    assert crosswalk(MINE, KNOWN, own_terms(MINE), VECTORS, np.random.default_rng(0), 500) == walk


def test_two_groups_may_have_one_counterpart_but_one_partner():
    groups = {"a": words("ability"), "b": words("skill"), "c": words("calm"), "d": words("odd")}
    split = system_of("split", groups)
    vectors = VECTORS | around(9, [s.definition for s in split.subdimensions], 6)
    walk = crosswalk(split, KNOWN, own_terms(split), vectors, np.random.default_rng(0), 500)
    best = [m.best for m in walk.matches[:2]]
    assert best == ["ability", "ability"]
    assert sorted(str(m.one_to_one) for m in walk.matches[:2]) == ["None", "ability"]


def test_a_marker_of_two_groups_is_a_term_of_neither():
    twice = system_of("twice", {"a": ["x", "y"], "b": ["y", "z"]})
    assert own_terms(twice) == {"x": "a", "z": "b"}


def test_all_terms_of_a_built_system_go_with_the_group_of_its_leading_marker():
    built = system_of("built", {"s1": ["b", "a"], "s2": ["c"]})
    assert members_of(built, ["a", "b", "c", "d"], [7, 7, 2, 5]) == {"a": "s1", "b": "s1", "c": "s2"}
    with pytest.raises(DataError, match="leading marker of subdimension 's2' is none of the 2 terms"):
        members_of(built, ["a", "b"], [0, 0])


def test_every_text_is_embedded_once():
    texts = texts_to_embed(MINE, KNOWN, own_terms(MINE))
    assert len(texts) == len(set(texts)) == 25 + 25 + 6 - 1


def test_a_system_of_one_group_is_refused():
    one = system_of("one", {"a": words("skill")})
    with pytest.raises(DataError, match="'one' has one subdimension, so there is nothing to tell apart"):
        crosswalk(MINE, one, own_terms(MINE), VECTORS, np.random.default_rng(0), 9)


def test_cells_and_matches_must_fit_their_labels(walk):
    fields = {f: getattr(walk, f) for f in Crosswalk.__slots__}
    with pytest.raises(DataError, match="8 cells, but 3 subdimensions by 3 known ones need one each"):
        Crosswalk(**fields | {"cells": walk.cells[1:]})
    with pytest.raises(DataError, match="2 matches for 3 subdimensions"):
        Crosswalk(**fields | {"matches": walk.matches[1:]})
