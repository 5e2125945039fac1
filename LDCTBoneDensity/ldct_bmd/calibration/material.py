"""From hydroxyapatite equivalents to K2HPO4 equivalents: which BMD the limits, which are of K2HPO4, may mean."""

import numpy as np

from .carry import as_made
from .linear import Calibration

# BMD in K2HPO4 over BMD in hydroxyapatite, at 80 and 140 kVp. Lower: solid standards of one maker against K2HPO4 in
# water, Goodsitt 1992, Bone Miner 19:145 (https://c.coek.info/pdf-conversion-relations-for-quantitative-ct-bone-
# mineral-densities-measured-with-so.html). Upper: pure hydroxyapatite in water, by the lab's simulated spectra; near it
# lies the European Spine Phantom, hydroxyapatite in resin, which calibration by K2HPO4 measures within 1.4 to 6.7 %
# (Wang 2017, https://pmc.ncbi.nlm.nih.gov/articles/PMC5524691). How a phantom's maker counts its mineral decides; that
# is not known of a calibration.
_KVP = (80.0, 140.0)
_LOWER, _UPPER = (0.86, 0.81), (1.00, 0.96)


def k2hpo4_parts(calibration: Calibration) -> tuple[float, float] | None:
    """Return the least and the most K2HPO4 that a mg of the calibration's material may stand for, at its voltage.

    (1, 1) for K2HPO4 itself; None where no relation is known: another voltage, none, or a tin filter.

    Examples:
        >>> from .nominal import entered_calibration
        >>> k2hpo4_parts(entered_calibration(0.8, 0.0, "hydroxyapatite", 80.0))
        (0.86, 1.0)
    """
    if calibration.material == "K2HPO4":
        return 1.0, 1.0
    kvp = calibration.kvp
    if kvp is None or as_made(calibration).with_tin or not _KVP[0] <= kvp <= _KVP[1]:
        return None
    return float(np.interp(kvp, _KVP, _LOWER)), float(np.interp(kvp, _KVP, _UPPER))
