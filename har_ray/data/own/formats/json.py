"""JSON, read as a whole: a list of objects, each a row, or an object of columns; `acc.x` is x of the object acc."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from har_ray.data.own.format import FileSpec
from har_ray.data.own.formats.kinds import HeldFile
from har_ray.data.own.formats.opening import opened
from har_ray.errors import DataError


class JsonFile(HeldFile):
    """The rows of a JSON file; a field that some of them lack is missing there."""

    def __init__(self, path: Path, spec: FileSpec) -> None:
        """Raises `DataError` for what is no JSON, or no table."""
        super().__init__(path)
        self.missing = spec.format.missing
        rows = [dict(_flat(row)) for row in _rows(path)]
        names = dict.fromkeys(name for row in rows for name in row)
        self.columns = [[row.get(name) for row in rows] for name in names]
        self.names = list(names)

    def values(self, position: int) -> list[Any]:
        return self.columns[position]


def _rows(path: Path) -> list[dict[str, Any]]:
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        try:
            content = json.load(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: not JSON: {error}; JSON lines are called .jsonl") from error
    tables = [content, *(content.values() if isinstance(content, dict) else ())]
    for table in tables:
        if isinstance(table, list) and table and all(isinstance(row, dict) for row in table):
            return table
    columns = {name: value for name, value in content.items() if isinstance(value, list)} if tables[1:] else {}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise DataError(f"{path}: no list of objects, and no object of lists as long as each other")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _flat(row: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Field → value; those of an object, and the items of a list by their numbers from 1, behind its name and a dot."""
    for name, value in row.items():
        if isinstance(value, list):
            value = {str(i): one for i, one in enumerate(value, 1)}
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
