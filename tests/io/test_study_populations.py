import pytest

from report.example_results import respondents
from valuelex.domain.population import Population
from valuelex.errors import StudyError
from valuelex.io.study_populations import PopulationSection, check_populations, read_populations

FOUR = respondents(4)


def test_one_level_is_a_list_of_one_and_levels_are_told_as_text():
    section = PopulationSection(name="x", where={"api": "chat", "temperature": [FOUR[0].temperature]})
    (found,) = read_populations([section], FOUR[:1])
    assert found == Population("x", {"api": ("chat",), "temperature": (FOUR[0].level("temperature"),)})


@pytest.mark.parametrize(
    ("populations", "message"),
    [
        (
            [Population("all", {"api": ("chat",)})],
            "[[populations]] 'all': the name is taken; 'all' stands for all respondents, and names differ.",
        ),
        (
            [Population("x", {"api": ("chat",)}), Population("x", {"api": ("completion",)})],
            "[[populations]] 'x': the name is taken; 'all' stands for all respondents, and names differ.",
        ),
        (
            [Population("x", {"api": ("telegraph",)})],
            "[[populations]] 'x': no respondent has api = 'telegraph'; there is 'chat', 'completion'.",
        ),
        (
            [Population("x", {"api": ()})],
            "[[populations]] 'x': api has no value; there is 'chat', 'completion'.",
        ),
        (
            [Population("x", {"api": ("chat",), "respondent": (FOUR[1].id,)})],
            f"[[populations]] 'x': no respondent has all of it at once (api is chat and respondent is {FOUR[1].id}); "
            "leave a condition out.",
        ),
    ],
)
def test_populations_that_are_no_populations_are_refused(populations, message):
    with pytest.raises(StudyError) as caught:
        check_populations(populations, FOUR)
    assert str(caught.value) == message


def test_an_unknown_factor_is_refused_with_those_there_are():
    with pytest.raises(StudyError) as caught:
        check_populations([Population("x", {"sise": ("7b",)})], FOUR)
    attributes = ", ".join(map(repr, sorted({name for r in FOUR for name in r.attributes})))
    assert str(caught.value) == (
        "[[populations]] 'x': no factor 'sise'; there is 'respondent', 'model', 'family', 'api', 'persona', "
        f"'temperature', 'top_p', {attributes}."
    )
