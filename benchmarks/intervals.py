"""How often an interval that says 95 % covers the true mean of differences over subjects and seeds.

    python -m benchmarks.intervals

Differences d[u, s] = subject[u] + seed[s] + rest[u, s] around a true mean of 0, for so many subjects and seeds, with
the standard deviation of subjects 1. The seed's share is absent, as large as the standard error that subjects and the
rest give the mean, or as large as the rest. `per fold` draws it anew for each fifth of the subjects, as where folds
have models of their own. A range is over normal and skewed (exponential) subjects, and over a rest of a third of, as
much as and three times the subjects' standard deviation. Three intervals:

- nested: a bootstrap that draws subjects and, for each of them anew, seeds;
- crossed: a bootstrap that draws subjects, and seeds that are common to all of them;
- ours: `analysis.intervals`.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from analysis.intervals import CONFIDENCE, LEVEL, estimate

Floats = NDArray[np.float64]

SIZES = ((10, 3), (10, 5), (50, 3), (50, 5), (5, 3), (5, 5), (10, 2), (50, 2))
ONE_SEED = (10, 1)
EFFECTS = ("none", "standard error", "rest", "per fold")
RESTS = (1 / 3, 1.0, 3.0)
SHAPES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, count: rng.normal(size=count),
    "skewed": lambda rng, count: rng.exponential(size=count) - 1,
}
FOLDS = 5
DRAWS, BOOTSTRAPPED = 5000, 200
"""Simulated studies for ours, and for the bootstraps, which take longer."""
RESAMPLES = 1000


def seed_effects(name: str, subjects: int, seeds: int, rest: float, rng: np.random.Generator) -> Floats:
    """The seeds' share of each value, (U, S) or (1, S)."""
    if name == "none":
        return np.zeros((1, seeds))
    if name == "standard error":
        return rng.normal(scale=(1 / subjects + rest**2 / (subjects * seeds)) ** 0.5, size=(1, seeds))
    if name == "per fold":
        return rng.normal(scale=rest, size=(FOLDS, seeds)).repeat(subjects // FOLDS, axis=0)
    return rng.normal(scale=rest, size=(1, seeds))


def studies(
    subjects: int, seeds: int, effect: str, shape: str, rest: float, rng: np.random.Generator
) -> Iterator[Floats]:
    """Differences (U, S) of one study after the other."""
    while True:
        of_subjects = SHAPES[shape](rng, subjects)[:, None]
        of_seeds = seed_effects(effect, subjects, seeds, rest, rng)
        yield of_subjects + of_seeds + rng.normal(size=(subjects, seeds)) * rest


def nested(values: Floats, rng: np.random.Generator) -> tuple[float, float]:
    subjects, seeds = values.shape
    drawn = (
        rng.integers(subjects, size=(RESAMPLES, subjects, 1)),
        rng.integers(seeds, size=(RESAMPLES, subjects, seeds)),
    )
    return _quantiles(values[drawn].mean(axis=(1, 2)))


def crossed(values: Floats, rng: np.random.Generator) -> tuple[float, float]:
    of_subjects, of_seeds = (rng.multinomial(n, [1 / n] * n, RESAMPLES) / n for n in values.shape)  # (R, U), (R, S)
    return _quantiles(((of_subjects @ values) * of_seeds).sum(axis=1))


def _quantiles(means: Floats) -> tuple[float, float]:
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


def ours(values: Floats, rng: np.random.Generator) -> tuple[float, float]:
    found = estimate(values)
    assert found is not None, "more than one value"
    return found.low, found.high


WAYS = {nested: BOOTSTRAPPED, crossed: BOOTSTRAPPED, ours: DRAWS}


def coverages(subjects: int, seeds: int, effect: str) -> list[str]:
    """For each way the smallest and the largest share of intervals that hold the true mean, in percent."""
    texts = []
    for way, draws in WAYS.items():
        shares = []
        for number, (shape, rest) in enumerate(product(SHAPES, RESTS)):
            rng = np.random.default_rng([subjects, seeds, number])
            made = studies(subjects, seeds, effect, shape, rest, rng)
            ends = [way(next(made), rng) for _ in range(draws)]
            shares.append(100 * np.mean([low <= 0 <= high for low, high in ends]))
        texts.append(
            f"{min(shares):.0f}–{max(shares):.0f}" if draws < DRAWS else f"{min(shares):.1f}–{max(shares):.1f}"
        )
    return texts


def main() -> None:
    print(f"Coverage in percent of intervals that say {100 * CONFIDENCE:.0f}:")
    print(f"| subjects | seeds | the seed's share | {' | '.join(way.__name__ for way in WAYS)} |")
    print("| --- | --- | --- |" + " --- |" * len(WAYS))
    for (subjects, seeds), effect in [*product(SIZES, EFFECTS), (ONE_SEED, "none")]:
        print(f"| {subjects} | {seeds} | {effect} | {' | '.join(coverages(subjects, seeds, effect))} |", flush=True)


if __name__ == "__main__":
    main()
