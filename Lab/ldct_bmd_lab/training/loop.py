"""The training loop: checkpoints, an average of the weights, a log."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ldct_bmd.ground.atomic import write_file
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.segmentation.runtime.dense_unet import DenseUNet

from .configuration import TrainingConfiguration
from .dice import Dice, dice
from .examples import Example, Source, batches, validation_examples
from .log import StepRecord, TrainingLog, plot
from .loss import loss_function
from .start import Start

CHECKPOINT_SECONDS = 180.0
MAX_GRADIENT_NORM = 1.0
Report = Callable[[StepRecord], None]


class Trainer:
    """Trains one network; what it needs to go on after a kill lies in ``folder``.

    Args:
        source: what it trains on.
        held_out: what its validation examples are drawn from; None: there is no validation.
        workers: processes that draw the examples; 0: this one.
        start: weights to start from, where there is no checkpoint to go on from.
        origin: what tells the data that ``source`` draws from; a checkpoint is gone on with on the same alone.

    Raises:
        UsageError: ``start`` does not fit, or the learning rate is to follow a validation that there is not.
    """

    def __init__(
        self,
        configuration: TrainingConfiguration,
        source: Source,
        folder: Path,
        held_out: Source | None = None,
        device: torch.device | None = None,
        workers: int = 0,
        start: Start | None = None,
        origin: str = "",
    ) -> None:
        if configuration.schedule.kind == "plateau" and (held_out is None or not configuration.validation):
            raise UsageError.of_text(
                f"{configuration.name} lowers its learning rate on a plateau of the validation Dice, and there is "
                "nothing to validate on: name more pairs, or take the schedule cosine."
            )
        self.configuration = configuration
        self.source = source
        self.held_out = held_out
        self.folder = folder
        self.device = device or torch.device("cpu")
        self.workers = workers
        self.start = start
        self.origin = origin
        torch.manual_seed(configuration.seed)
        self.network = DenseUNet(configuration.network)
        if start is not None:
            start.load_into(self.network)
        self.average = DenseUNet(configuration.network)
        self.average.load_state_dict(self.network.state_dict())
        for network in (self.network, self.average):
            network.to(self.device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[configuration.optimizer]
        self.optimizer = kind(
            self.network.parameters(), lr=configuration.learning_rate, weight_decay=configuration.weight_decay
        )
        schedule = configuration.schedule
        self.plateau = ReduceLROnPlateau(
            self.optimizer, mode="max", factor=schedule.factor, patience=schedule.patience - 1, threshold=0.0, eps=0.0
        )
        self.precision = _precision(self.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == torch.float16)
        self.step = 0
        self._resumed_start: str | None = None
        self._validation: list[Example] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file that a killed run goes on from."""
        return self.folder / f"{self.configuration.name}.pt"

    def resume(self) -> None:
        """Go on from the checkpoint if there is one; UsageError if it is of another run."""
        if self.checkpoint.exists():
            state: dict[str, Any] = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self._check_start(state.get("start"))
            try:
                self.network.load_state_dict(state["network"])
            except RuntimeError as error:
                raise UsageError.of_text(
                    f"{self.checkpoint} is of a network of another shape: name another folder."
                ) from error
            self._check_same(state)
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            rate = self.configuration.learning_rate
            if "configuration" in state and state["configuration"]["learning_rate"] != rate:
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
            self.step = int(state["step"])
            if "plateau" in state:
                self.plateau.load_state_dict(state["plateau"])
            if self.scaler.is_enabled() and state.get("scaler"):
                self.scaler.load_state_dict(state["scaler"])

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "plateau": self.plateau.state_dict(),
            "scaler": self.scaler.state_dict(),
            "configuration": to_plain(self.configuration),
            "start": self.start.sha256 if self.start else self._resumed_start,
            "configuration_digest": self.configuration.digest,
            "origin": self.origin,
        }
        write_file(self.checkpoint, lambda partial: torch.save(state, partial))

    def _check_start(self, resumed: str | None) -> None:
        """Refuse to go on with a run that began otherwise than is asked for."""
        if self.start is not None and self.start.sha256 != resumed:
            raise UsageError.of_text(
                f"{self.checkpoint} is of a run that did not start from {self.start.name}: "
                "name another folder, or leave out --start to go on with it."
            )
        self._resumed_start = resumed

    def _check_same(self, state: Mapping[str, Any]) -> None:
        """Refuse to go on on other data or with another configuration; older checkpoints do not tell."""
        same = {"configuration_digest": self.configuration.digest, "origin": self.origin}
        what = {"configuration_digest": "with another configuration", "origin": "on other data"}
        for key, value in same.items():
            if state.get(key, value) != value:
                raise UsageError.of_text(f"{self.checkpoint} is of a run {what[key]}: name another folder with --runs.")

    def run(self, report: Report | None = None) -> None:
        """Train to the configured number of steps; CannotMeasure if the loss is no number any more."""
        self.resume()
        log_file, picture = (self.folder / f"{self.configuration.name}.{ending}" for ending in ("csv", "png"))
        last_save = last_step = time.monotonic()
        with TrainingLog(log_file, self.step) as log:
            for inputs, target in batches(self.source, self.configuration, self.step, self.workers):
                loss = self.train_step(inputs, target)
                if not math.isfinite(loss):
                    raise CannotMeasure.of_text(
                        f"The loss is no number any more at step {self.step}: "
                        "go on from the last checkpoint with a lower --learning-rate."
                    )
                rate = float(self.optimizer.param_groups[0]["lr"])
                looked = self._look()
                now = time.monotonic()
                record = StepRecord(self.step, loss, now - last_step, rate, looked)
                last_step = now
                log.write(record)
                if report is not None:
                    report(record)
                if now - last_save > CHECKPOINT_SECONDS:
                    self.save()
                    plot(log_file, picture)
                    last_save = now
        self.save()
        plot(log_file, picture)

    def train_step(self, inputs: Tensor, target: Tensor) -> float:
        """Take one step on inputs (n, 1, z, y, x) and classes (n, z, y, x); return the loss before it."""
        self._set_learning_rate()
        self.network.train()
        batch = inputs.to(self.device, memory_format=torch.channels_last_3d)
        with torch.autocast(self.device.type, dtype=self.precision) if self.precision else nullcontext():
            logits = self.network(batch)
        loss = loss_function(logits.float(), target.to(self.device), self.configuration.loss)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT_NORM)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        keep = min(self.configuration.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        return float(loss.detach())

    def _look(self) -> Dice | None:
        """Return the Dice of the averaged weights on the validation examples, where an epoch ends."""
        configuration = self.configuration
        ends = self.step % configuration.epoch == 0 or self.step == configuration.steps
        if self.held_out is None or not ends or not configuration.validation:
            return None
        if self._validation is None:
            self._validation = validation_examples(self.held_out, configuration)
        found = dice(self.average, self._validation, self.device)
        if configuration.schedule.kind == "plateau":
            self.plateau.step(found.classes)
        return found

    def _set_learning_rate(self) -> None:
        configuration, schedule = self.configuration, self.configuration.schedule
        if schedule.kind == "cosine":
            warm = min(1.0, (self.step + 1) / schedule.warmup)
            wave = 0.5 * (1 + math.cos(math.pi * self.step / configuration.steps))
            for group in self.optimizer.param_groups:
                group["lr"] = configuration.learning_rate * warm * (schedule.floor + (1 - schedule.floor) * wave)


def _has_bfloat16() -> bool:
    """Return whether bfloat16 is done by the processor; where it is emulated it is a hundred times slower."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def _precision(device: torch.device) -> torch.dtype | None:
    """Return what the network computes in, if not in float32: half the precision where the hardware has it."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if device.type == "cpu" and _has_bfloat16() else None
