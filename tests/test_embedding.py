"""A value system with the vectors of an endpoint: asked for once, and done without where there are none."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from valuelex import pipeline
from valuelex.domain.budget import Budget
from valuelex.errors import BudgetError, CallError, StudyError
from valuelex.io.files import RESULT_FILES
from valuelex.io.ledger import Ledger
from valuelex.pipeline.embedding import embedding_calls
from valuelex.pipeline.exporting import export
from valuelex.pipeline.merging import merge
from valuelex.pipeline.planning import planned_calls
from valuelex.pipeline.sharding import Shard, send_shard, sendable_calls
from valuelex.pipeline.verifying import verify
from valuelex.pipeline.workspace import Silent

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("short_waits")]
STUDY = """
[study]
name = "meanings"
[personas]
nurse = "an experienced nurse"
[endpoints.fake]
base_url = "{url}"
[endpoints.near]
base_url = "{near}"
[[respondents]]
model = "fake/good"
personas = ["", "nurse"]
temperature = [0.5, 1.0]
[elicit]
draws = 1
[construct]
n_subdimensions = 3
resamples = 5
embeddings = {embeddings}
{more}
"""
DOWN = "http://127.0.0.1:9/v1"


class Told(Silent):
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def tell(self, sentence: str) -> None:
        self.sentences.append(sentence)


def workspace(
    folder: Path, url: str, embeddings: str = '"near/good"', near: str | None = None, more: str = ""
) -> pipeline.Workspace:
    folder.mkdir(exist_ok=True)
    text = STUDY.format(url=url, near=near or url, embeddings=embeddings, more=more)
    (folder / "study.toml").write_text(text)
    return pipeline.open_study(folder)


def structure(folder: Path) -> dict:
    return json.loads((folder / "structure.json").read_text())


def results(folder: Path) -> dict[str, str]:
    found = (path for path in folder.iterdir() if path.name in RESULT_FILES)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def count(state: pipeline.Status) -> tuple[int, int, int, bool]:
    (embed,) = (c for c in state.counts if c.stage == "embed")
    return embed.n_planned, embed.n_answered, embed.n_failed, embed.open_ended


def test_vectors_are_counted_kept_and_used_again_for_nothing(tmp_path: Path, endpoint) -> None:
    study = workspace(tmp_path / "a", endpoint.base_url)
    assert count(pipeline.status(study)) == (0, 0, 0, True)
    asked = []
    pipeline.run(study, until="construct", approve=lambda state: asked.append(state) is None)
    assert len(asked) == 1  # Vectors were announced, so nobody is asked twice.
    n_terms, n_answered, n_failed, more = count(pipeline.status(study))
    assert (n_answered, n_failed, more) == (n_terms, 0, False)
    assert n_terms > 10
    first, n_sent = results(study.folder), len(endpoint.answered())
    assert "embeddings" in {view["name"] for view in structure(study.folder)["views"]}
    pipeline.run(study, until="construct")
    assert len(endpoint.answered()) == n_sent
    assert results(study.folder) == first
    assert sum(check.n_wrong for check in verify(study)) == 0


def test_an_endpoint_that_is_down_leaves_the_lists_and_is_asked_again_by_the_next_run(
    tmp_path: Path, endpoint
) -> None:
    study = workspace(tmp_path / "a", endpoint.base_url, near=DOWN)
    told = Told()
    pipeline.run(study, until="construct", progress=told)
    found = structure(study.folder)
    assert "embeddings" not in {view["name"] for view in found["views"]}
    (note,) = (n for n in found["notes"] if "near/good" in n)
    assert note.startswith("The embeddings of near/good could not be used: ")
    assert f"{DOWN} does not answer" in note
    assert note.endswith(
        "so terms are grouped by the lists alone; run the study again (valuelex run) to ask for them."
    )
    # It is said at once, nothing else is said of embeddings, and the conclusion follows.
    assert told.sentences == [note, found["verdict"][0]]
    assert [n for n in found["notes"] if "mbeddings" in n] == [note]
    assert sum(check.n_wrong for check in verify(study)) == 0
    n_terms, n_answered, n_failed, _ = count(pipeline.status(study))
    assert n_answered == 0
    assert 0 < n_failed <= n_terms
    # The lists are those of a study that wants no embeddings.
    plain = workspace(tmp_path / "b", endpoint.base_url, embeddings='"none"')
    shutil.copyfile(study.ledger_path, plain.ledger_path)
    pipeline.run(plain, until="construct")
    assert structure(plain.folder)["views"] == found["views"]
    # The endpoint is there again, at another address: the same study goes on.
    again = workspace(study.folder, endpoint.base_url)
    pipeline.run(again, until="construct")
    assert not any("near/good" in n for n in structure(study.folder)["notes"])
    assert count(pipeline.status(again))[1] == n_terms


def test_vectors_of_two_lengths_are_not_used(tmp_path: Path, endpoint) -> None:
    study = workspace(tmp_path / "a", endpoint.base_url, '"near/mixed"')
    pipeline.run(study, until="construct")
    (note,) = (n for n in structure(study.folder)["notes"] if "near/mixed" in n)
    assert "more than one model answered under that name" in note
    assert note.endswith("; name another in [construct] embeddings.")


def test_a_budget_ends_the_run_and_a_key_is_asked_for_before_anything_is_sent(
    tmp_path: Path, endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = workspace(tmp_path / "a", endpoint.base_url)
    n_elicit = len(planned_calls(study.study)["elicit"])
    with pytest.raises(BudgetError):
        pipeline.run(study, until="construct", budget=Budget({}, most_calls=n_elicit + 3))
    assert len(endpoint.answered()) == n_elicit + 3
    monkeypatch.delenv("NEAR_KEY", raising=False)
    locked = workspace(tmp_path / "b", endpoint.base_url)
    text = (locked.folder / "study.toml").read_text()
    text = text.replace("[endpoints.near]", '[endpoints.near]\nkey_variable = "NEAR_KEY"')
    (locked.folder / "study.toml").write_text(text)
    with pytest.raises(CallError, match="'near' needs an API key: set the environment variable NEAR_KEY"):
        pipeline.run(pipeline.open_study(locked.folder), until="construct")
    assert len(endpoint.answered()) == n_elicit + 3


def test_shards_send_vectors_once_all_words_are_there(tmp_path: Path, endpoint) -> None:
    parts = [workspace(tmp_path / f"part{i}", endpoint.base_url, more="[project]\nstems = 2") for i in (0, 1)]
    for i, part in enumerate(parts):
        assert not send_shard(part, Shard(i + 1, 2)).is_whole
    for part in parts:
        merge(part, [p.folder for p in parts])
    with Ledger(parts[0].ledger_path, read_only=True) as ledger:
        plan, is_whole = sendable_calls(parts[0].study, ledger)
        elicited = planned_calls(parts[0].study)["elicit"]
        replies = ledger.replies(c.key for c in elicited)
        assert tuple(plan["embed"]) == embedding_calls(parts[0].study, elicited, replies)
        assert is_whole
    sent = [send_shard(part, Shard(i + 1, 2)) for i, part in enumerate(parts)]
    assert sum(s.n_new for s in sent) == len(plan["embed"]) > 0
    merge(parts[0], [parts[1].folder])
    n_sent = len(endpoint.answered())
    assert pipeline.run(parts[0]) is not None
    assert len(endpoint.answered()) == n_sent


def test_tables_hold_vectors_and_their_use(tmp_path: Path, endpoint) -> None:
    study = workspace(tmp_path / "a", endpoint.base_url)
    pipeline.run(study, until="construct")
    written: list[int] = []
    export(study, tmp_path / "out", "parquet", lambda _, n: written.append(n))
    assert sum(written) == len(planned_calls(study.study)["elicit"]) + count(pipeline.status(study))[0]


def test_terms_that_are_rated_are_embedded_by_the_endpoint_too(tmp_path: Path, endpoint) -> None:
    words = ["care", "duty", "zeal", "honour", "wit", "calm"]
    (tmp_path / "words.txt").write_text("\n".join(words))
    more = "[project]\nstems = 2"
    workspace(tmp_path, endpoint.base_url, more=more)
    text = (tmp_path / "study.toml").read_text().replace("draws = 1", 'mode = "rate"\nterms = "words.txt"')
    (tmp_path / "study.toml").write_text(text)
    study = pipeline.open_study(tmp_path)
    assert count(pipeline.status(study)) == (6, 0, 0, False)
    pipeline.run(study, until="construct")
    assert count(pipeline.status(study)) == (6, 6, 0, False)
    (tmp_path / "study.toml").write_text(text.replace('"near/good"', '["near/good", "minilm"]'))
    with pytest.raises(StudyError, match="no groups of lists that further embeddings could check; name one"):
        pipeline.open_study(tmp_path)
