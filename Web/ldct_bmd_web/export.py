"""Exports of a review in a process of their own: the page stays quick, and what a job needs of memory goes with it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ldct_bmd.ground.scratch import temporary_folder
from ldct_bmd.jobs.folder import OUT
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reporting.output import Output
from ldct_bmd.words import current_language, text

from .case import Case

FACE = "browser"  # how the catalogue of words knows the page


class NotDone(Exception):
    """An export that failed, with the sentence that its process said."""


@asynccontextmanager
async def exported(
    case: Case, destination: Destination, outputs: tuple[Output, ...], pacs: str = ""
) -> AsyncIterator[Path]:
    """Make ``outputs`` of a case, and give the folder that they are in unless they went elsewhere.

    Raises:
        UsageError: the result folder was changed since it was opened.
        NotDone: the job failed.
    """
    with temporary_folder() as job:
        await asyncio.to_thread(case.lay_export, job, destination, outputs, pacs)
        await _run(job)
        yield job / OUT


async def _run(job: Path) -> None:
    command = [sys.executable, "-m", "ldct_bmd.jobs", str(job), "--face", FACE, "--language", current_language()]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--end-with-input",  # with this process, however that ends
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback may quote what the scan says
    )
    said: dict[str, Any] = {}
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            said = json.loads(line)
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "done" not in said:
        raise NotDone(said.get("failed") or text("engine.stopped", code=code))
