import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import reply, respondent, system
from valuelex.domain.call import Missing
from valuelex.domain.measure import StemKind
from valuelex.errors import StudyError
from valuelex.io.assets import load_test, write_test
from valuelex.stages.draft import drafted_test, plan_drafts, read_drafts
from valuelex.stages.stem_check import MAX_WORDS, MIN_WORDS, named_markers, words_of

WRITER = respondent("writer")
THREE = system({"heart": ("care", "courage"), "head": ("wisdom",)})


def asked(of=THREE, n=10, **options):
    return plan_drafts(WRITER, of, n, seed=7, **options)


def prompt(call):
    (message,) = json.loads(call.body)["messages"]
    assert message["role"] == "user"
    return message["content"]


def n_asked(call):
    return int(prompt(call).split()[1])


def answered(*texts, missing=None):
    """What is read when each draw of the call for neutral stems gets one of these answers."""
    calls = [c for c in asked(system(), draws=len(texts)) if c.item_id == "care/neutral"]
    replies = {c.key: reply(c.key, t, missing) for c, t in zip(calls, texts, strict=True)}
    return read_drafts(calls, replies, system())


def texts(*lines):
    return [stem.text for stem in answered("\n".join(lines))]


# Planning


def test_ten_stems_are_shared_out_as_in_the_shipped_test():
    # 5 neutral, 2 role, 1 reversed, and 2 conflicts, one against each of the other two.
    calls = asked()
    care = {c.item_id: n_asked(c) for c in calls if c.item_id.startswith("care/")}
    assert care == {
        "care/neutral": 5,
        "care/role": 2,
        "care/conflict/courage": 1,
        "care/conflict/wisdom": 1,
        "care/reversed": 1,
    }
    assert {c.stage for c in calls} == {"draft"}
    assert len({c.key for c in calls}) == len(calls) == 15


@given(st.integers(1, 60), st.integers(1, 4))
def test_every_subdimension_gets_as_many_as_were_asked_for(n, n_themes):
    of = system({"d": tuple(f"theme{i}" for i in range(n_themes))})
    counts = Counter()
    for call in asked(of, n):
        counts[call.item_id.split("/")[0]] += n_asked(call)
    assert counts == {f"theme{i}": n for i in range(n_themes)}


def test_a_system_of_one_subdimension_has_no_conflicts():
    # The two of ten that would be conflicts are neutral.
    assert {c.item_id: n_asked(c) for c in asked(system())} == {
        "care/neutral": 7,
        "care/role": 2,
        "care/reversed": 1,
    }


def test_second_themes_take_turns():
    # With two conflicts each, every one of four is the second theme twice.
    of = system({"d": ("a", "b", "c", "d")})
    seconds = Counter(c.item_id.split("/")[2] for c in asked(of) if "/conflict/" in c.item_id)
    assert seconds == {"a": 2, "b": 2, "c": 2, "d": 2}


def test_the_prompt_holds_definition_markers_and_length_and_asks_for_an_open_ending():
    neutral, _, conflict = asked()[:3]
    assert "Words around care." in prompt(neutral)
    assert "like them: care." in prompt(neutral)
    assert f"{MIN_WORDS} to {MAX_WORDS} plain words" in prompt(neutral)
    assert "ends with the word I" in prompt(neutral)
    assert "Words around courage." in prompt(conflict)
    assert "Words around courage." not in prompt(neutral)


def test_a_definition_with_braces_does_no_harm():
    of = system()
    (dimension,) = of.dimensions
    (own,) = dimension.subdimensions
    braced = replace(
        of,
        dimensions=(
            replace(dimension, subdimensions=(replace(own, definition="A {set} of {0} {against}."),)),
        ),
    )
    assert "A {set} of {0} {against}." in prompt(asked(braced)[0])


def test_draws_repeat_the_requests_as_calls_of_their_own():
    calls = asked(draws=2)
    assert [c.draw for c in calls] == [0] * 15 + [1] * 15
    assert [c.item_id for c in calls[:15]] == [c.item_id for c in calls[15:]]
    assert len({c.key for c in calls}) == 30


def test_a_model_that_only_continues_text_cannot_draft():
    with pytest.raises(StudyError, match="'base' only continues text and cannot be told to draft stems"):
        plan_drafts(respondent("base", api="completion"), THREE, 10, seed=7)


@pytest.mark.parametrize(("n", "draws"), [(0, 1), (10, 0)])
def test_nothing_to_draft_is_refused(n, draws):
    with pytest.raises(StudyError, match=f"{n} stems in {draws} draws leave nothing to draft"):
        asked(n=n, draws=draws)


# Reading


