import csv
import json
from pathlib import Path

import pytest

from valuelex.domain.recovery import Power, Recovery, Size
from valuelex.domain.simulation import PlantedMeaning, Shares
from valuelex.errors import DataError, StudyError
from valuelex.io.simulation_file import check_target, read_simulation, write_simulation
from valuelex.stages.recover import summarise


def test_without_anything_the_size_of_the_paper_is_simulated():
    asked = read_simulation(None, {})
    assert asked.sizes == (Size(35, 15, 15),)
    assert asked.sizes[0].n_rows == 7875
    assert (asked.plan.system.n_terms, asked.plan.system.dimension) == (197, (0, 0, 1, 1, 2, 2))
    assert asked.plan.shares == Shares(0.5, 0.2, 0.3)
    assert asked.plan.meaning is None
    assert (asked.n_studies, asked.target_ari, asked.construct.resamples) == (10, None, 0)


def test_an_option_wins_over_the_file(tmp_path):
    path = tmp_path / "sim.toml"
    path.write_text(
        'models = 20\nprompts = [5, 1]\nstyle = 0.5\nembeddings = "misleading"\n'
        "[construct]\nn_subdimensions = 4\n[normalise]\nmin_respondents = 1\n"
    )
    asked = read_simulation(path, {"models": (10, 5), "sensitivity": 0.6})
    assert asked.sizes == (Size(5, 15, 1), Size(5, 15, 5), Size(10, 15, 1), Size(10, 15, 5))
    assert (asked.plan.style, asked.plan.sensitivity) == (0.5, 0.6)
    assert asked.plan.meaning == PlantedMeaning(informative=0.1, misleading=0.3)
    assert (asked.construct.n_subdimensions, asked.construct.resamples) == (4, 0)
    assert asked.normalise.min_respondents == 1


def test_a_value_system_is_planted_by_name_or_from_a_file_beside_the_simulation(tmp_path):
    shipped = read_simulation(None, {"system": "valuelex-2024"}).plan.system
    assert (shipped.dimension, shipped.n_terms) == ((0, 0, 1, 1, 2, 2), 72)
    assert shipped.subdimension == tuple(i for i in range(6) for _ in range(12))
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "sim.toml").write_text('system = "own.toml"\n')
    own = read_simulation(tmp_path / "sim.toml", {}).plan.system
    assert own.terms == ("honesty", "truth", "care", "kindness", "calm", "peace")
    assert (own.dimension, own.subdimension) == ((0, 1, 1), (0, 0, 1, 1, 2, 2))


def _subdimension(name: str, markers: str) -> str:
    return (
        f'[[dimensions.subdimensions]]\nid = "{name}"\nname = "{name}"\ndefinition = "x"\nmarkers = {markers}\n'
        'high = ["I did."]\nlow = ["I did not."]\n'
    )


OWN = (
    'name = "own"\ntitle = "Own"\nsource = "me"\n'
    '[[dimensions]]\nid = "d"\nname = "d"\ndefinition = "x"\n'
    + _subdimension("a", '["honesty", "truth"]')
    + '[[dimensions]]\nid = "e"\nname = "e"\ndefinition = "x"\n'
    + _subdimension("b", '["care", "kindness"]')
    + _subdimension("c", '["calm", "peace"]')
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"system": "3x"},
            "No value system '3x' to plant; give dimensions x subdimensions of each such as '3x2', the path of a .toml "
            "file, or one of '",
        ),
        (
            {"models": (0,)},
            "simulate: in [models]: number 1 = 0: Input should be greater than or equal to 1.",
        ),
        ({"shares": (0.5, 0.5)}, "simulate: in [shares]: "),
        (
            {"embeddings": "bad"},
            "simulate: embeddings = 'bad': Input should be 'none', 'good' or 'misleading'.",
        ),
        ({"target_ari": 1.5}, "simulate: target_ari = 1.5: Input should be less than or equal to 1."),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(StudyError) as caught:
        read_simulation(None, options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "key"),
    [({"mode": "rate", "embeddings": "good"}, "embeddings"), ({"shift": 0.3}, "shift")],
)
def test_keys_that_do_nothing_in_the_mode_are_refused(options, key):
    with pytest.raises(StudyError, match=rf"^{key} does nothing in mode = "):
        read_simulation(None, options)


def test_shares_that_do_not_add_up_are_named():
    with pytest.raises(DataError, match=r"^The shares of variance are 0\.5, 0\.5, 0\.5; "):
        read_simulation(None, {"shares": (0.5, 0.5, 0.5)})


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path):
    path = tmp_path / "sim.toml"
    path.write_text("styles = 1\n")
    with pytest.raises(StudyError, match=r"unknown key 'styles'; did you mean 'style'\? Known keys: "):
        read_simulation(path, {})


def written(path: Path) -> Path:
    asked = read_simulation(None, {"target_ari": 0.8, "studies": 2})
    size = asked.sizes[0]
    studies = [
        Recovery(size, 0, 197, 6, 3, False, 0.95, 1.0),
        Recovery(size, 1, 190, 1, 1, True, 0.0, 0.0, failure="=too few"),
    ]
    counted = summarise(studies, 6, 0.8)
    write_simulation(path, asked, studies, [counted], Power(6, 0.8, 0.8, (counted,), None), "No size.")
    return path


def test_every_study_is_a_row_of_the_table(tmp_path):
    with written(tmp_path / "s.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["responses"] for row in rows] == ["7875", "7875"]
    assert [float(row["ari_subdimensions"]) for row in rows] == [0.95, 0.0]
    assert [row["too_little_data"] for row in rows] == ["False", "True"]
    assert rows[1]["failure"] == "'=too few"


def test_the_json_file_holds_what_was_asked_and_found(tmp_path):
    found = json.loads(written(tmp_path / "s.json").read_text())
    assert found["schema"] == "valuelex/simulation/1"
    assert found["asked"]["sizes"] == [{"n_models": 35, "n_respondents": 15, "n_responses": 15}]
    assert "n_models" not in found["asked"]["plan"]
    assert found["sizes"][0]["right"]["n"] == 1
    assert found["studies"][1]["subdimension_ari"] == 0.0
    assert (found["enough"], found["answer"]) == (None, "No size.")


def test_a_file_that_cannot_be_written_is_refused_at_once(tmp_path):
    check_target(None)
    check_target(tmp_path / "s.csv")
    with pytest.raises(StudyError, match=r"give the file the ending \.csv or \.json\.$"):
        check_target(tmp_path / "s.parquet")
    with pytest.raises(StudyError, match=r"there is no folder '.*absent'; make it, or choose another\.$"):
        check_target(tmp_path / "absent" / "s.csv")
