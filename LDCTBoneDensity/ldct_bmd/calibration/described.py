"""A calibration in sentences, for whoever looks one up."""

from .linear import Calibration
from .provenance import FitQuality, Provenance
from .store import StoredCalibration

_TYPICAL_HU = 150.0


def described(calibration: Calibration) -> tuple[str, ...]:
    """Return all that is known of a calibration, a sentence each: the line first, where its numbers come from last."""
    line = (
        f"{calibration.name} ({calibration.identifier}): BMD = {calibration.slope:.4f} x HU "
        f"{calibration.intercept_mg_cm3:+.2f} mg/cm3, {calibration.material} equivalent."
    )
    fit = () if calibration.fit is None else (_errors(calibration.fit),)
    origin = () if calibration.provenance is None else (_origin(calibration.provenance, calibration.kvp),)
    return (line, *fit, *origin, calibration.source)


def added_words(stored: StoredCalibration) -> str:
    """Return when and by whom a calibration was added to the store."""
    return f"Added {stored.added} by {stored.added_by}."


def retired_words(stored: StoredCalibration) -> str:
    """Return when, by whom and why a calibration was retired; "" where it was not."""
    return (
        "" if stored.retired is None else f"Retired {stored.retired} by {stored.retired_by}: {stored.retired_because}"
    )


def _errors(fit: FitQuality) -> str:
    return (
        f"Standard errors {fit.slope_se:.4f} and {fit.intercept_se_mg_cm3:.2f} mg/cm3, R2 {fit.r_squared:.5f}, "
        f"{fit.points} points; the line is known to {fit.variance_at(_TYPICAL_HU) ** 0.5:.2f} mg/cm3 at "
        f"{_TYPICAL_HU:g} HU."
    )


def _origin(provenance: Provenance, kvp: float | None) -> str:
    parts = (
        f"{provenance.scanner or 'no scanner named'}",
        "unknown tube voltage" if kvp is None else f"{kvp:g} kVp",
        f"beam filter {provenance.filter_type or 'not named'}",
        f"kernel class {provenance.kernel_class or 'not known'}",
        f"made {provenance.date or 'on an unknown day'} ({provenance.method.value}) by "
        f"{provenance.operator or 'nobody named'}",
        f"valid until {provenance.valid_until or 'a newer one'}",
    )
    return "; ".join(parts) + "."
