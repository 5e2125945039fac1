"""Bad studies among good ones: each gets its code, and none stops the run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from helpers_dicom import as_image, datasets, save
from helpers_screening import HandWorkers
from helpers_spine import spine_scan
from helpers_watching import measure_ready, write_study
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.jobs.spec import Networks
from ldct_bmd.screening.inputs import find
from ldct_bmd.screening.run import run
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import open_store

Make = Callable[[Path], None]


@dataclass(frozen=True)
class Bad:
    """What makes an input, the code that it gets, and what its sentence says."""

    make: Make
    code: str
    said: str = ""


def slices(folder: Path, change: Callable[[list[Dataset]], list[Dataset]], **tags: Any) -> None:
    """Write every fourth slice of the spine's scan, changed."""
    scan = spine_scan()
    spacing, origin = scan.geometry.spacing_mm, scan.geometry.origin_lps_mm
    image = as_image(scan.hu[::4], (spacing[0], spacing[1], 4 * spacing[2]), origin)
    save(change(datasets(image, **tags)), folder)


def volume(folder: Path, values: np.ndarray, name: str = "scan.nii.gz") -> None:
    folder.mkdir(parents=True)
    sitk.WriteImage(as_image(values), str(folder / name))


def same(made: list[Dataset]) -> list[Dataset]:
    return made


def half_a_file(folder: Path) -> None:
    slices(folder, same)
    one = sorted(folder.iterdir())[3]
    one.write_bytes(one.read_bytes()[: one.stat().st_size // 2])


def text_file(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "scan.nii").write_text("no volume", encoding="ascii")


def without_one(made: list[Dataset]) -> list[Dataset]:
    return made[:9] + made[10:]


def two_of_one_name(made: list[Dataset]) -> list[Dataset]:
    made[5].SOPInstanceUID = made[4].SOPInstanceUID
    return made


def one_repeated(made: list[Dataset]) -> list[Dataset]:
    made[6].PixelData = made[5].PixelData
    return made


def other_pixdim(folder: Path) -> None:
    volume(folder, np.indices((60, 60, 60)).sum(0).astype(np.int16), "scan.nii")
    file = folder / "scan.nii"
    content = bytearray(file.read_bytes())
    content[80:84] = np.float32(2.5).tobytes()
    file.write_bytes(content)


HU = np.full((60, 60, 60), 40, np.int16)
NO_NUMBER = np.where(np.indices((60, 60, 60)).sum(0) == 90, np.nan, 40.0).astype(np.float32)
UNFIT = "scan.only_series_unfit"
BAD = {
    "half a file": Bad(half_a_file, "scan.damaged_pixels"),
    "a text file": Bad(text_file, "scan.damaged_volume"),
    "one image": Bad(partial(slices, change=lambda made: made[:1]), UNFIT, "single slice"),
    "a gap": Bad(partial(slices, change=without_one), UNFIT, "slices are missing"),
    "two images of one name": Bad(partial(slices, change=two_of_one_name), "scan.same_uid"),
    "a repeated slice": Bad(partial(slices, change=one_repeated), "scan.repeated_slices"),
    "no rescale": Bad(partial(slices, change=same, RescaleSlope="", RescaleIntercept=""), UNFIT, "RescaleSlope"),
    "of another size": Bad(partial(slices, change=same, Rows=7), "scan.too_small"),
    "one value": Bad(partial(volume, values=HU), "scan.one_value"),
    "not a number": Bad(partial(volume, values=NO_NUMBER), "scan.not_numbers"),
    "a voxel of two sizes": Bad(other_pixdim, "file.pixdim_sform"),
    "a label map": Bad(partial(volume, values=np.eye(60, dtype=np.uint8)[None].repeat(60, 0)), "scan.eight_bits"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, str]]:
    """State and code by name, of bad inputs with a good one before and after them."""
    folder = tmp_path_factory.mktemp("bad")
    names = {}
    for number, (name, one) in enumerate(BAD.items()):
        one.make(folder / "in" / f"b{number}")
        names[f"b{number}"] = name
    for number, name in enumerate(("a", "z")):
        write_study(folder / "in" / name, number)
    store = open_store(folder / "store", make=True)
    store.database.add(find([folder / "in"], 1))
    measure = partial(measure_ready, networks=Networks(), calibration=NOMINAL, report=False, language="en")
    run(store, HandWorkers(measure), lambda _: None)
    found = {}
    for study, result in store.database.newest():
        parts = Path(study.place).relative_to(folder / "in").parts
        found[names.get(parts[0], parts[0])] = (result.state, result.code or "", result.sentence or "")
    store.database.close()
    return found


@pytest.mark.parametrize("name", BAD)
def test_a_bad_study_is_refused_with_its_code(results: dict[str, tuple[str, str, str]], name: str) -> None:
    state, code, sentence = results[name]
    assert state == State.REFUSED.value, code
    assert code == BAD[name].code
    assert BAD[name].said in sentence


@pytest.mark.parametrize("name", ["a", "z"])
def test_a_good_study_among_bad_ones_is_measured(results: dict[str, tuple[str, str, str]], name: str) -> None:
    assert results[name] == (State.MEASURED.value, "", "")
