"""A descriptor as YAML, with what is good to know and what is to be asked beside the keys."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import yaml

from har_ray.data.guess.answers import Guess
from har_ray.data.own.columns import ColumnPattern
from har_ray.yaml_file import KeyPath

WIDTH = 100
BLOCKS = ("channels", "presets", "sources", "units")
"""Keys whose entries have a line each."""
PATTERNS = ("pattern", "join", "files", "members")
SHOWN = 5


class _Pattern(str):
    """Written in single quotes."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Pattern, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")
)


def yaml_of(found: Guess, command: str) -> str:
    """The text of a descriptor file.

    Args:
        command: what made it.
    """
    head = [f"# A guess by `{command}`: what stands here is yours to change."]
    head += ["# Lines with `# ?` ask something, those with `# !` say what makes results wrong."]
    head += [f"# left out: {line}" for line in left_out(found)]
    head += [f"# ? {line}" for fault in found.faults for line in fault.splitlines()]
    return "\n".join([*head, *_lines(found, found.content, (), "")]) + "\n"


def left_out(found: Guess) -> Iterator[str]:
    """Files that hold no recordings, by their names, and why."""
    paths: dict[tuple[str, str], list[str]] = {}
    for path, reason in found.left_out.items():
        paths.setdefault((PurePosixPath(path).name, reason), []).append(path)
    for (name, reason), some in islice(paths.items(), SHOWN):
        yield f"{some[0] if len(some) == 1 else f'{len(some)} files {name}'}: {reason}"
    if len(paths) > SHOWN:
        yield f"{sum(map(len, islice(paths.values(), SHOWN, None)))} more files"


def _lines(found: Guess, content: Mapping[str, Any], at: KeyPath, indent: str) -> Iterator[str]:
    for name, value in content.items():
        key = (*at, name)
        comments = [text for text in (found.notes.get(key),) if text]
        questions = [f"? {found.questions[key]}"] if key in found.questions else []
        questions += [f"! {finding}" for finding in found.findings.get(key, ())]
        block = value is not None and (name in BLOCKS or at == ("sources",))
        line = f"{indent}{_scalar(name)}:" + ("" if block or value is None else f" {_scalar(value, name)}")
        yield from _with_comments(line, indent, [*comments, *questions])
        if block and isinstance(value, dict):
            yield from _lines(found, value, key, f"{indent}  ")
        elif block:
            yield from (f"{indent}  - {_scalar(one)}" for one in value)


def _with_comments(line: str, indent: str, comments: list[str]) -> Iterator[str]:
    """Behind the line where there is room, else above it."""
    if len(comments) == 1 and len(line) + len(comments[0]) + 4 <= WIDTH:
        yield f"{line}  # {comments[0]}"
        return
    yield from (f"{indent}# {comment}" for comment in comments)
    yield line


def _quoted(key: str, value: object) -> object:
    """With patterns of paths in quotes, whether YAML needs them or not."""
    if isinstance(value, dict):
        return {name: _quoted(name, one) for name, one in value.items()}
    if isinstance(value, ColumnPattern):
        return {"pattern": _Pattern(value.pattern)}
    return (
        _Pattern(value)
        if key in PATTERNS and isinstance(value, str) and not value.replace("/", "").isalnum()
        else value
    )


def _scalar(value: object, key: str = "") -> str:
    """On one line."""
    text = yaml.dump(
        _quoted(key, value), Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text.strip().removesuffix("...").strip()
