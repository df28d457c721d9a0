import numpy as np

from examples import taxonomy as two_over_three
from valuelex.domain.structure import Taxonomy
from valuelex.stages.build_system import build_system


def taxonomy():
    # s1: c .9, a .5, e .5 (alphabetical on a tie); s2: b; s3: d. d1 holds s1 and s3, d2 holds s2.
    return Taxonomy(
        terms=("a", "b", "c", "d", "e"),
        subdimension=np.array([0, 1, 0, 2, 0]),
        dimension=np.array([0, 1, 0, 0, 0]),
        centrality=np.array([0.5, 0.0, 0.9, 0.0, 0.5]),
        stability=np.ones(5),
        coordinates=np.zeros((5, 2)),
        weights={},
        n_resamples=10,
    )


def test_a_system_is_named_by_its_most_central_terms():
    system = build_system(taxonomy(), "bells")
    assert [(d.id, d.name) for d in system.dimensions] == [("d1", "c · d"), ("d2", "b")]
    assert [(s.id, s.name, s.markers) for s in system.subdimensions] == [
        ("s1", "c, a, e", ("c", "a", "e")),
        ("s3", "d", ("d",)),
        ("s2", "b", ("b",)),
    ]
    first = system.subdimensions[0]
    assert first.definition == "Words grouped together: c, a, e."
    assert first.high[0] == "I acted with c, because c matters to me."
    assert first.low[1] == "I acted without a, because a does not matter to me."
    assert len(first.high) == len(first.low) == 3
    assert (system.name, system.title) == ("built", "System built from the study 'bells'")


def test_a_group_shows_at_most_ten_markers_and_names_three():
    n = 14
    zeros = np.zeros(n, dtype=np.int64)
    terms = tuple(f"w{i:02d}" for i in range(n))
    whole = Taxonomy(terms, zeros, zeros, np.arange(n) / n, np.ones(n), np.zeros((n, 2)), {}, 1)
    (only,) = build_system(whole, "bells").subdimensions
    assert only.markers == tuple(f"w{i:02d}" for i in range(13, 3, -1))
    assert only.name == "w13, w12, w11"


def test_every_term_is_in_a_group_of_the_built_system():
    found = two_over_three()
    system = build_system(found, "bells")
    assert [[s.id for s in d.subdimensions] for d in system.dimensions] == [["s1", "s2"], ["s3"]]
    assert sorted(m for s in system.subdimensions for m in s.markers) == sorted(found.terms)
    for subdimension in system.subdimensions:
        own = {found.subdimension[found.terms.index(m)] for m in subdimension.markers}
        assert own == {int(subdimension.id[1:]) - 1}
