"""Whatever is damaged in an input, there is a result or one sentence: no traceback, no hang, no process that dies."""

from run import faults

INPUTS = 300


def test_damaged_inputs_are_read_as_they_are_or_refused_in_a_sentence() -> None:
    assert list(faults(INPUTS)) == []
