"""A study that asks for more groups than its words make: told before anything is paid for, and nothing lost after."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study_text import study_head
from valuelex import pipeline
from valuelex.cli import app
from valuelex.errors import StudyError

LISTS = """
[elicit]
draws = 1
[construct]
n_subdimensions = 40
resamples = 5
embeddings = "none"
[[populations]]
name = "nurses"
where = { persona = "nurse" }
"""
SAID = (
    "[construct] n_subdimensions = 40 needs at least 80 different terms that 2 respondents or more name; of fewer "
    "terms fewer groups are made."
)


def test_lists_of_too_few_terms_end_in_fewer_groups_and_both_commands_say_so_beforehand(
    tmp_path: Path, endpoint
) -> None:
    (tmp_path / "study.toml").write_text(study_head("many", endpoint.base_url) + LISTS)
    told = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert f"\n  {SAID}\n" in told.output
    assert (
        "\n  A value system is built from 1 model, fewer than 5: its respondents are taken for" in told.output
    )
    assert "\n  population 'nurses' (persona is nurse): 1 respondent: good chat nurse t1\n" in told.output
    assert endpoint.answered() == []
    done = CliRunner().invoke(app, ["run", str(tmp_path), "--until", "construct"])
    assert done.exit_code == 0, done.output
    assert done.output.index(SAID) < done.output.index("Eliciting value words")
    found = json.loads((tmp_path / "structure.json").read_text())
    n_terms = len(json.loads((tmp_path / "value_system.json").read_text())["taxonomy"]["terms"])
    assert 4 <= n_terms < 80
    (note,) = (note for note in found["notes"] if "40 subdimensions" in note)
    assert note == (
        f"The study asks for 40 subdimensions, but {n_terms} terms were named by enough respondents, and each needs 2: "
        f"there are {n_terms // 2}. To have more, lower [normalise] min_respondents, or ask more respondents or for "
        "more responses."
    )
    assert found["n_given"] == 40
    # What is usual is no news.
    text = (tmp_path / "study.toml").read_text().replace("= 40", "= 4")
    (tmp_path / "study.toml").write_text(text)
    again = CliRunner().invoke(app, ["run", str(tmp_path), "--until", "construct"])
    assert "needs at least" not in again.output


@pytest.mark.parametrize(
    ("asked", "n_terms", "fewer"),
    [(40, 12, "ask for 6 or fewer, "), (3, 5, "ask for two, "), (2, 3, "")],
)
def test_terms_that_are_known_are_counted_before_anything_is_asked(
    tmp_path: Path, asked: int, n_terms: int, fewer: str
) -> None:
    words = [
        "care",
        "duty",
        "zeal",
        "wit",
        "joy",
        "hope",
        "calm",
        "tact",
        "pity",
        "vigour",
        "candour",
        "grace",
    ]
    (tmp_path / "words.txt").write_text("\n".join(words[:n_terms]))
    text = study_head("many", "http://127.0.0.1:9/v1") + LISTS.partition("[[populations]]")[0]
    text = text.replace("draws = 1", 'mode = "rate"\nterms = "words.txt"').replace("= 40", f"= {asked}")
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(StudyError) as error:
        pipeline.open_study(tmp_path)
    assert str(error.value).endswith(
        f"[construct] n_subdimensions = {asked} needs at least {2 * asked} terms, 2 for each, but [elicit] terms holds "
        f"{n_terms}; name more terms, {fewer}or leave the number out to have it found."
    )
