"""What there is to measure: the CT studies and the volume files in folder trees, found by headers alone."""

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ..ground.errors import CannotMeasure, UsageError
from ..ground.quiet import silence_libraries
from ..scan.dicom_headers import read_header
from ..scan.image_files import is_detached_header, is_image_file

_WANTED = ("SOPInstanceUID", "StudyInstanceUID", "PatientID", "StudyDate")
_TAGS = (*_WANTED, "SOPClassUID", "SeriesInstanceUID", "Modality", "SpecificCharacterSet")
_AT_ONCE = 256  # files that a process looks at before it tells
_CT = "CT"
_MANY_FRAMES = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")  # enhanced, and converted to it


@dataclass(frozen=True)
class InArchive:
    """Where a study lies that no folder holds.

    Attributes:
        address: of the archive's DICOMweb service.
        authority: a file with the certificates to trust, in PEM.
    """

    address: str
    study: str
    authority: str | None = None


@dataclass(frozen=True)
class Found:
    """A study, or a volume file.

    Attributes:
        key: what it is, for good.
        place: the folder that holds its files, or the file, or its address.
        files: of a study; empty for a volume file, and in an archive.
        patient: PatientID; None if it has none.
        date: StudyDate as the header writes it; empty if it has none.
        series: the one to measure; None: chosen by rule.
        fingerprint: changes when slices are added or exchanged (in an archive: added).
        archive: None: it is on a drive.
    """

    key: str
    place: str
    fingerprint: str
    files: tuple[str, ...] = ()
    patient: str | None = None
    date: str = ""
    series: str | None = None
    archive: InArchive | None = None

    @property
    def id(self) -> str:
        """16 hexadecimal digits."""
        return sha256(self.key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True)
class _Object:
    """One file: a CT slice (or many frames) by its UIDs, or (without any) a DICOM file that could not be read."""

    file: str
    folder: str
    size: int
    study: str = ""
    series: str = ""
    instance: str = ""
    patient: str = ""
    date: str = ""
    is_slice: bool = False


@dataclass
class _Looked:
    files: int = 0
    objects: list[_Object] = field(default_factory=list)
    volumes: list[tuple[str, int, int]] = field(default_factory=list)


def find(
    places: Sequence[Path],
    processes: int,
    told: Callable[[int], None] = lambda _: None,
    leave_out: Sequence[Path] = (),
) -> list[Found]:
    """Return all CT studies and volume files at ``places``, each once however often it is met.

    Args:
        places: folders, DICOM files, volume files, and manifests (CSV).
        processes: that look at once.
        told: of how many files were looked at.
        leave_out: folders that are not entered.

    Raises:
        UsageError: there is nothing at a place, or a manifest cannot be used.
    """
    rows = [row for place in places for row in _rows(place)]
    found: dict[str, Found] = {}
    for place, series in rows:
        if series is not None:
            for one in _found_at([place], 1, told, leave_out):
                found[one.key] = _of_series(one, series)
    plain = [place for place, series in rows if series is None]
    for one in _found_at(plain, processes, told, leave_out):
        found.setdefault(one.key, one)
    return sorted(found.values(), key=lambda one: (one.date, one.key))


def study_key(study: str, patient: str) -> str:
    """Return what a study is for good, wherever it lies."""
    return f"study\n{study}\n{patient}"


def _of_series(found: Found, series: str) -> Found:
    key, fingerprint = f"{found.key}\n{series}", sha256(f"{found.fingerprint}{series}".encode()).hexdigest()
    return Found(key, found.place, fingerprint, found.files, found.patient, found.date, series)


