from dataclasses import replace

import pytest

from examples import projective_test, prompt_set, respondent, study
from valuelex.domain.call import Call
from valuelex.domain.recorded import BadRow, Fault, RecordedAnswer, recorded_model
from valuelex.domain.study import Study
from valuelex.domain.term_ratings import TermPlan, TermPrompt, TermPromptSet
from valuelex.stages.elicit import plan_elicitation, read_responses
from valuelex.stages.project import plan_completions, read_completions
from valuelex.stages.rate_terms import plan_term_ratings
from valuelex.stages.recorded import Places


def recorded_study(draws: int = 2) -> Study:
    who = respondent("acme", model=recorded_model("acme-1"), api="recorded", temperature=None, top_p=None)
    return study([who], prompts=prompt_set(3), draws=draws)


def answer(**changes: object) -> RecordedAnswer:
    plain = {"line": 5, "respondent": "acme-1", "stage": "project", "item": "s0", "draw": 0, "text": "so"}
    return RecordedAnswer(**{**plain, **changes})  # type: ignore[arg-type]


def place(**changes: object) -> Call | BadRow:
    return Places(recorded_study()).call_of(answer(**changes))


def test_every_planned_call_of_a_recorded_respondent_is_met_by_its_answer() -> None:
    asked = recorded_study()
    planned = (*plan_elicitation(asked), *plan_completions(asked))
    # 2 draws of 3 prompts and of 2 stems.
    assert len(planned) == 10
    met = [
        Places(asked).call_of(answer(stage=c.stage, item=c.item_id, draw=c.draw, text=c.item_id))
        for c in planned
    ]
    assert met == list(planned)


def test_a_call_without_an_answer_is_missing_as_not_recorded() -> None:
    asked = recorded_study(draws=1)
    calls = plan_completions(asked)
    assert [c.missing for c in read_completions(calls, {}, asked.project.test)] == ["NOT_RECORDED"] * 2
    assert {r.missing for r in read_responses(plan_elicitation(asked), {}, asked)} == {"NOT_RECORDED"}


def test_words_of_examples_are_not_shown_to_one_who_was_asked_elsewhere() -> None:
    asked = recorded_study()
    assert {r.shown for r in read_responses(plan_elicitation(asked), {}, asked)} == {()}


@pytest.mark.parametrize(
    "told",
    [
        {"item": "s1"},
        {"item": "When the bell rang 1 times, I"},
        {"item": "", "prompt": "  when the bell\nrang 1 times, I ...  "},
        {"item": "17", "prompt": "When the bell rang 1 times, I"},
        {
            "item": "",
            "prompt": "Finish the sentence below in your own words, with one short ending. Write only the "
            "ending.\n\nWhen the bell rang 1 times, I",
        },
    ],
)
def test_a_stem_is_known_by_its_id_or_its_text(told: dict[str, str]) -> None:
    call = place(**told)
    assert isinstance(call, Call)
    assert (call.item_id, call.respondent_id, call.draw) == ("s1", "acme", 0)


def test_a_prompt_is_known_by_its_question() -> None:
    call = place(stage="elicit", item="", prompt="Which words matter to you (2)?")
    assert isinstance(call, Call)
    assert call.item_id == "p2"


def test_a_wording_is_an_item_of_its_own() -> None:
    test = projective_test()
    worded = replace(test, stems=tuple(replace(s, wordings=(f"{s.text} again",)) for s in test.stems))
    asked = recorded_study()
    asked = replace(asked, project=replace(asked.project, test=worded, n_wordings=2))
    call = Places(asked).call_of(answer(item="", prompt="When the bell rang 1 times, I again"))
    assert isinstance(call, Call)
    assert call.item_id == "s1~1"


@pytest.mark.parametrize(
    ("told", "fault", "detail"),
    [
        (
            {"item": "s7"},
            Fault.UNKNOWN_ITEM,
            "item 's7' is no stem of the study (the first is 's0'); map its id or text, or import as --stage observe",
        ),
        (
            {"item": "", "prompt": "Why?", "stage": "elicit"},
            Fault.UNKNOWN_ITEM,
            "prompt 'Why?' is no prompt of the study (the first is 'p0'); map its id or text, or import as --stage "
            "observe",
        ),
        (
            {"draw": 2},
            Fault.UNKNOWN_DRAW,
            "draw 2 of 's0', but [project] draws = 2 and draws count from 0; raise draws, or say by --first-draw how "
            "the file counts",
        ),
    ],
)
def test_what_nobody_planned_is_told_with_the_way_out(
    told: dict[str, object], fault: Fault, detail: str
) -> None:
    assert place(**told) == BadRow(5, fault, detail)


def test_nothing_is_elicited_in_a_study_that_only_measures() -> None:
    bad = Places(study(elicits=False)).call_of(answer(stage="elicit", item="p0"))
    assert bad == BadRow(
        5, Fault.UNKNOWN_ITEM, "item 'p0', but the study elicits nothing; add an [elicit] section"
    )


def test_free_text_may_have_any_item_and_any_draw() -> None:
    call = place(stage="observe", item="anything", draw=9)
    assert isinstance(call, Call)
    assert (call.stage, call.item_id, call.draw) == ("observe", "anything", 9)
    first, second = (place(stage="observe", item="", prompt=p) for p in ("Why?", "How?"))
    assert isinstance(first, Call)
    assert isinstance(second, Call)
    assert first.item_id.startswith("prompt-")
    assert first.key != second.key


def test_a_name_that_the_study_does_not_have_keeps_its_own() -> None:
    places = Places(recorded_study())
    call = places.call_of(answer(respondent="other"))
    assert isinstance(call, Call)
    assert (call.respondent_id, places.knows("other"), places.knows("acme-1")) == ("other", False, True)


def rated_study() -> Study:
    prompts = TermPromptSet("few", "made up", (TermPrompt("r1", "How dear is {term}?", "x", "y", "z"),), ())
    plan = TermPlan(("care", "zeal"), "made up", prompts, 1, 8, probabilities=True)
    return replace(recorded_study(), elicit=None, terms=plan)


def rating(**changes: object) -> RecordedAnswer:
    return answer(**{"stage": "term", "text": "4", **changes})


@pytest.mark.parametrize(
    ("item", "prompt"),
    [("r1/care", ""), ("Care", ""), ("", "How dear is care?"), (" how dear is CARE? ", "")],
)
def test_a_rating_is_found_by_its_item_its_term_or_its_prompt(item: str, prompt: str) -> None:
    (care, _) = plan_term_ratings(rated_study())
    assert Places(rated_study()).call_of(rating(item=item, prompt=prompt)) == care


def test_a_rating_that_nobody_asked_for_is_told() -> None:
    places = Places(rated_study())
    assert places.call_of(rating(item="pride")) == BadRow(
        5,
        Fault.UNKNOWN_ITEM,
        "item 'pride' is no term of the study (the first is 'r1/care'); map its id or text, or import as "
        "--stage observe",
    )
    said = "item 'pride', but no terms are rated in the study; add an [elicit] section with mode = \"rate\""
    assert place(stage="term", item="pride") == BadRow(5, Fault.UNKNOWN_ITEM, said)
    late = places.call_of(rating(item="zeal", draw=1))
    assert isinstance(late, BadRow)
    assert late.detail.startswith("draw 1 of 'r1/zeal', but [elicit] draws = 1")
