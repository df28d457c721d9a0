import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from valuelex.domain.recorded import BadRow, Fault, RecordedAnswer
from valuelex.errors import DataError, StudyError
from valuelex.io import import_map
from valuelex.io.import_map import Format, ImportMap, parse_map, read_answers
from valuelex.io.import_rows import kind_of


def write(path: Path, rows: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path, **given: Any) -> tuple[Format, list[RecordedAnswer | BadRow]]:
    form, rows = read_answers(path, kind_of(path), ImportMap(**given))
    return form, list(rows)


PLAIN = {"respondent": "a", "item": "s1", "text": "so", "draw": 1, "stage": "project"}


def test_a_plain_table_needs_no_map(tmp_path: Path) -> None:
    rows = [PLAIN, {**PLAIN, "draw": "2", "prompt": "Why?", "finish_reason": "length"}]
    form, found = read(write(tmp_path / "x", rows))
    assert form == "table"
    assert found == [
        RecordedAnswer(1, "a", "project", "s1", 1, "so"),
        RecordedAnswer(2, "a", "project", "s1", 2, "so", "Why?", "length"),
    ]


def test_columns_are_mapped_joined_and_reached_into(tmp_path: Path) -> None:
    row = {"model": "a", "task": {"name": "t", "n": 4}, "out.put": "so", "round": 1}
    fields = parse_map(["respondent=model", "item={task.name}/{task.n}", "text=out.put", "draw = round"])
    _, found = read(write(tmp_path / "x", [row]), fields=fields, stage="observe", first_draw=1)
    assert found == [RecordedAnswer(1, "a", "observe", "t/4", 0, "so")]


def test_what_holds_for_all_rows_needs_no_column(tmp_path: Path) -> None:
    rows = [{"item": 7, "text": "so", "respondent": "ignored", "stage": "project"}]
    _, found = read(write(tmp_path / "x", rows), respondent="me", stage="elicit")
    assert found == [RecordedAnswer(1, "me", "elicit", "7", 0, "so")]


def test_an_array_of_alpaca_eval_outputs(tmp_path: Path) -> None:
    rows = [{"dataset": "d", "instruction": "Why?", "output": "So.", "generator": "a"}]
    path = tmp_path / "model_outputs.json"
    path.write_text(json.dumps(rows))
    form, found = read(path)
    assert form == "alpaca-eval"
    assert found == [RecordedAnswer(1, "a", "observe", "", 0, "So.", "Why?")]


SAMPLE = {
    "doc_id": 3,
    "doc": {"question": "Why?"},
    "arguments": {"gen_args_0": {"arg_0": "Q: Why?\nA:", "arg_1": {"until": ["\n"]}}},
    "resps": [["So.", "Thus."]],
    "filtered_resps": ["So."],
    "filter": "none",
}
NAME = "samples_my_task_2026-01-02T03-04-05.678901.jsonl"


def test_a_row_of_the_harness_holds_an_answer_for_each_response(tmp_path: Path) -> None:
    form, found = read(write(tmp_path / "org__model-1" / NAME, [SAMPLE]))
    assert form == "lm-eval"
    assert found == [
        RecordedAnswer(1, "org/model-1", "observe", "my_task/3", 0, "So.", "Q: Why?\nA:"),
        RecordedAnswer(1, "org/model-1", "observe", "my_task/3", 1, "Thus.", "Q: Why?\nA:"),
    ]


def test_the_results_file_of_the_harness_names_the_model(tmp_path: Path) -> None:
    path = write(tmp_path / "org__model-1" / NAME, [SAMPLE])
    results = path.with_name("results_2026-01-02T03-04-05.678901.json")
    results.write_text(json.dumps({"model_name": "org/model__1"}))
    assert {a.respondent for a in read(path)[1] if isinstance(a, RecordedAnswer)} == {"org/model__1"}
    assert {a.respondent for a in read(path, respondent="x")[1] if isinstance(a, RecordedAnswer)} == {"x"}


