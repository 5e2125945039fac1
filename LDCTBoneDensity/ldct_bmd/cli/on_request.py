"""What a report has only if it is asked for."""

from ..ground.errors import UsageError
from ..reporting.output import ON_REQUEST, Output

SEG_FORMS = ("binary", "labelmap")


def kept(seg_form: str | None) -> frozenset[Output]:
    """Return what a report that is made again keeps of what it had on request: what the options say nothing of."""
    return ON_REQUEST if seg_form is None else ON_REQUEST - {Output.LABEL_MAP}


def on_request(seg_form: str | None, fhir: bool) -> tuple[Output, ...]:
    """Return what the options ask for; UsageError if there is no such form of segmentations."""
    if seg_form not in (None, *SEG_FORMS):
        raise UsageError("cli.seg_form", form=seg_form, known=SEG_FORMS)
    label_map = (Output.LABEL_MAP,) if seg_form == "labelmap" else ()
    return (*label_map, Output.FHIR) if fhir else label_map
