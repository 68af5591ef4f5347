"""Text for the console and for file names: durations, columns that line up."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence


def duration(seconds: float) -> str:
    """e.g. `12 s`, `3:05 min`, `2:03:05 h`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def counted(count: float | str, noun: str) -> str:
    """e.g. `1 cell`, `1,200 cells`, `0.5 CPUs`, `no GPUs`."""
    return f"{count if isinstance(count, str) else f'{count:,.12g}'} {noun}{'' if count == 1 else 's'}"


def slug(text: str) -> str:
    """For file names and labels: everything but letters, digits and points is a `-`."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")


def aligned(header: Sequence[str], rows: Iterable[Sequence[object]], left: Collection[int] = (0,)) -> Iterator[str]:
    """Lines with aligned columns: those in `left` flush left, the others, numbers, flush right."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        yield "  ".join(padded).rstrip()
