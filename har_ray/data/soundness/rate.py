"""Rates that wander while a recording is made."""

from collections.abc import Iterator

from har_ray.data.soundness.evidence import Evidence
from har_ray.data.soundness.finding import Finding

WANDERING = "rate"


def findings(evidence: Evidence) -> Iterator[Finding]:
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
        f"about {wander.at_s:.0f} s after its beginning: the rate wanders, and samples at even intervals were taken "
        "from straight lines between readings",
        "see whether the device lost samples or was set to another rate there; a part of another rate is better a file "
        "of its own",
    )
