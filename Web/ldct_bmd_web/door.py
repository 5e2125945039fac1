"""Who may come in, at which address, and what a browser may do with what it is given."""

import asyncio
import secrets
import sys
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web

from ldct_bmd.ground.errors import OutOfReach, UsageError
from ldct_bmd.ground.text import visible
from ldct_bmd.words import text

PAGE = Path(__file__).parent / "page"
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
MOST_BYTES = 256 * 1024  # of a request: a comment is the longest that is sent
_SWEEP_S = 30.0
PROXY_HEADER, PROXY_SECRET = "X-LDCT-BMD-Proxy-Secret", "LDCT_BMD_PROXY_SECRET"
# Where the address with the secret leads: a page of this server, so that the next request is its own and not that of
# the page or program that led here.
_INWARDS = (
    '<!DOCTYPE html><meta charset="utf-8"><title>LDCT Bone Density</title><meta http-equiv="refresh" content="0;url=/">'
)
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


class Listener(ABC):
    """Listens at a door, and lets in who may ask.

    Attributes:
        entered: set once somebody came in by the secret.
    """

    def __init__(self, door: Door) -> None:
        if not door.is_loopback and not door.login_header:
            raise UsageError("web.no_login", address=door.bind)
        if door.login_header and not door.proxy_secret:
            raise UsageError("web.no_proxy_secret", header=PROXY_HEADER, variable=PROXY_SECRET)
        self._door = door
        self._cookie = ""
        self.entered = asyncio.Event()

    @abstractmethod
    def _route(self, router: web.UrlDispatcher) -> None:
        """Add what is answered but the page."""

    @abstractmethod
    async def _sweep(self, before: float) -> None:
        """Close what nobody has asked anything of since ``before``, by the clock of :func:`time.monotonic`."""

    @abstractmethod
    async def _end(self) -> None:
        """Close everything."""

    async def start(self) -> str:
        """Listen; return the address to open, with the secret in it where one lets in.

        Raises:
            OutOfReach: the address or the port cannot be had.
        """
        application = web.Application(middlewares=[self._guard], client_max_size=MOST_BYTES)
        application.router.add_get("/", self._page)
        application.router.add_static("/page/", PAGE)
        self._route(application.router)
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
        self._sweeping = asyncio.create_task(self._sweep_now_and_then())
        port = self._runner.addresses[0][1]
        self._cookie = _COOKIE.format(port=port)
        host = f"[{self._door.bind}]" if ":" in self._door.bind else self._door.bind
        return f"http://{host}:{port}/" + ("" if self._door.login_header else f"?token={self._door.token}")

    async def stop(self) -> None:
        """Close everything and stop listening."""
        self._sweeping.cancel()
        await self._runner.cleanup()
        await self._end()

    async def _sweep_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP_S, self._door.idle_s))
            try:
                await self._sweep(time.monotonic() - self._door.idle_s)
            except Exception as error:  # noqa: BLE001 (one that cannot be closed is no reason to close no other)
                print_defect(error)

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    # -- who may ask

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = self._refused(request) or await handler(request)
        except web.HTTPException as error:
            answer = error
        except Meaningless as error:
            answer = bad_request(error)
        except Exception as error:  # noqa: BLE001 (the last place where a defect can be told)
            print_defect(error)
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
        # A name of another site that leads to this machine: its page would be of the same origin.
        if request.url.host not in {"127.0.0.1", "localhost", "::1", self._door.bind, *self._door.hosts}:
            return forbidden
        if self._door.login_header is None and request.path == "/" and self._is_secret(request.query.get("token", "")):
            self.entered.set()
            answer = web.Response(text=_INWARDS, content_type="text/html")
            answer.set_cookie(self._cookie, self._door.token, httponly=True, samesite="Strict")
            return answer
        # Another site's page may send requests here; browsers say so, and JSON it may not send unasked.
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return forbidden
        if request.method == "POST" and request.content_type != "application/json":
            return forbidden
        if self._door.login_header is not None:
            names = request.headers.getall(self._door.login_header, [])
            return None if len(names) == 1 and names[0].strip() and self._is_proxy(request) else forbidden
        return None if self._is_secret(request.cookies.get(self._cookie, "")) else forbidden

    def _is_secret(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "surrogateescape"), self._door.token.encode())

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


class Meaningless(ValueError):
    """A request that cannot be read."""


def bad_request(error: Exception) -> web.Response:
    """Return the answer to a request that no page sends."""
    print_defect(error)
    return web.json_response({"refused": text("web.meaningless")}, status=HTTPStatus.BAD_REQUEST)


def print_defect(error: Exception) -> None:
    """Print where a defect arose, without its message, which may quote what a scan says."""
    where = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(f"{where}{type(error).__name__}\n")
