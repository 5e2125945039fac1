"""A review served to tests: results of one small scan, the server in a thread, and requests as its page makes them."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from helpers_cli import environment as of_the_engine
from helpers_report import make_case
from ldct_bmd.examination import Examination
from ldct_bmd.reporting.opened import record_in
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import write_outputs
from ldct_bmd.voi import CylinderVOI
from ldct_bmd_web.door import Door, Listener
from ldct_bmd_web.server import Server
from ldct_bmd_web.session import Served
from places import WEB

READER = "Dr. Reader"


def make_result(folder: Path, outputs: frozenset[Output] = frozenset({Output.RECORD}), **tags: Any) -> Path:
    """Write a DICOM scan to ``folder``/scan and its result to ``folder``/result, which is returned."""
    case = make_case(folder / "scan", **tags)
    result = folder / "result"
    write_outputs(result, case.examination, case.pixels, (), outputs)
    return result


class Page:
    """Asks as the page does; ``headers`` go with every request."""

    def __init__(self, address: str, **headers: str) -> None:
        self.address, self.headers = address.partition("?")[0], headers
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.state: dict[str, Any] = {}
        if "?" in address:
            self.get(address)

    def get(self, url: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and content of an address."""
        full = url if "://" in url else self.address + url.lstrip("/")
        return self._send(urllib.request.Request(full, headers={**self.headers, **headers}))

    def post(self, what: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
        """Return status and answer of a request; a state that comes with it is kept."""
        return self.send(what, json.dumps(body or {}).encode(), **headers)

    def send(self, what: str, data: bytes, **headers: str) -> tuple[int, Any]:
        """Return as :meth:`post` does, of a request that holds ``data``."""
        sent = {"Content-Type": "application/json", **self.headers, **headers}
        status, _, content = self._send(urllib.request.Request(f"{self.address}api/{what}", data, sent))
        said: Any = json.loads(content) if content[:1] in (b"{", b"[") else {}
        if "revision" in said:
            self.state = said
        return status, said

    def load(self) -> dict[str, Any]:
        """Load the state."""
        assert self.post("state")[0] == 200, self.state.get("refused")
        return self.state

    def change(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Ask for a change of the state that this page shows."""
        case = self.state["case"]
        number = None if case is None else case["number"]
        return self.post(path, {"revision": self.state["revision"], "case": number, **body})

    def do(self, what: str, **body: Any) -> dict[str, Any]:
        """Ask for a correction that must be made."""
        status, said = self.change("do", what=what, **body)
        assert status == 200, said.get("refused")
        return said

    def _send(self, request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
        try:
            with self._opener.open(request, timeout=120) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()


@contextmanager
def listening(listener: Listener) -> Iterator[str]:
    """Let it listen in a thread; give the address, with the secret in it where one lets in."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    address = asyncio.run_coroutine_threadsafe(listener.start(), loop).result(30)
    try:
        yield address
    finally:
        asyncio.run_coroutine_threadsafe(listener.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def serving(served: Served, door: Door | None = None) -> Iterator[tuple[str, Server]]:
    """Serve one reader; give the address, with the secret in it, and the server."""
    server = Server(served, Door(reader=READER) if door is None else door)
    with listening(server) as address:
        yield address, server


def environment() -> dict[str, str]:
    """The variables with which a process of its own finds this checkout."""
    return {**of_the_engine(), "PYTHONPATH": os.pathsep.join([str(WEB), of_the_engine()["PYTHONPATH"]])}


@dataclass(frozen=True)
class Started:
    """``ldct-bmd review`` in a process of its own, with the address that it printed."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def printed(self) -> str:
        """All that it printed."""
        return self.log.read_text(encoding="utf-8")


@contextmanager
def command(*arguments: object, **variables: str) -> Iterator[Started]:
    """Run ``ldct-bmd review`` with further variables of the environment."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "ldct_bmd_web", *map(str, arguments)],
                env={**environment(), **variables},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + 60
            while not (found := re.search(r"http://\S+", log.read_text(encoding="utf-8"))):
                assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
                assert process.poll() is None, log.read_text(encoding="utf-8")
                time.sleep(0.05)
            yield Started(process, found[0], log)
        finally:
            process.kill()
            process.wait()


SECRET = "of the proxy \u00e4"
LOGIN = Door(login_header="X-Reader", idle_s=3600.0, proxy_secret=SECRET)


def proxied(address: str, reader: str, **headers: str) -> Page:
    """A page behind a proxy that knows the secret."""
    sent = SECRET.encode().decode("latin-1")
    return Page(address, **{"X-Reader": reader, "X-LDCT-BMD-Proxy-Secret": sent, **headers})


def held(folder: Path) -> Examination:
    """The record in a result folder."""
    return record_in(folder)


def voi_of(examination: Examination, level: str) -> CylinderVOI:
    """The VOI of a measured level."""
    measurement = examination.measurement(level)
    assert measurement is not None
    return measurement.voi
