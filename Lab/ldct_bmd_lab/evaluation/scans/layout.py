"""Real scans in folders, and what is known of each: where its levels lie, its bodies, how good these are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.scan.image_files import FILE_ENDINGS

from ..level_list import BODIES_FILE, LEVELS_FILE, level_of, number, read_levels, rows

IMAGE = "ct"  # with any ending that the engine reads; without such a file the folder itself holds DICOM files
QUALITY_FILE, PATIENTS_FILE = "quality.csv", "patients.csv"
HEIGHTS = ("anterior_mm", "middle_mm", "posterior_mm")


@dataclass(frozen=True)
class BodyQuality:
    """What the maker of a reference body says of it.

    Attributes:
        verdict: "good", "fair", ...
        heights_mm: anterior, middle, posterior, measured directly in the mid-sagittal plane; None where not given.
    """

    verdict: str
    heights_mm: tuple[float | None, float | None, float | None] = (None, None, None)


@dataclass(frozen=True)
class ScanFolder:
    """A scan and what is known of it.

    Attributes:
        name: that of its folder.
        patient: whose scan it is; two scans of one patient are never on both sides of a fold.
        image: whatever :func:`.read_scan` reads.
        levels_z_mm: z (LPS) of the middle of each body, read by eye (+-3 mm, T1 to T3 +-5 mm); empty: not known.
        bodies: reference bodies, VerSe values; None: there are none.
        quality: by level, of the reference bodies.
        levels: the file that ``levels_z_mm`` are from; None: there is none.
    """

    name: str
    patient: str
    image: Path
    levels_z_mm: Mapping[str, float] = field(default_factory=dict)
    bodies: Path | None = None
    quality: Mapping[str, BodyQuality] = field(default_factory=dict)
    levels: Path | None = None


def find_scans(folder: Path) -> list[ScanFolder]:
    """Return the scans in ``folder``, one folder each, by name; UsageError says what is wrong with one."""
    if not folder.is_dir():
        raise UsageError.of_text(f"There is no folder {folder}: name one that holds a folder for each scan.")
    places = sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))
    patients = dict(_patients(folder / PATIENTS_FILE))
    unknown = sorted(set(patients) - {place.name for place in places})
    if unknown:
        raise UsageError.of_text(f"{PATIENTS_FILE} names the scan {unknown[0]}, and {folder} holds no such folder.")
    if not places:
        raise UsageError.of_text(
            f"{folder} holds no scan: it needs a folder for each, with {IMAGE}.nii.gz or DICOM files."
        )
    return [_scan(place, patients.get(place.name, place.name)) for place in places]


def files_of(scan: ScanFolder) -> list[list[str | int]]:
    """Return path, size and time of change of every file of ``scan``: whether one has changed since."""
    place = scan.image if scan.image.is_dir() else scan.image.parent
    files = sorted(file for file in place.rglob("*") if file.is_file())
    return [[str(file.absolute()), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _scan(place: Path, patient: str) -> ScanFolder:
    images = [place / f"{IMAGE}{ending}" for ending in FILE_ENDINGS if (place / f"{IMAGE}{ending}").is_file()]
    bodies = place / BODIES_FILE
    return ScanFolder(
        name=place.name,
        patient=patient,
        image=images[0] if images else place,
        levels=place / LEVELS_FILE if (place / LEVELS_FILE).is_file() else None,
        levels_z_mm=read_levels(place / LEVELS_FILE),
        bodies=bodies if bodies.is_file() else None,
        quality=dict(_quality(place / QUALITY_FILE)),
    )


def _quality(path: Path) -> Iterator[tuple[str, BodyQuality]]:
    for line, row in rows(path, ("level", "verdict")):
        cells = [(row.get(name) or "").strip() for name in HEIGHTS]
        anterior, middle, posterior = (number(path, line, cell) if cell else None for cell in cells)
        yield level_of(path, line, row), BodyQuality(row["verdict"].strip(), (anterior, middle, posterior))


def _patients(path: Path) -> Iterator[tuple[str, str]]:
    for line, row in rows(path, ("scan", "patient")):
        if not (row["scan"].strip() and row["patient"].strip()):
            raise UsageError.of_text(f"Line {line} of {path.name} needs a scan and a patient.")
        yield row["scan"].strip(), row["patient"].strip()
