"""Studies for an archive, and a watcher in a process of its own whose measurements are quick.

python helpers_watching.py ARGUMENT...    (the command line; bodies are those that the studies were drawn with)
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import SimpleITK as sitk

from helpers_dicom import as_image, datasets, save
from helpers_orthanc import PASSWORD, USER, Orthanc
from helpers_report import HEADER
from helpers_spine import ReadySegmenter, spine_bodies, spine_scan
from ldct_bmd.reporting.pacs.credentials import PASSWORD_VARIABLE, USER_VARIABLE
from ldct_bmd.screening import work
from ldct_bmd.screening.outcome import Outcome, Task

_ready = cache(lambda: ReadySegmenter(spine_bodies()))


def write_study(folder: Path, number: int, volume: Path | None = None, **tags: Any) -> list[Path]:
    """Write T11 to L3, or the CT of a file, as the scan of a patient of their own; return the files."""
    scan = spine_scan()
    image = as_image(scan.hu, scan.geometry.spacing_mm, scan.geometry.origin_lps_mm)
    if volume is not None:
        image = sitk.Cast(sitk.DICOMOrient(sitk.ReadImage(str(volume)), "LPS"), sitk.sitkInt16)
    root = f"1.2.826.0.1.3680043.8.498.7.{number}"
    uids = {"StudyInstanceUID": f"{root}.1", "SeriesInstanceUID": f"{root}.2", "FrameOfReferenceUID": f"{root}.3"}
    person = {"PatientID": f"P-{number}", "PatientName": f"Secret^Name{number}", "AccessionNumber": f"A{number}"}
    made = datasets(image, **{**HEADER, **uids, **person, **tags})
    for place, one in enumerate(made):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{root}.4.{place}"
    save(made, folder)
    return sorted(folder.iterdir())


def measure_ready(task: Task, **options: Any) -> Outcome:
    """Measure with bodies at hand in place of the networks."""
    with patch.object(work, "loaded", lambda _: _ready()):
        return work.measure_task(task, **options)


def prepare_ready(_: Any) -> None:
    """Load nothing: the bodies are at hand."""


def own_objects(orthanc: Orthanc) -> dict[str, list[str]]:
    """The modalities of the series in the archive that no scanner made, by study."""
    found: dict[str, list[str]] = {}
    for name in orthanc.names("/series"):
        about = orthanc.json(f"/series/{name}")
        study = orthanc.json(f"/studies/{about['ParentStudy']}")["MainDicomTags"]["StudyInstanceUID"]
        modality = about["MainDicomTags"]["Modality"]
        if modality != "CT":
            found.setdefault(study, []).extend([modality] * len(about["Instances"]))
    return {study: sorted(modalities) for study, modalities in found.items()}


@dataclass
class Watching:
    """The command ``watch`` in a process of its own, with two workers; it may be killed and started again."""

    store: Path
    orthanc: Orthanc
    options: tuple[str, ...] = ()
    ready: bool = True
    log: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    begun: int = 0

    def __post_init__(self) -> None:
        self.log = self.store.parent / "watch.log"

    def start(self) -> None:
        """Start it."""
        self.begun = self.said().count("Watch the workers") if self.log.is_file() else 0
        program = [__file__] if self.ready else ["-m", "ldct_bmd"]
        arguments = ["watch", self.orthanc.web, "--store", str(self.store), "--ca", str(self.orthanc.certificate)]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            USER_VARIABLE: USER,
            PASSWORD_VARIABLE: PASSWORD,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, *arguments, "--workers", "2", *self.options],
                env=environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Kill it and its workers without a warning, as a machine that stops does."""
        assert self.process is not None
        family = [*self.workers(), psutil.Process(self.process.pid)]
        for one in family[::-1]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()

    def is_at_work(self) -> bool:
        """Whether its workers have started; it is started again if it ended, as a system's service is."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        return self.said().count("Watch the workers") > self.begun

    def kill_worker(self) -> bool:
        """Kill one worker; whether there was one."""
        workers = [one for one in self.workers() if "spawn_main" in " ".join(one.cmdline())]
        for one in workers[:1]:
            one.kill()
        return bool(workers)

    def workers(self) -> list[psutil.Process]:
        """All processes that it started."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        """End it as a system does that shuts down; return the exit status."""
        if self.process is None or self.process.poll() is not None:
            return -1
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def wait_until(what: Any, seconds: float) -> bool:
    """Whether ``what()`` came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.3)
    return bool(what())


if __name__ == "__main__":
    import helpers_watching
    import ldct_bmd.cli.screening as commands

    commands.measure_task = helpers_watching.measure_ready
    commands.prepare = helpers_watching.prepare_ready
    commands.model_of = lambda _: "ready"
    from ldct_bmd.cli import main

    main()
