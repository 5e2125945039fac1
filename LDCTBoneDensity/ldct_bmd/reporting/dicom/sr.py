"""The measurements as a Comprehensive 3D SR: TID 1500, with one TID 1411 group for each level."""

from collections.abc import Sequence

import highdicom as hd
from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from ... import __version__
from ...assessment import format_bmd
from ...calibration import BMDError
from ...calibration.described import name_words, source_words
from ...examination import Examination, Measurement, unused_levels
from ...ground.text import visible
from ...rules import rules_of
from ...words import current_language
from ...words import text as say
from ..deidentify import is_signed_copy
from . import codes
from .context import MANUFACTURER, MODEL_NAME, Context, as_datetime
from .outlines import images_of, outlines, place_of_none

_LONGEST_NAME = 64


def make_report(context: Context) -> Dataset:
    """Return the structured report; it is complete and verified once the record is signed."""
    examination = context.examination
    signature = None if context.deidentified else examination.signature
    groups = [_level_group(one, context, segment) for segment, one in enumerate(examination.measurements, start=1)]
    report = sr.MeasurementReport(
        observation_context=_observers(context),
        procedure_reported=codes.COMPUTED_TOMOGRAPHY,
        # Slicer's QuantitativeReporting heads its table by the first group, and OHIF needs an image library.
        imaging_measurements=[*groups, _mean_group(context)],
        referenced_images=images_of([one.voi for one in examination.measurements], context),
        title=codes.REPORT_TITLE,
        language_of_content_item_and_descendants=_language(),
    )
    dataset = sr.Comprehensive3DSR(
        evidence=[*context.source.images, *context.vois_identity()],
        content=report[0],
        is_complete=signature is not None or (context.deidentified and is_signed_copy(examination)),
        is_final=signature is not None,
        is_verified=signature is not None,
        verifying_observer_name=None if signature is None else _observer_name(signature.reader),
        verifying_organization=None if signature is None else _organization(context),
        previous_versions=_previous(context),
        **context.equipment("sr"),
    )
    if signature is not None:
        moment = as_datetime(signature.time) or context.when
        dataset.VerifyingObserverSequence[0].VerificationDateTime = moment.strftime("%Y%m%d%H%M%S%z")
    context.stamp(dataset)
    return dataset


def _language() -> sr.LanguageOfContentItemAndDescendants | None:
    """Return in which language the text is; highdicom takes None for English."""
    if current_language() != "zh":
        return None
    return sr.LanguageOfContentItemAndDescendants(sr.CodedConcept.from_code(codes.CHINESE))


def _observers(context: Context) -> sr.ObservationContext:
    device = sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=context.tracking_uid("", "device"),
            name=MODEL_NAME,
            manufacturer_name=MANUFACTURER,
            model_name=f"{MODEL_NAME} {__version__}",
        ),
    )
    signature = context.examination.signature
    person = None
    if signature is not None and not context.deidentified:
        person = sr.ObserverContext(
            observer_type=hd.sr.CodedConcept("121006", "DCM", "Person"),
            observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(
                name=_observer_name(signature.reader), organization_name=_organization(context)
            ),
        )
    return sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def _organization(context: Context) -> str:
    signature = context.examination.signature
    named = None if signature is None else signature.organization
    return str(named or context.source.first.get("InstitutionName") or say("report.not_stated"))[:_LONGEST_NAME]


def _observer_name(reader: str) -> str:
    """Return a reader's name, as people write it, as a person name; a caret makes highdicom sure that it is one."""
    text = visible(reader, instead=" ").replace("\\", " ").replace("=", " ").strip()
    return text[:_LONGEST_NAME] if "^" in text else f"{text[: _LONGEST_NAME - 1]}^"


def _mean_group(context: Context) -> sr.MeasurementsAndQualitativeEvaluations:
    examination = context.examination
    assessment = examination.assessment
    measurements = []
    if assessment.mean_bmd_mg_cm3 is not None:
        measurements.append(
            _bmd(assessment.mean_bmd_mg_cm3, assessment.mean_bmd_error, examination, derivation=codes.MEAN)
        )
    used = "-".join(assessment.levels) or "none"
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(context.tracking_uid("mean", "group"), f"Mean of {used}"),
        finding_type=codes.CATEGORY,
        finding_sites=[sr.FindingSite(codes.LUMBAR_SPINE)],
        measurements=measurements or None,
        qualitative_evaluations=[sr.QualitativeEvaluation(codes.CATEGORY, codes.CATEGORIES[assessment.category])],
    )
    _add_text(group, codes.CONCLUSION, assessment.statement)
    rules = rules_of(assessment.rules)
    _add_text(group, codes.RULES, f"{rules.title}: {rules.source}")
    if assessment.limited:
        _add_text(group, codes.CATEGORY_LIMITS, " ".join(assessment.limited))
    for finding in examination.findings:
        _add_text(group, codes.COMMENT, f"{finding.severity.value}: {finding.message}")
    if examination.comment:
        _add_text(group, codes.COMMENT, examination.comment)
    _add_text(group, codes.RECORD_SHA256, context.state)
    averaged = [one.voi for one in examination.measurements if one.level in assessment.levels]
    drawn = outlines(averaged or [one.voi for one in examination.measurements], context)
    group[0].ContentSequence.extend(drawn or [place_of_none(context)])
    return group


