"""Whether a change leaves what is measured as it was: the records of all real scans and of the demo, before and after.

    python Testing/benchmarks/records.py make BEFORE          (in a clone of the version before)
    python Testing/benchmarks/records.py make AFTER
    python Testing/benchmarks/records.py compare BEFORE AFTER

Numbers must agree to the last digit; those that the order of additions may change, by less than a billionth, are told
apart. Fields that were renamed on purpose are listed in ``RENAMED``, sentences that
became facts in ``RESHAPED``; a sentence that was worded in another way is told apart from a value that changed.
"""

# ruff: noqa: T201

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
NOT_COMPARED = re.compile(
    r"(timing_s\..*|measured_at|schema|software\.version|software\.runtime\..*|files\[\d+\]\..*|voxels_sha256|vertebrae\[\d+\]\.mask_sha256)$"
)
ROUNDING = 1e-9  # of a number; neither a voxel nor a name moves with it
# (pattern of a path before, path after)
RENAMED: tuple[tuple[str, str], ...] = (
    (r"^scan\.(size|spacing_mm|origin_lps_mm|direction)\b", r"scan.geometry.\1"),
    (
        r"^scan\.(kvp|tube_current_ma|exposure_mas|kernel|slice_thickness_mm|manufacturer|model|station|device_serial"
        r"|filter_type|contrast_agent|series_description|study_date|acquisition_date)$",
        r"scan.acquisition.\1",
    ),
    (
        r"^scan\.(kind|series_uid|study_uid|frame_of_reference_uid|accession_number|sop_instance_uids|file_sha256"
        r"|modified|file_name|other_series)\b",
        r"scan.source.\1",
    ),
)
# What was a sentence and is now facts: neither the one nor the others have a counterpart.
RESHAPED = re.compile(
    r"scan\.(source\.)?(choice(\.|$)|other_series\[\d+\]\.unsuitable(\.|$))|quality\.names_remark(\.|$)"
)


def scans(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Return a name and the arguments of ``measure`` for each real scan."""
    from ldct_bmd.scan import list_series

    for place in sorted((data / "real").glob("*/*/ct.nii.gz")):
        yield place.parent.name, [str(place)]
    yield "abdomen_ct_3mm", [str(data / "abdomen_ct_3mm" / "ct.nii.gz")]
    for name in ("chest_ct_dicom", "petct_low_dose_dicom"):
        for number, series in enumerate(one for one in list_series(data / name) if one.unsuitable is None):
            yield f"{name}_{number + 1}", [str(data / name), "--series", series.series_uid]


def make(folder: Path, data: Path) -> None:
    """Measure every scan that is not in ``folder`` yet, with the shipped weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in [*scans(data), ("demo", [])]:
        place = folder / f"{name}.json"
        if place.exists():
            continue
        with tempfile.TemporaryDirectory() as temporary:
            out = Path(temporary) / "out"
            command = ["demo"] if name == "demo" else ["measure", *arguments, "--report"]
            run = subprocess.run(
                [sys.executable, "-m", "ldct_bmd", *command, "-o", str(out)],
                capture_output=True,
                text=True,
                check=False,
            )
            records = sorted(out.rglob("measurement.json"))
            values: dict[str, Any] = {"exit": run.returncode}
            if run.returncode == 0 and len(records) == 1:
                values["record"] = json.loads(records[0].read_text(encoding="utf-8"))
                values["bodies"] = _voxels(records[0].parent / "vertebrae.nii.gz")
            else:
                values["said"] = run.stderr.strip()
            beside = place.with_suffix(".tmp")
            beside.write_text(json.dumps(values, indent=1), encoding="utf-8")
            shutil.move(beside, place)
            print(f"{name}: exit {run.returncode}", flush=True)


def _voxels(path: Path) -> str:
    import SimpleITK as sitk

    return hashlib.sha256(sitk.GetArrayFromImage(sitk.ReadImage(str(path))).tobytes()).hexdigest()


def compare(before: Path, after: Path) -> int:
    """Print what differs; return how many values do, sentences and new fields apart."""
    names = {path.name for folder in (before, after) for path in folder.glob("*.json")}
    wrong = 0
    for name in sorted(names):
        if not (before / name).exists() or not (after / name).exists():
            print(f"{name}: only on one side")
            wrong += 1
            continue
        old = {_renamed(path): value for path, value in _leaves(json.loads((before / name).read_text("utf-8")))}
        new = dict(_leaves(json.loads((after / name).read_text("utf-8"))))
        changed = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
        added = [path for path in changed if path not in old]
        sentences = [path for path in changed if _is_sentence(old.get(path)) and _is_sentence(new.get(path))]
        rounded = [path for path in changed if _is_rounded(old.get(path), new.get(path))]
        differing = len(changed) - len(sentences) - len(added) - len(rounded)
        wrong += differing
        print(
            f"{name}: {len(old)} values, {differing} differ; {len(rounded)} by rounding,"
            f" {len(sentences)} worded otherwise, {len(added)} added"
        )
        for path in (path for path in changed if path not in rounded):
            print(f"    {path}: {old.get(path, 'absent')!r} -> {new.get(path, 'absent')!r}")
    return wrong


def _is_rounded(old: Any, new: Any) -> bool:
    return isinstance(old, float) and isinstance(new, float) and abs(new - old) <= ROUNDING * max(abs(old), abs(new))


def _is_sentence(value: Any) -> bool:
    return isinstance(value, str) and " " in value.strip()


def _renamed(path: str) -> str:
    for pattern, replacement in RENAMED:
        path = re.sub(pattern, replacement, path)
    return path


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return every value that is there, null and empty ones left out, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            inner = key if path in ("", "record") else f"{path}.{key}"
            yield from _leaves(item, inner)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    elif value is not None and not NOT_COMPARED.match(path) and not RESHAPED.match(path):
        yield path, value


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--data", type=Path, default=DATA)
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "make":
        make(arguments.folder, arguments.data)
        return 0
    return 1 if compare(arguments.before, arguments.after) else 0


if __name__ == "__main__":
    sys.exit(_main())
