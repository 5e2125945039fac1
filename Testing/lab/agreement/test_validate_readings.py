"""Reading a study: what is malformed is named by line, what is missing is kept as missing."""

from pathlib import Path

import pytest

from helpers_study import HEADER, write_csv
from ldct_bmd.ground.errors import UsageError
from ldct_bmd_lab.agreement import read_readings
from ldct_bmd_lab.agreement.patients import gather, missing_values

GOOD = ("P1", "L1", "101.5", "99.0")


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as raised:
        read_readings(path)
    return str(raised.value)


def test_values_and_options_are_read(tmp_path: Path) -> None:
    header = (*HEADER, "Sex", " age ", "scanner", "kvp", "repeat", "remark")
    path = write_csv(
        tmp_path / "a.csv", [("007", " l1 ", "101.5", "-3", "female", "61.5", "iCT", "120", "2", "x")], header
    )
    (reading,) = read_readings(path)
    assert (reading.patient, reading.level, reading.predicted, reading.reference) == ("007", "L1", 101.5, -3.0)
    assert (reading.sex, reading.age_years, reading.scanner, reading.kvp, reading.repeat) == (
        "F",
        61.5,
        "iCT",
        120,
        "2",
    )


def test_a_byte_order_mark_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\ufeffpatient,level,bmd_predicted,bmd_reference\r\n\r\nP1,L1,1,2\r\n,,,\r\n", encoding="utf-8")
    assert [reading.line for reading in read_readings(path)] == [3]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("P1", "L1", "abc", "99"), "bmd_predicted 'abc' is not a number"),
        (("P1", "L1", "101,5", "99"), "bmd_predicted '101,5' is not a number"),
        (("P1", "L1", "1_00.5", "99"), "bmd_predicted '1_00.5' is not a number"),
        (("P1", "L1", "inf", "99"), "bmd_predicted inf is not between"),
        (("P1", "L1", "101", "0.9e6"), "bmd_reference 0.9e6 is not between"),
        (("P1", "S1", "101", "99"), "level 'S1' is neither"),
        (("", "L1", "101", "99"), "no patient"),
        (("P1", "L1", "101"), "3 cells under 4 column names"),
        (("P1", "L1", "101", "99", ""), "5 cells under 4 column names"),
        (("P0", "L1", "101", "99"), "the same patient, level and repeat as line 2"),
    ],
)
def test_a_malformed_row_is_named_by_its_line(tmp_path: Path, row: tuple[str, ...], told: str) -> None:
    path = write_csv(tmp_path / "a.csv", [("P0", "L1", "1", "2"), row])
    message = refusal(path)
    assert "1 malformed row" in message
    assert f"line 3: {told}" in message


def test_every_malformed_row_is_named_in_one_message(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [GOOD, ("P2", "L1", "x", "1"), ("P3", "L9", "1", "1"), ("P4", "L1", "1", "1")])
    message = refusal(path)
    assert "2 malformed rows" in message
    assert "line 3: " in message
    assert "line 4: " in message
    assert "line 5" not in message


def test_a_line_number_counts_the_lines_of_a_quoted_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('patient,level,bmd_predicted,bmd_reference\n"P\n1",L1,1,2\nP2,L1,x,2\n', encoding="utf-8")
    assert "line 4: " in refusal(path)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("sex", "x", "sex 'x'"),
        ("age", "old", "age 'old'"),
        ("age", "200", "age 200"),
        ("kvp", "0", "kvp 0"),
        ("names_certain", "perhaps", "names_certain 'perhaps'"),
        ("simulated", "2", "simulated '2'"),
    ],
)
def test_options_are_checked_too(tmp_path: Path, column: str, value: str, told: str) -> None:
    assert told in refusal(write_csv(tmp_path / "a.csv", [(*GOOD, value)], (*HEADER, column)))


def test_a_patient_has_one_sex(tmp_path: Path) -> None:
    rows = [(*GOOD, "F"), ("P1", "L2", "1", "1", ""), ("P1", "T12", "1", "1", "M")]
    message = refusal(write_csv(tmp_path / "a.csv", rows, (*HEADER, "sex")))
    assert "line 4: sex M, but F in line 2" in message


