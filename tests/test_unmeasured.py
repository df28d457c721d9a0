"""Studies of recorded answers without completions, from their files to the report of the value system."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from valuelex.cli import app
from valuelex.errors import DataError
from valuelex.io.study_file import read_study
from valuelex.stages.caveats import NOBODY_MEASURED

GROUPS = (
    ("honesty", "integrity", "sincerity", "fairness", "justice", "truthfulness"),
    ("curiosity", "creativity", "knowledge", "wisdom", "innovation", "learning"),
    ("compassion", "kindness", "empathy", "generosity", "patience", "gratitude"),
)
NAMES = tuple(f"m{i:02d}" for i in range(12))
OF_MEASUREMENT = (
    *("completions.parquet", "ratings.parquet", "notes.parquet"),
    *("orientations.csv", "contrasts.csv", "quality.json"),
)
HEAD = '[study]\nname = "lists"\n[construct]\nresamples = 10\n[compare]\nresamples = 100\n' + "".join(
    f'[[respondents]]\nmodel = "recorded/{name}"\nlabel = "{name}"\nfamily = "{name}"\n' for name in NAMES
)
LISTS = HEAD + "[elicit]\n[project]\nstems = 6\n"


def cli(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def lists() -> list[dict[str, str]]:
    """15 lists of five words of each model, which has a taste for groups: a wish is taste and luck, both of SD 1."""
    rng = np.random.default_rng(5)
    words = [word for group in GROUPS for word in group]
    rows = []
    for name in NAMES:
        taste = np.repeat(rng.normal(size=len(GROUPS)), len(GROUPS[0]))
        for prompt in range(15):
            first = np.argsort(-(taste + rng.normal(size=len(words))))[:5]
            text = ", ".join(words[i] for i in first)
            rows.append({"respondent": name, "stage": "elicit", "item": f"p{prompt + 1:02d}", "text": text})
    return rows


def made(folder: Path, text: str, rows: list[dict[str, str]]) -> Path:
    """Write a study and import rows into it."""
    folder.mkdir()
    (folder / "study.toml").write_text(text)
    taken = take(folder, rows)
    assert taken.exit_code == 0, taken.output
    return folder


def take(folder: Path, rows: list[dict[str, str]]) -> Any:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return cli("import", folder, path)


def done(*arguments: str | Path) -> str:
    outcome = cli(*arguments)
    assert outcome.exit_code == 0, (outcome.output, outcome.exception)
    return str(outcome.output)


def test_lists_alone_make_a_report_until_there_are_completions(tmp_path: Path) -> None:
    folder = made(tmp_path / "s", LISTS, lists())
    said = done("run", folder)
    assert said.count(NOBODY_MEASURED) == 1
    assert "180 of 180 responses could be read (100%); 18 distinct terms.\n" in said
    assert said.endswith(f"Report: {folder / 'report.html'}\n")
    assert not [name for name in OF_MEASUREMENT if (folder / name).exists()]
    content = json.loads((folder / "value_system.json").read_text())
    terms, group = content["taxonomy"]["terms"], content["taxonomy"]["subdimension"]
    found = {frozenset(t for t, g in zip(terms, group, strict=True) if g == one) for one in set(group)}
    assert found == {frozenset(g) for g in GROUPS}
    report = (folder / "report.html").read_text()
    assert report.count(NOBODY_MEASURED) == 1
    assert "What speaks for this structure" in report
    assert "Held against known value systems" in report
    for absent in ("Orientations", "Contrasts", "Quality of measurement", "contrast", "Stems of"):
        assert absent not in report.partition("<body>")[2].partition('<script type="application/json"')[0]
    assert {"structure.json", "crosswalk.csv", "factors.json", "lexicon.json"} <= {
        p.name for p in folder.iterdir()
    }
    assert "nothing computed" in done("run", folder)
    # A run to an earlier stage writes nothing else, and verifying promises no file that is not made.
    before = {p.name: p.read_bytes() for p in folder.glob("*.*") if p.suffix in (".json", ".csv", ".html")}
    assert NOBODY_MEASURED not in done("run", folder, "--until", "construct")
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert "Everything holds.\n" in done("verify", folder)
    assert "180 calls: 180 in the ledger, 0 new" in done("status", folder)
    done("export", folder, "--format", "parquet", "--to", tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out" / "answers-0001.parquet").height == 180
    # Of how they were asked for nothing is known, and the item stands for it.
    assert "Wrote 180 answered calls in 12 files" in done("export", folder, "--to", tmp_path / "logs")
    # Completions that come later are measured.
    stems = read_study(folder / "study.toml").project.test.stems
    ends = ("told her the truth.", "read on.", "gave it to them.", "kept still.", "asked why.", "ran.")
    completions = [
        {"respondent": "m00", "stage": "project", "item": stem.id, "text": text}
        for stem, text in zip(stems, ends, strict=True)
    ]
    assert "6 rows = 6 imported" in take(folder, completions).output
    said = done("run", folder)
    assert NOBODY_MEASURED not in said
    # One of twelve was measured on six stems; the others keep their missing answers.
    assert "6 of 6 completions were rated and 66 more were not recorded" in said
    assert not [name for name in OF_MEASUREMENT if not (folder / name).exists()]
    assert NOBODY_MEASURED not in (folder / "report.html").read_text()
    # With other stems, of which one is refused, nobody is measured again, and nothing is left of who was.
    (folder / "mine.csv").write_text(
        'id,text,kind,theme\nx1,"At night, she",neutral,rest\nx2,"By day, he",role,work\n'
    )
    text = (folder / "study.toml").read_text().replace("stems = 6\n", 'test = "mine.csv"\n')
    (folder / "study.toml").write_text(text)
    refused = {
        "respondent": "m00",
        "stage": "project",
        "item": "x1",
        "text": "I'm sorry, but I can't help with that.",
    }
    assert "1 row = 1 imported" in take(folder, [refused]).output
    said = done("run", folder)
    assert (
        "because none of the 24 completions of the study's stems can be used (23 NOT_RECORDED, 1 REFUSED)"
        in said
    )
    assert not [name for name in OF_MEASUREMENT if (folder / name).exists()]
    assert "Everything holds.\n" in done("verify", folder)


def test_who_can_be_called_is_still_to_be_measured(tmp_path: Path) -> None:
    called = '[endpoints.near]\nbase_url = "http://127.0.0.1:9/v1"\n[[respondents]]\nmodel = "near/good"\n'
    folder = made(tmp_path / "s", LISTS + called, lists()[:60])
    outcome = cli("report", folder)
    assert isinstance(outcome.exception, DataError)
    assert str(outcome.exception).startswith("None of the 78 completions could be used (72 NOT_RECORDED, ")
    assert NOBODY_MEASURED not in outcome.output


@pytest.mark.parametrize("n_rating", [12, 1])
def test_ratings_of_terms_alone_make_a_report(tmp_path: Path, n_rating: int) -> None:
    (tmp_path / "words.txt").write_text("\n".join(word for group in GROUPS for word in group))
    rng = np.random.default_rng(2)
    rows = []
    for name in NAMES[:n_rating]:
        taste = np.repeat(rng.normal(3, 1.5, size=len(GROUPS)), len(GROUPS[0]))
        for wish, word in zip(taste, (w for g in GROUPS for w in g), strict=True):
            for prompt in ("r1", "r2", "r3", "r4", "r5"):
                rating = int(np.clip(np.rint(wish + rng.normal(0, 0.7)), 0, 6))
                row = {"respondent": name, "stage": "term", "item": f"{prompt}/{word}", "text": str(rating)}
                rows.append(row)
    study = HEAD + f'[elicit]\nmode = "rate"\nterms = "{tmp_path / "words.txt"}"\n[project]\nstems = 6\n'
    folder = made(tmp_path / "s", study, rows)
    assert NOBODY_MEASURED in done("run", folder, "--until", "project")
    assert not (folder / "report.html").exists()
    assert NOBODY_MEASURED in done("run", folder)
    report = (folder / "report.html").read_text()
    assert NOBODY_MEASURED in report
    found = report.partition("What the figures say")[2].partition("</ul>")[0]
    # One model is too few for profiles of terms, and that is then what the figures say.
    assert ("<li>No groups of terms: " in found) == (n_rating == 1)
    assert "<li>" in found
    assert (folder / "structure.json").exists() == (n_rating == 12)
    assert "Everything holds.\n" in done("verify", folder)
