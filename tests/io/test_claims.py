"""Who sends what, among processes that live and die."""

import subprocess
import sys
import time
from pathlib import Path

from io_examples import a_call, text_answer
from valuelex.io.claims import Claims
from valuelex.io.ledger import Ledger

KEYS = [a_call(i).key for i in range(4)]
HOLD = """
import sys, time
from pathlib import Path
from valuelex.io.claims import Claims
from valuelex.io.ledger import Ledger
with Ledger(Path(sys.argv[1])) as ledger, Claims(ledger) as claims:
    claims.claim(sys.argv[2:])
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_call_is_claimed_by_one_only(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as one, Ledger(path) as two, Claims(one) as mine, Claims(two) as yours:
        assert mine.claim(KEYS[:3]) == frozenset(KEYS[:3])
        assert yours.claim(KEYS) == frozenset(KEYS[3:])
        # Asked again, a claim of one's own is no new one.
        assert mine.claim(KEYS[:1]) == frozenset()


def test_an_answered_call_is_not_to_be_claimed(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger, Claims(ledger) as claims:
        claims.claim(KEYS[:1])
        ledger.record(answers=[text_answer(a_call(0), "x")])
        assert claims.claim(KEYS[:2]) == {KEYS[1]}


def test_claims_end_with_the_block(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        with Claims(ledger) as claims:
            claims.claim(KEYS)
        assert ledger.senders() == frozenset()
        assert not list(tmp_path.glob(".sender-*"))


def test_claims_of_a_killed_process_are_free_and_those_of_a_live_one_are_not(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger, Claims(ledger) as claims:
        command = [sys.executable, "-c", HOLD, str(path), *KEYS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            claims.forget_the_dead()
            assert claims.claim(KEYS) == frozenset()
            other.kill()
            other.wait()
        for _ in range(50):
            claims.forget_the_dead()
            if claims.claim(KEYS):
                break
            time.sleep(0.1)
        assert len(ledger.senders()) == 1
        assert len(list(tmp_path.glob(".sender-*"))) == 1
