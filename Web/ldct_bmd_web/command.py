"""``ldct-bmd review``."""

import asyncio
import os
import signal
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldct_bmd.cli.terminal import exit_codes, output, progress_bar, say
from ldct_bmd.words import text

if TYPE_CHECKING:
    from .server import Server


def review(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A result folder, a folder or store of results, a worklist, or a scan."),
    ],
    input_: Annotated[
        Path | None, typer.Option("--input", metavar="SCAN", help="Where the scan is, if no worklist says so.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Where the result of a scan is, or goes.")
    ] = None,
    reader: Annotated[str, typer.Option(metavar="NAME", help="Who reads; may be typed in the page.")] = "",
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The site's private Ed25519 key, in PEM, which signs too.")
    ] = None,
    pacs: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to send: https://... of DICOMweb, or TITLE@HOST:PORT.")
    ] = "",
    port: Annotated[int, typer.Option(metavar="N", help="0: a free one.")] = 0,
    bind: Annotated[str, typer.Option(metavar="ADDRESS", help="Listen here; not without a login.")] = "127.0.0.1",
    login_header: Annotated[
        str | None, typer.Option(metavar="NAME", help="The header in which a proxy names who logged in.")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name of this server, as a proxy hands it on; repeatable."),
    ] = None,
    idle: Annotated[float, typer.Option(metavar="MINUTES", help="Close a session that nobody uses.")] = 30.0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser on this machine.")] = True,
) -> None:
    """Review results in a browser: look, correct, sign."""
    with exit_codes():
        from .opening import served
        from .server import PROXY_SECRET, Door, Server

        with progress_bar() as progress:
            what = served(path, input_, folder, key, pacs, progress)
        secret = os.environ.get(PROXY_SECRET, "")
        door = Door(
            bind, port, login_header, reader, 60.0 * idle, hosts=tuple(map(str.lower, host or ())), proxy_secret=secret
        )
        asyncio.run(_serve(Server(what, door), browser))


async def _serve(server: "Server", opens_browser: bool) -> None:
    address = await server.start()
    say(output(), text("web.listening", address=address))
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # on Windows Ctrl+C interrupts
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        if opens_browser:
            await asyncio.to_thread(webbrowser.open, address)
        await stopped.wait()
    finally:
        await server.stop()


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("review")(review)
