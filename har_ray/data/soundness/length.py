"""Recordings that are all shorter than a window."""

from collections.abc import Iterator

from har_ray.data.soundness.finding import Finding
from har_ray.data.soundness.statistics import Gathered

KIND = "short recordings"


def findings(gathered: Gathered, window_s: float) -> Iterator[Finding]:
    """Of first rows of every file: that no window can come out of them, where they have recordings at all."""
    longest = max((one.rows / one.rate_hz for one in gathered.sketch.origins), default=None)
    if longest is None or longest >= window_s:
        return
    yield Finding(
        KIND,
        "everybody",
        round(longest, 3),
        f"no recording is as long as a window of {window_s:g} s: the longest lasts {longest:.3g} s",
        "see time: does the column begin again and again, or count in another unit? "
        "A recording ends where time leaps or runs backwards",
        fatal=True,
    )
