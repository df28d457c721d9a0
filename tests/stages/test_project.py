import json

import pytest

from examples import projective_test, reply, respondent, study
from valuelex.domain.call import Missing, Reply
from valuelex.errors import StudyError
from valuelex.stages.project import plan_completions, read_completions

RAW = respondent("raw", api="completion")
STEM = "When the bell rang 0 times, I"


def test_one_call_for_every_draw_stem_and_respondent_in_that_order():
    calls = plan_completions(study([respondent("a"), RAW], draws=2))
    assert [(c.draw, c.item_id, c.respondent_id) for c in calls] == [
        (0, "s0", "a"),
        (0, "s0", "raw"),
        (0, "s1", "a"),
        (0, "s1", "raw"),
        (1, "s0", "a"),
        (1, "s0", "raw"),
        (1, "s1", "a"),
        (1, "s1", "raw"),
    ]
    assert {c.stage for c in calls} == {"project"}
    assert len({c.key for c in calls}) == len(calls)


def test_keys_do_not_move_from_run_to_run():
    # A changed key would send every call of an old ledger again.
    assert (
        plan_completions(study())[0].key
        == "call1-66aeb0369eeba8982bbbc313062142a85c5cd86a9083aa8bb49836c694fef4fd"
    )


def test_chat_reads_the_instruction_and_a_prefill_is_the_stem():
    who = [respondent("a"), respondent("b", prefill=True, subject="an experienced nurse")]
    calls = plan_completions(study(who, test=projective_test(1)))
    plain, started = (json.loads(c.body)["messages"] for c in calls)
    user = {
        "role": "user",
        "content": "Finish the sentence below in your own words, with one short ending. "
        f"Write only the ending.\n\n{STEM}",
    }
    assert plain == [user]
    assert started == [
        {"role": "system", "content": "You are an experienced nurse."},
        user,
        {"role": "assistant", "content": STEM},
    ]


def test_raw_completion_reads_three_everyday_sentences_and_then_the_stem():
    who = [RAW, respondent("nurse", api="completion", subject="an experienced nurse")]
    own, nurse = (json.loads(c.body)["prompt"] for c in plan_completions(study(who, test=projective_test(1))))
    assert own == (
        "Sentences that different people finished:\n"
        "It rained on day 0, so I stayed in.\n"
        "It rained on day 1, so I stayed in.\n"
        "It rained on day 2, so I stayed in.\n"
        "\n"
        "Finished by an AI language model:\n"
        f"{STEM}"
    )
    # The same examples for every respondent: they can make no difference between two.
    assert nurse == own.replace("an AI language model", "an experienced nurse")


@pytest.mark.parametrize("n_stems", [10, 60])
def test_examples_change_every_six_stems_and_go_round(n_stems):
    who = [respondent(f"r{i}", api="completion") for i in range(3)]
    calls = plan_completions(study(who, test=projective_test(n_stems, 8), draws=2))
    for call in calls:
        # Stem 6 w + i of draw d shows three of a ring of eight, from 3 w + d on.
        start = 3 * (int(call.item_id.removeprefix("s")) // 6) + call.draw
        lines = json.loads(call.body)["prompt"].splitlines()[1:4]
        assert lines == [f"It rained on day {(start + i) % 8}, so I stayed in." for i in range(3)]


def test_raw_completion_without_examples_is_refused():
    with pytest.raises(StudyError) as caught:
        plan_completions(study([RAW], test=projective_test(n_examples=0)))
    assert str(caught.value) == (
        "Test 'bells' has no examples, which raw completion needs; add an examples list."
    )


def read_one(text, missing=None):
    asked = study(test=projective_test(1))
    calls = plan_completions(asked)
    replies = {calls[0].key: reply(calls[0].key, text, missing)}
    (found,) = read_completions(calls, replies, asked.project.test)
    return found


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("opened the door.", "opened the door."),
        ("  opened the door", "opened the door"),
        (f"{STEM} opened the door.", "opened the door."),
        (f"{STEM.upper()} opened the door.", "opened the door."),
        (f'"{STEM} opened the door."', "opened the door."),
        (f"“{STEM} opened the door.”", "opened the door."),
        (f"...{STEM} opened the door.", "opened the door."),
        (f"**{STEM}** opened the door.", "opened the door."),
        (f"{STEM}... opened the door.", "opened the door."),
        (f"{STEM}\nopened the door.", "opened the door."),
        ("... opened the door.", "opened the door."),
        ("…opened the door.", "opened the door."),
        ('"opened the door."', "opened the door."),
        ("*opened the door.*", "opened the door."),
        ('said "come in" and opened.', 'said "come in" and opened.'),
        ('said "come in."', 'said "come in."'),
        ("opened the door. Then I sat down.", "opened the door."),
        ("opened the door! It was late.", "opened the door!"),
        ("asked 'Who is it?' Nobody spoke.", "asked 'Who is it?'"),
        ("opened the door\n\nWhen the bell rang again, I slept.", "opened the door"),
        ("paid 3.50 for the key.", "paid 3.50 for the key."),
        ("Here's a possible ending: opened the door.", "opened the door."),
        (f"Sure! Here is the completed sentence:\n\n{STEM} opened the door.", "opened the door."),
        ("Ending: opened the door.", "opened the door."),
        ("Sure, I opened the door.", "Sure, I opened the door."),
        ("开门.", "开门."),
    ],
)
def test_the_first_sentence_after_the_stem_is_the_completion(text, ending):
    found = read_one(text)
    assert (found.text, found.missing) == (ending, None)


