"""What carrying a calibration of 120 kVp to each setting changes and adds, from the table that the engine ships."""

from matplotlib.figure import Figure

from ldct_bmd.calibration import Calibration, Method, Provenance, Scanner
from ldct_bmd.calibration.carry import for_scan
from ldct_bmd.calibration.match import ScanConditions
from ldct_bmd.calibration.transfers import shipped_table
from ldct_bmd.quality.calibration_rules import LARGEST_TRANSFER_ERROR_MG_CM3

from .drawings import INK, VOI, svg

_SCANNER = Scanner("ACME", "CT 1", serial="1")
_SITE = Calibration("Site", 0.74, 0.0, "K2HPO4", 120.0, False, "", Provenance(Method.PHANTOM, _SCANNER))
_MEANS_MG_CM3 = ((80.0, "#81b29a"), (120.0, VOI))


def picture() -> bytes:
    """Draw, over the settings, the change of a mean of 80 and of 120 mg/cm3 and the standard error that is added."""
    settings = [pair.scanned for pair in shipped_table()[0].pairs if pair.made == "120"]
    figure = Figure(figsize=(8.4, 3.2))
    change, added = figure.subplots(1, 2)
    for mean, color in _MEANS_MG_CM3:
        told = [_change_and_error(name, mean) for name in settings]
        change.plot(settings, [shift for shift, _ in told], "o-", color=color, label=f"a mean of {mean:g} mg/cm³")
        added.plot(settings, [error for _, error in told], "o-", color=color)
    change.axhline(0.0, color=INK, linewidth=0.8)
    change.set_title("change of the mean, mg/cm³", fontsize=9)
    change.legend(fontsize=8)
    added.axhline(LARGEST_TRANSFER_ERROR_MG_CM3, color=INK, linewidth=0.8, linestyle="dashed")
    added.set_ylim(bottom=0.0)
    added.set_title("standard error added, mg/cm³\n(no category from the dashed line on)", fontsize=9)
    for axes in (change, added):
        axes.tick_params(labelsize=8)
        axes.tick_params(axis="x", rotation=60)
    return svg(figure)


def _change_and_error(name: str, mean_mg_cm3: float) -> tuple[float, float]:
    tin = name.startswith("Sn")
    scan = ScanConditions(_SCANNER, float(name.removeprefix("Sn")), "TIN" if tin else None, None, None)
    carried = for_scan(_SITE, scan)
    if carried.transfer is None:
        raise ValueError(f"{name} is not in the table")
    mean_hu = (mean_mg_cm3 - carried.intercept_mg_cm3) / carried.slope
    return mean_mg_cm3 - _SITE.bmd_mg_cm3(mean_hu), carried.transfer.error_mg_cm3(mean_hu)
