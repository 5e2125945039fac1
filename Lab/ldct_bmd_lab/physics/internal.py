"""Virtual patients whose tissues differ, on scanners that differ and drift: to try calibration by tissues on.

Each patient is scanned on each scanner, and again after the scanner has drifted. The truth is what the same bone would
show in a trunk of the reference size, by the line that the scanner has at that time. Tissues differ between people as
published; scanners differ in their beam, in what they show of water and air, and in what they lose with a body's size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ldct_bmd.calibration.nominal import slope_from_attenuation
from ldct_bmd.calibration.size import REFERENCE_MM

from .beam import Scanner
from .cohort import draw_subject, phantom_line
from .coverage import levels_of, of_reference_size, water_equivalent_mm
from .internal_methods import AIR, BONE, FAT, TISSUES
from .materials import ENERGY_KEV, mass_attenuation, mixture
from .projection import Ellipse, grid_in, line_integrals, scanned_hu
from .table import NOISE_HU, REFERENCE
from .torso import VESSEL_RADIUS_MM, TrunkSlice, trunk, vessel_mm, vessel_points, voi_points

Array = NDArray[np.float64]

SEED = 4712  # nothing was set on it
PATIENTS = 100
_FAR_ANGLES = 720  # tissues lie far from the middle, where fewer make streaks
_LEAST_FAT_MM = 12.0  # thinner fat is not measured
_CORTEX_MM, _CORTEX_AT_MM = 6.0, (0.0, 74.0)


@dataclass(frozen=True)
class Tissues:
    """How tissues differ between people, in HU at 120 kVp: mean and SD."""

    fat_hu: tuple[float, float]
    muscle_hu: tuple[float, float]
    blood_hu: tuple[float, float]

    def scaled(self, share: float) -> "Tissues":
        """Return tissues that differ by a share of this."""
        fat, muscle, blood = ((mean, share * sd) for mean, sd in (self.fat_hu, self.muscle_hu, self.blood_hu))
        return Tissues(fat, muscle, blood)

    def drawn(self, count: int, rng: np.random.Generator) -> Array:
        """Return fat, muscle and blood of so many people, (count, 3), independent of each other."""
        means, sds = np.array([self.fat_hu, self.muscle_hu, self.blood_hu]).T
        return np.asarray(rng.normal(means, sds, (count, 3)))


# Fat and muscle: the engine's calibration/tissue.py; muscle has an SD of 6 HU within an age group, and the means of the
# groups spread by as much. Blood: quartiles of 29 and 45 HU (https://www.researchsquare.com/article/rs-1420003/v1).
AS_PUBLISHED = Tissues((-106.0, 8.5), (35.0, 8.5), (37.0, 12.0))
# The narrowest that was found. Visceral fat of 3,198 people from -105.7 to -79.0 HU, seven SD at most
# (https://discovery.researcher.life/article/abstract-mp035-relative-attenuation-of-visceral-adipose-tissue-and-metabolic-
# risk-the-framingham-heart-study/0e68ef54fed3320cbf8b18491a83ecdb), muscle of one age group, blood of people without
# anaemia (quartiles of 39.2 and 50 HU, the same 325 patients).
NARROWEST = Tissues((-94.0, 3.8), (35.0, 6.0), (44.6, 8.0))
# Of air in the trachea, within each of two scanners (https://acemap.info/paper/333220620).
_AIR_SD_HU = 4.7
# Of what the engine measures of air, fat, muscle and blood: medians of large regions, and of a few discs.
_TISSUE_NOISE_HU = np.array([0.5, 1.0, 1.0, 1.5, 5.0])
# Cortical bone as in a thigh, which a scan of the chest does not hold; its mineral differs by 3 %: assumed, both in
# favour of the method.
_CORTEX_SD = 0.03


@dataclass(frozen=True)
class Site:
    """A scanner as it stands somewhere.

    Attributes:
        water_hu: what water shows; air stays, as scanners adjust it every day. Accreditation allows 5 HU.
        air_hu: what air beside a body shows, within what accreditation allows (see the engine's calibration/tissue.py).
        per_mm_hu: what everything in the body loses for each mm of water-equivalent diameter, by scatter: together with
            the beam's hardening 0 to 0.12 mg/cm3, as published (see the engine's calibration/size.py).
        shift_hu: added to every HU.
    """

    name: str
    scanner: Scanner
    water_hu: float = 0.0
    air_hu: float = -1000.0
    per_mm_hu: float = 0.0
    shift_hu: float = 0.0

    def shown(self, hu: Array, larger_mm: Array | float) -> Array:
        """Return what the site shows of bodies so much larger than the reference."""
        lost = self.per_mm_hu * np.asarray(larger_mm)
        return np.asarray(hu + self.water_hu * (1.0 + hu / 1e3) - lost + self.shift_hu)

    def line(self, slope: float, intercept_mg_cm3: float) -> tuple[float, float]:
        """Return the line by a phantom here, of one that holds where water is 0 HU."""
        here = slope / (1.0 + 1e-3 * self.water_hu)
        return here, intercept_mg_cm3 - here * (self.water_hu + self.shift_hu)


SITES = (
    Site("A", Scanner(5.0, 8.0, 1.0), water_hu=-3.0, air_hu=-1003.0, per_mm_hu=0.0),
    Site("B", Scanner(8.0, 15.0, 1.4), water_hu=1.0, air_hu=-998.0, per_mm_hu=0.04),
    Site("C", Scanner(11.0, 22.0, 1.7), water_hu=-1.0, air_hu=-992.0, per_mm_hu=0.08),
    Site("D", Scanner(14.0, 28.0, 2.0), water_hu=3.0, air_hu=-985.0, per_mm_hu=0.11),
)
HARDER_KEV = 2.0


@dataclass(frozen=True)
class Drift:
    """What happened to a scanner after its phantom was scanned.

    Attributes:
        harder: whether its beam acts like photons of ``HARDER_KEV`` more.
    """

    name: str
    shift_hu: float = 0.0
    harder: bool = False


NO_DRIFT = Drift("none")
DRIFTS = (NO_DRIFT, Drift("+5 HU", 5.0), Drift("+10 HU", 10.0), Drift(f"+{HARDER_KEV:.0f} keV", harder=True))
# What else the alarms are tried on: 24 HU is 1000 taken for 1024.
SHIFTS = tuple(Drift(f"{shift:+.0f} HU", shift) for shift in (15.0, 20.0, 24.0, -5.0, -10.0, -15.0, -20.0, -24.0))


@dataclass(frozen=True)
class Shown:
    """What sites show, without noise, where water is 0 HU: (sites, beams as made and harder, patients).

    Attributes:
        bone_hu, reference_hu: of L1 and L2, in the patient's trunk and in one of the reference size.
        tissue_hu: of ``TISSUES`` of the ICRU's reference person, with a last axis.
        slope, intercept_mg_cm3: of a phantom, (sites, beams).
        larger_mm: than the reference, (patients,).
    """

    bone_hu: Array
    reference_hu: Array
    tissue_hu: Array
    slope: Array
    intercept_mg_cm3: Array
    larger_mm: Array


def simulate_sites(patients: int = PATIENTS, sites: Sequence[Site] = SITES, seed: int = SEED) -> Shown:
    """Scan every patient on every site's scanner, with both beams: 3 s of a processor a patient."""
    beams = [[site.scanner, harder(site.scanner)] for site in sites]
    shape = (len(sites), 2, patients)
    bone, reference, tissue = np.empty(shape), np.empty(shape), np.empty((*shape, len(TISSUES)))
    larger = np.empty(patients)
    for n in range(patients):
        subject = draw_subject(seed, n)
        _, *levels = levels_of(subject, np.random.default_rng([seed, n, 3]))
        larger[n] = water_equivalent_mm(subject.body) - REFERENCE_MM
        own = [line_integrals(trunk(body)) for body in levels]
        usual = [line_integrals(trunk(of_reference_size(body))) for body in levels]
        far, points = _with_tissues(levels[0])
        ends = np.cumsum([len(one) for one in points])[:-1]
        for k, pair in enumerate(beams):
            for b, scanner in enumerate(pair):
                bone[k, b, n], reference[k, b, n] = (
                    np.mean([scanned_hu(one, (REFERENCE,), scanner, voi_points()).mean() for one in of])
                    for of in (own, usual)
                )
                every = scanned_hu(far, (REFERENCE,), scanner, np.concatenate(points))[0]
                tissue[k, b, n] = [float(np.median(part)) for part in np.split(every, ends)]
    lines = np.array([[phantom_line((REFERENCE,), scanner) for scanner in pair] for pair in beams])[..., 0]
    return Shown(bone, reference, tissue, lines[..., 0], lines[..., 1], larger)


