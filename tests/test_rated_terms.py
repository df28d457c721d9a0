"""Terms that are rated instead of elicited, and lists as a human, from the study file to the report."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from valuelex import pipeline
from valuelex.domain.budget import Budget
from valuelex.errors import BudgetError, DataError
from valuelex.io.ledger import Ledger
from valuelex.pipeline.sharding import sendable_calls
from valuelex.pipeline.verifying import verify
from valuelex.pipeline.workspace import Workspace

HEAD = """
[study]
name = "rated"
seed = 3
[personas]
nurse = "an experienced nurse"
[endpoints.fake]
base_url = "{url}"
logprobs = false
raw_completion = true
[[respondents]]
model = "fake/good"
personas = ["", "nurse"]
[[respondents]]
model = "fake/good"
label = "raw"
api = "completion"
[project]
stems = 2
systems = ["{system}"]
[compare]
resamples = 100
"""
RATE = '[elicit]\nmode = "rate"\nterms = "words.txt"\n'
WORDS = ("care", "duty", "zeal")


def open_study(
    folder: Path, url: str, elicit: str, words: Sequence[str] = WORDS, system: str = "valuelex-2024"
) -> Workspace:
    folder.mkdir(exist_ok=True)
    (folder / "words.txt").write_text("\n".join(words))
    (folder / "study.toml").write_text(HEAD.format(url=url, system=system) + elicit)
    return pipeline.open_study(folder)


def stages(workspace: Workspace) -> Counter[str]:
    with closing(sqlite3.connect(workspace.ledger_path)) as db:
        found = db.execute("SELECT stage FROM call JOIN reply ON call_key = key")
        return Counter(stage for (stage,) in found)


def test_terms_are_rated_counted_and_computed_again_from_the_ledger(tmp_path: Path, endpoint) -> None:
    workspace = open_study(tmp_path / "s", endpoint.base_url, RATE)
    before = pipeline.status(workspace)
    # 3 respondents x 3 terms x 5 prompts, at most 8 tokens each.
    assert [(c.stage, c.n_planned, c.n_new) for c in before.counts] == [
        ("elicit", 0, 0),
        ("term", 45, 45),
        ("project", 6, 6),
    ]
    with pytest.raises(BudgetError):
        pipeline.run(workspace, until="elicit", budget=Budget({}, most_calls=20))
    pipeline.run(workspace, until="elicit")
    assert stages(workspace) == {"term": 45}
    ratings = pl.read_parquet(tmp_path / "s" / "term_ratings.parquet")
    assert ratings.height == 45
    assert ratings["missing"].value_counts(sort=True).rows() == [(None, 30), ("UNPARSEABLE", 15)]
    matrix = pl.read_parquet(tmp_path / "s" / "rated_matrix.parquet")
    means = ratings.group_by("respondent_id", "term", maintain_order=True).agg(pl.col("rating").mean())
    joined = matrix.join(means, on=["respondent_id", "term"], suffix="_again")
    np.testing.assert_allclose(joined["rating"], joined["rating_again"], atol=1e-6)
    assert (joined.height, sorted(joined["n"].unique())) == (9, [0, 5])
    assert all(check.n_wrong == 0 for check in verify(workspace))
    # Nothing is sent twice, and the same answers make the same bytes.
    content = {p.name: p.read_bytes() for p in (tmp_path / "s").glob("*rated*")}
    pipeline.run(workspace, until="elicit")
    assert stages(workspace) == {"term": 45}
    assert {p.name: p.read_bytes() for p in (tmp_path / "s").glob("*rated*")} == content
    assert {"rated_matrix.parquet", "rated_terms.json"} == set(content)


def test_a_forged_rating_is_found(tmp_path: Path, endpoint) -> None:
    workspace = open_study(tmp_path / "s", endpoint.base_url, RATE)
    pipeline.run(workspace, until="elicit")
    path = tmp_path / "s" / "term_ratings.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(pl.lit(6.0).alias("rating")).write_parquet(path, compression="zstd")
    (wrong,) = [check for check in verify(workspace) if check.n_wrong]
    assert wrong.title == "results are those of the answers in the ledger"
    assert wrong.first[0].startswith("term_ratings.parquet (")


def test_a_study_whose_ratings_are_all_missing_says_so(tmp_path: Path, endpoint) -> None:
    workspace = open_study(tmp_path / "s", endpoint.base_url, RATE)
    with pytest.raises(
        DataError, match=r"None of the 45 ratings of terms has been answered yet; run the study first"
    ):
        pipeline.run(workspace, until="construct", send=False)
    assert json.loads((tmp_path / "s" / "rated_terms.json").read_text())["profiles"] is None


@pytest.mark.embedded
def test_the_report_shows_what_was_rated(tmp_path: Path, endpoint) -> None:
    elicit = (
        RATE + "[construct]\nn_subdimensions = 2\nn_dimensions = 1\nresamples = 5\n[second]\nrate_draws = 1\n"
    )
    workspace = open_study(
        tmp_path / "s", endpoint.base_url, elicit, ("care", "duty", "zeal", "awe"), "built"
    )
    pipeline.run(workspace, until="elicit")
    results = pipeline.run(workspace)
    assert results is not None
    assert results.rated is not None
    report = (tmp_path / "s" / "report.html").read_text()
    assert "3 respondents rated 4 terms of words.txt from 0 (not at all important)" in report
    assert "40 of 60 ratings (67" in report
    assert "The 3 respondents who rated terms come from one model" in report
    assert "Terms, the most valued first" in report
    # Two respondents could be read: no number of groups can be told from them, and the two asked for are made.
    assert "The ratings of 2 respondents are too little data" in report
    assert "<h3>The value system of the rated terms that the study asked for</h3>" in report
    assert "Too few respondents rated the terms to factor their correlations: 2, where at least 5" in report
    assert (
        "rated the terms" in json.loads((tmp_path / "s" / "factors.json").read_text())["routes"][0]["reason"]
    )
    content = json.loads((tmp_path / "s" / "value_system.json").read_text())
    (built,) = content["systems"]
    assert built["source"] == "Built by ValueLex from the ratings of terms of the study 'rated'."
    assert content["taxonomy"]["terms"] == ["awe", "care", "duty", "zeal"]
    assert {o.system for o in results.orientations} == {"built"}
    assert json.loads((tmp_path / "s" / "structure.json").read_text())["independent"] == "respondents"
    # Shards build the same system of the same answers.
    with Ledger(workspace.ledger_path, read_only=True) as ledger:
        _, is_whole = sendable_calls(workspace.study, ledger)
    assert is_whole
    assert all(check.n_wrong == 0 for check in verify(workspace))


@pytest.mark.embedded
def test_answers_as_a_human_are_lists_of_their_own(tmp_path: Path, endpoint) -> None:
    lists = (
        "[elicit]\nhuman_control = true\n[construct]\nn_subdimensions = 3\nn_dimensions = 2\nresamples = 2\n"
    )
    workspace = open_study(tmp_path / "s", endpoint.base_url, lists)
    counts = {c.stage: c.n_planned for c in pipeline.status(workspace).counts}
    # 3 respondents x 15 prompts; the nurse is not asked to play somebody else.
    assert (counts["elicit"], counts["human"]) == (45, 30)
    pipeline.run(workspace, until="construct")
    own, human = (
        pl.read_parquet(tmp_path / "s" / name) for name in ("responses.parquet", "human_responses.parquet")
    )
    assert set(own["respondent_id"]) - set(human["respondent_id"]) == {"good chat nurse t1"}
    assert not set(own["call_key"]) & set(human["call_key"])
    matrix = np.load(tmp_path / "s" / "human_matrix.npz")
    assert matrix["values"].shape == (human["missing"].null_count(), len(matrix["terms"]))
    lexicon = json.loads((tmp_path / "s" / "human_lexicon.json").read_text())
    assert [term["name"] for term in lexicon["terms"]] == matrix["terms"].tolist()
    control = json.loads((tmp_path / "s" / "human_control.json").read_text())
    assert control["respondent_ids"] == ["good chat t1", "raw t1"]
    assert control["n_responses"] == [30, 30]
    assert control["verdict"]
    assert all(check.n_wrong == 0 for check in verify(workspace))


EMBEDDED = """
[study]
name = "small"
[[respondents]]
model = "embedded/smollm2-135m-instruct"
api = "completion"
[[respondents]]
model = "embedded/smollm2-135m-instruct"
label = "chat"
prefill = true
[elicit]
mode = "rate"
terms = "words.txt"
prompts = "one.toml"
"""
ONE = """
name = "one"
source = "this test"
[[prompts]]
id = "r1"
chat = "How important is {term} to you? Answer with one whole number from 0 to 6 only."
prefill = "My number from 0 to 6:"
heading = "How important something is, from 0 = not at all to 6 = very:"
turn = "{subject}. {term}:"
[[examples]]
subject = "a baker"
term = "socks"
rating = 3
[[examples]]
subject = "a clerk"
term = "stamps"
rating = 0
[[examples]]
subject = "a cook"
term = "rain"
rating = 6
"""


@pytest.mark.embedded
def test_the_embedded_model_is_rated_by_its_token_probabilities(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("honesty\nwealth\n")
    (tmp_path / "one.toml").write_text(ONE)
    (tmp_path / "study.toml").write_text(EMBEDDED)
    pipeline.run(pipeline.open_study(tmp_path), until="elicit")
    ratings = pl.read_parquet(tmp_path / "term_ratings.parquet")
    assert ratings.height == 4
    raw = ratings.filter(pl.col("respondent_id").str.contains("completion"))
    # Three examples of one digit: nearly all probability lies on digits, most of it on those of the scale.
    assert raw["on_scale"].min() > 0.5
    assert raw["rating"].is_between(0, 6).all()
    # A mean under probabilities is no whole number.
    assert not (raw["rating"] == raw["rating"].round(0)).any()
    # The server repeats the beginning that was given; the probabilities behind it are found all the same.
    assert ratings.filter(pl.col("respondent_id").str.starts_with("chat"))["on_scale"].null_count() == 0
    assert json.loads((tmp_path / "rated_terms.json").read_text())["by_probabilities"] == [
        "smollm2-135m-instruct completion t1",
        "chat t1",
    ]
