import json
import re
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from valuelex.cli import app
from valuelex.domain.recovery import Recovery, Size, ViewRecovery
from valuelex.io.simulation_file import read_simulation
from valuelex.pipeline import simulating
from valuelex.pipeline.simulating import _until_enough, run_simulation
from valuelex.pipeline.workspace import Silent

SMALL = {
    "models": (6, 3),
    "settings": (1,),
    "prompts": (4,),
    "system": "2x1",
    "terms": 12,
    "studies": 2,
    "construct": {"max_subdimensions": 2},
}
SMALL_FILE = 'models = [3, 6]\nsettings = 1\nprompts = 4\nsystem = "2x1"\nterms = 12\nstudies = 2\n'
SMALL_FILE += "[construct]\nmax_subdimensions = 2\n"


@pytest.fixture
def small(tmp_path):
    """Options of a small simulation."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL_FILE)
    return ["--from", str(path)]


@pytest.fixture
def scripted(monkeypatch):
    """Studies that find what is planted by half, at once."""

    def study(experiment, size, number, _):
        return Recovery(size, number, 12, 1, 1, False, 0.5, 0.5)

    monkeypatch.setattr(simulating, "simulate_study", study)


class Told(Silent):
    """Keeps what progress is told."""

    def __init__(self):
        self.bars = []

    @contextmanager
    def calls(self, title, total, what):  # noqa: ARG002
        done = []
        yield done.append
        self.bars.append((title, total, sum(done)))


@pytest.mark.usefixtures("scripted")
def test_all_sizes_are_simulated_and_told():
    told = Told()
    outcome = run_simulation(read_simulation(None, SMALL), told)
    # 2 studies of 12 responses and 2 of 24.
    assert told.bars == [("Simulating", 72, 72)]
    assert [(s.size.n_models, s.study) for s in outcome.studies] == [(3, 0), (3, 1), (6, 0), (6, 1)]
    assert [s.n_studies for s in outcome.sizes] == [2, 2]
    assert outcome.power is None


def test_two_processes_give_what_one_gives():
    asked = read_simulation(None, SMALL)
    assert run_simulation(asked, jobs=2) == run_simulation(asked)


def planned(reached, **options):
    """Plan with scripted studies: `reached` tells by size which of its studies reach the target, in order."""
    asked = read_simulation(
        None,
        {"models": tuple(reached), "settings": (1,), "prompts": (1,), "studies": 5, "target_ari": 0.9}
        | options,
    )
    simulated = []

    def simulate(size, numbers):
        for i in numbers:
            simulated.append((size.n_models, i))
            ari = 0.95 if reached[size.n_models][i] == "y" else 0.5
            yield Recovery(size, i, 30, 6, 3, False, ari, ari)

    return _until_enough(asked, 0.9, simulate, Silent()), simulated


def test_the_least_size_that_passes_twice_is_enough():
    # Four of five must reach the target. 10 models fail twice and are left; 20 pass, then fail in new studies.
    outcome, simulated = planned(
        {10: "yn" + "n" * 8, 20: "yyyyy" + "nnyyy", 30: "ynyyy" + "yyyyn", 40: "y" * 10}
    )
    assert simulated == [
        *((10, i) for i in range(3)),
        *((20, i) for i in range(7)),
        *((30, i) for i in range(10)),
    ]
    enough = outcome.power.enough
    assert enough.size == Size(30, 1, 1)
    # The figures are those of the five new studies, four of which reach it.
    assert (enough.reached.n, enough.reached.of, enough.n_studies) == (4, 5, 5)
    assert enough.subdimension_ari.value == pytest.approx((4 * 0.95 + 0.5) / 5)
    assert [s.n_studies for s in outcome.power.tried] == [3, 7, 10]


def test_the_last_size_is_simulated_in_full_so_that_it_is_known_how_far_off_it_is():
    outcome, simulated = planned({10: "n" * 10, 20: "nnyyy" + "n" * 5})
    assert simulated == [*((10, i) for i in range(2)), *((20, i) for i in range(5))]
    assert outcome.power.enough is None
    assert outcome.power.tried[-1].reached.n == 3


def test_all_studies_must_reach_the_target_if_so_wanted():
    outcome, simulated = planned({10: "ynyyyyyyyy", 20: "y" * 10}, power=1.0)
    assert outcome.power.enough.size.n_models == 20
    assert simulated[:2] == [(10, 0), (10, 1)]


@pytest.mark.usefixtures("scripted")
def test_sizes_are_tried_from_the_fewest_responses():
    options = {"models": (3, 12), "settings": (2,), "prompts": (1, 8), "target_ari": 0.9, "studies": 3}
    told = Told()
    run_simulation(read_simulation(None, options), told)
    # Two of three fail and a size is left; the last is simulated in full.
    assert told.bars == [
        ("3 models × 2 settings × 1 prompt", 18, 6),
        ("12 models × 2 settings × 1 prompt", 72, 24),
        ("3 models × 2 settings × 8 prompts", 144, 48),
        ("12 models × 2 settings × 8 prompts", 576, 576),
    ]


def invoke(*options):
    return CliRunner().invoke(app, ["simulate", *options])


def test_the_command_shows_a_row_a_size_and_writes_the_same_file_again(small, tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    outcome = invoke(*small, "--out", str(one))
    assert outcome.exit_code == 0, outcome.output
    assert "Planted: 2 groups of 12 words." in outcome.output
    assert re.search(r"^ 3×1×4 +12 ", outcome.output, re.MULTILINE)
    assert re.search(r"^ 6×1×4 +24 ", outcome.output, re.MULTILINE)
    assert invoke(*small, "--out", str(two)).exit_code == 0
    assert one.read_bytes() == two.read_bytes()
    assert json.loads(one.read_text())["answer"] is None


@pytest.mark.usefixtures("scripted")
def test_the_planner_answers_in_a_sentence(small, tmp_path):
    path = tmp_path / "s.json"
    outcome = invoke(*small, "--target-ari", ".9", "--out", str(path))
    assert outcome.exit_code == 0, outcome.output
    assert (
        "No size that was tried is enough to recover 2 groups with an adjusted Rand index of 0.9"
        in outcome.output
    )
    assert json.loads(path.read_text())["answer"] in outcome.output


def test_why_nothing_could_be_built_is_said(small):
    outcome = invoke(*small, "--models", "1", "--prompts", "1")
    assert outcome.exit_code == 0, outcome.output
    assert (
        "Of 2 studies nothing could be built, 2 times for this:\n  Only 0 terms were named by enough respondents"
        in outcome.output
    )


def test_views_have_a_table_where_groups_were_found(small, monkeypatch):
    views = (ViewRecovery("between", 0.5, 0.25), ViewRecovery("within", 1.0, 0.75))

    def study(experiment, size, number, _):
        k = 2 if size.n_models == 6 else 1
        return Recovery(size, number, 12, k, 1, False, 0.5, 0.5, views if k == 2 else ())

    monkeypatch.setattr(simulating, "simulate_study", study)
    outcome = invoke(*small)
    assert re.search(r"^ 3×1×4 +- +- *$", outcome.output, re.MULTILINE)
    assert re.search(r"^ 6×1×4 +0\.25 ±0\.00 \(0\.5\) +0\.75 ±0\.00 \(1\) *$", outcome.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            (
                f"{option} {given}",
                f"{option} must be a whole number of 1 or more, or several with commas between them for a curve, such "
                f"as 5,10,20; not {given!r}.",
            )
            for option, given in (
                ("--models", "0"),
                ("--models", "5,x"),
                ("--settings", "-1"),
                ("--prompts", "2.5"),
            )
        ),
        *(
            (
                f"--shares {given}",
                "--shares must be three numbers from 0 to 1 that add up to 1, with commas between them: the shares "
                f"between models, between settings of a model, and within lists, such as .5,.2,.3; not {given!r}.",
            )
            for given in ("a", "1", ".5,.2,.5", "1,1,-1", "nan,0,1")
        ),
        ("--target-ari 2", "--target-ari must be above 0 and at most 1, such as .9; not 2."),
        ("--power 0", "--power must be above 0 and at most 1, such as .9; not 0."),
        ("--mode lists", "--mode must be 'list' or 'rate', not 'lists'."),
        ("--embeddings nice", "--embeddings must be 'none', 'good' or 'misleading', not 'nice'."),
        (
            "--terms 5",
            "5 terms are too few to plant 6 subdimensions; give at least 12 terms, or plant fewer.",
        ),
        ("--from absent.toml", "absent.toml: no such file; check the path."),
        ("--style nan", "--style must be a number of 0 or more; not nan."),
        ("--sensitivity -1", "--sensitivity must be a number of 0 or more; not -1."),
    ],
)
def test_a_mistake_is_one_line(options, message, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["valuelex", "simulate", *options.split()])
    with pytest.raises(SystemExit) as stop:
        app_main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"Error: {message}\n"


def app_main():
    from valuelex.cli import main

    main()


def test_of_ratings_the_table_counts_ratings():
    said = invoke(
        "--mode",
        "rate",
        "--models",
        "6",
        "--settings",
        "3",
        "--prompts",
        "2",
        "--terms",
        "24",
        "--seeds",
        "1",
    )
    assert said.exit_code == 0, said.output
    # 6 x 3 respondents rate 24 words twice each.
    assert re.search(r"ratings +found", said.output)
    assert re.search(r"6×3×2 +864 ", said.output)
