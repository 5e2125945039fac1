"""A calibration in sentences, for whoever looks one up."""

from ..words import Phrase, text
from .carry import carried_words
from .contrast import ContrastShift
from .linear import Calibration
from .nominal import ENTERED_NAME, NOMINAL
from .provenance import FitQuality, Method, Provenance
from .store import StoredCalibration

_TYPICAL_HU = 150.0


def named(calibration: Calibration) -> Phrase | str:
    """Return a calibration's name as a fact; those that the software gave are phrases."""
    if calibration == NOMINAL:
        return Phrase("named.nominal", {"kvp": NOMINAL.kvp})
    return Phrase("named.entered") if _is_entered(calibration) else calibration.name


def name_words(calibration: Calibration) -> str:
    """Return a calibration's name; those that the software gave are in the language that is spoken."""
    return str(named(calibration))


def source_words(calibration: Calibration) -> str:
    """Return where the numbers come from."""
    if calibration == NOMINAL:
        return text("source.nominal")
    return text("source.entered") if _is_entered(calibration) else calibration.source


def _is_entered(calibration: Calibration) -> bool:
    provenance = calibration.provenance
    return provenance is not None and provenance.method is Method.ENTERED and calibration.name == ENTERED_NAME


def described(calibration: Calibration) -> tuple[str, ...]:
    """Return all that is known of a calibration, a sentence each: the line first, where its numbers come from last."""
    line = text(
        "described.line",
        name=name_words(calibration),
        identifier=calibration.identifier,
        slope=calibration.slope,
        intercept=calibration.intercept_mg_cm3,
        material=calibration.material,
    )
    fit = () if calibration.fit is None else (_errors(calibration.fit),)
    origin = () if calibration.provenance is None else (_origin(calibration.provenance, calibration.kvp),)
    carried = carried_line(calibration)
    moved = () if carried is None else (text("described.carried", line=carried),)
    return (line, *moved, *fit, *origin, source_words(calibration))


def carried_line(calibration: Calibration) -> Phrase | None:
    """Return from which setting to which, and how, a calibration was carried; None if it was not."""
    words = carried_words(calibration)
    return Phrase("transfer.line", words) if words else None


def contrast_line(contrast: ContrastShift | None) -> Phrase | None:
    """Return what is taken off for contrast agent; None if nothing is."""
    if contrast is None:
        return None
    return Phrase(
        "contrast.line",
        {"shift_hu": contrast.shift_hu, "sd_hu": contrast.sd_hu, "phase": phase_words(contrast)},
    )


def phase_words(contrast: ContrastShift) -> Phrase:
    """Return when after the injection the scan was made."""
    return Phrase(f"contrast.phase.{'unknown' if contrast.phase is None else contrast.phase.value}")


def added_words(stored: StoredCalibration) -> str:
    """Return when and by whom a calibration was added to the store."""
    return text("described.added", time=stored.added, operator=stored.added_by)


def retired_words(stored: StoredCalibration) -> str:
    """Return when, by whom and why a calibration was retired; "" where it was not."""
    if stored.retired is None:
        return ""
    return text("described.retired", time=stored.retired, operator=stored.retired_by, reason=stored.retired_because)


def _errors(fit: FitQuality) -> str:
    return text(
        "described.errors",
        slope_se=fit.slope_se,
        intercept_se=fit.intercept_se_mg_cm3,
        r2=fit.r_squared,
        points=fit.points,
        error=fit.variance_at(_TYPICAL_HU) ** 0.5,
        hu=_TYPICAL_HU,
    )


def _origin(provenance: Provenance, kvp: float | None) -> str:
    return text(
        "described.origin",
        scanner=text("described.no_scanner") if provenance.scanner is None else str(provenance.scanner),
        kvp=text("described.no_kvp") if kvp is None else text("described.kvp", kvp=kvp),
        filter=provenance.filter_type or text("described.no_filter"),
        kernel=provenance.kernel_class or text("described.no_kernel"),
        day=provenance.date or text("described.no_day"),
        method=text(f"store.method.{provenance.method.value}"),
        operator=provenance.operator or text("described.no_operator"),
        until=provenance.valid_until or text("described.no_end"),
    )