def test_numbers_bullets_quotes_and_blanks_are_taken_off():
    assert texts(
        "1. When the ferry left without my bag, I",
        "- When the tap in the yard froze over, I ...",
        '"When the last lamp in the street went out, I"',
        "2) When the snow came down in the night, I ___",
        "* “When the goat got into the garden, I…”",
        "**When the clock in the tower stood still, I**",
    ) == [
        "When the ferry left without my bag, I",
        "When the tap in the yard froze over, I",
        "When the last lamp in the street went out, I",
        "When the snow came down in the night, I",
        "When the goat got into the garden, I",
        "When the clock in the tower stood still, I",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Here are the beginnings you asked for:",
        "When the ferry left without my bag, I ran.",
        "When the ferry left without my bag, we",
        "The ferry left. When it was gone, I",
        "So then I",
        "When the ferry that goes to the island on which my aunt lives left without my bag, I",
        "Another kind of care was asked of me, so I",
        "When the ferry left ___ without my bag, I",
        "",
    ],
)
def test_a_line_that_is_no_open_beginning_is_left(line):
    kept = "When the tap in the yard froze over, I"
    assert texts(line, kept) == [kept]


def test_a_conflict_may_name_what_is_at_stake():
    line = "The care of the sheep and the harvest fell on one day, so I"
    neutral, conflict = (
        [c for c in asked() if c.item_id == f"care/{k}"] for k in ("neutral", "conflict/wisdom")
    )
    assert read_drafts(neutral, {c.key: reply(c.key, line) for c in neutral}, THREE) == ()
    (stem,) = read_drafts(conflict, {c.key: reply(c.key, line) for c in conflict}, THREE)
    assert (stem.kind, stem.theme, stem.against) == (StemKind.CONFLICT, "care", "wisdom")


def test_a_second_text_of_the_same_words_is_left():
    assert texts(
        "When the ferry left without my bag, I", "when the ferry left, without my bag, I", "", "Well then I"
    ) == ["When the ferry left without my bag, I"]


def test_a_line_that_repeats_the_request_is_left():
    # "situations of everyday life" stands in the request, and so does "the last bus had gone" of its example.
    assert texts(
        "In situations of everyday life and work, I",
        "As the last bus had gone by then, I",
        "As the last bus drove off, I",
    ) == ["As the last bus drove off, I"]


def test_refusals_and_missing_answers_draft_nothing():
    line = "When the ferry left without my bag, I"
    assert answered("I'm sorry, but I can't assist with that.") == ()
    assert answered(line, missing=Missing.FILTERED) == ()
    assert read_drafts(asked(), {}, THREE) == ()


def test_ids_go_by_rounds_over_kinds_and_subdimensions():
    calls = [c for c in asked() if c.item_id in ("care/neutral", "wisdom/neutral", "wisdom/role")]
    answers = {
        "care/neutral": "When the ferry left without my bag, I\nWhen the tap in the yard froze over, I",
        "wisdom/neutral": "When the goat got into the garden, I",
        "wisdom/role": "As the keeper of the old gate, I",
    }
    found = read_drafts(calls, {c.key: reply(c.key, answers[c.item_id]) for c in calls}, THREE)
    assert [(s.id, s.kind.value, s.theme) for s in found] == [
        ("d001", "neutral", "care"),
        ("d002", "neutral", "wisdom"),
        ("d003", "role", "wisdom"),
        ("d004", "neutral", "care"),
    ]


@given(st.lists(st.text("When Ithecar.,'_-1\n", max_size=80), max_size=3))
def test_whatever_comes_back_only_sound_stems_are_read(answers):
    found = answered(*answers) if answers else ()
    assert len({" ".join(words_of(s.text)) for s in found}) == len(found)
    for stem in found:
        assert stem.text.endswith("I")
        assert MIN_WORDS <= len(words_of(stem.text)) <= MAX_WORDS
        assert named_markers(stem.text, system()) == ()


def test_a_drafted_test_says_so_and_can_be_loaded_again(tmp_path: Path):
    stems = answered("When the ferry left without my bag, I\nWhen the tap in the yard froze over, I")
    test = drafted_test("ferry", WRITER, system(), stems, ("It rained, so I stayed in.",))
    (tmp_path / "ferry.toml").write_text(write_test(test), encoding="utf-8")
    assert "draft = true" in write_test(test)
    assert "Drafted by acme/acme-1 for the value system 'tiny'; not yet edited by a person." in write_test(
        test
    )
    assert load_test("ferry.toml", tmp_path) == test


def test_a_model_that_drafted_nothing_is_named():
    with pytest.raises(StudyError, match="acme/acme-1 drafted no usable stem for 'tiny'; use a larger model"):
        drafted_test("ferry", WRITER, system(), (), ())