def effective_kev(slope: float) -> float:
    """Return the energy of photons for which a phantom's line would have this slope."""
    kev = np.arange(50.0, 90.0, 0.1)
    k2hpo4, water = (
        np.exp(np.interp(np.log(kev), np.log(ENERGY_KEV), np.log(mass_attenuation(one)))) for one in ("K2HPO4", "H2O")
    )
    slopes = [slope_from_attenuation(float(one), float(other)) for one, other in zip(k2hpo4, water, strict=True)]
    return float(np.interp(slope, slopes, kev))


def harder(scanner: Scanner) -> Scanner:
    """Return the scanner with so much aluminium more that its beam acts like photons of ``HARDER_KEV`` more."""

    def kev(more_mm: float) -> float:
        more = replace(scanner, aluminium_mm=scanner.aluminium_mm + more_mm)
        return effective_kev(float(phantom_line((REFERENCE,), more)[0][0]))

    own = kev(0.0)
    more_mm = brentq(lambda more: kev(more) - own - HARDER_KEV, 0.0, 30.0, xtol=0.1)
    return replace(scanner, aluminium_mm=scanner.aluminium_mm + float(more_mm))


def _with_tissues(body: TrunkSlice) -> tuple[Array, list[Array]]:
    """Return the line integrals of a body whose tissues can be measured, and the points of each of ``TISSUES``."""
    body = replace(body, fat_mm=max(body.fat_mm, _LEAST_FAT_MM))
    cortex = Ellipse(_CORTEX_AT_MM, (_CORTEX_MM, _CORTEX_MM), mixture(cortical_bone=1.0), mixture(muscle=1.0))
    ellipses = trunk(body)
    # The aorta lies in the belly, of which some is fat. Cortex takes the place of the spinous process, painted last.
    around = Ellipse(vessel_mm(body), (VESSEL_RADIUS_MM, VESSEL_RADIUS_MM), mixture(muscle=1.0), ellipses[2].filled)
    far = line_integrals([*ellipses[:-1], around, cortex], _FAR_ANGLES)
    front = -100.0 * body.size_scale - body.fat_mm
    return far, [
        grid_in((0.0, front - 20.0), (15.0, 5.0)),
        grid_in((0.0, front + body.fat_mm / 2.0), (12.0, 0.25 * body.fat_mm)),
        grid_in((52.0, 45.0), (8.0, 8.0)),
        vessel_points(body),
        grid_in(_CORTEX_AT_MM, (0.5 * _CORTEX_MM, 0.5 * _CORTEX_MM)),
    ]


