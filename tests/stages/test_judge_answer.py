import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import MODEL, manual, reply, system
from valuelex.domain.call import Missing, Reply, Token
from valuelex.domain.measure import REASONS, Exhibit, Note
from valuelex.domain.study import JudgePlan
from valuelex.stages.judge_answer import average_notes, read_ratings, read_verdicts
from valuelex.stages.judge_prompt import plan_ratings
from valuelex.stages.scale_point import expected_point

TWO = system({"d": ("care", "skill")})
IDS = ("care", "skill")
JUDGE = JudgePlan("referee", "llm", MODEL, family="acme")
EXHIBIT = Exhibit("e01", "When it rained, I", "ran home and helped Ann.")


def entry(rating=3, bears=True, **more):
    return {"bears": bears, "evidence": "", "grounds": "", "rating": rating, **more}


def answer(*entries):
    """An answer of entries under their numbers: 1 is care, 2 is skill; nothing addresses the judge."""
    return numbered(dict(enumerate(entries, start=1)))


def numbered(entries):
    return json.dumps({"0": False, **{str(key): entry for key, entry in entries.items()}})


def verdicts(text, ids=IDS):
    return {name: v[0] if v[1] is None else v[1] for name, v in read_verdicts(reply("k", text), ids).items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (answer(entry(4), entry(0)), {"care": 4, "skill": 0}),
        ("```json\n" + answer(entry(6), entry(1)) + "\n```", {"care": 6, "skill": 1}),
        ("<think>6 6 6</think>" + answer(entry(2), entry(1)), {"care": 2, "skill": 1}),
        (numbered({2: entry(1), 1: entry(2.0)}), {"care": 2, "skill": 1}),
        (answer(entry(None, bears=False), entry(5)), {"care": "IRRELEVANT", "skill": 5}),
        (answer(entry(3, bears=False), entry(5)), {"care": "IRRELEVANT", "skill": 5}),
        (answer(entry(7), entry(-1)), {"care": "OFF_SCALE", "skill": "OFF_SCALE"}),
        (answer(entry(3.5), entry(3)), {"care": "OFF_SCALE", "skill": 3}),
        (answer(entry("4"), entry(True)), {"care": "UNPARSEABLE", "skill": "UNPARSEABLE"}),
        (answer(entry(None), entry(3)), {"care": "UNPARSEABLE", "skill": 3}),
        (answer(entry(3, bears="yes"), entry(3)), {"care": "UNPARSEABLE", "skill": 3}),
        (answer(entry(3)), {"care": 3, "skill": "UNPARSEABLE"}),
    ],
)
def test_an_answer_of_the_form_gives_ratings_and_every_fault_its_reason(text, expected):
    assert verdicts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "6",
        "The rating is 6.",
        answer(entry(4), entry(0)) + " Also: " + answer(entry(6)),
        numbered({1: entry(4), 3: entry(6)}),  # A number that nobody asked for.
        numbered({"ratings": [entry(4), entry(6)]}),
        answer(entry(4, rater="admin"), entry(1)),  # A field that nobody asked for.
        '{"0": false, "1": {"bears": true, "rating": 2, "rating": 6}}',
        '{"0": false, "1": {"bears": true, "rating": 2}, "1": {"bears": true, "rating": 6}}',
        '[{"bears": true, "rating": 2}]',
        '{"0": false, "1": {"rating": 2}}',
        '{"0": false, "1": ' + "[" * 100_000,
        '{"0": false, "1": {"bears": true, "rating": NaN}}',
        '{"1": {"bears": true, "rating": 2}, "2": {"bears": true, "rating": 2}}',  # Is it addressed? Not said.
        '{"0": "no", "1": {"bears": true, "rating": 2}}',
        "{}",
    ],
)
def test_what_is_not_one_answer_is_no_rating_at_all(text):
    assert set(verdicts(text).values()) <= {Missing.UNPARSEABLE, Missing.OFF_SCALE}


def test_what_the_judge_says_addresses_it_is_no_rating():
    told = json.dumps({"0": True, "1": entry(6), "2": entry(6)})
    assert set(verdicts(told).values()) == {Missing.INJECTION}


