"""Files are opened only if they are files, and a library gets a name that it can take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers_dicom import as_image, torso
from ldct_bmd.calibration.files import load_calibration
from ldct_bmd.cli.reporting import read_record
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.files import open_regular, read_text, spelled
from ldct_bmd.segmentation import weights
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from places import MODULE

OLD_DISC = os.fsdecode(b"aufn\xe4hme")
pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
bytes_as_names = pytest.mark.skipif(sys.platform != "linux", reason="this system has no names that are no text")


@pipes
@pytest.mark.parametrize("read", [load_calibration, read_record, weights.load_model])
def test_a_pipe_is_refused_and_not_waited_for(read, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises((UsageError, CannotMeasure)):
        read(tmp_path / "pipe")


@pipes
def test_a_label_map_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "labels.nii.gz")
    with pytest.raises(CannotMeasure):
        LabelMapSegmenter(tmp_path / "labels.nii.gz", "verse", "body").read()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_a_device_is_not_read() -> None:
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(Path("/dev/zero"))


def test_line_ends_are_those_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("一\r\ntwo\n".encode())
    assert read_text(tmp_path / "a.txt") == "一\ntwo\n"


def test_a_name_that_is_text_is_given_as_it_is(tmp_path: Path) -> None:
    with spelled(tmp_path / "骨.nrrd") as name:
        assert name == str(tmp_path / "骨.nrrd")


READ = """
import sys
from pathlib import Path
from ldct_bmd.scan import read_scan
print(read_scan(Path(sys.argv[1])).hu.shape)
"""


@bytes_as_names
@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii.gz"])
def test_a_volume_whose_name_is_no_text_is_read(ending: str, tmp_path: Path) -> None:
    import SimpleITK as sitk

    plain = tmp_path / f"ct{ending}"
    sitk.WriteImage(as_image(torso()), str(plain))
    path = plain.rename(tmp_path / f"{OLD_DISC}{ending}")
    done = subprocess.run(
        [sys.executable, "-c", READ, path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(MODULE)},
    )
    assert done.stdout.strip() == "(16, 40, 48)", done.stderr


@bytes_as_names
def test_a_file_is_written_under_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / f"{OLD_DISC}.nii.gz"
    with spelled(path) as name:
        name.encode("utf-8")
        Path(name).write_text("written")
    assert path.read_text() == "written"
