"""The loss: about the right thing, example by example, and blind to what nobody annotated."""

from dataclasses import replace

import pytest
import torch

from ldct_bmd_lab.training.configuration import LossWeights
from ldct_bmd_lab.training.dice import dice
from ldct_bmd_lab.training.loss import loss_function
from ldct_bmd_lab.training.targets import IGNORE

ALL = LossWeights((1.0,) * 10, dice=1.0, entropy=1.0, found=1.0, border=3.0, order=0.3, ordered=(1, 9))


def bodies() -> torch.Tensor:
    """Classes (1, z, y, x): a body of class 5 in background."""
    target = torch.zeros((1, 4, 4, 4), dtype=torch.long)
    target[:, 1:3] = 5
    return target


def answer(level: int) -> torch.Tensor:
    """Logits (1, 10, z, y, x) that call the body ``level`` and are sure of it."""
    logits = torch.full((1, 10, 4, 4, 4), -10.0)
    logits[:, 0] = 10.0
    logits[:, 0, 1:3] = -10.0
    logits[:, level, 1:3] = 10.0
    return logits


def test_the_loss_is_small_where_the_answer_is_right_and_grows_with_the_error_in_levels() -> None:
    right, near, far = (float(loss_function(answer(level), bodies(), ALL)) for level in (5, 6, 9))
    assert right < 0.05
    assert right < near < far
    # Without an order, one wrong level is as wrong as another.
    unordered = replace(ALL, ordered=None)
    assert float(loss_function(answer(6), bodies(), unordered)) == pytest.approx(
        float(loss_function(answer(9), bodies(), unordered)), rel=1e-4
    )


def test_the_dice_loss_alone_is_one_minus_the_overlap_of_what_is_there() -> None:
    only = LossWeights((1.0,) * 10, dice=1.0)
    assert float(loss_function(answer(5), bodies(), only)) == pytest.approx(0.0, abs=1e-3)
    assert float(loss_function(answer(6), bodies(), only)) == pytest.approx(1.0, abs=0.05)


def test_the_loss_of_a_batch_is_the_mean_of_its_examples() -> None:
    logits = torch.randn((2, 10, 4, 4, 4), generator=torch.Generator().manual_seed(0))
    target = torch.cat([bodies(), bodies().roll(1, dims=1)])
    one, other = (float(loss_function(logits[i : i + 1], target[i : i + 1], ALL)) for i in range(2))
    assert one != pytest.approx(other)
    assert float(loss_function(logits, target, ALL)) == pytest.approx((one + other) / 2, rel=1e-5)


def test_what_nobody_annotated_neither_costs_nor_teaches() -> None:
    target = bodies()
    target[:, 2:] = IGNORE
    right, wrong = answer(5), answer(5)
    wrong[:, :, 2:] = wrong[:, :, 2:].flip(1)
    assert float(loss_function(wrong, target, ALL)) == pytest.approx(float(loss_function(right, target, ALL)))
    wrong.requires_grad_()
    loss_function(wrong, target, ALL).backward()
    assert wrong.grad is not None
    assert not wrong.grad[:, :, 2:].any()
    assert wrong.grad[:, :, :2].any()


def test_an_example_of_which_nothing_is_known_costs_nothing() -> None:
    logits = answer(5).requires_grad_()
    loss = loss_function(logits, torch.full_like(bodies(), IGNORE), ALL)
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()


class Says(torch.nn.Module):
    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits


def test_the_dice_metric_tells_the_outline_from_the_classes_and_leaves_out_the_unknown() -> None:
    device, inputs = torch.device("cpu"), torch.zeros((1, 1, 4, 4, 4))
    named = dice(Says(answer(5)), [(inputs, bodies())], device)
    misnamed = dice(Says(answer(6)), [(inputs, bodies())], device)
    assert (named.classes, named.outline) == (1.0, 1.0)
    assert (misnamed.classes, misnamed.outline) == (0.0, 1.0)

    half = bodies()
    half[:, 2] = 0
    unknown = bodies()
    unknown[:, 2] = IGNORE
    assert dice(Says(answer(5)), [(inputs, half)], device).outline == pytest.approx(2 / 3)
    assert dice(Says(answer(5)), [(inputs, unknown)], device).outline == 1.0
