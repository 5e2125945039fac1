"""DICOM objects on their way to an archive, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ...ground.errors import OutOfReach, UsageError
from ...ground.files import read_regular
from ...scan.dicom_headers import DAMAGED
from ...words import Phrase, text

_KINDS = ("sr", "seg", "vois", "report", "overview")


@dataclass(frozen=True, eq=False)
class Outgoing:
    """One DICOM object in a file."""

    path: Path
    dataset: Dataset

    @property
    def uid(self) -> str:
        """Its SOP instance UID."""
        return str(self.dataset.SOPInstanceUID)

    @property
    def name(self) -> Phrase:
        """What a sentence calls it."""
        kind = self.path.stem if self.path.stem in _KINDS else "other"
        return Phrase(f"pacs.object.{kind}", {"file": self.path.name})


@dataclass(frozen=True)
class Answer:
    """What an archive said of the objects.

    Attributes:
        stored: SOP instance UIDs that it confirms, each with the status of a warning or 0.
        refused: those that it did not take, each with the status that says why.
        problem: why it says nothing, or not all.
    """

    stored: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    problem: Phrase | None = None


@dataclass(frozen=True)
class Delivery:
    """All objects are in the archive.

    Attributes:
        uids: their SOP instance UIDs.
        sentence: how many there are, what the archive lists of them, and what it warns of.
        listed: the archive was asked afterwards, and lists them all.
    """

    uids: tuple[str, ...]
    sentence: str
    listed: bool


def read_outgoing(files: Sequence[Path]) -> tuple[Outgoing, ...]:
    """Read the objects; UsageError for a file that is none."""
    made = []
    for path in files:
        try:
            dataset = pydicom.dcmread(BytesIO(read_regular(path)))
            is_object = dataset.get("SOPInstanceUID") and dataset.get("SOPClassUID")
        except (*DAMAGED, OSError) as error:
            raise UsageError("pacs.unreadable_object", file=path.name) from error
        if not is_object:
            raise UsageError("pacs.unreadable_object", file=path.name)
        made.append(Outgoing(path, dataset))
    return tuple(made)


def conclude(host: str, objects: Sequence[Outgoing], answer: Answer, held: frozenset[str] | None) -> Delivery:
    """Return what was delivered, by what the archive said and by what it lists afterwards.

    Args:
        held: which of the objects it lists; None where it can't be asked. What it lists counts more than what it said.

    Raises:
        UsageError: an object is missing; the sentence names each, and why.
    """
    there = frozenset(answer.stored) if held is None else held
    missing = [one for one in objects if one.uid not in there]
    if missing and held is None and answer.problem is not None:
        raise OutOfReach("pacs.unknown", problem=answer.problem)
    if missing:
        named = tuple(_why_missing(one, answer) for one in missing)
        total, arrived = len(objects), len(objects) - len(missing)
        if answer.problem is None:
            raise OutOfReach("pacs.missing", host=host, there=arrived, total=total, missing=named)
        raise UsageError(
            "pacs.missing_after", problem=answer.problem, host=host, there=arrived, total=total, missing=named
        )
    sentences = [text("pacs.stored", n=len(objects))]
    sentences.append(text("pacs.not_asked" if held is None else "pacs.listed", host=host))
    sentences += [
        text("pacs.warned", name=one.name, why=status_words(answer.stored[one.uid]))
        for one in objects
        if answer.stored.get(one.uid)
    ]
    return Delivery(tuple(one.uid for one in objects), " ".join(sentences), held is not None)


def _why_missing(one: Outgoing, answer: Answer) -> Phrase:
    if one.uid in answer.refused:
        return Phrase("pacs.refused", {"name": one.name, "why": status_words(answer.refused[one.uid])})
    return Phrase("pacs.not_listed" if one.uid in answer.stored else "pacs.no_reason", {"name": one.name})


_EXACT = {
    0x0110: "processing",
    0x0111: "duplicate",
    0x0117: "invalid",
    0x0122: "class",
    0x0124: "not_authorized",
    0xB000: "changed",
    0xB006: "discarded",
    0xB007: "mismatch",
}
_RANGES = ((0xFF00, 0xA700, "resources"), (0xFE00, 0xA800, "mismatch"), (0xF000, 0xC000, "not_understood"))


def status_words(status: int) -> Phrase:
    """Return what a status of the storage service means (PS3.4 table B.2-1, PS3.7 annex C), and its number."""
    kind = _EXACT.get(status) or next((kind for mask, value, kind in _RANGES if status & mask == value), "other")
    return Phrase(f"pacs.status.{kind}", {"code": f"{status:04X}"})
