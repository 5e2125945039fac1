"""Training as a user starts it: fine-tuning on one's own scans, going on, and packing a weights file."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from typer.testing import CliRunner, Result

from helpers_atlas import block_atlas
from helpers_pairs import write_pairs
from helpers_training import SPEC, small, trainer_of
from ldct_bmd.cli import app
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.segmentation.runtime import NetworkShape
from ldct_bmd.segmentation.runtime.dense_unet import DenseUNet
from ldct_bmd.segmentation.weights import PAN2020, load_model, load_pan2020
from ldct_bmd_lab.evaluation.segmentation.references import find_pairs
from ldct_bmd_lab.torso import Atlas
from ldct_bmd_lab.torso.lumbar_mesh import FACES_FILE, VERTICES_FILE
from ldct_bmd_lab.training import loop
from ldct_bmd_lab.training import run as running
from ldct_bmd_lab.training.annotated import AnnotatedFolder
from ldct_bmd_lab.training.annotated_source import AnnotatedSource
from ldct_bmd_lab.training.configuration import COARSE, CONFIGURATIONS, FINE, FineTuning
from ldct_bmd_lab.training.examples import MixedSource, SyntheticSource
from ldct_bmd_lab.training.log import read_rows
from ldct_bmd_lab.training.loop import Trainer
from ldct_bmd_lab.training.run import TrainingRequest, pack, prepare
from ldct_bmd_lab.training.start import load_start, load_start_network
from ldct_bmd_lab.training.stored import save_model
from ldct_bmd_lab.training.targets import TABLES

TINY = NetworkShape(4, (4, 8), (1, 1))
TINY_OF = {"coarse": replace(TINY, classes=21), "fine": TINY}
PATCH = replace(SPEC, spacing_zyx_mm=(1.0, 2.0, 2.0))


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(loop, "plot", lambda log, picture: None)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "pairs", ("a", "b", "c"))


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Weights of two small networks."""
    torch.manual_seed(0)
    path = tmp_path / "start.safetensors"
    save_model(path, "start", {name: (shape, DenseUNet(shape)) for name, shape in TINY_OF.items()})
    return path


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    """A configuration of the fine network's kind, small enough for a test."""
    return write_configuration(tmp_path / "fine.json", network=TINY)


def write_configuration(file: Path, **changes: object) -> Path:
    tuned = FineTuning(learning_rate=1e-4, steps=2)
    small_patch = replace(FINE, spec=PATCH, heights=(32,), batch=1, validation=1, steps=50, fine_tuning=tuned)
    file.write_text(json.dumps(to_plain(replace(small_patch, **changes))))
    return file


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def train(request: TrainingRequest) -> Trainer:
    trainer = prepare(request)
    trainer.run()
    return trainer


def network(weights: Path | str, name: str) -> DenseUNet:
    return load_start_network(weights, name).network


def same(one: DenseUNet, other: DenseUNet, tolerance: float = 0.0) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(a, b, rtol=0, atol=tolerance) for a, b in pairs)


def test_fine_tuning_on_one_s_own_scans_gives_weights_with_the_other_network_as_it_was(
    pairs: Path, fine: Path, start: Path, tmp_path: Path
) -> None:
    runs, weights = tmp_path / "runs", tmp_path / "mine.safetensors"
    options = ("--pairs", pairs, "--values", "verse", "--parts", "body", "--start", start, "--runs", runs)
    trained = command("train", fine, *options, "--device", "cpu")
    assert trained.exit_code == 0, trained.output
    assert "trained to step 2" in trained.output
    assert "No scan is held out" not in trained.output
    assert [row["step"] for row in read_rows(runs / "fine.csv")] == ["1", "2"]
    assert read_rows(runs / "fine.csv")[-1]["dice_outline"]
    (held_out,) = find_pairs(runs / "fine-held_out.csv")  # a fifth of three
    assert held_out.image in pairs.iterdir()

    packed = command("pack", runs, "-o", weights, "--name", "mine", "--start", start)
    assert packed.exit_code == 0, packed.output
    lines = packed.output.splitlines()
    sha256 = load_start(start).sha256
    assert lines[0] == f"fine: {runs}, step 2 of 2, started from the weights with SHA-256 {sha256[:12]}..."
    assert lines[1] == f"coarse: taken from the weights {start}"
    assert load_start(weights).name == "mine"
    assert same(network(weights, "coarse"), network(start, "coarse"))
    assert not same(network(weights, "fine"), network(start, "fine"))
    # Two steps of some 1e-4, and half precision.
    assert same(network(weights, "fine"), network(start, "fine"), tolerance=2e-3)
    written = {f"mine.{form}{end}" for form in ("safetensors", "onnx") for end in ("", ".sha256")}
    assert {path.name for path in tmp_path.glob("mine*")} == written
    assert lines[-1] == "Written: mine.safetensors and, to measure with, mine.onnx."


