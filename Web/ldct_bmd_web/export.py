"""Exports of a review in a process of their own: the page stays quick, and what a job needs of memory goes with it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldct_bmd.ground.scratch import temporary_folder
from ldct_bmd.jobs.folder import OUT
from ldct_bmd.jobs.spec import Destination
from ldct_bmd.reporting.output import Output
from ldct_bmd.words import current_language, text

from .case import Case

FACE = "browser"  # how the catalogue of words knows the page


@dataclass(frozen=True)
class Made:
    """What a job made.

    Attributes:
        folder: where it is, unless it went elsewhere.
        remarks: what the job said by the way, in sentences.
    """

    folder: Path
    remarks: tuple[str, ...] = ()

    def noted(self, sentence: str) -> str:
        """Return a sentence on the job, with what it said by the way."""
        return " ".join([sentence, *self.remarks])


class NotDone(Exception):
    """An export that failed, with the sentence that its process said."""


@asynccontextmanager
async def exported(
    case: Case, destination: Destination, outputs: tuple[Output, ...], pacs: str = ""
) -> AsyncIterator[Made]:
    """Make ``outputs`` of a case, and give what was made.

    Raises:
        UsageError: the result folder was changed since it was opened.
        NotDone: the job failed.
    """
    with temporary_folder() as job:
        await asyncio.to_thread(case.lay_export, job, destination, outputs, pacs)
        yield Made(job / OUT, await _run(job))


async def _run(job: Path) -> tuple[str, ...]:
    """Run a job in a process of its own; return what it said by the way."""
    command = [sys.executable, "-m", "ldct_bmd.jobs", str(job), "--face", FACE, "--language", current_language()]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--end-with-input",  # with this process, however that ends
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback may quote what the scan says
    )
    said: dict[str, Any] = {}
    remarks: list[str] = []
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            said = json.loads(line)
            remarks += [said["remark"]] if "remark" in said else []
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "done" not in said:
        raise NotDone(said.get("failed") or text("engine.stopped", code=code))
    return tuple(remarks)
