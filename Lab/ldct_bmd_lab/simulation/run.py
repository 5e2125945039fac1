"""Running a plan over processes, going on where a killed run stopped, and writing its CSV."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from ldct_bmd import __version__
from ldct_bmd.ground.atomic import write_file, writing
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.segmentation import Segmenter

from ..ground.csv_rows import write_rows
from ..ground.journal import Journal, drop_if_written, other_arguments
from .conditions import Field
from .one_scan import ScanResult, measure_scan
from .plan import PlannedScan

STAGE, WORK = "Simulating", "simulation"
KVP = 120  # PhantomSpec's own

_segmenter: Segmenter | None = None


def simulate(
    plan: Sequence[PlannedScan],
    file: Path,
    field: Field,
    exact_masks: bool = False,
    processes: int = 1,
    overwrite: bool = False,
    progress: Progress = silent,
) -> tuple[ScanResult, ...]:
    """Make and measure every scan of the plan and write ``file``; the same plan gives the same file.

    Raises:
        UsageError: the file can't be written, or an unfinished run of other scans is in the way.
        CannotMeasure: the networks' weights are missing.
    """
    with writing(file):
        drop_if_written(file)
        _check_file(file, overwrite)
        return _simulate(plan, file, field, exact_masks, processes, progress)


def _simulate(
    plan: Sequence[PlannedScan], file: Path, field: Field, exact_masks: bool, processes: int, progress: Progress
) -> tuple[ScanResult, ...]:
    if processes < 1:
        raise UsageError.of_text("--processes is the number of scans measured at a time, 1 or more.")
    if field is Field.SPINE and not exact_masks:
        raise UsageError.of_text(
            "--field spine shows too little for the networks: add --exact-masks, or take the trunk."
        )
    journal = Journal(
        file,
        ScanResult,
        {
            "version": __version__,
            "field": field.value,
            "model": "exact masks" if exact_masks else _network().identity.sha256,
            # Not the whole plan: a longer one of the same scans goes on with what a shorter one left.
            "first": plan[0].sha256,
        },
        WORK,
    )
    # Scans may bear the same names and differ in their conditions.
    if any(scan.name in journal.results and journal.results[scan.name].planned_sha256 != scan.sha256 for scan in plan):
        raise other_arguments(file, WORK)
    todo = [scan for scan in plan if scan.name not in journal.results]
    progress(STAGE, 1 - len(todo) / len(plan))
    for number, result in enumerate(_results(todo, field, exact_masks, min(processes, max(len(todo), 1))), start=1):
        journal.add(result)
        progress(STAGE, 1 - (len(todo) - number) / len(plan))
    results = tuple(journal.results[scan.name] for scan in plan)
    _write(file, plan, results)
    journal.remove()
    return results


def _results(plan: Sequence[PlannedScan], field: Field, exact: bool, processes: int) -> Iterator[ScanResult]:
    """Yield results as they come."""
    if processes == 1:
        _prepare(exact)
        for scan in plan:
            yield _measure(scan, field)
        return
    with _workers(processes, exact) as executor:
        futures = [executor.submit(_measure, scan, field) for scan in plan]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise CannotMeasure.of_text(
                "A process was killed, perhaps for want of memory: run again with fewer --processes; "
                "what was measured is kept."
            ) from error


@contextmanager
def _workers(processes: int, exact: bool) -> Iterator[ProcessPoolExecutor]:
    """Give processes that end at once when the work is broken off, and not after the scan in hand."""
    before = set(multiprocessing.active_children())
    # Spawned, not forked: a forked child may hang in a lock that a thread of its parent held.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare_worker, initargs=(exact,))
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    executor.shutdown()


def _prepare_worker(exact: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _prepare(exact)


def _prepare(exact: bool) -> None:
    """Load the networks once a process. One thread, so that results don't depend on how many processes there are."""
    global _segmenter
    _segmenter = None
    if not exact:
        _segmenter = _network(threads=1)


def _network(threads: int | None = None) -> Segmenter:
    from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter

    return NetworkSegmenter(device="cpu", threads=threads)


def _measure(scan: PlannedScan, field: Field) -> ScanResult:
    return measure_scan(scan, field, _segmenter)


def _check_file(file: Path, overwrite: bool) -> None:
    if not file.absolute().parent.is_dir():
        raise UsageError.of_text(f"The folder {file.absolute().parent} does not exist; make it first.")
    if file.is_dir():
        raise UsageError.of_text(f"{file} is a folder; name a file with -o.")
    if file.exists() and not overwrite:
        raise UsageError.of_text(f"The file {file} exists; name another one with -o, or add --overwrite.")


def _write(file: Path, plan: Sequence[PlannedScan], results: Sequence[ScanResult]) -> None:
    rows = [row for scan, result in zip(plan, results, strict=True) for row in _rows(scan, result)]
    write_file(file, lambda partial: write_rows(partial, rows))


def _rows(scan: PlannedScan, result: ScanResult) -> Iterator[dict[str, object]]:
    for one in result.levels:
        yield {
            "patient": scan.patient.name,
            "level": one.level,
            "bmd_predicted": None if one.predicted is None else round(one.predicted, 4),
            "bmd_reference": round(one.reference, 4),
            "sex": scan.patient.sex,
            "age": scan.patient.age_years,
            "kvp": KVP,
            "repeat": scan.repeat,
            "simulated": True,
            "noise_hu": round(scan.conditions.noise_hu, 1),
            "thickness_mm": scan.conditions.thickness_mm,
            "kernel_fwhm_mm": round(scan.conditions.kernel_fwhm_mm, 2),
            "names_certain": result.names_certain,
            "name_right": one.name_right,
            "findings": "; ".join(result.findings),
        }
