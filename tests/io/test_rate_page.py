"""The page on which people rate, over real connections on loopback: who may speak to it, and what it tells."""

import base64
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from examples import manual, system
from valuelex.domain.measure import Exhibit
from valuelex.errors import LedgerError, StudyError
from valuelex.io.assets import load_manual, load_system, shipped
from valuelex.io.rate_page import LONGEST_BODY, LONGEST_REASON, NOT_WRITTEN, RatePage, Sheet, Sitting
from valuelex.io.rated import Rated, RatedFile, latest

HOSTILE = "wrote </script><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }}."
SYSTEM = system({"heart": ("care", "zeal")})
SHEETS = (
    Sheet(Exhibit("e0", "When the bell rang, I", "smiled at the crowd."), ("care", "zeal")),
    Sheet(Exhibit("e1", "When the bell rang, I", "'ll wait."), ("zeal", "care")),
    Sheet(Exhibit("e2", "When it rained, I", HOSTILE), ("care", "zeal")),
)
JSON = {"Content-Type": "application/json"}


class Browser:
    """Sends requests to a page that is served in a thread."""

    def __init__(self, page: RatePage) -> None:
        self.page = page
        self.thread = threading.Thread(target=page.serve)
        self.thread.start()

    def ask(
        self, method: str, path: str, content: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[HTTPResponse, str]:
        """Ask for a path as it stands; `content` is sent as JSON unless it is bytes."""
        connection = HTTPConnection("127.0.0.1", self.page.port, timeout=10)
        body = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply, text

    def get(self, path: str) -> tuple[HTTPResponse, str]:
        return self.ask("GET", f"/{self.page.token}/{path}")

    def rate(self, sheet: Any, subdimension: Any, rating: Any, **words: Any) -> tuple[int, dict[str, Any]]:
        content = {"sheet": sheet, "subdimension": subdimension, "rating": rating, **words}
        reply, text = self.ask("POST", f"/{self.page.token}/rate", content, JSON)
        return reply.status, json.loads(text)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[RatedFile]:
    with RatedFile(tmp_path / "ann.csv") as file:
        yield file


def served(sitting: Sitting, file: RatedFile) -> Iterator[Browser]:
    with RatePage(sitting, file) as page:
        browser = Browser(page)
        yield browser
        if browser.thread.is_alive():
            page.stop()
        browser.thread.join(timeout=10)
        assert not browser.thread.is_alive()


@pytest.fixture
def browser(file: RatedFile) -> Iterator[Browser]:
    yield from served(Sitting("ann", SYSTEM, manual(), SHEETS, n_before=16), file)


def lines(file: RatedFile) -> list[str]:
    return file.path.read_text().splitlines()[1:]


def test_it_listens_on_this_machine_alone_and_its_secret_is_long(browser: Browser, file: RatedFile) -> None:
    assert re.fullmatch(rf"http://127\.0\.0\.1:{browser.page.port}/[\w-]{{32}}/", browser.page.url)
    assert browser.page._server.socket.getsockname()[0] == "127.0.0.1"
    with RatePage(browser.page.sitting, file) as other:
        assert other.token != browser.page.token


@pytest.mark.parametrize("token", ["", "wrong", "WRONG/../{token}", "{token}x", "é"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "sheet/0"), ("POST", "rate"), ("POST", "stop")]
)
def test_without_the_token_nothing_is_told_and_nothing_done(
    browser: Browser, file: RatedFile, token: str, method: str, path: str
) -> None:
    content = {"sheet": 0, "subdimension": "care", "rating": 3} if method == "POST" else None
    given = token.replace("{token}", browser.page.token)
    if not given.isascii():
        given = "%C3%A9"
    reply, text = browser.ask(method, f"/{given}/{path}", content, JSON)
    assert reply.status == 404
    assert json.loads(text) == {"error": "Open the page by the address that valuelex rate printed."}
    assert lines(file) == []
    assert browser.thread.is_alive()


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1]:{port}"]
)
def test_another_name_for_this_machine_is_refused(browser: Browser, file: RatedFile, host: str) -> None:
    # DNS rebinding: a site whose name was pointed at 127.0.0.1 sends that name. Even with the token it gets nothing.
    headers = {**JSON, "Host": host.replace("{port}", str(browser.page.port))}
    for method, path in (("GET", "sheet/0"), ("POST", "rate")):
        content = {"sheet": 0, "subdimension": "care", "rating": 3}
        reply, text = browser.ask(method, f"/{browser.page.token}/{path}", content, headers)
        assert reply.status == 403
        assert "smiled" not in text
    assert lines(file) == []
    local = {"Host": f"localhost:{browser.page.port}"}
    assert browser.ask("GET", f"/{browser.page.token}/", headers=local)[0].status == 200


