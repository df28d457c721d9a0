"""The shipped words keep their own promises: balance, neutrality, no repeats, mirrored anchors."""

import itertools
import math
import re
import tomllib
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from valuelex.io.assets import load_system, load_test
from valuelex.io.embed import MiniLM
from valuelex.io.sentiment import sentiment
from valuelex.stages.stem_check import check_stems, readability, texts_of, words_of

ASSETS = files("valuelex.assets")


def read(*path):
    return tomllib.loads(ASSETS.joinpath(*path).read_text(encoding="utf-8"))


SYSTEM = read("systems", "valuelex-2024.toml")
TEST = read("stems", "valuelex-120.toml")
PROMPTS = read("prompts", "valuelex-15.toml")
POCKET = read("pocket.toml")
SENTENCES = tomllib.loads((Path(__file__).parent / "judge_sentences.toml").read_text(encoding="utf-8"))[
    "sentences"
]

STEMS = TEST["stems"]
WORDED = [text for s in STEMS for text in (s["text"], *s["wordings"])]
EXAMPLES = PROMPTS["examples"]
SUBDIMENSIONS = [s for d in SYSTEM["dimensions"] for s in d["subdimensions"]]
THEMES = [s["id"] for s in SUBDIMENSIONS]
MARKERS = {marker: s["id"] for s in SUBDIMENSIONS for marker in s["markers"]}
ANCHORS = [text for s in SUBDIMENSIONS for text in (*s["high"], *s["low"])]


def words(text):
    return re.findall(r"[a-z']+", text.lower())


def same_family(word, marker):
    """Whether two words begin alike, but for at most two last letters of the shorter one."""
    shorter = min(len(word), len(marker))
    if shorter < 4:
        return False
    alike = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(word, marker, strict=False))))
    return alike >= max(4, shorter - 2)


def marker_words(text):
    return [w for w in words(text) if any(same_family(w, marker) for marker in MARKERS)]


def likeness(a, b):
    """Jaccard index of the sets of words."""
    a, b = set(words(a)), set(words(b))
    return len(a & b) / len(a | b)


def runs_of_four(text):
    w = words(text)
    return {tuple(w[i : i + 4]) for i in range(len(w) - 3)}


def alike_pairs(texts, limit):
    return [(a, b) for a, b in itertools.combinations(texts, 2) if likeness(a, b) >= limit]


# The helpers themselves


def test_same_family_finds_the_forms_of_a_word_and_not_its_neighbours():
    pairs = [("honest", "honesty"), ("accurate", "accuracy"), ("free", "freedom"), ("serve", "service"),
             ("private", "privacy"), ("explained", "explainability")]  # fmt: skip
    assert all(same_family(a, b) for a, b in pairs)
    assert not same_family("competence", "completeness")
    assert not same_family("decision", "decency")


def test_likeness_is_shared_words_over_all_words():
    # {a, b, c} and {b, c, d}: 2 shared of 4.
    assert likeness("a b c", "b, c d") == 0.5


# The value system


def test_the_published_structure():
    assert [(d["name"], [s["name"] for s in d["subdimensions"]]) for d in SYSTEM["dimensions"]] == [
        ("Competence", ["Self-Competent", "User-Oriented"]),
        ("Character", ["Social", "Idealistic"]),
        ("Integrity", ["Professional", "Ethical"]),
    ]


@pytest.mark.parametrize(
    ("subdimension", "published"),
    [
        ("self-competent", {"accuracy", "improvement", "completeness", "knowledge"}),
        ("user-oriented", {"helpfulness", "factuality", "cooperation", "informativeness"}),
        ("social", {"friendliness", "empathy"}),
        ("idealistic", {"altruism", "patriotism", "environmentalism", "freedom"}),
        ("professional", {"confidentiality", "explainability", "accessibility"}),
        ("ethical", {"unbiasedness", "justice"}),
    ],
)
def test_the_published_example_words_are_markers_in_their_noun_form(subdimension, published):
    (found,) = [s for s in SUBDIMENSIONS if s["id"] == subdimension]
    assert published <= set(found["markers"])


def test_markers_are_single_lower_case_words_of_one_subdimension():
    every = [m for s in SUBDIMENSIONS for m in s["markers"]]
    assert len(every) == len(set(every))
    assert all(re.fullmatch(r"[a-z]+", m) for m in every)
    assert all(10 <= len(s["markers"]) <= 14 for s in SUBDIMENSIONS)


