"""From one of a user's files, or from several that belong together, to recordings; see `dataset.py`.

A recording ends where the subject changes, where time leaps or runs backwards, and where a channel is missing for long.
Nothing of a file by itself is resampled, unless its rate wanders.
"""

from collections.abc import Iterator, Sequence

from har_ray.data.cleaning import columns_of, goes_on, intact_runs, time_breaks
from har_ray.data.dataset import Recording, Rejects
from har_ray.data.own.even import at_even_intervals, even_rate_hz
from har_ray.data.own.join import read_joined
from har_ray.data.own.rates import stream_rate_hz
from har_ray.data.own.steps import MAX_STEPS, wander_of
from har_ray.data.own.streams import Reading
from har_ray.data.own.table import Table, TableFile

READING = 3
"""`Dataset.reading` of own recordings; raise it when the same files come to give other recordings."""

MAX_MISSING_S = 0.5
"""As for the datasets of the catalogue: a line may bridge half of the shortest published window, no more."""


def read(
    table: Table, source: str, channels: Sequence[str], rejects: Rejects, batches: int | None = None
) -> Iterator[Recording]:
    """The recordings of a source as `Dataset.locate` gives it, or in the first `batches` of its files.

    Raises:
        DataError: names the line of a fault, or the rate of the time stamps where it is not the descriptor's.
    """
    columns_of(channels, dict.fromkeys(table.spec.all_channels, 0), table.name)
    files = table.groups[source]
    if table.spec.sources is not None:
        yield from read_joined(table, files, channels, MAX_MISSING_S, rejects, batches)
        return
    ((name, path),) = files.items()
    reading, number = Reading(TableFile(table, name, path), channels), 0
    for stream in reading.streams(rejects, batches):
        rate_hz = stream_rate_hz(reading, stream)
        if rate_hz is None:
            rejects.add("row of a recording too short to tell its rate", len(stream.x))
            continue
        wander = wander_of(stream.t, rate_hz) if reading.clock.types else None
        breaks = time_breaks(stream.t, MAX_STEPS / (wander.slowest_hz if wander else rate_hz)) | stream.breaks
        for start, stop in intact_runs(stream.x, breaks, channels, rate_hz, MAX_MISSING_S, rejects):
            x, labels, even_hz = stream.x[start:stop], stream.labels[start:stop], rate_hz
            if wander:
                even_hz = even_rate_hz(rate_hz, wander)
                x, labels = at_even_intervals(stream.t[start:stop], x, labels, even_hz)
            name = f"{table.relative(path)}:{number}"
            yield Recording(name, stream.subject, x, labels, even_hz, wander, goes_on(stream.t, stop))
            number += 1