def test_pairs_that_are_skipped_are_listed_on_standard_error(
    pairs: Path, fine: Path, start: Path, tmp_path: Path
) -> None:
    labels = pairs / "b_seg-vert_msk.nii.gz"
    sitk.WriteImage(sitk.ReadImage(str(labels)) * 0, str(labels))
    options = ("--pairs", pairs, "--values", "verse", "--parts", "body", "--start", start, "--device", "cpu")
    trained = command("train", fine, *options, "--runs", tmp_path / "runs", "--steps", "1")
    assert trained.exit_code == 0, trained.output
    assert "The pair b cannot be trained on: " in trained.stderr
    assert "The pair a" not in trained.output
    assert "No scan is held out" in trained.stderr  # of two patients


def test_a_run_that_starts_from_the_shipped_weights_has_them_and_a_lower_learning_rate(
    pairs: Path, tmp_path: Path
) -> None:
    file = write_configuration(tmp_path / "fine.json")
    folder = AnnotatedFolder(pairs, "verse", "body")
    request = TrainingRequest(str(file), tmp_path / "runs", pairs=(folder,), device="cpu")
    assert prepare(request).configuration.steps == 50
    tuned = prepare(replace(request, start="shipped"))
    assert (tuned.configuration.learning_rate, tuned.configuration.steps) == (1e-4, 2)
    assert same(tuned.network, network("shipped", "fine"))
    assert same(tuned.average, network("shipped", "fine"))
    chosen = prepare(replace(request, start="shipped", learning_rate=5e-5, steps=7)).configuration
    assert (chosen.learning_rate, chosen.steps) == (5e-5, 7)


def test_a_run_is_not_gone_on_with_from_other_weights(pairs: Path, fine: Path, start: Path, tmp_path: Path) -> None:
    folder = AnnotatedFolder(pairs, "verse", "body")
    request = TrainingRequest(str(fine), tmp_path / "runs", pairs=(folder,), steps=1, device="cpu")
    train(request)
    with pytest.raises(UsageError, match="did not start from"):
        train(replace(request, start=str(start)))
    tuned = replace(request, folder=tmp_path / "tuned", start=str(start))
    train(tuned)
    assert train(replace(tuned, steps=2)).step == 2
    # Without --start it goes on as well, and still knows where it came from.
    going_on = prepare(replace(tuned, start=None, steps=None)).configuration
    assert (going_on.learning_rate, going_on.steps) == (1e-4, 2)
    assert train(replace(tuned, start=None, steps=3)).step == 3
    assert train(replace(tuned, steps=4)).step == 4


def test_a_run_is_not_gone_on_with_on_other_data(pairs: Path, fine: Path, tmp_path: Path) -> None:
    request = TrainingRequest(
        str(fine), tmp_path / "runs", pairs=(AnnotatedFolder(pairs, "verse", "body"),), steps=1, device="cpu"
    )
    held_out = tmp_path / "runs" / "fine-held_out.csv"
    train(request)
    before = held_out.read_text()
    more = write_pairs(tmp_path / "more", ("d", "e", "f"))
    for other in ((AnnotatedFolder(more, "verse", "body"),), (*request.pairs, AnnotatedFolder(more, "verse", "body"))):
        with pytest.raises(UsageError, match=r"fine\.pt is of a run on other data: name another folder"):
            prepare(replace(request, pairs=other, steps=9))
    assert held_out.read_text() == before
    assert prepare(replace(request, steps=9)).step == 1


