import gzip
import json
from pathlib import Path

import pytest

from valuelex.domain.labels import LabelKind
from valuelex.errors import DataError, StudyError
from valuelex.io.labels import load_map, read_labels

IDS = ("care", "skill")


def problems_of(found) -> list[tuple[int, str]]:
    return [(p.line, p.reason) for p in found.problems]


def written(tmp_path: Path, text: str, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# The plain form


def test_a_plain_file_needs_no_map(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "text,subdimension,label,context,group,annotator\n"
        "I held the door.,care,1,When she came,acme,ann\n"
        "I held the door.,care,-1,When she came,acme,bo\n"
        "I held the door.,skill,-1,When she came,acme,ann\n"
        "I let it slam.,care,-1,When she came,other,ann\n",
    )
    found = read_labels(path, None, IDS)
    assert (found.name, found.kind, found.annotators) == ("labels.csv", LabelKind.SIGNED, ("ann", "bo"))
    first, second = found.texts
    assert (first.id, first.context, first.group) == ("line 2", "When she came", "acme")
    assert first.annotations == ({"care": 1, "skill": -1}, {"care": -1})
    assert first.labels == {"skill": -1}  # On care the two are split: no label, whoever stands first.
    assert second.annotations == ({"care": -1}, {})
    assert found.problems == ()


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (("1", "-1"), LabelKind.SIGNED),
        (("+1", "0", "-1"), LabelKind.SIGNED),
        (("0", "1"), LabelKind.RELEVANCE),
        (("1", "1"), LabelKind.RELEVANCE),
        (("0", "6"), LabelKind.SCALE),
        (("2.5", "3"), LabelKind.SCALE),
    ],
)
def test_what_plain_labels_say_follows_from_their_values(tmp_path: Path, labels, kind) -> None:
    rows = "".join(f"Text {i}.,care,{label}\n" for i, label in enumerate(labels))
    assert read_labels(written(tmp_path, "text,subdimension,label\n" + rows), None, IDS).kind is kind


def test_every_bad_row_is_listed_by_line_and_reason(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "text,subdimension,label\n"
        '"Two lines,\nso the next row is the fourth.",care,1\n'
        "No such part.,thrift,1\n"
        "No number.,care,high\n"
        ",care,1\n"
        "Nothing.,care,\n"
        "Too,many,cells,here\n"
        "Too few.\n"
        "Off the scale.,care,7\n"
        "Twice.,care,1\n"
        "Twice.,care,-1\n"
        "Fine.,skill,-1\n",
    )
    found = read_labels(path, None, IDS)
    assert [t.text for t in found.texts] == ["Two lines,\nso the next row is the fourth.", "Fine."]
    assert problems_of(found) == [
        (4, "'thrift' is no subdimension; there is care, skill"),
        (5, "label 'high' of 'care' is not a number"),
        (6, "has no text"),
        (7, "has no label"),
        (8, "does not have the 3 cells of the header"),
        (9, "does not have the 3 cells of the header"),
        (10, "7 of 'care' is no signed label"),
        (11, "'care' is labelled both -1 and 1"),
        (12, "'care' is labelled both -1 and 1"),
    ]


def test_a_file_without_its_columns_says_which(tmp_path: Path) -> None:
    path = written(tmp_path, "sentence,value\nHello.,1\n")
    with pytest.raises(DataError) as caught:
        read_labels(path, None, IDS)
    assert str(caught.value) == (
        f"{path}: no column 'text'; a plain file has the columns text, subdimension, label (and where there are any "
        "context, group, annotator). Rename columns, or describe them in a map with --map."
    )


def test_a_file_without_a_usable_label_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "text,subdimension,label\nHello.,care,good\n")
    with pytest.raises(DataError) as caught:
        read_labels(path, None, IDS)
    assert str(caught.value) == (
        f"{path}: no row has a label that can be used (first: line 2: label 'good' of 'care' is not a number); check "
        "the file, or its map with --map."
    )