@pytest.mark.parametrize(
    ("column", "value", "other", "told"),
    [
        ("age", "61", "62", "line 5: age 62, but 61 in line 2 of the same scan"),
        ("scanner", "iCT", "Aquilion", "line 5: scanner Aquilion, but iCT in line 2 of the same scan"),
        ("kvp", "120", "100", "line 5: kvp 100, but 120 in line 2 of the same scan"),
    ],
)
def test_a_scan_has_one_age_scanner_and_kvp(tmp_path: Path, column: str, value: str, other: str, told: str) -> None:
    header = (*HEADER, "repeat", column)
    # Another scan of the patient may differ, and an empty cell says nothing.
    rows = [(*GOOD, "1", value), (*GOOD, "2", other), ("P1", "L2", "1", "1", "1", "NA")]
    assert len(read_readings(write_csv(tmp_path / "good.csv", rows, header))) == 3
    message = refusal(write_csv(tmp_path / "a.csv", [*rows, ("P1", "T12", "1", "1", "1", other)], header))
    assert "1 malformed row" in message
    assert told in message


@pytest.mark.parametrize(
    ("repeats", "told"),
    [(("1", ""), "line 3: no repeat, but line 2"), (("NA", "2"), "line 3: repeat 2, but line 2")],
)
def test_a_patients_scans_are_numbered_all_or_none(tmp_path: Path, repeats: tuple[str, str], told: str) -> None:
    rows = [(*GOOD, repeat) for repeat in repeats] + [("P2", "L1", "1", "1", "1"), ("P3", "L1", "1", "1", "")]
    message = refusal(write_csv(tmp_path / "a.csv", rows, (*HEADER, "repeat")))
    assert "1 malformed row" in message
    assert told in message


@pytest.mark.parametrize("repeats", [("2", "1"), ("10", "9"), ("b", "a"), ("after", "3")])
def test_the_first_scan_is_the_lowest_repeat_wherever_it_stands(tmp_path: Path, repeats: tuple[str, str]) -> None:
    header = (*HEADER, "repeat", "age")
    rows = [("P1", "L1-L2", "100", "100", repeats[0], "62"), ("P1", "L1-L2", "90", "91", repeats[1], "61")]
    (patient,) = gather(read_readings(write_csv(tmp_path / "a.csv", rows, header)))
    assert (patient.mean, patient.age_years) == ((90.0, 91.0), 61.0)


