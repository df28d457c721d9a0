"""The whole chain by its commands: on a loopback endpoint, and on the embedded model."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from study_text import study_head
from valuelex.domain.cost import show_usd
from valuelex.io.ledger import Ledger

pytestmark = pytest.mark.embedded
RESULTS = [
    "completions.parquet",
    "contrasts.csv",
    "factors.json",
    "lexicon.json",
    "loadings.csv",
    "notes.parquet",
    "orientations.csv",
    "populations.csv",
    "populations.json",
    "quality.json",
    "ratings.parquet",
    "report.html",
    "response_matrix.npz",
    "responses.parquet",
    "study.resolved.json",
    "value_system.json",
]
STUDY = """
[elicit]
draws = 2
[construct]
n_subdimensions = 4
n_dimensions = 2
resamples = 20
[factors]
resamples = 20
[[populations]]
name = "raw"
where = { api = "completion" }
[project]
stems = 12
systems = ["valuelex-2024", "built"]
[compare]
factors = ["respondent", "api"]
resamples = 200
"""
N_CALLS = 6 * 15 * 2 + 6 * 12


def valuelex(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "valuelex", *arguments],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env={**os.environ, **environment},
    )


def write_study(folder: Path, url: str, model: str = "good") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "study.toml"
    endpoint = "max_in_flight = 4\nraw_completion = true"
    head = study_head("end to end", url, model=model, apis=("chat", "completion"), endpoint=endpoint)
    path.write_text(head + STUDY)
    return path


def digests(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in RESULTS}


def test_a_second_run_sends_nothing_and_writes_the_same_bytes(tmp_path: Path, endpoint) -> None:
    path = write_study(tmp_path / "s", endpoint.base_url)
    first = valuelex("run", str(path))
    assert first.returncode == 0, first.stderr
    assert f"New calls: {N_CALLS}" in first.stdout
    assert len(endpoint.answered()) == N_CALLS
    before = digests(path.parent)
    for name in RESULTS:
        (path.parent / name).unlink()
    second = valuelex("run", str(path))
    assert second.returncode == 0, second.stderr
    assert len(endpoint.answered()) == N_CALLS
    assert digests(path.parent) == before
    assert valuelex("report", str(path)).returncode == 0
    assert digests(path.parent) == before


JUDGED = """
temperature = [0.5, 1.0]
family = "good"
[project]
stems = 24
{project}
[[judges]]
kind = "llm"
model = "fake/referee"
name = "referee"
draws = 2
temperature = 0.7
{judge}
[[judges]]
kind = "axis"
[compare]
resamples = 200
{compare}
"""


def write_judged(folder: Path, url: str, project: str = "", judge: str = "", compare: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "study.toml"
    head = study_head("judged", url, endpoint="json_schema = true\nlogprobs = false")
    path.write_text(head + JUDGED.format(project=project, judge=judge, compare=compare))
    return path


def test_a_language_model_and_the_axis_judge_as_a_panel(tmp_path: Path, endpoint) -> None:
    path = write_judged(tmp_path / "judged", endpoint.base_url, compare='remove = ["length"]')
    first = valuelex("run", str(path))
    assert first.returncode == 0, first.stderr
    notes = pl.read_parquet(path.parent / "notes.parquet")
    completions = pl.read_parquet(path.parent / "completions.parquet")
    # 6 respondents x 24 stems were completed; equal sentences are one exhibit, rated twice on six subdimensions.
    assert completions.height == 6 * 24
    n_exhibits = notes["exhibit_id"].n_unique()
    assert n_exhibits < 6 * 24
    assert notes.height == n_exhibits * 2 * 6
    assert len(endpoint.answered()) == 6 * 24 + n_exhibits * 2
    assert set(notes["missing"].drop_nulls()) == {"IRRELEVANT"}
    assert notes["evidence_found"].all()
    ratings = pl.read_parquet(path.parent / "ratings.parquet")
    judges = ["referee", "axis:all-MiniLM-L6-v2", "panel", "panel less length"]
    assert ratings["judge"].unique(maintain_order=True).to_list() == judges
    assert ratings.height == 4 * 6 * 24 * 6
    # The gate closes for the referee alone; the axis rates everything, so the panel does.
    closed = ratings.filter(pl.col("missing") == "IRRELEVANT")
    assert closed["judge"].unique().to_list() == ["referee"]
    contrasts = pl.read_csv(path.parent / "contrasts.csv")
    assert contrasts["judge"].unique().to_list() == ["panel less length"]
    quality = json.loads((path.parent / "quality.json").read_text())["quality"][0]
    assert quality["judges"] == judges[:2]
    assert {s["judge"] for s in quality["severities"]} == set(judges[:2])
    # A judge is never told who wrote: no body of its calls names a respondent's persona.
    with closing(sqlite3.connect(path.parent / "ledger.db")) as db:
        bodies = [body for (body,) in db.execute("SELECT body FROM call WHERE stage = 'judge'")]
    assert not any("experienced nurse" in body for body in bodies)
    results = [name for name in RESULTS if (path.parent / name).exists()]
    before = [(path.parent / name).read_bytes() for name in results]
    assert valuelex("run", str(path)).returncode == 0
    assert len(endpoint.answered()) == 6 * 24 + n_exhibits * 2
    assert [(path.parent / name).read_bytes() for name in results] == before
    state = valuelex("status", str(path)).stdout
    assert f"judge    {2 * n_exhibits:6} calls: {2 * n_exhibits} in the ledger, 0 new" in state


def test_a_judge_can_be_kept_from_its_own_family(tmp_path: Path, endpoint) -> None:
    own = 'family = "good"\nexclude_family = true'
    path = write_judged(tmp_path / "kept", endpoint.base_url, judge=own)
    assert valuelex("run", str(path)).returncode == 0
    ratings = pl.read_parquet(path.parent / "ratings.parquet").filter(pl.col("judge") == "referee")
    assert ratings["missing"].unique().to_list() == ["EXCLUDED"]
    assert len(endpoint.answered()) == 6 * 24


def test_a_judge_that_rates_nothing_is_told_and_loses_nothing(tmp_path: Path, endpoint) -> None:
    path = write_judged(tmp_path / "mute", endpoint.base_url)
    text = path.read_text().replace("fake/referee", "fake/mute").replace('[[judges]]\nkind = "axis"\n', "")
    path.write_text(text)
    ran = valuelex("run", str(path))
    assert ran.returncode == 2
    assert (
        "No judge rated anything on 'valuelex-2024' (864 UNPARSEABLE); read the judges' answers in"
        in ran.stderr
    )
    assert pl.read_parquet(path.parent / "notes.parquet")["missing"].unique().to_list() == ["UNPARSEABLE"]


def test_second_methods_are_counted_by_what_they_ask(tmp_path: Path, endpoint) -> None:
    twice = "[second]\nchoose_draws = 1\nrate_draws = 1\n"
    path = write_judged(tmp_path / "second", endpoint.base_url, compare=twice)
    ran = valuelex("run", str(path))
    assert ran.returncode == 0, ran.stderr
    second = json.loads((path.parent / "quality.json").read_text())["second"][0]
    # 6 respondents x 30 ordered pairs of six statements, and x 6 statements.
    assert len(second["choices"]["first"]) == 6 * 30
    assert [len(second["direct"]["values"]), len(second["direct"]["values"][0])] == [6, 6]
    assert second["multitrait"]["methods"] == ["projective", "choices", "direct"]
    assert "choose      180 calls: 180 in the ledger, 0 new" in valuelex("status", str(path)).stdout
    # Other statements are other calls, however many of the old ones are answered.
    path.write_text(path.read_text().replace("stems = 24", 'stems = 24\nsystems = ["schwartz-1992"]'))
    assert "choose      540 calls: 0 in the ledger, 540 new" in valuelex("status", str(path)).stdout
    refused = valuelex("run", str(path), "--max-calls", "0")
    assert refused.returncode == 2
    assert (
        "The limit on calls (--max-calls) or cost (--max-cost) of this run is reached. Of 540 calls 0 were answered"
        in refused.stderr
    )


def test_rating_files_are_read_before_anything_is_sent(tmp_path: Path, endpoint) -> None:
    path = write_judged(tmp_path / "people", endpoint.base_url)
    text = path.read_text()
    people = '[[judges]]\nkind = "people"\nname = "anna"\nratings = ["no.csv"]\n'
    path.write_text(text.replace('[[judges]]\nkind = "axis"\n', people))
    for command in ("check", "run"):
        refused = valuelex(command, str(path))
        assert refused.returncode == 2
        assert "no.csv" in refused.stderr
    assert endpoint.answered() == []


def test_adaptive_length_asks_no_more_than_it_needs(tmp_path: Path, endpoint) -> None:
    wide = "stop_width = 5.9\nstop_least = 12\nwordings = 2"
    path = write_judged(tmp_path / "short", endpoint.base_url, project=wide)
    ran = valuelex("run", str(path))
    assert ran.returncode == 0, ran.stderr
    saving = json.loads((path.parent / "quality.json").read_text())["saving"]
    assert saving["n_all"] == 24
    assert set(saving["n_stems"].values()) == {12}
    completions = pl.read_parquet(path.parent / "completions.parquet")
    # 6 respondents x 12 of 24 stems x 2 wordings.
    assert completions.height == 6 * 12 * 2
    assert sorted(completions["wording"].unique()) == [0, 1]


def test_ctrl_c_says_that_nothing_is_lost(tmp_path: Path, endpoint) -> None:
    path = write_study(tmp_path, endpoint.base_url, model="slow")
    command = [sys.executable, "-m", "valuelex", "run", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while len(endpoint.answered()) < 10:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. All answers so far are kept; run again to go on." in errors
    assert "Traceback" not in errors
    with Ledger(tmp_path / "ledger.db", read_only=True) as ledger:
        assert len(ledger.answered()) >= 10 - 4


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("absent", "has no model 'absent'"),
        ("locked", "refused the API key"),
        ("html", "not an OpenAI-compatible reply"),
        ("empty", "None of the 180 responses could be used (180 EMPTY)"),
    ],
)
def test_a_bad_endpoint_is_one_line_and_exit_code_2(tmp_path: Path, endpoint, model: str, words: str) -> None:
    path = write_study(tmp_path, endpoint.base_url, model=model)
    outcome = valuelex("run", str(path))
    assert outcome.returncode == 2
    (line,) = [x for x in outcome.stderr.splitlines() if x.startswith("Error: ")]
    assert words in line
    assert "Traceback" not in outcome.stderr


def test_an_endpoint_that_went_down_keeps_what_it_answered(tmp_path: Path, endpoint) -> None:
    path = write_study(tmp_path, endpoint.base_url)
    assert valuelex("run", str(path), "--until", "elicit").returncode == 0
    # The same study, once its endpoint is gone: what needs no call still works, the rest says so.
    text = path.read_text().replace(endpoint.base_url, "http://127.0.0.1:9/v1")
    down = tmp_path / "down.toml"
    down.write_text(text)
    outcome = valuelex("run", str(down), "--folder", str(tmp_path))
    assert outcome.returncode == 2
    assert "http://127.0.0.1:9/v1 does not answer" in outcome.stderr
    with Ledger(tmp_path / "ledger.db", read_only=True) as ledger:
        assert len(ledger.answered()) == 180


def test_two_processes_share_a_study_and_write_what_one_would(tmp_path: Path, endpoint) -> None:
    path = write_study(tmp_path / "shared", endpoint.base_url, model="slow")
    first = subprocess.Popen(
        [sys.executable, "-m", "valuelex", "run", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with first:
        while not endpoint.answered():
            time.sleep(0.05)
        second = valuelex("run", str(path))
        status = valuelex("status", str(path))
        assert first.stderr is not None
        errors = first.stderr.read()
    assert (first.returncode, second.returncode, status.returncode) == (0, 0, 0), (errors, second.stderr)
    sent = endpoint.answered()
    assert len(sent) == len(set(sent)) == N_CALLS
    alone = write_study(tmp_path / "alone", endpoint.base_url, model="slow")
    assert valuelex("run", str(alone)).returncode == 0
    assert digests(alone.parent) == digests(path.parent)


def test_a_foreign_ledger_is_refused(tmp_path: Path, endpoint) -> None:
    path = write_study(tmp_path, endpoint.base_url)
    (tmp_path / "ledger.db").write_bytes(b"my diary" * 200)
    outcome = valuelex("run", str(path))
    assert outcome.returncode == 2
    assert "cannot be used as a ledger" in outcome.stderr
    assert (tmp_path / "ledger.db").read_bytes() == b"my diary" * 200


def test_a_limit_on_calls_stops_a_run_and_the_next_goes_on(tmp_path: Path, endpoint) -> None:
    path = write_study(tmp_path, endpoint.base_url)
    outcome = valuelex("run", str(path), "--max-calls", "10")
    assert outcome.returncode == 2
    assert (
        "The limit on calls (--max-calls) or cost (--max-cost) of this run is reached. Of " in outcome.stderr
    )
    assert "10 were answered and kept, 0 failed" in outcome.stderr
    assert len(endpoint.answered()) == 10
    assert valuelex("run", str(path)).returncode == 0
    assert len(endpoint.answered()) == len(set(endpoint.answered())) == N_CALLS


def test_a_limit_on_cost_needs_prices_and_holds(tmp_path: Path, endpoint) -> None:
    path = write_study(tmp_path, endpoint.base_url)
    unknown = valuelex("run", str(path), "--max-cost", "1")
    assert unknown.returncode == 2
    assert "--max-cost cannot hold: no price is known for fake/good" in unknown.stderr
    assert endpoint.answered() == []
    prices = tmp_path / "prices.toml"
    lines = ["[[lists]]", 'provider = "fake"', 'date = "2026-01-01"', 'source = "ours"', "[lists.models]"]
    prices.write_text("\n".join([*lines, "good = { input = 1000.0, output = 1000.0 }", ""]))
    assert (
        "Cost (prices of 2026-01-01): about $" in valuelex("check", str(path), "--prices", str(prices)).stdout
    )
    # A reply uses 9 and 7 tokens, at a tenth of a cent each: 1.6 cents.
    outcome = valuelex("run", str(path), "--max-cost", "2", "--prices", str(prices))
    assert outcome.returncode == 2
    assert "The limit on calls (--max-calls) or cost (--max-cost) of this run is reached." in outcome.stderr
    n = len(endpoint.answered())
    assert 0 < n * 0.016 <= 2
    status = valuelex("status", str(path), "--prices", str(prices))
    assert f"Spent so far: {show_usd(n * 16 * 10**9)}" in status.stdout


def test_measure_needs_no_study_file(tmp_path: Path, endpoint) -> None:
    arguments = ["measure", "mine/locked", "--base-url", endpoint.base_url, "--key-variable", "MY_KEY"]
    arguments += ["--stems", "6", "--folder", str(tmp_path)]
    without = valuelex(*arguments)
    assert without.returncode == 2
    assert "set the environment variable MY_KEY" in without.stderr
    outcome = valuelex(*arguments, MY_KEY="right-key")
    assert outcome.returncode == 0, outcome.stderr
    assert "Competence" in outcome.stdout
    assert len(endpoint.answered()) == 6
    table = pl.read_csv(tmp_path / "orientations.csv")
    assert len(table) == 6 + 3
    # What it asked is a study of its own, which the other commands take.
    assert "6 calls: 6 in the ledger, 0 new" in valuelex("status", str(tmp_path)).stdout
    assert valuelex("verify", str(tmp_path)).returncode == 0
    for file in tmp_path.iterdir():
        assert b"right-key" not in file.read_bytes()


def test_the_main_job_on_the_embedded_model(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        '[study]\nname = "tiny"\nseed = 3\n[personas]\nnurse = "an experienced nurse"\n'
        '[[respondents]]\nmodel = "embedded/smollm2-135m-instruct"\nprefill = true\ntemperature = 0.7\n'
        'personas = ["", "nurse"]\n[[respondents]]\nmodel = "embedded/smollm2-135m-instruct"\n'
        'api = "completion"\ntemperature = 0.7\npersonas = ["", "nurse"]\n'
        "[elicit]\nmax_tokens = 40\n[construct]\nn_subdimensions = 3\nn_dimensions = 2\nresamples = 20\n"
        "[project]\nstems = 6\nmax_tokens = 16\n"
    )
    outcome = valuelex("run", str(path))
    assert outcome.returncode == 0, outcome.stderr
    responses = pl.read_parquet(tmp_path / "responses.parquet")
    assert len(responses) == 60
    # Measured on the pocket study: about nine in ten. Half is the alarm.
    assert responses["missing"].is_null().mean() > 0.5
    ratings = pl.read_parquet(tmp_path / "ratings.parquet")
    assert len(ratings) == 4 * 6 * 6
    assert ratings["rating"].drop_nulls().is_between(0, 6).all()
    assert (ratings["rating"].is_null() == ratings["missing"].is_not_null()).all()
    again = valuelex("run", str(path))
    assert again.returncode == 0
    assert "New calls" not in again.stdout
