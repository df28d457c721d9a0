"""Sheets for people who rate: which, in which order, and blind; and the sitting from study to file."""

import json
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from examples import projective_test, respondent, study, system
from valuelex.cli.rate import rate as rate_command
from valuelex.domain.study import Study
from valuelex.errors import LedgerError, StudyError
from valuelex.io.ledger import Answer, Ledger
from valuelex.io.rate_page import RatePage, Sitting
from valuelex.io.rated import Rated, RatedFile, read_rated
from valuelex.pipeline import rating
from valuelex.pipeline.rating import prepare_sheets, rate
from valuelex.pipeline.workspace import Workspace
from valuelex.stages.exhibits import exhibit
from valuelex.stages.judge_prompt import counterbalanced_order
from valuelex.stages.project import plan_completions

NAMES = ("care", "zeal", "calm", "wit")
SYSTEM = system({"heart": NAMES})
N_STEMS = 12


def asked(n_stems: int = N_STEMS, seed: int = 7) -> Study:
    plain = study(
        [respondent("secret-a", temperature=0.25), respondent("secret-b", temperature=0.75)],
        test=projective_test(n_stems),
        elicits=False,
    )
    return replace(plain, seed=seed, project=replace(plain.project, systems=(SYSTEM,)))


def workspace(folder: Path, n_stems: int = N_STEMS, seed: int = 7) -> Workspace:
    """Both say the same of the first stem; a refuses the second, b has not been asked it."""
    made = Workspace(asked(n_stems, seed), folder)
    folder.mkdir(exist_ok=True)
    texts = {("secret-a", "s0"): "smiled.", ("secret-b", "s0"): "smiled."}
    texts[("secret-a", "s1")] = "I'm sorry, but I can't help with that."
    answers = []
    for call in plan_completions(made.study):
        who = (call.respondent_id, call.item_id)
        if who != ("secret-b", "s1"):
            text = texts.setdefault(who, f"went home by road {len(texts)} of {who[1]}.")
            choice = {"message": {"content": text}, "finish_reason": "stop"}
            answers.append(Answer(call, json.dumps({"choices": [choice]}), 0.1, 1))
    with Ledger(made.ledger_path) as ledger:
        ledger.record(answers=answers)
    return made


def shown(sitting: Sitting) -> list[str]:
    return [sheet.exhibit.id for sheet in sitting.sheets]


def test_every_distinct_sentence_is_one_sheet_and_missing_ones_are_none(tmp_path: Path) -> None:
    sheets = prepare_sheets(workspace(tmp_path), "ann").sheets
    # 2 x 12 planned; s0 was ended alike by both (-1), s1 refused by a (-1) and not asked of b (-1).
    assert len(sheets) == len({sheet.exhibit.id for sheet in sheets}) == 2 * N_STEMS - 3
    assert exhibit("When the bell rang 0 times, I", "smiled.") in [sheet.exhibit for sheet in sheets]
    assert not [s for s in sheets if s.exhibit.stem == "When the bell rang 1 times, I"]


def test_the_order_is_the_raters_own_and_always_the_same(tmp_path: Path) -> None:
    own = workspace(tmp_path)
    ann, bo = shown(prepare_sheets(own, "ann")), shown(prepare_sheets(own, "bo"))
    assert ann == shown(prepare_sheets(own, "ann"))
    assert ann != bo
    assert sorted(ann) == sorted(bo)
    reseeded = shown(prepare_sheets(workspace(tmp_path / "reseeded", seed=8), "ann"))
    assert ann != reseeded
    assert sorted(ann) == sorted(reseeded)


def test_the_order_is_random_and_not_the_order_of_the_ledger(tmp_path: Path) -> None:
    own = workspace(tmp_path)
    ann = shown(prepare_sheets(own, "ann"))
    orders = [shown(prepare_sheets(own, f"rater{r}")) for r in range(64)]
    places = np.array([[order.index(e) for e in ann] for order in orders])
    # A place is uniform on 0 to 20: mean 10, variance (21² - 1) / 12 = 36.67. The mean of 64 has the standard
    # deviation sqrt(36.67 / 64) = 0.757; every one of the 21 sentences stays within 4 of them.
    assert np.abs(places.mean(axis=0) - 10).max() < 4 * 0.757


def test_subdimensions_are_counterbalanced_over_the_places(tmp_path: Path) -> None:
    sheets = prepare_sheets(workspace(tmp_path), "ann").sheets
    for place, sheet in enumerate(sheets):
        assert sheet.order == tuple(NAMES[i] for i in counterbalanced_order(4, place))
    # Eight rows (twice four) hold every value twice in every place.
    for column in zip(*(sheet.order for sheet in sheets[:8]), strict=True):
        assert sorted(column) == sorted(NAMES * 2)


def test_a_rater_goes_on_where_others_do_not_matter(tmp_path: Path) -> None:
    own = workspace(tmp_path)
    first = prepare_sheets(own, "ann").sheets
    with RatedFile(tmp_path / "ratings" / "ann.csv") as file:
        for name in NAMES:
            file.add(Rated("ann", first[0].exhibit.id, "tiny", name, 3))
            file.add(Rated("bo", first[1].exhibit.id, "tiny", name, 3))
            file.add(Rated("ann", first[2].exhibit.id, "other", name, 3))
        file.add(Rated("ann", first[3].exhibit.id, "tiny", "care", 6))
    again = prepare_sheets(own, "ann")
    # Done is what ann rated on all four values of this system: the first sheet. The rest keep order and values.
    assert again.sheets == first[1:]
    assert again.n_before == 1
    assert [(r.exhibit_id, r.rating) for r in again.rated] == [(first[3].exhibit.id, 6)]
    assert prepare_sheets(own, "bo").n_before == 0


