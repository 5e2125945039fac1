"""What a network is built from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkShape:
    """What a network is built from.

    Attributes:
        classes: output channels, background first.
        channels: width after the 1 x 1 x 1 convolution of each level, finest first.
        layers: 3 x 3 x 3 convolutions in the dense block of each level.
    """

    classes: int
    channels: tuple[int, ...]
    layers: tuple[int, ...]

    @property
    def stride(self) -> int:
        """Input sizes must be multiples of this along every axis."""
        return int(2 ** (len(self.channels) - 1))
