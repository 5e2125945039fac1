"""What a report compares with: as it is named, or as the result folder remembers it.

A result folder keeps in a file of its own which earlier examinations, and which population, its report compares with.
Whoever makes the report again then compares again, and says what is no longer there or is something else. The record
holds none of it: the file names places on this machine.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from ..examination import Examination
from ..ground.atomic import settle
from ..ground.errors import UsageError
from ..ground.files import read_regular, read_text
from ..ground.plain import PlainError, from_plain, read_json, to_plain
from ..ground.remarks import remark
from ..ground.text import visible
from ..labeling import VertebralColumn
from ..reference import ReferenceCurve, reference_for
from ..scan import CTScan
from ..words import Phrase, text
from .files import COMPARED_FILE
from .following import follow_at_hand
from .held import PRIORS, compares, no_longer_compared
from .page.words import date
from .priors import Comparison, Prior, compare, compare_all, scan_date

SCHEMA = "ldct-bmd-compared/1"
_WHAT = Phrase("compared.what")


@dataclass(frozen=True)
class EarlierResult:
    """Where an earlier examination lies.

    Attributes:
        record: the file.
        scan: the folder or file of its scan; None: not at hand.
        files: the DICOM files of the scan; empty: they are to be looked for in ``scan``.
    """

    record: Path
    scan: Path | None = None
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Known:
    """An earlier examination that was read, and where it lies."""

    at: EarlierResult
    prior: Prior


@dataclass(frozen=True)
class Named:
    """What a report is to compare with, as it was named for it; what is not named is taken as it is remembered.

    Attributes:
        lsc_mg_cm3: the site's own least significant change; None: that from the noise.
        reference: the file of a population.
    """

    priors: tuple[Known, ...] = ()
    lsc_mg_cm3: float | None = None
    reference: Path | None = None


@dataclass(frozen=True)
class _KeptPrior:
    """An earlier examination as a folder remembers it; paths are absolute here, and relative in the file.

    Attributes:
        images_sha256: of which images it is of.
        state_sha256: of its numbers, whoever signed it.
        date: of the scan, as its header writes it.
    """

    record: str
    images_sha256: str
    state_sha256: str
    date: str | None = None
    scan: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class _KeptReference:
    file: str
    sha256: str


@dataclass(frozen=True)
class Remembered:
    """What a result folder remembers, with absolute paths."""

    priors: tuple[_KeptPrior, ...] = ()
    lsc_mg_cm3: float | None = None
    reference: _KeptReference | None = None

    def text_for(self, folder: Path) -> str:
        """Return the file for a result folder: paths are relative to it, so that both may be moved together."""
        home = folder.resolve()
        return (
            json.dumps({"schema": SCHEMA, **to_plain(self._with(lambda path: _relative(path, home)))}, indent=1) + "\n"
        )

    def _with(self, path: Callable[[str], str]) -> "Remembered":
        priors = tuple(
            replace(
                one,
                record=path(one.record),
                scan=None if one.scan is None else path(one.scan),
                files=tuple(map(path, one.files)),
            )
            for one in self.priors
        )
        reference = self.reference
        return replace(self, priors=priors, reference=reference and replace(reference, file=path(reference.file)))


@dataclass(frozen=True)
class Compared:
    """What a report compares with, ready to be shown.

    Attributes:
        curve: of the population.
        remembered: what the report's folder is to remember.
        said: what is gone or was changed, in sentences; to be told when the report is made.
    """

    comparisons: tuple[Comparison, ...] = ()
    curve: ReferenceCurve | None = None
    remembered: Remembered = field(default_factory=Remembered)
    said: tuple[str, ...] = ()

    def file_for(self, folder: Path) -> str | None:
        """Return what the folder of the report is to remember, see :meth:`Remembered.text_for`; None: nothing."""
        return None if self.remembered == Remembered() else self.remembered.text_for(folder)


def remembered_in(folder: Path) -> Remembered:
    """Return what a result folder remembers; UsageError if that cannot be read."""
    path = folder / COMPARED_FILE
    if not path.is_file():
        return Remembered()
    values = read_json(path, _WHAT)
    schema = values.pop("schema", None) if isinstance(values, dict) else None
    if schema != SCHEMA:
        raise UsageError("compared.other_schema", known=SCHEMA)
    try:
        found = from_plain(Remembered, values, _WHAT)
    except PlainError as error:
        raise UsageError("file.wrong", problem=error.phrase) from error
    home = folder.resolve()
    return found._with(lambda path: os.path.normpath(home / path))


def compared_for(
    examination: Examination,
    named: Named,
    home: Path | None,
    pixels: tuple[CTScan, VertebralColumn] | None = None,
    copy: Path | None = None,
) -> Compared:
    """Compare an examination with what is named, or else with what its result folder remembers.

    Args:
        home: the result folder; None: there is none.
        pixels: with them the change at the same place is found in the earlier scans that are at hand.
        copy: where a de-identified report goes, which tells no date and no population, and compares with what is not
            named only if the copy in its place does; None: it is no such report.

    Raises:
        UsageError: what is named cannot be compared with. What is remembered and cannot be is told.
    """
    curve = reference_for(named.reference, copy is not None)
    said: list[str] = []
    memory = _memory(home, said)
    if copy is not None:
        memory = replace(memory if PRIORS in compares(copy) else Remembered(), reference=None)
    if named.priors:
        known = list(named.priors)
        memory = replace(memory, priors=tuple(_kept(one) for one in known), lsc_mg_cm3=named.lsc_mg_cm3)
    else:
        known, priors = _again(examination, memory.priors, pixels, said)
        memory = replace(memory, priors=priors)
    if named.reference is not None:
        memory = replace(memory, reference=_kept_reference(named.reference))
    elif memory.reference is not None:
        curve, kept = _curve_again(memory.reference, said)
        memory = replace(memory, reference=kept)
    comparisons = compare_all(examination, [one.prior for one in known], memory.lsc_mg_cm3, tell_date=copy is None)
    return Compared(comparisons, curve, memory, tuple(said))


def lost_in(folder: Path, compared: Compared) -> bool:
    """Whether the report in ``folder`` compares with what no file remembers and its successor does not have."""
    memory = compared.remembered
    has_priors = bool(compared.comparisons or memory.priors)
    return no_longer_compared(folder, has_priors, compared.curve is not None or memory.reference is not None)


def tell_compared(compared: Compared, lost: bool = False) -> None:
    """Remark what a new report does not compare with, and what was changed; ``lost``: see :func:`lost_in`."""
    for sentence in compared.said:
        remark(sentence)
    if lost:
        remark(text("output.not_compared"))


def _memory(home: Path | None, said: list[str]) -> Remembered:
    if home is None:
        return Remembered()
    try:
        return remembered_in(home)
    except UsageError as error:
        said.append(text("compared.not_read", problem=str(error)))
        return Remembered()


def _again(
    examination: Examination,
    kept: tuple[_KeptPrior, ...],
    pixels: tuple[CTScan, VertebralColumn] | None,
    said: list[str],
) -> tuple[list[Known], tuple[_KeptPrior, ...]]:
    """Return the earlier examinations that are still there, and what to remember: also those that are not there now."""
    known, memory = [], []
    for one in kept:
        at = EarlierResult(Path(one.record), None if one.scan is None else Path(one.scan), tuple(map(Path, one.files)))
        about = {"date": _day(one.date), "place": visible(str(at.record.parent))}
        try:
            prior = _read_again(at.record, one.images_sha256)
            compare(examination, prior)
        except UsageError as error:
            said.append(text("compared.gone", **about, problem=str(error)))
            memory.append(one)
            continue
        if _state_sha256(prior) != one.state_sha256:
            said.append(text("compared.changed", **about))
        found = None
        if pixels is not None and at.scan is not None:
            found = follow_at_hand(examination, *pixels, at.record.parent, at.files, at.scan)
        known.append(Known(at, Prior(prior, found)))
        memory.append(_kept(known[-1]))
    return known, tuple(memory)


def _read_again(record: Path, images_sha256: str) -> Examination:
    """Return a record that must be of certain images; UsageError if it is not there, or of others."""
    if not record.exists():
        settle(record.parent)  # a killed process may have moved it out of its place
    try:
        prior = Examination.from_json(read_text(record))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("compared.no_file") from error
    if _images_sha256(prior) != images_sha256:
        raise UsageError("compared.other_images")
    return prior


def _curve_again(kept: _KeptReference, said: list[str]) -> tuple[ReferenceCurve | None, _KeptReference]:
    about = {"place": visible(kept.file)}
    try:
        curve = reference_for(Path(kept.file), deidentify=False)
        now = _kept_reference(Path(kept.file))
    except UsageError as error:
        said.append(text("compared.population_gone", **about, problem=str(error)))
        return None, kept
    if now.sha256 != kept.sha256:
        said.append(text("compared.population_changed", **about))
    return curve, now


def _kept(known: Known) -> _KeptPrior:
    at, prior = known.at, known.prior.examination
    return _KeptPrior(
        str(at.record.resolve()),
        _images_sha256(prior),
        _state_sha256(prior),
        scan_date(prior),
        None if at.scan is None else str(at.scan.resolve()),
        tuple(str(file.resolve()) for file in at.files),
    )


def _kept_reference(file: Path) -> _KeptReference:
    try:
        return _KeptReference(str(file.resolve()), hashlib.sha256(read_regular(file)).hexdigest())
    except OSError as error:
        raise UsageError("compared.no_file") from error


def _day(written: str | None) -> str:
    """Return a date as reports show it."""
    return date(written) or text("priors.undated")


def _images_sha256(examination: Examination) -> str:
    source = examination.scan.source
    named = (source.kind, source.series_uid, source.sop_instance_uids, source.file_sha256)
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def _state_sha256(examination: Examination) -> str:
    """Return a digest of what a report takes from an earlier record: its numbers, whatever else is said or signed."""
    levels = [
        (one.level, one.mean_hu, one.bmd_mg_cm3, one.excluded is None, examination.quality.certain(one.level))
        for one in examination.measurements
    ]
    found = examination.assessment
    values = (levels, found.levels, found.mean_bmd_mg_cm3, found.category, examination.calibration.material)
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _relative(path: str, home: Path) -> str:
    try:
        return PurePath(os.path.relpath(path, home)).as_posix()
    except ValueError:  # on another drive of Windows
        return PurePath(path).as_posix()
