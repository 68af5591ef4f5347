"""What makes own recordings what they are: their files' content, and what the descriptor says of how to read them."""

import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

from pydantic import BaseModel

from har_ray.data.own.descriptor import Descriptor, Source
from har_ray.data.own.intervals import Interval
from har_ray.data.own.scan import Scan
from har_ray.data.own.table import Table, TableFile


def fingerprint(table: Table, files: Sequence[TableFile], scans: Mapping[str, Scan]) -> str:
    """Of a labelled table; part of its windows' id."""
    content = [[file.relative, scans[file.name].size, scans[file.name].sha256] for file in files]
    found: list[Any] = [_described(table.spec), table.legend, content]
    if table.intervals:
        found += [
            [name, one.relative, [_of_interval(mark) for mark in one.intervals]]
            for name, one in table.intervals.items()
        ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _of_interval(mark: Interval) -> tuple[Any, ...]:
    whose = () if mark.subject is None else (mark.subject,)
    return (mark.start_s, mark.end_s, mark.label, *whose)


def _described(spec: Descriptor) -> dict[str, Any]:
    """What is said of recordings: windows keep their id where nothing is said by keys that came later.

    Presets are in that id already: adding one must not make the windows of the others again.
    """
    described = _said(
        spec, {"rate_hz", "subject", "label", "channels", "time"}, {"presets", "files", "members", "strict"}
    )
    described["label"] = _said(spec.label, {"column", "pattern", "map", "classes", "no_class"})
    if spec.time:
        described["time"] = _said(spec.time, {"column", "unit"})
    if spec.sources:
        earlier = set(Source.model_fields) - {"rows"}
        described["sources"] = {name: _said(one, earlier) for name, one in spec.sources.items()}
    if spec.channels:
        described["channels"] = {name: _said(one, {"column", "unit"}) for name, one in spec.channels.items()}
    return described


def _said(section: BaseModel, always: Set[str], never: Set[str] = frozenset()) -> dict[str, Any]:
    """The keys of a section that differ from their defaults, and those in `always`."""
    fields = type(section).model_fields
    given = {name for name, field in fields.items() if name in always or getattr(section, name) != field.default}
    return section.model_dump(mode="json", include=given - never)
