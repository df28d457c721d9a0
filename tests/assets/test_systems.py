"""The shipped value systems keep their promises: mirrored poles, a middle, a statement, no sentence used twice."""

import itertools
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from valuelex.io.assets import load_word_tables
from valuelex.stages.accept import accept
from valuelex.stages.families import Attested, WordRules

ASSETS = files("valuelex.assets")
KNOWN = ("schwartz-1992", "moral-foundations", "gpla-2025", "values-in-the-wild", "de-raad-2016")
MEASURED = ("valuelex-2024", *KNOWN)
NAMES = (*MEASURED, "stance")
LEAST_MIDDLES = {"schwartz-1992": 3, "stance": 3}


def read(*path):
    return tomllib.loads(ASSETS.joinpath(*path).read_text(encoding="utf-8"))


SYSTEMS = {name: read("systems", f"{name}.toml") for name in NAMES}
SENTENCES = tomllib.loads((Path(__file__).parent / "judge_sentences.toml").read_text(encoding="utf-8"))[
    "sentences"
]


def subdimensions(name):
    return [s for d in SYSTEMS[name]["dimensions"] for s in d["subdimensions"]]


def anchors(name):
    return [text for s in subdimensions(name) for pole in ("high", "low", "middle") for text in s[pole]]


def words(text):
    return re.findall(r"[a-z']+", text.lower())


def likeness(a, b):
    """Jaccard index of the sets of words."""
    a, b = set(words(a)), set(words(b))
    return len(a & b) / len(a | b)


def test_every_shipped_system_is_checked_here():
    shipped = {p.name.removesuffix(".toml") for p in ASSETS.joinpath("systems").iterdir()}
    assert shipped == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_pole_has_eight_anchors_and_the_middle_its_own(name):
    for s in subdimensions(name):
        assert len(s["high"]) == len(s["low"]) >= 8, s["id"]
        assert len(s["middle"]) >= LEAST_MIDDLES.get(name, 4), s["id"]
    assert len(anchors(name)) == len(set(anchors(name)))


def test_no_sentence_is_an_anchor_of_two_systems():
    every = [text for name in NAMES for text in anchors(name)]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("name", MEASURED)
def test_paired_anchors_share_their_scene_and_length(name):
    # Mirrored in content: some words in common, but not all; at most a third longer than each other.
    for s in subdimensions(name):
        for high, low in zip(s["high"], s["low"], strict=True):
            assert 0.15 <= likeness(high, low) < 1, (high, low)
            assert max(len(high), len(low)) <= 4 / 3 * min(len(high), len(low)), (high, low)


@pytest.mark.parametrize("name", MEASURED)
def test_anchors_and_statements_are_sentences_in_the_first_person(name):
    assert [a for a in anchors(name) if not (a.startswith("I ") and a.endswith("."))] == []
    statements = [s["statement"] for s in subdimensions(name)]
    assert [s for s in statements if not (s.startswith("I ") and s.endswith("."))] == []
    assert len(statements) == len(set(statements))


@pytest.mark.parametrize("name", MEASURED)
def test_poles_do_not_differ_by_negation(name):
    negations = {"not", "never", "nobody", "nothing", "no", "without", "cannot", "none"}
    for pole in ("high", "low"):
        texts = [text for s in subdimensions(name) for text in s[pole]]
        assert sum(bool(negations & set(words(text))) for text in texts) <= len(texts) / 8


@pytest.mark.parametrize("name", MEASURED)
def test_a_middle_is_no_copy_of_a_pole(name):
    for s in subdimensions(name):
        close = [(m, p) for m in s["middle"] for p in (*s["high"], *s["low"]) if likeness(m, p) >= 0.6]
        assert close == []


@pytest.mark.parametrize("name", NAMES)
def test_no_anchor_is_a_sentence_that_checks_judges(name):
    close = [(s["text"], a) for s in SENTENCES for a in anchors(name) if likeness(s["text"], a) >= 0.4]
    assert close == []


