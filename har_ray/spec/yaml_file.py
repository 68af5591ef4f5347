"""A grid's YAML file: where each key stands, and what to tell a user of an error in it."""

import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from har_ray.errors import GridError, unknown

KeyPath = tuple[str | int, ...]


@dataclass
class GridFile:
    """The content of a YAML file and the line of every key; `text` is the file as it was read."""

    path: Path
    text: str
    content: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "GridFile":
        """Raises GridError: no such file, not YAML, a key twice, or not a mapping."""
        try:
            text = path.read_text()
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            content = yaml.safe_load(text)
        except OSError as error:
            raise GridError(f"{path}: cannot be read: {error.strerror}") from error
        except yaml.YAMLError as error:
            raise GridError(f"{path}: not valid YAML: {error}") from error
        if not isinstance(content, dict):
            raise GridError(f"{path}: expected a mapping of keys; found {type(content).__name__}")
        file = cls(path, text, content)
        file._note(root, ())
        return file

    def _note(self, node: yaml.Node | None, at: KeyPath) -> None:
        """Note the line of `node` and of all below it."""
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    raise GridError(f"{self.path}:{key.start_mark.line + 1}: {key.value!r} is given twice")
                seen.add(key.value)
                self.lines[(*at, key.value)] = key.start_mark.line + 1
                self._note(value, (*at, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                self.lines[(*at, i)] = value.start_mark.line + 1
                self._note(value, (*at, i))

    def set(self, override: str) -> None:
        """Apply `key.path=value`; the value is YAML, list items are named by number (`datasets.0.rate_hz=25`).

        Raises:
            GridError: it is not of that form, or the path leads through something that has no keys.
        """
        path, equals, text = override.partition("=")
        if not equals or not path:
            raise GridError(f"--set {override}: expected key.path=value, e.g. train.epochs=5")
        *parents, last = path.split(".")
        place: Any = self.content
        try:
            for key in parents:
                place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
            if isinstance(place, list):
                place[int(last)] = yaml.safe_load(text)
            elif isinstance(place, dict):
                place[last] = yaml.safe_load(text)
            else:
                raise TypeError(f"{place!r} has no keys")
        except (AttributeError, IndexError, TypeError, ValueError, yaml.YAMLError) as error:
            raise GridError(f"--set {override}: {error}") from error

    def explain(self, error: ValidationError, model: type[BaseModel]) -> list[str]:
        """The messages for a user, a line each."""
        messages = []
        for one in error.errors():
            at: KeyPath = tuple(key for key in one["loc"] if key in ("", None) or self._is_key(one["loc"], key))
            for line in _message(one, model).split("\n"):
                messages.append(f"{self._where(at)}{line}")
        return list(dict.fromkeys(messages))

    def _is_key(self, loc: tuple[str | int, ...], key: str | int) -> bool:
        """Whether a part of pydantic's location stands for a key, and not for an alternative of a union."""
        index = loc.index(key)
        value: Any = self.content
        for part in loc[:index]:
            in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
            if in_list or (isinstance(value, dict) and part in value):
                value = value[part]
        return isinstance(value, dict) or (isinstance(value, list) and isinstance(key, int))

    def _where(self, at: KeyPath) -> str:
        lines = [self.lines[at[:n]] for n in range(len(at), 0, -1) if at[:n] in self.lines]
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")
        return f"{self.path}{f':{lines[0]}' if lines else ''}: {f'{key}: ' if key else ''}"


def _message(error: Any, model: type[BaseModel]) -> str:
    found = error.get("input")
    if error["type"] == "extra_forbidden":
        names = _model_at(model, error["loc"][:-1]).model_fields
        return unknown("key", error["loc"][-1], names)
    if error["type"] == "missing":
        return "this key is missing"
    if error["type"] == "literal_error":
        choices = [name.strip(" '") for name in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        return unknown("value", found, choices)
    message: str = error["msg"]
    if error["type"] == "value_error":
        return message.removeprefix("Value error, ")
    return f"{message[0].lower()}{message[1:]}, found {found!r}"


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    """The section that a location lies in."""
    for key in loc:
        if isinstance(key, str) and key in model.model_fields:
            inner = _section(model.model_fields[key].annotation)
            model = inner or model
    return model


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section in an annotation such as `list[DatasetSpec]` or `Search | None`."""
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for part in typing.get_args(annotation) if (found := _section(part))), None)