def _rows(place: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the places that ``place`` stands for, each with the series that a manifest names."""
    if place.suffix.lower() != ".csv":
        yield place, None
        return
    try:
        with place.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError("screen.manifest_unreadable", file=place.name) from error
    for number, row in enumerate(rows, start=2):
        if not row.get("path"):
            raise UsageError("screen.manifest_without_path", file=place.name, line=number)
        yield place.parent / row["path"], (row.get("series") or "").strip() or None


def _found_at(
    places: Sequence[Path], processes: int, told: Callable[[int], None], leave_out: Sequence[Path]
) -> Iterator[Found]:
    looked = _Looked()
    done = 0
    for part in _look_at(_chunks(dict.fromkeys(_files(places, leave_out))), processes):
        looked.objects += part.objects
        looked.volumes += part.volumes
        done += part.files
        told(done)
    yield from _studies(looked.objects)
    for file, size, changed in looked.volumes:
        yield Found(f"file\n{file}", file, sha256(f"{size} {changed}".encode()).hexdigest())


def _files(places: Sequence[Path], leave_out: Sequence[Path]) -> Iterator[str]:
    left_out = {os.path.realpath(folder) for folder in leave_out}
    for place in places:
        if place.is_file():
            yield str(place.absolute())
            continue
        if not place.is_dir():
            raise UsageError("scan.nothing_there", path=place)
        for root, folders, names in os.walk(place.absolute(), onerror=_refuse):
            folders[:] = sorted(name for name in folders if os.path.realpath(Path(root) / name) not in left_out)
            yield from (str(Path(root) / name) for name in sorted(names))


def _refuse(error: OSError) -> None:
    raise UsageError("scan.folder_not_opened", folder=str(error.filename), reason=error.strerror) from error


def _chunks(files: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for file in files:
        chunk.append(file)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _look_at(chunks: Iterator[list[str]], processes: int) -> Iterator[_Looked]:
    first = next(chunks, None)
    second = next(chunks, None)
    if first is None or second is None or processes == 1:
        for chunk in filter(None, (first, second)):
            yield _look(chunk)
        yield from map(_look, chunks)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_look, (first, second, *chunks))


def _look(files: Sequence[str]) -> _Looked:
    silence_libraries()
    looked = _Looked(len(files))
    shared: dict[Any, Any] = {}  # what files of one study have in common is converted once
    for file in files:
        path = Path(file)
        if not path.is_file():  # a dangling link leads nowhere
            continue
        if is_image_file(path) or is_detached_header(path):
            about = path.stat()
            looked.volumes.append((file, about.st_size, about.st_mtime_ns))
            continue
        seen = _object(path, shared)
        if seen is not None:
            looked.objects.append(seen)
    return looked


def _object(path: Path, shared: dict[Any, Any]) -> _Object | None:
    """Return a CT slice, or a DICOM file that is damaged or cannot be opened; None for anything else."""
    try:
        header = read_header(path, _TAGS, shared)
    except CannotMeasure:
        return _Object(str(path), str(path.parent), 0)
    if header is None or header.text("Modality") != _CT:
        return None
    instance, study, patient, date = (header.text(keyword) or "" for keyword in _WANTED)
    is_slice = header.text("SOPClassUID") not in _MANY_FRAMES
    size = path.stat().st_size
    return _Object(str(path), str(path.parent), size, study, header.series_uid, instance, patient, date, is_slice)


def _studies(objects: Sequence[_Object]) -> Iterator[Found]:
    """Group slices by study and patient. A damaged file counts to every study next to it, which it spoils."""
    groups: dict[tuple[str, str], list[_Object]] = defaultdict(list)
    damaged: dict[str, list[_Object]] = defaultdict(list)
    for one in objects:
        if one.series:
            groups[one.study or one.series, one.patient].append(one)
        else:
            damaged[one.folder].append(one)
    for slices in _scattered(groups.values()):
        for one in slices:
            del groups[one.study or one.series, one.patient]
        # By what they are, as every study is: a tree that was moved holds the same ones.
        names = sorted(one.instance for one in slices)
        yield _study("slices\n" + sha256(repr(names).encode("utf-8", "surrogateescape")).hexdigest(), slices, [])
    told = set()
    for (study, patient), group in groups.items():
        folders = {one.folder for one in group}
        spoilt = [one for folder in sorted(folders & damaged.keys()) for one in damaged[folder]]
        told |= {one.file for one in spoilt}
        yield _study(study_key(study, patient), group, spoilt)
    for folder, alone in damaged.items():
        if not told & {one.file for one in alone}:
            yield _study(f"folder\n{folder}", alone, [])


def _scattered(groups: Iterable[list[_Object]]) -> list[list[_Object]]:
    """Return slices of a folder and a patient that have a study each: so some programs number the files of one scan.

    They are refused together.
    """
    single: dict[tuple[str, str], list[_Object]] = defaultdict(list)
    for group in groups:
        if len(group) == 1 and group[0].is_slice:
            single[group[0].folder, group[0].patient] += group
    return [slices for slices in single.values() if len(slices) > 1]


def _study(key: str, group: Sequence[_Object], spoilt: Sequence[_Object]) -> Found:
    files = tuple(sorted(one.file for one in (*group, *spoilt)))
    # Of what the slices are, not of where they lie: a tree that was moved holds the same studies.
    content = sorted({(one.instance, one.size) for one in (*group, *spoilt)})
    place = os.path.commonpath([one.folder for one in (*group, *spoilt)])
    return Found(
        key,
        place,
        sha256(repr(content).encode("utf-8", "surrogateescape")).hexdigest(),
        files,
        group[0].patient or None,
        group[0].date,
    )
