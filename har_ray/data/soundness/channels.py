"""Channels that do not measure: constant ones, ones that end at a limit; and rows that stand there more than once."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from har_ray.data.soundness.evidence import Evidence, Stream
from har_ray.data.soundness.finding import Finding, listed

DEAD, SATURATED, DOUBLED = "dead channel", "saturated channel", "doubled rows"

LEAST = 20
"""Samples from which a channel can be called constant."""
PILED = 0.01
"""The part of a class's samples that lies exactly at the extreme of all recordings. SPAR and Sensors have under 0.002;
WISDM 2019's watch, which ends at 2 g, up to 0.09."""
FEWEST = 10
"""Samples that lie there, at least: somewhere the largest must be, which is 2 % of a class of 50."""
LIMIT = 0.999
"""Of the extreme: a limit reads the same in all devices but for calibration."""
REPEATED = 0.2
"""The part of rows that are as the one before in every channel. SPAR, Sensors and WISDM 2019's watch have none; rows
that are all written twice, or readings held between two slow ones, make it half or more."""


def findings(evidence: Evidence) -> Iterator[Finding]:
    yield from _dead(evidence)
    yield from _saturated(evidence)
    yield from _doubled(evidence)


def _dead(evidence: Evidence) -> Iterator[Finding]:
    """Channels that are constant in a file, those of the same files together."""
    dead: dict[tuple[str, ...], list[int]] = {}
    for number in range(len(evidence.gathered.channels)):
        constant = [
            i
            for i, part in enumerate(evidence.whole.values())
            if part.samples >= LEAST and part.lowest[number] == part.highest[number]
        ]
        if constant:
            dead.setdefault(tuple(map(str, constant)), []).append(number)
    streams = list(evidence.whole)
    for at, numbers in dead.items():
        where = [streams[int(i)] for i in at]
        names = [evidence.gathered.channels[number] for number in numbers]
        values = {f"{evidence.whole[where[0]].lowest[number] + 0:g}" for number in numbers}
        verb = "are" if len(names) > 1 else "is"
        text = f"{listed(names)} {verb} always {listed(sorted(values))}: nothing was measured"
        subjects = list(dict.fromkeys(subject for _, subject in where))
        everybody = len(where) == len(streams)
        remedy = "leave the channels out" if everybody else f"leave the channels out, or {evidence.leave_out(subjects)}"
        yield Finding(DEAD, evidence.where(where), len(names), text, remedy)


def _saturated(evidence: Evidence) -> Iterator[Finding]:
    """Channels with many samples at the one extreme that no recording goes beyond."""
    parts = evidence.gathered.parts
    lowest = np.min([part.lowest for part in parts.values()], axis=0)
    highest = np.max([part.highest for part in parts.values()], axis=0)
    limit = np.maximum(np.abs(lowest), np.abs(highest))
    worst: dict[Stream, npt.NDArray[np.float64]] = {}
    for (source, subject, _), part in parts.items():
        if part.samples >= LEAST:
            above = np.where(part.highest >= LIMIT * limit, part.at_highest, 0)
            below = np.where(part.lowest <= -LIMIT * limit, part.at_lowest, 0)
            piled_up = (part.lowest < part.highest) & (above + below >= FEWEST)
            share = np.where(piled_up, above + below, 0) / part.samples
            worst[source, subject] = np.maximum(worst.get((source, subject), 0.0), share)
    for number, channel in enumerate(evidence.gathered.channels):
        piled = {stream: share[number] for stream, share in worst.items() if share[number] > PILED}
        if piled:
            most = float(max(piled.values()))
            yield Finding(
                SATURATED,
                evidence.where(piled),
                round(most, 4),
                f"{channel} ends at {limit[number]:.4g} {evidence.units[channel]}: up to {100 * most:.1f} % of the "
                "samples of a class lie there, where more was to be measured",
                "record with a larger range; scores hold for devices of this range",
            )


def _doubled(evidence: Evidence) -> Iterator[Finding]:
    share = {stream: part.repeated / part.samples for stream, part in evidence.whole.items() if part.samples >= LEAST}
    # A channel alone may well read the same twice.
    doubled = {stream: value for stream, value in share.items() if value > REPEATED and _moves(evidence, stream)}
    if doubled and len(evidence.gathered.channels) > 1:
        number = float(np.median(list(doubled.values())))
        yield Finding(
            DOUBLED,
            evidence.where(doubled),
            round(number, 3),
            f"{100 * number:.0f} % of rows are as the row before: written twice, or the sensor is slower than the rate",
            "delete the doubles, or say the rate at which it measures",
        )


def _moves(evidence: Evidence, stream: tuple[str, str]) -> bool:
    part = evidence.whole[stream]
    return bool((part.lowest < part.highest).any())
