"""The 3D U-net with dense blocks of Pan et al. 2020 (Fig. 2)."""

import torch
from torch import Tensor, nn

from .shape import NetworkShape

GROWTH_RATE = 8  # Pan et al. 2020


class DenseBlock(nn.Module):
    """3 x 3 x 3 convolutions that each see all that came before, then a 1 x 1 x 1 convolution to reduce dimensions.

    Normalised over each patch on its own: patches of so different doses and kernels share no batch statistics.
    """

    def __init__(self, inputs: int, layers: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(inputs + i * GROWTH_RATE, GROWTH_RATE, 3, padding=1, bias=False),
                nn.InstanceNorm3d(GROWTH_RATE, affine=True),
                nn.ReLU(inplace=True),
            )
            for i in range(layers)
        )
        self.reduce = nn.Sequential(
            nn.Conv3d(inputs + layers * GROWTH_RATE, outputs, 1, bias=False),
            nn.InstanceNorm3d(outputs, affine=True),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, z, y, x) to (n, outputs, z, y, x)."""
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, dim=1)))
        return self.reduce(torch.cat(features, dim=1))


class DenseUNet(nn.Module):
    """Encoder and decoder of dense blocks, joined at every level."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        widths, layers = shape.channels, shape.layers
        self.encoder = nn.ModuleList(
            DenseBlock(inputs, n, width) for inputs, n, width in zip((1, *widths[:-1]), layers, widths, strict=True)
        )
        self.upsample = nn.ModuleList(
            nn.ConvTranspose3d(below, width, 2, stride=2)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.decoder = nn.ModuleList(
            DenseBlock(2 * width, n, width) for width, n in zip(widths[-2::-1], layers[-2::-1], strict=True)
        )
        self.head = nn.Conv3d(widths[0], shape.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 1, z, y, x) to logits (n, classes, z, y, x)."""
        skips = []
        for i, block in enumerate(self.encoder):
            if i:
                x = nn.functional.max_pool3d(x, 2)
            x = block(x)
            skips.append(x)
        skips.pop()
        for up, block in zip(self.upsample, self.decoder, strict=True):
            x = block(torch.cat([up(x), skips.pop()], dim=1))
        return self.head(x)
