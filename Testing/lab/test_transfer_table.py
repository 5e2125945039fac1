"""How the scatter about a conversion is fitted: the engine's table states it, and intervals rest on it."""

import numpy as np

from ldct_bmd_lab.physics.table import fit_line

SUBJECTS, REPEATS = 480, 20
GAIN, OFFSET_HU, SD_HU, SD_PER_HU = 1.35, -4.6, 0.8, 0.028


def test_bones_of_every_density_scatter_as_the_fit_says() -> None:
    """Behind tin the scatter is nearly in proportion to the HU: neither end may be decided by the other."""
    rng = np.random.default_rng(8)
    over = []
    for _ in range(REPEATS):
        x = np.clip(rng.normal(105.0, 40.0, SUBJECTS), 10.0, 260.0)
        y = GAIN * x + OFFSET_HU + rng.normal(0.0, np.hypot(SD_HU, SD_PER_HU * x))
        line = fit_line(x, y)
        z = (y - line.gain * x - line.offset) / np.hypot(line.sd, line.sd_per * x)
        over.append([np.mean(z[part] ** 2) for part in np.array_split(np.argsort(x), 6)])
    assert np.abs(np.sqrt(np.mean(over, axis=0)) - 1.0).max() < 0.05


def test_the_line_and_both_parts_of_its_scatter_are_found() -> None:
    rng = np.random.default_rng(9)
    x = rng.uniform(5.0, 250.0, 20_000)
    line = fit_line(x, GAIN * x + OFFSET_HU + rng.normal(0.0, np.hypot(3.0, SD_PER_HU * x)))
    assert abs(line.gain - GAIN) < 0.002
    assert abs(line.offset - OFFSET_HU) < 0.2
    assert abs(line.sd - 3.0) < 0.15
    assert abs(line.sd_per - SD_PER_HU) < 0.001
