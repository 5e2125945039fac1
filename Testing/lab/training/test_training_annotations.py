"""What a label map teaches: what it names, and nothing where it is silent."""

from pathlib import Path

import numpy as np
import pytest

from helpers_pairs import write_image
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.segmentation.levels import CHANNELS, REGIONS
from ldct_bmd.segmentation.mask_folder import join_masks
from ldct_bmd_lab.training.annotations import STRUCTURES, label_annotated, label_seen_ribs, label_spineless
from ldct_bmd_lab.training.targets import IGNORE, OTHER_BONE, TABLES, UNKNOWN

MUSCLE, BONE = 50, 300
FINE, COARSE = TABLES["regions"], TABLES["levels"]
L1, L2, L3 = 20, 21, 22
BODY, ARCH, ELSEWHERE = (slice(2, 6), slice(2, 6)), (slice(8, 10), slice(3, 5)), (slice(2, 5), slice(11, 14))


def scan(*places: tuple[int, int, int], shape: tuple[int, int, int] = (120, 16, 16)) -> np.ndarray:
    """A label map (z, y, x) with a body of each (value, first slice, end)."""
    labels = np.zeros(shape, np.uint16)
    for value, low, high in places:
        labels[(slice(low, high), *BODY)] = value
    return labels


def annotate(raw, bodies=None, bright=None, values="verse", parts="body", spacing=(1.0, 2.0, 2.0)):
    hu = np.full(raw.shape, MUSCLE, np.int16)
    hu[raw > 0] = BONE
    if bright is not None:
        hu[bright] = BONE
    given = raw if bodies is None else bodies
    return label_annotated(given.astype(np.uint8), raw, hu, values, parts, spacing)


def test_what_lies_beyond_the_labelled_vertebrae_is_unknown_to_both_networks() -> None:
    labels = annotate(scan((L2, 40, 65), (L1, 70, 95)))
    assert np.all(labels[:37] == UNKNOWN)
    assert np.all(labels[98:] == UNKNOWN)
    assert not (labels[39:96] == UNKNOWN).any()
    assert FINE[UNKNOWN] == COARSE[UNKNOWN] == IGNORE
    assert {REGIONS[c] for c in np.unique(FINE[labels[40:95]])} == {"background", "lumbar"}
    assert {CHANNELS[c] for c in np.unique(COARSE[labels[40:95]])} == {"background", "L1", "L2"}


def test_ribs_that_a_network_sees_are_learnt_and_doubtful_ones_are_not() -> None:
    labels = annotate(scan((L2, 40, 65), (L1, 70, 95)))
    rib = np.zeros(labels.shape, np.float32)
    rib[50:60, 8, 11:14] = 0.9
    rib[60:62, 8, 11:14] = 0.3
    rib[50:60, 3, 3] = 0.9  # in a body
    label_seen_ribs(labels, rib)
    assert {CHANNELS[c] for c in COARSE[labels[50:60, 8, 11:14]].ravel()} == {"rib"}
    assert (COARSE[labels[60:62, 8, 11:14]] == IGNORE).all()
    assert (labels[50:60, 3, 3] == L2).all()
    assert (FINE[labels[50:60, 8, 11:14]] == 0).all()


def test_a_vertebra_left_out_between_others_is_unknown_and_a_disc_is_background() -> None:
    labels = annotate(scan((L3, 5, 30), (L1, 70, 95)))
    assert np.all(labels[34:66] == UNKNOWN)
    with_disc = annotate(scan((L2, 40, 65), (L1, 75, 95)))
    assert np.all(with_disc[65:75] == 0)


@pytest.mark.parametrize("tilt", [0.0, 25.0, 40.0])
def test_a_vertebra_left_out_of_a_tilted_spine_is_unknown(tilt: float) -> None:
    z, y, _ = np.indices((120, 90, 4), dtype=float)
    z, y = z - 60, y - 45
    up = z * np.cos(np.radians(tilt)) + y * np.sin(np.radians(tilt))
    across = y * np.cos(np.radians(tilt)) - z * np.sin(np.radians(tilt))
    places = {9: 42, 10: 21, 11: 0}
    bodies = {value: (np.abs(up - place) < 8.5) & (np.abs(across) < 12) for value, place in places.items()}
    raw = np.zeros(z.shape, np.uint16)
    for value in (10, 11):
        raw[bodies[value]] = value
    labels = annotate(raw, bright=np.any(list(bodies.values()), axis=0), spacing=(1.0, 1.0, 1.0))
    assert np.all(labels[bodies[9]] == UNKNOWN)  # beyond the first
    raw[bodies[10]], raw[bodies[9]] = 0, 9
    labels = annotate(raw, bright=np.any(list(bodies.values()), axis=0), spacing=(1.0, 1.0, 1.0))
    assert np.all(labels[bodies[10]] == UNKNOWN)  # between two
    assert np.all(labels[bodies[9]] == 9)
    behind = (np.abs(up) < 8) & (across > 14) & (across < 18)
    assert (labels[behind] == 0).mean() > 0.8