@pytest.mark.parametrize(
    ("words", "certain"), [(("yes", "no", ""), False), (("", "yes", "yes"), True), (("", "NA", ""), None)]
)
def test_names_uncertain_at_one_level_are_uncertain(
    tmp_path: Path, words: tuple[str, ...], certain: bool | None
) -> None:
    rows = [("P1", level, "100", "99", word) for level, word in zip(("T12", "L1", "L2"), words, strict=True)]
    (patient,) = gather(read_readings(write_csv(tmp_path / "a.csv", rows, (*HEADER, "names_certain"))))
    assert patient.names_certain is certain


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"patient,level,bmd_predicted\nP1,L1,1\n", "lacks the column bmd_reference"),
        (b"patient;level;bmd_predicted;bmd_reference\nP1;L1;1;2\n", "not separated by commas"),
        (b"patient,level,bmd_predicted,bmd_reference,level\nP1,L1,1,2,L1\n", "column level twice"),
        (b"patient,level,bmd_predicted,bmd_reference\n", "no rows"),
        (b"", "names no column in its first line that is needed: patient, level, bmd_predicted, bmd_reference."),
        (b"\nP1,L1,1,2\n", "names no column in its first line"),
        (b"patient,level,bmd_predicted,bmd_reference\nM\xfcller,L1,1,2\n", "not UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00\xfc", "is a workbook"),
        (b'patient,level,bmd_predicted,bmd_reference\n"P1,L1,1,2\n', "line 2: not CSV"),
        (b'patient,level,bmd_predicted,bmd_reference\nP0,L1,1,2\n\nP1,"L1,1,2\nP2,L1,1,2\n', "line 4: not CSV"),
        (b'patient,"level\n,bmd_predicted', "line 1: not CSV"),
        (b"PK\x03\x04\0\0", "no text file"),
    ],
)
def test_a_file_of_another_form_is_refused_in_a_sentence(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    message = refusal(path)
    assert told in message
    assert message.count("bmd_predicted") <= 1


def test_a_missing_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    assert "Can't read" in refusal(tmp_path / "none.csv")


@pytest.mark.parametrize("empty", ["", "NA", "nan"])
def test_an_empty_value_is_missing_not_malformed(tmp_path: Path, empty: str) -> None:
    path = write_csv(tmp_path / "a.csv", [GOOD, ("P1", "L2", empty, "90"), ("P2", "L1", "80", "81")])
    readings = read_readings(path)
    assert readings[1].predicted is None
    found = {(m.patient, m.level, m.line, m.missing) for m in missing_values(readings)}
    assert found == {("P1", "L2", 3, "bmd_predicted"), ("P2", "L2", None, "row")}


def test_a_row_that_any_scan_lacks_is_named(tmp_path: Path) -> None:
    rows = [
        *((f"P{n}", level, "100", "90", repeat) for n, repeat in ((1, "1"), (1, "2")) for level in ("T12", "L1", "L2")),
        *(("P2", "L1", "100", "90", "1"), ("P2", "L2", "100", "90", "1"), ("P2", "T12", "100", "90", "2")),
        ("P3", "L1-L2", "100", "90", "1"),
    ]
    found = missing_values(read_readings(write_csv(tmp_path / "a.csv", rows, (*HEADER, "repeat"))))
    assert [(m.patient, m.repeat, m.level, m.line, m.missing) for m in found] == [
        ("P2", "1", "T12", None, "row"),
        ("P2", "2", "L1", None, "row"),
        ("P2", "2", "L2", None, "row"),
    ]


def test_a_patients_mean_takes_both_levels_and_both_values(tmp_path: Path) -> None:
    rows = [
        *(("both", "L1", "100", "90"), ("both", "L2", "80", "84")),
        *(("one", "L1", "100", "90"), ("one", "L2", "80", "")),
        *(("t12", "T12", "100", "90"),),
        *(("direct", "L1-L2", "77", "78"),),
    ]
    patients = {p.name: p for p in gather(read_readings(write_csv(tmp_path / "a.csv", rows)))}
    assert patients["both"].mean == (90.0, 87.0)
    assert (patients["one"].mean, patients["one"].single) == (None, (100.0, 90.0))
    assert (patients["t12"].mean, patients["t12"].single) == (None, None)
    assert patients["direct"].mean == (77.0, 78.0)


def test_a_direct_mean_that_is_not_the_mean_of_its_levels_is_remarked(tmp_path: Path) -> None:
    rows = [("a", "L1", "100", "90"), ("a", "L2", "80", "84"), ("a", "L1-L2", "90.2", "95")]
    (patient,) = gather(read_readings(write_csv(tmp_path / "a.csv", rows)))
    assert patient.mean == (90.2, 95.0)
    assert "not the mean" in patient.note


def test_of_repeated_scans_the_first_counts_even_if_it_lacks_a_value(tmp_path: Path) -> None:
    """The second must not stand in: a scan that failed would count as one that went well."""
    rows = [("a", "L1", "", "90", "1"), ("a", "L2", "80", "84", "1"), ("a", "L1", "100", "90", "2")]
    (patient,) = gather(read_readings(write_csv(tmp_path / "a.csv", rows, (*HEADER, "repeat"))))
    assert patient.mean is None
    assert patient.single == (80.0, 84.0)


def test_a_bmd_of_exactly_0_is_remarked(tmp_path: Path) -> None:
    rows = [("a", "L1", "100", "0"), ("a", "L2", "0.0", "84"), ("b", "L1", "100", "99"), ("b", "L2", "100", "")]
    zero, other = gather(read_readings(write_csv(tmp_path / "a.csv", rows)))
    assert "exactly 0 (line 2, 3)" in zero.note
    assert other.note == ""


@pytest.mark.parametrize("column", ["bmd_predicted", "bmd_reference"])
def test_g_per_cm3_are_refused(tmp_path: Path, column: str) -> None:
    values = [(0.0982, 98.2), (0.121, 121.0), (-0.004, -4.0), (0.077, 77.0)]
    rows = [(f"P{n}", "L1", *(pair if column == "bmd_predicted" else pair[::-1])) for n, pair in enumerate(values)]
    message = refusal(write_csv(tmp_path / "a.csv", rows))
    assert f"the median of {column} is 0.0876, which looks like g/cm3" in message


@pytest.mark.parametrize("values", [("1", "2"), ("0", "0", "0"), ("-2", "1", "-3"), ("5", "5", "1")])
def test_a_few_low_values_are_no_unit(tmp_path: Path, values: tuple[str, ...]) -> None:
    rows = [(f"P{n}", "L1", value, "100") for n, value in enumerate(values)]
    assert len(read_readings(write_csv(tmp_path / "a.csv", rows))) == len(values)
