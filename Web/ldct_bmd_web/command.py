"""``ldct-bmd review``."""

import asyncio
import os
import re
import signal
import webbrowser
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldct_bmd.cli.terminal import exit_codes, output, progress_bar, say
from ldct_bmd.ground.scratch import made_in, sweep, temporary_folder
from ldct_bmd.words import text

if TYPE_CHECKING:
    from .door import Door, Listener
    from .session import Served

_FOLDER = "ldct-bmd-review-{}"
_LEADING = (
    '<!DOCTYPE html><meta charset="utf-8"><title>LDCT Bone Density</title><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="refresh" content="0;url={address}">'
)
_COMING_IN_S = 120.0  # a browser that is started by hand in the meantime still finds the file


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
    reference: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A population with which the reports compare the patient (Z-score)."),
    ] = None,
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
        from .door import PROXY_SECRET, Door
        from .opening import served

        with progress_bar() as progress:
            what = served(path, input_, folder, key, pacs, progress, reference)
        secret = os.environ.get(PROXY_SECRET, "")
        door = Door(
            bind, port, login_header, reader, 60.0 * idle, hosts=tuple(map(str.lower, host or ())), proxy_secret=secret
        )
        asyncio.run(_serve(_listener(what, key, door), browser))


def _listener(what: "Served", key: Path | None, door: "Door") -> "Listener":
    """Return what serves one reader here, or several behind a proxy."""
    if door.login_header is None:
        from .server import Server

        return Server(what, door)
    from .launcher import Launcher

    return Launcher(what, key, door)


async def _serve(listener: "Listener", opens_browser: bool) -> None:
    address = await listener.start()
    say(output(), text("web.listening", address=address))
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # on Windows Ctrl+C interrupts
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    opening = asyncio.create_task(_open(address, listener.entered)) if opens_browser else None
    try:
        await stopped.wait()
    finally:
        if opening is not None:
            opening.cancel()
        try:
            await asyncio.gather(*filter(None, [opening]), return_exceptions=True)
        finally:
            await listener.stop()


async def _open(address: str, entered: asyncio.Event) -> None:
    """Open a browser at an address.

    What a browser is started with is seen by everyone on this machine. So one that holds a secret stands in a file that
    this user alone can read, until the browser has come in.
    """
    if "?" not in address:
        await asyncio.to_thread(webbrowser.open, address)
        return
    # Browsers that come as snaps see nothing but the home folder, and there no hidden file.
    with suppress(RuntimeError):
        sweep(Path.home(), re.compile(_FOLDER.format("[0-9a-f]{32}")))
    with ExitStack() as held:
        try:
            folder = held.enter_context(made_in(Path.home(), _FOLDER.format))
        except (OSError, RuntimeError):  # there is none, or it cannot be written
            folder = held.enter_context(temporary_folder())
        file = folder / "review.html"
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as written:
            written.write(_LEADING.format(address=address))
        await asyncio.to_thread(webbrowser.open, file.as_uri())
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(entered.wait(), _COMING_IN_S)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("review")(review)
