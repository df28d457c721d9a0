"""A web page on this machine by which one person rates completions blind, one at a time.

Owns who may speak to it: only this machine, only under the address with its secret, only under its own name. A page
of another site can neither read nor rate. It sends the sentence, the manual and the value system, and nothing
of who wrote the sentence. Every rating is on disk before it is shown as saved.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from valuelex.domain.measure import Exhibit, Manual, join_sentence
from valuelex.domain.structure import Subdimension, ValueSystem
from valuelex.errors import LedgerError, StudyError
from valuelex.io.assets import ASSETS
from valuelex.io.rated import POINTS, Cell, Rated, RatedFile

HOST = "127.0.0.1"
N_EXAMPLES = 4
"""Example completions of each pole and the middle that a rater can look at."""
NOT_WRITTEN = (
    "The file of ratings cannot be written; free space or check its rights. What was shown as saved is kept."
)
LONGEST_BODY = 20_000
"""Bytes of a request, and far more than a rating needs."""
LONGEST_REASON = 500
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One exhibit, and the ids of subdimensions in the order in which it is rated on them."""

    exhibit: Exhibit
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sitting:
    """What one person is to rate now. `n_before` counts the sheets that were rated in earlier sittings.

    `rated` is what the rater said of these sheets before: a sheet can have been left half done.
    """

    rater: str
    system: ValueSystem
    manual: Manual
    sheets: tuple[Sheet, ...]
    rated: tuple[Rated, ...] = ()
    n_before: int = 0


