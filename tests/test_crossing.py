"""A system is held against known ones by name, by file and by study; files are the same every time."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from valuelex.cli.main import app
from valuelex.domain.structure import BUILT
from valuelex.errors import StudyError
from valuelex.io import files
from valuelex.io.assets import load_system, template_text
from valuelex.io.crosswalk_file import read_built
from valuelex.io.embed import MiniLM
from valuelex.pipeline.crossing import KNOWN, cross


class Hashed:
    """Texts to unit vectors that have nothing to do with their meaning, but are always the same."""

    def embed(self, texts):
        seeds = [int.from_bytes(hashlib.sha256(t.encode()).digest()[:8]) for t in texts]
        vectors = np.stack([np.random.default_rng(seed).normal(size=32) for seed in seeds])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study whose results are a copy of the foundations of morals, with a term more than markers."""
    (tmp_path / "study.toml").write_text(template_text())
    known = load_system("moral-foundations", Path())
    terms = [m for s in known.subdimensions for m in s.markers] + ["politeness"]
    group = [i for i, s in enumerate(known.subdimensions) for _ in s.markers] + [0]
    system = files.plain(known) | {"name": BUILT}
    content = {"systems": [system], "taxonomy": {"terms": terms, "subdimension": group}}
    files.write_json(tmp_path / "value_system.json", "valuelex/value_system/1", content)
    return tmp_path


def test_a_shipped_system_is_held_against_all_known_ones_but_itself():
    walks = cross("schwartz-1992", [], None, None, Hashed())
    assert [w.known for w in walks] == [name for name in KNOWN if name != "schwartz-1992"]
    # By vectors without meaning, nothing but the shared terms is near.
    assert walks[0].names[0] == ("self-direction", "Self-direction")


def test_a_built_system_finds_itself_with_all_its_terms(study, tmp_path):
    (walk,) = cross(str(study), ["moral-foundations"], None, tmp_path / "out", Hashed())
    assert [m.best for m in walk.matches] == ["care", "fairness", "loyalty", "authority", "sanctity"]
    assert walk.matches[0].one_to_one == "care"
    assert walk.agreement.n_terms == len(read_built(study)[1])
    text = (tmp_path / "out" / "crosswalk.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 25
    assert [r["known_subdimension"] for r in rows if r["best"] == "1"] == [m.best for m in walk.matches]
    assert rows[0]["shared"].startswith("care; compassion; ")
    # 11 or 12 markers in common, and one term more on this side.
    n = int(rows[0]["n_shared"])
    assert float(rows[0]["jaccard"]) == pytest.approx(n / (n + 1), abs=1e-6)


def test_groups_that_are_not_stable_have_no_counterpart_and_the_command_says_why(study, monkeypatch):
    monkeypatch.setattr(MiniLM, "load", lambda: Hashed())
    groups = [{"group": i, "stability": s} for i, s in enumerate((0.9, 0.3, 0.8, 0.7, 0.8))]
    evidence = {"groups": groups, "joint": {"n_groups": 3}, "nulls": []}
    content = json.loads((study / "value_system.json").read_text())
    for i, s in enumerate(s for d in content["systems"][0]["dimensions"] for s in d["subdimensions"]):
        s["id"] = f"s{i + 1}"
    (study / "value_system.json").write_text(json.dumps(content))
    files.write_json(study / "structure.json", "valuelex/structure/2", evidence)
    told = CliRunner().invoke(app, ["crosswalk", str(study), "--to", "moral-foundations"])
    assert told.exit_code == 0, told.output
    first, second = told.output.splitlines()[2:4]
    assert first.startswith("  Care (stability 0.90): Care (z ")
    assert "adjusted p < .001" in first
    assert second == "  Fairness (stability 0.30): no counterpart, as it is not stable"
    assert "adjusted Rand 0.96 (p < .001)" in told.output
    assert "p 0.000" not in told.output
    (study / "structure.json").write_text("[]")
    with pytest.raises(
        StudyError, match=r"cannot be read as evidence .* compute it again: valuelex report STUDY"
    ):
        cross(str(study), ["moral-foundations"], None, None, Hashed())


def test_a_study_of_one_group_has_nothing_to_hold_against_and_says_so(study, tmp_path, monkeypatch):
    monkeypatch.setattr(MiniLM, "load", lambda: Hashed())
    content = json.loads((study / "value_system.json").read_text())
    (whole,) = content["systems"][0]["dimensions"][:1]
    whole["subdimensions"] = whole["subdimensions"][:1]
    content["systems"][0]["dimensions"] = [whole]
    (study / "value_system.json").write_text(json.dumps(content))
    told = CliRunner().invoke(app, ["crosswalk", str(study), "--out", str(tmp_path / "out")])
    assert told.exit_code == 0, told.output
    assert told.output.startswith(
        "The study has built one group of terms, so there is nothing to hold against"
    )
    # As a run does, which has nothing to write either.
    assert json.loads((tmp_path / "out" / "crosswalk.json").read_text())["crosswalks"] == []


def test_equal_runs_write_equal_files(study, tmp_path):
    for name in ("a", "b"):
        cross(str(study), [], None, tmp_path / name, Hashed())
    for name in ("crosswalk.csv", "crosswalk.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert json.loads((tmp_path / "a" / "crosswalk.json").read_text())["schema"] == "valuelex/crosswalk/1"


def test_a_system_of_ones_own_file_is_taken(tmp_path):
    source = Path(str(files.__file__)).parent.parent / "assets" / "systems" / "gpla-2025.toml"
    own = tmp_path / "own.toml"
    own.write_text(source.read_text().replace('name = "gpla-2025"', 'name = "own"'))
    (walk,) = cross(str(own), ["gpla-2025"], None, None, Hashed())
    assert all(m.best == m.subdimension for m in walk.matches)


def test_what_is_no_system_and_no_study_is_named_with_the_choices():
    with pytest.raises(
        StudyError, match=r"^'schwarz' is no shipped value system \('de-raad-2016', .*give one of these"
    ):
        cross("schwarz", [], None, None, Hashed())


def test_a_study_that_was_not_run_says_so(tmp_path):
    (tmp_path / "study.toml").write_text(template_text())
    with pytest.raises(StudyError, match=r"value_system.json: no such file; run the study first"):
        cross(str(tmp_path), [], None, None, Hashed())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as a value system"),
        ('{"systems": [], "taxonomy": null}', "the study built no value system; give it an [elicit] section"),
    ],
)
def test_files_without_a_built_system_are_refused(tmp_path, text, message):
    (tmp_path / "value_system.json").write_text(text)
    with pytest.raises(StudyError) as error:
        read_built(tmp_path)
    assert message in str(error.value)
