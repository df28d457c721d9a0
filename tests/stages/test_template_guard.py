import pytest

from examples import respondent
from valuelex.stages.template_guard import TEXT, plan_guard, read_guard

CALLS = plan_guard(respondent(api="completion"), 7)


def signs(once, twice, reply):
    texts = ("x", "x", reply)
    counts = (once, twice, 20)
    payloads = {
        call.key: {"choices": [{"text": text}], "usage": {"prompt_tokens": n} if n else None}
        for call, text, n in zip(CALLS, texts, counts, strict=True)
    }
    return read_guard(CALLS, payloads)


@pytest.mark.parametrize(
    ("once", "twice", "reply", "added", "verdict"),
    [
        # Tokens around every prompt: 2 x 16 - 32 = 0; 2 x 17 - 33 = 1, a mark of the beginning.
        (16, 32, "PLE\n", 0, "raw"),
        (17, 33, "PLE\n", 1, "raw"),
        (16, 32, " weak model drivel", 0, "raw"),
        # 2 x 46 - 62 = 30, a chat template with its system message, whatever the model then writes.
        (46, 62, "This is a simplified", 30, "templated"),
        (46, 62, "PLE", 30, "templated"),
        (20, 36, "", 4, "templated"),
        # Counted before it is wrapped.
        (16, 32, "It looks like a list", 0, "cannot tell"),
        (17, 32, "It looks like a list", 2, "templated"),
        (17, 32, "PLE", 2, "raw"),
        # No usage, or a made-up one: the reply alone speaks.
        (None, None, "PLE\n", None, "raw"),
        (9, 9, "PLE\n", None, "raw"),
        (9, 9, "purple = PURPLE", None, "templated"),
        (None, None, "Sure! Here is", None, "templated"),
        (None, None, " 12 zz", None, "cannot tell"),
    ],
)
def test_signs_and_verdict(once, twice, reply, added, verdict):
    found = signs(once, twice, reply)
    assert (found.n_added, found.verdict) == (added, verdict)


def test_marks_of_a_chat_are_told_and_decide_nothing():
    found = signs(16, 32, "PLE<|im_end|>")
    assert found.control
    assert found.verdict == "raw"


def test_refusals_leave_it_open():
    refusal = {"error": {"message": "no"}, "http_status": 400}
    found = read_guard(CALLS, dict.fromkeys([c.key for c in CALLS], refusal))
    assert (found.verdict, found.n_added, found.reply) == ("cannot tell", None, "")


def test_the_calls_are_three_and_short():
    assert [c.item_id for c in CALLS] == ["raw/once", "raw/twice", "raw/pattern"]
    assert all(c.path == "/completions" and '"temperature":0.0' in c.body for c in CALLS)
    assert TEXT.endswith("\n")
