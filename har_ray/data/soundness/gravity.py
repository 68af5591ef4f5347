"""Accelerometers that do not show gravity.

A device that takes gravity out leaves values that swing around zero: their mean is a small part of their mean norm.
With gravity in them that part is large in any class in which the body keeps about one posture.
"""

from collections.abc import Iterator

import numpy as np

from har_ray.data.sensors import feels_gravity
from har_ray.data.soundness.evidence import Evidence, Stream
from har_ray.data.soundness.finding import Finding

KIND = "no gravity"

UNSTEADY = 0.3
"""The mean over the mean norm, in the steadiest class, below which there is no gravity. With gravity everybody has 0.78
or more in SPAR, 0.98 in Sensors and 0.97 on WISDM 2019's watch."""


def steadiness(evidence: Evidence, sensor: str) -> dict[Stream, float]:
    """By source and subject: the length of the mean over the mean length, 0 to 1, in the class where it is largest."""
    number, three = list(evidence.sensors).index(sensor), evidence.sensors[sensor]
    return {
        stream: max(
            float(np.linalg.norm(part.mean[three]) / part.norm[number]) if part.norm[number] else 0.0
            for part in parts.values()
        )
        for stream, parts in evidence.streams.items()
    }


def without(evidence: Evidence, sensor: str) -> list[Stream]:
    """Those in whose values gravity does not show; what reads nothing at all is another check's."""
    number = list(evidence.sensors).index(sensor)
    return [
        s for s, value in steadiness(evidence, sensor).items() if value < UNSTEADY and evidence.whole[s].norm[number]
    ]


def findings(evidence: Evidence) -> Iterator[Finding]:
    """A finding for each accelerometer."""
    for sensor in filter(feels_gravity, evidence.sensors):
        if not (streams := without(evidence, sensor)):
            continue
        found = steadiness(evidence, sensor)
        number = float(np.median([found[stream] for stream in streams]))
        others = [value for stream, value in found.items() if stream not in streams]
        expected = f"where the others have {np.median(others):.2f}" if others else f"expected over {UNSTEADY:g}"
        subjects = list(dict.fromkeys(subject for _, subject in streams))
        remedy = "record what the others did, or " + evidence.leave_out(subjects) if others else ""
        yield Finding(
            KIND,
            evidence.where(streams),
            round(number, 3),
            f"{sensor} does not show gravity: its mean is {number:.2f} of its mean length, {expected}",
            remedy or f"if gravity is taken out on purpose, call it linear acceleration (lin_{sensor.lstrip('_')}_x)",
        )
