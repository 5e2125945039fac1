"""A scene that is passed on tells neither when the patient was born nor where the files lay."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
import slicer
from helpers_segments import true_bodies
from panel_fixtures import Database, Hands, PhantomFiles, load_dicom

from helpers_bytes import BIRTH_DATE, BIRTH_DATE_SPELLINGS, told_in
from ldct_bmd.ground.plain import to_plain
from ldct_bmd.reporting.outputs import Output

FOLDER = "Qzxw-Mueller-Karl"


@pytest.fixture
def born(phantom_files: PhantomFiles, database: Database, tmp_path: Path) -> Any:
    """The phantom's volume, from files that say when it was born and lie in a folder of a telling name."""
    (tmp_path / FOLDER).mkdir()
    paths = []
    for path in phantom_files.dicom:
        dataset = pydicom.dcmread(path)
        dataset.PatientBirthDate, dataset.PatientAge = BIRTH_DATE, ""
        paths.append(tmp_path / FOLDER / path.name)
        dataset.save_as(paths[-1])
    return load_dicom(tuple(paths), database, "CT")


def measure(panel: Hands, volume: Any, phantom_files: PhantomFiles) -> None:
    panel.choose(volume, true_bodies(volume, phantom_files))
    panel.click("measureButton")
    panel.finish_run()
    panel.table.select("L1")
    panel.panel.sections.vertebrae.actions.exclude("cyst")


def test_the_saved_scene_and_all_that_is_exported_tell_no_date_of_birth_and_no_folder(
    panel: Hands, born: Any, phantom_files: PhantomFiles, tmp_path: Path
) -> None:
    panel.ui.weightsPath.currentPath = str(tmp_path / FOLDER / "weights.safetensors")
    measure(panel, born, phantom_files)
    age = panel.examination.scan.patient.age_years
    assert age == pytest.approx(66.3, abs=0.1), "it follows from the date of birth, so the files were read"
    (tmp_path / "saved").mkdir()
    assert slicer.util.saveScene(str(tmp_path / "saved" / "review.mrb"))
    assert told_in(tmp_path / "saved", FOLDER, *BIRTH_DATE_SPELLINGS) == []
    uid = panel.examination.scan.source.series_uid
    assert told_in(tmp_path / "saved", uid) == [("review.mrb", uid)], "the scene was not looked into"
    export(panel, tmp_path / "out")
    assert told_in(tmp_path / "out", FOLDER) == []
    # DICOM objects copy the patient module of their study (PS3.3 C.7.1.1), the date of birth in its own element too.
    assert told_in(tmp_path / "out", *BIRTH_DATE_SPELLINGS, of_patient_module=False) == []
    assert (tmp_path / "out" / "dicom" / "sr.dcm").is_file()


def export(panel: Hands, folder: Path) -> None:
    """Write all there is, as the engine's job does."""
    from ldct_bmd.jobs.runner import run
    from ldct_bmd.jobs.spec import Destination
    from LDCTBoneDensityLib.work.ExportJob import ExportJob
    from LDCTBoneDensityLib.work.ExportSettings import ExportSettings

    place = folder.parent / "job"
    place.mkdir()
    settings = ExportSettings(tuple(one.value for one in Output), Destination.FOLDER, folder)
    ExportJob(place).lay(panel.review, settings)
    run(place, lambda stage, fraction: None)


def test_a_scene_of_before_is_written_anew_without_them_on_loading(
    panel: Hands, ct: Any, measured: Any, tmp_path: Path
) -> None:
    panel.show_measured(ct, measured)
    before = panel.examination
    old = of_before(panel, tmp_path)
    assert FOLDER in old
    assert BIRTH_DATE in old
    panel.review.node.SetText(old)
    panel.panel.logic._parameterNode().SetParameter("weightsFile", f"/{FOLDER}/weights.safetensors")
    assert slicer.util.saveScene(str(tmp_path / "old.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer.util.loadScene(str(tmp_path / "old.mrb"))
    panel.wait(0.1)
    assert panel.examination.measurements == before.measurements
    assert panel.review.scan().stored_geometry == measured[0].stored
    (tmp_path / "saved").mkdir()
    assert slicer.util.saveScene(str(tmp_path / "saved" / "new.mrb"))
    assert told_in(tmp_path / "saved", FOLDER, BIRTH_DATE) == []


def of_before(panel: Hands, tmp_path: Path) -> str:
    """The text of the review as the version before kept it."""
    scan = panel.examination.scan
    values = json.loads(panel.review.node.GetText())
    patient = {**to_plain(scan.patient), "birth_date": BIRTH_DATE}
    geometry = values.pop("stored")
    source = {**to_plain(replace(scan.source, choice=None)), "geometry": geometry, "path": str(tmp_path / FOLDER)}
    del source["file_name"]
    described = {
        "geometry": to_plain(scan.geometry),
        "acquisition": to_plain(scan.acquisition),
        "patient": patient,
        "source": {**source, "choice": "The volume that was loaded."},
    }
    return json.dumps({**values, "schema": "ldct-bmd-review/2", "scan": described})
