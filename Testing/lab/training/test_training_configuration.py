"""Configurations: data that ships or that a user writes, checked before anything runs."""

import json
from pathlib import Path

import pytest

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import to_plain
from ldct_bmd_lab.training.configuration import COARSE, CONFIGURATIONS, FINE, load_configuration
from ldct_bmd_lab.training.loop import MAX_GRADIENT_NORM


def test_the_networks_keep_the_shapes_of_the_shipped_weights() -> None:
    assert (FINE.network.channels, FINE.network.layers) == ((12, 32, 64, 96), (1, 3, 4, 5))
    assert (COARSE.network.channels, COARSE.network.layers) == ((8, 24, 48, 96), (1, 3, 4, 6))


def test_the_paper_s_recipe_is_as_it_says() -> None:
    paper = CONFIGURATIONS["pan2020"]
    assert paper.network.classes == 4
    assert paper.spec.shape == (64, 160, 160)
    assert paper.spec.spacing_zyx_mm == (1.0, 2.0, 2.0)
    assert (paper.optimizer, paper.learning_rate) == ("adam", 1e-4)
    assert (paper.schedule.kind, paper.schedule.factor, paper.schedule.patience) == ("plateau", 0.5, 3)
    assert paper.steps == 300 * paper.epoch
    assert paper.epoch * paper.batch == 7000
    # Where it is not as the paper says, it says so.
    assert paper.augmentation.about == "window"
    assert "slides over what is labelled" in paper.about
    assert f"gradients are clipped to a norm of {MAX_GRADIENT_NORM:g}" in paper.about
    assert (paper.loss.dice, paper.loss.entropy, paper.loss.found, paper.loss.border, paper.loss.order) == (
        1,
        0,
        0,
        0,
        0,
    )


@pytest.mark.parametrize("name", sorted(CONFIGURATIONS))
def test_a_configuration_written_to_a_file_is_the_same_one(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(to_plain(CONFIGURATIONS[name])))
    assert load_configuration(file) == CONFIGURATIONS[name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": 3}, "unknown key"),
        ({"steps": "many"}, "steps must be a whole number"),
        ({"steps": 0}, "at least 1"),
        ({"heights": [60]}, "multiples of 8"),
        ({"heights": [72]}, "no height above"),
        ({"classes": "levels"}, "levels are 21 classes"),
        ({"optimizer": "sgd"}, "optimizer must be one of"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused_with_what_is_wrong(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(to_plain(FINE) | change))
    with pytest.raises(UsageError, match=message):
        load_configuration(file)


def test_a_name_that_is_none_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="coarse, fine, pan2020"):
        load_configuration("medium")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(UsageError, match=r"broken\.json cannot be used"):
        load_configuration(tmp_path / "broken.json")


def test_the_shipped_configurations_learn_slower_from_weights_than_from_nothing() -> None:
    for configuration in (FINE, COARSE):
        assert configuration.fine_tuning is not None
        assert configuration.fine_tuning.learning_rate <= configuration.learning_rate / 5
