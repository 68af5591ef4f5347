"""People whose readings are larger or smaller than others' by a factor: another unit, or counts.

An accelerometer reads gravity whatever its wearer does: its mean norm tells its unit. A gyroscope reads motion alone,
so people are compared by how far its values spread in the classes that they share.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from har_ray.data.sensors import feels_gravity, turns
from har_ray.data.soundness import gravity
from har_ray.data.soundness.evidence import Evidence, Stream
from har_ray.data.soundness.finding import SHOWN, Finding
from har_ray.data.units import QUANTITIES, STANDARD_GRAVITY, spelt

KIND = "scale"

ONE_G = {unit: STANDARD_GRAVITY / one for unit, one in QUANTITIES["acceleration"].items()}
"""Unit → what an accelerometer that lies still reads."""
ONE_RAD_S = {unit: 1 / QUANTITIES["angular rate"][unit] for unit in ("rad/s", "deg/s", "mrad/s", "mdeg/s")}
"""Unit → what a gyroscope reads that turns by a radian a second."""

LARGEST = {"acceleration": 3.0, "rotation": 6.0}
"""How many times larger or smaller than expected a mean norm, or a spread in the same classes, may be. The nearest
factors of units are 9.8 and 57: each bound lies near the middle, on a scale of factors. The farthest of the people of
SPAR, Sensors and WISDM 2019's watch have 1.5 (SPAR, mean norm) and 1.6 (SPAR, spread of rotation)."""
NAMED_WITHIN = 2.0
"""A factor that is within this many times a unit's is called that unit's."""


def findings(evidence: Evidence) -> Iterator[Finding]:
    """A finding for each sensor and factor."""
    for sensor in evidence.sensors:
        if feels_gravity(sensor):
            levels = _norms(evidence, sensor)
            expected = ONE_G.get(spelt(evidence.unit(sensor))) or _usual(levels)
            yield from _off(evidence, sensor, levels, expected, "acceleration", ONE_G)
        elif turns(sensor):
            levels = _spreads(evidence, sensor)
            yield from _off(evidence, sensor, levels, _usual(levels), "rotation", ONE_RAD_S)


def _norms(evidence: Evidence, sensor: str) -> dict[Stream, float]:
    """By source and subject: the mean norm of values that show gravity."""
    number, unsteady = list(evidence.sensors).index(sensor), gravity.without(evidence, sensor)
    return {
        stream: float(part.norm[number])
        for stream, part in evidence.whole.items()
        if stream not in unsteady and part.norm[number] > 0
    }


def _spreads(evidence: Evidence, sensor: str) -> dict[Stream, float]:
    """By source and subject: how far values spread over what is usual in a class, in the median of shared classes."""
    three = evidence.sensors[sensor]
    spread = {
        (stream, label): value
        for stream, parts in evidence.streams.items()
        for label, part in parts.items()
        if (value := math.sqrt(part.variance[three].sum())) > 0
    }
    of_class: dict[int, list[float]] = {}
    for (_, label), value in spread.items():
        of_class.setdefault(label, []).append(value)
    usual = {label: float(np.exp(np.mean(np.log(values)))) for label, values in of_class.items() if len(values) > 1}
    found: dict[Stream, list[float]] = {}
    for (stream, label), value in spread.items():
        if label in usual:
            found.setdefault(stream, []).append(value / usual[label])
    return {stream: float(np.median(ratios)) for stream, ratios in found.items()}


def _usual(levels: Mapping[Stream, float]) -> float:
    """The level that most are near to; the first of those that as many are near to."""
    values = np.array(list(levels.values()))
    if not len(values):
        return 1.0
    near = np.abs(np.log(values[:, None] / values)) < math.log(LARGEST["acceleration"])
    most = near[np.argmax(near.sum(axis=1))]
    return float(np.median(values[most]))


def _off(
    evidence: Evidence,
    sensor: str,
    levels: Mapping[Stream, float],
    expected: float,
    quantity: str,
    reads: Mapping[str, float],
) -> Iterator[Finding]:
    """Those whose level is too far from the expected one, together where one unit would explain it."""
    grouped: dict[str | None, list[Stream]] = {}
    for stream, level in levels.items():
        if abs(math.log(level / expected)) > math.log(LARGEST[quantity]):
            grouped.setdefault(_unit_of(level / expected, spelt(evidence.unit(sensor)), reads), []).append(stream)
    for unit, streams in grouped.items():
        factor = float(np.median([levels[stream] for stream in streams])) / expected
        size = f"{factor:.3g} times" if factor > 1 else f"1/{1 / factor:.3g} of"
        said = evidence.unit(sensor)
        what = f"its mean norm is {size} {expected:.3g} {said}" if quantity == "acceleration" else (
            f"it spreads {size} what is usual in the same classes"
        )  # fmt: skip
        yield Finding(
            KIND,
            evidence.where(streams),
            round(factor, 4),
            f"{sensor} is not in the unit of the others: {what}" + (f", as if it were in {unit}" if unit else ""),
            _remedy(evidence, sensor, streams, unit or "..."),
        )


def _unit_of(factor: float, said: str, reads: Mapping[str, float]) -> str | None:
    """The unit in which readings are `factor` times those in the unit that is said."""
    if said not in reads:
        return None
    away = {unit: abs(math.log(factor * reads[said] / reads[unit])) for unit in reads if unit != said}
    nearest = min(away, key=lambda unit: away[unit])
    return nearest if away[nearest] < math.log(NAMED_WITHIN) else None


def _remedy(evidence: Evidence, sensor: str, streams: list[Stream], unit: str) -> str:
    subjects = list(dict.fromkeys(subject for _, subject in streams))
    if not evidence.own:
        return f"compare the raw files with the publisher's, or {evidence.leave_out(subjects)}"
    if len(streams) == len(evidence.streams):
        return f"if so, say in_file: {unit} beside the unit of {sensor}'s channels"
    files = list(dict.fromkeys(evidence.file(source) for source, _ in streams))
    rules = [f"{{files: '{file}', channels: '{sensor}_*', in_file: {unit}}}" for file in files[:SHOWN]]
    more = ", ..." if len(files) > SHOWN else ""
    return f"if so, say units: [{', '.join(rules)}{more}] in the descriptor"
