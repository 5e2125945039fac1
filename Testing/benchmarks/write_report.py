"""Time and size of all reports of one examination of 512 x 512 x 350 at 1 mm: page, PDF, tables, DICOM objects."""

# ruff: noqa: T201

import argparse
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import machine

TARGET_S, TARGET_SEG_MB = 5.0, 20.0
SLICES = 350
REPEATS = 3


def main() -> None:
    """Make the phantom, measure it on its true bodies and write the reports several times, each output alone too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=SLICES)
    slices = parser.parse_args().slices

    from ldct_bmd.pipeline import measure
    from ldct_bmd.reporting.output import REPORT_OUTPUTS
    from ldct_bmd.reporting.outputs import Pixels, fill_report, source_of
    from ldct_bmd.scan import read_scan
    from ldct_bmd.segmentation.label_map import LabelMapSegmenter
    from ldct_bmd_lab.phantom import PhantomSpec, build_phantom, write_dicom, write_label_map

    warnings.simplefilter("ignore")  # highdicom remarks on the phantom's name
    print(machine.describe(), machine.usual_load(), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        phantom = build_phantom(PhantomSpec(slices=slices))
        write_dicom(phantom, folder / "dicom")
        bodies = write_label_map(phantom, folder / "bodies.nii.gz")
        scan = read_scan(folder / "dicom")
        measured = measure(scan, LabelMapSegmenter(bodies, "verse", "body"))
        examination, column = measured.examination, measured.column
        for repeat in range(REPEATS):
            out = folder / f"out{repeat}"
            out.mkdir()
            with timed(f"all outputs (target {TARGET_S:g} s)"):
                pixels = Pixels(scan, column, source_of(folder / "dicom", scan))
                fill_report(out, examination, pixels)
        with timed("headers"):
            pixels = Pixels(scan, column, source_of(folder / "dicom", scan))
        for output in sorted(REPORT_OUTPUTS):
            alone = folder / output.value
            alone.mkdir()
            with timed(f"{output.value} alone"):
                fill_report(alone, examination, pixels, wanted=[output])
        for path in sorted(path for path in out.rglob("*") if path.is_file()):
            target = f" (target {TARGET_SEG_MB:g} MB)" if path.name == "seg.dcm" else ""
            print(f"{path.relative_to(out)}: {path.stat().st_size / 1e6:.2f} MB{target}")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print wall and processor time of what is done inside."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{what}: {wall:.2f} s, processor {processor:.2f} s", flush=True)


if __name__ == "__main__":
    main()
