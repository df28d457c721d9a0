"""Loading and writing projective tests: TOML, CSV, and one clear line for each mistake."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.measure import DEFAULT_FRAME, ProjectiveTest, RawFrame, Stem, StemKind
from valuelex.errors import StudyError
from valuelex.io.assets import load_test, write_test

HEAD = 'name = "kettle"\nsource = "me"\n'
STEM = """
[[stems]]
id = "a"
text = "When the kettle sang, I"
kind = "neutral"
theme = "care"
"""
OTHER = STEM.replace('"a"', '"b"').replace("kettle", "gate")
ROWS = 'id,text,kind,theme\na,"When the kettle sang, I",neutral,care\n'


def load(tmp_path: Path, text: str, name: str = "my.toml") -> ProjectiveTest:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return load_test(name, tmp_path)


def test_a_plain_test_gets_the_default_frame_and_no_form(tmp_path: Path) -> None:
    test = load(tmp_path, HEAD + STEM)
    assert test == ProjectiveTest(
        "kettle", "me", (Stem("a", "When the kettle sang, I", StemKind.NEUTRAL, "care"),), (), DEFAULT_FRAME
    )


def test_form_wordings_frame_and_draft_are_read(tmp_path: Path) -> None:
    frame = '[frame]\nheading = "How it ended:"\nturn = "{subject} wrote:"\n'
    more = 'form = "B"\nwordings = ["The kettle sang, so I", "As soon as the kettle sang, I"]\n'
    test = load(tmp_path, HEAD + "draft = true\n" + frame + STEM + more)
    assert test.draft
    assert test.frame == RawFrame("How it ended:", "{subject} wrote:")
    assert test.stems[0].form == "B"
    assert test.stems[0].worded(2) == "As soon as the kettle sang, I"


@pytest.mark.parametrize("blank", [" ___", " ____.", "...", " …", " __ ", ""])
def test_a_blank_at_the_end_is_taken_off(tmp_path: Path, blank: str) -> None:
    test = load(tmp_path, HEAD + STEM.replace("sang, I", f"sang, I{blank}"))
    assert test.stems[0].text == "When the kettle sang, I"


def test_the_shipped_test_is_found_by_name(tmp_path: Path) -> None:
    test = load_test("valuelex-120", tmp_path)
    assert (len(test.stems), test.draft) == (120, False)


# CSV


def test_a_csv_file_needs_four_columns_and_is_named_after_itself(tmp_path: Path) -> None:
    test = load(tmp_path, ROWS, "kettle.csv")
    assert test == ProjectiveTest(
        "kettle", "own", (Stem("a", "When the kettle sang, I", StemKind.NEUTRAL, "care"),), ()
    )


def test_a_csv_file_may_give_against_form_and_wordings(tmp_path: Path) -> None:
    text = (
        "\ufeffid, text,kind,theme,against,form,wordings\r\n"
        'a,"When it sang, I ___",conflict,care,duty,A,"It sang, so I | As it sang, I"\r\n'
        'b,"When it rang, I",neutral,duty,,B,"It rang, so I | As it rang, I ..."\r\n'
    )
    first, second = load(tmp_path, text, "own.csv").stems
    assert first == Stem(
        "a", "When it sang, I", StemKind.CONFLICT, "care", "duty", "A", ("It sang, so I", "As it sang, I")
    )
    assert second == Stem(
        "b", "When it rang, I", StemKind.NEUTRAL, "duty", None, "B", ("It rang, so I", "As it rang, I")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ROWS + "b,When it rang I,calm,care\n",
            "row 3: kind = 'calm': Input should be 'neutral', 'role', 'conflict' or 'reversed'.",
        ),
        (
            ROWS + "b,,neutral,care\n",
            "row 3: key 'text' is missing; add it.",
        ),
        (
            ROWS + "b,When it rang, I,neutral,care\n",
            "row 3 has more cells than the header; put a text that holds commas between quotation marks.",
        ),
        (
            "id,text,kind,topic\na,When it rang I,neutral,care\n",
            "row 2: unknown key 'topic'; Known keys: against, form, id, kind, text, theme, wordings "
            "(1 more problem after this one).",
        ),
        (
            "id,text,kind,theme\n",
            "there are no stems; add at least one with id, text, kind and theme.",
        ),
        ("", "there are no stems; add at least one with id, text, kind and theme."),
        (
            ROWS + 'b,"When it rang',
            "cannot be read as a CSV file in UTF-8 (unexpected end of data); save it in that form.",
        ),
        (
            ROWS + "b,When it ___ I,neutral,care\n",
            "row 3: text = 'When it ___ I': a blank stands before the end; a stem is completed at its end, so "
            "put the blank there or leave it out.",
        ),
    ],
)
def test_a_mistake_in_a_csv_file_is_told_by_its_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        load(tmp_path, text, "own.csv")
    assert str(caught.value) == f"{tmp_path / 'own.csv'}: {message}"


def test_a_csv_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"gone\.csv: no such file; check the path"):
        load_test("gone.csv", tmp_path)
    (tmp_path / "latin.csv").write_bytes("id,text\na,café".encode("latin-1"))
    with pytest.raises(StudyError, match=r"latin\.csv: cannot be read as a CSV file in UTF-8"):
        load_test("latin.csv", tmp_path)


# Mistakes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "{path}: there are no stems; add at least one with id, text, kind and theme."),
        (HEAD + STEM + STEM, "{path}: the id 'a' occurs twice; give every stem its own."),
        (
            HEAD + STEM + STEM.replace('"a"', '"b"').replace("When the", "WHEN  the"),
            "{path}: stem 'b' has the text 'WHEN  the kettle sang, I', which stem 'a' has already; change one of "
            "them or leave it out.",
        ),
        (
            HEAD + STEM + 'wordings = ["When the kettle sang, I"]\n',
            "{path}: stem 'a' has the text 'When the kettle sang, I', which stem 'a' has already; change one of "
            "them or leave it out.",
        ),
        (
            HEAD + STEM.replace("neutral", "calm"),
            "{path}: in [[stems]] number 1: kind = 'calm': Input should be 'neutral', 'role', 'conflict' or "
            "'reversed'.",
        ),
        (
            HEAD + STEM.replace("neutral", "conflict"),
            "{path}: in [[stems]] number 1: against = None: a conflict stem names the second theme here.",
        ),
        (
            HEAD + STEM + 'against = "duty"\n',
            "{path}: in [[stems]] number 1: against = 'duty': only a conflict stem has a second theme; take it off "
            "this neutral one, or make it a conflict.",
        ),
        (
            HEAD + STEM.replace("neutral", "conflict") + 'against = "care"\n',
            "{path}: in [[stems]] number 1: against = 'care': this is the stem's own theme; name another one.",
        ),
        (
            HEAD + STEM + OTHER.replace("the gate", "the ... gate"),
            "{path}: in [[stems]] number 2: text = 'When the ... gate sang, I': a blank stands before the end; a "
            "stem is completed at its end, so put the blank there or leave it out.",
        ),
        (
            HEAD + STEM.replace("When the kettle sang, I", " ___ "),
            "{path}: in [[stems]] number 1: text = ' ___ ': there is no text; write the beginning of a sentence.",
        ),
        (
            HEAD + STEM.replace("sang, I", "sang!"),
            "{path}: in [[stems]] number 1: text = 'When the kettle sang!': this is a whole sentence and leaves "
            "nothing to complete; take off its ending and its full stop.",
        ),
        (
            HEAD + STEM + 'wordings = ["I sang", "Was it I?"]\n',
            "{path}: in [[stems]] number 1, wordings: number 2 = 'Was it I?': this is a whole sentence and leaves "
            "nothing to complete; take off its ending and its full stop.",
        ),
        (
            HEAD + STEM + 'wordings = ["It sang, so I"]\n' + OTHER,
            "{path}: stem 'b' has 0 other wordings, but stem 'a' has 1; give every stem equally many.",
        ),
        (
            HEAD
            + STEM
            + 'form = "A"\n'
            + OTHER
            + 'form = "B"\n'
            + STEM.replace('"a"', '"c"').replace("kettle", "rope"),
            "{path}: stem 'c' has no form, but others have 'A', 'B'; give it one of them.",
        ),
        (
            HEAD + '[frame]\nheading = "Ends:"\nturn = "By {name}:"\n' + STEM,
            "{path}: in [frame]: turn = 'By {name}:': this needs exactly one {subject} and no other braces.",
        ),
        (
            HEAD + '[frame]\nheading = "Ends:"\nturn = "By {subject:"\n' + STEM,
            "{path}: in [frame]: turn = 'By {subject:': this needs exactly one {subject} and no other braces.",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        load(tmp_path, text)
    assert str(caught.value) == message.replace("{path}", str(tmp_path / "my.toml"))


def test_one_form_beside_stems_of_none_is_no_mistake(tmp_path: Path) -> None:
    assert [s.form for s in load(tmp_path, HEAD + STEM + 'form = "A"\n' + OTHER).stems] == ["A", ""]


# Writing

WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="._…!?"), min_size=1, max_size=20
).filter(lambda text: text.strip() and text.isprintable())
IDS = st.from_regex(r"[A-Za-z0-9_.-]{1,9}", fullmatch=True)
SAFE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
KINDS = st.sampled_from([StemKind.NEUTRAL, StemKind.ROLE, StemKind.REVERSED])


@st.composite
def any_tests(draw: st.DrawFn) -> ProjectiveTest:
    n, n_wordings = draw(st.integers(1, 4)), draw(st.integers(0, 2))
    start = draw(WORDS).strip()
    stems = []
    for i in range(n):
        texts = [f"{start} {i} {w} I" for w in range(1 + n_wordings)]
        kind, against = draw(st.one_of(st.tuples(KINDS, st.none()), st.just((StemKind.CONFLICT, "duty"))))
        stems.append(
            Stem(f"{draw(IDS)}{i}", texts[0], kind, "care", against, draw(st.just("A")), tuple(texts[1:]))
        )
    frame = RawFrame(draw(SAFE), draw(WORDS.filter(lambda t: not set(t) & set("{}"))) + "{subject}")
    examples = tuple(draw(st.lists(SAFE, max_size=3)))
    return ProjectiveTest(draw(SAFE), draw(SAFE), tuple(stems), examples, frame, draw(st.booleans()))


@given(any_tests())
def test_a_written_test_is_loaded_as_it_was(test: ProjectiveTest) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "own.toml").write_text(write_test(test), encoding="utf-8", newline="")
        assert load_test("own.toml", Path(folder)) == test


def test_only_a_draft_says_that_it_is_one(tmp_path: Path) -> None:
    edited = load(tmp_path, HEAD + STEM)
    assert "draft" not in write_test(edited)
    assert "draft = true" in write_test(load(tmp_path, HEAD + "draft = true\n" + STEM))
