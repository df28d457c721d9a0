"""The pages that are made from the program are current, and the code on pages for Python users runs."""

import re
import subprocess
import sys
from pathlib import Path

from io_examples import a_call, text_answer
from valuelex.io.ledger import Ledger

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


def test_the_page_on_imports_lists_what_a_study_asks(tmp_path: Path, capsys) -> None:
    (tmp_path / "study.toml").write_text('[study]\nname = "s"\n[elicit]\n[project]\nstems = 12\n')
    page = (DOCS / "how-to" / "import.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(block.replace('"my-study"', repr(str(tmp_path))), {})
    listed = [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed[:15] == [f"p{i:02d}" for i in range(1, 16)]
    # The page names them: six of form A, and their parallels.
    assert listed[15:] == [f"s{i:03d}" for i in (*range(1, 7), *range(61, 67))]
    assert "`s001` to `s006` and `s061` to `s066`" in page


def test_the_page_on_models_shows_how_thinking_is_read(tmp_path: Path, capsys) -> None:
    path, call = tmp_path / "ledger.db", a_call()
    with Ledger(path) as ledger:
        ledger.record([text_answer(call, "<think>They ask for words.</think>care")])
    page = (DOCS / "how-to" / "models.md").read_text()
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL) if "thinking" in b]
    exec(block, {"path": path, "call_key": call.key})
    assert capsys.readouterr().out == "They ask for words.\n"
