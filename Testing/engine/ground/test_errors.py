"""A refusal is a code and facts; its sentence is composed when it is read."""

import json
import pickle
from pathlib import Path

from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.words import Phrase, speaking


def test_a_refusal_is_said_in_the_language_of_whoever_reads_it() -> None:
    refusal = UsageError("scan.nothing_there", path=Path("ct"))
    assert str(refusal) == "There is no file or folder ct."
    with speaking("zh"):
        assert str(refusal) == "没有文件或文件夹 ct。"


def test_a_refusal_comes_whole_out_of_another_process() -> None:
    came = pickle.loads(pickle.dumps(CannotMeasure("scan.too_small", extent="30 x 30 x 10 mm")))
    assert isinstance(came, CannotMeasure)
    assert (came.code, came.facts) == ("scan.too_small", {"extent": "30 x 30 x 10 mm"})
    assert str(came) == "The volume of 30 x 30 x 10 mm is too small to hold a vertebra; give the whole scan."


def test_a_refusal_quotes_another_and_both_are_plain_values() -> None:
    inner = CannotMeasure("scan.series_unfit", series="1.2", why=Phrase("unsuitable.localizer"))
    plain = json.loads(json.dumps(to_plain(CannotMeasure("scan.series_unfit", series="1.1", why=inner).phrase)))
    assert plain["facts"]["why"]["facts"]["why"]["code"] == "unsuitable.localizer"
    again = CannotMeasure.of(from_plain(Phrase, plain))
    assert again.code == "scan.series_unfit"
    assert str(again) == "Series 1.1 cannot be measured: Series 1.2 cannot be measured: it is a localizer.."


def test_who_has_no_catalogue_says_a_sentence_of_its_own() -> None:
    refusal = UsageError.of_text("Write {this} down.")
    assert str(refusal) == str(pickle.loads(pickle.dumps(refusal))) == "Write {this} down."
