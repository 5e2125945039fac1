"""Signed reviews teach; what nobody signed, or what was changed since, does not."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from helpers_pairs import write_pairs
from helpers_vertebra import column, dice
from ldct_bmd.cli import app
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd_lab.training.annotated import AnnotatedFolder, AnnotatedScan, prepare_pairs
from ldct_bmd_lab.training.reviews import find_reviews

FINE_MM = (1.0, 2.0, 2.0)
BODIES = column()[1]


def run(*arguments: object) -> None:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with scans and one measured result, not signed yet."""
    write_pairs(tmp_path / "scans")
    (tmp_path / "results").mkdir()
    scan, labels = (tmp_path / "scans" / f"one_{end}.nii.gz" for end in ("ct", "seg-vert_msk"))
    described = ("--segmentation-values", "verse", "--segmentation-parts", "body")
    run("measure", scan, "-o", tmp_path / "results" / "a", "--segmentation", labels, *described)
    return tmp_path


def learnt_from(site: Path) -> tuple[list[AnnotatedScan], list[str]]:
    """What there is to train on, and what is said of the rest."""
    said: list[str] = []
    folder = AnnotatedFolder(site / "results", "verse", "body", site / "scans")
    return prepare_pairs([folder], FINE_MM, site / "cache", skipped=said.append), said


def test_a_signed_review_is_learnt_from_with_its_scan(site: Path) -> None:
    run("sign", site / "results" / "a", "--reader", "Dr. Reader")
    (scan,), said = learnt_from(site)
    assert not said
    for value in (19, 20, 21):
        assert dice(scan.labels == value, np.equal(BODIES[:, ::2, ::2], value)) > 0.9


def test_a_result_that_nobody_signed_is_not_learnt_from(site: Path) -> None:
    scans, (sentence,) = learnt_from(site)
    assert not scans
    assert "not signed" in sentence


@pytest.mark.parametrize("what", ["record", "masks", "scan"])
def test_what_was_changed_after_it_was_signed_is_not_learnt_from(what: str, site: Path) -> None:
    result = site / "results" / "a"
    run("sign", result, "--reader", "Dr. Reader")
    if what == "record":
        text = (result / "measurement.json").read_text(encoding="utf-8")
        (result / "measurement.json").write_text(text.replace('"L1"', '"L3"'), encoding="utf-8")
    elif what == "masks":
        image = sitk.ReadImage(str(result / "vertebrae.nii.gz"))
        voxels = sitk.GetArrayFromImage(image)
        changed = sitk.GetImageFromArray(np.where(np.roll(voxels, 1, axis=2) == 20, 20, voxels).astype(np.uint8))
        changed.CopyInformation(image)
        sitk.WriteImage(changed, str(result / "vertebrae.nii.gz"))
    else:
        (site / "scans" / "one_ct.nii.gz").write_bytes(b"another scan")
    scans, said = [], []
    try:
        scans, said = learnt_from(site)
    except CannotMeasure as error:
        said = [str(error)]
    assert not scans
    assert len(said) == 1


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no result"):
        find_reviews(tmp_path, tmp_path, print)
