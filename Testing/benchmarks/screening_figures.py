"""What a screening programme costs.

    python Testing/benchmarks/screening_figures.py listing            # 100,000 files of 1,000 series, by their headers
    python Testing/benchmarks/screening_figures.py cost SCAN          # of a scan: processor, memory, bytes, statements
    python Testing/benchmarks/screening_figures.py memory SCAN        # of a worker over 200 measurements
    python Testing/benchmarks/screening_figures.py workers SCAN ...   # two workers of one thread next to one, 40 scans
    python Testing/benchmarks/screening_figures.py returned SCAN ...  # from the archive's stable series to the SR back

SCAN is a folder with one CT series.
"""

# ruff: noqa: T201

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import machine
import numpy as np
import psutil
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from sqlalchemy import event

from ldct_bmd.calibration import NOMINAL
from ldct_bmd.jobs.spec import Networks
from ldct_bmd.screening.inputs import find
from ldct_bmd.screening.outcome import Outcome, Task
from ldct_bmd.screening.run import run
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import Store, open_store
from ldct_bmd.screening.work import measure_task

MEGABYTE = 2.0**20
SLICE_BYTES = 526_336  # of 512 x 512 pixels and a header
_UID = "1.2.826.0.1.3680043.8.498.1{:020d}"


def listing(options: argparse.Namespace) -> None:
    """Find the studies in a large tree; the pixels are holes, so that only who reads them pays for them."""
    series, each = options.series, options.files // options.series
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        _write_tree(folder, series, each)
        before, begin = _used(), time.perf_counter()
        found = find([folder], options.processes)
        wall = time.perf_counter() - begin
        cpu, read = (after - ahead for after, ahead in zip(_used(), before, strict=True))
    slices = sum(len(one.files) for one in found)
    print(
        f"{slices} files, {len(found)} studies, {options.processes} processes: {wall:.1f} s, {cpu:.1f} s of processor"
    )
    print(f"{1e6 * cpu / slices:.0f} us a file; {wall / 60:.2f} of the target of 60 s")
    if options.processes == 1:
        print(f"{read / slices:.0f} bytes read a file of {SLICE_BYTES}")


def _write_tree(folder: Path, series: int, each: int) -> None:
    made, places = _header()
    for number in range(series):
        own = folder / f"{number % 100:02d}" / f"{number}"
        own.mkdir(parents=True)
        for instance in range(each):
            content = bytearray(made)
            for name, value in (("study", number), ("series", number), ("instance", number * each + instance)):
                for at in places[name]:
                    content[at : at + 20] = f"{value:020d}".encode()
            with (own / f"{instance}.dcm").open("wb") as stream:
                stream.write(content)
                stream.truncate(len(content) + SLICE_BYTES)


def _header() -> tuple[bytes, dict[str, list[int]]]:
    """Return a slice up to its pixels, and where the last digits of its UIDs stand."""
    from helpers_dicom import as_image, datasets

    (slice_, *_) = datasets(as_image(np.zeros((2, 512, 512), np.int16), (0.7, 0.7, 1.0), (0.0, 0.0, 0.0)))
    marks = {"study": 10**19 + 1, "series": 10**19 + 2, "instance": 10**19 + 3}
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID = _UID.format(marks["study"]), _UID.format(marks["series"])
    slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = _UID.format(marks["instance"])
    slice_.PixelData = b"\0\0" * 512 * 512
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "slice.dcm"
        slice_.save_as(path, enforce_file_format=True)
        content = path.read_bytes()
    content = content[: len(content) - 2 * 512 * 512]
    places = {}
    for name, mark in marks.items():
        digits, places[name] = f"{mark:020d}".encode(), []
        at = content.find(digits)
        while at >= 0:
            places[name].append(at)
            at = content.find(digits, at + 1)
    return content, places


def _used() -> tuple[float, int]:
    """Processor time of this process and its children, and the bytes that this one asked to read."""
    own, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + theirs.ru_utime + theirs.ru_stime
    return cpu, psutil.Process().io_counters().read_chars