@pytest.mark.parametrize("change", [{"seed": 2}, {"batch": 3}, {"loss": replace(FINE.loss, dice=0.5)}])
def test_a_run_is_not_gone_on_with_under_another_configuration(change: dict[str, Any], tmp_path: Path) -> None:
    configuration = small(3)
    trainer = trainer_of(configuration, block_atlas(), tmp_path)
    trainer.step = 2
    trainer.save()
    with pytest.raises(UsageError, match="of a run with another configuration: name another folder"):
        trainer_of(replace(configuration, **change), block_atlas(), tmp_path).resume()
    free = replace(configuration, steps=9, learning_rate=1e-5, fine_tuning=None, about="longer")
    same = trainer_of(free, block_atlas(), tmp_path)
    same.resume()
    assert same.step == 2

    state = torch.load(trainer.checkpoint, weights_only=True)
    older = {key: value for key, value in state.items() if key not in ("configuration_digest", "origin")}
    torch.save(older, trainer.checkpoint)
    accepted = trainer_of(replace(configuration, **change), block_atlas(), tmp_path)
    accepted.resume()
    assert accepted.step == 2


def test_a_run_is_not_gone_on_with_where_labels_mean_other_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(small(3), block_atlas(), tmp_path)
    trainer.save()
    monkeypatch.setitem(TABLES, "regions", np.zeros(256, dtype=np.int64))
    monkeypatch.setitem(TABLES, "levels", np.zeros(256, dtype=np.int64))
    with pytest.raises(UsageError, match="of a run with another configuration"):
        trainer_of(small(3), block_atlas(), tmp_path).resume()


def test_a_run_that_is_done_says_so(pairs: Path, fine: Path, start: Path, tmp_path: Path) -> None:
    options = ("--pairs", pairs, "--values", "verse", "--parts", "body", "--start", start, "--runs", tmp_path / "runs")
    assert "trained to step 2: " in command("train", fine, *options, "--device", "cpu").output
    again = command("train", fine, *options, "--device", "cpu")
    assert again.exit_code == 0, again.output
    assert "fine is trained to its 2 steps already; raise --steps to go on." in again.output


def test_weights_and_checkpoints_of_another_shape_are_refused(
    pairs: Path, fine: Path, start: Path, tmp_path: Path
) -> None:
    other = write_configuration(tmp_path / "other.json", network=replace(TINY, channels=(4, 12)))
    folder = AnnotatedFolder(pairs, "verse", "body")
    request = TrainingRequest(str(other), tmp_path / "runs", pairs=(folder,), steps=1, device="cpu")
    with pytest.raises(UsageError, match="another shape"):
        train(replace(request, start=str(start)))
    train(request)
    with pytest.raises(UsageError, match="another shape"):
        train(replace(request, configuration=str(fine)))


def test_synthetic_and_annotated_scans_are_mixed_and_annotated_ones_validate(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "load_atlas", lambda path, cache: block_atlas())
    atlas = tmp_path / "atlas.nii.gz"
    atlas.touch()
    file = tmp_path / "small.json"
    file.write_text(json.dumps(to_plain(replace(small(2), held_out=0.4, annotated_share=0.25))))
    request = TrainingRequest(
        str(file), tmp_path / "runs", (atlas,), (AnnotatedFolder(pairs, "verse", "body"),), device="cpu"
    )
    both = prepare(request)
    assert isinstance(both.source, MixedSource)
    (synthetic, its_weight), (annotated, weight) = both.source.parts
    assert isinstance(synthetic, SyntheticSource)
    assert isinstance(annotated, AnnotatedSource)
    assert (its_weight, weight) == (0.75, 0.25)
    assert isinstance(both.held_out, AnnotatedSource)
    assert (len(annotated.scans), len(both.held_out.scans)) == (2, 1)
    assert isinstance(prepare(replace(request, pairs=())).held_out, SyntheticSource)
    alone = prepare(replace(request, atlases=()))
    assert [part for part, _ in alone.source.parts] == [annotated]  # type: ignore[attr-defined]


def test_another_lumbar_mesh_is_not_taken_from_what_was_kept_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grafted = []

    def note(atlas: Atlas, mesh: Path) -> Atlas:
        grafted.append((mesh / VERTICES_FILE).read_text())
        return atlas

    monkeypatch.setattr(running, "load_atlas", lambda path, cache: block_atlas())
    monkeypatch.setattr(running, "_with_mesh", note)
    atlas, mesh = tmp_path / "atlas.nii.gz", tmp_path / "mesh"
    atlas.touch()
    mesh.mkdir()
    file = tmp_path / "small.json"
    file.write_text(json.dumps(to_plain(small(2))))
    request = TrainingRequest(str(file), tmp_path / "runs", (atlas,), lumbar_mesh=mesh, device="cpu")
    with pytest.raises(UsageError, match=f"lacks {VERTICES_FILE} and {FACES_FILE}"):
        prepare(request)
    (mesh / FACES_FILE).write_text("1,2,3")
    for vertices in ("first", "first", "other"):
        (mesh / VERTICES_FILE).write_text(vertices)
        prepare(request)
    assert grafted == ["first", "other"]


