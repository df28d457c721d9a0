"""The report as one file: escaped, offline, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from report.example_results import BIDI, FORMULA, example_results
from valuelex.report.html import embed_json, render

VOID = {"meta", "img", "br", "link", "input", "source"}


class Page(HTMLParser):
    """Elements of a page with their attributes, what stands in each script, and unclosed or crossed tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def text():
    return render(example_results())


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_hostile_text_is_escaped_everywhere(text, page):
    assert "<script>alert" not in text
    assert "</script><img" not in text
    assert "\u202e" not in text
    assert "\u200b" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "safe ⟨U+202E⟩esrever⟨U+202C⟩ and zero⟨U+200B⟩width" in text
    # One data block and one script, both ours; no attribute of any element is an event handler.
    assert [attrs.get("type") for tag, attrs in page.elements if tag == "script"] == [
        "application/json",
        None,
    ]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert {"img"} == {tag for tag, attrs in page.elements if "src" in attrs}


def test_tags_are_closed_in_order(page):
    assert page.crossed == []
    assert page.open == []


def test_nothing_is_fetched(text, page):
    assert "http://" not in text
    assert "https://" not in text
    assert all(
        attrs["src"].startswith("data:image/svg+xml;base64,") for tag, attrs in page.elements if tag == "img"
    )
    (narrow,) = [attrs["srcset"] for tag, attrs in page.elements if tag == "source"]
    assert re.fullmatch(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+", narrow)
    assert all(attrs["href"].startswith("#") for tag, attrs in page.elements if tag == "a")
    assert not [
        tag for tag, _ in page.elements if tag in {"link", "iframe", "object", "embed", "base", "form"}
    ]


def test_the_policy_allows_only_the_script_of_the_report(page):
    (policy,) = [
        attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"script-src 'sha256-{digest}';" in policy


def test_pictures_have_alternative_texts_and_buttons_lead_to_data(page):
    assert all(len(attrs["alt"]) > 40 for tag, attrs in page.elements if tag == "img")
    data = json.loads(page.scripts[0])
    cells = [attrs for tag, attrs in page.elements if tag == "button" and "data-measure" in attrs]
    # 4 respondents on 6 + 3 targets of the given system and 4 + 2 of the built one.
    assert len(cells) == 4 * (9 + 6)
    for attrs in cells:
        measure = data["measures"][int(attrs["data-measure"])]
        assert measure["means"][int(attrs["data-target"])][int(attrs["data-respondent"])] != "–"
    terms = [attrs for tag, attrs in page.elements if tag == "button" and "data-term" in attrs]
    assert len(terms) == len(data["terms"]) == 16


def test_each_cell_shows_the_mean_of_its_panel(text, page):
    data = json.loads(page.scripts[0])
    cell = re.compile(r'data-measure="(\d+)" data-target="(\d+)" data-respondent="(\d+)"[^>]*><b>([^<]*)</b>')
    found = cell.findall(text)
    assert len(found) == 60
    for measure, target, respondent, shown in found:
        assert data["measures"][int(measure)]["means"][int(target)][int(respondent)] == shown


def test_every_cell_of_a_table_that_stacks_on_a_telephone_names_its_column(text):
    tables = re.findall(r'<table class="[^"]*stacks[^"]*">(.*?)</table>', text, re.DOTALL)
    assert len(tables) > 5
    for table in tables:
        heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", table)
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL):
            assert re.findall(r'<td[^>]* data-label="([^"]*)"', row) == heads[1:]
            assert row.count("<td") == len(heads) - 1


def test_long_tables_do_not_push_the_rest_away():
    text = render(example_results(n_respondents=22))
    for name in ("Respondents", "Missing Completions", "Orientations, subdimensions, Given system"):
        assert f'<div class="scroll tall" tabindex="0" role="region" aria-label="{name}">' in text


def test_only_what_can_be_opened_is_said_to_open(text):
    assert "Every orientation and every term opens onto the answers behind it." in text
    measured = render(example_results(elicited=False))
    assert "Every orientation opens onto the answers behind it." in measured
    assert "every term opens" not in measured


def test_the_data_block_cannot_be_closed_by_its_content():
    hostile = {"</script>": ["<!--", "<script>", "&amp;", "a\u2028b\u2029c", BIDI, FORMULA]}
    block = embed_json(hostile)
    assert not set("<>&\u2028\u2029\u202e\u200b") & set(block)
    assert json.loads(block)["</script>"][:3] == ["<!--", "<script>", "&amp;"]
    assert json.loads(block)["</script>"][3] == "a⟨U+2028⟩b⟨U+2029⟩c"


def test_the_same_results_give_the_same_bytes(text):
    assert render(example_results()) == text


def test_a_plain_measurement_has_no_section_on_elicitation():
    text = render(example_results(n_respondents=1, elicited=False))
    assert "Prompts for value words" not in text
    assert "Map of the words" not in text
    assert "Value systems measured" in text
    assert "One respondent was measured" in text


def test_warnings_stand_before_everything_else(text):
    assert text.index("A model of 135 million parameters") < text.index("What the figures say")


def test_completions_can_be_read_without_the_script(text):
    results = example_results()
    without_scripts = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    for completion in results.completions:
        if completion.text.isascii() and "<" not in completion.text:
            assert completion.text.replace('"', "&#34;") in without_scripts
    assert without_scripts.count('<td class="said">') == len(results.completions) + len(
        results.found.responses
    )
