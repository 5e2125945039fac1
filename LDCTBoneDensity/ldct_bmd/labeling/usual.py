"""What is usual of a spine: the names of its bodies in their order, and how high they are."""

from typing import Final

# Votes are given over these, from the top; what lies above C7 or below L5 is all one.
NAMES: Final[tuple[str, ...]] = ("C7", *(f"T{i}" for i in range(1, 13)), *(f"L{i}" for i in range(1, 6)))
THORACIC: Final[tuple[str, ...]] = tuple(f"T{i}" for i in range(1, 13))
# Height of each body with its disc: the torso atlas's (a woman), larger above T4, as in two patients' scans.
HEIGHTS_MM: Final[dict[str, float]] = dict(
    zip(
        NAMES,
        (19, 20, 21, 22, 23, 24, 25, 25.5, 26.5, 27.5, 28.5, 30, 32, 33.5, 34.5, 35, 35, 34.5),
        strict=True,
    )
)
