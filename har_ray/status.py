"""`--status`: how far a grid is, running or ended, from its store alone."""

from collections.abc import Iterator

from har_ray.store.results import ResultStore, failure_line, load


def status_lines(results: ResultStore, monitor: str) -> Iterator[str]:
    """Cells by stage and state, the best validation score of each variant, and what failed."""
    if not results.has_plan():
        yield f"not started; nothing at {results.root}"
        return
    rows, begun = load(results.root.uri, pending=True), results.begun()
    for stage, part in rows.groupby("stage", sort=False):
        counts = part["status"].value_counts()
        started = sum(cell_id in begun for cell_id in part.loc[part["status"] == "pending", "cell_id"])
        waiting = int(counts.get("pending", 0)) - started
        ends = ", ".join(f"{counts.get(status, 0)} {status}" for status in ("completed", "stopped", "failed"))
        yield f"{stage}: {len(part)} cells: {ends}, {started} begun, {waiting} waiting"
    ended = rows[rows["status"] != "pending"] if monitor in rows else rows[:0]
    for variant, part in ended.groupby("variant", sort=False):
        best = part.sort_values(monitor, na_position="first").iloc[-1]
        yield f"{variant:<10} best {monitor} {best[monitor]:.3f} ({best['stage']}, seed {best['seed']})"
    for row in rows[rows["status"] == "failed"].to_dict("records"):
        yield failure_line({str(name): value for name, value in row.items()})
