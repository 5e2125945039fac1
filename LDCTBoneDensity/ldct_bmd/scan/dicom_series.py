"""Grouping DICOM slices into series, and taking apart what several acquisitions put into one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from ..words import Fact, Phrase
from .contradictions import contradiction
from .ct_scan import SeriesSummary
from .dicom_acquisition import lossy_compression
from .dicom_headers import SliceHeader
from .dicom_stack import Stack, UnfitStack, build_stack, named
from .image_content import Unsuitable, why_unsuitable
from .plausibility import MAX_SPACING_MM, MIN_EXTENT_MM

Group = list[SliceHeader]
_MIN_SLICES = 5
# What tells two acquisitions in one series apart, tried in this order.
_PHASE_KEYWORDS = (
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "NominalPercentageOfCardiacPhase",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "SliceThickness",
)

# What the slices of one volume have in common, and the key of its name.
_SHARED = {
    "PatientID": "unsuitable.patient",
    "FrameOfReferenceUID": "unsuitable.frame_of_reference",
    "KVP": "unsuitable.tube_voltage",
    "ConvolutionKernel": "unsuitable.kernel",
    "RescaleType": "unsuitable.unit",
}
_SPLIT = tuple(keyword for keyword in _SHARED if keyword != "FrameOfReferenceUID")
_SAME_PLACE = 0.1  # of the slice spacing
# What makes Hounsfield units of pixels, and the key of its name: one rule for all slices of a volume.
_SAME_PIXELS = {
    "RescaleSlope": "unsuitable.slope",
    "RescaleIntercept": "unsuitable.intercept",
    "BitsStored": "unsuitable.bits",
    "PixelRepresentation": "unsuitable.sign",
    "PixelPaddingValue": "unsuitable.padding",
    "PixelPaddingRangeLimit": "unsuitable.padding",
}


@dataclass(frozen=True, eq=False)
class Series:
    """One series, or one acquisition of a series that holds several.

    Attributes:
        address: the SeriesInstanceUID; with "#1", "#2", ... where the series had to be taken apart.
        stack: the volume its slices make, None where they make none.
        unsuitable: None if it can be measured.
    """

    address: str
    slices: tuple[SliceHeader, ...]
    stack: Stack | None
    unsuitable: Unsuitable | None

    @property
    def first(self) -> SliceHeader:
        """The slice that speaks for the series."""
        return self.stack.slices[0] if self.stack else self.slices[0]

    @property
    def coverage_z_mm(self) -> float | None:
        """Length of the volume, slice edge to slice edge."""
        return None if self.stack is None else self.stack.geometry.spacing_mm[2] * len(self.slices)

    @property
    def label(self) -> str:
        """How a sentence names the series."""
        description = self.first.text("SeriesDescription")
        return f'"{description}" ({self.address})' if description else self.address

    def summary(self) -> SeriesSummary:
        """Return what a user is told about the series."""
        spacing = None if self.stack is None else round(self.stack.geometry.spacing_mm[2], 4)
        coverage = self.coverage_z_mm
        return SeriesSummary(
            series_uid=self.address,
            description=self.first.text("SeriesDescription") or "",
            modality=self.first.text("Modality") or "",
            slices=len(self.slices),
            spacing_z_mm=spacing,
            coverage_z_mm=None if coverage is None else round(coverage, 2),
            kernel=self.first.text("ConvolutionKernel"),
            patient_id=self.first.text("PatientID"),
            unsuitable=None if self.unsuitable is None else str(self.unsuitable.reason),
        )


def find_series(headers: Sequence[SliceHeader]) -> list[Series]:
    """Group headers into series, in order of SeriesNumber and address."""
    groups: dict[str, Group] = defaultdict(list)
    for header in headers:
        groups[header.series_uid].append(header)
    found = []
    for uid, group in groups.items():
        parts = split_acquisitions(group)
        for number, part in enumerate(parts, start=1):
            found.append(_series(uid if len(parts) == 1 else f"{uid}#{number}", part))
    return sorted(found, key=lambda s: (s.first.number("SeriesNumber") or 0.0, s.address))


def _series(address: str, part: Group) -> Series:
    unsuitable = why_unsuitable(part)
    stack = None
    if unsuitable is None or unsuitable.on_request:
        try:
            stack = build_stack(part)
        except UnfitStack as fault:
            if unsuitable is None:
                unsuitable = Unsuitable(_too_few(part) or fault.reason)
    if stack is not None:
        unsuitable = _mixed(stack) or unsuitable or _wrong_size(stack) or _contradicted(stack)
    return Series(address, tuple(sorted(part, key=_by_instance)), stack, unsuitable)


def _too_few(part: Group) -> Phrase | None:
    return Phrase("unsuitable.single_slice") if len(part) == 1 else None


def _mixed(stack: Stack) -> Unsuitable | None:
    """Refuse a volume pieced together from different scans: one slice speaks for all in what is measured by."""
    differing = []
    is_scale_alone = True
    odd: dict[SliceHeader, None] = {}
    for keyword, what in (_SHARED | _SAME_PIXELS).items():
        values = [_shared_value(header, keyword) for header in stack.slices]
        usual, times = Counter(values).most_common(1)[0]
        if keyword in _SAME_PIXELS and 2 * times <= len(values):
            continue  # each slice has its own rule, as some scanners write them
        others = [header for header, value in zip(stack.slices, values, strict=True) if value != usual]
        if others:
            differing.append(Phrase("unsuitable.tag", {"what": Phrase(what), "tag": keyword}))
            is_scale_alone = is_scale_alone and keyword in _SAME_PIXELS
            odd.update(dict.fromkeys(others))
    if not differing:
        return None
    facts: dict[str, Fact] = {"slices": named(list(odd)), "differing": tuple(differing)}
    lossy = lossy_compression(stack.slices) if is_scale_alone else None
    if lossy is not None:  # which may give each slice the scale that fills its bits
        return Unsuitable(Phrase("unsuitable.lossy_by_slice", facts | {"how": lossy}))
    return Unsuitable(Phrase("unsuitable.mixed", facts))


def _contradicted(stack: Stack) -> Unsuitable | None:
    reason = contradiction(stack)
    return None if reason is None else Unsuitable(reason)


def _shared_value(header: SliceHeader, keyword: str) -> Hashable:
    if keyword == "KVP" or keyword in _SAME_PIXELS:
        return header.number(keyword)  # "120" and "120.0" are one voltage
    return header.text(keyword) or ("HU" if keyword == "RescaleType" else None)


def _wrong_size(stack: Stack) -> Unsuitable | None:
    slices, spacing_mm = stack.geometry.size[2], stack.geometry.spacing_mm[2]
    if slices * spacing_mm < MIN_EXTENT_MM[2]:
        return Unsuitable(Phrase("unsuitable.too_short", {"slices": slices, "length_mm": slices * spacing_mm}))
    if spacing_mm > MAX_SPACING_MM:
        return Unsuitable(Phrase("unsuitable.slices_too_far_apart", {"spacing_mm": spacing_mm}))
    return None


def split_acquisitions(group: Group) -> list[Group]:
    """Take one series apart where slices of several scans are mixed in it and at least one part can be measured.

    A series that makes one volume stays whole, and so does one where no part could be measured. Step-and-shoot scans,
    whose acquisitions follow one another along the patient, stay whole.
    """
    parts = [
        part for alike in _partition(group, _scan_identity) for same in _by_type(alike) for part in _split_phases(same)
    ]
    if len(parts) > 1 and any(_makes_volume(part) and why_unsuitable(part) is None for part in parts):
        return sorted(parts, key=lambda part: min(_by_instance(header) for header in part))
    return [group]


def continues(one: Series, other: Series) -> bool:
    """Return whether most slices of ``other`` lie where the grid of ``one`` goes on, and are made like its slices.

    Such are the parts of a scan that was split, whatever series and frame of reference they were given.
    """
    normal = one.first.normal
    if one.stack is None or normal is None or _scan_identity(one.first, _SPLIT) != _scan_identity(other.first, _SPLIT):
        return False
    places = np.array([header.position_lps_mm for header in one.stack.slices]) @ normal
    near_mm = _SAME_PLACE * one.stack.geometry.spacing_mm[2]
    beyond = [
        header
        for header in other.slices
        if header.position_lps_mm is not None and np.abs(places - header.position_lps_mm @ normal).min() > near_mm
    ]
    return 2 * len(beyond) > len(other.slices) and _makes_volume([*one.slices, *beyond])


def are_of_one_volume(series: Sequence[Series]) -> bool:
    """Return whether each of ``series`` is one slice of a volume, as if each file was given a series of its own.

    Some programs give each a study of its own as well.
    """
    headers = [header for one in series for header in one.slices]
    alike = {tuple(_shared_value(header, keyword) for keyword in _SPLIT) for header in headers}
    return len(headers) == len(series) and len(alike) == 1 and _makes_volume(headers)


def _scan_identity(header: SliceHeader, shared: Iterable[str] = tuple(_SHARED)) -> Hashable:
    """What all slices of one volume share."""
    orientation = header.orientation
    spacing = header.numbers("PixelSpacing", 2)
    return (
        *(_shared_value(header, keyword) for keyword in shared),
        *(header.text(k) for k in ("StudyInstanceUID", "SOPClassUID", "Modality", "Rows", "Columns")),
        None if orientation is None else tuple((np.round(orientation, 2) + 0.0).ravel().tolist()),
        None if spacing is None else tuple(np.round(spacing, 3).tolist()),
    )


def _by_type(group: Group) -> list[Group]:
    """Separate image types, unless each can be measured and they follow one another along the patient in one volume."""
    parts = _partition(group, _image_type)
    if len(parts) == 1 or any(why_unsuitable(part) for part in parts) or not _makes_volume(group):
        return parts
    along = [header.image_type for header in build_stack(group).slices]
    runs = 1 + sum(a != b for a, b in pairwise(along))
    return [group] if runs == len(parts) else parts


def _image_type(header: SliceHeader) -> Hashable:
    return header.image_type


def _split_phases(group: Group) -> list[Group]:
    """Separate acquisitions that overlap along the patient."""
    if len(group) < 2 * _MIN_SLICES or (_makes_volume(group) and not _alternating(group)):
        return [group]
    for keyword in _PHASE_KEYWORDS:
        parts = _partition(group, partial(_text, keyword))
        if len(parts) > 1 and _overlap(parts) and any(_makes_volume(part) for part in parts):
            return parts
    return _split_repeats(group)


def _split_repeats(group: Group) -> list[Group]:
    """Separate scans of the same positions that nothing tells apart but the order of their instance numbers."""
    places: dict[float, Group] = defaultdict(list)
    for header in sorted(group, key=_by_instance):
        if header.position_lps_mm is None or header.normal is None or header.instance is None:
            return [group]
        places[round(float(header.position_lps_mm @ header.normal), 2)].append(header)
    repeats = {len(same) for same in places.values()}
    if len(repeats) != 1 or repeats == {1}:
        return [group]
    parts = [list(part) for part in zip(*places.values(), strict=True)]
    return parts if all(_makes_volume(part) for part in parts) and _one_after_another(parts) else [group]


def _one_after_another(parts: Sequence[Group]) -> bool:
    """Whether the instance numbers run through one part after the other, or alternate between them all along."""
    numbers = [sorted(_by_instance(header)[0] for header in part) for part in parts]
    in_blocks = all(a[-1] < b[0] for a, b in pairwise(numbers))
    in_turn = all(max(turn) < min(after) for turn, after in pairwise(zip(*numbers, strict=True)))
    return in_blocks or in_turn


def _text(keyword: str, header: SliceHeader) -> str | None:
    return header.text(keyword)


def _partition(group: Group, key: Callable[[SliceHeader], Hashable]) -> list[Group]:
    parts: dict[Hashable, Group] = defaultdict(list)
    for header in group:
        parts[key(header)].append(header)
    return list(parts.values())


def _makes_volume(group: Group) -> bool:
    if len(group) < _MIN_SLICES:
        return False
    try:
        build_stack(group)
    except UnfitStack:
        return False
    return True


def _alternating(group: Group) -> bool:
    """Whether acquisition numbers come back along the patient, as those of two interleaved scans do."""
    ordered = [header.text("AcquisitionNumber") for header in build_stack(group).slices]
    runs = 1 + sum(a != b for a, b in pairwise(ordered))
    return runs > len(set(ordered))


def _overlap(parts: Sequence[Group]) -> bool:
    """Whether at least two parts of several slices share a stretch of the patient."""
    ends = []
    for part in parts:
        along = [
            float(h.position_lps_mm @ h.normal) for h in part if h.position_lps_mm is not None and h.normal is not None
        ]
        if len(along) >= 2:
            ends.append((min(along), max(along)))
    ends.sort()
    return any(low < top for (_, top), (low, _) in pairwise(ends))


def _by_instance(header: SliceHeader) -> tuple[int, str]:
    return (header.instance if header.instance is not None else 0, str(header.path))
