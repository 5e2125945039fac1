"""The training loop: repeatable, resumable, batched, and logged without a gap."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers_atlas import block_atlas
from helpers_training import SPEC, small, trainer_of
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd_lab.torso import Atlas
from ldct_bmd_lab.training import loop
from ldct_bmd_lab.training.configuration import Schedule
from ldct_bmd_lab.training.examples import SyntheticSource, batches, validation_examples
from ldct_bmd_lab.training.log import read_rows
from ldct_bmd_lab.training.loop import Trainer

RUN = """
import sys
from pathlib import Path
from helpers_atlas import block_atlas
from helpers_training import small, trainer_of
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd_lab.training import loop
loop.CHECKPOINT_SECONDS = 0.0
loop.plot = lambda log, picture: None
trainer_of(small(int(sys.argv[1])), block_atlas(), Path(sys.argv[2])).run()
"""


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return block_atlas()


@pytest.fixture(autouse=True)
def _fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    if "drawn" not in request.node.name:
        monkeypatch.setattr(loop, "plot", lambda log, picture: None)


def weights_equal(one: Trainer, other: Trainer) -> bool:
    return all(
        torch.equal(value, theirs.state_dict()[name])
        for ours, theirs in ((one.network, other.network), (one.average, other.average))
        for name, value in ours.state_dict().items()
    )


def column(folder: Path, name: str) -> list[str]:
    return [row[name] for row in read_rows(folder / "small.csv")]


def test_a_step_has_the_same_examples_whatever_came_before_and_however_many_workers_draw_them(atlas: Atlas) -> None:
    configuration = small(4)
    source = SyntheticSource(((atlas, 1.0),), SPEC)
    whole = list(batches(source, configuration, 0, workers=0))
    resumed = list(batches(source, configuration, 2, workers=0))
    drawn_elsewhere = list(batches(source, configuration, 0, workers=2))
    assert len(whole) == 4
    for one, other in [*zip(whole[2:], resumed, strict=True), *zip(whole, drawn_elsewhere, strict=True)]:
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    heights = {inputs.shape[2] for inputs, _ in whole}
    assert heights <= set(configuration.heights)
    assert whole[0][0].shape[0] == whole[0][1].shape[0] == configuration.batch == 2
    assert not torch.equal(whole[0][0][0], whole[0][0][1])


def test_no_step_trains_on_a_validation_example(atlas: Atlas) -> None:
    configuration = replace(small(4), heights=(32,))
    source = SyntheticSource(((atlas, 1.0),), SPEC)
    held_out = validation_examples(source, configuration)
    again = validation_examples(source, configuration)
    trained = [inputs for batch, _ in batches(source, configuration, 0, workers=0) for inputs in batch]
    assert all(torch.equal(one[0], other[0]) for one, other in zip(held_out, again, strict=True))
    assert not any(torch.equal(inputs[0], one) for inputs, _ in held_out for one in trained)


def test_a_mixture_draws_each_atlas_by_its_weight(atlas: Atlas) -> None:
    bare = replace(atlas, skeleton=np.zeros_like(atlas.skeleton))
    source = SyntheticSource(((atlas, 1.0), (bare, 3.0)), SPEC)
    drawn = [source.draw(np.random.default_rng(i), 32)[1] for i in range(40)]
    with_bodies = sum(bool(((labels > 0) & (labels <= 24)).any()) for labels in drawn)
    assert 3 <= with_bodies <= 18  # 10 expected; either bound is passed once in some 200 times


def test_a_killed_run_goes_on_as_if_it_had_not_been(atlas: Atlas, tmp_path: Path) -> None:
    whole = trainer_of(small(6), atlas, tmp_path / "whole")
    whole.run()
    broken = trainer_of(small(6), atlas, tmp_path / "broken")
    for inputs, target in batches(broken.source, broken.configuration, 0, workers=0):
        broken.train_step(inputs, target)
        if broken.step == 3:
            break
    broken.save()
    resumed = trainer_of(small(6), atlas, tmp_path / "broken")
    resumed.run()
    assert resumed.step == 6
    assert weights_equal(whole, resumed)


def test_a_run_killed_without_warning_loses_nothing(atlas: Atlas, tmp_path: Path) -> None:
    steps = 12
    whole = trainer_of(small(steps), atlas, tmp_path / "whole")
    whole.run()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", RUN, str(steps), str(folder)], env=environment)
    deadline = time.monotonic() + 60
    while len(read_rows(folder / "small.csv")) < 4 or not (folder / "small.pt").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stopped = int(torch.load(folder / "small.pt", weights_only=True)["step"])
    assert 0 < stopped < steps

    resumed = trainer_of(small(steps), atlas, folder)
    resumed.run()
    assert weights_equal(whole, resumed)
    assert column(folder, "step") == [str(step) for step in range(1, steps + 1)]
    for name in ("loss", "learning_rate", "dice_classes", "dice_outline"):
        assert column(folder, name) == column(tmp_path / "whole", name)


def test_a_checkpoint_of_weights_and_optimizer_alone_is_gone_on_from(atlas: Atlas, tmp_path: Path) -> None:
    first = trainer_of(small(2), atlas, tmp_path)
    first.run()
    state = torch.load(first.checkpoint, weights_only=True)
    torch.save({key: state[key] for key in ("network", "average", "optimizer", "step")}, first.checkpoint)
    (tmp_path / "small.csv").write_text("1,2.5,0.1\r\n2,2.4,0.1\r\n3,2.3,0.1\r\n")
    again = trainer_of(small(4), atlas, tmp_path)
    again.run()
    assert again.step == 4
    assert column(tmp_path, "step") == ["1", "2", "3", "4"]
    assert column(tmp_path, "loss")[:2] == ["2.5", "2.4"]


def test_the_log_holds_rate_time_and_validation_dice_and_is_drawn(atlas: Atlas, tmp_path: Path) -> None:
    seen = []
    trainer_of(small(5), atlas, tmp_path).run(seen.append)
    with (tmp_path / "small.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [record.step for record in seen] == [1, 2, 3, 4, 5]
    assert [bool(row["dice_classes"]) for row in rows] == [False, True, False, True, True]
    assert all(float(row["seconds"]) > 0 and float(row["loss"]) > 0 for row in rows)
    rates = [float(row["learning_rate"]) for row in rows]
    # It warms up over two steps, then falls along half a wave of five.
    wave = [0.02 + 0.49 * (1 + np.cos(np.pi * step / 5)) for step in range(5)]
    assert rates == pytest.approx([2e-3 * share for share in (0.5, *wave[1:])], rel=1e-3)
    assert (tmp_path / "small.png").read_bytes().startswith(b"\x89PNG")


def test_on_a_plateau_the_learning_rate_is_halved_after_three_epochs(atlas: Atlas, tmp_path: Path) -> None:
    # Weights that hardly move: the Dice metric does not improve.
    plateau = Schedule("plateau", factor=0.5, patience=3)
    configuration = replace(small(9), epoch=1, learning_rate=1e-9, schedule=plateau, optimizer="adam", ema=0.0)
    trainer_of(configuration, atlas, tmp_path).run()
    (seen,) = set(column(tmp_path, "dice_classes"))
    assert seen
    rates = [float(rate) for rate in column(tmp_path, "learning_rate")]
    assert rates == pytest.approx([1e-9] * 4 + [0.5e-9] * 3 + [0.25e-9] * 2, rel=0.01, abs=0)

    halfway = tmp_path / "halfway"
    trainer_of(replace(configuration, steps=3), atlas, halfway).run()
    trainer_of(configuration, atlas, halfway).run()
    assert column(halfway, "learning_rate") == column(tmp_path, "learning_rate")


def test_another_learning_rate_is_gone_on_with_on_a_plateau_too(atlas: Atlas, tmp_path: Path) -> None:
    plateau = Schedule("plateau", factor=0.5, patience=1)
    configuration = replace(small(3), epoch=1, learning_rate=1e-9, schedule=plateau, ema=0.0)
    trainer_of(configuration, atlas, tmp_path).run()
    trainer_of(replace(configuration, steps=4), atlas, tmp_path).run()
    trainer_of(replace(configuration, steps=6, learning_rate=4e-9), atlas, tmp_path).run()
    rates = [float(rate) for rate in column(tmp_path, "learning_rate")]
    # Halved after each epoch but the first, whatever the interruption, until another rate is asked for.
    assert rates == pytest.approx([1e-9, 1e-9, 0.5e-9, 0.25e-9, 4e-9, 2e-9], rel=0.01, abs=0)


def test_a_plateau_of_nothing_is_refused(atlas: Atlas, tmp_path: Path) -> None:
    configuration = replace(small(3), schedule=Schedule("plateau"))
    source = SyntheticSource(((atlas, 1.0),), SPEC)
    with pytest.raises(UsageError, match="nothing to validate on"):
        Trainer(configuration, source, tmp_path)
    with pytest.raises(UsageError, match="nothing to validate on"):
        trainer_of(replace(configuration, validation=0), atlas, tmp_path)


def test_training_lowers_the_loss(atlas: Atlas, tmp_path: Path) -> None:
    configuration = replace(small(30), learning_rate=1e-2)
    trainer = trainer_of(configuration, atlas, tmp_path)
    inputs, target = next(batches(trainer.source, configuration, 0, workers=0))
    losses = [trainer.train_step(inputs, target) for _ in range(30)]
    assert losses[-1] < 0.8 * losses[0]


def test_a_run_whose_loss_is_no_number_ends_and_keeps_its_checkpoint(atlas: Atlas, tmp_path: Path) -> None:
    trainer_of(small(2), atlas, tmp_path).run()
    before = (tmp_path / "small.pt").read_bytes()
    with pytest.raises(CannotMeasure, match="lower --learning-rate"):
        trainer_of(replace(small(12), learning_rate=1e30), atlas, tmp_path).run()
    assert (tmp_path / "small.pt").read_bytes() == before
