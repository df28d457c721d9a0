"""Answers that were recorded elsewhere, from their files to the ledger and on to results."""

import csv
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from examples import respondent, study
from valuelex.cli import app
from valuelex.domain.recorded import BadRow, Fault, recorded_model
from valuelex.errors import DataError, LedgerError
from valuelex.io.import_map import ImportMap
from valuelex.io.ledger import Ledger
from valuelex.pipeline import Workspace, importing, open_study, status
from valuelex.pipeline.importing import Imported, check_imported, import_answers

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
ACME = respondent("acme", model=recorded_model("acme-1"), api="recorded", temperature=None, top_p=None)


class Watcher:
    def __init__(self) -> None:
        self.begun: list[Path] = []
        self.rows: list[BadRow] = []
        self.outcomes: list[Imported] = []

    def begin(self, path: Path) -> None:
        self.begun.append(path)

    def bad(self, path: Path, row: BadRow) -> None:
        assert path == self.begun[-1]
        self.rows.append(row)

    def done(self, outcome: Imported) -> None:
        self.outcomes.append(outcome)


def workspace(folder: Path, draws: int = 2) -> Workspace:
    return Workspace(study([ACME], draws=draws), folder / "study")


def write(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(item: str = "s0", text: str = "so", **changes: Any) -> dict[str, Any]:
    return {"respondent": "acme-1", "stage": "project", "item": item, "text": text, **changes}


def take(space: Workspace, *paths: Path, **told: Any) -> tuple[tuple[int, int, int, int], list[BadRow]]:
    """Import files; return rows, new, there already and bad, and the bad rows."""
    watcher = Watcher()
    outcomes = import_answers(space, paths, ImportMap(**told), watcher)
    assert list(outcomes) == watcher.outcomes
    assert watcher.begun == list(paths)
    sums = [sum(getattr(o, name) for o in outcomes) for name in ("n_rows", "n_new", "n_there", "n_bad")]
    assert sums[0] == sum(sums[1:])
    assert sums[3] == len(watcher.rows)
    return (sums[0], sums[1], sums[2], sums[3]), watcher.rows


def content(space: Workspace) -> list[Any]:
    with closing(sqlite3.connect(space.ledger_path)) as db:
        return db.execute(
            "SELECT key, stage, respondent_id, payload FROM call JOIN reply ON key = call_key"
        ).fetchall()


def test_rows_are_imported_once(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    path = write(tmp_path / "a.jsonl", [row("s0"), row("s1"), row("s0", draw=1), row("s9")])
    counts, bad = take(space, path)
    assert counts == (4, 3, 0, 1)
    assert [(b.line, b.fault) for b in bad] == [(4, Fault.UNKNOWN_ITEM)]
    before = content(space)
    assert len(before) == 3
    assert take(space, path)[0] == (4, 0, 3, 1)
    assert content(space) == before


def test_of_two_answers_the_first_is_kept(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    first = write(tmp_path / "a.jsonl", [row(text="first"), row(text="second")])
    _, bad = take(space, first)
    assert [(b.line, b.fault) for b in bad] == [(2, Fault.CONFLICT)]
    assert bad[0].detail == (
        "'acme-1' gave another answer to 's0' in draw 0 (line 1), which was kept; tell them apart by --map "
        "draw=COLUMN, or by --map item='{A}/{B}'"
    )
    other = write(tmp_path / "b.jsonl", [row(text="third"), row(text="first")])
    counts, bad = take(space, other)
    assert counts == (2, 0, 1, 1)
    assert "('a.jsonl', line 1), which was kept" in bad[0].detail
    ((_, _, _, payload),) = content(space)
    assert json.loads(payload)["choices"][0]["message"]["content"] == "first"


def test_a_row_that_is_repeated_is_told(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    path = write(tmp_path / "a.jsonl", [row(), row("s1"), row()])
    for new, there in ((2, 0), (0, 2)):
        counts, bad = take(space, path)
        assert counts == (3, new, there, 1)
        assert bad == [BadRow(3, Fault.REPEATED, "it says the same as line 1")]


def test_batches_do_not_change_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row("s0"), row("s1"), row("s0"), row("s1", "other"), row("s1", draw=1)]
    path = write(tmp_path / "a.jsonl", rows)
    whole = take(Workspace(study([ACME], draws=2), tmp_path / "one"), path)
    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    assert take(Workspace(study([ACME], draws=2), tmp_path / "two"), path) == whole


def test_the_harness_may_repeat_a_response_for_each_filter(tmp_path: Path) -> None:
    sample = {"doc_id": 0, "arguments": [["Why?", {}]], "resps": [["So."]]}
    path = write(
        tmp_path / "samples_t_2026-01-02T03-04-05.jsonl", [{**sample, "filter": f} for f in ("a", "b")]
    )
    counts, _ = take(workspace(tmp_path), path, respondent="acme-1")
    assert counts == (2, 1, 1, 0)


def test_stems_that_went_through_a_harness_are_found_by_their_text(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    asked = [{"instruction": "When the bell rang 1 times, I", "output": "ran.", "generator": "acme-1"}]
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(asked))
    assert take(space, path, stage="project")[0] == (1, 1, 0, 0)
    sample = {"doc_id": 0, "arguments": [["When the bell rang 0 times, I", {}]], "resps": [["ran.", "sat."]]}
    path = write(tmp_path / "samples_t_2026-01-02T03-04-05.jsonl", [sample])
    assert take(space, path, stage="project", respondent="acme-1")[0] == (2, 2, 0, 0)
    assert next(c for c in status(space).counts if c.stage == "project").n_answered == 3


def test_what_was_imported_says_nothing_about_the_pace_of_calls(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    space = workspace(tmp_path)
    take(space, write(tmp_path / "a.jsonl", [row("s0"), row("s1"), row("s0", draw=1)]))
    with Ledger(space.ledger_path, read_only=True) as ledger:
        assert ledger.pace() is None


def test_names_that_the_study_does_not_have_are_told(tmp_path: Path) -> None:
    watcher = Watcher()
    rows = [row(), row(respondent="other/2"), row(respondent="other/2", stage="observe", item="x")]
    (outcome,) = import_answers(
        workspace(tmp_path), [write(tmp_path / "a.jsonl", rows)], ImportMap(), watcher
    )
    assert list(outcome.unknown) == ["other/2"]
    assert outcome.names == {("acme-1", "project"): 1, ("other/2", "project"): 1, ("other/2", "observe"): 1}


def test_observed_texts_are_counted_and_the_rest_of_the_plan_is_not_recorded(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    path = write(tmp_path / "a.jsonl", [row(), row("x", stage="observe"), row("y", stage="observe")])
    take(space, path)
    state = status(space)
    project = next(c for c in state.counts if c.stage == "project")
    # 2 stems in 2 draws, one of them recorded; 2 prompts in 2 draws, none.
    assert (project.n_planned, project.n_answered, project.n_unrecorded, project.n_new) == (4, 1, 3, 0)
    assert (state.n_new, state.n_observed, state.max_new_tokens) == (0, 2, 0)


def test_where_nothing_can_be_used_the_faults_are_counted(tmp_path: Path) -> None:
    watcher = Watcher()
    path = write(tmp_path / "a.jsonl", [row("s8"), row("s9"), row(text=None)])
    outcomes = import_answers(workspace(tmp_path), [path], ImportMap(), watcher)
    with pytest.raises(DataError) as caught:
        check_imported(outcomes)
    assert str(caught.value) == (
        "None of 3 rows could be imported (2 unknown item, 1 no text); the ledger is as it was."
    )


def test_a_file_that_cannot_be_read_leaves_no_ledger(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    good = write(tmp_path / "a.jsonl", [row()])
    with pytest.raises(DataError, match="cannot be read"):
        take(space, good, tmp_path / "absent.jsonl")
    assert not space.ledger_path.exists()


values = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2), st.text(max_size=3), st.just("s0"), st.just("s1")
)
rows_of_any_kind = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {},
            optional={
                "respondent": st.sampled_from(["acme-1", "b", "", None]),
                "stage": st.sampled_from(["project", "observe", "x"]),
                "item": values,
                "text": values,
                "draw": values,
            },
        ),
        values,
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(rows_of_any_kind)
def test_every_row_is_accounted_for_and_a_second_import_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = write(folder / "a.jsonl", [row(), *rows])
    space = workspace(folder)
    first, bad = take(space, path)
    assert first[0] == len(rows) + 1
    before = content(space)
    assert len(before) == first[1]
    second, again = take(space, path)
    assert second == (first[0], 0, first[1] + first[2], first[3])
    assert again == bad
    assert content(space) == before


STUDY = """
[study]
name = "recorded"
[[respondents]]
model = "recorded/acme-1"
[project]
stems = 24
"""


def cli(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def study_file(folder: Path, text: str = STUDY) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(text)
    return folder


def test_the_command_accounts_for_every_row_and_lists_the_bad(tmp_path: Path) -> None:
    folder = study_file(tmp_path / "s")
    rows = [row("s001"), *(row(f"x{i}") for i in range(30)), row("s001", respondent='o"2', draw=0)]
    path = write(tmp_path / "=a.jsonl", rows)
    listed = tmp_path / "bad.csv"
    outcome = cli("import", folder, path, "--bad-rows", listed)
    # What is good is imported all the same.
    assert outcome.exit_code == 1, outcome.output
    assert "=a.jsonl (table): 32 rows = 2 imported + 0 there already + 30 bad" in outcome.output
    assert "  30 unknown item\n" in outcome.output
    assert outcome.output.count("  line ") == 20
    assert "... and 10 more\n" in outcome.output
    assert '[[respondents]]\nmodel = "recorded/o\\"2"\n' in outcome.output
    with listed.open() as stream:
        lines = list(csv.reader(stream))
    assert lines[0] == ["file", "line", "fault", "detail"]
    assert len(lines) == 31
    # A spreadsheet does not run the name of the file.
    assert lines[1][:3] == ["'=a.jsonl", "2", "unknown item"]


def test_bad_rows_with_one_reason_are_told_together(tmp_path: Path) -> None:
    folder = study_file(tmp_path / "s")
    rows = [row("x1"), row("s001"), *([row("x1")] * 2), row("s001", text=None), *([row("x1")] * 20)]
    outcome = cli("import", folder, write(tmp_path / "a.jsonl", rows))
    assert outcome.exit_code == 1, outcome.output
    told = outcome.output.partition("24 bad\n")[2].splitlines()
    # Lines 1, 3, 4 and 6 to 25 have one reason, line 5 another; the first 20 of 24 are lines 1 and 3 to 21.
    listed = ", ".join(map(str, [1, 3, 4, *range(6, 22)]))
    assert told[:5] == [
        "  23 unknown item",
        "  1 no text",
        f"  lines {listed}: unknown item: item 'x1' is no stem of the study (the first is 's001'); map its id or text, "
        "or import as --stage observe",
        "  line 5: no text: 'text' is null: nothing was recorded",
        "  ... and 4 more; --bad-rows FILE lists them all",
    ]
    # Without a bad row the same command ends with 0; there already is not bad.
    good = write(tmp_path / "b.jsonl", [row("s001"), row("s002")])
    assert cli("import", folder, good).exit_code == 0


def test_draws_that_do_not_begin_at_0_are_pointed_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [row(f"x{i}", stage="observe", draw=i + 1) for i in range(2)])
    said = "The draws begin at 1, but count from 0; see --first-draw.\n"
    assert said in cli("import", study_file(tmp_path / "one"), path).output
    assert said not in cli("import", study_file(tmp_path / "two"), path, "--first-draw", "1").output


def test_a_list_of_bad_rows_never_replaces_the_answers(tmp_path: Path) -> None:
    folder = study_file(tmp_path / "s")
    path = write(tmp_path / "a.jsonl", [row("s001")])
    outcome = cli("import", folder, path, "--bad-rows", path)
    assert outcome.exit_code == 1
    assert "is one of the files to import" in str(outcome.exception)
    assert json.loads(path.read_text())["item"] == "s001"
    with pytest.raises(LedgerError, match="cannot be written"):
        raise cli("import", folder, path, "--bad-rows", tmp_path / "no" / "bad.csv").exception


def test_text_in_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    folder = study_file(tmp_path / "s")
    path = write(tmp_path / "a.jsonl", [row("s001"), row("\x1b]0;pwned\x07"), row(stage="\x1b[2J")])
    assert "\x1b" not in cli("import", folder, path).output


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--stage", "judge", "--stage must be 'elicit', 'term', 'project' or 'observe', not 'judge'."),
        ("--format", "xml", "--format must be 'table', 'alpaca-eval', 'lm-eval' or 'inspect', not 'xml'."),
    ],
)
def test_a_wrong_choice_lists_the_choices(tmp_path: Path, option: str, value: str, expected: str) -> None:
    path = write(tmp_path / "a.jsonl", [row()])
    outcome = cli("import", study_file(tmp_path / "s"), path, option, value)
    assert str(outcome.exception) == expected


def test_a_study_says_how_much_is_recorded(tmp_path: Path) -> None:
    folder = study_file(tmp_path / "s")
    cli("import", folder, write(tmp_path / "a.jsonl", [row("s001"), row("x", stage="observe")]))
    said = cli("status", folder).output
    assert "  project      24 calls: 1 in the ledger, 23 not recorded, 0 new\n" in said
    assert "  observe       1 text that was imported\n" in said
    assert "  Nothing to send: 23 answers can only be imported (valuelex import).\n" in said


def stored(table: Path, names: Mapping[str, str]) -> pl.DataFrame:
    """Read a table of results without what tells calls and respondents apart."""
    frame = pl.read_parquet(table) if table.suffix == ".parquet" else pl.read_csv(table)
    text = [c for c, kind in frame.schema.items() if kind == pl.String]
    frame = frame.drop([c for c in frame.columns if c == "call_key"])
    return frame.with_columns(
        pl.col(c).str.replace_many(list(names), list(names.values())) for c in text if c != "call_key"
    )


CHAIN = """
[study]
name = "chain"
seed = 7
{head}
[elicit]
draws = 2
[construct]
n_subdimensions = 4
n_dimensions = 2
resamples = 20
[project]
stems = 12
systems = ["valuelex-2024", "built"]
[compare]
resamples = 200
"""
ASKED = """
[personas]
nurse = "an experienced nurse"
[endpoints.fake]
base_url = "{url}"
[[respondents]]
model = "fake/good"
label = "one"
family = "one"
[[respondents]]
model = "fake/good"
label = "two"
family = "two"
personas = ["nurse"]
"""
RECORDED = """
[[respondents]]
model = "recorded/one t1"
label = "one"
family = "one"
[[respondents]]
model = "recorded/two nurse t1"
label = "two"
family = "two"
"""


@pytest.mark.embedded
def test_recorded_answers_give_the_results_of_the_same_answers_asked_for(
    tmp_path: Path, endpoint: Any
) -> None:
    asked = study_file(tmp_path / "asked", CHAIN.format(head=ASKED.format(url=endpoint.base_url)))
    ran = cli("run", asked, "--yes")
    assert ran.exit_code == 0, ran.output
    answers = [
        *pl.read_parquet(asked / "responses.parquet")
        .select("respondent_id", "draw", "text", item="prompt_id", stage=pl.lit("elicit"))
        .iter_rows(named=True),
        *pl.read_parquet(asked / "completions.parquet")
        .select("respondent_id", "draw", "text", item="stem_id", stage=pl.lit("project"))
        .iter_rows(named=True),
    ]
    assert len(answers) == 2 * 15 * 2 + 2 * 12
    path = write(tmp_path / "answers.jsonl", answers)
    recorded = study_file(tmp_path / "recorded", CHAIN.format(head=RECORDED))
    imported = cli("import", recorded, path, "--map", "respondent=respondent_id")
    assert f"{len(answers)} rows = {len(answers)} imported + 0 there already + 0 bad" in imported.output
    n_sent = len(endpoint.answered())
    measured = cli("run", recorded, "--yes")
    assert measured.exit_code == 0, measured.output
    assert len(endpoint.answered()) == n_sent
    names = {"one t1": "one", "two nurse t1": "two"}
    for name in (
        "responses.parquet",
        "completions.parquet",
        "ratings.parquet",
        "orientations.csv",
        "contrasts.csv",
    ):
        assert stored(recorded / name, names).equals(stored(asked / name, names)), name
    report = (recorded / "report.html").read_text()
    assert "not told" in report
    assert "were recorded elsewhere" in report
    # From a number back to the line of the file: a completion's call names it.
    key = pl.read_parquet(recorded / "completions.parquet")["call_key"][0]
    with Ledger(recorded / "ledger.db", read_only=True) as ledger:
        origin = json.loads(ledger.payloads([key])[key])["valuelex_import"]
    assert origin["file"] == "answers.jsonl"
    assert answers[origin["line"] - 1]["item"] == origin["item"]


@pytest.mark.embedded
def test_what_was_not_recorded_is_missing_and_never_sent(tmp_path: Path) -> None:
    folder = study_file(tmp_path / "s")
    ran = cli("run", folder, "--yes")
    assert str(ran.exception) == (
        "None of the 24 completions was recorded; import them: valuelex import STUDY FILE"
    )
    stems = open_study(folder).study.project.test.stems
    rows = [row(stem.id, f"told her the truth for the {i + 3}th time.") for i, stem in enumerate(stems[:18])]
    assert "18 rows = 18 imported" in cli("import", folder, write(tmp_path / "a.jsonl", rows)).output
    ran = cli("run", folder, "--yes")
    assert ran.exit_code == 0, ran.output
    missing = pl.read_parquet(folder / "completions.parquet")["missing"]
    assert missing.value_counts(sort=True).rows() == [(None, 18), ("NOT_RECORDED", 6)]
    assert "6 not recorded" in (folder / "report.html").read_text()


@pytest.mark.skipif(not DATA.exists(), reason="the recorded outputs for validation are not here")
@pytest.mark.parametrize(
    ("file", "fields", "counts", "faults"),
    [
        (
            "wildbench_datasource/outputs.jsonl.gz",
            {"respondent": "model", "item": "session_id", "text": "output"},
            (21_472, 15_339, 0, 6_133),
            {Fault.NO_TEXT},
        ),
        (
            "llm_values_pct/completions.jsonl.gz",
            {
                "respondent": "model",
                "item": "{experiment}/{templ_id}/{pct_id}/{ans_id}/{jail_id}",
                "text": "completion",
            },
            (15_500, 15_500, 0, 0),
            set(),
        ),
        (
            "valuebench/answers.jsonl.gz",
            {"respondent": "model", "item": "item_id", "text": "answer", "prompt": "question"},
            (11_928, 11_928, 0, 0),
            set(),
        ),
        (
            "fulcra/trustworthy_half.jsonl.gz",
            {"respondent": "response_source", "prompt": "dialogue", "text": "dialogue"},
            (859, 859, 0, 0),
            set(),
        ),
    ],
)
def test_real_recorded_outputs(
    tmp_path: Path, file: str, fields: dict[str, str], counts: tuple[int, ...], faults: set[Fault]
) -> None:
    found, bad = take(workspace(tmp_path), DATA / file, fields=fields, stage="observe")
    assert found == counts
    assert {b.fault for b in bad} == faults