def test_what_was_trained_is_packed_into_weights_that_load(tmp_path: Path) -> None:
    coarse, fine = (
        trainer_of(replace(one, network=TINY_OF[one.name]), block_atlas(), tmp_path) for one in (COARSE, FINE)
    )
    coarse.step, fine.step = 3, 5
    coarse.save()
    fine.save()
    assert pack(tmp_path, tmp_path / "w.safetensors", "mine") == [
        f"coarse: {tmp_path}, step 3 of {COARSE.steps}, started from no weights",
        f"fine: {tmp_path}, step 5 of {FINE.steps}, started from no weights",
    ]
    assert network(tmp_path / "w.safetensors", "fine").head.in_channels == 4
    model = load_model(tmp_path / "w.onnx")
    assert model.identity.name == "mine"
    checksum = (tmp_path / "w.safetensors.sha256").read_text()
    assert checksum == f"{model.identity.sha256}  w.safetensors\n"


def test_networks_that_learnt_nothing_or_started_apart_are_not_packed(start: Path, tmp_path: Path) -> None:
    coarse, fine = (
        trainer_of(replace(one, network=TINY_OF[one.name]), block_atlas(), tmp_path) for one in (COARSE, FINE)
    )
    coarse.step = 1
    coarse.save()
    fine.save()
    with pytest.raises(CannotMeasure, match=r"fine\.pt is at step 0"):
        pack(tmp_path, tmp_path / "w.safetensors", "half")
    fine.step, fine.start = 1, load_start_network(start, "fine")
    fine.save()
    with pytest.raises(CannotMeasure, match="did not start from the same weights"):
        pack(tmp_path, tmp_path / "w.safetensors", "mixed")
    assert not (tmp_path / "w.safetensors").exists()


def test_a_network_that_was_not_trained_is_taken_from_the_weights_named(start: Path, tmp_path: Path) -> None:
    trainer = trainer_of(replace(COARSE, network=TINY_OF["coarse"]), block_atlas(), tmp_path)
    trainer.step = 1
    trainer.save()
    with pytest.raises(CannotMeasure, match=r"no checkpoint of the fine network.*--start"):
        pack(tmp_path, tmp_path / "w.safetensors", "half")
    pack(tmp_path, tmp_path / "w.safetensors", "half", str(start))
    half = tmp_path / "w.safetensors"
    assert same(network(half, "fine"), network(start, "fine"))
    assert not same(network(half, "coarse"), network(start, "coarse"))
    (tmp_path / "coarse.pt").unlink()
    with pytest.raises(CannotMeasure, match="coarse or the fine network: train it first"):
        pack(tmp_path, tmp_path / "w.safetensors", "none", "shipped")


def test_the_network_of_the_paper_is_packed_alone_loads_and_can_be_trained_on(pairs: Path, tmp_path: Path) -> None:
    paper = replace(CONFIGURATIONS["pan2020"], network=TINY)
    trainer = trainer_of(paper, block_atlas(), tmp_path)
    trainer.step = 7
    trainer.save()
    weights = tmp_path / "paper.safetensors"
    packed = command("pack", tmp_path, "-o", weights, "--name", "paper", "--method", "pan2020")
    assert packed.exit_code == 0, packed.output
    assert packed.output.splitlines()[0] == f"pan2020: {tmp_path}, step 7 of {paper.steps}, started from no weights"
    model = load_pan2020(weights)
    assert model.identity.name == "paper"
    assert same(network(weights, "pan2020"), trainer.average, tolerance=2e-3)  # half precision
    assert weights.with_name("paper.safetensors.sha256").read_text().startswith(str(model.identity.sha256))
    assert load_start_network(weights, "pan2020").sha256 == model.identity.sha256
    with pytest.raises(UsageError, match="two networks are needed"):
        load_start_network(weights, "fine")