def test_no_sheet_tells_who_wrote_it(tmp_path: Path) -> None:
    sitting = prepare_sheets(workspace(tmp_path), "ann")
    # The folder of `valuelex measure` is named after the model.
    with (
        RatedFile(tmp_path / "measure-acme-1" / "ratings" / "ann.csv") as file,
        RatePage(sitting, file) as page,
    ):
        told = page.html() + json.dumps([page.sheet(i) for i in range(len(sitting.sheets))])
    for secret in ("secret", "acme", "0.25", "0.75", "call1-", '"s0"', *shown(sitting)):
        assert secret not in told
    assert "went home by road" in told


@pytest.mark.parametrize(
    "name", ["", "ann lee", "../ann", "ann.csv", "änne", "a/b", "a\\b", "a" * 65, "ann\n", "panel"]
)
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StudyError, match=r"^--rater must (be 1 to 64 letters|not be 'panel')"):
        prepare_sheets(workspace(tmp_path, 2), name)


def test_a_system_that_cannot_be_rated_lists_the_others(tmp_path: Path) -> None:
    own = workspace(tmp_path, 2)
    two = replace(own.study.project, systems=(SYSTEM, system(name="other")))
    both = replace(own, study=replace(own.study, project=two))
    assert prepare_sheets(both, "ann", "other").system.name == "other"
    for name, said in {
        None: "Choose a value system with --system; the study gives 'tiny', 'other'.",
        "wide": "--system 'wide' is not given in the study; it gives 'tiny', 'other'.",
        "built": "People rate on given systems: 'tiny', 'other'. 'built' is made anew by each run; choose a given one.",
    }.items():
        with pytest.raises(StudyError) as caught:
            prepare_sheets(both, "ann", name)
        assert str(caught.value) == said


def test_without_completions_the_way_to_them_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"no completion to rate in .* yet; run first: valuelex run STUDY"):
        prepare_sheets(Workspace(asked(), tmp_path), "ann")
    assert not (tmp_path / "ledger.db").exists()


def rating_browser(url: str, n_sheets: int) -> None:
    """Rate whole sheets with the points 0, 1, 2, 3 in their order, then stop."""
    at = urlsplit(url)

    def ask(method: str, path: str, content: object = None) -> str:
        connection = HTTPConnection("127.0.0.1", at.port or 0, timeout=10)
        body = None if content is None else json.dumps(content)
        connection.request(method, at.path + path, body, {"Content-Type": "application/json"})
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    for number in range(n_sheets):
        for point, value in enumerate(json.loads(ask("GET", f"sheet/{number}"))["values"]):
            ask("POST", "rate", {"sheet": number, "subdimension": value["id"], "rating": point})
    ask("POST", "stop", {})


def test_a_sitting_from_the_study_to_the_notes(tmp_path: Path) -> None:
    own = workspace(tmp_path, 4)
    threads: list[Thread] = []

    def announce(sitting: Sitting, url: str) -> None:
        threads.append(Thread(target=rating_browser, args=(url, len(sitting.sheets))))
        threads[-1].start()

    # 2 x 4 - 3 = 5 sentences: 2 now, then the 3 that are left, then none.
    counts = []
    for n in (2, None, None):
        outcome = rate(own, "ann", n=n, announce=announce, open_browser=False)
        counts.append((outcome.n_rated, outcome.n_rated_in_all, outcome.n_left))
    for thread in threads:
        thread.join(timeout=10)
    assert counts == [(2, 2, 3), (3, 5, 0), (0, 5, 0)]
    assert len(threads) == 2
    notes = read_rated(tmp_path / "ratings" / "ann.csv", "people", SYSTEM)
    assert sorted(n.rating for n in notes if n.rating is not None) == sorted([0.0, 1.0, 2.0, 3.0] * 5)


def test_the_command_says_where_to_go_and_how_to_count_the_ratings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valuelex.pipeline.workspace.open_study", lambda path, folder: workspace(folder, 4))
    opened: list[str] = []
    monkeypatch.setattr(rating, "open_in_browser", opened.append)
    monkeypatch.setattr(RatePage, "serve", lambda page: rate_one(page))

    def rate_one(page: RatePage) -> None:
        for name in NAMES:
            page.rate({"sheet": 0, "subdimension": name, "rating": 4})

    app = typer.Typer()
    app.command()(rate_command)
    (tmp_path / "results").mkdir()
    arguments = [
        str(tmp_path / "other.toml"),
        "--rater",
        "ann",
        "--folder",
        str(tmp_path / "results"),
        "--n",
        "3",
    ]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.output.splitlines()
    assert lines[0] == "Sentences to rate on Tiny: 3."
    assert lines[1] == f"Open in a browser on this machine: {opened[0]}"
    assert (
        lines[3]
        == f"Sentences rated now: 1, in all: 1, left: 4. They are in {tmp_path / 'results' / 'ratings' / 'ann.csv'}"
    )
    # The path is told as the study file sees it.
    assert lines[5:] == [
        "[[judges]]",
        'kind = "people"',
        'name = "ann"',
        'ratings = ["results/ratings/ann.csv"]',
    ]
    again = CliRunner().invoke(app, [*arguments, "--no-browser"])
    assert again.output.splitlines()[0] == "Sentences to rate on Tiny: 3; rated already: 1."
    assert len(opened) == 1