def cost(options: argparse.Namespace) -> None:
    """Measure a scan, then once more with everything loaded: that one is told of."""
    (scan,) = options.scans
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        store = open_store(Path(scratch) / "store", make=True)
        statements: list[str] = []
        event.listen(store.database._engine, "after_cursor_execute", lambda *told: statements.append(told[2]))
        for number in range(2):
            folder = _variant(scan, Path(scratch) / f"scan{number}", number)
            statements.clear()
            before, process = psutil.Process().io_counters(), psutil.Process()
            came = _measured(store, folder, options.report)
            after = process.io_counters()
        size = sum(path.stat().st_size for path in (store.folder / "results").rglob("*") if path.is_file()) / 2
        database = sum(path.stat().st_size for path in store.folder.glob("store.db*"))
        read_in = sum(path.stat().st_size for path in folder.rglob("*"))
        slices = len(list(folder.iterdir()))
        store.database.close()
    timings = ", ".join(f"{name} {seconds:.1f}" for name, seconds in came.timing_s.items())
    print(f"{scan.name}, {slices} slices, {read_in / MEGABYTE:.0f} MB: {came.state.value} {came.code or ''}")
    print(f"processor {came.cpu_s:.1f} s of one core (wall, s: {timings}); most memory {_peak_mb():.0f} MB")
    print(
        f"read {(after.read_chars - before.read_chars) / MEGABYTE:.0f} MB, "
        f"written {(after.write_chars - before.write_chars) / MEGABYTE:.0f} MB, kept {size / MEGABYTE:.1f} MB"
    )
    changes = [one for one in statements if one.split()[0] in ("INSERT", "UPDATE", "DELETE")]
    print(
        f"database: {len(statements)} statements, {len(changes)} of them change it, in 4 transactions; {database} bytes"
    )


