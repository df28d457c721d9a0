"""Probes by a whole run: on real servers with and without a chat template, and on an endpoint that is down."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from template_proxy import template_proxy
from valuelex import pipeline
from valuelex.cli import app
from valuelex.errors import CallError
from valuelex.io.embedded import DEFAULT_MODEL, EmbeddedServer, find_weights
from valuelex.io.ledger import Answer, Ledger
from valuelex.pipeline.merging import conflicting_probes, merge
from valuelex.pipeline.probing import probe_payloads
from valuelex.pipeline.sharding import Shard, send_shard
from valuelex.pipeline.verifying import verify
from valuelex.pipeline.workspace import Silent, Workspace
from valuelex.stages.probe import plan_probes

RAW = """
[study]
name = "base models"
seed = 7
[endpoints.mine]
base_url = "{url}"
sends_seed = "find out"
limit_key = "find out"
extra_body = {{ min_p = 0.0 }}
[[respondents]]
model = "mine/small"
api = "completion"
[project]
stems = 6
max_tokens = 12
[compare]
resamples = 100
"""
TWO = """
[study]
name = "two endpoints"
seed = 7
[endpoints.good]
base_url = "{url}"
sends_seed = "find out"
limit_key = "find out"
[endpoints.bad]
base_url = "{url}"
sends_seed = "find out"
limit_key = "find out"
[[respondents]]
model = "good/good"
[[respondents]]
model = "bad/absent"
[project]
stems = 6
"""


class Told(Silent):
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, title: str) -> None:
        self.steps.append(title)

    def note(self, sentence: str) -> None:
        self.steps.append(sentence)


def open_study(folder: Path, text: str, url: str) -> Workspace:
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(text.format(url=url))
    return pipeline.open_study(folder)


def stages(workspace: Workspace) -> Counter[str]:
    with closing(sqlite3.connect(workspace.ledger_path)) as db:
        return Counter(
            stage for (stage,) in db.execute("SELECT stage FROM call JOIN reply ON call_key = key")
        )


@pytest.mark.embedded
def test_a_secret_chat_template_is_found_and_told(tmp_path: Path) -> None:
    with EmbeddedServer(find_weights(DEFAULT_MODEL, tmp_path), "small") as server:
        raw = open_study(tmp_path / "raw", RAW, server.base_url)
        told = Told()
        plain = pipeline.run(raw, progress=told)
        with template_proxy(server.base_url) as url:
            wrapped = pipeline.run(open_study(tmp_path / "wrapped", RAW, url))
        with template_proxy(server.base_url, counts=False) as url:
            uncounted = pipeline.run(open_study(tmp_path / "uncounted", RAW, url))
        signs = [
            json.loads((tmp_path / name / "probes.json").read_text())["models"][0]["template"]
            for name in ("raw", "wrapped", "uncounted")
        ]
        assert [s["verdict"] for s in signs] == ["raw", "templated", "templated"]
        # The text has 16 tokens; the template of this model adds 30 around it.
        assert [s["n_added"] for s in signs] == [0, 30, None]
        assert [s["goes_on"] for s in signs] == [True, False, False]
        assert plain is not None
        assert wrapped is not None
        assert uncounted is not None
        sentence = "The endpoint of mine/small wraps raw prompts into a chat (see probes.json)"
        assert [any(w.startswith(sentence) for w in r.warnings) for r in (plain, wrapped, uncounted)] == [
            False,
            True,
            True,
        ]
        assert not any("wraps" in step for step in told.steps)
        # One call for the seed and the limit, three for the template, one a stem; a second run sends nothing.
        assert stages(raw) == {"probe": 4, "project": 6}
        before = (raw.folder / "study.resolved.json").read_bytes()
        assert b'"raw_completion": true' in before
        assert b'"sends_seed": true' in before
        again = Told()
        pipeline.run(raw, progress=again)
        assert "Nothing was sent: every answer was in the ledger" in again.steps
        assert (raw.folder / "study.resolved.json").read_bytes() == before


def test_probes_are_counted_before_they_are_sent(tmp_path: Path, endpoint) -> None:
    workspace = open_study(tmp_path, TWO.replace("bad/absent", "bad/other"), endpoint.base_url)
    # Two models, each at the most: all at once, four plain forms, and the seed alone.
    first = pipeline.status(workspace).counts[0]
    assert (first.stage, first.n_planned, first.n_answered, first.at_most) == ("probe", 12, 0, True)
    seen = []
    pipeline.run(workspace, until="project", approve=lambda state: not seen.append(state.n_new))
    assert seen == [12 + 12]
    after = pipeline.status(workspace).counts
    assert [(c.stage, c.n_planned, c.n_answered, c.at_most) for c in after if c.n_planned] == [
        ("probe", 2, 2, False),
        ("project", 12, 12, False),
    ]


def test_who_cannot_be_probed_does_not_hold_up_the_others(tmp_path: Path, endpoint) -> None:
    workspace = open_study(tmp_path, TWO, endpoint.base_url)
    with pytest.raises(CallError, match="has no model 'absent'"):
        pipeline.run(workspace, until="project")
    assert stages(workspace) == {"probe": 1, "project": 6}
    with Ledger(workspace.ledger_path, read_only=True) as ledger:
        assert set(ledger.failures().values()) != set()


FUSSY = """
[study]
name = "fussy"
seed = 7
[endpoints.mine]
base_url = "{url}"
sends_seed = "find out"
limit_key = "find out"
[[respondents]]
model = "mine/fixed"
temperature = [0.7, 1.0]
top_p = 1.0
[[respondents]]
model = "mine/good"
[project]
stems = 6
[compare]
resamples = 100
"""


def test_a_model_that_refuses_a_temperature_stops_who_has_it_and_nobody_else(
    tmp_path: Path, endpoint
) -> None:
    workspace = open_study(tmp_path, FUSSY, endpoint.base_url)
    warm, usual, good = (r.id for r in workspace.study.respondents)
    with pytest.raises(CallError) as caught:
        pipeline.run(workspace)
    assert str(caught.value).startswith(
        "'mine' refused a call to 'fixed' (400: Unsupported value: 'temperature' does not support this.); set the "
        'temperature and top_p that it takes, or "default" to send none. '
        f"Stopped: {warm!r}."
    )
    with closing(sqlite3.connect(workspace.ledger_path)) as db:
        query = (
            "SELECT respondent_id, count(*) FROM call JOIN reply ON call_key = key "
            "WHERE stage = 'project' GROUP BY 1"
        )
        assert dict(db.execute(query)) == {usual: 6, good: 6}
    counts = {c.stage: (c.n_planned, c.n_answered) for c in pipeline.status(workspace).counts}
    assert counts["project"] == (18, 12)
    assert pipeline.run(workspace, send=False) is not None
    assert not any(check.n_wrong for check in verify(workspace))


JUDGES = """
[[judges]]
kind = "llm"
model = "mine/referee"
temperature = 0.0
[[judges]]
kind = "llm"
model = "mine/fixed"
temperature = 0.0
"""


def test_a_judge_whose_temperature_is_refused_is_named_and_the_others_have_rated(
    tmp_path: Path, endpoint
) -> None:
    workspace = open_study(tmp_path, FUSSY.replace("[0.7, 1.0]", "1.0") + JUDGES, endpoint.base_url)
    fussy = workspace.study.judges[1].id
    with pytest.raises(CallError) as caught:
        pipeline.run(workspace)
    said = str(caught.value)
    assert said.startswith(
        f"Judge {fussy!r} answered none of its calls: 'mine' refused a call to 'fixed' (400"
    )
    assert 'or "default" to send none. The answers of others are kept.' in said
    assert stages(workspace)["judge"] == 11
    assert pipeline.run(workspace, send=False) is not None


def test_what_is_added_to_a_study_leaves_paid_calls_found(tmp_path: Path, endpoint) -> None:
    """The judge's probes are still open, and the endpoint is gone: the answers that were paid for are there."""
    plain = TWO.replace("bad/absent", "bad/other")
    before = open_study(tmp_path, plain, endpoint.base_url)
    pipeline.run(before, until="project")
    judge = '\n[[judges]]\nkind = "llm"\nmodel = "good/good"\ntemperature = 0.0\n'
    hotter = plain.replace('model = "good/good"', 'model = "good/good"\ntemperature = [0.2, 1.0]', 1)
    after = open_study(tmp_path, hotter + judge, endpoint.base_url)
    counts = {c.stage: (c.n_planned, c.n_answered) for c in pipeline.status(after).counts}
    assert counts["project"] == (18, 12)
    assert pipeline.run(after, until="project", send=False) is None
    assert sum(c.n_answered for c in pipeline.status(after).counts) == 2 + 12


