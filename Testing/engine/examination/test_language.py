"""A record in two languages: facts count until it is signed, then the sentences that were shown."""

import json
from dataclasses import replace

import pytest

from helpers_record import READER, TIME, column_scan, examined
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.corrections import exclude_level, move_voi
from ldct_bmd.examination import Examination, is_intact, record_sha256, sign, unsign
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.words import Phrase, speaking

REMARK = Phrase("names.counted", {"anchors": (Phrase("names.last_rib"),), "probability": 0.987})


@pytest.fixture(scope="module")
def record() -> Examination:
    noted = examined(calibration=NOMINAL, names_remark=REMARK)
    return exclude_level(noted, "L1", "other", READER, TIME, words="an old fracture?")


def test_an_unsigned_record_speaks_the_language_of_whoever_reads_it(record: Examination) -> None:
    with speaking("zh"):
        written = record.to_json()
    assert any("校准为标称校准" in finding["message"] for finding in json.loads(written)["findings"])
    read = Examination.from_json(written)
    assert read == record
    assert read.sentences() == record.sentences()
    assert "is indicative only because it rests on one lumbar vertebra" in read.assessment.statement
    with speaking("zh"):
        assert read.assessment.statement == (
            "L2（L1 已排除：其他：an old fracture?）的松质骨骨密度为 89.5 mg/cm³（K2HPO4 等效），"
            "属骨量减少范围（80 至 120 mg/cm³）；因仅依据一个腰椎椎体，且校准为标称校准，该结果仅供参考。"
        )
        assert str(read.quality.names_remark) == "椎体命名自最下肋起计数（概率 0.99）。"


def test_the_state_of_an_unsigned_record_is_the_same_in_every_language(record: Examination) -> None:
    with speaking("zh"):
        chinese = record_sha256(record)
    assert chinese == record_sha256(record)


def test_what_a_sentence_says_in_the_file_does_not_count_until_it_is_signed(record: Examination) -> None:
    values = json.loads(record.to_json())
    values["findings"][0]["message"] = values["assessment"]["statement"] = "All is well."
    assert Examination.from_json(json.dumps(values)).sentences() == record.sentences()


def test_a_signature_keeps_the_sentences_that_were_shown(record: Examination) -> None:
    with speaking("zh"):
        shown = record.sentences()
        signed = sign(record, READER, TIME)
    read = Examination.from_json(signed.to_json())
    assert read == signed
    assert read.sentences() == shown != record.sentences()
    assert is_intact(read)
    assert unsign(read, READER, TIME).sentences() == record.sentences()


@pytest.mark.parametrize("place", ["message", "statement", "facts", "thaw", "remark", "before"])
def test_a_signature_covers_facts_and_the_sentences_that_were_shown(record: Examination, place: str) -> None:
    signed = sign(record, READER, TIME)
    values = json.loads(signed.to_json())
    spoil = {
        "message": lambda: values["findings"][0].update(message="All is well."),
        "statement": lambda: values["assessment"].update(statement="All is well."),
        "facts": lambda: values["findings"][0]["facts"].update(used="L1"),
        "thaw": lambda: values["assessment"].update(frozen=False),
        "remark": lambda: values["quality"]["names_remark"].update(text="All is well."),
        "before": lambda: values["automatic"]["assessment"].update(statement="All is well."),
    }
    spoil[place]()
    assert not is_intact(Examination.from_json(json.dumps(values)))


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("voi_noise", {}),
        ("voi_noise", {"standard_error_hu": "much", "most_hu": 4.0}),
        ("hu_pattern", {"case": "no_such"}),
        ("label_uncertain", {"remark": {"code": "no_such", "facts": {}}}),
    ],
)
def test_facts_that_no_sentence_can_be_made_of_are_refused(record: Examination, code: str, facts: dict) -> None:
    values = json.loads(record.to_json())
    values["findings"].append({"code": code, "level": "L1", "facts": facts, "message": "?", "frozen": False})
    with pytest.raises(UsageError):
        Examination.from_json(json.dumps(values))


def test_a_correction_says_what_follows_from_it_in_the_language_that_is_spoken(record: Examination) -> None:
    scan = column_scan()
    voi = record.measurements[0].voi
    with speaking("zh"):
        moved = move_voi(record, scan, "T12", replace(voi, height_mm=8.0), READER, TIME, None)
        assert moved.assessment.statement.startswith("L2（L1 已排除")
