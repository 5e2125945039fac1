"""A review keeps the states that a reader went through, with the bodies that each was measured on."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ldct_bmd.examination import BodyMask, bodies_in, is_intact, label_map, same_voxels
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.pipeline import MeasuredScan
from ldct_bmd.review import Review, ReviewState
from ldct_bmd.scan import CTScan

READER, TIME = "Dr. Reader", "2026-01-02T03:04:05Z"


@pytest.fixture
def review(measured: MeasuredScan, scan: CTScan) -> Review:
    """A review of the measured scan, as a panel or a browser opens one."""
    state = ReviewState(measured.examination, bodies_in(measured.column.bodies))
    return Review(state, lambda: scan, lambda: READER, lambda: TIME)


def shifted(review: Review, level: str) -> None:
    measurement = review.examination.measurement(level)
    assert measurement is not None
    x, y, z = measurement.voi.center_lps_mm
    review.move_voi(level, replace(measurement.voi, center_lps_mm=(x + 1.0, y, z)))


def test_undo_and_redo_walk_through_the_states_and_a_new_correction_ends_what_was_undone(review: Review) -> None:
    start = review.state
    shifted(review, "L1")
    moved = review.state
    review.exclude("L2", "fracture")
    review.undo()
    assert review.state is moved
    assert review.can_redo
    review.undo()
    assert review.state is start
    assert not review.can_undo
    review.redo()
    assert review.state is moved
    review.exclude("T12", "cyst")
    assert not review.can_redo
    assert [entry.reader for entry in review.examination.history] == [READER] * 2


@pytest.mark.parametrize("walk", [Review.undo, Review.redo])
def test_there_is_nothing_to_undo_or_redo_at_the_start(review: Review, walk: Callable[[Review], None]) -> None:
    with pytest.raises(UsageError, match="no correction"):
        walk(review)


def test_the_numbers_of_a_voi_on_the_move_are_those_that_are_kept(review: Review) -> None:
    before, measurement = review.state, review.examination.measurement("L1")
    assert measurement is not None
    x, y, z = measurement.voi.center_lps_mm
    voi = replace(measurement.voi, center_lps_mm=(x + 1.0, y, z))
    moving = review.numbers_at("L1", voi)
    assert review.state is before
    review.move_voi("L1", voi)
    kept = review.examination.measurement("L1")
    assert kept is not None
    assert kept != measurement
    assert moving == replace(kept, bmd_error=None, automatic=None)


def test_a_preview_leaves_the_record_as_it_is(review: Review) -> None:
    before, measurement = review.state, review.examination.measurement("L1")
    assert measurement is not None
    x, y, z = measurement.voi.center_lps_mm
    previewed = review.preview_voi("L1", replace(measurement.voi, center_lps_mm=(x + 1.0, y, z)))
    assert previewed.measurement("L1") != measurement
    assert review.state is before


def test_bodies_go_with_the_names(review: Review) -> None:
    body = review.state.bodies["L1"]
    review.shift_names(1)
    assert review.state.bodies["L2"] is body
    review.undo()
    assert review.state.bodies["L1"] is body


def test_an_edited_body_belongs_to_the_state_that_it_was_measured_in(review: Review) -> None:
    before = review.state.bodies["L1"]
    inside = before.inside.copy()
    inside[:, :, : inside.shape[2] // 8] = False
    review.edit_body("L1", BodyMask(before.box, inside))
    assert not same_voxels(review.state.bodies["L1"], before)
    review.undo()
    assert same_voxels(review.state.bodies["L1"], before)


def test_a_signed_record_takes_no_correction_and_the_signature_is_not_undone(review: Review) -> None:
    review.exclude("L2", "fracture")
    review.sign()
    assert is_intact(review.examination)
    for walk in (review.undo, review.redo, lambda: review.annotate("late")):
        with pytest.raises(UsageError, match="signed"):
            walk()
    review.unsign()
    assert not review.can_undo
    assert review.examination.signature is None


def test_a_comment_is_that_of_every_state(review: Review) -> None:
    shifted(review, "L1")
    review.annotate("seen")
    review.undo()
    assert review.examination.comment == "seen"


def test_bodies_go_into_a_label_map_and_back(measured: MeasuredScan) -> None:
    labels = measured.column.bodies
    assert np.array_equal(label_map(bodies_in(labels), labels.shape), labels)