def test_a_shard_sends_the_calls_of_others_where_one_cannot_be_probed(tmp_path: Path, endpoint) -> None:
    workspace = open_study(tmp_path, TWO, endpoint.base_url)
    with pytest.raises(CallError, match="has no model 'absent'"):
        send_shard(workspace, Shard(1, 1))
    assert stages(workspace) == {"probe": 1, "project": 6}


def test_probes_go_on_with_others_where_one_cannot_be_probed(tmp_path: Path, endpoint) -> None:
    """The other refuses a seed and so needs a second round."""
    text = TWO.replace("good/good", "good/seedless")
    workspace = open_study(tmp_path, text, endpoint.base_url)
    with pytest.raises(CallError, match="has no model 'absent'"):
        pipeline.run(workspace, until="project")
    # All at once is refused, the plain form is taken; then the calls of the study, without a seed.
    assert stages(workspace) == {"probe": 2, "project": 6}


def recorded(folder: Path, url: str, *, takes_seed: bool) -> Workspace:
    """A study folder whose ledger holds all probes of two models, by an endpoint that takes a seed or does not."""
    workspace = open_study(folder, TWO.replace("bad/absent", "bad/other"), url)
    with Ledger(workspace.ledger_path) as ledger:
        while new := [
            c
            for c in plan_probes(workspace.study, probe_payloads(workspace.study, ledger))
            if c.key not in ledger.answered()
        ]:
            for call in new:
                refused = call.model == "good" and "seed" in json.loads(call.body) and not takes_seed
                payload = {"choices": [{"message": {"content": "A pear."}}]}
                if refused:
                    payload = {"error": {"message": "no seed"}, "http_status": 400}
                ledger.record([Answer(call, json.dumps(payload), 0.1, 1)])
    return workspace


def test_a_merge_names_the_models_about_which_machines_found_other_things(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/v1"
    able, again = (recorded(tmp_path / name, url, takes_seed=True) for name in ("a", "b"))
    other = recorded(tmp_path / "c", url, takes_seed=False)
    whole = open_study(tmp_path / "whole", TWO.replace("bad/absent", "bad/other"), url)
    assert conflicting_probes(whole, [able.folder, again.ledger_path]) == []
    (line,) = conflicting_probes(whole, [able.folder, other.folder])
    expected = (
        f"Probes of good/good (chat) conflict: sends_seed is true in {str(able.ledger_path)!r}, false in "
        f"{str(other.ledger_path)!r}; "
    )
    assert line.startswith(expected)
    assert merge(whole, [able.folder]).replies.n_new == 2
    assert len(conflicting_probes(whole, [other.folder])) == 1  # With the study's own ledger.
    said = CliRunner().invoke(app, ["merge", str(whole.folder / "study.toml"), str(other.folder)])
    assert said.exit_code == 0
    assert "Probes of good/good (chat) conflict: sends_seed is true" in said.stdout