def test_the_network_of_the_paper_is_asked_for_by_its_method(start: Path, tmp_path: Path) -> None:
    trainer = trainer_of(replace(CONFIGURATIONS["pan2020"], network=TINY), block_atlas(), tmp_path)
    trainer.step = 1
    trainer.save()
    weights = tmp_path / "w.safetensors"
    with pytest.raises(CannotMeasure, match="coarse or the fine network: train it first"):
        pack(tmp_path, weights, "mine")
    with pytest.raises(UsageError, match="one network"):
        pack(tmp_path, weights, "mine", str(start), PAN2020)
    with pytest.raises(CannotMeasure, match="no checkpoint of the pan2020 network: train it first"):
        pack(tmp_path / "elsewhere", weights, "mine", parts=PAN2020)
    unknown = command("pack", tmp_path, "-o", weights, "--name", "mine", "--method", "paper")
    assert unknown.exit_code == 2
    assert "--method is coarse-fine or pan2020" in " ".join(unknown.output.split())
    assert not weights.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("medium",), "There is no configuration 'medium'"),
        (("fine",), "nothing to train on"),
        (("fine", "--atlas", "none.nii.gz"), "There is no atlas none.nii.gz"),
        (("fine", "--pairs", "x"), "Say --values verse|totalsegmentator once"),
        (("fine", "--pairs", "x", "--values", "verse"), "Say --parts body|whole once"),
        (("fine", "--pairs", "x", "--values", "mine", "--parts", "body"), "--values is verse or totalsegmentator"),
        (("fine", "--parts", "body"), "--parts goes with --pairs"),
        (("fine", "--pairs", "x", "--values", "verse", "--parts", "body"), "There is no file or folder x"),
        (("fine", "--atlas", "none.nii.gz", "--start", "lost.safetensors"), "no weights lost.safetensors"),
        (("fine", "--atlas", "none.nii.gz", "--device", "abacus"), "'abacus' is not available"),
    ],
)
def test_a_request_that_makes_no_sense_ends_in_a_sentence(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    result = command("train", *arguments, "--runs", tmp_path / "runs")
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert not any(tmp_path.iterdir())


def test_weights_that_are_none_or_of_another_shape_are_told_before_anything_is_prepared(
    pairs: Path, tmp_path: Path
) -> None:
    options = ("--pairs", pairs, "--values", "verse", "--parts", "body", "--runs", tmp_path / "runs")
    wide = write_configuration(tmp_path / "fine.json", network=TINY)
    other = command("train", wide, *options, "--start", "shipped")
    assert other.exit_code == 2
    assert "another shape" in " ".join(other.output.split())
    none = command("train", "pan2020", *options, "--start", "shipped")
    assert none.exit_code == 2
    assert "No weights of pan2020 ship" in " ".join(none.output.split())
    checkpoint = tmp_path / "fine.pt"
    torch.save({"step": 1}, checkpoint)
    taken = command("train", "fine", *options, "--start", checkpoint)
    assert taken.exit_code == 2
    assert "name a file that ldct-bmd pack wrote" in " ".join(taken.output.split())
    assert not (tmp_path / "runs").exists()


def test_values_and_parts_are_given_once_for_all_folders_or_once_for_each() -> None:
    from ldct_bmd_lab.cli.training import pair_folders

    folders = [Path("a"), Path("b")]
    for_all = pair_folders(folders, ["verse"], ["whole"])
    assert [(f.values, f.parts) for f in for_all] == [("verse", "whole"), ("verse", "whole")]
    each = pair_folders(folders, ["verse", "totalsegmentator"], ["body"])
    assert [(f.values, f.parts) for f in each] == [("verse", "body"), ("totalsegmentator", "body")]


def test_the_averaged_weights_are_what_is_packed(tmp_path: Path) -> None:
    trainer = trainer_of(replace(FINE, network=TINY), block_atlas(), tmp_path)
    with torch.no_grad():
        for value in trainer.average.parameters():
            value.fill_(0.25)
    trainer.step = 1
    trainer.save()
    pack(tmp_path, tmp_path / "w.safetensors", "averaged", "shipped")
    packed = network(tmp_path / "w.safetensors", "fine")
    assert all((values == 0.25).all() for values in packed.parameters())


def test_a_worker_that_the_system_ends_is_told_in_a_sentence(
    pairs: Path, fine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_itself(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(AnnotatedSource, "draw", end_itself)
    options = ("--pairs", pairs, "--values", "verse", "--parts", "body", "--runs", tmp_path / "runs", "--device", "cpu")
    result = command("train", fine, *options, "--workers", "1")
    assert result.exit_code == 3, result.output
    assert "with fewer --workers" in " ".join(result.output.split())
