"""What a reader of a study must not overlook."""

from collections.abc import Iterator, Sequence

from .agreement import BOOTSTRAP, FEWEST_RESAMPLED, NO_INTERVALS, Agreement
from .diagnosis import OSTEOPOROSIS, Diagnosis
from .readings import MEAN_LEVEL
from .study import ALL, Study
from .subgroups import LEVEL_AND_SEX
from .wording import number, p_value

SIGNIFICANT = 0.05  # two-tailed, as in the paper
ENOUGH_FOR_SHAPE = 10  # pairs; what fewer look like says little
ENOUGH_FREEDOM = 30  # degrees of freedom that a precision study should have (ISCD)
ENOUGH_RESAMPLED = 40  # patients from which the bootstrap's intervals are as wide as they should be
ENOUGH_OF_A_KIND = 20  # ill and healthy patients that an area's interval is good from
GROUP_NAMES = {
    "sex": "Sex",
    "age": "Age",
    "scanner": "Scanner",
    "kvp": "Tube voltage",
    "names": "Names of the vertebrae",
    LEVEL_AND_SEX: "Level and sex",
}


def remarks(study: Study) -> list[str]:
    """Return them, one sentence each."""
    return [
        *(sentence for row in study.agreement if row.level != ALL and row.n for sentence in _of_level(row)),
        *_of_pooling(study),
        *_of_subgroups(study),
        *_few_of_a_kind(study.diagnoses),
        *_of_precision(study),
        *_of_patients(study),
    ]


def _of_level(row: Agreement) -> Iterator[str]:
    name = level_name(row.level)
    if row.p_bias is not None and row.p_bias < SIGNIFICANT and row.bias is not None:
        way = "above" if row.bias.value > 0 else "below"
        size = number(abs(row.bias.value), 1)
        yield f"{name}: predictions lie {size} mg/cm³ {way} the reference on average (p {told(row.p_bias)})."
    if row.p_proportional is not None and row.p_proportional < SIGNIFICANT:
        yield (
            f"{name}: the difference changes with BMD (p {told(row.p_proportional)}): "
            "the limits of agreement are too wide at one end and too narrow at the other."
        )
    if row.n >= ENOUGH_FOR_SHAPE and row.p_normal is not None and row.p_normal < SIGNIFICANT:
        yield (
            f"{name}: the differences are not normally distributed (p {told(row.p_normal)}): "
            "look for outliers before trusting the limits of agreement."
        )


def _of_pooling(study: Study) -> Iterator[str]:
    if study.not_pooled:
        who = "1 patient has" if study.not_pooled == 1 else f"{study.not_pooled} patients have"
        yield (
            f"{who} no complete pair but the row {MEAN_LEVEL}: counted in the mean of L1 and L2 and in the diagnosis, "
            f"left out of {level_name(ALL)} and of the subgroups, where a mean would stand beside single vertebrae."
        )
    pooled = next(row for row in study.agreement if row.level == ALL)
    if pooled.intervals == NO_INTERVALS:
        yield (
            f"{level_name(ALL)}: no intervals and no p-values, as fewer than {FEWEST_RESAMPLED} patients are too few "
            "to resample."
        )
    elif pooled.intervals == BOOTSTRAP and pooled.patients < ENOUGH_RESAMPLED:
        yield f"{level_name(ALL)}: only {pooled.patients} patients to resample: the intervals are somewhat too narrow."


def _of_subgroups(study: Study) -> Iterator[str]:
    for one in study.subgroups:
        if one.p_bias is not None and one.p_bias < SIGNIFICANT:
            patients = ", ".join(f"{row.level} {row.patients}" for row in one.groups)
            yield (
                f"{GROUP_NAMES[one.by]}: the groups differ in bias (p {told(one.p_bias)}, one of "
                f"{len(study.subgroups)} comparisons, uncorrected; patients: {patients})."
            )


def _of_precision(study: Study) -> Iterator[str]:
    few = [f"{level_name(row.level)} {row.freedom}" for row in study.precision if row.freedom < ENOUGH_FREEDOM]
    if few:
        yield (
            f"Precision rests on few degrees of freedom ({', '.join(few)}): {ENOUGH_FREEDOM} are usual "
            "(15 patients scanned three times, or 30 twice)."
        )


def _of_patients(study: Study) -> Iterator[str]:
    uncertain = sum(patient.names_certain is False for patient in study.patients)
    if uncertain:
        who = "1 patient has" if uncertain == 1 else f"{uncertain} patients have"
        yield (
            f"{who} uncertain names of vertebrae: the software gives no category until a reader confirms the names, "
            "and a value may be a neighbour's. They are counted here as they are; the subgroups show them apart."
        )
    count = sum(1 for m in study.missing if m.missing == "bmd_predicted")
    if count:
        yield f"{many(count, 'row has', 'rows have')} no prediction: results hold only for what could be measured."
    if study.unused_columns:
        yield f"Columns that were not used: {', '.join(study.unused_columns)}."
    for patient in study.patients:
        if patient.note:
            yield f"Patient {patient.name}: {patient.note}."


def _few_of_a_kind(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Return one sentence on the areas that rest on few ill or healthy patients."""
    few = []
    for row in diagnoses:
        ill, healthy = row.sensitivity.of, row.specificity.of
        if row.auc is not None and min(ill, healthy) < ENOUGH_OF_A_KIND:
            kind = "ill" if ill <= healthy else "healthy"
            few.append(f"{row.group}, {target_name(row)}: {min(ill, healthy)} {kind}")
    if not few:
        return []
    return [f"Few ill or healthy patients, so that the intervals of AUCs are rough ({'; '.join(few)})."]


def many(count: int, one: str, more: str) -> str:
    """Return a number with its noun."""
    return f"{count} {one if count == 1 else more}"


def level_name(level: str) -> str:
    """Return what a level, or a sum of them, is called."""
    return {ALL: "all vertebrae", MEAN_LEVEL: "mean of L1 and L2"}.get(level, level)


def target_name(row: Diagnosis) -> str:
    """Return what a diagnosis is about."""
    return "osteoporosis" if row.target == OSTEOPOROSIS else "low BMD"


def told(p: float) -> str:
    """Return a p-value as it stands after "p"."""
    return p_value(p) if p < 0.001 else f"= {p_value(p)}"
