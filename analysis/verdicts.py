"""What an interval says of a claim: holds, contradicted, undecided; or not tested, and why.

A claim holds only if the whole 95 % interval of the difference per subject lies on the claimed side, and is
contradicted only if the whole interval lies on the other side. All else is undecided: the people are too few, or the
difference too small, to tell. A claim of several parts needs no correction for their number, because it takes all of
them to hold (an intersection-union test: Berger, Technometrics 24, 1982).
"""

from collections.abc import Iterable
from typing import NamedTuple

from analysis.intervals import Estimate
from analysis.statistics import Comparison

HOLDS, CONTRADICTED, UNDECIDED, UNTESTED = "holds", "contradicted", "undecided", "not tested"


class Outcome(NamedTuple):
    """One of the four, and why a claim is not tested."""

    state: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.state} ({self.why})" if self.why else self.state


def untested(*reasons: str) -> Outcome:
    return Outcome(UNTESTED, "; ".join(dict.fromkeys(filter(None, reasons))))


def is_above(compared: Comparison, at_least: float = 0.0) -> Outcome:
    """Whether there is a gain, of `at_least` (a fraction); see `gain`."""
    if compared.note or compared.estimate is None:
        return untested(compared.note)
    return gain(compared.estimate, at_least)


def gain(found: Estimate, at_least: float = 0.0) -> Outcome:
    """Holds if the interval is above 0 and the estimate, as it is printed, is at least the claimed gain.

    Contradicted if the whole interval is below the claimed gain.
    """
    if found.low > 0 and round(found.mean, 3) >= at_least:
        return Outcome(HOLDS)
    return Outcome(CONTRADICTED if found.high < at_least else UNDECIDED)


def is_within(loss: Comparison, margin: float) -> Outcome:
    """Whether a loss is less than the margin (a fraction): non-inferiority.

    The whole interval, not the estimate, is compared with the margin (Piaggio et al., JAMA 308, 2012,
    https://doi.org/10.1001/jama.2012.87802).
    """
    if loss.note or loss.estimate is None:
        return untested(loss.note)
    if loss.estimate.high < margin:
        return Outcome(HOLDS)
    return Outcome(CONTRADICTED if loss.estimate.low > margin else UNDECIDED)


def is_true(fact: bool) -> Outcome:
    """Of what has no error, such as a count of multiplications."""
    return Outcome(HOLDS if fact else CONTRADICTED)


def all_of(parts: Iterable[Outcome]) -> Outcome:
    """Of a claim of several parts: one that is contradicted settles it, whatever the others are."""
    found = list(parts)
    states = {part.state for part in found}
    if CONTRADICTED in states:
        return Outcome(CONTRADICTED)
    if UNTESTED in states:
        return untested(*(part.why for part in found))
    return Outcome(UNDECIDED if UNDECIDED in states else HOLDS)
