"""From the HU of the rods to a calibration line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ground.errors import CannotMeasure
from ..nominal import WATER_DISPLACEMENT, WATER_OFFSET_HU
from ..provenance import FitQuality
from ..regression import fit_line
from .description import Equations, PhantomDescription


@dataclass(frozen=True)
class RodFit:
    """The line BMD = slope x HU + intercept that the rods give.

    Attributes:
        residuals_hu: each rod's HU less those of the line, in the order of the description.
    """

    slope: float
    intercept_mg_cm3: float
    quality: FitQuality
    residuals_hu: tuple[float, ...]


def fit_rods(phantom: PhantomDescription, mean_hu: Sequence[float]) -> RodFit:
    """Fit the rods' mean HU, in the order of the description.

    K2HPO4 in water (Mindways QCT PRO User Guide v5.0): HU - rho_water = sigma_ref rho_K2HPO4 + beta_ref over the rods,
    then sigma_CT = sigma_ref - 0.2174, beta_CT = beta_ref + 999.6 and BMD = (HU - beta_CT) / sigma_CT. A solid phantom:
    HU = sigma_CT rho + beta_CT. HU are what was measured with errors, so they are the dependent variable; slope and
    intercept take the covariance of sigma and beta to first order.

    Raises:
        CannotMeasure: the HU do not rise with the mineral.
    """
    mineral = np.array([rod.mineral_mg_cm3 for rod in phantom.rods])
    hu = np.asarray(mean_hu, np.float64)
    is_mindways = phantom.equations is Equations.MINDWAYS
    water = np.array([rod.water_mg_cm3 or 0.0 for rod in phantom.rods])
    line = fit_line(mineral, hu - water if is_mindways else hu)
    sigma = line.slope - (WATER_DISPLACEMENT if is_mindways else 0.0)
    beta = line.intercept + (WATER_OFFSET_HU if is_mindways else 0.0)
    if sigma <= 0.0:
        raise CannotMeasure("phantom.hu_does_not_rise", phantom=phantom.name)
    slope, intercept = 1.0 / sigma, -beta / sigma
    jacobian = np.array([[-1.0 / sigma**2, 0.0], [beta / sigma**2, -1.0 / sigma]])
    covariance = jacobian @ line.covariance @ jacobian.T
    quality = FitQuality(
        slope_se=float(np.sqrt(covariance[0, 0])),
        intercept_se_mg_cm3=float(np.sqrt(covariance[1, 1])),
        slope_intercept_covariance=float(covariance[0, 1]),
        residual_sd_mg_cm3=line.residual_sd / sigma,
        r_squared=line.r_squared,
        points=line.points,
    )
    return RodFit(slope, intercept, quality, tuple(line.residuals.tolist()))


def expected_hu(phantom: PhantomDescription, slope: float, intercept_mg_cm3: float) -> NDArray[np.float64]:
    """Return the HU that a scanner with this calibration shows in the rods: the inverse of :func:`fit_rods`."""
    sigma, beta = 1.0 / slope, -intercept_mg_cm3 / slope
    mineral = np.array([rod.mineral_mg_cm3 for rod in phantom.rods])
    if phantom.equations is Equations.LINE:
        return np.asarray(sigma * mineral + beta)
    water = np.array([rod.water_mg_cm3 or 0.0 for rod in phantom.rods])
    return np.asarray(water + (sigma + WATER_DISPLACEMENT) * mineral + beta - WATER_OFFSET_HU)