def test_no_two_markers_are_forms_of_one_word():
    assert [p for p in itertools.combinations(sorted(MARKERS), 2) if same_family(*p)] == []


def test_every_subdimension_has_eight_anchors_a_pole_and_none_is_shared():
    assert all(len(s["high"]) == len(s["low"]) == 8 for s in SUBDIMENSIONS)
    assert len(ANCHORS) == len(set(ANCHORS)) == 96
    assert all(text.startswith("I ") and text.endswith(".") for text in ANCHORS)


def test_paired_anchors_share_their_scene_and_length():
    # Mirrored in content: some words in common, but not all; at most a third longer than each other.
    for s in SUBDIMENSIONS:
        for high, low in zip(s["high"], s["low"], strict=True):
            assert 0.15 <= likeness(high, low) < 1, (high, low)
            assert max(len(high), len(low)) <= 4 / 3 * min(len(high), len(low)), (high, low)


def test_poles_do_not_differ_by_negation():
    negations = {"not", "never", "nobody", "nothing", "no", "without", "cannot", "none"}
    for pole in ("high", "low"):
        texts = [text for s in SUBDIMENSIONS for text in s[pole]]
        assert sum(bool(negations & set(words(text))) for text in texts) <= len(texts) / 8


# The stems


def test_twenty_stems_a_theme_of_four_kinds_in_two_forms():
    counts = Counter((s["theme"], s["kind"], s["form"]) for s in STEMS)
    shape = {"neutral": 5, "role": 2, "conflict": 2, "reversed": 1}
    assert counts == {
        (theme, kind, form): n for theme in THEMES for kind, n in shape.items() for form in ("A", "B")
    }
    assert sorted(s["id"] for s in STEMS) == [f"s{i:03d}" for i in range(1, 121)]


def test_every_stem_of_form_b_is_parallel_to_one_of_form_a():
    # s061 belongs to s001, ..., s120 to s060.
    by_id = {s["id"]: s for s in STEMS}
    for i in range(1, 61):
        a, b = by_id[f"s{i:03d}"], by_id[f"s{i + 60:03d}"]
        assert (a["form"], b["form"]) == ("A", "B")
        for label in ("kind", "theme", "against"):
            assert a.get(label) == b.get(label), b["id"]


def test_the_first_stems_are_balanced_wherever_two_rounds_end():
    for start in range(0, 120, 12):
        rounds = STEMS[start : start + 6], STEMS[start + 6 : start + 12]
        for one_round, form in zip(rounds, ("A", "B"), strict=True):
            assert [s["theme"] for s in one_round] == THEMES
            assert {s["form"] for s in one_round} == {form}
        assert len({s["kind"] for s in (*rounds[0], *rounds[1])}) == 1
    for n in range(12, 121, 12):
        cells = Counter((s["theme"], s["kind"], s["form"]) for s in STEMS[:n])
        for kind in {s["kind"] for s in STEMS[:n]}:
            assert len({cells[theme, kind, form] for theme in THEMES for form in ("A", "B")}) == 1
    assert {s["kind"] for s in STEMS[:48]} == {"neutral", "role", "conflict", "reversed"}


def test_conflict_stems_and_only_they_have_a_second_theme_each_theme_twice_a_form():
    conflicts = [s for s in STEMS if s["kind"] == "conflict"]
    assert all("against" not in s for s in STEMS if s["kind"] != "conflict")
    assert all(s["against"] != s["theme"] for s in conflicts)
    expected = {(theme, form): 2 for theme in THEMES for form in ("A", "B")}
    assert Counter((s["against"], s["form"]) for s in conflicts) == expected


def test_every_stem_has_three_wordings_and_no_text_comes_twice():
    assert all(len(s["wordings"]) == 2 for s in STEMS)
    assert len({" ".join(words(text)) for text in WORDED}) == 360


def test_no_stem_names_a_value_unless_it_sets_two_against_each_other():
    texts = [t for s in STEMS if s["kind"] != "conflict" for t in (s["text"], *s["wordings"])]
    assert {text: marker_words(text) for text in texts if marker_words(text)} == {}


def test_stems_are_open_beginnings_of_fair_length():
    # Published sentence blanks open with one to five words; six or more keep clear of them.
    open_ends = {"i", "and", "is", "it", "because", "that", "was", "were"}
    for text in WORDED:
        assert 6 <= len(words(text)) <= 16, text
        assert text[0].isupper()
        assert words(text)[-1] in open_ends, text
        assert {"i", "my", "me"} & set(words(text)), f"not in the first person: {text}"
    assert sum(text.endswith(" I") for text in WORDED) > 0.9 * len(WORDED)


