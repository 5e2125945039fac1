"""Time and size of all reports of one examination of 512 x 512 x 350 at 1 mm: page, PDF, tables, DICOM objects."""

# ruff: noqa: T201

import argparse
import tempfile
import time
from pathlib import Path

import machine

TARGET_S, TARGET_SEG_MB = 5.0, 20.0
SLICES = 350
REPEATS = 3


def main() -> None:
    """Make the phantom, measure it on its true bodies and write the reports several times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=SLICES)
    slices = parser.parse_args().slices

    from ldct_bmd.pipeline import measure
    from ldct_bmd.reporting.outputs import Pixels, fill_report, source_of
    from ldct_bmd.scan import read_scan
    from ldct_bmd.segmentation.label_map import LabelMapSegmenter
    from ldct_bmd.validation.phantom import PhantomSpec, build_phantom, write_dicom, write_label_map

    print(machine.describe(), machine.usual_load(), sep="\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        phantom = build_phantom(PhantomSpec(slices=slices))
        write_dicom(phantom, folder / "dicom")
        bodies = write_label_map(phantom, folder / "bodies.nii.gz")
        scan = read_scan(folder / "dicom")
        measured = measure(scan, LabelMapSegmenter(bodies, "verse", "body"))
        for repeat in range(REPEATS):
            out = folder / f"out{repeat}"
            out.mkdir()
            wall, processor = time.perf_counter(), time.process_time()
            pixels = Pixels(scan, measured.column, source_of(folder / "dicom", scan))
            fill_report(out, measured.examination, pixels)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            print(f"all outputs: {wall:.2f} s, processor {processor:.2f} s (target {TARGET_S:g} s)")
        for path in sorted(path for path in out.rglob("*") if path.is_file()):
            target = f" (target {TARGET_SEG_MB:g} MB)" if path.name == "seg.dcm" else ""
            print(f"{path.relative_to(out)}: {path.stat().st_size / 1e6:.2f} MB{target}")


if __name__ == "__main__":
    main()
