"""Whether a rule set is meant for the patient, and a site's own limit on HU."""

from collections.abc import Mapping

from ..findings import Finding, FindingCode
from ..rules import RuleSet
from ..words import Fact


def population_findings(rules: RuleSet, sex: str | None, age_years: float | None) -> list[Finding]:
    """Return whether the patient is none of those that the rule set is meant for, or is not known to be.

    Args:
        sex: as DICOM codes it.
    """
    facts: dict[str, Fact] = {"rules": rules.title}
    if rules.sexes and sex not in rules.sexes:
        case = "sex" if sex in ("F", "M") else "sex_unknown"
        return [Finding(FindingCode.RULES_POPULATION, None, {"case": case, **facts})]
    if rules.from_age_years is not None and (age_years is None or age_years < rules.from_age_years):
        facts |= {"case": "age_unknown" if age_years is None else "age", "from_years": rules.from_age_years}
        return [Finding(FindingCode.RULES_POPULATION, None, facts)]
    return []


def hu_findings(rules: RuleSet, mean_hu: Mapping[str, float]) -> list[Finding]:
    """Return whether a site's own limit on HU is passed; ``mean_hu`` by level that is measured and used.

    What contrast agent adds is taken off them.
    """
    limit = rules.hu_limit
    if limit is None or not mean_hu.get(limit.level, limit.below_hu) < limit.below_hu:
        return []
    facts: dict[str, Fact] = {"hu": mean_hu[limit.level], "below_hu": limit.below_hu, "source": limit.source}
    return [Finding(FindingCode.HU_BELOW_LIMIT, limit.level, facts)]