def test_a_request_without_or_with_two_host_headers_is_refused(browser: Browser) -> None:
    own = f"Host: 127.0.0.1:{browser.page.port}\r\n"
    for hosts in ("", own + "Host: evil.test\r\n"):
        with socket.create_connection(("127.0.0.1", browser.page.port), timeout=10) as connection:
            connection.sendall(f"GET /{browser.page.token}/ HTTP/1.0\r\n{hosts}\r\n".encode())
            assert b" 403 " in connection.makefile("rb").readline()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_of_another_site_can_send_is_refused(
    browser: Browser, file: RatedFile, kind: str
) -> None:
    body = b'{"sheet": 0, "subdimension": "care", "rating": 3}'
    reply, _ = browser.ask("POST", f"/{browser.page.token}/rate", body, {"Content-Type": kind})
    assert reply.status == 415
    assert lines(file) == []


def test_no_other_site_is_invited_and_every_answer_carries_the_policy(browser: Browser) -> None:
    root = f"/{browser.page.token}/"
    asked = [
        ("GET", ""),
        ("GET", "sheet/0"),
        ("GET", "nowhere"),
        ("OPTIONS", "rate"),
        ("DELETE", "rate"),
        ("HEAD", ""),
    ]
    for method, path in asked:
        reply, text = browser.ask(method, root + path, headers={"Origin": "https://evil.test"})
        assert reply.status == (200 if (method, path) in asked[:2] else 404 if method == "GET" else 501)
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'sha256-")
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert method in ("GET", "HEAD") or text == "Refused."


def test_the_policy_names_the_script_and_the_style_of_the_page(browser: Browser) -> None:
    reply, text = browser.get("")
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in reply.headers["Content-Security-Policy"]


def test_the_page_asks_for_nothing_outside_itself(browser: Browser) -> None:
    _, text = browser.get("")
    assert "http://" not in text
    assert "https://" not in text
    assert re.findall(r'(?:src|href|action)="([^"]*)"', text) == ["data:,"]
    assert not re.findall(r"<[^>]*\son\w+=", text)
    assert "innerHTML" not in text
    assert "insertAdjacentHTML" not in text


def test_a_sheet_is_the_sentence_and_the_values_in_its_order(browser: Browser) -> None:
    _, text = browser.get("sheet/1")
    sheet = json.loads(text)
    # 16 sheets were rated before: the second of these three is number 18 of 19.
    assert (sheet["number"], sheet["total"], sheet["n_rated"]) == (18, 19, 16)
    # An apostrophe joins without a space: "..., I'll wait."
    assert (sheet["stem"], sheet["gap"], sheet["ending"]) == ("When the bell rang, I", "", "'ll wait.")
    assert [value["id"] for value in sheet["values"]] == ["zeal", "care"]
    assert sheet["values"][1] == {
        "id": "care",
        "name": "Care",
        "definition": "Words around care.",
        "examples": {"low": ["I drop care."], "middle": [], "high": ["I keep care."]},
        "rated": False,
        "rating": None,
        "evidence": "",
        "reason": "",
    }
    assert json.loads(browser.get("sheet/0")[1])["gap"] == " "


