"""Files of labelled intervals as people have them: tables, Label Studio's exports, ELAN's `.eaf`, Audacity's labels.

Each reader gives marks as they stand in the file; what their times mean is said in `intervals.py`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from har_ray.data.own.columns import Column
from har_ray.data.own.files import TEXT, read_columns, row_name
from har_ray.data.own.format import AUTO, FileSpec
from har_ray.errors import DataError, unknown

FROM_THE_START = (".eaf", ".txt")
"""Formats whose times count from the beginning of a recording: annotation tools know nothing else."""
NO_TABLES = (".json", *FROM_THE_START)
"""Formats of annotation tools; any other file is a table."""
LABELS = ("timeserieslabels", "labels", "hypertextlabels")
"""Where Label Studio keeps the labels of a region, by the kind of the labelling interface."""


class Mark(NamedTuple):
    """A labelled interval as it stands in a file.

    Attributes:
        where: in the file, for messages: `line 3`.
        task: the file that was labelled, where the marks of several are in one file.
        subject: who did so, where a file has several people.
    """

    start: str
    end: str
    label: str
    where: str
    task: str | None = None
    subject: str | None = None


class MarkColumns(NamedTuple):
    """Those of a table of intervals, each called as what it holds of a `Mark`; None for what no column says."""

    start: Column
    end: Column | None
    label: Column
    task: Column | None = None
    subject: Column | None = None


def marks(path: Path, columns: MarkColumns, tier: str | None) -> list[Mark]:
    """The marks in a file, read by its suffix.

    Args:
        columns: of a table.
        tier: of ELAN, by its name; None where only one has annotations.

    Raises:
        DataError: it cannot be read, or (naming the place) holds what is no interval.
    """
    try:
        if path.suffix.lower() == ".json":
            return list(_label_studio(path))
        if path.suffix.lower() == ".eaf":
            return list(_elan(path, tier))
        if path.suffix.lower() == ".txt":
            return list(_audacity(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text; save it in that encoding") from error
    return list(_table(path, columns))


def _table(path: Path, columns: MarkColumns) -> Iterator[Mark]:
    read = {name: column for name, column in columns._asdict().items() if column is not None}
    spec, row = FileSpec(tuple(read.values()), AUTO), 0
    for batch in read_columns(path, dict.fromkeys(read.values(), TEXT), spec):
        for values in zip(*(batch[str(column)].to_pylist() for column in read.values()), strict=True):
            said = dict(zip(read, map(_text, values), strict=True))
            yield Mark(**{"end": "", **said}, where=row_name(path, row, spec))
            row += 1


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _audacity(path: Path) -> Iterator[Mark]:
    """Lines of start, end and label between tabs; what follows a backslash are frequencies, see
    https://manual.audacityteam.org/man/importing_and_exporting_labels.html.
    """
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        fields = line.split("\t")
        if len(fields) < 2:
            raise DataError(f"{path}: line {number}: expected start, end and label between tabs, found {line!r}")
        yield Mark(fields[0].strip(), fields[1].strip(), "\t".join(fields[2:]).strip(), f"line {number}")


def _label_studio(path: Path) -> Iterator[Mark]:
    """The regions of a task, as a list of results; or a whole export: tasks with their annotations, see
    https://labelstud.io/guide/task_format.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    items = content if isinstance(content, list) else [content]
    if not all(isinstance(item, dict) for item in items):
        raise DataError(f"{path}: expected Label Studio's results or tasks, found other JSON")
    tasks = [item for item in items if "annotations" in item or "completions" in item]
    if tasks and len(tasks) < len(items):
        raise DataError(f"{path}: holds tasks and other items; expected Label Studio's export")
    for number, task in enumerate(tasks, 1):
        name = _task_name(task.get("data"))
        annotations = task.get("annotations") or task.get("completions") or []
        if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
            raise DataError(f"{path}: task {number}: expected annotations with a result, found other JSON")
        for annotation in annotations:
            if not annotation.get("was_cancelled"):
                yield from _regions(path, annotation.get("result", []), f"task {number}, ", name)
    if not tasks:
        yield from _regions(path, items, "", None)


def _task_name(data: Any) -> str | None:
    """The name of the file that a task is about, as Label Studio gives it: `8f2a1b3c-p1.csv`."""
    texts = [value for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []
    return PurePosixPath(texts[0].partition("?")[0]).name if texts else None


def _regions(path: Path, results: Any, where: str, task: str | None) -> Iterator[Mark]:
    if not isinstance(results, list):
        raise DataError(f"{path}: {where}expected a list of results, found {type(results).__name__}")
    for number, result in enumerate(results, 1):
        value = result.get("value") if isinstance(result, dict) else None
        if not isinstance(value, dict):
            raise DataError(f"{path}: {where}result {number}: expected a value with start, end and labels")
        labels = next((value[key] for key in LABELS if isinstance(value.get(key), list)), None)
        if labels is None:
            continue  # a rating, a choice, a text: no region
        if "start" not in value or "end" not in value:
            raise DataError(f"{path}: {where}result {number}: has labels, but no start and end")
        for label in labels:
            yield Mark(_text(value["start"]), _text(value["end"]), _text(label), f"{where}result {number}", task)


def tiers(path: Path) -> dict[str, list[str]]:
    """The labels in each tier of a file of ELAN's that has aligned annotations; raises DataError as `marks`."""
    return {
        name: [_text(one.findtext("ANNOTATION_VALUE")) for one in annotations]
        for name, annotations in _aligned(_document(path)).items()
    }


def _document(path: Path) -> Element:
    """The root of a file of ELAN's; see the format's description,
    https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf. Entities and DTDs, which ELAN does not
    write, are refused: they can make a small file fill the memory.
    """
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except ParseError as error:
        raise DataError(f"{path}: not XML: {error}") from error
    except DefusedXmlException as error:
        raise DataError(f"{path}: holds a DTD or entities, which no file of ELAN's does; not read") from error
    assert root is not None, "a document has a root"
    return root


def _aligned(root: Element) -> dict[str, list[Element]]:
    """The annotations with times of their own, by tier."""
    return {
        str(one.get("TIER_ID")): found
        for one in root.iterfind("TIER")
        if (found := one.findall("ANNOTATION/ALIGNABLE_ANNOTATION"))
    }


def _elan(path: Path, tier: str | None) -> Iterator[Mark]:
    """The aligned annotations of a tier, in milliseconds."""
    root = _document(path)
    slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iterfind("TIME_ORDER/TIME_SLOT")}
    for annotation in _tier(path, _aligned(root), tier):
        label = _text(annotation.findtext("ANNOTATION_VALUE"))
        times = [slots.get(annotation.get(f"TIME_SLOT_REF{n}")) for n in (1, 2)]
        where = f"annotation {annotation.get('ANNOTATION_ID')}"
        if not all(times):
            raise DataError(f"{path}: {where} ({label!r}) has no time of its own; align it in ELAN")
        yield Mark(_text(times[0]), _text(times[1]), label, where)


def _tier(path: Path, aligned: Mapping[str, list[Element]], tier: str | None) -> list[Element]:
    if tier is not None and tier not in aligned:
        raise DataError(f"{path}: {unknown('tier', tier, aligned)}")
    if tier is None and len(aligned) > 1:
        raise DataError(f"{path}: say which tier has the labels, intervals: {{tier: {' or '.join(aligned)}}}")
    return aligned[tier] if tier is not None else next(iter(aligned.values()), [])
