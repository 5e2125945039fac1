"""The engine from a script: what `import ldct_bmd` offers, and that the README's script does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import ldct_bmd
import ldct_bmd.segmentation.network_segmenter
from helpers_record import LEVELS, SITE
from helpers_spine import ReadySegmenter, spine_bodies
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.pipeline import MeasuredScan
from places import LAB, MODULE, ROOT


def test_importing_the_package_loads_no_package_that_is_slow_to_load() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import ldct_bmd; dir(ldct_bmd); "
        "sys.exit(','.join({'numpy', 'scipy', 'SimpleITK', 'torch', 'pydicom'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(MODULE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_measuring_with_a_segmenter_of_ones_own_needs_no_torch() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import ldct_bmd; ldct_bmd.measure; ldct_bmd.LabelMapSegmenter; "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(MODULE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_public_name_is_there_and_no_other() -> None:
    for name in ldct_bmd.__all__:
        assert getattr(ldct_bmd, name) is not None
    assert set(ldct_bmd.__all__) <= set(dir(ldct_bmd))
    with pytest.raises(AttributeError, match="no attribute 'Examinaton'"):
        _ = ldct_bmd.Examinaton  # type: ignore[attr-defined]


def test_a_file_and_its_image_give_what_the_pipeline_gives(
    scan_file: Path, segmenter: ReadySegmenter, measured: MeasuredScan
) -> None:
    image = sitk.ReadImage(str(scan_file))
    for scan in (scan_file, str(scan_file), image, ldct_bmd.read_scan(scan_file)):
        found = ldct_bmd.measure(scan, segmenter=segmenter, calibration=SITE)
        assert found.examination.measurements == measured.examination.measurements
        assert found.examination.assessment.category == measured.examination.assessment.category


def test_levels_count_once_and_in_the_order_of_the_spine_as_on_the_command_line(
    scan_file: Path, segmenter: ReadySegmenter
) -> None:
    found = ldct_bmd.measure(scan_file, segmenter=segmenter, levels=("L2", "L1", "L2", "L1"))
    assert [one.level for one in found.examination.measurements] == ["L1", "L2"]
    assert found.examination.quality.requested_levels == ("L1", "L2")


def test_a_result_folder_holds_what_the_command_line_writes_and_the_record_that_is_returned(
    scan_file: Path, segmenter: ReadySegmenter, tmp_path: Path
) -> None:
    china = ldct_bmd.load_rules("china")
    given = {"segmenter": segmenter, "calibration": SITE, "levels": ("L2", "L1", "L2"), "rules": china}
    record = ldct_bmd.measure_into(tmp_path / "one", scan_file, **given)
    assert record == ldct_bmd.Examination.from_json((tmp_path / "one" / "measurement.json").read_text("utf-8"))
    assert {"report.html", "report.pdf", "report.csv", "overview.png"} <= {p.name for p in (tmp_path / "one").iterdir()}
    in_memory = ldct_bmd.measure(scan_file, **given).examination
    assert record.measurements == in_memory.measurements
    assert record.assessment == in_memory.assessment
    assert record.assessment.rules == china
    with pytest.raises(ldct_bmd.UsageError):
        ldct_bmd.measure_into(tmp_path / "one", scan_file, **given)


def test_the_label_map_lies_on_the_grid_of_the_input_whatever_its_orientation(
    scan_file: Path, label_file: Path, segmenter: ReadySegmenter
) -> None:
    image, truth = sitk.ReadImage(str(scan_file)), sitk.ReadImage(str(label_file))
    _, bodies = ldct_bmd.measure(image, segmenter=segmenter)
    assert (bodies.GetSize(), bodies.GetDirection()) == (image.GetSize(), image.GetDirection())
    assert bodies.GetOrigin() == pytest.approx(image.GetOrigin())
    assert np.array_equal(sitk.GetArrayFromImage(bodies), sitk.GetArrayFromImage(truth))


def test_a_label_map_given_as_a_scan_a_colour_image_and_no_level_are_mistakes(
    label_file: Path, scan_file: Path, segmenter: ReadySegmenter
) -> None:
    image = sitk.ReadImage(str(scan_file))
    for wrong in (sitk.ReadImage(str(label_file)), sitk.Compose(image, image), image[:, :, 5]):
        with pytest.raises(ValueError, match="three dimensions"):
            ldct_bmd.measure(wrong, segmenter=segmenter)
    with pytest.raises(ValueError, match="'X1' is not a vertebral level"):
        ldct_bmd.measure(image, segmenter=segmenter, levels=("L1", "X1"))
    for given in (image, ldct_bmd.read_scan(scan_file)):
        with pytest.raises(ValueError, match="leave series_uid out"):
            ldct_bmd.measure(given, segmenter=segmenter, series_uid="1.2.3")
    with pytest.raises(ldct_bmd.CannotMeasure):
        ldct_bmd.measure(sitk.Cast(image * 0, sitk.sitkInt16), segmenter=segmenter)


def test_the_script_of_the_readme_runs(
    scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (script,) = (one for one in scripts if "import ldct_bmd" in one)
    assert len([line for line in script.splitlines() if line.strip()]) <= 10
    (tmp_path / "ct.nii.gz").write_bytes(scan_file.read_bytes())
    monkeypatch.chdir(tmp_path)
    # The networks know no blocks in water.
    ready = ReadySegmenter(spine_bodies())
    monkeypatch.setattr(ldct_bmd.segmentation.network_segmenter, "NetworkSegmenter", lambda: ready)
    exec(compile(script, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[:3]] == ["T12", "L1", "L2"]
    assert re.fullmatch(r"L1 \d+\.\d HU \d+\.\d mg/cm3", printed[1])
    assert printed[3] == "osteopenia"
    written = sitk.GetArrayFromImage(sitk.ReadImage("vertebrae.nii.gz"))
    assert set(np.unique(written)) == {0, *(VERSE_VALUE[level] for level in LEVELS)}


@pytest.mark.parametrize("package", [MODULE / "ldct_bmd", LAB / "ldct_bmd_lab"], ids=lambda path: path.name)
def test_type_checkers_of_other_projects_see_the_types(package: Path) -> None:
    assert (package / "py.typed").is_file()
    project = package.parent if (package.parent / "pyproject.toml").exists() else package.parents[1]
    assert "py.typed" in (project / "pyproject.toml").read_text(encoding="utf-8")