def test_schwartz_has_ten_values_under_four():
    found = {d["id"]: [s["id"] for s in d["subdimensions"]] for d in SYSTEMS["schwartz-1992"]["dimensions"]}
    assert found == {
        "openness-to-change": ["self-direction", "stimulation", "hedonism"],
        "self-enhancement": ["achievement", "power"],
        "conservation": ["security", "conformity", "tradition"],
        "self-transcendence": ["benevolence", "universalism"],
    }


def test_markers_of_schwartz_belong_to_one_value_each():
    every = [m for s in subdimensions("schwartz-1992") for m in s["markers"]]
    assert len(every) == len(set(every))
    assert all(re.fullmatch(r"[a-z]+", m) for m in every)
    assert all(len(s["markers"]) == 10 for s in subdimensions("schwartz-1992"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("moral-foundations", ["care", "fairness", "loyalty", "authority", "sanctity"]),
        (
            "gpla-2025",
            ["social-responsibility", "risk-taking", "rule-following", "self-competence", "rationality"],
        ),
        ("values-in-the-wild", ["practical", "epistemic", "social", "protective", "personal"]),
        (
            "de-raad-2016",
            ["interpersonal-relatedness", "status-respect", "commitment-tradition", "competence", "autonomy"],
        ),
    ],
)
def test_known_systems_have_the_published_five(name, expected):
    assert [s["id"] for s in subdimensions(name)] == expected


@pytest.mark.parametrize("name", KNOWN)
def test_markers_of_known_systems_are_terms_and_belong_to_one_group_each(name):
    # A marker that normalisation drops or renames could never be shared with a built system. Those of Schwartz are
    # older than the lexicon, and a few go by another form there.
    rules = WordRules.from_tables(**load_word_tables())
    every = [m for s in subdimensions(name) for m in s["markers"]]
    odd = [m for m in every if accept(m, rules, Attested.of({m})).term != m]
    assert odd == [] or name == "schwartz-1992"
    assert len(every) == len(set(every))
    assert all(len(set(s["markers"]) - set(odd)) >= 8 for s in subdimensions(name))


@pytest.mark.parametrize("name", KNOWN)
def test_sources_tell_what_is_theirs_and_what_is_ours(name):
    source = SYSTEMS[name]["source"]
    assert re.search(r"\(\d{4}\)", source)
    assert "the authors of this package, Apache-2.0." in source


def test_both_poles_of_stance_hold_the_claim_once_and_differ_by_a_word_or_two():
    (agreement,) = subdimensions("stance")
    for text in (*anchors("stance"), agreement["definition"], agreement["statement"]):
        assert text.count("{context}") == 1
    for high, low in zip(agreement["high"], agreement["low"], strict=True):
        assert likeness(high, low) >= 0.25, (high, low)


def test_no_other_system_has_a_place_for_a_claim():
    for name, s in itertools.chain.from_iterable(((n, s) for s in subdimensions(n)) for n in MEASURED):
        texts = (s["definition"], s["statement"], *anchors(name))
        assert not any("{" in text for text in texts)


# The maps of label files


@pytest.mark.parametrize("path", sorted(p.name for p in ASSETS.joinpath("labels").iterdir()))
def test_maps_name_subdimensions_of_their_system_and_tell_the_licence(path):
    mapped = read("labels", path)
    ids = {s["id"] for s in subdimensions(mapped["system"])}
    assert {c["subdimension"] for c in mapped.get("columns", [])} <= ids
    assert re.search(r"CC BY|MIT", mapped["source"])


def test_the_twenty_categories_make_the_ten_values():
    columns = read("labels", "valueeval23.toml")["columns"]
    assert len({c["column"] for c in columns}) == 20
    assert {c["subdimension"] for c in columns} == {s["id"] for s in subdimensions("schwartz-1992")}
