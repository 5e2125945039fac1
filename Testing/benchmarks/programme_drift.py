"""How soon a programme's summary shows that the HU scale of its scanner has shifted: by BMD, and by fat and muscle."""

# ruff: noqa: T201

import argparse

import machine
import numpy as np

from ldct_bmd.screening.summary import Monthly, summarize

SHIFTS_HU = (3.0, 5.0, 10.0)
WITHOUT_ALARMS = 5  # months, of which the limits are made
FIRST, WITHIN_THREE = ("2025-01",), ("2025-01", "2025-02", "2025-03")


def told(followed: Monthly) -> set[str]:
    """The months with an alarm."""
    return {month for month, _ in followed.alarms}


def main() -> None:
    """Draw programmes, shift their scale after a year, and count alarms."""
    from helpers_programme import FIRST_SHIFTED, programme

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programmes", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args()
    print(machine.describe())
    seeds = range(options.seed, options.seed + options.programmes)
    for hu in SHIFTS_HU:
        drawn = [summarize(programme(FIRST_SHIFTED, seed, bmd=0.0, hu=hu)).scanners[0] for seed in seeds]
        for name, alarms in (
            ("mean BMD", [told(one.bmd) for one in drawn]),
            ("fat and muscle", [told(one.soft_tissue) for one in drawn]),
        ):
            before = [len({month for month in one if month < FIRST[0]}) for one in alarms]
            false = np.mean(before) / (FIRST_SHIFTED - 1 - WITHOUT_ALARMS)
            first, three = (np.mean([bool(one & set(months)) for one in alarms]) for months in (FIRST, WITHIN_THREE))
            print(
                f"{hu:+.0f} HU, {name}: first month {first:.0%}, within three {three:.0%}; false {false:.1%} of months"
            )


if __name__ == "__main__":
    main()
