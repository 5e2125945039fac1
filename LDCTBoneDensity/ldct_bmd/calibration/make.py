"""Calibrations from what was measured, with all that must be known of them later."""

from datetime import date, timedelta

from ..ground.errors import CannotMeasure, UsageError
from ..words import text
from .linear import MATERIALS, Calibration
from .match import ScanConditions
from .paired_bmd import PairedFit
from .phantom.measure import PhantomMeasurement
from .provenance import Method, Provenance, kernel_class, read_date

# A month between two scans of the phantom, and as much again for one that is late.
VALID_DAYS = 62


def calibration_from_phantom(
    measured: PhantomMeasurement, scan: ScanConditions, operator: str | None, valid_days: int = VALID_DAYS
) -> Calibration:
    """Return the calibration that a phantom's scan gives.

    One with the densities of a shipped example, which are not a certificate, is marked as nominal.

    Raises:
        CannotMeasure: the phantom's certificate had run out, or the line is physically impossible.
    """
    phantom, day = measured.phantom, scan.day()
    if day is not None and phantom.calibrated_until is not None and day > read_date(phantom.calibrated_until):
        raise CannotMeasure(
            "phantom.certificate_ended", phantom=phantom.name, ended=phantom.calibrated_until, scanned=day.isoformat()
        )
    rods = tuple(
        f"{rod.name} {rod.mean_hu:.1f} HU ({residual:+.1f})"
        for rod, residual in zip(measured.rods, measured.fit.residuals_hu, strict=True)
    )
    how = "source.phantom.search" if measured.found_by == "search" else "source.phantom.points"
    try:
        return Calibration(
            name=f"{phantom.name}{f', {day.isoformat()}' if day else ''}",
            slope=measured.fit.slope,
            intercept_mg_cm3=measured.fit.intercept_mg_cm3,
            material=phantom.material,
            kvp=scan.kvp,
            nominal=phantom.example,
            source=text(how, phantom=phantom.name, rods=rods, source=phantom.source),
            provenance=_provenance(Method.PHANTOM, scan, day, operator, valid_days, phantom.name),
            fit=measured.fit.quality,
        )
    except UsageError as error:
        raise CannotMeasure("phantom.impossible_line", why=error) from error


def calibration_from_pairs(
    fitted: PairedFit, material: str, scan: ScanConditions, operator: str | None, valid_days: int = VALID_DAYS
) -> Calibration:
    """Return the calibration that paired data give; CannotMeasure if the line is physically impossible."""
    if material not in MATERIALS:
        raise UsageError("pairs.material", material=material, materials=MATERIALS)
    day = scan.day()
    levels = sorted({pair.level for pair in fitted.pairs if pair.level})
    named = "named.pairs" if day is None else "named.pairs_of_day"
    try:
        return Calibration(
            name=text(named, vertebrae=len(fitted.pairs), day=day and day.isoformat()),
            slope=fitted.line.slope,
            intercept_mg_cm3=fitted.line.intercept,
            material=material,
            kvp=scan.kvp,
            nominal=False,
            source=text(
                "source.pairs",
                pairs=len(fitted.pairs),
                subjects=text("source.pairs.subjects", subjects=fitted.subjects) if fitted.subjects else "",
                levels=text("source.pairs.levels", levels=levels) if levels else "",
                error=fitted.cross_validated_rmse_mg_cm3,
            ),
            provenance=_provenance(Method.PAIRS, scan, day, operator, valid_days, None),
            fit=fitted.quality(),
        )
    except UsageError as error:
        raise CannotMeasure("pairs.impossible_line", why=error) from error


def _provenance(
    method: Method, scan: ScanConditions, day: date | None, operator: str | None, valid_days: int, phantom: str | None
) -> Provenance:
    if valid_days < 0:
        raise UsageError("calibration.negative_validity")
    return Provenance(
        method=method,
        scanner=scan.scanner,
        filter_type=scan.filter_type,
        kernel_class=kernel_class(scan.kernel),
        date=None if day is None else day.isoformat(),
        valid_until=None if day is None else (day + timedelta(days=valid_days)).isoformat(),
        operator=operator,
        phantom=phantom,
    )