def test_nothing_tells_who_wrote_a_sentence(browser: Browser) -> None:
    # Whatever is sent is one of these; ids of exhibits stay here too, for they could be looked up in result files.
    for path in ("sheet/0", "sheet/1", "sheet/2"):
        sheet = json.loads(browser.get(path)[1])
        assert set(sheet) == {"number", "total", "n_rated", "stem", "gap", "ending", "values"}
        for value in sheet["values"]:
            assert set(value) == {
                "id",
                "name",
                "definition",
                "examples",
                "rated",
                "rating",
                "evidence",
                "reason",
            }
    _, page = browser.get("")
    assert "smiled" not in page
    assert "alert(" not in page
    status, answer = browser.rate(0, "care", 3)
    assert (status, set(answer)) == (200, {"n_rated"})


def test_a_hostile_ending_arrives_as_text(browser: Browser) -> None:
    reply, text = browser.get("sheet/2")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(text)["ending"] == HOSTILE


def test_hostile_words_of_a_manual_and_a_name_are_escaped(file: RatedFile) -> None:
    bad = "<script>alert(1)</script>"
    wild = type(manual())("m", "s", bad, bad + '"', (bad + '"',) * 7)
    page = RatePage(Sitting("ann", SYSTEM, wild, SHEETS), file)
    with page:
        html = page.html()
    assert bad not in html
    assert html.count("<script>") == 1
    # Once as the task, twice as the question of the gate and twice in its attributes, and three times for each level.
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 1 + 1 + 2 + 7 * 3


def test_a_rating_is_in_the_file_when_it_is_answered(browser: Browser, file: RatedFile) -> None:
    assert browser.rate(0, "care", 5, evidence="smiled", reason=" kind\nenough ") == (200, {"n_rated": 16})
    assert lines(file) == ["ann,e0,tiny,care,yes,5,smiled,kind enough"]
    assert browser.rate(0, "zeal", None) == (200, {"n_rated": 17})
    assert lines(file)[1:] == ["ann,e0,tiny,zeal,no,,,"]


def test_going_back_shows_what_was_said_and_the_new_rating_counts(browser: Browser, file: RatedFile) -> None:
    browser.rate(0, "care", 5, evidence="smiled")
    browser.rate(0, "zeal", None)
    care, zeal = json.loads(browser.get("sheet/0")[1])["values"]
    assert (care["rated"], care["rating"], care["evidence"]) == (True, 5, "smiled")
    assert (zeal["rated"], zeal["rating"]) == (True, None)
    assert browser.rate(0, "care", 0) == (200, {"n_rated": 17})
    assert [(r.subdimension, r.rating) for r in latest(file.path, SYSTEM)] == [("care", 0), ("zeal", None)]


@pytest.mark.parametrize(
    ("sheet", "subdimension", "rating", "words", "said"),
    [
        (3, "care", 3, {}, "There is no such sheet."),
        (-1, "care", 3, {}, "There is no such sheet."),
        (True, "care", 3, {}, "There is no such sheet."),
        (0, "courage", 3, {}, "There is no such subdimension."),
        (0, ["care"], 3, {}, "There is no such subdimension."),
        (0, "care", 7, {}, "A rating is a whole number from 0 to 6, or null."),
        (0, "care", 2.0, {}, "A rating is a whole number from 0 to 6, or null."),
        (0, "care", True, {}, "A rating is a whole number from 0 to 6, or null."),
        (0, "care", "3", {}, "A rating is a whole number from 0 to 6, or null."),
        (0, "care", 3, {"evidence": "frowned"}, "Evidence is a part of the ending."),
        (0, "care", 3, {"evidence": "When the bell"}, "Evidence is a part of the ending."),
        (0, "care", 3, {"evidence": None}, "Evidence is a part of the ending."),
        (0, "care", 3, {"reason": "x" * (LONGEST_REASON + 1)}, "A reason has at most 500 characters."),
        (0, "care", 3, {"reason": 3}, "A reason has at most 500 characters."),
    ],
)
def test_what_is_no_rating_is_refused(
    browser: Browser, file: RatedFile, sheet: Any, subdimension: Any, rating: Any, words: Any, said: str
) -> None:
    assert browser.rate(sheet, subdimension, rating, **words) == (400, {"error": said})
    assert lines(file) == []