def test_no_stem_turns_against_its_own_beginning_before_the_ending():
    # "..., but I" would already say that the person does the other thing.
    assert [text for text in WORDED if re.search(r"\b(but|yet|still|although) I$", text)] == []


def test_no_two_stems_are_alike():
    texts = [(s["id"], text) for s in STEMS for text in (s["text"], *s["wordings"])]
    assert alike_pairs([s["text"] for s in STEMS], limit=0.5) == []
    close = [
        (a, b) for (i, a), (j, b) in itertools.combinations(texts, 2) if i != j and likeness(a, b) >= 0.6
    ]
    assert close == []


@pytest.fixture(scope="module")
def checked():
    """The shipped test with the embeddings and the sentiment of its texts."""
    test = load_test("valuelex-120", Path())
    texts = texts_of(test)
    return test, MiniLM.load().embed(texts), sentiment(texts)


@pytest.mark.embedded
def test_the_checker_finds_no_fault(checked):
    assert check_stems(*checked, load_system("valuelex-2024", Path())) == ()


@pytest.mark.embedded
def test_the_checker_finds_what_is_planted_among_the_shipped_stems(checked):
    test, vectors, feelings = checked
    again = replace(test.stems[0], id="x", text="I sent the report, found a wrong figure in it and then I")
    planted = replace(test, stems=(*test.stems, again))
    texts = texts_of(planted)[-3:]
    more = np.vstack([vectors, MiniLM.load().embed(texts)])
    found = check_stems(planted, more, np.append(feelings, sentiment(texts)), None)
    assert {f.check for f in found if f.stem_id == "x"} == {"duplicate", "near duplicate"}
    assert [f.check for f in found if f.stem_id != "x"] == ["balance"]


@pytest.mark.embedded
def test_form_a_shows_the_figures_on_which_the_limits_stand(checked):
    test, vectors, feelings = checked
    texts, of_a = texts_of(test), [3 * i for i, s in enumerate(test.stems) if s.form == "A"]
    lengths = [len(words_of(texts[i])) for i in of_a]
    assert (min(lengths), max(lengths)) == (8, 15)
    assert round(max(readability(texts[i]) for i in of_a), 1) == 5.8
    kinds = {3 * i: s.kind for i, s in enumerate(test.stems)}
    assert max(abs(feelings[i]) for i in of_a if kinds[i] in ("neutral", "role")) < 0.48
    cosines = vectors @ vectors.T
    assert np.triu(cosines[np.ix_(of_a, of_a)], 1).max() < 0.51
    stem = np.arange(len(texts)) // 3
    assert cosines[stem[:, None] != stem].max() < 0.61


def test_example_sentences_are_complete_and_name_no_value():
    assert 6 <= len(TEST["examples"]) <= 8
    assert all(text.endswith(".") for text in TEST["examples"])
    assert {text: marker_words(text) for text in TEST["examples"] if marker_words(text)} == {}


def test_no_anchor_repeats_the_wording_of_a_stem():
    shared = {
        (text, anchor): runs_of_four(text) & runs_of_four(anchor) for text in WORDED for anchor in ANCHORS
    }
    assert {pair: run for pair, run in shared.items() if run} == {}


# The prompts


def test_fifteen_prompts_in_three_forms_none_twice():
    assert [p["id"] for p in PROMPTS["prompts"]] == [f"p{i:02d}" for i in range(1, 16)]
    for form in ("chat", "prefill", "raw"):
        assert len({p[form] for p in PROMPTS["prompts"]}) == 15


def test_raw_prompts_have_one_place_for_the_subject_and_end_open():
    for prompt in PROMPTS["prompts"]:
        assert prompt["raw"].count("{subject}") == 1
        assert prompt["raw"].replace("{subject}", "").count("{") == 0
        assert prompt["raw"].endswith(":")


def test_every_chat_prompt_asks_for_ten_words_with_commas():
    for prompt in PROMPTS["prompts"]:
        assert "ten" in words(prompt["chat"])
        assert {"word", "words"} & set(words(prompt["chat"]))
        assert "comma" in prompt["chat"]


