import json
from pathlib import Path

import numpy as np
import pytest

from examples import level_choice, structure
from valuelex.domain.evidence import Estimate, GroupEvidence, Level, View
from valuelex.io.files import write_structure

UNKNOWN = Estimate(np.nan, np.nan, np.nan)


def refuse(text: str) -> None:
    pytest.fail(f"structure.json holds {text}")


def test_what_speaks_for_a_structure_is_written(tmp_path: Path) -> None:
    told = structure(
        levels=(level_choice(Level.BETWEEN),),
        groups=(GroupEvidence(0, 2, 0.9, 0.8, Estimate(1.0, 0.5, 1.5), UNKNOWN, np.nan),),
        views=(View("between", 1.0, np.array([0, 0, 1, 1, 2, 2]), 1.0),),
        dimension_gain={1: 0.0, 2: 0.5},
        verdict=("It is so.",),
    )
    write_structure(tmp_path, told)
    first = (tmp_path / "structure.json").read_bytes()
    write_structure(tmp_path, told)
    assert (tmp_path / "structure.json").read_bytes() == first
    read = json.loads(first, parse_constant=refuse)
    assert read["schema"] == "valuelex/structure/2"
    assert "taxonomy" not in read  # It is in value_system.json.
    assert read["joint"]["outcome"] == "GROUPS"
    assert read["levels"][0]["level"] == "between"
    assert read["groups"][0]["beyond_meaning"] == {"value": None, "ci_low": None, "ci_high": None}
    assert read["groups"][0]["like_embeddings"] is None
    assert read["views"][0]["partition"] == [0, 0, 1, 1, 2, 2]
    assert read["dimension_gain"] == {"1": 0.0, "2": 0.5}
    assert (read["independent"], read["n_independent"], read["controls"]) == ("families", 6, [])
    assert read["verdict"] == ["It is so."]
