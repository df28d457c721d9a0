"""[elicit] mode = "observe": which terms, and which keys do nothing."""

import json
from pathlib import Path

import pytest

from valuelex.errors import StudyError
from valuelex.io.study_file import read_study

STUDY = """
[study]
name = "t"
[elicit]
mode = "observe"
{elicit}
[[respondents]]
model = "recorded/a"
{more}
"""


def read(folder: Path, elicit: str = "", more: str = ""):
    path = folder / "study.toml"
    path.write_text(STUDY.format(elicit=elicit, more=more))
    return read_study(path)


def test_a_study_that_observes_asks_and_measures_nothing(tmp_path: Path) -> None:
    study = read(tmp_path)
    assert study.elicit is None
    assert (study.observe.terms, study.observe.source) == (None, "the shipped value words")
    assert study.normalise is not None
    assert not study.measures


def test_it_measures_where_it_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, more="[project]\nstems = 12\n").measures


def test_a_lexicon_of_a_study_brings_the_forms_that_it_merged(tmp_path: Path) -> None:
    lexicon = {
        "schema": "valuelex/lexicon/1",
        "terms": [{"name": "honesty"}, {"name": "grit"}],
        "merges": [{"form": "Straight talk", "term": "honesty"}],
    }
    (tmp_path / "lexicon.json").write_text(json.dumps(lexicon))
    plan = read(tmp_path, 'terms = "lexicon.json"').observe
    assert plan.terms == ("grit", "honesty")
    assert plan.forms == {"Straight talk": "honesty"}
    assert plan.source == "lexicon.json"


def test_the_markers_of_a_shipped_system_can_be_looked_for(tmp_path: Path) -> None:
    plan = read(tmp_path, 'terms = "schwartz-1992"').observe
    assert plan.source == "schwartz-1992"
    assert len(plan.terms) > 20
    assert plan.forms == {}


@pytest.mark.parametrize(
    ("elicit", "more", "said"),
    [
        (
            "draws = 2",
            "",
            '[elicit] draws does nothing in mode = "observe", which asks nothing; leave it out.',
        ),
        (
            "",
            '[[judges]]\nkind = "axis"\n',
            '[judges] does nothing in [elicit] mode = "observe" without a projective test; add [project], or leave '
            "[judges] out.",
        ),
        (
            "",
            '[[respondents]]\nmodel = "embedded/smollm2-135m-instruct"\n',
            "[elicit] mode = \"observe\" reads recorded answers only, and 'smollm2-135m-instruct chat t1' would be "
            "called; name respondents as recorded/NAME, and import their answers: valuelex import STUDY FILE --stage "
            "observe",
        ),
    ],
)
def test_what_does_nothing_is_refused(tmp_path: Path, elicit: str, more: str, said: str) -> None:
    with pytest.raises(StudyError) as error:
        read(tmp_path, elicit, more)
    assert str(error.value) == f"{tmp_path / 'study.toml'}: {said}"


def test_terms_belong_to_another_mode(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY.format(elicit='terms = "x.txt"', more="").replace('mode = "observe"', ""))
    with pytest.raises(StudyError) as error:
        read_study(path)
    assert '[elicit] terms belongs to mode = "rate" or "observe" and does nothing in mode = "list"' in str(
        error.value
    )
