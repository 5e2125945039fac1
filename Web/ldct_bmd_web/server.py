"""The server: who may ask, what is answered, and what a browser may do with the page."""

import asyncio
import json
import math
import secrets
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from ldct_bmd.ground.errors import CannotMeasure, OutOfReach, UsageError
from ldct_bmd.ground.text import visible
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reporting.output import Output
from ldct_bmd.words import text

from .export import NotDone, exported
from .session import Asked, Served, Session
from .state import PAGE

_COOKIE = "ldct_bmd_{port}"  # cookies are shared by the ports of a machine
_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'; "
PAGE_POLICY = _NOTHING_ELSE + (
    "script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; "
    "frame-ancestors 'none'"
)
# The report holds its pictures and its style, and runs no script.
REPORT_POLICY = _NOTHING_ELSE + "img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_MOST_BYTES = 256 * 1024  # of a request: a comment is the longest that is sent
_SWEEP_S = 30.0
PROXY_HEADER, PROXY_SECRET = "X-LDCT-BMD-Proxy-Secret", "LDCT_BMD_PROXY_SECRET"
# What a request raises that no page sends.
_MEANINGLESS = (KeyError, TypeError, ValueError, OverflowError, RecursionError)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Door:
    """Who may come in, and from where.

    Attributes:
        bind: address to listen on.
        port: 0 for a free one.
        login_header: in which a proxy names the reader; None on loopback, where a secret in the first address lets in.
        reader: the name to begin with where nobody logs in.
        idle_s: a session without a request for so long is closed, and its result free for others.
        token: the secret.
        hosts: further names that browsers know the server by, as a proxy hands them on.
        proxy_secret: by which the proxy proves that it wrote ``login_header``.
    """

    bind: str = "127.0.0.1"
    port: int = 0
    login_header: str | None = None
    reader: str = ""
    idle_s: float = 1800.0
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    hosts: tuple[str, ...] = ()
    proxy_secret: str = field(default="", repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        with suppress(ValueError):
            return ip_address(self.bind).is_loopback
        return self.bind == "localhost"


class Server:
    """Answers the page. One session for each reader; readers never share a result."""

    def __init__(self, served: Served, door: Door) -> None:
        if not door.is_loopback and not door.login_header:
            raise UsageError("web.no_login", address=door.bind)
        if door.login_header and not door.proxy_secret:
            raise UsageError("web.no_proxy_secret", header=PROXY_HEADER, variable=PROXY_SECRET)
        self._served, self._door = served, door
        self._sessions: dict[str, Session] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._asked_at: dict[str, float] = {}
        self._reports: dict[str, bytes] = {}
        self._cookie = ""

    async def start(self) -> str:
        """Listen; return the address to open, with the secret in it where one lets in.

        Raises:
            OutOfReach: the address or the port cannot be had.
        """
        application = web.Application(middlewares=[self._guard], client_max_size=_MOST_BYTES)
        application.router.add_get("/", self._page)
        application.router.add_static("/page/", PAGE)
        application.router.add_get("/report", self._report)
        for name in ("state", "do", "slice", "drag", "foresee", "rows", "sign", "save", "send", "report"):
            application.router.add_post(f"/api/{name}", getattr(self, f"_{name}_asked"))
        # Addresses hold no patient's data, and bodies are not logged; still nothing is.
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._door.bind, self._door.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            place, problem = f"{self._door.bind}:{self._door.port}", error.strerror or str(error)
            raise OutOfReach("web.no_port", place=place, problem=problem) from error
        self._tasks = [asyncio.create_task(self._sweep())]
        if self._door.login_header is None:  # one reader, whose browser is about to ask
            self._tasks.append(asyncio.create_task(self._begin()))
        port = self._runner.addresses[0][1]
        self._cookie = _COOKIE.format(port=port)
        host = f"[{self._door.bind}]" if ":" in self._door.bind else self._door.bind
        return f"http://{host}:{port}/" + ("" if self._door.login_header else f"?token={self._door.token}")

    async def stop(self) -> None:
        """Close all sessions and stop listening."""
        for task in self._tasks:
            task.cancel()
        await self._runner.cleanup()
        for session in self._sessions.values():
            session.close()

    # -- who may ask

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = self._refused(request) or await handler(request)
        except web.HTTPException as error:
            answer = error
        except _Meaningless as error:
            answer = _bad_request(error)
        except Exception as error:  # noqa: BLE001 (the last place where a defect can be told)
            _print_defect(error)
            answer = web.json_response({"refused": text("web.defect")}, status=500)
        for name, value in _HEADERS.items():
            answer.headers[name] = value
        answer.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        if isinstance(answer, web.HTTPException):
            raise answer
        return answer

    def _refused(self, request: web.Request) -> web.StreamResponse | None:
        """Return the answer to who may not ask; None to who may."""
        forbidden = web.Response(status=HTTPStatus.FORBIDDEN, text=text("web.forbidden"))
        # Another site's page may send requests here; browsers say so, and JSON it may not send unasked.
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return forbidden
        if request.method == "POST" and request.content_type != "application/json":
            return forbidden
        # A name of another site that leads to this machine: its page would be of the same origin.
        if request.url.host not in {"127.0.0.1", "localhost", "::1", self._door.bind, *self._door.hosts}:
            return forbidden
        if self._door.login_header is not None:
            names = request.headers.getall(self._door.login_header, [])
            return None if len(names) == 1 and names[0].strip() and self._is_proxy(request) else forbidden
        given = request.query.get("token", "")
        if request.path == "/" and secrets.compare_digest(given.encode(), self._door.token.encode()):
            answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
            answer.set_cookie(self._cookie, self._door.token, httponly=True, samesite="Strict")
            return answer
        held = request.cookies.get(self._cookie, "")
        return None if secrets.compare_digest(held.encode(), self._door.token.encode()) else forbidden

    def _is_proxy(self, request: web.Request) -> bool:
        """Whether the proxy sent a request, which alone knows its secret."""
        given = request.headers.getall(PROXY_HEADER, [])
        secret = self._door.proxy_secret.encode()
        return len(given) == 1 and secrets.compare_digest(given[0].encode("utf-8", "surrogateescape"), secret)

    def _name(self, request: web.Request) -> str:
        """Return who asks: the name that logged in; "" on loopback."""
        header = self._door.login_header
        if header is None:
            return ""
        return visible(request.headers[header].encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip())

    def _session(self, name: str) -> tuple[Session, asyncio.Lock]:
        self._asked_at[name] = time.monotonic()
        if name not in self._sessions:
            self._sessions[name] = Session(self._served, name or self._door.reader)
            self._locks[name] = asyncio.Lock()
        return self._sessions[name], self._locks[name]

    async def _begin(self) -> None:
        """Open what is served; whatever prevents that is told when the page asks."""
        session, lock = self._session("")
        async with lock:
            with session.speak(), suppress(UsageError, CannotMeasure):
                await asyncio.to_thread(session.start)

    async def _sweep(self) -> None:
        """Close the sessions whose reader has gone."""
        while True:
            await asyncio.sleep(min(_SWEEP_S, self._door.idle_s))
            for name, session in self._sessions.items():
                if time.monotonic() - self._asked_at[name] > self._door.idle_s and not self._locks[name].locked():
                    session.close()
                    self._reports.pop(name, None)

    # -- what is answered

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _state_asked(self, request: web.Request) -> web.StreamResponse:
        async def nothing(_session: Session, _asked: Asked) -> None:
            pass

        return await self._answered(request, nothing, is_change=False)

    async def _do_asked(self, request: web.Request) -> web.StreamResponse:
        async def do(session: Session, asked: Asked) -> None:
            if asked["what"] == "reader" and self._door.login_header is not None:
                raise UsageError("web.logged_in")
            if asked["what"] == "unsign":
                await session.unsign()
            else:
                await asyncio.to_thread(session.do, asked)

        return await self._answered(request, do)

    async def _sign_asked(self, request: web.Request) -> web.StreamResponse:
        async def sign(session: Session, asked: Asked) -> None:
            seen = asked.get("seen", [])
            if not isinstance(seen, list):
                raise TypeError("codes are a list")
            await session.sign([str(code) for code in seen])
            if asked.get("next") is True:
                await asyncio.to_thread(session.do, {"what": "next"})

        return await self._answered(request, sign)

    async def _save_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(request, lambda session, _asked: session.save())

    async def _send_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(request, lambda session, _asked: session.send())

    async def _report_asked(self, request: web.Request) -> web.StreamResponse:
        async def make(session: Session, asked: Asked) -> None:
            if session.case is None:
                raise UsageError("web.nothing_open")
            output = Output.PDF if asked.get("pdf") is True else Output.HTML
            async with exported(session.case, Destination.PREVIEW, (output,)) as made:
                page = made / ("report.pdf" if output is Output.PDF else "report.html")
                self._reports[self._name(request)] = page.read_bytes()

        return await self._answered(request, make, is_change=False)

    async def _report(self, request: web.Request) -> web.StreamResponse:
        """Give the report that was made last: PDF to be kept, HTML to be looked at."""
        content = self._reports.get(self._name(request))
        if content is None:
            raise web.HTTPNotFound
        if content.startswith(b"%PDF"):
            headers = {"Content-Disposition": 'attachment; filename="report.pdf"'}
            return web.Response(body=content, content_type="application/pdf", headers=headers)
        headers = {"Content-Security-Policy": REPORT_POLICY}
        if "keep" in request.query:
            headers["Content-Disposition"] = 'attachment; filename="report.html"'
        return web.Response(body=content, content_type="text/html", charset="utf-8", headers=headers)

    async def _slice_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._looked(request, Session.slice)

    async def _drag_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._looked(request, Session.drag)

    async def _foresee_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._looked(request, Session.foresee)

    async def _rows_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._looked(request, Session.rows)

    async def _looked(self, request: web.Request, look: Callable[[Session, Asked], Any]) -> web.StreamResponse:
        """Answer what changes nothing, next to whatever else is being done."""
        session, lock = self._session(self._name(request))
        asked = await _asked_by(request)
        with session.speak():
            try:
                if session.case is None:  # it was closed while nobody used it
                    async with lock:
                        await asyncio.to_thread(session.start)
                return web.json_response(await asyncio.to_thread(look, session, asked))
            except (UsageError, CannotMeasure) as error:
                return web.json_response({"refused": str(error)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
            except _MEANINGLESS as error:
                return _bad_request(error)

    async def _answered(
        self, request: web.Request, do: Callable[[Session, Asked], Awaitable[None]], is_change: bool = True
    ) -> web.StreamResponse:
        """Answer with the state after ``do``, and with the sentence why it was not done if it was not."""
        session, lock = self._session(self._name(request))
        asked = await _asked_by(request)
        refused, status = "", HTTPStatus.OK
        async with lock:
            with session.speak():
                try:
                    await asyncio.to_thread(session.start)
                    if is_change and (asked.get("revision"), asked.get("case")) != session.shown:
                        raise UsageError("web.other_page")
                    await do(session, asked)
                except (UsageError, CannotMeasure, NotDone) as error:
                    refused, status = str(error), HTTPStatus.UNPROCESSABLE_ENTITY
                except _MEANINGLESS as error:
                    return _bad_request(error)
            with session.speak():  # perhaps another language than before
                state = await asyncio.to_thread(session.state)
        login = self._door.login_header is not None
        return web.json_response({**state, "login": login, "refused": refused}, status=status)


async def _asked_by(request: web.Request) -> dict[str, Any]:
    """Return what a request asks for: a JSON object of finite numbers and of text that can be written."""
    try:
        asked = json.loads(await request.read(), parse_float=_finite, parse_constant=_finite)
        json.dumps(asked, ensure_ascii=False).encode()
        if not isinstance(asked, dict):
            raise TypeError("no object")
    except _MEANINGLESS as error:
        raise _Meaningless from error
    return asked


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


class _Meaningless(ValueError):
    """A request that cannot be read."""


def _bad_request(error: Exception) -> web.Response:
    _print_defect(error)
    return web.json_response({"refused": text("web.meaningless")}, status=HTTPStatus.BAD_REQUEST)


def _print_defect(error: Exception) -> None:
    """Print where a defect arose, without its message, which may quote what a scan says."""
    where = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(f"{where}{type(error).__name__}\n")
