"""What a grid took: cells, epochs and time of training, by stage and variant."""

from typing import NamedTuple

from analysis.formats import TextTable, csv_text, plain
from analysis.load import Results
from har_ray.text import duration
from har_ray.variants import in_order


class Effort(NamedTuple):
    """Of a variant in a stage; seconds of one process after the other, waiting not counted."""

    stage: str
    variant: str
    ended: int
    planned: int
    epochs: int
    train_seconds: float


def efforts(results: Results) -> list[Effort]:
    """By stage and variant, in the order of the tables."""
    found = []
    for stage in results.stages:
        rows = [row for row in results.planned if row["stage"] == stage]
        for variant in in_order(row["variant"] for row in rows):
            own = [row for row in rows if row["variant"] == variant]
            ended = [row for row in own if row["status"] != "pending"]
            epochs, seconds = (sum(row.get(name) or 0 for row in ended) for name in ("epochs", "train_seconds"))
            found.append(Effort(stage, variant, len(ended), len(own), int(epochs), float(seconds)))
    return found


def effort_table(results: Results) -> TextTable:
    """For readers, with the sum at the end."""
    found = efforts(results)
    rows = [_row(one) for one in found]
    if len(found) > 1:
        sums = (sum(values) for values in zip(*(one[2:] for one in found), strict=True))
        rows.append(_row(Effort("all", "all", *sums)))
    columns = ["stage", "variant", "cells", "epochs", "time of training"]
    notes = ["Cells: ended of those planned so far. Time: in one process after the other, waiting not counted."]
    return TextTable("Cells, epochs and time", columns, "llrrr", [plain(*row) for row in rows], notes, results.made_by)


def _row(one: Effort) -> list[str]:
    cells = f"{one.ended:,}" if one.ended == one.planned else f"{one.ended:,}/{one.planned:,}"
    return [one.stage, one.variant, cells, f"{one.epochs:,}", duration(one.train_seconds)]


def effort_csv(results: Results) -> str:
    """The same as CSV."""
    return csv_text([one._asdict() | results.provenance for one in efforts(results)])
