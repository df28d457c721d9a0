"""The pages that are made from the program are current, and the code on pages for Python users runs."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_reference_of_the_statistics_is_current() -> None:
    script = [sys.executable, str(DOCS / "make_statistics_reference.py")]
    written = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert (DOCS / "reference" / "statistics.md").read_text() == written, "run: make docs"


def test_the_code_on_the_page_for_python_users_runs(capsys) -> None:
    page = (DOCS / "how-to" / "statistics.md").read_text()
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(block, names)
    printed = capsys.readouterr().out
    assert "2 of 15 columns of data are constant (first: column 2, 7)" in printed
    assert "GROUPS 3" in printed
