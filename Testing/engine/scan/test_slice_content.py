"""Slices whose files are sound and whose pixels are not those of the place."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan.plausibility import check_values
from ldct_bmd.scan.slice_content import check_slices
from ldct_bmd.scan.value_range import check_wrapped, cut_at_hu

Planes = NDArray[np.int16]
MIDDLE = 20


def name(place: int) -> str:
    return f"slice {place}"


@pytest.fixture
def planes() -> Planes:
    """Forty slices of a trunk that changes along the patient, with noise."""
    rng = np.random.default_rng(5)
    z, y, x = np.meshgrid(np.arange(40), np.arange(96), np.arange(128), indexing="ij")
    hu = np.full(z.shape, -1000.0)
    wide = 0.75 + 0.25 * np.sin(z / 7.0)
    hu[((x - 64) / 60) ** 2 + ((y - 48) / 44) ** 2 < wide**2] = 40
    texture = ndimage.gaussian_filter(rng.normal(0, 1, z.shape), (2, 4, 4))
    hu += np.where(hu > -500, 1500 * texture, 0) + rng.normal(0, 25, z.shape)
    hu[(z % 9 < 2) & (np.abs(x - 64) < 12) & (np.abs(y - 70) < 10)] = 700  # endplates begin and end in a slice or two
    return hu.astype(np.int16)


def refused(planes: Planes) -> tuple[str, str]:
    with pytest.raises(CannotMeasure) as caught:
        check_slices(planes, name)
    return caught.value.code, str(caught.value)


def test_a_sound_scan_is_let_pass(planes: Planes) -> None:
    check_slices(planes, name)


def test_so_is_one_whose_noise_is_all_there_is() -> None:
    check_slices(np.random.default_rng(1).normal(40, 30, (30, 64, 64)).astype(np.int16), name)


def test_and_a_drawn_phantom_whose_slices_are_equal() -> None:
    plane = np.full((64, 64), -1000, np.int16)
    plane[10:50, 10:50] = 40
    check_slices(np.repeat(plane[None], 12, axis=0), name)


def test_and_what_has_two_slices_only(planes: Planes) -> None:
    check_slices(planes[:2], name)


def empty(planes: Planes) -> None:
    planes[MIDDLE] = -1024


def soft(planes: Planes) -> None:
    planes[MIDDLE] = 0


def half(planes: Planes) -> None:
    planes[MIDDLE, 48:] = -1024


def copied(planes: Planes) -> None:
    planes[MIDDLE] = planes[MIDDLE - 1]


def copied_from_afar(planes: Planes) -> None:
    planes[MIDDLE] = planes[MIDDLE - 7]


def swapped(planes: Planes) -> None:
    planes[[MIDDLE, MIDDLE - 12]] = planes[[MIDDLE - 12, MIDDLE]]


def two_shifted(planes: Planes) -> None:
    planes[MIDDLE : MIDDLE + 2] += 24


def all_below_shifted(planes: Planes) -> None:
    planes[:MIDDLE] -= 24


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (empty, "scan.empty_slices"),
        (soft, "scan.empty_slices"),
        (half, "scan.foreign_slices"),
        (copied, "scan.repeated_slices"),
        (copied_from_afar, "scan.repeated_slices"),
        (swapped, "scan.foreign_slices"),
        (two_shifted, "scan.slices_on_other_scale"),
        (all_below_shifted, "scan.slices_on_other_scale"),
    ],
)
def test_a_slice_that_does_not_belong_is_named(planes: Planes, spoil: Callable[[Planes], None], code: str) -> None:
    spoil(planes)
    told, sentence = refused(planes)
    assert told == code
    assert f"slice {MIDDLE}" in sentence


def test_many_are_counted(planes: Planes) -> None:
    planes[1::2] = planes[::2]
    assert "slice 1, slice 3, slice 5 and 17 more" in refused(planes)[1]


@pytest.mark.parametrize("limit", [200, 400, 600, 1000])
def test_values_cut_at_a_window_pile_up(planes: Planes, limit: int) -> None:
    bright = planes.copy()
    bright[:, 60:80, 50:70] += np.random.default_rng(2).integers(0, 1300, (40, 20, 20)).astype(np.int16)
    assert cut_at_hu(bright) is None
    assert cut_at_hu(np.minimum(bright, np.int16(limit))) == limit


def test_the_end_of_a_scanners_scale_is_none() -> None:
    hu = np.random.default_rng(3).normal(40, 300, (20, 64, 64))
    for end in (1023, 3071):
        assert cut_at_hu(np.where(hu > 600, end, hu).astype(np.int16)) is None


def test_so_are_drawn_bodies_of_one_value() -> None:
    hu = np.full((20, 32, 32), -1000, np.int16)
    hu[:, 8:24, 8:24] = 40
    hu[:, 12:18, 12:18] = 250
    assert cut_at_hu(hu) is None


def with_bone(planes: Planes) -> NDArray[np.int32]:
    """The trunk with spongy bone about a dense core, as whole numbers of any size."""
    bone = np.random.default_rng(2).normal(250, 120, (30, 24, 24))
    bone[8:22, 8:16, 8:16] += 700
    hu = planes.astype(np.int32)
    hu[5:35, 58:82, 52:76] = bone
    return hu


@pytest.mark.parametrize(("above", "bits"), [(300, 12), (500, 12), (100, 13), (300, 16)])
def test_values_that_went_past_the_end_of_their_type_are_refused(planes: Planes, above: int, bits: int) -> None:
    hu = with_bone(planes)
    check_values(hu)
    with pytest.raises(CannotMeasure, match=f"stand {2**bits} below their neighbours"):
        check_values(np.where(hu > above, hu - 2**bits, hu))


def test_padding_and_the_dark_streaks_of_metal_are_not_wrapped(planes: Planes) -> None:
    hu = with_bone(planes)
    hu[:, :12] = -3024
    hu[:, -12:] = -2048
    hu[15:20, 40:60, 20:50] -= 1800 + np.random.default_rng(4).integers(0, 600, (5, 20, 30))
    check_wrapped(hu)
