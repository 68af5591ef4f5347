"""A YAML file: its values, the line of every key, and what is wrong with it as YAML.

What may stand in it is checked by `yaml_check.py`.
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from har_ray.errors import GridError, nearest

KeyPath = tuple[str | int, ...]

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
"""Keys and values with every alias written out: a kilobyte of aliases to lists of aliases holds billions."""
MAX_DEPTH = 50
MAX_SHOWN = 100
"""Characters of a value in a message."""

MERGE = "tag:yaml.org,2002:merge"
PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
"""Other whole numbers, such as `010`, `1:20` and `1_000`, are read by YAML 1.1, which PyYAML knows, to other bases."""
QUOTE = (
    (r"scanning an alias|undefined alias", "quote a text that begins with *, as in '**/*.csv'"),
    (r"found character '(.)' that cannot start any token", r"quote a text that begins with \1"),
    (r"mapping values are not allowed here", "quote a text that holds ': '"),
    (r"unknown escape character", r"write it in single quotes, between which \\ is a character like others"),
    (r"'\\t'", "indent with spaces"),
)
"""What PyYAML says of text that had to be quoted, and what helps."""


class _NoPlaceError(Exception):
    """Nothing can stand where `--set` says."""


class Mistake(NamedTuple):
    """Something wrong at `key`; `others` are further keys that it depends on."""

    key: KeyPath
    message: str
    others: tuple[KeyPath, ...] = ()


def key_text(key: KeyPath) -> str:
    """A key for a message, e.g. `datasets[0].rate_hz`."""
    parts = (f"[{p}]" if isinstance(p, int) else f".{p if p and p.isprintable() else repr(p)}" for p in key)
    return "".join(parts).removeprefix(".")


@dataclass
class YamlFile:
    """A YAML file.

    Attributes:
        text: the file as it was read.
        content: its values; keys are texts or whole numbers.
        lines: the line of every key and list item, from 1.
        written: what is read as neither text nor a whole number, as it is written, e.g. `yes`.
        mistakes: in the YAML itself, which `load` reports with all others.
        misread: keys among them whose value is not what was meant.
        origins: keys that `expand` has made, and what they are called in the file.
        overridden: keys whose value is not the file's, but that of `set`.
    """

    path: Path
    text: str
    content: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    written: dict[KeyPath, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    misread: set[KeyPath] = field(default_factory=set)
    origins: dict[KeyPath, KeyPath] = field(default_factory=dict)
    overridden: set[KeyPath] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> "YamlFile":
        """Raises GridError: no such file, far too large, not UTF-8, not YAML, or not a mapping."""
        file = cls(path, _text(path))
        try:
            content = file._parsed()
        except yaml.YAMLError as error:
            line, reason = _explained(error)
            raise GridError(f"{path}{f':{line}' if line else ''}: not valid YAML: {reason}") from error
        if not isinstance(content, dict):
            found = "nothing" if content is None else type(content).__name__
            raise GridError(f"{path}: expected a mapping of keys; found {found}")
        file.content = content
        return file

    def set(self, override: str) -> None:
        """Apply `key.path=value`; the value is YAML, list items are named by number (`datasets.0.rate_hz=25`), and the
        number after the last item's adds one.

        Raises:
            GridError: it is not of that form, or the path leads through something that has no keys.
        """
        names, equals, text = override.partition("=")
        if not equals or not names:
            raise GridError(f"--set {override}: expected key.path=value, e.g. train.epochs=5")
        value = YamlFile(self.path, text)
        try:
            parsed = value._parsed()
            key = self._assign(names.split("."), parsed)
        except yaml.YAMLError as error:
            raise GridError(f"--set {override}: not valid YAML: {_explained(error)[1]}") from error
        except _NoPlaceError as error:
            raise GridError(f"--set {override}: {error}") from error
        if value.mistakes:
            raise GridError("\n".join(f"--set {override}: {mistake.message}" for mistake in value.mistakes))
        self._forget(key)
        self.overridden.add(key)
        self.written |= {(*key, *below): text for below, text in value.written.items()}

    def _assign(self, names: list[str], value: Any) -> KeyPath:
        parent: Any = self.content
        key: KeyPath = ()
        for n, name in enumerate(names, 1):
            last = n == len(names)
            step = self._step(key, parent, name, grows=last)
            key = (*key, step)
            if not last:
                parent = parent[step] if isinstance(parent, list) else parent.setdefault(step, {})
            elif isinstance(parent, list) and step == len(parent):
                parent.append(value)
            else:
                parent[step] = value
        return key

    @staticmethod
    def _step(key: KeyPath, parent: Any, name: str, grows: bool) -> Any:
        """The key or the index that `name` says below `key`, where `parent` stands."""
        if isinstance(parent, dict):
            return name
        if not isinstance(parent, list):
            raise _NoPlaceError(f"{key_text(key)}: {parent!r} has no keys")
        count = len(parent) + grows
        if not name.isascii() or not name.isdigit() or int(name) >= count:
            raise _NoPlaceError(f"{key_text(key)}: expected the number of an item, 0 to {count - 1}; found {name!r}")
        return int(name)

    def _forget(self, key: KeyPath) -> None:
        """Drop what was noted at `key` and below; the line of the key itself is kept, and that it was overridden."""
        n = len(key)
        self.lines = {k: line for k, line in self.lines.items() if k[:n] != key or k == key}
        self.written = {k: text for k, text in self.written.items() if k[:n] != key}
        self.mistakes = [mistake for mistake in self.mistakes if mistake.key[:n] != key]
        self.misread = {k for k in self.misread if k[:n] != key}
        self.overridden = {k for k in self.overridden if k[:n] != key or k == key}

    def expand(self, name: str, axes: Sequence[str]) -> None:
        """Write each item of a list out once for every combination of values where its keys `axes` hold lists.

        Example:
            `datasets: [{name: spar, rate_hz: [5, 10]}]` becomes two datasets; messages call both `datasets[0]`, and
            their rates `datasets[0].rate_hz[0]` and `datasets[0].rate_hz[1]`.
        """
        items = self.content.get(name)
        if not isinstance(items, list):
            return
        written, expanded = YamlFile(self.path, self.text), list[Any]()
        for i, item in enumerate(items):
            keys = axes if isinstance(item, dict) else ()
            lists = {axis: values for axis in keys if isinstance(values := item.get(axis), list) and values}
            for picks in product(*(range(len(values)) for values in lists.values())):
                picked = dict(zip(lists, picks, strict=True))
                written._copy(self, (name, i), (name, len(expanded)), picked)
                expanded.append({**item, **{axis: item[axis][n] for axis, n in picked.items()}} if picked else item)
        if len(expanded) == len(items) and not written.origins:
            return
        self._forget((name,))
        self.lines |= written.lines
        self.written |= written.written
        self.mistakes += written.mistakes
        self.misread |= written.misread
        self.overridden |= written.overridden
        self.origins |= written.origins
        self.content[name] = expanded

    def _copy(self, source: "YamlFile", old: KeyPath, new: KeyPath, picked: Mapping[str, int]) -> None:
        """Note at `new` what `source` notes at `old` and below; of the lists `picked`, of the item that was picked."""

        def moved(key: KeyPath) -> KeyPath | None:
            below = key[len(old) :]
            if below and (n := picked.get(str(below[0]))) is not None:
                return (*new, below[0], *below[2:]) if below[1:2] == (n,) else None
            return (*new, *below)

        def kept(keys: Iterable[KeyPath]) -> Iterator[tuple[KeyPath, KeyPath]]:
            return ((key, at) for key in keys if key[: len(old)] == old and (at := moved(key)) is not None)

        self.lines |= {at: source.lines[key] for key, at in kept(source.lines)}
        self.written |= {at: source.written[key] for key, at in kept(source.written)}
        self.misread |= {at for _, at in kept(source.misread)}
        self.overridden |= {at for _, at in kept(source.overridden)}
        for mistake in source.mistakes:
            self.mistakes += [mistake._replace(key=at) for _, at in kept([mistake.key])]
        if picked or new != old:
            self.origins[new] = old
        self.origins |= {(*new, axis): (*old, axis, n) for axis, n in picked.items()}

    def name_of(self, key: KeyPath) -> str:
        """What a key is called in messages: its name in the file."""
        made = next((key[:n] for n in range(len(key), 0, -1) if key[:n] in self.origins), ())
        return key_text((*self.origins[made], *key[len(made) :]) if made else key)

    def line(self, key: KeyPath) -> int:
        """The line of a key, or of the nearest one above it; 0 for a missing key of the whole file."""
        return next((self.lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.lines), 0)

    def where(self, key: KeyPath) -> str:
        """The head of a message: `FILE:LINE: key.path: `, or `--set key.path: ` where the value is not the file's."""
        if any(key[:n] in self.overridden for n in range(1, len(key) + 1)):
            return f"--set {self.name_of(key)}: "
        line = self.line(key)
        return f"{self.path}{f':{line}' if line else ''}: {f'{self.name_of(key)}: ' if key else ''}"

    def _parsed(self) -> Any:
        loader = _BoundedLoader(self.text)
        root = loader.get_single_node()
        return None if root is None else self._value(loader, root, ())

    def _value(self, loader: yaml.SafeLoader, node: yaml.Node, at: KeyPath) -> Any:
        """The value of `node`; notes lines, mistakes and how booleans are written."""
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(loader, node, at)
        if node.tag not in PLAIN:
            self._misread(at, f"the tag {node.tag!r} is unknown; write plain YAML")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(loader, node, at)
        for i, item in enumerate(node.value):
            self.lines[(*at, i)] = item.start_mark.line + 1
        return [self._value(loader, item, (*at, i)) for i, item in enumerate(node.value)]

    def _mapping(self, loader: yaml.SafeLoader, node: yaml.MappingNode, at: KeyPath) -> dict[str | int, Any]:
        content: dict[str | int, Any] = {}
        for key_node, value, merged in _pairs(node):
            key = self._key(loader, key_node, at)
            if merged and key in content:
                continue
            self.lines[(*at, key)] = key_node.start_mark.line + 1
            if key in content:
                self.mistakes.append(Mistake((*at, key), f"{key!r} is given twice"))
            if isinstance(key_node, yaml.ScalarNode):
                content[key] = self._value(loader, value, (*at, key))
        return content

    def _key(self, loader: yaml.SafeLoader, node: yaml.Node, at: KeyPath) -> str | int:
        """A text or a whole number; anything else as it is written, and noted."""
        if not isinstance(node, yaml.ScalarNode):
            written = shortened(self.text[node.start_mark.index : node.end_mark.index])
            self._misread((*at, written), "a list or a mapping can't be a key; quote it if it is text")
            return written
        key, path = self._scalar(loader, node, (*at, node.value)), (*at, node.value)
        if isinstance(key, str | int) and not isinstance(key, bool) and path not in self.misread:
            return key
        if path not in self.misread:
            self._misread(path, f"{node.value or 'an empty key'} is read as {read_as(key)}; quote it")
        return str(node.value)

    def _scalar(self, loader: yaml.SafeLoader, node: yaml.ScalarNode, at: KeyPath) -> Any:
        try:
            value = loader.construct_object(node, deep=True)
            if isinstance(value, str):
                value.encode()
            if isinstance(value, int) and value.bit_length() > 63:
                raise ValueError("more than 63 bits")
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
            self._misread(at, f"{shortened(repr(node.value))} cannot be read: {getattr(error, 'problem', error)}")
            return None
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and node.style is None and not DECIMAL.fullmatch(node.value):
            self._misread(at, f"{node.value} is read as {value}; quote it if it is text, or write {value}")
        if isinstance(value, bool | date | float | None):
            self.written[at] = node.value
        return value

    def _misread(self, at: KeyPath, message: str) -> None:
        self.mistakes.append(Mistake(at, message))
        self.misread.add(at)


