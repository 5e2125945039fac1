"""``python -m ldct_bmd_web.reader``: the process of one reader, for a :class:`.Launcher` that gives it its order.

The order is a line of JSON on standard input; the address is said as one on standard output, or why there is none, and
when the input ends, however the launcher ended, where the reader was.
"""

import asyncio
import json
import math
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import silent
from ldct_bmd.words import speaking

from .door import Door
from .export import FACE
from .launcher import LOGIN
from .opening import served
from .server import Server
from .session import Left


async def _serve(order: dict[str, Any]) -> None:
    scan, key, population = (
        None if order[name] is None else Path(order[name]) for name in ("scan", "key", "reference")
    )
    left = Left(**order["left"])
    with speaking(left.language, FACE):
        try:
            what = served(Path(order["path"]), scan, None, key, order["pacs"], silent, population)
        except (UsageError, CannotMeasure) as refusal:
            _say({"refused": str(refusal)})
            return
    # The launcher says when nobody has asked for too long.
    door = Door(login_header=LOGIN, reader=order["reader"], idle_s=math.inf, proxy_secret=order["secret"])
    server = Server(what, door)
    server.session.resume(left)
    _say({"address": await server.start()})
    await asyncio.to_thread(sys.stdin.read)
    now = server.session.left()
    await server.stop()
    _say(asdict(now))


def _say(said: dict[str, Any]) -> None:
    assert sys.__stdout__ is not None
    sys.__stdout__.write(json.dumps(said) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    sys.stdout = sys.stderr  # nothing else is said to the launcher
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the launcher, which then ends this
    asyncio.run(_serve(json.loads(sys.stdin.readline())))
