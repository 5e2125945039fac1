"""The Dice metric of a network on validation examples."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .examples import Example
from .targets import IGNORE


@dataclass(frozen=True)
class Dice:
    """Mean over the examples.

    Attributes:
        classes: mean over the classes that the example holds, background left out.
        outline: of all of them together against background.
    """

    classes: float
    outline: float


def dice(network: nn.Module, examples: Iterable[Example], device: torch.device) -> Dice:
    """Return the Dice of ``network`` on ``examples``; those without foreground are left out (NaN if all are)."""
    network.eval()
    scores = []
    with torch.inference_mode():
        for inputs, target in examples:
            answer = network(inputs.to(device)).argmax(dim=1).cpu()
            known = target != IGNORE
            if (target[known] > 0).any():
                scores.append(_scores(answer[known], target[known]))
    classes, outline = np.mean(scores, axis=0) if scores else (np.nan, np.nan)
    return Dice(float(classes), float(outline))


def _scores(answer: Tensor, truth: Tensor) -> tuple[float, float]:
    per_class = [_overlap(answer == c, truth == c) for c in truth.unique().tolist() if c > 0]
    return float(np.mean(per_class)), _overlap(answer > 0, truth > 0)


def _overlap(one: Tensor, other: Tensor) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())