class _RefusedError(Exception):
    """A request that gets no answer but a status and a line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class RatePage:
    """The page of one sitting, listening on this machine from the moment it is made.

    Parameters
    ----------
    sitting
        What to rate.
    file
        Where ratings go.
    port
        0 takes a free one.

    Raises
    ------
    StudyError
        If the port is taken or not allowed.
    """

    def __init__(self, sitting: Sitting, file: RatedFile, port: int = 0) -> None:
        self.sitting = sitting
        self._file = file
        self._given: dict[Cell, Rated] = {r.cell: r for r in sitting.rated}
        self._values = {s.id: s for s in sitting.system.subdimensions}
        self._lock = threading.Lock()
        self._open = True
        self.token = secrets.token_urlsafe(24)
        try:
            self._server = _Server((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            msg = f"Port {port} cannot be used ({error}); choose another with --port, or leave it out."
            raise StudyError(msg) from error
        self._server.page = self
        self.port = int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Address of the page. Who knows it can rate."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    def __enter__(self) -> Self:
        """Use the page in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening. A rating that is being written is finished, a later one is refused."""
        self._server.server_close()
        with self._lock:
            self._open = False

    def serve(self) -> None:
        """Answer the browser until the rater stops or presses Ctrl-C; both are an ordinary end."""
        with suppress(KeyboardInterrupt):
            self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End `serve` from another thread."""
        self._server.shutdown()

    @property
    def n_rated(self) -> int:
        """Sheets of this sitting that are rated on every subdimension."""
        return sum(self._is_rated(sheet) for sheet in self.sitting.sheets)

    def sheet(self, number: int) -> dict[str, Any]:
        """Return what the browser shows of a sheet, counted from 0, with what was said of it so far."""
        sitting = self.sitting
        sheet = sitting.sheets[number]
        stem, ending = sheet.exhibit.stem, sheet.exhibit.ending
        return {
            "number": sitting.n_before + number + 1,
            "total": sitting.n_before + len(sitting.sheets),
            "stem": stem,
            "gap": join_sentence(stem, ending)[len(stem) : -len(ending) or None],
            "ending": ending,
            "n_rated": sitting.n_before + self.n_rated,
            "values": [self._shown(sheet, self._values[name]) for name in sheet.order],
        }

    def rate(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Keep one rating as the browser sends it, and tell how many sheets are rated."""
        rated = self._read(content)
        with self._lock:
            if not self._open:
                raise _RefusedError(503, "The page was stopped; start valuelex rate again.")
            self._file.add(rated)
            self._given[rated.cell] = rated
        return {"n_rated": self.sitting.n_before + self.n_rated}

    @cached_property
    def policy(self) -> str:
        """What the browser may do with the page: run our script, use our style, ask this server."""
        return (
            f"default-src 'none'; script-src {_digest(_asset('rate.js'))}; style-src {_digest(_asset('rate.css'))}; "
            "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def html(self) -> str:
        """Render the page without a sheet; the script fetches the sheets one by one."""
        environment = Environment(
            loader=PackageLoader("valuelex", "assets"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        unrated = (i for i, sheet in enumerate(self.sitting.sheets) if not self._is_rated(sheet))
        return environment.get_template("rate.html.j2").render(
            sitting=self.sitting,
            start=next(unrated, len(self.sitting.sheets)),
            file=self._file.path.name,
            longest_reason=LONGEST_REASON,
            style=Markup(_asset("rate.css")),  # noqa: S704 - our own file
            script=Markup(_asset("rate.js")),  # noqa: S704 - our own file
        )

    def _is_rated(self, sheet: Sheet) -> bool:
        return all((self.sitting.rater, sheet.exhibit.id, name) in self._given for name in sheet.order)

    def _shown(self, sheet: Sheet, value: Subdimension) -> dict[str, Any]:
        given = self._given.get((self.sitting.rater, sheet.exhibit.id, value.id))
        examples = {"low": value.low, "middle": value.middle, "high": value.high}
        return {
            "id": value.id,
            "name": value.name,
            "definition": value.definition,
            "examples": {pole: texts[:N_EXAMPLES] for pole, texts in examples.items()},
            "rated": given is not None,
            "rating": given.rating if given else None,
            "evidence": given.evidence if given else "",
            "reason": given.reason if given else "",
        }

    def _read(self, content: Mapping[str, Any]) -> Rated:
        number, name, rating = (content.get(key) for key in ("sheet", "subdimension", "rating"))
        evidence, reason = content.get("evidence", ""), content.get("reason", "")
        if type(number) is not int or not 0 <= number < len(self.sitting.sheets):
            raise _RefusedError(400, "There is no such sheet.")
        sheet = self.sitting.sheets[number]
        if name not in sheet.order:
            raise _RefusedError(400, "There is no such subdimension.")
        if rating is not None and (type(rating) is not int or rating not in POINTS.values()):
            raise _RefusedError(400, "A rating is a whole number from 0 to 6, or null.")
        if not isinstance(evidence, str) or evidence not in sheet.exhibit.ending:
            raise _RefusedError(400, "Evidence is a part of the ending.")
        if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
            raise _RefusedError(400, f"A reason has at most {LONGEST_REASON} characters.")
        return Rated(
            rater=self.sitting.rater,
            exhibit_id=sheet.exhibit.id,
            system=self.sitting.system.name,
            subdimension=str(name),
            rating=rating,
            evidence=evidence,
            reason=reason,
        )


def open_in_browser(url: str) -> None:
    """Show an address in a graphical browser where there is one; a browser in the terminal is not started."""
    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A rater who types fast sends faster than a disk syncs: connections wait their turn and are not reset.
    request_queue_size = 64
    page: RatePage

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a browser that went away; anything else is a mistake of ours and shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def version_string(self) -> str:
        return "valuelex"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse in one line of our own: the library's page would repeat what was asked."""
        self._send(code, "text/plain", "Refused.")

    def _answer(self, method: str) -> None:
        try:
            asked = self._asked()
            kind, text = self._content(method, asked)
        except _RefusedError as refusal:
            self._send(refusal.status, "application/json", json.dumps({"error": str(refusal)}))
        except LedgerError:
            # Its own line names the folder, whose name can tell the model that is rated.
            self._send(500, "application/json", json.dumps({"error": NOT_WRITTEN}))
        else:
            self._send(200, kind, text)
            if asked == "stop":
                self.server.page.stop()

    def _asked(self) -> str:
        """Return what is asked for, once the request has shown that it comes from our own page.

        A site that points its own name at this machine sends that name in `Host`, and does not know the token.
        """
        page = self.server.page
        if self.headers.get_all("Host") not in ([f"{HOST}:{page.port}"], [f"localhost:{page.port}"]):
            raise _RefusedError(403, "Open the page by the address that valuelex rate printed.")
        token, _, asked = self.path.partition("?")[0].removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), page.token.encode()):
            raise _RefusedError(404, "Open the page by the address that valuelex rate printed.")
        return asked

    def _content(self, method: str, asked: str) -> tuple[str, str]:
        page = self.server.page
        name, _, number = asked.partition("/")
        if method == "GET" and asked == "":
            return "text/html", page.html()
        if method == "GET" and name == "sheet" and number in map(str, range(len(page.sitting.sheets))):
            return "application/json", json.dumps(page.sheet(int(number)))
        if method == "POST" and asked == "rate":
            return "application/json", json.dumps(page.rate(self._json()))
        if method == "POST" and asked == "stop":
            self._json()
            return "text/plain", "Stopped."
        raise _RefusedError(404, "There is no such page.")

    def _json(self) -> Mapping[str, Any]:
        """Read the body. Another site's form cannot send this content type without asking first."""
        if self.headers.get_content_type() != "application/json":
            raise _RefusedError(415, "Send application/json.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > LONGEST_BODY:
            raise _RefusedError(413, f"Send at most {LONGEST_BODY} bytes, and say how many.")
        try:
            content = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise _RefusedError(400, "This is not JSON.") from error
        if not isinstance(content, dict):
            raise _RefusedError(400, "Send a JSON object.")
        return content

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": self.server.page.policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _asset(name: str) -> str:
    return ASSETS.joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
