"""Numbers as the page prints them."""

from .diagnosis import Proportion
from .estimate import Estimate

NOTHING = "–"


def number(value: float | None, digits: int = 1, signed: bool = False) -> str:
    """Return a number with a real minus sign."""
    if value is None:
        return NOTHING
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    # Minus nothing is nothing.
    text = text.lstrip("+-") if not float(text) else text
    return text.replace("-", "−")


def with_interval(estimate: Estimate | None, digits: int = 1, signed: bool = False) -> str:
    """Return "value (low to high)"."""
    if estimate is None:
        return NOTHING
    value = number(estimate.value, digits, signed)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({number(estimate.low, digits, signed)} to {number(estimate.high, digits, signed)})"


def apart(estimate: Estimate | None, digits: int = 1, signed: bool = False) -> tuple[str, str]:
    """Return the value, and "low to high" for below it."""
    value, _, interval = with_interval(estimate, digits, signed).partition(" (")
    return value, interval.rstrip(")")


def with_error(estimate: Estimate | None, digits: int) -> str:
    """Return "value ± standard error"."""
    if estimate is None:
        return NOTHING
    return number(estimate.value, digits) + ("" if estimate.se is None else f" ± {number(estimate.se, digits)}")


def p_value(p: float | None) -> str:
    """Return a p-value; below 0.001 only that."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def share(proportion: Proportion) -> str:
    """Return "90.70% (39/43)", as the paper prints it."""
    if not proportion.of:
        return f"{NOTHING} (0/0)"
    return f"{100 * proportion.count / proportion.of:.2f}% ({proportion.count}/{proportion.of})"


def share_interval(proportion: Proportion) -> str:
    """Return the exact interval in percent."""
    estimate = proportion.estimate
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f}"
