"""The timeline of a run: which cell ran when, on which node, in how many slots. Needs neither Ray nor torch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple


class Span(NamedTuple):
    """A cell from its start to its end, in seconds since the first start."""

    start: float
    end: float
    stage: str


def slots_of(rows: Iterable[Mapping[Any, Any]]) -> dict[str, list[Span]]:
    """The cells of a run in as few slots of each node as hold them without overlap, by `node #number`.

    Args:
        rows: records of `har_ray.store.results.load(..., files=True)`; cells that have not ended are left out.
    """
    timed = sorted(_timed(rows), key=lambda pair: pair[1].start)
    nodes: dict[str, list[list[Span]]] = {}
    for node, (start, end, stage) in timed:
        slots = nodes.setdefault(node, [])
        span = Span(start - timed[0][1].start, end - timed[0][1].start, stage)
        free = next((slot for slot in slots if slot[-1].end <= span.start), None)
        if free is None:
            slots.append([span])
        else:
            free.append(span)
    return {f"{node} #{number}": slot for node in sorted(nodes) for number, slot in enumerate(nodes[node], start=1)}


def _timed(rows: Iterable[Mapping[Any, Any]]) -> Iterator[tuple[str, Span]]:
    """Node and time of every stretch in which a cell was trained, in seconds since 1970."""
    for row in rows:
        if not isinstance(row["started_at"], str):
            continue
        last = [row["node"], row["started_at"], row["finished_at"]]
        for node, *times in [*(row["legs"] if isinstance(row["legs"], list) else []), last]:
            start, end = (datetime.fromisoformat(text).timestamp() for text in times)
            yield str(node), Span(start, end, row["stage"])


def length_s(slots: Mapping[str, Sequence[Span]]) -> float:
    """From the first cell's start to the last one's end; there must be a slot."""
    return max(span.end for spans in slots.values() for span in spans)


def busy(slots: Mapping[str, Sequence[Span]]) -> float:
    """How much of that time the slots were used, a fraction; a slot is there from the first cell of all to the last."""
    total = len(slots) * length_s(slots)
    return sum(span.end - span.start for spans in slots.values() for span in spans) / total if total else 1.0
