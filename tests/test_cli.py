import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from valuelex.cli import app

ROOT = Path(__file__).parent.parent
COMMANDS = [
    "new",
    "check",
    "run",
    "measure",
    "status",
    "report",
    "simulate",
    "rate",
    "calibrate",
    "crosswalk",
    "models",
    "import",
    "export",
    "merge",
    "verify",
    "stems check",
    "stems draft",
    "embedded install",
    "embedded serve",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    outcome = CliRunner().invoke(app, [*command.split(), "--help"])
    assert outcome.exit_code == 0
    assert f"Example: valuelex {command}" in " ".join(outcome.output.split())


def test_no_command_is_left_out_above() -> None:
    groups = get_command(app).commands
    assert sorted(groups) == sorted({command.split()[0] for command in COMMANDS})


def test_help_loads_no_heavy_module() -> None:
    heavy = "numpy polars sklearn altair aiohttp pydantic jinja2"
    code = (
        "import sys; import valuelex.cli; "
        f"found = [m for m in '{heavy}'.split() if m in sys.modules]; sys.exit(' '.join(found) or 0)"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


def test_the_reference_is_what_the_program_says(tmp_path: Path) -> None:
    written = tmp_path / "cli.md"
    command = [sys.executable, "-m", "typer", "valuelex.cli", "utils", "docs", "--name", "valuelex"]
    subprocess.run([*command, "--output", str(written)], check=True, capture_output=True)
    assert (ROOT / "docs" / "reference" / "cli.md").read_text() == written.read_text(), "run: make docs"


def test_new_writes_a_study_that_checks_and_keeps_an_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    first = CliRunner().invoke(app, ["new", str(folder)])
    assert first.exit_code == 0
    pocket = (ROOT / "examples" / "pocket.toml").read_text()
    assert (folder / "study.toml").read_text() == pocket.replace('name = "pocket"', 'name = "mine"', 1)
    (folder / "study.toml").write_text("mine")
    second = subprocess.run(
        [sys.executable, "-m", "valuelex", "new", str(folder)], capture_output=True, text=True, check=False
    )
    assert second.returncode == 2
    assert "exists and was left as it is" in second.stderr
    assert (folder / "study.toml").read_text() == "mine"


def test_a_wrong_stage_lists_the_stages() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "valuelex", "run", "x.toml", "--until", "judgement"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 2
    expected = "Error: --until must be 'elicit', 'construct', 'project' or 'report', not 'judgement'."
    assert outcome.stderr.strip() == expected
