"""Each thing that can be damaged is damaged on purpose, and found by name."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from drawn_charts import draw_once
from loopback import loopback
from valuelex import pipeline
from valuelex.cli.main import app
from valuelex.errors import DataError, LedgerError
from valuelex.io.files import RESULT_FILES
from valuelex.pipeline import verifying
from valuelex.pipeline.verifying import verify

pytestmark = pytest.mark.embedded
STUDY = """
[study]
name = "verified"
[personas]
nurse = "an experienced nurse"
[endpoints.fake]
base_url = "{url}"
[[respondents]]
model = "fake/good"
personas = ["", "nurse"]
temperature = [0.5, 1.0]
[project]
stems = 4
[[judges]]
kind = "llm"
model = "fake/referee"
name = "referee"
[compare]
resamples = 200
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was run to its end."""
    folder = tmp_path_factory.mktemp("finished")
    with loopback() as endpoint:
        (folder / "study.toml").write_text(STUDY.format(url=endpoint.base_url))
        assert pipeline.run(pipeline.open_study(folder)) is not None
    return folder


@pytest.fixture(autouse=True)
def _each_chart_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_once(monkeypatch)


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "s"))


def wrong(folder: Path) -> dict[str, str]:
    """What does not hold, with the first offenders."""
    checks = verify(pipeline.open_study(folder))
    return {check.title: "; ".join(check.first) for check in checks if check.n_wrong}


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as db, db:
        for statement in statements:
            db.execute(statement)


def rewrite(folder: Path, name: str, how: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    how(pl.read_parquet(folder / name)).write_parquet(folder / name, compression="zstd")


def test_a_study_that_is_whole_verifies_and_nothing_is_changed(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir() if "ledger.db-" not in path.name}
    checks = verify(pipeline.open_study(folder))
    assert {check.title: check.n_wrong for check in checks if check.n_wrong} == {}
    after = {path.name: path.read_bytes() for path in folder.iterdir() if "ledger.db-" not in path.name}
    assert after == before
    counted = {check.title: check.n_checked for check in checks}
    n_notes = pl.read_parquet(folder / "notes.parquet").height
    # Two personas at two temperatures, four stems: 16 completions; one judge of six subdimensions.
    assert counted["rows of results have their reply in the ledger"] == 16 + n_notes
    assert counted["ratings have their completion"] == 16 * 6
    assert counted["replies can be read"] == counted["call keys are those of their requests"] > 16
    assert counted["results are those of the answers in the ledger"] == 10


def test_the_command_says_what_is_wrong_and_exits_with_1(folder: Path) -> None:
    done = CliRunner().invoke(app, ["verify", str(folder)])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "Everything holds."), done.output
    change(folder, "UPDATE reply SET payload = '{'")
    done = CliRunner().invoke(app, ["verify", str(folder)])
    assert done.exit_code == 1
    assert "  WRONG  replies can be read (" in done.output
    assert " more\n" in done.output


def test_a_reply_that_is_no_json(folder: Path) -> None:
    change(folder, "UPDATE reply SET payload = substr(payload, 1, 20) WHERE rowid = 1")
    found = wrong(folder)
    assert list(found) == ["replies can be read", "token counts are those of the replies"]
    assert found["replies can be read"].startswith("call1-")


def test_a_flipped_letter_in_a_reply_is_told_by_the_results(folder: Path) -> None:
    raw = (folder / "ledger.db").read_bytes()
    where = raw.index(b"kept the secret")
    (folder / "ledger.db").write_bytes(raw[:where] + b"K" + raw[where + 1 :])
    assert "completions.parquet (" in wrong(folder)["results are those of the answers in the ledger"]


def test_changed_tokens(folder: Path) -> None:
    change(folder, "UPDATE reply SET completion_tokens = 8 WHERE rowid = 1")
    assert list(wrong(folder)) == ["token counts are those of the replies"]


def test_a_changed_request(folder: Path) -> None:
    change(
        folder, "UPDATE call SET draw = 9 WHERE rowid = (SELECT min(rowid) FROM call WHERE stage = 'project')"
    )
    assert list(wrong(folder)) == ["call keys are those of their requests"]


def test_a_lost_call(folder: Path) -> None:
    change(folder, "DELETE FROM call WHERE rowid = 1")
    found = wrong(folder)
    assert found["replies and failures belong to calls"].startswith("reply of call1-")


def test_a_lost_reply(folder: Path) -> None:
    (key,) = pl.read_parquet(folder / "completions.parquet")["call_key"].head(1)
    change(folder, f"DELETE FROM reply WHERE call_key = '{key}'")
    found = wrong(folder)
    assert found["rows of results have their reply in the ledger"] == f"completions.parquet row 1 ({key})"


def test_a_changed_text(folder: Path) -> None:
    text = pl.when(pl.col("id") == pl.col("id").get(2)).then(pl.lit("I lied.")).otherwise("text")
    rewrite(folder, "completions.parquet", lambda frame: frame.with_columns(text.alias("text")))
    assert wrong(folder) == {
        "results are those of the answers in the ledger": "completions.parquet (1 row differs, first row 3 in text)"
    }


def test_a_changed_rating_and_a_changed_orientation(folder: Path) -> None:
    rewrite(folder, "ratings.parquet", lambda frame: frame.with_columns(rating=pl.col("rating").clip(1, 5)))
    path = folder / "orientations.csv"
    path.write_text(path.read_text().replace("3.", "4."))
    found = wrong(folder)["results are those of the answers in the ledger"]
    assert found.startswith("orientations.csv; ratings.parquet (")
    assert found.endswith("in rating)")


def test_a_rating_of_no_completion(folder: Path) -> None:
    other = pl.lit("nobody:s001:0").alias("completion_id")
    rewrite(folder, "ratings.parquet", lambda frame: frame.with_columns(other))
    assert "ratings.parquet row 1 (nobody:s001:0)" in wrong(folder)["ratings have their completion"]


def test_results_that_are_older_than_the_answers(folder: Path) -> None:
    failed = [pl.lit("CALL_FAILED").alias("missing"), pl.lit("").alias("text")]
    rewrite(
        folder,
        "completions.parquet",
        lambda frame: pl.concat([frame.head(1).with_columns(failed), frame.tail(-1)]),
    )
    found = wrong(folder)
    assert found["no call that results count as unanswered has been answered since"].startswith(
        "completions.parquet row 1 (call1-"
    )


def test_a_truncated_table(folder: Path) -> None:
    path = folder / "notes.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    found = wrong(folder)
    assert found["tables of results can be read"].startswith("notes.parquet (")
    assert found["results are those of the answers in the ledger"] == "notes.parquet (cannot be read)"


def test_a_truncated_ledger(folder: Path) -> None:
    path = folder / "ledger.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "the ledger file is whole" in wrong(folder)


def test_what_is_no_ledger_of_this_version_is_refused(folder: Path) -> None:
    change(folder, "PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="version 99, and 2 can be verified"):
        verify(pipeline.open_study(folder))
    (folder / "ledger.db").unlink()
    with pytest.raises(LedgerError, match="No ledger in"):
        verify(pipeline.open_study(folder))


def test_how_fast_an_endpoint_is_asked_is_told_by_no_result(folder: Path) -> None:
    path = folder / "study.toml"
    asked = (
        "max_in_flight = 3\nrequests_per_minute = 600\ntokens_per_minute = 90_000\ntimeout_s = 45\nbase_url"
    )
    path.write_text(path.read_text().replace("base_url", asked))
    assert pipeline.open_study(folder).study.respondents[0].model.endpoint.max_in_flight == 3
    assert wrong(folder) == {}
    assert pipeline.is_finished(pipeline.open_study(folder))
    told = (folder / "study.resolved.json").read_text()
    assert not [name for name in ("in_flight", "per_minute", "timeout_s") if name in told]
    # A setting that goes into requests is another study.
    path.write_text(path.read_text().replace("base_url", "sends_seed = false\nbase_url"))
    assert "results are those of the answers in the ledger" in wrong(folder)
    assert not pipeline.is_finished(pipeline.open_study(folder))


OF_REPORT = (
    "contrasts.csv",
    "notes.parquet",
    "orientations.csv",
    "quality.json",
    "ratings.parquet",
    "report.html",
    "value_system.json",
)


@pytest.mark.parametrize("name", ["study.resolved.json", "probes.json", "completions.parquet", *OF_REPORT])
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert wrong(folder) == {"results are those of the answers in the ledger": f"{name} (missing)"}


def test_a_forged_file_is_found_though_the_report_is_gone(folder: Path) -> None:
    (folder / "report.html").unlink()
    path = folder / "orientations.csv"
    path.write_text(path.read_text().replace("3.", "4.", 1))
    assert wrong(folder) == {
        "results are those of the answers in the ledger": "orientations.csv; report.html (missing)"
    }


def test_every_result_file_tells_a_stage_but_those_that_a_run_writes_before_its_first() -> None:
    told = [name for _, names in verifying._MADE_BY for name in names]
    assert sorted([*told, "study.resolved.json", "probes.json"]) == sorted(RESULT_FILES)


@pytest.mark.parametrize("left", OF_REPORT)
def test_one_file_of_the_report_is_enough_to_miss_the_others(folder: Path, left: str) -> None:
    for name in {*OF_REPORT, "completions.parquet"} - {left}:
        (folder / name).unlink()
    (check,) = [check for check in verify(pipeline.open_study(folder)) if check.n_wrong]
    # Of seven files of the report one is left, and the completions before it are gone too.
    assert (check.n_checked, check.n_wrong) == (10, 7)
    assert all(offender.endswith(" (missing)") for offender in check.first)


def test_a_file_that_the_study_does_not_make_is_named(folder: Path) -> None:
    (folder / "lexicon.json").write_text("{}")
    (folder / "probes.json").write_text("{}")
    assert wrong(folder) == {
        "results are those of the answers in the ledger": "lexicon.json (not made from these answers); probes.json"
    }


def test_results_of_an_earlier_stage_hold_by_themselves(folder: Path) -> None:
    for name in OF_REPORT:
        (folder / name).unlink()
    checks = verify(pipeline.open_study(folder))
    assert [check.title for check in checks if check.n_wrong] == []
    assert checks[-1].n_checked == 3  # The study, its probes and the completions.


def test_a_run_that_stopped_at_its_answers_holds_and_what_was_added_does_not(folder: Path) -> None:
    said = "json_set(payload, '$.choices[0].message.content', 'No idea.')"
    judged = "(SELECT key FROM call WHERE stage = 'judge')"
    change(folder, f"UPDATE reply SET payload = {said} WHERE call_key IN {judged}")
    kept = {name: (folder / name).read_bytes() for name in ("report.html", "orientations.csv")}
    for name in OF_REPORT:
        (folder / name).unlink()
    with pytest.raises(DataError, match="No judge rated anything"):
        pipeline.run(pipeline.open_study(folder), send=False)
    assert (folder / "notes.parquet").exists()
    assert wrong(folder) == {}
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    found = wrong(folder)["results are those of the answers in the ledger"]
    assert found.startswith("they cannot be computed again (No judge rated anything on 'valuelex-2024'")
    assert found.endswith(
        "; orientations.csv (not made from these answers); report.html (not made from these answers)"
    )


def test_a_ledger_without_results_is_verified_alone(folder: Path) -> None:
    for name in RESULT_FILES:
        (folder / name).unlink(missing_ok=True)
    checks = verify(pipeline.open_study(folder))
    assert all(check.n_wrong == 0 for check in checks)
    assert "results are those of the answers in the ledger" not in {check.title for check in checks}
