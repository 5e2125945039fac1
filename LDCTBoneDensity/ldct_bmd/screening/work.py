"""Measuring one study in a worker, whose networks are loaded once."""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psutil

from .. import __version__
from ..calibration import Calibration
from ..examination import Examination
from ..ground.clock import now
from ..ground.errors import CannotMeasure, UsageError
from ..ground.lock import locked
from ..ground.progress import silent
from ..ground.quiet import silence_libraries
from ..jobs.measuring import measure_as, network_segmenter
from ..jobs.spec import InputScan, MeasureSpec, Networks, ResultFolder, StoreChoice
from ..reporting.files import RECORD_FILE
from ..rules import RuleSet
from ..segmentation import Segmenter
from ..words import speak, text
from .outcome import Outcome, Task, facts_of, series_of
from .states import State

LONGEST_WAIT_S = 900.0  # for a worker that was lost: more than a measurement takes
_LOOK_AGAIN_S = 1.0
_MEGABYTE = 2.0**20
# Of where the scan comes from and the result goes, not of the scan; what is wrong with a scan is a CannotMeasure.
_OF_THE_PLACE = ("file.", "output.", "archive.", "pacs.")


@cache
def loaded(networks: Networks) -> Segmenter:
    """Return the networks, loaded once a process; UsageError if they cannot be used."""
    return network_segmenter(networks)


def prepare(networks: Networks) -> None:
    """Load what the first measurement with a report would load, which takes 2.5 s of processor."""
    from ..reporting import outputs  # noqa: F401
    from . import archive  # noqa: F401

    loaded(networks)


def model_of(networks: Networks) -> str:
    """Return how the store knows the model: its name and SHA-256."""
    identity = loaded(networks).identity
    return f"{identity.name} {identity.sha256}"


def measure_task(
    task: Task,
    networks: Networks,
    calibration: Calibration | StoreChoice,
    report: bool,
    language: str,
    rules: RuleSet | None = None,
) -> Outcome:
    """Measure one study into its result folder. Whatever goes wrong with it is an outcome, too."""
    silence_libraries()
    speak(language, "cli")
    clock, process = time.process_time(), psutil.Process()
    segmenter, model = loaded(networks), model_of(networks)
    folder = Path(task.store) / task.folder
    fetch_s: dict[str, float] = {}

    def spec(files: tuple[str, ...]) -> MeasureSpec:
        return MeasureSpec(
            InputScan(task.place, task.series, files),
            networks,
            calibration,
            result=ResultFolder(str(folder), overwrite=True, report=report),
            priors=task.priors,
            prior_scans=task.prior_scans,
            rules=rules,
        )

    def outcome(state: State, **more: object) -> Outcome:
        return Outcome(
            state,
            __version__,
            model,
            now(),
            cpu_s=time.process_time() - clock,
            memory_mb=process.memory_info().rss / _MEGABYTE,
            **more,  # type: ignore[arg-type]
        )

    with suppress(OSError):  # measuring tells
        folder.parent.mkdir(parents=True, exist_ok=True)
    _wait_for(folder)
    try:
        with _files(task, fetch_s) as files:
            examination = measure_as(spec(files), silent, segmenter=segmenter).measured.examination
    except (CannotMeasure, UsageError) as refusal:
        # A full disk, or an archive that is away, is no verdict on a study.
        of_the_place = not isinstance(refusal, CannotMeasure) and refusal.code.startswith(_OF_THE_PLACE)
        state = State.FAILED if of_the_place else State.REFUSED
        return outcome(state, code=refusal.code, sentence=str(refusal))
    except MemoryError:
        return outcome(State.FAILED, code="MemoryError", sentence=text("refusal.job.no_memory"))
    except Exception as error:  # noqa: BLE001 (one study's defect stops no other)
        trace = "".join(traceback.format_exception(error))
        code = type(error).__name__
        return outcome(State.FAILED, code=code, sentence=str(CannotMeasure("job.defect", problem=code)), trace=trace)
    return outcome(
        State.MEASURED,
        folder=task.folder,
        facts=facts_of(examination),
        series=series_of(examination),
        timing_s={**fetch_s, **examination.timing_s},
    )


def _wait_for(folder: Path) -> None:
    """Wait until nobody writes a result: a worker that client or scheduler lost measures the same study to its end."""
    until = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < until:
        try:
            with locked(folder):
                return
        except UsageError as error:
            if error.code != "file.in_use":  # measuring tells
                return
        time.sleep(_LOOK_AGAIN_S)


@contextmanager
def _files(task: Task, timing_s: dict[str, float]) -> Iterator[tuple[str, ...]]:
    """Give the files of a study; those of an archive are fetched, and gone after the block."""
    if task.archive is None:
        yield task.files
        return
    from .archive import fetched

    begin = time.perf_counter()
    with fetched(task.archive) as files:
        timing_s["fetch"] = time.perf_counter() - begin
        yield files


def read_result(folder: Path) -> Examination:
    """Read the record of a result folder; UsageError if it cannot be read."""
    try:
        return Examination.from_json((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("screen.result_unreadable", folder=folder.name) from error
