"""Designs: notation, effects and the numbering of levels, with the confusions that are refused."""

import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.design import code_levels, design_of_effects, parse_design, refuse_confounded


def _names(notation: str) -> list[str]:
    design = parse_design(notation)
    return [design.name(effect) for effect in design.effects]


@pytest.mark.parametrize(
    ("notation", "names"),
    [
        ("p", ["p"]),
        ("p x i", ["p", "i", "p x i"]),
        ("p × i", ["p", "i", "p x i"]),
        ("p x i x j", ["p", "i", "j", "p x i", "p x j", "i x j", "p x i x j"]),
        ("p x (i:h)", ["p", "h", "p x h", "i:h", "(p x i):h"]),
        ("p x i:h", ["p", "h", "p x h", "i:h", "(p x i):h"]),
        ("(p:g) x i", ["g", "i", "p:g", "g x i", "(p x i):g"]),
        ("(i x j):h", ["h", "i:h", "j:h", "(i x j):h"]),
        ("i:(h x s)", ["h", "s", "h x s", "i:(h x s)"]),
        ("a:b:c", ["c", "b:c", "a:b:c"]),
        ("(p:g) x (i:h)", ["g", "h", "p:g", "g x h", "i:h", "(p x h):g", "(g x i):h", "(p x i):(g x h)"]),
    ],
)
def test_effects_follow_from_the_notation(notation: str, names: list[str]) -> None:
    # Every set of facets that holds, with a facet, all that it is nested in (Brennan 2001, table 3.2 and 5.1).
    assert _names(notation) == names


@pytest.mark.parametrize(
    ("notation", "reason"),
    [
        ("", "a facet is missing at the end"),
        ("p x", "a facet is missing at the end"),
        ("p x x i", "a facet is missing before 'x'"),
        ("p x (i:h", "a bracket is not closed"),
        ("p x i)", "')' comes where the design should end"),
        ("p i", "'i' comes where the design should end"),
        ("p x (i:p)", "facet 'p' is named twice"),
        ("p + i", "'+' has no meaning there"),
    ],
)
def test_notation_that_cannot_be_read(notation: str, reason: str) -> None:
    with pytest.raises(DataError) as error:
        parse_design(notation)
    assert str(error.value) == (
        f"Design {notation!r} cannot be read: {reason}. Write it like 'p x i', 'p x (i:h)' or '(p:g) x i'."
    )


def test_effects_may_be_given() -> None:
    design = design_of_effects([("p",), "h", ("i", "h"), ("p", "h")])
    assert [design.name(e) for e in design.effects] == ["p", "h", "p x h", "i:h"]
    assert design.within == (frozenset(), frozenset(), frozenset({"h"}))


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        ([], "0 effects were given, some without a facet; give one facet or more for each."),
        (["p", ()], "2 effects were given, some without a facet; give one facet or more for each."),
        (["p", ("p",)], "1 effects are given twice (first: ['p']); give each once."),
        ([("p", "i")], "Facets 'p' and 'i' are in no effect apart; give an effect of one of them alone."),
    ],
)
def test_effects_that_make_no_design(effects: list[object], message: str) -> None:
    with pytest.raises(DataError) as error:
        design_of_effects(effects)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_levels_are_numbered_in_sorted_order() -> None:
    levels = code_levels(
        parse_design("i:h"), {"i": ["d", "a", "c", "b", "a"], "h": np.array([9, -7, 9, -7, -7])}, 5
    )
    assert levels.counts == (4, 2)
    assert levels.codes[0].tolist() == [3, 0, 2, 1, 0]
    assert levels.codes[1].tolist() == [1, 0, 1, 0, 0]
    assert levels.per_parent("i").tolist() == [2, 2]
    assert levels.cells({"i", "h"})[1] == 4


def test_cells_of_an_interaction_count_those_that_occur() -> None:
    levels = code_levels(parse_design("p x i"), {"p": [1, 1, 2, 3], "i": ["u", "v", "v", "v"]}, 4)
    cells, count = levels.cells({"p", "i"})
    assert count == 4
    assert sorted(cells.tolist()) == [0, 1, 2, 3]


def _refusal(notation: str, labels: dict[str, list[object]]) -> str:
    with pytest.raises(DataError) as error:
        refuse_confounded(code_levels(parse_design(notation), labels, len(next(iter(labels.values())))))
    return str(error.value)


def test_a_facet_with_one_level() -> None:
    assert _refusal("p x i", {"p": [1, 2, 3], "i": ["a", "a", "a"]}) == (
        "Facet 'i' has one level only ('a'), so it cannot be separated from the rest; leave it out of the design."
    )


def test_identical_facets() -> None:
    assert _refusal("p x i", {"p": [1, 2, 1, 2], "i": ["a", "b", "a", "b"]}) == (
        "Facets 'p' and 'i' are confounded: their 2 levels are the same under two names; leave one of them out."
    )


def test_a_nested_facet_declared_crossed() -> None:
    assert _refusal("h x i", {"h": [1, 1, 2, 2], "i": ["a", "b", "c", "d"]}) == (
        "Facets 'h' and 'i' are declared crossed, but each of the 4 levels of 'i' meets one level of 'h' only; "
        "declare i:h, or leave one of them out."
    )


def test_a_crossed_facet_declared_nested() -> None:
    assert _refusal("p x (i:h)", {"p": [1, 2, 1, 2], "i": ["a", "a", "b", "a"], "h": [1, 1, 2, 2]}) == (
        "Facet 'i' is declared nested in 'h', but 1 of its 2 levels occur in several of its levels (first: a); "
        "declare 'i' and 'h' crossed, or give levels that differ labels that differ."
    )


def test_labels_that_do_not_fit() -> None:
    assert "differ in i" in _refusal("p x i", {"p": [1, 2]})
    assert "differ in k" in _refusal("p x i", {"p": [1, 2], "i": [1, 2], "k": [1, 2]})
    assert _refusal("p x i", {"p": [1, 2], "i": [1, 2, 3]}) == (
        "Facet 'i' has labels of shape (3,) for 2 scores; give one label a score."
    )
    assert _refusal("p x i", {"p": [1, 2, 3], "i": ["a", None, "b"]}) == (
        "1 scores have no label of facet 'i' (first: 1); leave them out."
    )
    assert "2 scores have no label of facet 'p' (first: 0, 2)" in _refusal(
        "p x i", {"p": [np.nan, 1.0, np.nan], "i": [1, 2, 3]}
    )