@pytest.mark.parametrize("name", ["absent.csv", "latin.csv", "broken.csv.gz"])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "latin.csv":
        path.write_bytes(b"text,subdimension,label\ncaf\xe9,care,1\n")
    if name == "broken.csv.gz":
        path.write_bytes(gzip.compress(b"text,subdimension,label\n" * 99)[:-9])
    with pytest.raises(DataError) as caught:
        read_labels(path, None, IDS)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


# The shipped maps, on files of their form with sentences of our own


def test_stance_two_annotators_on_a_claim(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        ",pct_id,pct_prompt,completion,model,annot2_label,annot1_label\n"
        '0,pc-01,Cats need {no} leave.,"I agree, they do not.",acme-7b,2_agree,2_agree\n'
        "1,pc-01,Cats need {no} leave.,Rather not.,acme-7b,3_other,1_disagree\n"
        "2,pc-02,Tea is better cold.,No.,acme-13b,,maybe\n",
    )
    found = read_labels(path, load_map("llm_values_pct"), ["agreement"])
    assert found.annotators == ("annot1", "annot2")
    agrees, differs = found.texts
    assert (agrees.context, agrees.group, agrees.unit) == ("Cats need {no} leave.", "acme-7b", "pc-01")
    assert agrees.annotations == ({"agreement": 1}, {"agreement": 1})
    assert differs.annotations == ({"agreement": -1}, {"agreement": 0})
    assert differs.labels == {}  # Split: it counts for the agreement of people only.
    assert problems_of(found) == [
        (4, "label 'maybe' of 'agreement' is not '1_disagree', '2_agree', '3_other'")
    ]


def test_arguments_are_joined_with_their_categories(tmp_path: Path) -> None:
    mapped = load_map("valueeval23")
    categories = [c.column for c in mapped.columns]
    arguments = "Argument ID\tConclusion\tStance\tPremise\n" + "".join(
        f"{i}\tWe should nap more\tagainst\tnaps are {i} too many.\n" for i in ("A1", "A2", "A3")
    )
    given = {
        "A1": {"Power: dominance", "Humility"},
        "A2": {"Self-direction: action", "Self-direction: thought"},
    }
    labels = "\t".join(["Argument ID", *categories]) + "\n"
    for name, own in given.items():
        labels += "\t".join([name, *("1" if c in own else "0" for c in categories)]) + "\n"
    path = written(tmp_path, arguments, "arguments-training.tsv")
    written(tmp_path, labels, "labels-training.tsv")
    ids = ["self-direction", "stimulation", "hedonism", "achievement", "power", "security", "conformity",
           "tradition", "benevolence", "universalism"]  # fmt: skip
    found = read_labels(path, mapped, ids)
    assert found.kind is LabelKind.RELEVANCE
    first, second = found.texts
    assert first.id == "A1"
    assert first.context == 'I am against the claim "We should nap more", because'
    assert first.unit == second.unit == "We should nap more"
    # Humility counts for tradition; one of three categories of power is enough.
    assert first.labels == {name: float(name in ("power", "tradition")) for name in ids}
    assert second.labels == {name: float(name == "self-direction") for name in ids}
    assert problems_of(found) == [(4, "Argument ID 'A3' has no row in labels-training.tsv")]


