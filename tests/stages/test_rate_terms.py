import json
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from examples import ENDPOINT, MODEL, reply, respondent, study
from valuelex.domain.call import Call, Missing, Reply, Token
from valuelex.domain.study import Respondent, Study
from valuelex.domain.term_ratings import TermExample, TermPlan, TermPrompt, TermPromptSet, TermRating
from valuelex.errors import StudyError
from valuelex.stages.rate_terms import plan_term_ratings, rated_matrix, read_term_ratings

PROMPTS = tuple(
    TermPrompt(f"r{i}", f"How dear is {{term}} ({i})?", "My number:", f"Dear ({i}):", "{subject}: {term} =")
    for i in (1, 2)
)
EXAMPLES = tuple(TermExample(f"a baker {n}", f"thing {n}", n) for n in range(7))
TELLING = replace(MODEL, endpoint=replace(ENDPOINT, logprobs=True))
RAW = respondent("raw", api="completion", subject="a nurse")


def plan(*terms: str, draws: int = 1, probabilities: bool = True) -> TermPlan:
    named = terms or ("care", "zeal")
    return TermPlan(
        named, "made up", TermPromptSet("few", "made up", PROMPTS, EXAMPLES), draws, 8, probabilities
    )


def asked(*who: Respondent, of: TermPlan | None = None) -> Study:
    return replace(study(who or [respondent("a")], elicits=False), terms=of or plan())


def rating(
    text: str, tokens: tuple[Token, ...] = (), missing: Missing | None = None, probabilities: bool = True
) -> TermRating:
    """What one answer about "care" is read as."""
    of = plan(probabilities=probabilities)
    (call, *_) = plan_term_ratings(asked(of=of))
    (found,) = read_term_ratings([call], {call.key: Reply(call.key, text, missing, None, tokens)}, of)
    return found


def test_every_respondent_is_asked_for_every_term_in_every_prompt_and_draw() -> None:
    calls = plan_term_ratings(asked(respondent("a"), RAW, of=plan(draws=2)))
    assert len(calls) == 2 * 2 * 2 * 2
    assert [c.item_id for c in calls[::2]] == ["r1/care", "r1/zeal", "r2/care", "r2/zeal"] * 2
    assert {c.stage for c in calls} == {"term"}
    assert len({c.key for c in calls}) == len(calls)
    assert json.loads(calls[0].body)["messages"] == [{"role": "user", "content": "How dear is care (1)?"}]
    assert plan_term_ratings(study()) == ()


def test_raw_completion_shows_every_number_equally_often_and_never_the_term_itself() -> None:
    seven = tuple(sorted(f"term {letter}" for letter in "abcdefg"))
    prompts = [
        json.loads(c.body)["prompt"].splitlines() for c in plan_term_ratings(asked(RAW, of=plan(*seven)))
    ]
    assert prompts[0] == [
        "Dear (1):",
        "a baker 0: thing 0 = 0",
        "a baker 1: thing 1 = 1",
        "a baker 2: thing 2 = 2",
        "a nurse: term a =",
    ]
    shown = Counter(line[-1] for lines in prompts for line in lines[1:4])
    assert shown == dict.fromkeys("0123456", 2 * 3)
    # One term is not shown by the same examples in all prompts.
    assert prompts[0][1:4] != prompts[7][1:4]
    (first, *_) = plan_term_ratings(asked(RAW, of=plan("thing 0", "zeal")))
    assert "thing 0 = 0" not in json.loads(first.body)["prompt"]


def test_raw_completion_needs_examples() -> None:
    bare = replace(plan(), prompts=TermPromptSet("few", "made up", PROMPTS, ()))
    with pytest.raises(StudyError, match=r"has no examples, which raw completion needs"):
        plan_term_ratings(asked(RAW, of=bare))


def test_a_term_is_never_taken_for_a_place_in_the_prompt() -> None:
    persona = respondent("raw", api="completion", subject="a {term} lover")
    (call, *_) = plan_term_ratings(asked(persona))
    assert json.loads(call.body)["prompt"].splitlines()[-1] == "a {term} lover: care ="


