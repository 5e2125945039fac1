"""Tags that hold what they must not, and pixels that can't be decoded, each with a sentence of its own."""

import struct
from pathlib import Path

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import JPEGLSLossless

from helpers_dicom import as_image, datasets, save, torso
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan import read_scan
from ldct_bmd.scan.dicom_headers import SliceHeader

INTERCEPT, SPACING, AGE, KVP = 0x00281052, 0x00280030, 0x00101010, 0x00180060


def raw(dataset: Dataset, tag: int, vr: str, value: bytes) -> None:
    """Put bytes where a value stands, past the checks of the library."""
    padded = value + b" " * (len(value) % 2)
    dataset[tag] = RawDataElement(Tag(tag), vr, len(padded), padded, 0, False, True)


def refusal(made: list[Dataset], folder: Path) -> str:
    save(made, folder)
    with pytest.raises(CannotMeasure) as caught:
        read_scan(folder)
    return str(caught.value)


@pytest.mark.parametrize("value", [b"-1024,0", b"0\\0", b"1e999", b"ten"])
def test_an_intercept_that_is_no_number_is_not_called_missing(value: bytes, tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    for dataset in made:
        raw(dataset, INTERCEPT, "DS", value)
    sentence = refusal(made, tmp_path)
    assert f'RescaleIntercept of instance 1 (slice_000) is "{value.decode()}" and must be one number' in sentence
    assert "missing" not in sentence


def test_a_spacing_with_a_decimal_comma_is_not_called_missing(tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    for dataset in made:
        raw(dataset, SPACING, "DS", b"5,0\\5,0")
    sentence = refusal(made, tmp_path)
    assert "the pixel spacing (PixelSpacing) in instance 1 (slice_000)" in sentence
    assert '"5,0\\5,0"' in sentence
    assert "missing" not in sentence


def test_two_padding_values_are_refused(tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    for dataset in made:
        dataset.add_new(0x00280120, "SS", [-2000, -2000])
    assert 'PixelPaddingValue of instance 1 (slice_000) is "-2000\\-2000"' in refusal(made, tmp_path)


def test_values_in_the_upper_bits_are_refused(tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    for dataset in made:
        dataset.BitsStored, dataset.HighBit = 12, 15
    assert "HighBit 15" in refusal(made, tmp_path)


def test_a_matrix_that_no_scanner_makes_is_refused_before_there_is_memory_for_it(tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    for dataset in made:
        dataset.Rows = dataset.Columns = 65535
    assert "its matrix of 65535 x 65535 pixels" in refusal(made, tmp_path)


@pytest.mark.parametrize(("tag", "vr", "value"), [(AGE, "AS", b"0\xb2Y "), (KVP, "DS", b"1e999"), (KVP, "DS", b"\xff")])
def test_odd_values_of_what_is_not_needed_cost_nothing(tag: int, vr: str, value: bytes, tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    for dataset in made:
        raw(dataset, tag, vr, value)
    save(made, tmp_path)
    scan = read_scan(tmp_path)
    assert scan.acquisition.kvp in (None, 120.0)


def test_pixels_in_a_format_of_the_maker_are_not_called_damaged(tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    for dataset in made:
        pixels = dataset.PixelData
        del dataset.PixelData
        block = dataset.private_block(0x07A1, "ELSCINT1", create=True)
        block.add_new(0x0A, "OB", pixels)
    sentence = refusal(made, tmp_path)
    assert "in a format of its maker's own (ELSCINT1)" in sentence
    assert "damaged" not in sentence


def test_a_slice_without_pixels_is_not_called_damaged(tmp_path: Path) -> None:
    made = datasets(as_image(torso()))
    del made[7].PixelData
    assert refusal(made, tmp_path) == "slice_007 holds no pixels; export it again with them."


def test_a_jpeg_ls_stream_that_is_cut_is_refused_at_once(tmp_path: Path) -> None:
    """The decoder would read on for half a minute."""
    made = datasets(as_image(torso()))
    for dataset in made:
        dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    whole = made[7].PixelData
    made[7].PixelData = whole[:16] + (200).to_bytes(4, "little") + whole[20:220] + b"\xfe\xff\xdd\xe0\0\0\0\0"
    assert "slice_007 cannot be decoded" in refusal(made, tmp_path)


def test_the_same_bytes_mean_in_each_slice_what_its_own_header_says() -> None:
    """Slices share what was converted, but neither character set nor sign of pixels is taken from another slice."""
    shared: dict = {}

    def header(character_set: bytes, signed: int) -> SliceHeader:
        dataset = Dataset()
        for tag, vr, value in (
            (0x00080005, "CS", character_set),
            (0x00081010, "SH", b"Gda\xf1sk"),
            (0x00280103, "US", struct.pack("<H", signed)),
            (0x00280120, "US or SS", struct.pack("<h", -2000)),
        ):
            raw(dataset, tag, vr, value)
        dataset.set_original_encoding(False, True, character_set.decode())
        return SliceHeader(Path("slice"), dataset, shared=shared)

    latin_1, latin_2 = header(b"ISO_IR 100", 0), header(b"ISO_IR 101", 1)
    assert (latin_1.text("StationName"), latin_2.text("StationName")) == ("Gdañsk", "Gdańsk")
    assert (latin_1.number("PixelPaddingValue"), latin_2.number("PixelPaddingValue")) == (63536.0, -2000.0)
    assert header(b"ISO_IR 101", 0).number("PixelPaddingValue") == 63536.0
