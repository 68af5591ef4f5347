"""Rates that wander while a recording is made, or are too low for the windows."""

from collections.abc import Iterator

from har_ray.data.soundness.evidence import Evidence, Stream
from har_ray.data.soundness.finding import Finding

WANDERING, SPARSE = "rate", "low rate"

FEW = 2
"""Windows of more times the rate of the readings are mostly lines between these. A frequency above half the rate of
readings cannot be in them (Shannon 1949, doi 10.1109/JRPROC.1949.232969), and windows of twice the rate can hold it."""
HARDLY_ANY = 10
"""So many times more are no matter of how a device was set: its stamps count something else."""


def findings(evidence: Evidence) -> Iterator[Finding]:
    yield from _sparse(evidence)
    yield from _wandering(evidence)


def _sparse(evidence: Evidence) -> Iterator[Finding]:
    """Files with fewer readings than samples of the windows, all in one."""
    slow: dict[Stream, float] = {}
    for one in evidence.gathered.sketch.origins:
        stream = one.source, one.subject
        if one.rate_hz * FEW < evidence.rate_hz:
            slow[stream] = min(slow.get(stream, one.rate_hz), one.rate_hz)
    if not slow:
        return
    slowest = min(slow.values())
    times, fatal = evidence.rate_hz / slowest, slowest * HARDLY_ANY < evidence.rate_hz
    yield Finding(
        SPARSE,
        evidence.where(slow),
        round(times, 1),
        f"readings come at {'' if len(slow) == 1 else 'as few as '}{slowest:.3g} Hz, and windows have "
        f"{evidence.rate_hz:g}: of {times:.3g} samples one was measured, and the others lie between",
        ("is its time in another unit? else " if fatal else "")
        + "give the preset a lower rate_hz, or leave out what is that slow",
        fatal=fatal,
    )


def _wandering(evidence: Evidence) -> Iterator[Finding]:
    """Files whose readings did not come at one rate, all in one."""
    wanders = evidence.gathered.wanders
    if not wanders:
        return
    worst = max(wanders, key=lambda stream: wanders[stream].range)
    wander, of_file = wanders[worst], f" in {evidence.file(worst[0])}" if len(wanders) > 1 else ""
    yield Finding(
        WANDERING,
        evidence.where(wanders),
        round(wander.range, 3),
        f"readings come at {wander.slowest_hz:.4g} to {wander.fastest_hz:.4g} Hz{of_file}, with the largest change "
        f"after about {wander.at_s:.0f} s of readings: the rate wanders, and samples at even intervals were taken "
        "from straight lines between readings",
        "see whether the device lost samples or was set to another rate there; a part of another rate is better a file "
        "of its own",
    )