def test_a_scan_that_ends_in_a_labelled_vertebra_is_known_to_its_end() -> None:
    labels = annotate(scan((L2, 0, 60), (L1, 65, 120)))
    assert not (labels == UNKNOWN).any()


def test_the_arch_of_a_whole_vertebra_is_background() -> None:
    bodies = scan((L1, 40, 65))
    whole = bodies.copy()
    whole[(slice(40, 65), *ARCH)] = L1
    labels = annotate(whole, bodies, parts="whole")
    arch = labels[(slice(40, 65), *ARCH)]
    assert np.all(FINE[arch] == 0)
    assert np.all(COARSE[arch] == 0)
    assert np.all(FINE[labels[(slice(40, 65), *BODY)]] == REGIONS.index("lumbar"))


def test_other_bone_is_no_body_but_may_be_a_rib_where_no_rib_is_labelled() -> None:
    raw = scan((L1, 40, 65))
    bright = np.zeros(raw.shape, bool)
    bright[(slice(45, 50), *ELSEWHERE)] = True
    labels = annotate(raw, bright=bright)
    assert np.all(FINE[labels[bright]] == 0)
    assert np.all(COARSE[labels[bright]] == IGNORE)


def test_ribs_are_learnt_from_a_map_that_labels_them_and_other_bone_is_background_there() -> None:
    raw = scan((31, 40, 65))  # L1 in TotalSegmentator's values
    bodies = scan((L1, 40, 65))
    rib, bright = np.zeros(raw.shape, bool), np.zeros(raw.shape, bool)
    rib[(slice(42, 44), *ELSEWHERE)] = True
    bright[(slice(50, 52), *ELSEWHERE)] = True
    raw[rib] = 103
    labels = annotate(raw, bodies, bright, values="totalsegmentator")
    assert np.all(COARSE[labels[rib]] == CHANNELS.index("rib"))
    assert np.all(FINE[labels[rib]] == 0)
    assert np.all(COARSE[labels[bright]] == 0)


@pytest.mark.parametrize(("values", "sacrum", "l5"), [("verse", 26, 24), ("totalsegmentator", 25, 27)])
def test_a_labelled_sacrum_is_learnt_and_makes_its_slices_known(values: str, sacrum: int, l5: int) -> None:
    labels = annotate(scan((sacrum, 10, 60), (l5, 65, 90)), scan((24, 65, 90)), values=values)
    inside = labels[(slice(10, 60), *BODY)]
    assert np.all(COARSE[inside] == CHANNELS.index("sacrum"))
    assert np.all(FINE[inside] == 0)


@pytest.mark.parametrize(("values", "c7", "t1"), [("verse", 7, 8), ("totalsegmentator", 44, 43)])
def test_cervical_bodies_are_learnt_and_whole_cervical_vertebrae_are_not(values: str, c7: int, t1: int) -> None:
    raw, bodies = scan((t1, 40, 60), (c7, 65, 85)), scan((8, 40, 60))
    body = annotate(raw, bodies, values=values, parts="body")[(slice(65, 85), *BODY)]
    whole = annotate(raw, bodies, values=values, parts="whole")[(slice(65, 85), *BODY)]
    assert np.all(COARSE[body] == CHANNELS.index("cervical"))
    assert np.all(COARSE[whole] == IGNORE)
    assert np.all(FINE[body] == 0)
    assert np.all(FINE[whole] == 0)


def test_a_thirteenth_thoracic_or_sixth_lumbar_body_has_a_region_but_no_level() -> None:
    labels = annotate(scan((25, 40, 65), (24, 70, 95)))
    assert REGIONS[FINE[labels[50, 3, 3]]] == "lumbar"
    assert COARSE[labels[50, 3, 3]] == IGNORE
    assert REGIONS[FINE[28]] == "T7-T12"


def test_a_scan_without_a_spine_teaches_that_there_is_none() -> None:
    labels = label_spineless(np.array([[[MUSCLE, BONE]]], np.int16))
    assert labels.tolist() == [[[0, OTHER_BONE]]]


def test_one_mask_per_structure_becomes_one_label_map(tmp_path: Path) -> None:
    for name, place in (("vertebrae_L1", 0), ("vertebrae_C7", 1), ("rib_left_12", 2), ("rib_right_1", 3), ("liver", 4)):
        mask = np.zeros((5, 4, 4), np.uint8)
        mask[place] = 1
        write_image(mask, tmp_path / "segmentations" / f"{name}.nii.gz")
    import SimpleITK as sitk

    file = join_masks(tmp_path / "segmentations", "totalsegmentator", tmp_path / "labels.nii.gz", STRUCTURES)
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(file)))[:, 0, 0].tolist() == [31, 44, 103, 104, 0]
    with pytest.raises(CannotMeasure, match="one mask per structure"):
        join_masks(tmp_path / "segmentations", "verse", tmp_path / "labels.nii.gz")
