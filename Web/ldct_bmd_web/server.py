"""One reader's server: what is answered."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reporting.output import Output

from .door import REPORT_POLICY, Door, Listener, Meaningless, bad_request, print_defect
from .export import NotDone, exported
from .session import Asked, Served, Session

_ASKED = (
    *("state", "do", "sign", "save", "send", "report"),
    *("slice", "drag", "foresee", "along", "surfaces", "rows"),
)
# What a request raises that no page sends.
_MEANINGLESS = (KeyError, TypeError, ValueError, OverflowError, RecursionError)


class Server(Listener):
    """Answers one reader's page.

    Attributes:
        session: what the reader has open.
    """

    def __init__(self, served: Served, door: Door) -> None:
        super().__init__(door)
        self.session = Session(served, door.reader)
        self._lock = asyncio.Lock()
        self._asked_at = time.monotonic()
        self._made: bytes | None = None

    async def start(self) -> str:
        """Listen, and open what is served: the browser is about to ask for it; raises as :meth:`.Listener.start`."""
        address = await super().start()
        self._beginning = asyncio.create_task(self._begin())
        return address

    def _route(self, router: web.UrlDispatcher) -> None:
        router.add_get("/report", self._report)
        for name in _ASKED:
            router.add_post(f"/api/{name}", getattr(self, f"_{name}_asked"))

    async def _begin(self) -> None:
        """Open what is served; whatever prevents that is told when the page asks."""
        async with self._lock:
            with self.session.speak():
                try:
                    await asyncio.to_thread(self.session.start)
                except (UsageError, CannotMeasure):
                    pass
                except Exception as error:  # noqa: BLE001 (it arises again when the page asks; its message may quote)
                    print_defect(error)

    async def _sweep(self, before: float) -> None:
        if self._asked_at < before and not self._lock.locked():
            self.session.close()
            self._made = None

    async def _end(self) -> None:
        self._beginning.cancel()
        self.session.close()

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
                written = session.note  # what is said of the signed one is not lost on the way to the next
                await asyncio.to_thread(session.do, {"what": "next"})
                session.note = " ".join(filter(None, [written, session.note]))

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
                session.note = " ".join(made.remarks) or session.note
                page = made.folder / ("report.pdf" if output is Output.PDF else "report.html")
                self._made = page.read_bytes()

        return await self._answered(request, make, is_change=False)

    async def _report(self, request: web.Request) -> web.StreamResponse:
        """Give the report that was made last: PDF to be kept, HTML to be looked at."""
        content = self._made
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

    async def _along_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._looked(request, Session.along)

    async def _surfaces_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._looked(request, Session.surfaces)

    async def _rows_asked(self, request: web.Request) -> web.StreamResponse:
        return await self._looked(request, Session.rows)

    async def _looked(self, request: web.Request, look: Callable[[Session, Asked], Any]) -> web.StreamResponse:
        """Answer what changes nothing, next to whatever else is being done."""
        session = self._asking()
        asked = await _asked_by(request)
        with session.speak():
            try:
                if session.case is None:  # it was closed while nobody used it
                    async with self._lock:
                        await asyncio.to_thread(session.start)
                if asked.get("case") != session.shown[1]:  # another tab opened another one
                    raise UsageError("web.other_page")
                return web.json_response(await asyncio.to_thread(look, session, asked))
            except (UsageError, CannotMeasure) as error:
                said = {"refused": str(error), "stale": asked.get("case") != session.shown[1]}
                return web.json_response(said, status=HTTPStatus.UNPROCESSABLE_ENTITY)
            except _MEANINGLESS as error:
                return bad_request(error)

    async def _answered(
        self, request: web.Request, do: Callable[[Session, Asked], Awaitable[None]], is_change: bool = True
    ) -> web.StreamResponse:
        """Answer with the state after ``do``, and with the sentence why it was not done if it was not."""
        session = self._asking()
        asked = await _asked_by(request)
        refused, status = "", HTTPStatus.OK
        async with self._lock:
            with session.speak():
                try:
                    await asyncio.to_thread(session.start)
                    if is_change and (asked.get("revision"), asked.get("case")) != session.shown:
                        raise UsageError("web.other_page")
                    await do(session, asked)
                except (UsageError, CannotMeasure, NotDone) as error:
                    refused, status = str(error), HTTPStatus.UNPROCESSABLE_ENTITY
                except _MEANINGLESS as error:
                    return bad_request(error)
            with session.speak():  # perhaps another language than before
                state = await asyncio.to_thread(session.state)
        login = self._door.login_header is not None
        return web.json_response({**state, "login": login, "refused": refused}, status=status)

    def _asking(self) -> Session:
        self._asked_at = time.monotonic()
        return self.session


async def _asked_by(request: web.Request) -> dict[str, Any]:
    """Return what a request asks for: a JSON object of finite numbers and of text that can be written."""
    try:
        asked = json.loads(await request.read(), parse_float=_finite, parse_constant=_finite)
        json.dumps(asked, ensure_ascii=False).encode()
        if not isinstance(asked, dict):
            raise TypeError("no object")
    except _MEANINGLESS as error:
        raise Meaningless from error
    return asked


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number