def _measured(store: Store, folder: Path, report: bool) -> Outcome:
    store.database.enter()
    store.database.add(find([folder], 1))
    (study,) = store.database.claim(1)
    came = measure_task(store.task(study), Networks(), NOMINAL, report, "en")
    store.database.end([(study, came)])
    store.database.leave()
    return came


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(options: argparse.Namespace) -> None:
    """Measure one scan again and again in one process, as a worker does, and print what the process holds."""
    (scan,) = options.scans
    process, files = psutil.Process(), tuple(sorted(str(path) for path in scan.iterdir()))
    held: list[float] = []
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        for number in range(options.times):
            task = Task(f"{number}", str(scan), files, None, scratch, "result")
            came = measure_task(task, Networks(), NOMINAL, options.report, "en")
            held.append(process.memory_info().rss / MEGABYTE)
            if number % 10 == 9:
                print(f"{number + 1}: {held[-1]:.0f} MB, peak {_peak_mb():.0f} MB, {came.state.value}", flush=True)
    fifth = max(1, options.times // 10)
    early, late = np.median(held[fifth : 2 * fifth]), np.median(held[-fifth:])
    print(f"from {early:.0f} to {late:.0f} MB: {100 * (late / early - 1):+.1f} % (target 5)")


def workers(options: argparse.Namespace) -> None:
    """Work through the same scans with one worker and with two, in turn."""
    from ldct_bmd.screening.cluster import DaskWorkers, local_cluster

    measure = partial(measure_task, networks=Networks(), calibration=NOMINAL, report=options.report, language="en")
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        places = [
            _variant(options.scans[number % len(options.scans)], Path(scratch) / "in" / str(number), number)
            for number in range(options.times)
        ]
        walls: dict[int, float] = {}
        for count in (1, 2):
            store = open_store(Path(scratch) / f"store{count}", make=True)
            store.database.add(find([Path(scratch) / "in"], 1))
            with local_cluster(count) as client:
                begin = time.perf_counter()
                run(store, DaskWorkers(client, measure), lambda _: None)
                walls[count] = time.perf_counter() - begin
            came = [result for _, result in store.database.newest()]
            measured = sum(one.state == State.MEASURED.value for one in came)
            cpu = sum(one.cpu_s for one in came) / len(came)
            print(
                f"{count} worker(s): {len(came)} of {len(places)} scans, {measured} measured, {walls[count]:.0f} s, "
                f"{cpu:.1f} s of processor each",
                flush=True,
            )
            store.database.close()
    print(f"two workers are {walls[1] / walls[2]:.2f} x as fast (target 1.8); load now {os.getloadavg()[0]:.1f}")


def returned(options: argparse.Namespace) -> None:
    """Have an Orthanc behind TLS watched by two workers; print how long after each stable series its SR was back."""
    from helpers_orthanc import orthanc_in
    from helpers_watching import Watching, wait_until

    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        with orthanc_in(folder, stable_s=1) as orthanc:
            watching = Watching(folder / "store", orthanc, ("--earlier",), ready=False)
            watching.start()
            wait_until(watching.is_at_work, 120.0)
            for number in range(options.times):
                scan = options.scans[number % len(options.scans)]
                orthanc.take(sorted(_variant(scan, folder / "in" / str(number), number).iterdir()))
                wait_until(lambda number=number: len(_back(orthanc)) > number, 300.0)
                seconds = list(_back(orthanc).values())[-1:]
                print(
                    f"{scan.name}: {', '.join(f'{one:.0f} s' for one in seconds) or 'not back'} (target 15)", flush=True
                )
            print(f"ended with status {watching.stop()}")


def _back(orthanc: Any) -> dict[str, float]:
    """Seconds from a study's stable CT series to its SR, by study, in the order of the SRs (times of whole seconds)."""
    stable: dict[str, datetime] = {}
    back: dict[str, float] = {}
    for change in orthanc.json("/changes?limit=100000")["Changes"]:
        if change["ChangeType"] != "StableSeries" or change["ResourceType"] != "Series":
            continue
        about = orthanc.json(f"/series/{change['ID']}")
        if about["MainDicomTags"]["Modality"] == "CT":
            stable[about["ParentStudy"]] = _time(change["Date"])
    for name in orthanc.names("/series"):
        about = orthanc.json(f"/series/{name}")
        if about["MainDicomTags"]["Modality"] == "SR" and about["ParentStudy"] in stable:
            received = orthanc.json(f"/instances/{about['Instances'][0]}/metadata?expand")["ReceptionDate"]
            back[about["ParentStudy"]] = (_time(received) - stable[about["ParentStudy"]]).total_seconds()
    return dict(sorted(back.items(), key=lambda pair: stable[pair[0]]))


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%S")


def _variant(scan: Path, folder: Path, number: int) -> Path:
    """Write a scan as that of another patient, moved sideways by a few pixels; return its folder."""
    folder.mkdir(parents=True)
    uids: dict[str, str] = {}
    for path in sorted(scan.iterdir()):
        slice_ = pydicom.dcmread(path)
        _rename(slice_, number, uids)
        if number and not slice_.file_meta.TransferSyntaxUID.is_encapsulated:
            moved = np.roll(slice_.pixel_array, number % 7 - 3, axis=1)
            slice_.PixelData = np.ascontiguousarray(moved).tobytes()
        slice_.save_as(folder / path.name)
    return folder


def _rename(slice_: Dataset, number: int, uids: dict[str, str]) -> None:
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID"):
        old = str(slice_.get(keyword, ""))
        new = uids.setdefault(old, generate_uid(entropy_srcs=[old, str(number)]))
        setattr(slice_, keyword, new)
    slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID
    slice_.PatientID = f"variant {number}"


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways: dict[str, Callable[[argparse.Namespace], None]] = {
        "listing": listing,
        "cost": cost,
        "memory": memory,
        "workers": workers,
        "returned": returned,
    }
    parser.add_argument("figure", choices=ways)
    parser.add_argument("scans", type=Path, nargs="*")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2, help="that list")
    parser.add_argument(
        "--times", type=int, help="measurements  [default: 200 for memory, 40 for workers, 6 for returned]"
    )
    parser.add_argument("--report", action="store_true", help="write report and DICOM objects, too")
    parser.add_argument("--scratch", type=Path, help="a folder for what is written meanwhile")
    options = parser.parse_args()
    options.times = options.times or {"memory": 200, "returned": 6}.get(options.figure, 40)
    print(machine.describe(), machine.usual_load(), sep="\n", flush=True)
    ways[options.figure](options)


if __name__ == "__main__":
    main()