@dataclass(frozen=True)
class Scans:
    """What a site shows of its patients: of bone, the mean of L1 and L2, and of ``TISSUES`` (patients, tissues)."""

    bone_hu: Array
    tissue_hu: Array
    true_mg_cm3: Array


def draw_scans(shown: Shown, place: int, site: Site, drift: Drift, tissues: Tissues, rng: np.random.Generator) -> Scans:
    """Return one scan of each patient at a site, with tissues drawn for each, and noise."""
    now, b, larger = replace(site, shift_hu=drift.shift_hu), int(drift.harder), shown.larger_mm
    count = len(larger)
    of_icru = shown.tissue_hu[:, 0, :, FAT:BONE].mean(axis=(0, 1))
    hu = shown.tissue_hu[place, b].copy()
    hu[:, FAT:BONE] += tissues.drawn(count, rng) - of_icru
    hu[:, BONE] *= 1.0 + rng.normal(0.0, _CORTEX_SD, count)
    seen = now.shown(hu, larger[:, None])
    seen[:, AIR] = now.air_hu + now.shift_hu + rng.normal(0.0, _AIR_SD_HU, count)
    seen += rng.normal(0.0, _TISSUE_NOISE_HU, seen.shape)
    slope, intercept = now.line(shown.slope[place, b], shown.intercept_mg_cm3[place, b])
    truth = slope * now.shown(shown.reference_hu[place, b], 0.0) + intercept
    return Scans(now.shown(shown.bone_hu[place, b], larger) + rng.normal(0.0, NOISE_HU, count), seen, truth)
