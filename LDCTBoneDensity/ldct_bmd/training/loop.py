"""The training loop: synthetic scans without end, checkpoints, an average of the weights."""

import csv
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..segmentation.network import DenseUNet
from ..segmentation.normalize import normalize
from .configuration import LossWeights, TrainingConfiguration
from .synthetic import Atlas, sample

CHECKPOINT_SECONDS = 180.0
LOG_EVERY = 20


def example(rng: np.random.Generator, atlas: Atlas, configuration: TrainingConfiguration) -> tuple[Tensor, Tensor]:
    """Draw a training pair: input (1, 1, z, y, x) and classes (1, z, y, x)."""
    drawn = sample(rng, atlas, configuration.spec)
    height = int(rng.choice(configuration.heights))
    start = int(rng.integers(0, len(drawn.hu) - height + 1))
    hu = torch.from_numpy(np.ascontiguousarray(drawn.hu[start : start + height]))
    target = torch.from_numpy(configuration.table[drawn.labels[start : start + height]])
    return normalize(hu)[None, None], target[None]


def loss_function(logits: Tensor, target: Tensor, weights: LossWeights) -> Tensor:
    """Return the loss of logits (1, classes, z, y, x) against classes (1, z, y, x).

    What is asked: is it foreground at all (Dice loss and cross-entropy), which class (Dice loss over the classes
    present, weighted cross-entropy), and how many levels off.
    """
    classes = logits.shape[1]
    flat = logits[0].reshape(classes, -1)
    truth = target.reshape(-1)
    log_probability = flat.log_softmax(dim=0)
    probability = log_probability.exp()
    log_true = log_probability.gather(0, truth[None])[0]
    weight = torch.tensor(weights.classes)[truth]
    entropy = -(weight * log_true).sum() / weight.sum()

    count = torch.bincount(truth, minlength=classes)
    overlap = log_true.new_zeros(classes).index_add(0, truth, log_true.exp())
    total = probability.sum(dim=1) + count
    present = count > 0
    present[0] = False
    per_class = 1 - (2 * overlap + 1) / (total + 1)
    dice = per_class[present].mean() if present.any() else entropy.new_zeros(())
    loss = weights.classification * (dice + entropy)

    foreground = truth > 0
    found = 1 - probability[0]
    merged = 1 - (2 * found[foreground].sum() + 1) / (found.sum() + foreground.sum() + 1)
    loss = loss + 0.5 * merged
    if weights.border:
        log_found = torch.logsumexp(log_probability[1:], dim=0)
        binary = -torch.where(foreground, log_found, log_probability[0])
        shell = 1 + weights.border * _beside(foreground.reshape(target.shape)).reshape(-1)
        loss = loss + 0.5 * merged + (shell * binary).sum() / shell.sum()
    if weights.ordered is not None:
        first, last = weights.ordered
        here = (truth >= first) & (truth <= last)
        if here.any():
            share = flat[first : last + 1, here].softmax(dim=0)
            mean = (share * torch.arange(first, last + 1, dtype=share.dtype)[:, None]).sum(dim=0)
            off = functional.smooth_l1_loss(mean, truth[here].to(mean.dtype))
            loss = loss + 0.3 * weights.classification * off
    return loss


def _beside(foreground: Tensor) -> Tensor:
    """Return which background voxels lie within 2 mm along z (discs), or 2 mm across, of foreground (1, z, y, x)."""
    near = functional.max_pool3d(foreground[None].float(), (5, 3, 3), stride=1, padding=(2, 1, 1))[0]
    return near - foreground.float()


class Trainer:
    """Trains one network; what it needs to go on after a kill lies in ``folder``."""

    def __init__(self, configuration: TrainingConfiguration, atlas: Atlas, folder: Path) -> None:
        self.configuration = configuration
        self.atlas = atlas
        self.folder = folder
        torch.manual_seed(configuration.seed)
        self.network = DenseUNet(configuration.network)
        self.average = DenseUNet(configuration.network)
        self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=configuration.learning_rate, weight_decay=configuration.weight_decay
        )
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file that a killed run goes on from."""
        return self.folder / f"{self.configuration.name}.pt"

    def resume(self) -> None:
        """Go on from the checkpoint if there is one."""
        if self.checkpoint.exists():
            state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = int(state["step"])

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        beside = self.checkpoint.with_suffix(".tmp")
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        torch.save(state, beside)
        beside.replace(self.checkpoint)

    def run(self) -> None:
        """Train to the configured number of steps."""
        self.resume()
        last_save = started = time.monotonic()
        first_step, smooth = self.step, math.nan
        with (self.folder / f"{self.configuration.name}.csv").open("a", newline="") as file:
            log = csv.writer(file)
            for inputs, target in self._examples():
                loss = self._train_step(inputs, target)
                smooth = loss if math.isnan(smooth) else 0.98 * smooth + 0.02 * loss
                if self.step % LOG_EVERY == 0:
                    seconds = (time.monotonic() - started) / (self.step - first_step)
                    log.writerow([self.step, f"{smooth:.4f}", f"{seconds:.3f}"])
                    file.flush()
                if time.monotonic() - last_save > CHECKPOINT_SECONDS:
                    self.save()
                    last_save = time.monotonic()
        self.save()

    def _examples(self) -> Iterator[tuple[Tensor, Tensor]]:
        while self.step < self.configuration.steps:
            # Each step has its own stream, so that a resumed run sees what an unbroken one would have seen.
            rng = np.random.default_rng((self.configuration.seed, self.step))
            yield example(rng, self.atlas, self.configuration)

    def _train_step(self, inputs: Tensor, target: Tensor) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.configuration.learning_rate * self._schedule()
        self.network.train()
        logits = self.network(inputs.to(memory_format=torch.channels_last_3d)).float()
        loss = loss_function(logits, target, self.configuration.loss)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.configuration.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        return float(loss.detach())

    def _schedule(self) -> float:
        warm = min(1.0, (self.step + 1) / self.configuration.warmup)
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.step / self.configuration.steps)))