def test_prompts_name_no_value_and_take_no_side_between_people_and_machines():
    sides = {
        "human",
        "humans",
        "person",
        "people",
        "ai",
        "assistant",
        "machine",
        "model",
        "robot",
        "artificial",
    }
    for prompt in PROMPTS["prompts"]:
        text = " ".join(prompt[form] for form in ("chat", "prefill", "raw"))
        assert marker_words(text) == []
        assert sides & set(words(text)) == set()


# The example lists


def test_each_list_has_five_markers_and_one_or_two_values_outside_the_system():
    assert len(EXAMPLES) == len({e["subject"] for e in EXAMPLES}) == 18
    for example in EXAMPLES:
        listed = example["words"]
        assert len(listed) == len(set(listed))
        assert sum(w in MARKERS for w in listed) == 5
        assert len(listed) - 5 in (1, 2)


def test_outside_values_are_not_forms_of_a_marker():
    outside = {w for e in EXAMPLES for w in e["words"]} - MARKERS.keys()
    assert {w: m for w in outside for m in MARKERS if same_family(w, m)} == {}


def test_each_subdimension_has_fifteen_places_and_opens_three_lists():
    assert Counter(MARKERS[w] for e in EXAMPLES for w in e["words"] if w in MARKERS) == dict.fromkeys(
        THEMES, 15
    )
    assert Counter(MARKERS[e["words"][0]] for e in EXAMPLES) == dict.fromkeys(THEMES, 3)


def test_words_of_one_subdimension_meet_about_as_often_as_by_chance():
    # 18 lists of 5 markers hold 18 * C(5, 2) = 180 pairs. Of 90 places a subdimension has 15, so a random
    # pair is of one subdimension with chance 14/89: 28.3 pairs expected; 4.9 is its binomial deviation.
    pairs = [
        pair for e in EXAMPLES for pair in itertools.combinations([w for w in e["words"] if w in MARKERS], 2)
    ]
    together = sum(MARKERS[a] == MARKERS[b] for a, b in pairs)
    expected = 180 * 14 / 89
    assert len(pairs) == 180
    assert abs(together - expected) < math.sqrt(expected * (1 - 14 / 89))


def test_no_two_words_share_more_than_one_list():
    pairs = Counter(pair for e in EXAMPLES for pair in itertools.combinations(sorted(e["words"]), 2))
    assert [pair for pair, n in pairs.items() if n > 1] == []


def test_any_three_lists_in_a_row_hold_all_six_subdimensions():
    for i in range(len(EXAMPLES)):
        shown = [EXAMPLES[(i + j) % len(EXAMPLES)]["words"] for j in range(3)]
        assert {MARKERS[w] for listed in shown for w in listed if w in MARKERS} == set(THEMES)


def test_common_words_come_twice_rare_ones_once_and_each_list_has_both():
    counts = Counter(w for e in EXAMPLES for w in e["words"])
    assert set(counts.values()) == {1, 2}
    assert all({counts[w] for w in e["words"]} == {1, 2} for e in EXAMPLES)


# The pocket study and the sentences that check judges


def test_the_pocket_study_crosses_style_with_persona_and_settings():
    blocks = POCKET["respondents"]
    assert [b["api"] for b in blocks] == ["chat", "completion"]
    for key in ("model", "temperature", "top_p", "personas", "family", "attributes"):
        assert blocks[0][key] == blocks[1][key]
    sizes = [len(b["temperature"]) * len(b["top_p"]) * len(b["personas"]) for b in blocks]
    assert sizes == [8, 8]
    assert set(blocks[0]["personas"]) == {"", *POCKET["personas"]}


def test_pocket_personas_are_neither_example_subjects_nor_named_in_stems():
    nouns = {words(text)[1] for text in POCKET["personas"].values()}
    elsewhere = {w for e in EXAMPLES for w in words(e["subject"])} | {
        w for text in WORDED for w in words(text)
    }
    assert nouns & elsewhere == set()


def test_the_pocket_study_takes_a_balanced_part_of_the_stems():
    assert POCKET["project"]["stems"] % 6 == 0
    assert POCKET["project"]["stems"] >= 24


def test_judge_sentences_are_six_a_pole_and_no_copies_of_anchors():
    counts = Counter((s["subdimension"], s["pole"]) for s in SENTENCES)
    assert counts == {(theme, pole): 6 for theme in THEMES for pole in ("high", "low")}
    assert len({s["text"] for s in SENTENCES}) == 72
    close = [(s["text"], a) for s in SENTENCES for a in ANCHORS if likeness(s["text"], a) >= 0.4]
    assert close == []
