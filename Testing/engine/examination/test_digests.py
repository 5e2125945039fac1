"""What tells the voxels and the bodies that were measured from others."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_record import READER, TIME, body_mask, column_scan, examined
from ldct_bmd.column import shift_names
from ldct_bmd.corrections import edit_body
from ldct_bmd.examination import BodyMask, is_measured_body, mask_sha256, voxels_sha256

HU = np.random.default_rng(3).integers(-1000, 1500, (7, 5, 6)).astype(np.int16)


def test_the_digest_is_of_the_values_and_their_order_not_of_how_they_are_kept() -> None:
    same = (HU.astype(np.float32), HU.astype(">i2"), np.asfortranarray(HU), HU[::-1].copy()[::-1])
    assert {voxels_sha256(hu) for hu in same} == {voxels_sha256(HU)}
    changed = HU.copy()
    changed[3, 2, 1] += 1
    others = (changed, HU + np.int16(150), HU[::-1], HU.reshape(7, 6, 5), HU[:, :, ::-1], HU[1:])
    others = (*others, HU.astype(np.float32) + np.float32(0.5))
    assert len({voxels_sha256(hu) for hu in (HU, *others)}) == len(others) + 1


def test_a_digest_stays_the_same_from_version_to_version() -> None:
    hu = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    assert voxels_sha256(hu) == "4c1292aca196ffee67172b461cb6b5274855c6500eb715a4ff8927ced69749c1"
    mask = BodyMask((slice(1, 3), slice(0, 3), slice(2, 6)), hu % 5 == 0)
    assert mask_sha256(mask) == "db00728565cf48f3974818fe4f3690767fa10e2118f5e6951098f77b520f7bc0"


def test_a_mask_is_the_same_in_a_wider_box_and_another_elsewhere() -> None:
    body = body_mask("L1")
    z, y, x = body.box
    wider = BodyMask((slice(z.start - 1, z.stop), y, x), np.pad(body.inside, ((1, 0), (0, 0), (0, 0))))
    assert mask_sha256(wider) == mask_sha256(body)
    assert mask_sha256(replace(body, box=(slice(z.start + 1, z.stop + 1), y, x))) != mask_sha256(body)


@pytest.mark.parametrize("digested", [True, False])
def test_a_record_tells_a_mask_of_the_same_place_and_size_if_it_has_digests(digested: bool) -> None:
    scan, body = column_scan(), body_mask("L1")
    recorded = next(v for v in examined(scan).vertebrae if v.level == "L1")
    recorded = recorded if digested else replace(recorded, mask_sha256=None)
    other = body.inside.copy()
    middle = np.array(other.shape) // 2
    other[tuple(middle)] = other[tuple(middle - 1)] = False
    assert is_measured_body(body, recorded, scan.geometry)
    assert not is_measured_body(replace(body, inside=other), recorded, scan.geometry)
    row = np.flatnonzero(body.inside[17, 28])
    swapped = body.inside.copy()
    swapped[17, 28, [row[0], row[-1]]] = False
    swapped[17, 28, [row[0] - 1, row[-1] + 1]] = True
    assert is_measured_body(replace(body, inside=swapped), recorded, scan.geometry) is not digested


def test_the_digest_follows_an_edited_mask_and_stays_under_another_name() -> None:
    scan = column_scan()
    record = examined(scan)
    edited = body_mask("L1", hp_mm=22.0, ha_mm=22.0)
    after = edit_body(record, scan, "L1", edited, READER, TIME)
    assert {v.level: v.mask_sha256 for v in after.vertebrae}["L1"] == mask_sha256(edited)
    shifted = shift_names(record, 1, READER, TIME)
    assert [v.mask_sha256 for v in shifted.vertebrae] == [v.mask_sha256 for v in record.vertebrae]