class _BoundedLoader(yaml.SafeLoader):
    """Refuses what is too large, too deep or contains itself, before any alias is written out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.nodes, self.depth = 0, 0
        self.sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        before = self.nodes
        alias: bool = self.check_event(yaml.AliasEvent)
        mark = self.get_mark()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"over {MAX_DEPTH} levels", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if alias:
            if id(node) not in self.sizes:
                raise yaml.MarkedYAMLError(problem="an alias inside its own anchor", problem_mark=mark)
            self.nodes += self.sizes[id(node)]
        else:
            self.nodes += 1
            self.sizes[id(node)] = self.nodes - before
        if self.nodes > MAX_NODES:
            problem = f"over {MAX_NODES:,} keys and values with aliases written out"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
        return node


def _text(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise GridError(f"{path}: {size / 1e6:.1f} MB; expected a YAML file of at most {MAX_BYTES / 1e6:g} MB")
        data = path.read_bytes()
    except IsADirectoryError:
        raise GridError(f"{path}: a folder; expected a YAML file") from None
    except FileNotFoundError as error:
        meant = nearest(path.name, (other.name for other in path.parent.glob("*.y*ml")))
        hint = f"; did you mean {path.with_name(meant)}?" if meant else ""
        raise GridError(f"{path}: cannot be read: {error.strerror}{hint}") from error
    except OSError as error:
        raise GridError(f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        raise GridError(f"{path}: not UTF-8 text, but UTF-16 or binary; save it as UTF-8")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line, byte = data[: error.start].count(b"\n") + 1, data[error.start]
        raise GridError(f"{path}:{line}: not UTF-8 text: byte 0x{byte:02x}; save it as UTF-8") from error


def _explained(error: yaml.YAMLError) -> tuple[int, str]:
    """The line, 0 where it is unknown, and the reason in one line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return 0, " ".join(str(error).split())
    mark = error.problem_mark or error.context_mark
    reason = " ".join(filter(None, (error.context, error.problem)))
    hints = (match.expand(hint) for fault, hint in QUOTE if (match := re.search(fault, reason)))
    return mark.line + 1 if mark else 0, "; ".join([reason, *hints])


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node, bool]]:
    """Key, value, and whether they come from `<<`, which yields to the mapping's own."""
    sources: list[yaml.Node] = []
    for key, value in node.value:
        if key.tag == MERGE:
            sources += value.value if isinstance(value, yaml.SequenceNode) else [value]
        else:
            yield key, value, False
    for source in sources:
        if not isinstance(source, yaml.MappingNode):
            raise yaml.MarkedYAMLError(problem="expected a mapping after <<", problem_mark=source.start_mark)
        for key, value, _ in _pairs(source):
            yield key, value, True


def read_as(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    names = {date: "a date", float: "a number", type(None): "nothing"}
    return next((name for known, name in names.items() if isinstance(value, known)), type(value).__name__)


def shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