def test_a_body_that_is_no_object_or_too_long_is_refused(browser: Browser) -> None:
    path = f"/{browser.page.token}/rate"
    for body in (b"{", b"\xff", b"[" * 9_000, b"[]", b"3"):
        assert browser.ask("POST", path, body, JSON)[0].status == 400
    for length in (str(LONGEST_BODY + 1), "-1", "x", "²", ""):
        with socket.create_connection(("127.0.0.1", browser.page.port), timeout=10) as connection:
            head = f"Host: 127.0.0.1:{browser.page.port}\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {length}\r\n\r\n"
            connection.sendall(f"POST {path} HTTP/1.0\r\n{head}".encode())
            assert b" 413 " in connection.makefile("rb").readline()


def test_a_disk_that_is_full_is_told_to_the_rater(
    browser: Browser, file: RatedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(rated: Rated) -> None:
        msg = "'measure-acme-1/ratings/ann.csv' cannot be written (No space left on device)."
        raise LedgerError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(file, "add", full)
        status, answer = browser.rate(0, "care", 3)
    assert (status, answer) == (500, {"error": NOT_WRITTEN})
    # What is not on disk is not shown as rated.
    assert not json.loads(browser.get("sheet/0")[1])["values"][0]["rated"]


def test_ratings_of_many_windows_at_once_are_whole_lines(
    browser: Browser, file: RatedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[str] = []
    n_beside: list[int] = []
    add = file.add

    def slow_add(rated: Rated) -> None:
        n_beside.append(len(inside))
        inside.append(rated.subdimension)
        time.sleep(0.002)
        add(rated)
        inside.pop()

    monkeypatch.setattr(file, "add", slow_add)
    threads = [threading.Thread(target=browser.rate, args=(0, "care", n % 7)) for n in range(21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Each of the seven points was sent three times, and no write began before another had ended.
    assert sorted(lines(file)) == sorted(f"ann,e0,tiny,care,yes,{n % 7},," for n in range(21))
    assert n_beside == [0] * 21


def test_stop_ends_the_server_and_keeps_everything(browser: Browser, file: RatedFile) -> None:
    browser.rate(2, "care", 1)
    reply, text = browser.ask("POST", f"/{browser.page.token}/stop", {}, JSON)
    assert (reply.status, text) == (200, "Stopped.")
    browser.thread.join(timeout=10)
    assert not browser.thread.is_alive()
    assert lines(file) == ["ann,e2,tiny,care,yes,1,,"]


def test_a_sitting_goes_on_at_the_first_sheet_with_something_left(file: RatedFile) -> None:
    rated = (
        Rated("ann", "e0", "tiny", "care", 5),
        Rated("ann", "e0", "tiny", "zeal", None),
        Rated("ann", "e1", "tiny", "care", 2, "wait", "idle"),
    )
    with RatePage(Sitting("ann", SYSTEM, manual(), SHEETS, rated), file) as page:
        assert 'data-start="1" data-sheets="3"' in page.html()
        assert page.n_rated == 1
        care = page.sheet(1)["values"][1]
        assert (care["rated"], care["rating"], care["evidence"], care["reason"]) == (True, 2, "wait", "idle")


def test_a_taken_port_is_one_line(browser: Browser, file: RatedFile) -> None:
    with pytest.raises(
        StudyError, match=rf"Port {browser.page.port} cannot be used .*; choose another with --port"
    ):
        RatePage(browser.page.sitting, file, browser.page.port)


def test_every_shipped_system_and_manual_makes_a_page(file: RatedFile) -> None:
    for name in shipped("systems"):
        own = load_system(name, Path())
        sheet = Sheet(SHEETS[0].exhibit, tuple(s.id for s in own.subdimensions))
        for words in shipped("manuals"):
            with RatePage(Sitting("ann", own, load_manual(words, Path()), (sheet,)), file) as page:
                shown = page.sheet(0)["values"]
                assert [value["definition"] for value in shown] == [s.definition for s in own.subdimensions]
                assert page.html().count("<li data-level>") == 7
