"""The nnU-Net of TotalSegmentator's vertebrae (task 292 of version 2), built from its published plan, without weights.

Sources: nnU-Net v2 (`nnUNetPlans`, class `PlainConvUNet`: two 3 x 3 x 3 convolutions a stage with bias, instance
normalisation and leaky ReLU, strided convolutions down, transposed ones up; 32 features, doubled up to 320; windows as
in `compute_steps_for_sliding_window`); TotalSegmentator (1.5 mm, patches of 128 x 128 x 128, 26 structures and
background, no mirroring; `roi_subset` crops to 20 mm about what a network at 6 mm saw).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

FEATURES = (32, 64, 128, 256, 320, 320)
CLASSES = 27
PATCH = 128
SPACING_MM = 1.5
STEPS = (0.5, 0.8)  # of a patch: nnU-Net's own, and that of TotalSegmentator's "total" since July 2026
CROP_MARGIN_MM = 20.0


class Stage(nn.Sequential):
    """Two convolutions, the first with a stride."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1),
            nn.InstanceNorm3d(outputs, affine=True),
            nn.LeakyReLU(inplace=True),
            nn.Conv3d(outputs, outputs, 3, padding=1),
            nn.InstanceNorm3d(outputs, affine=True),
            nn.LeakyReLU(inplace=True),
        )


class PlainConvUNet(nn.Module):
    """Maps (n, 1, z, y, x) to logits (n, CLASSES, z, y, x); as at inference, without deep supervision."""

    def __init__(self) -> None:
        super().__init__()
        steps = list(zip((1, *FEATURES[:-1]), FEATURES, strict=True))
        self.encoder = nn.ModuleList(Stage(a, b, stride=2 if i else 1) for i, (a, b) in enumerate(steps))
        ups = list(zip(FEATURES[:0:-1], FEATURES[-2::-1], strict=True))
        self.upsample = nn.ModuleList(nn.ConvTranspose3d(below, width, 2, stride=2) for below, width in ups)
        self.decoder = nn.ModuleList(Stage(2 * width, width) for _, width in ups)
        self.head = nn.Conv3d(FEATURES[0], CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        skips.pop()
        for up, stage in zip(self.upsample, self.decoder, strict=True):
            x = stage(torch.cat((up(x), skips.pop()), dim=1))
        return self.head(x)


def random_network() -> nn.Module:
    """Return the network with random weights, the same ones each time."""
    torch.manual_seed(292)
    return PlainConvUNet().eval()


def tiles(extent_mm: tuple[float, float, float], step: float) -> int:
    """Return how many patches a sliding window needs over a field of this extent."""
    voxels = (max(PATCH, round(mm / SPACING_MM)) for mm in extent_mm)
    return math.prod(math.ceil((n - PATCH) / (PATCH * step)) + 1 for n in voxels)


@dataclass(frozen=True)
class Window:
    """A way in which TotalSegmentator covers a scan.

    Attributes:
        extent_mm: (z, y, x) of what the window slides over.
    """

    name: str
    extent_mm: tuple[float, float, float]
    step: float

    @property
    def patches(self) -> int:
        """How many patches it takes."""
        return tiles(self.extent_mm, self.step)


def windows(scan_mm: tuple[float, float, float], spine_mm: tuple[float, float]) -> tuple[Window, ...]:
    """Return the ways to cover a scan (z, y, x), the whole of it or the spine's box alone, (y, x) without margin.

    The network at 6 mm that finds the box is not counted.
    """
    box = (scan_mm[0], *(min(n, mm + 2 * CROP_MARGIN_MM) for n, mm in zip(scan_mm[1:], spine_mm, strict=True)))
    whole = tuple(Window(f"whole scan, step {step}", scan_mm, step) for step in STEPS)
    return (*whole, Window(f"cropped to the spine (roi_subset), step {STEPS[-1]}", box, STEPS[-1]))
