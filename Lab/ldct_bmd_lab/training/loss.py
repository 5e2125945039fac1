"""The loss of a batch."""

import torch
from torch import Tensor
from torch.nn import functional

from .configuration import LossWeights
from .targets import IGNORE


def loss_function(logits: Tensor, target: Tensor, weights: LossWeights) -> Tensor:
    """Return the loss of logits (n, classes, z, y, x) against classes (n, z, y, x), averaged over the examples.

    What is asked: is it foreground at all, which class, how many levels off. Voxels of class ``IGNORE`` don't count.
    """
    losses = [_one(one, truth, weights) for one, truth in zip(logits, target, strict=True)]
    return torch.stack(losses).mean()


def _one(logits: Tensor, target: Tensor, weights: LossWeights) -> Tensor:
    classes = logits.shape[0]
    shell = _shell(target, weights.border) if weights.border else None
    flat, truth = logits.reshape(classes, -1), target.reshape(-1)
    known = truth != IGNORE
    if not known.all():
        flat, truth = flat[:, known], truth[known]
        shell = None if shell is None else shell[known]
    if not truth.numel():
        return logits.sum() * 0.0
    log_probability = flat.log_softmax(dim=0)
    probability = log_probability.exp()
    log_true = log_probability.gather(0, truth[None])[0]
    foreground = truth > 0
    loss = flat.new_zeros(())

    if weights.entropy:
        weight = flat.new_tensor(weights.classes)[truth]
        loss = loss - weights.entropy * (weight * log_true).sum() / weight.sum()
    if weights.dice:
        count = torch.bincount(truth, minlength=classes)
        overlap = flat.new_zeros(classes).index_add(0, truth, log_true.exp())
        present = count > 0
        present[0] = False
        per_class = 1 - (2 * overlap + 1) / (probability.sum(dim=1) + count + 1)
        if present.any():
            loss = loss + weights.dice * per_class[present].mean()
    if weights.found:
        found = 1 - probability[0]
        apart = 1 - (2 * found[foreground].sum() + 1) / (found.sum() + foreground.sum() + 1)
        loss = loss + weights.found * apart
    if shell is not None:
        log_found = torch.logsumexp(log_probability[1:], dim=0)
        binary = -torch.where(foreground, log_found, log_probability[0])
        loss = loss + (shell * binary).sum() / shell.sum()
    if weights.order and weights.ordered is not None:
        first, last = weights.ordered
        here = (truth >= first) & (truth <= last)
        if here.any():
            share = flat[first : last + 1, here].softmax(dim=0)
            numbers = torch.arange(first, last + 1, dtype=share.dtype, device=share.device)
            mean = (share * numbers[:, None]).sum(dim=0)
            loss = loss + weights.order * functional.smooth_l1_loss(mean, truth[here].to(mean.dtype))
    return loss


def _shell(target: Tensor, border: float) -> Tensor:
    """Return weights (voxels,): more for background within 2 mm along z (discs), or 2 mm across, of foreground."""
    foreground = ((target > 0) & (target != IGNORE)).float()
    near = functional.max_pool3d(foreground[None, None], (5, 3, 3), stride=1, padding=(2, 1, 1))[0, 0]
    return 1 + border * (near - foreground).reshape(-1)
