"""Several readers: each has a server in a process of its own, and what befalls one is nothing to the others."""

import asyncio
import json
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from ldct_bmd.words import current_language, text

from .door import PROXY_HEADER, Door, Listener
from .session import Left, Served

LOGIN = "X-LDCT-BMD-Reader"
_PASSED_ON = ("Content-Type", "Content-Security-Policy", "Content-Disposition")
_END_S = 20.0


class _Ended(Exception):
    """A reader's process that is not there any more, or did not start."""


class _NotServed(Exception):
    """What is served cannot be, with the sentence why: a folder that is gone, a key that cannot be read."""


@dataclass
class _Reader:
    """A reader, and the process that serves them if there is one."""

    left: Left = field(default_factory=lambda: Left(current_language()))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # starts and ends one process at a time
    process: asyncio.subprocess.Process | None = None
    address: str = ""
    secret: str = ""
    asked_at: float = 0.0
    waiting: int = 0


class Launcher(Listener):
    """Lets readers in, and hands on what each asks for to the process that serves them.

    Args:
        key: the file of the site's private key that signs too.
    """

    def __init__(self, served: Served, key: Path | None, door: Door) -> None:
        super().__init__(door)
        self._served, self._key = served, key
        self._readers: dict[str, _Reader] = {}

    async def start(self) -> str:
        """Listen; see :meth:`.Listener.start`."""
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False)
        try:
            return await super().start()
        except BaseException:
            await self._client.close()
            raise

    def processes(self) -> dict[str, int]:
        """Return the process of each reader who has one."""
        return {name: one.process.pid for name, one in self._readers.items() if one.process is not None}

    def _route(self, router: web.UrlDispatcher) -> None:
        router.add_get("/report", self._handed_on)
        router.add_post("/api/{what}", self._handed_on)

    async def _handed_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        reader = self._readers.setdefault(self._name(request), _Reader())
        reader.waiting += 1
        try:
            return await self._answer(request, body, reader)
        except _NotServed as refusal:
            return web.json_response({"refused": str(refusal)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        except _Ended:
            said = {"refused": text("web.defect")}
            return web.json_response(said, status=HTTPStatus.INTERNAL_SERVER_ERROR)
        finally:
            reader.waiting -= 1
            reader.asked_at = time.monotonic()

    async def _answer(self, request: web.Request, body: bytes, reader: _Reader) -> web.StreamResponse:
        async with reader.lock:
            if reader.process is None:
                await self._begin(self._name(request), reader)
            process, address, secret = reader.process, reader.address, reader.secret
        headers = {LOGIN: "1", PROXY_HEADER: secret}
        if request.method == "POST":
            headers["Content-Type"] = "application/json"
        try:
            asked = self._client.request(request.method, address + request.raw_path, data=body, headers=headers)
            async with asked as answer:
                kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except aiohttp.ClientError as error:
            async with reader.lock:
                if reader.process is process:  # not yet another
                    await _end(reader)
            raise _Ended from error

    async def _begin(self, name: str, reader: _Reader) -> None:
        """Start a reader's process; what it must know does not stand in its command line."""
        reader.secret = secrets.token_urlsafe(24)
        order = {
            "path": str(self._served.path),
            "scan": None if self._served.scan is None else str(self._served.scan),
            "key": None if self._key is None else str(self._key),
            "pacs": self._served.pacs,
            "reference": None if self._served.reference is None else str(self._served.reference),
            "reader": name,
            "secret": reader.secret,
            "left": asdict(reader.left),
        }
        command = (sys.executable, "-m", "ldct_bmd_web.reader")
        pipe = asyncio.subprocess.PIPE
        reader.process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        assert reader.process.stdin is not None
        assert reader.process.stdout is not None
        with suppress(ConnectionError):
            reader.process.stdin.write(json.dumps(order).encode() + b"\n")
            await reader.process.stdin.drain()
        said = _read(await reader.process.stdout.readline())
        if "address" not in said:
            await _end(reader)
            raise _NotServed(said["refused"]) if "refused" in said else _Ended
        reader.address = said["address"].rstrip("/")

    async def _sweep(self, before: float) -> None:
        for reader in list(self._readers.values()):  # others may come in meanwhile
            if reader.process is not None and reader.asked_at < before and not reader.waiting:
                async with reader.lock:
                    await _end(reader)

    async def _end(self) -> None:
        await asyncio.gather(*map(_end, self._readers.values()))
        await self._client.close()


async def _end(reader: _Reader) -> None:
    """End a reader's process, if there is one that runs, and keep where the reader was."""
    process, reader.process = reader.process, None
    if process is None:
        return
    try:
        out, _ = await asyncio.wait_for(process.communicate(b""), _END_S)  # closes its input, which ends it
        if process.returncode == 0 and (said := _read(out)):
            reader.left = Left(**said)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()


def _read(line: bytes) -> dict[str, Any]:
    """Return the JSON object in a line; an empty one if the process ended before it wrote one."""
    return dict(json.loads(line)) if line.strip() else {}
