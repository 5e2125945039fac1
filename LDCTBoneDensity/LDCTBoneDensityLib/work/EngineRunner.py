"""The engine in the background: a process of its own, so that the application stays usable and a cancel is a cancel."""

import json
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import qt

from ldct_bmd.ground.scratch import temporary_folder
from ldct_bmd.words import current_language, text

from ..common.Signal import Signal

_MODULE = Path(__file__).resolve().parents[2]  # holds the engine
_GRACE_MS = 3000  # a little more than the engine takes to end by itself


class EngineRunner:
    """Runs one job at a time.

    Attributes:
        progressed: told of (stage, fraction).
        finished: told of nothing: the folder holds the result.
        failed: told of a sentence.
        cancelled: told of nothing.
        wrote: told of what the engine, or a library in it, wrote.
        remarked: told of a sentence that the engine says by the way.
        folder: the job's folder, while there is one; it is removed with :meth:`clean`.
    """

    def __init__(self) -> None:
        self.progressed, self.finished, self.failed, self.cancelled = Signal(), Signal(), Signal(), Signal()
        self.wrote, self.remarked = Signal(), Signal()
        self.folder: Path | None = None
        self._held = ExitStack()
        self._process: Any = None
        self._lines = b""
        self._sentence = ""
        self._errors = b""
        self._isCancelled = False

    @property
    def isRunning(self) -> bool:
        """Whether a job is under way."""
        return self._process is not None

    def newFolder(self) -> Path:
        """Return an empty folder to lay a job into."""
        self.clean()
        self.folder = self._held.enter_context(temporary_folder())
        return self.folder

    def start(self) -> None:
        """Start the job that was laid into the folder."""
        self._lines, self._errors, self._sentence, self._isCancelled = b"", b"", "", False
        # Without a parent it is Python's alone, and gone, with the application, when it is let go of in its own signal.
        process = qt.QProcess(qt.QCoreApplication.instance())
        process.connect("readyReadStandardOutput()", self._read)
        process.connect("readyReadStandardError()", self._readErrors)
        process.connect("finished(int,QProcess::ExitStatus)", self._ended)
        process.connect("errorOccurred(QProcess::ProcessError)", self._notStarted)
        self._process = process
        # Where the process starts, Python looks for modules: the engine is found without being installed.
        process.setWorkingDirectory(str(_MODULE))
        spoken = ["--language", current_language(), "--face", "panel"]
        process.start(python(), ["-m", "ldct_bmd.jobs", str(self.folder), "--end-with-input", *spoken])

    def cancel(self) -> None:
        """Stop the job; nothing of it is kept."""
        process = self._process
        if process is not None:
            self._isCancelled = True
            # PythonSlicer is a launcher: killed, it would leave the engine running. The engine ends with its input.
            process.closeWriteChannel()
            qt.QTimer.singleShot(_GRACE_MS, lambda: process.kill() if process is self._process else None)

    def abandon(self) -> None:
        """Stop the job without telling anyone, as when the application or the panel goes away."""
        process, self._process = self._process, None
        if process is not None:
            process.closeWriteChannel()
            if not process.waitForFinished(_GRACE_MS):
                process.kill()
                process.waitForFinished(_GRACE_MS)
            process.deleteLater()
        self.clean()

    def clean(self) -> None:
        """Remove the job's folder."""
        self._held.close()
        self.folder = None

    def _read(self) -> None:
        if self._process is None:
            return
        self._lines += _bytes(self._process.readAllStandardOutput())
        *lines, self._lines = self._lines.split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            self._log(line)  # a library's print
            return
        if not isinstance(message, dict):
            return
        if "stage" in message:
            self.progressed.emit(str(message["stage"]), float(message["fraction"]))
        elif "remark" in message:
            self.remarked.emit(str(message["remark"]))
        elif "failed" in message:
            self._sentence = str(message["failed"])

    def _log(self, written: bytes) -> None:
        words = written.decode("utf-8", "replace").strip()
        if words:
            self.wrote.emit(words)

    def _readErrors(self) -> None:
        if self._process is not None:
            written = _bytes(self._process.readAllStandardError())
            self._errors += written
            self._log(written)

    def _ended(self, code: Any = None, status: Any = None) -> None:
        if self._process is None:
            return
        self._read()
        self._readErrors()
        process, self._process = self._process, None
        process.deleteLater()
        if self._isCancelled:
            self.clean()
            self.cancelled.emit()
        elif code == 0 and status == qt.QProcess.NormalExit:
            self.finished.emit()
        else:
            sys.stderr.write(self._errors.decode("utf-8", "replace"))
            self.clean()
            self.failed.emit(self._sentence or text("engine.stopped", code=code))

    def _notStarted(self, error: Any = None) -> None:
        if self._process is None or error != qt.QProcess.FailedToStart:
            return  # what ends a running process is told by finished
        process, self._process = self._process, None
        process.deleteLater()
        self.clean()
        self.failed.emit(text("engine.not_found", program=python()))


def python() -> str:
    """Return Slicer's Python interpreter, or that of this process where it runs in one."""
    return shutil.which("PythonSlicer") or sys.executable


def _bytes(array: Any) -> bytes:
    data = array.data()
    return data if isinstance(data, bytes) else str(data).encode("utf-8")
