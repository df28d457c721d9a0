import dataclasses

import pytest

from examples import MODEL, respondent
from valuelex.domain.sources import Sources, Units
from valuelex.errors import DataError


def sources(n_respondents, n_models, n_families, n_lists):
    """Respondents dealt to models and those to families; each respondent has so many lists."""
    who = [i for i in range(n_respondents) for _ in range(n_lists)]
    return Sources(
        tuple(f"r{i}" for i in who),
        tuple(f"m{i % n_models}" for i in who),
        tuple(f"f{i % n_models % n_families}" for i in who),
    )


@pytest.mark.parametrize(
    ("sizes", "independent", "n", "profiled"),
    [
        ((20, 10, 5, 3), "families", 5, "models"),
        ((20, 10, 4, 3), "models", 10, "models"),
        ((20, 5, 1, 3), "models", 5, "models"),
        ((20, 4, 4, 5), "respondents", 20, "respondents"),
        # Fewer than five lists each: these lists, and not the habits of who made them.
        ((20, 4, 4, 4), "respondents", 20, ""),
        ((10, 10, 10, 4), "families", 10, ""),
        ((10, 10, 10, 5), "families", 10, "models"),
        # Four respondents have habits, but are too few to be compared.
        ((4, 1, 1, 50), "respondents", 4, ""),
        ((1, 1, 1, 9), "respondents", 1, ""),
    ],
)
def test_the_first_of_which_there_are_five_is_independent(sizes, independent, n, profiled):
    units = sources(*sizes).units()
    assert (units.independent, units.n_independent, units.profiled) == (independent, n, profiled)
    assert len(units.profiled_of) == (len(units.independent_of) if profiled else 0)


def test_a_model_in_two_families_has_no_habits_that_could_be_held_out():
    who = tuple(f"r{i}" for i in range(12) for _ in range(6))
    models = tuple(f"m{i // 2}" for i in range(12) for _ in range(6))
    families = tuple(f"f{i}" for i in range(12) for _ in range(6))
    assert Sources(who, models, families).units().profiled == ""


def test_model_and_family_are_looked_up():
    other = dataclasses.replace(MODEL, name="other", revision="7")
    people = [respondent("a"), respondent("b", model=other, family="maker")]
    found = Sources.of(people, ["b", "a", "b"], ["p", "q", "q"])
    assert found.models == ("acme/other 7", "acme/acme-1", "acme/other 7")
    assert found.families == ("maker", "acme", "maker")
    assert found.n_models == 2
    assert found.of_rows([1, 2]) == Sources(
        ("a", "b"), ("acme/acme-1", "acme/other 7"), ("acme", "maker"), ("q", "q")
    )
    assert Sources.of(people, ["a", "b"]).of_rows([1]).prompts == ()


def test_units_of_some_responses():
    units = Units("models", ("a", "b", "a"), "models", ("a", "b", "a"))
    assert units.of_rows([0, 2]) == Units("models", ("a", "a"), "models", ("a", "a"))
    assert units.of_rows([0, 2]).n_independent == 1
    assert Units("respondents", ("a", "b"), "", ()).of_rows([1]) == Units("respondents", ("b",), "", ())


def test_labels_that_do_not_belong_together_are_refused():
    with pytest.raises(DataError) as caught:
        Sources(("a", "b"), ("m",), ("f", "f"), ("p",))
    assert str(caught.value) == (
        "2 respondents, 1 models, 2 families and 1 prompts of responses; give one of each for every response."
    )
    with pytest.raises(DataError) as caught:
        Sources(("a", "b", "a"), ("m", "m", "n"), ("f", "f", "f"))
    assert str(caught.value) == (
        "Respondent 'a' has two models or two families; a respondent is one model of one family."
    )
