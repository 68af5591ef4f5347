"""Recordings that stand in the data more than once: a block pasted twice, a file copied under another person's name."""

from collections.abc import Iterator

from har_ray.data.soundness.evidence import Evidence, Stream
from har_ray.data.soundness.finding import SHOWN, Finding
from har_ray.data.soundness.sketch import Copy
from har_ray.text import duration

KIND = "repeated block"

COPIED = 0.5
"""A person of whose recordings more than this part is somebody else's is tested on what models were trained on."""


def findings(evidence: Evidence) -> Iterator[Finding]:
    """What stands in recordings of two people, and what stands twice in those of one."""
    between, within = dict[tuple[Stream, Stream], list[Copy]](), dict[tuple[Stream, Stream], list[Copy]]()
    for copy in evidence.gathered.sketch.copies():
        pair = ((copy.one.source, copy.one.subject), (copy.other.source, copy.other.subject))
        (within if copy.one.subject == copy.other.subject else between).setdefault(pair, []).append(copy)
    for pairs, doubt in ((between, "which leaks from training to test"), (within, "which counts twice")):
        for (one, other), copies in list(pairs.items())[:SHOWN]:
            seconds, first = sum(copy.seconds for copy in copies), copies[0]
            of_person = sum(o.rows / o.rate_hz for o in evidence.gathered.sketch.origins if o.subject == other[1])
            yield Finding(
                KIND,
                evidence.where([other]),
                round(seconds, 1),
                f"about {duration(seconds)}, from {duration(first.at_other_s)} of its recording on, also stand in "
                f"{evidence.where([one])}, from {duration(first.at_one_s)} on, {doubt}"
                + (f" (and so do {len(pairs) - SHOWN} more pairs of files)" if len(pairs) > SHOWN else ""),
                "delete one of them",
                fatal=pairs is between and seconds > COPIED * of_person,
            )
