"""Rule sets: which BMD is called what, as it was published, or as a site has it for itself."""

from .rule_set import Category, HULimit, RuleSet
from .sets import ACR, RULE_SETS, load_rules, rules_of

__all__ = ["ACR", "RULE_SETS", "Category", "HULimit", "RuleSet", "load_rules", "rules_of"]