def test_a_curly_apostrophe_does_not_hide_the_stem():
    asked = study(test=projective_test(1))
    stem = asked.project.test.stems[0]
    changed = type(stem)(stem.id, "When I couldn't sleep, I", stem.kind, stem.theme)
    test = type(asked.project.test)("bells", "made up", (changed,), ())
    calls = plan_completions(asked)
    text = "When I couldn’t sleep, I read."
    (found,) = read_completions(calls, {calls[0].key: reply(calls[0].key, text)}, test)
    assert found.text == "read."


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", Missing.EMPTY),
        ("...", Missing.EMPTY),
        ("42.", Missing.EMPTY),
        (STEM, Missing.EMPTY),
        (f'"{STEM}..."', Missing.EMPTY),
        ("op\ufffdned the door.", Missing.UNPARSEABLE),
        ("}{ = [0, 1, 2, 3] % a", Missing.UNPARSEABLE),
        ("The sentence is grammatically incomplete.", Missing.OFF_TOPIC),
        ("You could fill in the blank with any verb.", Missing.OFF_TOPIC),
        ("This sentence needs a verb.", Missing.OFF_TOPIC),
        ("finished the sentence after the dash.", Missing.OFF_TOPIC),
        ("would not be able to make any changes to the sentence.", Missing.OFF_TOPIC),
        ("I'm sorry, but I can't complete this sentence.", Missing.REFUSED),
        (f"{STEM}... I'm sorry, but I can't assist with that.", Missing.REFUSED),
        ("As an AI, I do not hear bells.", Missing.REFUSED),
    ],
)
def test_a_completion_that_is_none_has_a_reason_and_keeps_its_text(text, missing):
    found = read_one(text)
    assert found.missing is missing
    assert found.text == text.strip()


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("<think>what now?</think> opened the door.", "opened the door."),
        ("1. opened the door.", "opened the door."),
        ("'ll open the door.", "'ll open the door."),
        (f"{STEM}’m opening the door.", "’m opening the door."),
        ("'opened the door.", "opened the door."),
        ("asked Dr. Lee to open it. Then I left.", "asked Dr. Lee to open it."),
        ("flew to the U.S. and stayed. It was cold.", "flew to the U.S. and stayed."),
        (STEM.replace(",", "") + " opened the door.", "opened the door."),
    ],
)
def test_marks_numbers_and_abbreviations_do_not_spoil_an_ending(text, ending):
    found = read_one(text)
    assert (found.text, found.missing) == (ending, None)


def test_an_ending_that_the_limit_cut_is_marked():
    asked = study(test=projective_test(1))
    (call,) = plan_completions(asked)

    def cut(text: str, finish: str) -> bool:
        replies = {call.key: Reply(call.key, text, None, finish)}
        return read_completions([call], replies, asked.project.test)[0].cut

    assert cut("opened the door and then", "length")
    assert not cut("opened the door. And then", "length")
    assert not cut("opened the door and then", "stop")
    assert not cut("", "length")


def test_a_judges_sentence_is_on_topic():
    assert read_one("gave him the sentence he deserved.").missing is None
    assert read_one("thought that the sentence was too hard.").missing is None


def test_the_endpoints_own_reason_stands():
    found = read_one("opened the", Missing.FILTERED)
    assert (found.text, found.missing) == ("opened the", Missing.FILTERED)
    assert read_one("", Missing.EMPTY).missing is Missing.EMPTY


def test_a_call_without_a_reply_has_failed_and_keeps_its_labels():
    asked = study(draws=2)
    found = read_completions(plan_completions(asked), {}, asked.project.test)
    assert [c.missing for c in found] == [Missing.CALL_FAILED] * 4
    assert [(c.id, c.stem_id, c.draw) for c in found][2:] == [
        ("acme t1:s0:1", "s0", 1),
        ("acme t1:s1:1", "s1", 1),
    ]
