"""What commands print of results."""

from dataclasses import replace
from pathlib import Path

import pytest

from examples import structure
from report.example_results import example_results
from report.test_rated_section import rated
from valuelex.cli.show import Bars, print_outcome
from valuelex.domain.results import Results
from valuelex.pipeline import Workspace


def printed(results: Results, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_outcome(results, Workspace(results.study, Path("folder")))
    return capsys.readouterr().out.splitlines()


def test_the_conclusion_on_the_value_system_is_printed(capsys) -> None:
    results = example_results()
    lines = printed(results, capsys)
    assert lines[0].endswith("16 distinct terms.")
    assert lines[1] == results.found.structure.verdict[0]
    assert lines[-1] == "Report: folder/report.html"


def test_what_ratings_of_terms_give_is_printed(capsys) -> None:
    plain = replace(example_results(), found=None)
    grouped = replace(rated(), structure=structure(verdict=("Two groups.", "Both are stable.")))
    assert printed(replace(plain, rated=grouped), capsys)[:2] == [
        "3 of 4 ratings could be read (75%); 2 terms.",
        "Two groups.",
    ]
    none = replace(rated(), reason="Only 2 terms were rated.")
    assert printed(replace(plain, rated=none), capsys)[1] == "No groups of terms: Only 2 terms were rated."


def test_what_must_be_known_at_once_goes_beside_the_output(capsys) -> None:
    Bars().tell("The endpoint did not answer.")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "  The endpoint did not answer.\n")