def test_probabilities_are_asked_for_where_the_study_wants_them() -> None:
    who = respondent("a", model=TELLING)
    with_, without = (
        json.loads(plan_term_ratings(asked(who, of=plan(probabilities=wanted)))[0].body)
        for wanted in (True, False)
    )
    assert (with_["logprobs"], with_["top_logprobs"]) == (True, 10)
    assert "logprobs" not in without


def test_a_written_number_is_the_rating_where_nothing_is_told() -> None:
    found = rating("My number: 5")
    assert (found.rating, found.written, found.on_scale, found.missing) == (5.0, 5, None, None)
    assert found.text == "5"


def told(text: str, share: float, other: str = "!") -> Token:
    return Token(text, ((text, math.log(share)), (other, math.log(1 - share))))


def test_the_rating_is_the_mean_over_the_points_and_the_mass_is_kept() -> None:
    # 4 with .7, 5 with .1, ! with .2: (4 * .7 + 5 * .1) / .8.
    four = Token("4", (("4", math.log(0.7)), ("5", math.log(0.1)), ("!", math.log(0.2))))
    found = rating("4", (four,))
    assert found.rating == pytest.approx(3.3 / 0.8)
    assert found.on_scale == pytest.approx(0.8)
    assert found.written == 4
    # The same answer where the study wants the number alone.
    assert rating("4", (four,), probabilities=False).rating == 4


def test_a_number_with_little_probability_on_the_scale_is_missing() -> None:
    found = rating("4", (told("4", 0.4),))
    assert (found.rating, found.missing, found.written) == (None, Missing.OFF_SCALE, 4)
    assert found.on_scale == pytest.approx(0.4)
    # A word that was drawn against the odds: the place is known and nearly all lies on the scale.
    assert rating("four", (told("four", 0.1, "4"),)).rating == pytest.approx(4)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("7", Missing.OFF_SCALE),
        ("3 or 4", Missing.UNPARSEABLE),
        ("very much", Missing.UNPARSEABLE),
        ("", Missing.EMPTY),
        ("I'm sorry, but I can't answer this question.", Missing.REFUSED),
    ],
)
def test_anything_else_is_a_reason_and_never_a_low_rating(text: str, reason: Missing) -> None:
    found = rating(text)
    assert (found.rating, found.missing) == (None, reason)


def test_a_call_without_a_reply_failed_or_was_not_recorded() -> None:
    calls = plan_term_ratings(asked())
    assert {r.missing for r in read_term_ratings(calls, {}, plan())} == {Missing.CALL_FAILED}
    assert rating("", missing=Missing.FILTERED).missing is Missing.FILTERED


def answers(calls: tuple[Call, ...], *texts: str) -> dict[str, Reply]:
    return {c.key: reply(c.key, text) for c, text in zip(calls, texts, strict=True)}


def test_a_cell_is_the_mean_of_its_ratings_where_half_are_there() -> None:
    of = plan(draws=2)
    calls = plan_term_ratings(asked(of=of))
    # Calls go draw, prompt, term: care 6 2 (refused twice), zeal 1 (three times nothing).
    refused = "I'm sorry, but I can't answer this question."
    read = read_term_ratings(calls, answers(calls, "6", "1", "2", "x", refused, "9", refused, "x"), of)
    matrix = rated_matrix(read, ["a"], of.terms)
    assert matrix.values[0, 0] == 4
    assert np.isnan(matrix.values[0, 1])
    assert matrix.n.tolist() == [[2, 1]]
    assert matrix.n_asked.tolist() == [[4, 4]]
    assert matrix.reasons == (Missing.REFUSED, Missing.UNPARSEABLE, Missing.OFF_SCALE)
    assert matrix.missing.tolist() == [[[2, 0, 0], [0, 2, 1]]]
    assert matrix.count_missing() == {Missing.REFUSED: 2, Missing.UNPARSEABLE: 2, Missing.OFF_SCALE: 1}
    assert np.isnan(matrix.on_scale).all()
