"""`--status`: how far a grid is, running or ended, from its store alone."""

from collections.abc import Iterator

from har_ray.claim import running
from har_ray.errors import DamagedError
from har_ray.store.results import ResultStore, failure_line, load
from har_ray.text import counted, duration
from har_ray.timeline import Span, busy, length_s, slots_of

COLUMNS = 80
"""Of the timeline."""


def status_lines(results: ResultStore, monitor: str) -> Iterator[str]:
    """Cells by stage and state, the best validation score of each variant, and what failed."""
    try:
        rows = load(results.root.uri, pending=True)
    except FileNotFoundError:
        yield f"not started; nothing at {results.root}"
        return
    by = running(results)
    yield _standing(results, by)
    begun = results.begun()
    for stage, part in rows.groupby("stage", sort=False):
        counts = part["status"].value_counts()
        started = int(part.loc[part["status"] == "pending", "cell_id"].isin(begun).sum())
        waiting = int(counts.get("pending", 0)) - started
        ends = ", ".join(f"{counts.get(status, 0):,} {status}" for status in ("completed", "stopped", "failed"))
        now = "interrupted" if by is None else "running or paused" if stage == "search" else "running"
        # A cell leaves its first trace when an epoch has ended, which of a large network takes minutes.
        waits = "waiting or in their first epoch" if by is not None and waiting else "waiting"
        yield f"{stage}: {counted(len(part), 'cell')}: {ends}, {started:,} {now}, {waiting:,} {waits}"
    scored = rows[rows[monitor].notna()] if monitor in rows else rows[:0]
    for variant, part in scored.groupby("variant", sort=False):
        best = part.sort_values(monitor).iloc[-1]
        yield f"{variant:<10} best {monitor} {best[monitor]:.3f} ({best['stage']}, seed {best['seed']})"
    for row in rows[rows["status"] == "failed"].to_dict("records"):
        yield failure_line({str(name): value for name, value in row.items()})


def _standing(results: ResultStore, by: str | None) -> str:
    """Whether the grid runs, has ended, or was left before its end."""
    try:
        info = results.run_info()
    except (FileNotFoundError, DamagedError):
        info = {}
    if by is not None:
        return f"running since {info.get('started_at', 'an unknown time')}: {by}"
    if info.get("finished_at"):
        return f"ended at {info['finished_at']}"
    return "not running, and not at its end; the same command continues it"


def timeline_lines(results: ResultStore) -> Iterator[str]:
    """Who ran when: a line for each slot of each node, and how much of the slots' time was used.

    A slot is there from the first cell of all to the last.
    """
    try:
        slots = slots_of(load(results.root.uri, files=True).to_dict("records"))
    except FileNotFoundError:
        return
    if not slots:
        return
    total = length_s(slots)
    each = total / COLUMNS or 1.0
    yield ""
    yield f"timeline: {duration(total)}, {each:.3g} s a column; t teacher, s search, c confirm, . empty"
    for name, spans in slots.items():
        line = "".join(_mark(spans, i * each, (i + 1) * each) for i in range(COLUMNS))
        yield f"{name:<{max(map(len, slots))}}  {line}"
    used = f"busy {100 * busy(slots):.1f} % of the time from the first cell's start to the last's end"
    yield f"{counted(len(slots), 'slot')}, {used}"


def _mark(spans: list[Span], start: float, end: float) -> str:
    """The stage that took most of this time, if anything took half of it."""
    shares: dict[str, float] = {}
    for span in spans:
        shares[span.stage] = shares.get(span.stage, 0.0) + max(0.0, min(end, span.end) - max(start, span.start))
    stage = max(shares, key=shares.__getitem__)
    return stage[0] if sum(shares.values()) >= (end - start) / 2 else "."
