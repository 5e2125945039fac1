"""Records of an earlier schema: how they become what this version reads, and what a signature on one covers."""

import copy
import re
from typing import Any

from ..findings import FindingCode
from ..scan import ChoiceReason
from ..words import TOLD
from .exclusion import ExclusionReason

SCHEMA_1 = "ldct-bmd-examination/1"

_GEOMETRY = ("size", "spacing_mm", "origin_lps_mm", "direction")
_ACQUISITION = (
    *("kvp", "tube_current_ma", "exposure_mas", "kernel", "slice_thickness_mm", "manufacturer", "model", "station"),
    *("device_serial", "filter_type", "contrast_agent", "series_description", "study_date", "acquisition_date"),
)
# How a sentence of /1 gave the reason for a choice of series.
_BECAUSE = {
    "is the only series": ChoiceReason.ONLY,
    "was named by the user": ChoiceReason.NAMED,
    "The volume that was loaded": ChoiceReason.LOADED,
    "because it is the only one that can be measured": ChoiceReason.ONLY_SUITABLE,
    "because the others show another part of the body": ChoiceReason.BODY_PART,
    "because it is the original": ChoiceReason.ORIGINAL,
    "because it covers most of the spine": ChoiceReason.COVERAGE,
    "because it is without contrast agent": ChoiceReason.NO_CONTRAST,
    "because its kernel is softer": ChoiceReason.SOFTER_KERNEL,
    "because its slices are thinner": ChoiceReason.THINNER,
    "because its slices are thin": ChoiceReason.THIN,
    "because it lies lower in the patient": ChoiceReason.LOWER,
    "because it is of the latest study": ChoiceReason.LATEST,
    "because it comes first": ChoiceReason.FIRST,
}
_EXCLUSIONS = {
    "surgery or implant": ExclusionReason.SURGERY_OR_IMPLANT,
    "sclerosis or degeneration": ExclusionReason.SCLEROSIS_OR_DEGENERATION,
    "outside the scan": ExclusionReason.OUTSIDE_SCAN,
}
# The entries of /1 that hold whole numbers; all other numbers are floating point.
_WHOLE = {"size", "slices", "points"}


def upgraded(values: dict[str, Any]) -> dict[str, Any]:
    """Return the plain values of a record /1 as those of a record /2.

    Raises:
        KeyError, TypeError, AttributeError: they are not of a record /1.
    """
    values = copy.deepcopy(values)
    values["scan"] = _scan(values["scan"])
    _keep_sentences(values)
    for measurement in values["measurements"]:
        measurement["excluded"] = _exclusion(measurement.get("excluded"))
    for entry in values.get("history", []):
        if entry["what"] in ("level_excluded", "level_included"):
            entry["old"], entry["new"] = _exclusion(entry["old"]), _exclusion(entry["new"])
    return values


def _keep_sentences(values: dict[str, Any]) -> None:
    """Let the sentences of a record /1, which came without facts, stay as they are."""
    quality, choice, automatic = values["quality"], values.get("calibration_choice"), values.get("automatic")
    for finding in values["findings"]:
        finding |= {"facts": {"case": TOLD}, "frozen": True}
    values["assessment"]["frozen"] = True
    quality["names_remark"] = _told(quality["names_remark"])
    for one in quality.get("unmeasured", []):
        one["reason"] = _told(one["reason"])
    if choice is not None:
        choice["reason"] = _told(choice["reason"])
        choice["drift"] = [_told(sentence) for sentence in choice.get("drift", [])]
    if automatic is not None:
        automatic["assessment"]["frozen"] = True
        automatic["names_remark"] = _told(automatic["names_remark"])


def _told(sentence: str) -> dict[str, Any]:
    return {"code": TOLD, "facts": {}, "text": sentence}


def signed_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return what a signature on a record /1 covers, of the plain values of the record."""
    values = {name: item for name, item in values.items() if name not in ("timing_s", "measured_at", "files")}
    own = ("file_name", "choice", "other_series")
    values["scan"] = {name: item for name, item in values["scan"].items() if name not in own}
    values["findings"] = [
        {name: item for name, item in finding.items() if name != "severity"}
        for finding in values["findings"]
        if finding["code"] != FindingCode.OTHER_SERIES.value
    ]
    cover = ("record_sha256", "key")
    values["signature"] = {name: item for name, item in values["signature"].items() if name not in cover}
    history = values.get("history", [])
    numbered = _with_floats({name: item for name, item in values.items() if name != "history"})
    return {**numbered, "history": history}


def _scan(old: dict[str, Any]) -> dict[str, Any]:
    old = dict(old)
    new = {
        "geometry": {name: old.pop(name) for name in _GEOMETRY},
        "acquisition": {name: old.pop(name) for name in _ACQUISITION},
        "patient": old.pop("patient"),
    }
    others = [
        {**other, "unsuitable": other["unsuitable"] and _told(other["unsuitable"])}
        for other in old.pop("other_series", [])
    ]
    choice = _choice(old.pop("choice", ""), old.get("series_uid"), len(others))
    return {**new, "source": {**old, "choice": choice, "other_series": others}}


def _choice(sentence: str, series_uid: str | None, others: int) -> dict[str, Any] | None:
    reason = next((reason for words, reason in _BECAUSE.items() if words in sentence), None)
    if reason is None or series_uid is None:
        return None
    address = re.search(re.escape(series_uid) + r"(#\d+)?", sentence)
    patients = re.search(r"series of (\d+) patients", sentence)
    return {
        "reason": reason.value,
        "address": address[0] if address else series_uid,
        "series": others + 1,
        "patients": int(patients[1]) if patients else 1,
    }


def _exclusion(old: dict[str, Any] | None) -> dict[str, Any] | None:
    if old is None:
        return None
    reason, _, words = old["reason"].partition(":")
    reason = _EXCLUSIONS[reason].value if reason in _EXCLUSIONS else reason
    return {**old, "reason": reason, "words": words.strip() or None}


def _with_floats(value: Any, name: str = "") -> Any:
    """Return ``value`` with the numbers that other programs write without a point ("120") as this one writes them."""
    if isinstance(value, dict):
        return {key: _with_floats(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_floats(item, name) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and name not in _WHOLE:
        return float(value)
    return value