@pytest.mark.parametrize(
    ("arguments", "prompt"),
    [
        ([["Why?", {"until": []}]], "Why?"),
        (
            {
                "gen_args_0": {
                    "arg_0": ['[{"role": "system", "content": "x"}, {"role": "user", "content": "Why?"}]']
                }
            },
            "Why?",
        ),
        ([['[{"role": "user", "content": "Why?"}]', {}]], "Why?"),
        ([["[not a chat", {}]], "[not a chat"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_prompt_of_the_harness_in_its_forms(tmp_path: Path, arguments: Any, prompt: str) -> None:
    _, found = read(write(tmp_path / "m" / NAME, [{**SAMPLE, "arguments": arguments}]))
    assert isinstance(found[0], RecordedAnswer)
    assert found[0].prompt == prompt


@pytest.mark.parametrize(
    ("resps", "fault"),
    [
        ([[["-1.5", "False"]]], Fault.WRONG_TYPE),
        ([[[-1.5, False]]], Fault.WRONG_TYPE),
        ([], Fault.NO_TEXT),
        ("So.", Fault.MISSING_FIELD),
    ],
)
def test_likelihoods_are_no_answers(tmp_path: Path, resps: Any, fault: Fault) -> None:
    _, found = read(write(tmp_path / "m" / NAME, [{**SAMPLE, "resps": resps}]))
    assert [row.fault for row in found if isinstance(row, BadRow)] == [fault]


@pytest.mark.parametrize(
    ("change", "fault", "detail"),
    [
        ({"text": None}, Fault.NO_TEXT, "'text' is null: nothing was recorded"),
        ({"text": 7}, Fault.WRONG_TYPE, "'text' is of type int, not a text"),
        ({"text": ["so"]}, Fault.WRONG_TYPE, "'text' is of type list, not a text"),
        ({"respondent": ""}, Fault.EMPTY_FIELD, "the respondent is empty"),
        ({"respondent": None}, Fault.EMPTY_FIELD, "the respondent is empty"),
        ({"respondent": True}, Fault.WRONG_TYPE, "'respondent' is of type bool, but respondent is a text"),
        ({"respondent": {}}, Fault.WRONG_TYPE, "'respondent' is of type dict, but respondent is a text"),
        (
            {"respondent": "x" * 301},
            Fault.TOO_LONG,
            "the respondent has 301 characters; a name has at most 300",
        ),
        ({"item": "a\nb"}, Fault.WRONG_TYPE, "the item 'a\\nb' holds characters that no name has"),
        ({"item": "a\ud800"}, Fault.WRONG_TYPE, "the item 'a\\ud800' holds characters that no name has"),
        ({"item": "  "}, Fault.EMPTY_FIELD, "the item is empty"),
        ({"draw": -1}, Fault.WRONG_TYPE, "the draw must be a whole number from 0, not '-1'"),
        ({"draw": 1.5}, Fault.WRONG_TYPE, "the draw must be a whole number from 0, not '1.5'"),
        ({"draw": True}, Fault.WRONG_TYPE, "the draw must be a whole number from 0, not 'True'"),
        (
            {"draw": 10**6},
            Fault.UNKNOWN_DRAW,
            "the draw 1000000 lies outside; draws count from 0 (see --first-draw)",
        ),
        (
            {"stage": "judge"},
            Fault.UNKNOWN_STAGE,
            "the stage must be 'elicit', 'term', 'project' or 'observe', not 'judge'",
        ),
        (
            {"stage": None},
            Fault.UNKNOWN_STAGE,
            "the stage must be 'elicit', 'term', 'project' or 'observe', not ''",
        ),
    ],
)
def test_every_field_is_checked(tmp_path: Path, change: dict[str, Any], fault: Fault, detail: str) -> None:
    _, found = read(write(tmp_path / "x", [PLAIN, {**PLAIN, **change}]))
    assert found[1:] == [BadRow(2, fault, detail)]


@pytest.mark.parametrize("name", ["respondent", "item", "text"])
def test_a_missing_field_is_told(tmp_path: Path, name: str) -> None:
    without = {key: value for key, value in PLAIN.items() if key != name}
    _, found = read(write(tmp_path / "x", [PLAIN, without]))
    assert isinstance(found[1], BadRow)
    assert (found[1].line, found[1].fault) == (2, Fault.MISSING_FIELD)


@pytest.mark.parametrize(("draw", "read_as"), [(3.0, 3), ("3", 3), ("3.0", 3), ("", 0), (None, 0)])
def test_draws_as_tables_write_them(tmp_path: Path, draw: Any, read_as: int) -> None:
    _, found = read(write(tmp_path / "x", [{**PLAIN, "draw": draw}]))
    assert isinstance(found[0], RecordedAnswer)
    assert found[0].draw == read_as


def test_a_draw_before_the_first_is_bad(tmp_path: Path) -> None:
    _, found = read(write(tmp_path / "x", [{**PLAIN, "draw": 0}]), first_draw=1)
    said = "the draw 0 lies outside; draws count from 1 (see --first-draw)"
    assert found == [BadRow(1, Fault.UNKNOWN_DRAW, said)]


def test_an_empty_text_is_an_answer(tmp_path: Path) -> None:
    _, found = read(write(tmp_path / "x", [{**PLAIN, "text": ""}]))
    assert isinstance(found[0], RecordedAnswer)


def test_an_enormous_text_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_map, "MAX_TEXT", 10)
    _, found = read(write(tmp_path / "x", [{**PLAIN, "text": "x" * 11}]))
    assert found == [BadRow(1, Fault.TOO_LONG, "the text has 11 characters; at most 10 are taken")]


def test_a_template_needs_all_its_parts(tmp_path: Path) -> None:
    rows = [{**PLAIN, "a": 1, "b": 2}, {**PLAIN, "a": 1}, {**PLAIN, "a": 1, "b": [2]}]
    _, found = read(write(tmp_path / "x", rows), fields={"item": "{a}/{b}"})
    assert [r.fault if isinstance(r, BadRow) else r.item for r in found] == [
        "1/2",
        Fault.MISSING_FIELD,
        Fault.WRONG_TYPE,
    ]


@pytest.mark.parametrize(
    ("row", "given", "expected"),
    [
        (
            {"q": "x", "answer": "so"},
            {},
            "it does not tell the text of its answers; say it by --map text=COLUMN. It has",
        ),
        (
            {"text": "so"},
            {},
            "it does not tell the respondent of its answers; say it by --map respondent=COLUMN or --",
        ),
        (
            {"text": "so", "respondent": "a"},
            {},
            "it does not tell the stage of its answers; say it by --stage elicit,",
        ),
        (
            {"text": "so", "respondent": "a", "stage": "observe"},
            {},
            "it does not tell the item of its answers; say it by --map item=COLUMN or --map prompt=COLUMN. It has",
        ),
        (
            PLAIN,
            {"fields": {"text": "answer"}},
            "no column 'answer', which --map gives for 'text'; it has 'respondent',",
        ),
        (
            PLAIN,
            {"fields": {"item": "{item}/{x}"}},
            "no column 'x', which --map gives for 'item'; it has 'respondent', ",
        ),
    ],
)
def test_a_file_that_does_not_tell_what_is_needed(
    tmp_path: Path, row: dict[str, Any], given: dict[str, Any], expected: str
) -> None:
    path = write(tmp_path / "x", [row])
    with pytest.raises(DataError) as caught:
        read(path, **given)
    assert str(caught.value).startswith(f"{path}: {expected}")


def test_of_parquet_a_mapped_file_is_read_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame(
        {"who": ["a"] * 300, "n": list(range(300)), "said": [None] + ["so"] * 299, "meta": [{"t": "q"}] * 300}
    ).write_parquet(path)
    _, found = read(
        path, fields={"respondent": "who", "item": "{meta.t}{n}", "text": "said"}, stage="observe"
    )
    assert len(found) == 300
    assert found[0] == BadRow(1, Fault.NO_TEXT, "'said' is null: nothing was recorded")
    assert found[299] == RecordedAnswer(300, "a", "observe", "q299", 0, "so")


@pytest.mark.parametrize("entry", ["text", "=x", "text=", "words=x"])
def test_a_map_has_one_form(entry: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_map([entry])
    assert str(caught.value) == (
        "--map must be FIELD=COLUMN with one of respondent, item, text, draw, stage, prompt, finish_reason, "
        f"not {entry!r}; for instance text=answer"
    )


def test_a_field_is_mapped_once() -> None:
    with pytest.raises(StudyError, match="--map names 'text' twice; for one field of several columns write"):
        parse_map(["text=a", "text=b"])