def test_dialogues_are_cut_and_their_labels_read_defensively(tmp_path: Path) -> None:
    ids = ["benevolence", "security", "power"]
    dialogue = "Human: May I\nask this?\nBob: Ask.\n\nBob: is my name."
    rows = [
        {"dialogue": dialogue, "value_types": ["benevolence: +1", "security: -1"], "response_source": "acme"},
        {
            "dialogue": dialogue,
            "value_types": ["Benevolence: 1+", "security :=1", "power: - 1"],
            "response_source": "b",
        },
        {
            "dialogue": dialogue,
            "value_types": ["humility: +1", "power: 2", "security"],
            "response_source": "b",
        },
        {"dialogue": "nobody speaks", "value_types": ["power: 1"], "response_source": "b"},
        {"dialogue": dialogue, "value_types": [], "response_source": "b"},
        {"dialogue": dialogue, "value_types": ["power: 1", "power: -1"], "response_source": "b"},
    ]
    path = tmp_path / "some.jsonl.gz"
    lines = [json.dumps(row) for row in rows]
    path.write_bytes(gzip.compress("\n".join([*lines, "{no json", "[1]"]).encode()))
    found = read_labels(path, load_map("fulcra"), ids)
    first, second = found.texts
    assert first.text == "Ask.\n\nBob: is my name."
    assert first.context == 'Asked "May I\nask this?", somebody said:'
    assert (first.group, second.group, first.unit) == ("acme", "b", "May I\nask this?")
    assert first.labels == {"benevolence": 1, "security": -1}
    assert second.labels == {"benevolence": 1, "security": 1, "power": -1}
    allowed = "'+1', '1', '1+', '+1+', '=1', '-1', '1-'"
    assert problems_of(found) == [
        (3, "'humility' is no subdimension; there is benevolence, security, power"),
        (3, f"label '2' of 'power' is not {allowed}"),
        (3, "label 'security' has not the form of the map"),
        (4, "has no 'answer'"),
        (5, "has no label"),
        (6, "'power' is labelled both -1 and 1"),
        (7, "is not JSON"),
        (8, "is not a JSON object"),
    ]


# Maps of a user's own

OWN = """
name = "own"
source = "me"
system = "valuelex-2024"
reader = "csv"
text = "{said}"
[[columns]]
column = "care?"
subdimension = "care"
"""


def test_a_map_of_ones_own_and_a_file_that_does_not_fit_it(tmp_path: Path) -> None:
    mapped = load_map(str(written(tmp_path, OWN, "own.toml")))
    path = written(tmp_path, "said,care?\nI waved.,4\n")
    assert read_labels(path, mapped, IDS).texts[0].labels == {"care": 4}
    other = written(tmp_path, "text,care?\nI waved.,4\n", "other.csv")
    with pytest.raises(DataError) as caught:
        read_labels(other, mapped, IDS)
    assert str(caught.value) == (
        f"{other}: no row fits the map 'own' (first: line 2 has no 'said'). The columns are text, care?; "
        "choose another --map."
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[[columns]]", '[long]\nsubdimension = "a"\nlabel = "b"\n[[columns]]', "a map says in one way"),
        ('source = "me"', 'source = "me"\nkind = "good"', "kind = 'good'"),
        ('source = "me"', 'source = "me"\nextract = {a = "("}', "no regular expression"),
        ('source = "me"', 'source = "me"\nextract = {a = "b"}', "needs named groups"),
        ('source = "me"', 'source = "me"\ntexts = "x"', "did you mean 'text'?"),
    ],
)
def test_a_wrong_map_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    path = written(tmp_path, OWN.replace(old, new), "own.toml")
    with pytest.raises(StudyError, match=r"own\.toml: ") as caught:
        load_map(str(path))
    assert reason in str(caught.value)


def test_an_unknown_map_lists_the_shipped_ones() -> None:
    with pytest.raises(StudyError) as caught:
        load_map("fulcar")
    assert str(caught.value) == (
        "No shipped map of labels 'fulcar'; there is 'fulcra', 'llm_values_pct', 'valueeval23', or give the path "
        "of a .toml file."
    )


def test_what_stands_in_a_cell_is_never_read_as_a_template(tmp_path: Path) -> None:
    mapped = load_map(str(written(tmp_path, OWN.replace('"{said}"', '"{said} {who}"'), "own.toml")))
    path = written(tmp_path, "said,who,care?\n{who} and {0},ann,4\n")
    assert read_labels(path, mapped, IDS).texts[0].text == "{who} and {0} ann"
