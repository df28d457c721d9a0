"""The walls of docs/explanation/architecture.md, so that `make test` tells when one is crossed."""

import ast
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "valuelex"


def imported(file: Path) -> set[str]:
    """Top-level packages that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            found.add(str(node.module).split(".")[0])
    return found


def test_no_import_crosses_a_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(
    ("package", "libraries"),
    [
        ("domain", {"numpy"}),
        ("stats", {"numpy", "scipy", "sklearn"}),
        ("stages", {"numpy"}),
        ("report", {"numpy", "altair", "vl_convert", "jinja2", "markupsafe"}),
    ],
)
def test_the_pure_packages_use_no_other_library(package: str, libraries: set[str]) -> None:
    allowed = libraries | sys.stdlib_module_names | {"valuelex"}
    for file in (SOURCE / package).glob("*.py"):
        assert imported(file) <= allowed, file


@pytest.mark.parametrize("package", ["domain", "stats", "stages"])
def test_pure_packages_touch_no_network_disk_or_clock(package: str) -> None:
    effects = {"socket", "urllib", "http", "sqlite3", "time", "datetime", "pathlib", "os", "io", "subprocess"}
    for file in (SOURCE / package).glob("*.py"):
        assert not imported(file) & effects, file
