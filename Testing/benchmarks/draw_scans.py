"""Processor time of drawing the training's synthetic scans, beside that of a training step on them."""

# ruff: noqa: T201

import argparse
import tempfile
import time
from pathlib import Path

import machine


def main() -> None:
    """Draw the scans of some steps of either network and take the steps, all on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("atlas", type=Path, help="label map of a torso, as for ldct-bmd train")
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()

    import torch

    from ldct_bmd_lab.torso import load_atlas
    from ldct_bmd_lab.training.configuration import CONFIGURATIONS
    from ldct_bmd_lab.training.examples import SyntheticSource, batches
    from ldct_bmd_lab.training.loop import Trainer

    torch.set_num_threads(1)
    print(machine.describe(), machine.usual_load(), sep="\n", flush=True)
    atlas = load_atlas(arguments.atlas)
    for name in ("coarse", "fine"):
        configuration = CONFIGURATIONS[name]
        source = SyntheticSource(((atlas, 1.0),), configuration.spec)
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(configuration, source, Path(folder))
            examples = batches(source, configuration, 0, workers=0)
            drawing = training = 0.0
            for _ in range(arguments.steps):
                start = time.process_time()
                inputs, target = next(examples)
                drawn = time.process_time()
                trainer.train_step(inputs, target)
                drawing, training = drawing + drawn - start, training + time.process_time() - drawn
        scans = arguments.steps * configuration.batch
        print(
            f"{name}: {drawing / scans:.2f} s a scan drawn, {training / scans:.2f} s a scan trained on: "
            f"ratio {drawing / training:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
