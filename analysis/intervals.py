"""How sure a mean over subjects and seeds is, where one model tests every subject.

A value of subject u and seed s is taken as

    d[u, s] = mean + subject[u] + seed[s] + rest[u, s],

with subjects and seeds drawn at random from many. The seed's share is common to all subjects: a lucky seed lifts them
together, so subjects alone, however many, can't tell it from the mean. The interval is the t interval of the crossed
two-way random-effects model. Its variance is a sum of mean squares (MS),

    (MS_subject + MS_seed − MS_rest) / (U S),

the last two left out where the estimated share of seeds, (MS_seed − MS_rest) / U, is not positive; its degrees of
freedom are Satterthwaite's (Biometrics Bulletin 2, 1946, https://doi.org/10.2307/3002019), at least the smaller of
U − 1 and S − 1. The readers and cases of diagnostic studies are compared in the same way: Hillis, Statistics in
Medicine 26, 2007, https://doi.org/10.1002/sim.2532. `benchmarks/intervals.py` measures how often such an interval
covers the true mean.

With one seed it is the t interval over subjects and says nothing about other seeds; with one subject the one over
seeds, which says nothing about other people. Where folds have models of their own, the seed's share is what they have
in common, which is little; that each fold's model is shared by its subjects is not in the formula.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
LEVEL = 1 - CONFIDENCE
"""Of two-sided tests."""
POWER = 0.8


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error, and the degrees of freedom of that; of scores, as fractions."""

    mean: float
    error: float
    df: float

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.mean - self._half_width

    @property
    def high(self) -> float:
        return self.mean + self._half_width

    @property
    def _half_width(self) -> float:
        return float(self.error * stdtrit(self.df, 1 - LEVEL / 2))

    @property
    def p_value(self) -> float:
        """Of the two-sided t test that the true mean is 0; below 0.05 where the 95 % interval excludes 0."""
        if not self.error:
            return float(self.mean == 0)
        return float(2 * stdtr(self.df, -abs(self.mean) / self.error))

    @property
    def detectable(self) -> float:
        """The smallest true mean that such a test finds with 80 % power, about.

        (t[1 − level / 2] + t[power]) × standard error: Bloom, Evaluation Review 19, 1995,
        https://doi.org/10.1177/0193841X9501900504.
        """
        return float(self.error * (stdtrit(self.df, 1 - LEVEL / 2) + stdtrit(self.df, POWER)))

    def minus(self, other: "Estimate") -> "Estimate":
        """The difference from an independent estimate, its degrees of freedom as in Welch's test.

        Welch, Biometrika 34, 1947, https://doi.org/10.1093/biomet/34.1-2.28.
        """
        terms = [_Term(self.error**2, self.df), _Term(other.error**2, other.df)]
        variance, df = _sum(terms)
        return Estimate(self.mean - other.mean, variance**0.5, df)


class _Term(NamedTuple):
    """A term of an estimated variance, and its degrees of freedom."""

    value: float
    df: float


def _sum(terms: list[_Term]) -> tuple[float, float]:
    """A variance and Satterthwaite's approximation of its degrees of freedom."""
    variance = sum(term.value for term in terms)
    if variance <= 0:  # no value differs from another
        return 0.0, min(term.df for term in terms)
    return variance, variance**2 / sum(term.value**2 / term.df for term in terms)


def estimate(values: Floats) -> Estimate | None:
    """The mean of values (U, S) of U subjects and S seeds; None for a single value, whose error can't be known."""
    subjects, seeds = values.shape
    if values.size < 2:
        return None
    mean = float(values.mean())
    terms = _mean_squares(values)
    variance, df = _sum(terms)
    smallest = min(count - 1 for count in (subjects, seeds) if count > 1)
    return Estimate(mean, (variance / values.size) ** 0.5, max(df, smallest))


def _mean_squares(values: Floats) -> list[_Term]:
    """The mean squares whose sum, over the number of values, is the variance of the mean."""
    subjects, seeds = values.shape
    of_subjects, of_seeds = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    if seeds == 1:
        return [_Term(float(of_subjects.var(ddof=1)), subjects - 1)]
    if subjects == 1:
        return [_Term(float(of_seeds.var(ddof=1)), seeds - 1)]
    subject = _Term(seeds * float(of_subjects.var(ddof=1)), subjects - 1)
    seed = _Term(subjects * float(of_seeds.var(ddof=1)), seeds - 1)
    df = (subjects - 1) * (seeds - 1)
    rest = float(((values - of_subjects - of_seeds + values.mean()) ** 2).sum()) / df
    return [subject, seed, _Term(-rest, df)] if seed.value > rest else [subject]