def _level_group(
    measurement: Measurement, context: Context, segment: int
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    level, examination = measurement.level, context.examination
    unused = unused_levels(examination).get(level)
    if measurement.excluded is not None or unused is not None:
        use = codes.EXCLUDED
    else:
        use = codes.INCLUDED if level in examination.assessment.levels else codes.REFERENCE
    site = sr.FindingSite(codes.vertebra(level))
    group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(context.tracking_uid(level, "voi"), f"{level} VOI"),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=context.segmentation_class,
            sop_instance_uid=context.series("vois")[3],
            segment_number=segment,
            source_series=sr.SourceSeriesForSegmentation(context.source.first.SeriesInstanceUID),
        ),
        finding_type=codes.TRABECULAR_VOI,
        method=codes.ELLIPTIC_CYLINDER,
        finding_sites=[site],
        measurements=[
            _bmd(measurement.bmd_mg_cm3, measurement.bmd_error, examination),
            _measurement(codes.SOURCE_CT_NUMBER, measurement.mean_hu, codes.HOUNSFIELD, codes.MEAN),
            _measurement(codes.SOURCE_CT_NUMBER, measurement.sd_hu, codes.HOUNSFIELD, codes.STANDARD_DEVIATION),
            _measurement(codes.VOLUME, measurement.volume_mm3, codes.MM3),
        ],
        qualitative_evaluations=[sr.QualitativeEvaluation(codes.INCLUSION, use)],
    )
    if measurement.excluded is not None:
        _add_text(group, codes.EXCLUSION_REASON, measurement.excluded.text)
    elif unused is not None:
        _add_text(group, codes.EXCLUSION_REASON, unused.words)
    automatic = measurement.automatic
    if automatic is not None:
        text = say("sr.before", hu=f"{automatic.mean_hu:.1f}", bmd=format_bmd(automatic.bmd_mg_cm3))
        _add_text(group, codes.COMMENT, text)
    if not examination.quality.certain(measurement.level):
        _add_text(group, codes.COMMENT, say("sr.uncertain", remark=str(examination.quality.names_remark)))
    group[0].ContentSequence.extend(outlines([measurement.voi], context))
    return group


def _measurement(
    name: Code,
    value: float,
    unit: Code,
    derivation: Code | None = None,
    properties: sr.MeasurementProperties | None = None,
) -> sr.Measurement:
    return sr.Measurement(name=name, value=value, unit=unit, derivation=derivation, properties=properties)


def _bmd(
    bmd_mg_cm3: float, error: BMDError | None, examination: Examination, derivation: Code | None = None
) -> sr.Measurement:
    """Return a BMD with its equation and where that comes from (TID 315)."""
    calibration, intercept_mg_cm3 = examination.calibration, examination.line.intercept_mg_cm3
    properties = None
    if error is not None and error.total_mg_cm3 is not None:
        properties = sr.MeasurementProperties(
            upper_measurement_uncertainty=error.total_mg_cm3, lower_measurement_uncertainty=error.total_mg_cm3
        )
    measurement = _measurement(codes.BMD[calibration.material], bmd_mg_cm3, codes.MG_PER_CM3, derivation, properties)
    sign = "-" if intercept_mg_cm3 < 0 else "+"  # a value for machines keeps the plain sign
    intercept = f"{sign} {abs(intercept_mg_cm3):g}"
    equation = say("calibration.line", slope=f"{calibration.slope:g}", intercept=intercept)
    citation = say(
        "sr.citation_nominal" if calibration.nominal else "sr.citation",
        name=name_words(calibration),
        kvp=say("report.not_stated") if calibration.kvp is None else say("scan.kvp", kvp=f"{calibration.kvp:g}"),
        identifier=calibration.identifier,
        source=source_words(calibration),
    )
    content = measurement[0].ContentSequence if "ContentSequence" in measurement[0] else sr.ContentSequence()
    for name, text in ((codes.EQUATION, equation), (codes.EQUATION_CITATION, citation)):
        content.append(
            sr.TextContentItem(name, printable(text), relationship_type=sr.RelationshipTypeValues.INFERRED_FROM)
        )
    measurement[0].ContentSequence = content
    return measurement


def _add_text(group: Sequence[Dataset], name: Code, text: str) -> None:
    item = sr.TextContentItem(name, printable(text), relationship_type=sr.RelationshipTypeValues.CONTAINS)
    group[0].ContentSequence.append(item)


def printable(text: str) -> str:
    """Return text as a UT value may hold it: no control characters, and not empty."""
    return visible(text, instead=" ").strip() or "-"


def _previous(context: Context) -> list[Dataset] | None:
    predecessor = context.predecessor
    if predecessor is None:
        return None
    previous = Dataset()
    previous.StudyInstanceUID = predecessor.study_uid
    previous.SeriesInstanceUID = predecessor.series_uid
    previous.SOPClassUID = predecessor.sop_class_uid
    previous.SOPInstanceUID = predecessor.sop_instance_uid
    return [previous]
