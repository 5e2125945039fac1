"""Which series of a folder to measure, by a fixed list of rules, and why."""

from collections.abc import Callable, Sequence

import numpy as np

from ..ground.errors import CannotMeasure, UsageError
from ..words import Phrase
from .ct_scan import ChoiceReason, SeriesChoice
from .dicom_acquisition import contrast_agent
from .dicom_series import Series, are_of_one_volume
from .image_content import is_elsewhere, is_original
from .kernels import kernel_sharpness

_MOST_OF_THE_SPINE = 2 / 3  # of the longest series
_SAME_LENGTH_MM = 15.0
_SAME_HEIGHT_MM = 20.0
_THIN_MM, _THICK_MM = 1.5, 3.0
_MIDDLE_SHARPNESS = 45.0  # a kernel of unknown name ranks between standard and lung
_NAMED_AT_MOST = 6

Rule = Callable[[Sequence[Series]], list[Series]]


def choose(series: Sequence[Series], where: str) -> tuple[Series, SeriesChoice]:
    """Return the series to measure and why; CannotMeasure if none can be measured.

    Each rule keeps the best of what the rules before it left: a body part that can show T12 to L2, original images,
    most of the spine (two thirds of the longest), no contrast agent, thin slices (up to 1.5 mm, then up to 3 mm), the
    longest, the softest kernel, the thinnest slices, the lowest in the patient where positions can be compared,
    the latest study, and last the UID.
    """
    if not series:
        raise CannotMeasure("scan.no_images", where=where)
    left = [s for s in series if s.unsuitable is None]
    if not left:
        raise _none_suitable(series, where)
    because = ChoiceReason.ONLY_SUITABLE if len(left) == 1 else ChoiceReason.FIRST
    if len(series) == 1:
        because = ChoiceReason.ONLY
    for reason, rule in _RULES:
        kept = rule(left)
        if len(kept) < len(left) and len(kept) == 1:
            because = reason
        left = kept
    chosen = left[0]
    return chosen, _choice(because, chosen, series)


def pick(series: Sequence[Series], series_uid: str, where: str) -> tuple[Series, SeriesChoice]:
    """Return the series that a user names, by address or by the UID of a series that was taken apart."""
    named = [s for s in series if s.address == series_uid]
    if not named:
        named = [s for s in series if s.address.split("#")[0] == series_uid]
    if not named:
        raise UsageError(
            "scan.no_such_series",
            where=where,
            series=series_uid,
            known=[s.label for s in series] or [Phrase("scan.none")],
        )
    if len(named) > 1:
        chosen, _ = choose(named, where)
    else:
        chosen = named[0]
    unsuitable = chosen.unsuitable
    if unsuitable is not None and not unsuitable.on_request:
        raise CannotMeasure("scan.series_unfit", series=chosen.label, why=unsuitable.reason)
    return chosen, _choice(ChoiceReason.NAMED, chosen, series)


def _none_suitable(series: Sequence[Series], where: str) -> CannotMeasure:
    reasons: list[Phrase] = [
        Phrase("scan.series_and_reason", {"series": s.label, "why": s.unsuitable.reason})
        for s in series
        if s.unsuitable
    ]
    if len(reasons) > _NAMED_AT_MOST:
        more = Phrase("scan.and_more", {"more": len(reasons) - _NAMED_AT_MOST})
        reasons = [*reasons[:_NAMED_AT_MOST], more]
    if are_of_one_volume(series):
        return CannotMeasure("scan.split_to_slices", count=len(series), where=where)
    on_request = any(s.unsuitable is not None and s.unsuitable.on_request and s.stack is not None for s in series)
    hint = Phrase("scan.hint_on_request") if on_request else ""
    if len(series) == 1 and series[0].unsuitable is not None:
        only, why = series[0].label, series[0].unsuitable.reason
        return CannotMeasure("scan.only_series_unfit", where=where, series=only, why=why, hint=hint)
    return CannotMeasure("scan.no_series_fit", count=len(series), where=where, reasons=reasons, hint=hint)


def _choice(reason: ChoiceReason, chosen: Series, series: Sequence[Series]) -> SeriesChoice:
    patients = {s.first.text("PatientID") for s in series}
    return SeriesChoice(reason, chosen.address, len(series), len(patients))


def _keep_if(condition: Callable[[Series], bool]) -> Rule:
    def rule(series: Sequence[Series]) -> list[Series]:
        return [s for s in series if condition(s)] or list(series)

    return rule


def _keep_least(value: Callable[[Series], float], tolerance: float = 0.0) -> Rule:
    def rule(series: Sequence[Series]) -> list[Series]:
        values = [value(s) for s in series]
        return [s for s, v in zip(series, values, strict=True) if v <= min(values) + tolerance]

    return rule


def _length(series: Series) -> float:
    return series.coverage_z_mm or 0.0


def _slice_mm(series: Series) -> float:
    """Thickness or spacing, whichever is larger."""
    spacing = series.stack.geometry.spacing_mm[2] if series.stack else 0.0
    return max(spacing, series.first.number("SliceThickness") or 0.0)


def _sharpness(series: Series) -> float:
    sharpness = kernel_sharpness(series.first.text("ConvolutionKernel"))
    return _MIDDLE_SHARPNESS if sharpness is None else sharpness


def _thickness_class(series: Series) -> float:
    return float(np.digitize(_slice_mm(series), [_THIN_MM + 0.01, _THICK_MM + 0.01]))


def _most_of_the_spine(series: Sequence[Series]) -> list[Series]:
    longest = max(_length(s) for s in series)
    return [s for s in series if _length(s) >= _MOST_OF_THE_SPINE * longest]


def _lowest(series: Sequence[Series]) -> list[Series]:
    """Keep what lies lowest, if all share a frame of reference, or a patient and the landmark that is height zero."""
    frames = {s.first.text("FrameOfReferenceUID") for s in series}
    landmarks = {(s.first.text("PatientID"), s.first.text("PositionReferenceIndicator")) for s in series}
    same_frame = len(frames) == 1 and None not in frames
    same_landmark = len(landmarks) == 1 and all(None not in pair for pair in landmarks)
    if not (same_frame or same_landmark):
        return list(series)
    return _keep_least(_middle_height, _SAME_HEIGHT_MM)(series)


def _middle_height(series: Series) -> float:
    heights = [float(h.position_lps_mm[2]) for h in series.slices if h.position_lps_mm is not None]
    return (min(heights) + max(heights)) / 2 if heights else 0.0


def _latest(series: Sequence[Series]) -> list[Series]:
    latest = max(s.first.text("StudyDate") or "" for s in series)
    return [s for s in series if (s.first.text("StudyDate") or "") == latest]


_RULES: tuple[tuple[ChoiceReason, Rule], ...] = (
    (ChoiceReason.BODY_PART, _keep_if(lambda s: not is_elsewhere(s.slices))),
    (ChoiceReason.ORIGINAL, _keep_if(lambda s: is_original(s.slices))),
    (ChoiceReason.COVERAGE, _most_of_the_spine),
    (ChoiceReason.NO_CONTRAST, _keep_if(lambda s: contrast_agent(s.slices) is None)),
    (ChoiceReason.THIN, _keep_least(_thickness_class)),
    (ChoiceReason.COVERAGE, _keep_least(lambda s: -_length(s), _SAME_LENGTH_MM)),
    (ChoiceReason.SOFTER_KERNEL, _keep_least(_sharpness)),
    (ChoiceReason.THINNER, _keep_least(_slice_mm, 0.01)),
    (ChoiceReason.LOWER, _lowest),
    (ChoiceReason.LATEST, _latest),
)