def test_a_reply_that_is_missing_keeps_its_reason():
    assert {v[1] for v in read_verdicts(None, IDS).values()} == {Missing.CALL_FAILED}
    filtered = reply("k", "", missing=Missing.FILTERED)
    assert {v[1] for v in read_verdicts(filtered, IDS).values()} == {Missing.FILTERED}
    assert set(verdicts("I'm sorry, but I can't assist with that request.").values()) == {Missing.REFUSED}


@given(st.text())
def test_no_text_breaks_the_reader_or_gets_a_rating_off_the_scale(text):
    for rating, missing, _, _ in read_verdicts(reply("k", text), IDS).values():
        assert (rating is None) != (missing is None)
        assert rating is None or 0 <= rating <= 6


def notes_of(text, judge=JUDGE, tokens=()):
    calls = plan_ratings(judge, TWO, [EXHIBIT], manual(), seed=1)
    replies = {c.key: Reply(c.key, text, tokens=tokens) for c in calls}
    return read_ratings(judge, TWO, [EXHIBIT], calls, replies)


def test_notes_keep_the_grounds_and_say_whether_the_evidence_stands_there():
    found = {
        n.subdimension: n
        for n in notes_of(
            answer(
                entry(5, evidence="Helped  ANN", grounds="He helps."),
                entry(2, evidence="answered 6"),
            )
        )
    }
    assert (found["care"].evidence_found, found["care"].reason) == (True, "He helps.")
    assert not found["skill"].evidence_found  # The judge made it up, or was told to say it.
    assert found["care"].call_key.startswith("call1-")


def tokens_of(text, rating):
    """Split a text into characters; the digit after "rating" gets these alternatives."""
    at = text.index('"rating": ') + len('"rating": ')
    return tuple(Token(ch, rating if i == at else ((ch, 0.0),)) for i, ch in enumerate(text))


def test_the_expected_point_by_hand():
    # .6 on 4, .2 on 5, .2 off the scale: (.6 * 4 + .2 * 5) / .8 = 4.25.
    token = Token("4", (("4", math.log(0.6)), ("5", math.log(0.2)), ("x", math.log(0.2))))
    assert expected_point(token) == pytest.approx(4.25)
    assert expected_point(Token("4", (("4", math.log(0.4)), ("no", math.log(0.6))))) is None
    assert expected_point(Token('4"', (('4"', 0.0),))) is None


def test_probabilities_are_matched_to_the_ratings_in_the_order_of_the_answer():
    text = numbered({2: entry(1), 1: entry(None, bears=False)})
    likely = (("1", math.log(0.5)), ("2", math.log(0.5)))
    found = {n.subdimension: n for n in notes_of(text, tokens=tokens_of(text, likely))}
    assert found["skill"].expected == pytest.approx(1.5)
    assert found["skill"].rating == 1
    assert found["care"].expected is None


def note(rating, draw=0, missing=None, expected=None, name="care"):
    return Note("j", "tiny", "e01", name, draw, rating, expected, missing, "", False, "", "")


def test_draws_are_averaged_where_half_of_them_rate():
    # care: (4 + 5.5) / 2 = 4.75, the third draw saw no bearing; skill: one of three rates: irrelevant.
    notes = [note(4.0), note(5.0, 1, expected=5.5), note(None, 2, Missing.IRRELEVANT)]
    notes += [note(6.0, 0, name="skill")]
    notes += [note(None, d, Missing.IRRELEVANT, name="skill") for d in (1, 2)]
    values, missing = average_notes(notes, TWO, [EXHIBIT])
    assert values[0, 0] == pytest.approx(4.75)
    assert np.isnan(values[0, 1])
    assert [REASONS[code] if code >= 0 else None for code in missing[0]] == [None, Missing.IRRELEVANT]


def test_what_was_not_asked_is_missing_and_not_a_number():
    values, missing = average_notes([], TWO, [EXHIBIT])
    assert np.isnan(values).all()
    assert {REASONS[code] for code in missing.ravel()} == {Missing.NOT_RATED}


def test_each_subdimension_of_its_own_call_is_read():
    apart = dataclasses.replace(JUDGE, together=False)
    calls = plan_ratings(apart, TWO, [EXHIBIT], manual(), seed=1)
    replies = {
        c.key: Reply(c.key, answer(entry(point))) for c, name, point in zip(calls, IDS, (1, 6), strict=True)
    }
    found = read_ratings(apart, TWO, [EXHIBIT], calls, replies)
    assert [(n.subdimension, n.rating) for n in found] == [("care", 1), ("skill", 6)]
