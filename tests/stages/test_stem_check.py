"""Each check finds its own fault in a test that has no other, and is silent on the test without it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import system
from valuelex.domain.measure import ProjectiveTest, Stem, StemKind
from valuelex.domain.structure import ValueSystem
from valuelex.errors import DataError
from valuelex.stages.stem_check import (
    FAR,
    MAX_POLARITY,
    NEAR,
    check_stems,
    named_markers,
    readability,
    texts_of,
    words_of,
)

SOUND = (
    Stem(
        "a",
        "When the kettle began to sing, I",
        StemKind.NEUTRAL,
        "care",
        wordings=("The kettle sang, and then I",),
    ),
    Stem("b", "As the keeper of the gate, I", StemKind.ROLE, "care", wordings=("I keep the old gate, so I",)),
)
# Each stem has a direction of its own; its wording lies at cosine .8 to it, and at 0 to the other stem.
VECTORS = np.array([[1, 0, 0, 0], [0.8, 0, 0.6, 0], [0, 1, 0, 0], [0, 0.8, 0, 0.6]], dtype=float)
FLAT = np.zeros(4)


def test_of(*stems):
    return ProjectiveTest("kettle", "own", tuple(stems), ())


test_of.__test__ = False


def faults(stems=SOUND, vectors=VECTORS, sentiment=FLAT, of=None):
    return [(f.stem_id, f.wording, f.check) for f in check_stems(test_of(*stems), vectors, sentiment, of)]


def with_text(text, **changes):
    """The sound test with another text for its first stem."""
    return (replace(SOUND[0], text=text, **changes), SOUND[1])


def system_with(*markers):
    plain = system()
    (dimension,) = plain.dimensions
    (subdimension,) = dimension.subdimensions
    return ValueSystem(
        "m", "M", "own", (replace(dimension, subdimensions=(replace(subdimension, markers=markers),)),)
    )


def test_a_sound_test_has_no_fault():
    assert faults() == []


def test_texts_come_stem_by_stem_each_before_its_wordings():
    assert texts_of(test_of(*SOUND)) == (
        "When the kettle began to sing, I",
        "The kettle sang, and then I",
        "As the keeper of the gate, I",
        "I keep the old gate, so I",
    )


def test_the_readability_index_matches_a_hand_calculation():
    # "The cat sat on the mat": 17 letters, 6 words, one sentence. 4.71 * 17 / 6 + 0.5 * 6 - 21.43 = -5.085.
    assert readability("The cat sat on the mat") == pytest.approx(-5.085, abs=1e-12)
    # A hyphen and an apostrophe are no letters: well-to-do has 8, neighbour's 10. 4.71 * 18 / 2 + 1 - 21.43 = 21.96.
    assert readability("Well-to-do neighbour's") == pytest.approx(21.96, abs=1e-12)


def test_a_text_without_words_has_no_reading_level():
    with pytest.raises(DataError, match=r"'\.\.\.' has no word"):
        readability("...")


@pytest.mark.parametrize(("n", "faulty"), [(5, True), (6, False), (16, False), (17, True)])
def test_six_to_sixteen_words(n, faulty):
    found = faults(with_text(" ".join([f"tin{i}" for i in range(n - 1)] + ["I"])))
    assert found == ([("a", 0, "length")] if faulty else [])


def test_long_words_are_hard_to_read():
    # 43 letters in 6 words: 4.71 * 43 / 6 + 3 - 21.43 = 15.3.
    found = check_stems(
        test_of(*with_text("Notwithstanding administrative decentralisation I so I")), VECTORS, FLAT, None
    )
    assert [(f.stem_id, f.check) for f in found] == [("a", "reading level")]


def test_a_repeat_is_found_whatever_its_case_and_punctuation():
    assert faults((SOUND[0], replace(SOUND[1], wordings=("when the KETTLE began, to sing... I",)))) == [
        ("b", 1, "duplicate")
    ]


def test_two_stems_that_mean_the_same_are_one_fault_at_their_closest_texts():
    # Text b lies at cosine .9 to text a and at .72 to wording a~1; wording b~1 at .95 to text a.
    near = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.9, 0, np.sqrt(0.19)], [0.95, 0, np.sqrt(0.0975)]])
    (fault,) = check_stems(test_of(*SOUND), near, FLAT, None)
    assert (fault.stem_id, fault.wording, fault.check) == ("b", 1, "near duplicate")
    assert fault.detail == "cosine 0.95 with a"


@pytest.mark.parametrize(("cosine", "faulty"), [(NEAR + 1e-6, True), (NEAR - 1e-6, False)])
def test_the_limit_of_near_duplicates(cosine, faulty):
    vectors = VECTORS.copy()
    vectors[2] = [cosine, np.sqrt(1 - cosine**2), 0, 0]
    vectors[3] = vectors[2]
    vectors[1] = [1, 0, 0, 0]
    found = {check for _, _, check in faults(vectors=vectors)}
    assert found == ({"near duplicate"} if faulty else set())


@pytest.mark.parametrize(("cosine", "faulty"), [(FAR - 1e-6, True), (FAR + 1e-6, False)])
def test_a_wording_stays_near_its_own_stem(cosine, faulty):
    vectors = VECTORS.copy()
    vectors[3] = [0, cosine, 0, np.sqrt(1 - cosine**2)]
    assert faults(vectors=vectors) == ([("b", 1, "far wording")] if faulty else [])


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_neutral_and_a_role_stem_lean_to_neither_side(sign):
    strong = sign * np.array([MAX_POLARITY + 0.01, MAX_POLARITY, 0, MAX_POLARITY + 0.01])
    assert faults(sentiment=strong) == [("a", 0, "polarity"), ("b", 1, "polarity")]


def test_a_reversed_and_a_conflict_stem_may_pull():
    pulling = (replace(SOUND[0], kind=StemKind.REVERSED), replace(SOUND[1], kind=StemKind.CONFLICT))
    assert faults(pulling, sentiment=np.full(4, -0.9)) == []


def test_a_value_is_named_in_any_form_of_its_word():
    honesty = system_with("honesty", "open mind")
    assert named_markers("I like an honest man, so I", honesty) == ("honesty",)
    assert named_markers("I told him honestly that I", honesty) == ("honesty",)
    assert named_markers("The honey was gone and I", honesty) == ()
    assert named_markers("With open minds we met, and I", honesty) == ("open mind",)
    assert named_markers("I had a mind to open it, so I", honesty) == ()


@pytest.mark.parametrize(
    ("marker", "form"),
    [("fairness", "fairly"), ("accuracy", "accurate"), ("friendliness", "friend"), ("service", "serve"),
     ("privacy", "private"), ("completeness", "completely"), ("compassion", "compassionate"),
     ("accessibility", "access"), ("freedom", "free"), ("guidance", "guided"), ("democracy", "democratic")],
)  # fmt: skip
def test_forms_of_one_word_share_their_root(marker, form):
    assert named_markers(f"On that day the {form} thing was here, so I", system_with(marker)) == (marker,)


@pytest.mark.parametrize(
    ("marker", "other"),
    [("compassion", "company"), ("politeness", "police"), ("idealism", "idea"), ("factuality", "factory"),
     ("knowledge", "know"), ("morality", "morning")],
)  # fmt: skip
def test_a_word_that_only_begins_alike_is_no_marker(marker, other):
    assert named_markers(f"The {other} came to my mind, so I", system_with(marker)) == ()


def test_naming_a_value_is_a_fault_but_in_a_conflict():
    fair = with_text("The fair man stood at the gate, and I")
    assert faults(fair, of=system_with("fairness")) == [("a", 0, "names a value")]
    assert faults(fair, of=None) == []
    assert faults((replace(fair[0], kind=StemKind.CONFLICT), SOUND[1]), of=system_with("fairness")) == []


@pytest.mark.parametrize("mark", [".", "!", "?", ". "])
def test_a_whole_sentence_leaves_no_room(mark):
    assert faults(with_text(f"When the kettle sang, I made tea{mark}")) == [("a", 0, "no room")]


def test_two_joints_before_the_ending_make_two_situations():
    # The last "and" joins the ending and does not count.
    assert faults(with_text("The bread was late and the queue was long, and I")) == []
    assert faults(with_text("The bread was late and the queue was long but calm, and I")) == [
        ("a", 0, "double-barrelled")
    ]


def test_themes_and_forms_have_equally_many_stems_of_each_kind():
    def numbered(*cells):
        return test_of(
            *(
                Stem(f"x{i}", f"When lamp {i} was lit at dusk, I", kind, theme, form=form)
                for i, (kind, theme, form) in enumerate(cells)
            )
        )

    def details(test):
        n = len(test.stems)
        return [f.detail for f in check_stems(test, np.eye(n), np.zeros(n), None)]

    neutral, role = StemKind.NEUTRAL, StemKind.ROLE
    even = [(neutral, t, f) for t in ("care", "skill") for f in ("A", "B")]
    assert details(numbered(*even)) == []
    assert details(numbered(*even, (neutral, "care", "A"), (role, "skill", "B"))) == [
        "neutral stems: 1 for 'care' in form 'B', 2 for 'care' in form 'A'; make them equal",
        "role stems: 0 for 'care' in form 'A', 1 for 'skill' in form 'B'; make them equal",
    ]
    assert details(numbered((neutral, "care", ""), (neutral, "skill", ""), (neutral, "care", ""))) == [
        "neutral stems: 1 for 'skill', 2 for 'care'; make them equal"
    ]


@pytest.mark.parametrize(
    ("vectors", "sentiment"), [(VECTORS[:3], FLAT), (VECTORS, FLAT[:3]), (VECTORS[0], FLAT)]
)
def test_what_does_not_fit_the_texts_is_refused(vectors, sentiment):
    with pytest.raises(DataError, match=r"test 'kettle' has 4 texts; give a row and a number for each"):
        check_stems(test_of(*SOUND), vectors, sentiment, None)


@given(st.lists(st.text("abcI ,'-", min_size=1), min_size=1, max_size=4, unique=True), st.randoms())
def test_the_order_of_stems_changes_no_fault_of_a_text(texts, random):
    # Checks of one text look at nothing else; only pairs and balance see the others.
    stems = [Stem(f"s{i}", text, StemKind.NEUTRAL, "care") for i, text in enumerate(texts)]
    turned = random.sample(stems, len(stems))

    def alone(order):
        found = check_stems(test_of(*order), np.eye(len(order)), np.zeros(len(order)), None)
        return {f for f in found if f.check != "duplicate"}

    assert alone(stems) == alone(turned)


@given(st.text())
def test_words_are_found_in_any_text(text):
    assert all(word == word.lower() and " " not in word for word in words_of(text))


def test_a_theme_that_the_system_has_not_is_named_with_the_nearest():
    stems = (replace(SOUND[0], theme="caer"), replace(SOUND[1], theme="caer"))
    (found,) = (f for f in check_stems(test_of(*stems), VECTORS, FLAT, system()) if f.check == "theme")
    assert found.detail == "'caer' is no subdimension of 'tiny'; did you mean 'care'?"
    assert ("", 0, "theme") not in faults(of=system())
