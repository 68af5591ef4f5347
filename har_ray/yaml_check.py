"""A YAML file against a model: all mistakes reported together, those between keys included.

Notable: pydantic compares keys with each other only where every value is valid. So `load` repairs a copy of what it
has found wrong and validates again; what it then finds at a repaired key is a follow-up, and not reported.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from har_ray.errors import GridError, nearest, unknown
from har_ray.yaml_file import KeyPath, Mistake, YamlFile, key_text, read_as, shortened

M = TypeVar("M", bound=BaseModel)
MAX_ROUNDS = 20
MISSING: Any = object()


def inconsistent(mistakes: Iterable[tuple[KeyPath, str, *tuple[KeyPath, ...]]]) -> PydanticCustomError:
    """What a model validator raises to report several mistakes, each at the key that it concerns.

    Args:
        mistakes: of each the key, relative to the section; the message; and other keys that it depends on, for which
            `{0}`, `{1}` … stand in the message. A mistake is not reported where one of its keys is wrong by itself.

    Example:
        >>> raise inconsistent([(("seeds", 1), "the same as {0}", ("seeds", 0))])
        grid.yaml:3: search.seeds[1]: the same as search.seeds[0]
    """
    listed = [Mistake(key, message, tuple(others)) for key, message, *others in mistakes]
    text = "\n".join(f"{key_text(one.key)}: {_filled(one.message, map(key_text, one.others))}" for one in listed)
    return PydanticCustomError("inconsistent", "{text}", {"text": text, "mistakes": listed})


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model's files, for editors."""
    schema = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": model.__name__} | schema


def load(model: type[M], file: YamlFile, context: dict[str, Any] | None = None) -> M:
    """The validated model of a file.

    A wrong value is repaired by its default, or by the first of `Field(examples=[...])`; a field with neither takes its
    section along, and what else is wrong between that section's keys comes to light only when it is mended.

    Raises:
        GridError: with every mistake, a line each, sorted by line: `FILE:LINE: key.path[0]: message`.
    """
    return _Check(model, file, context).run()


class _Check(Generic[M]):
    """A file against a model, in rounds.

    Attributes:
        repaired: keys that were wrong in an earlier round, and what was taken away or replaced for them.
        removed: keys of the file that are left out.
        examples: section → key → what stands in for its value.
        kept: list → the indices in the file of the items that are left.
        texts: booleans where a number is expected, as they are written.
        meant: keys of which there is a misspelt one, which are therefore not missing.
    """

    def __init__(self, model: type[M], file: YamlFile, context: dict[str, Any] | None) -> None:
        self.model, self.file, self.context = model, file, context
        self.repaired = set(file.misread)
        self.removed: set[KeyPath] = set()
        self.examples: dict[KeyPath, dict[str | int, Any]] = {}
        self.kept: dict[KeyPath, list[int]] = {}
        self.texts: dict[KeyPath, str] = {}
        self.meant: set[KeyPath] = set()

    def run(self) -> M:
        found = list(self.file.mistakes)
        self.texts = self._wrong_booleans()
        for _ in range(MAX_ROUNDS):
            try:
                result = self._validated()
            except ValidationError as error:
                mistakes = list(self.mistakes(error))
            else:
                if not found:
                    return result
                break
            found += [one for one in self._without_follow_ups(mistakes) if not self._is_misspelt(one)]
            if not self._repair(mistakes):
                break
        found.sort(key=lambda one: self.file.line(one.key))
        raise GridError("\n".join(self._lines(found)))

    def _lines(self, found: Iterable[Mistake]) -> Iterator[str]:
        """One for each mistake; of a line that stands for several keys, as one with an anchor does, one for all."""
        alike: dict[tuple[str, KeyPath, str], dict[str, None]] = {}
        for one in found:
            name = self.file.name_of(one.key)
            place = self.file.where(one.key).removesuffix(f"{name}: ")
            alike.setdefault((place, one.key[-1:], one.message), {})[name] = None
        for (place, _, message), (name, *others) in alike.items():
            also = f" (and so in {', '.join(others)})" if others else ""
            yield f"{place}{f'{name}: ' if name else ''}{message}{also}"

    def _validated(self) -> M:
        self.kept = {}
        return self.model.model_validate(self._copy(self.file.content, ()), context=self.context)

    def _copy(self, value: Any, at: KeyPath) -> Any:
        """The file's value at `at`, repaired."""
        if isinstance(value, dict):
            examples = self.examples.get(at, {})
            left = {k: v for k, v in value.items() if k not in examples and (*at, k) not in self.removed}
            return {k: self._copy(v, (*at, k)) for k, v in left.items()} | examples
        if isinstance(value, list):
            self.kept[at] = [i for i in range(len(value)) if (*at, i) not in self.removed]
            return [self._copy(value[i], (*at, i)) for i in self.kept[at]]
        return self.texts.get(at, value)

    def _wrong_booleans(self) -> dict[KeyPath, str]:
        """Where the file has a boolean for a number, which pydantic would take for 0 or 1.

        Its text is tried in its stead: a number can't be read from `yes`, a boolean can.
        """
        booleans = _booleans(self.file.content, ())
        self.texts = {at: self.file.written.get(at, str(value).lower()) for at, value in booleans}
        if not self.texts:
            return {}
        try:
            self._validated()
        except ValidationError as error:
            numbers = [one for one in error.errors() if one["type"] in ("int_parsing", "float_parsing")]
            return {at: self.texts[at] for one in numbers if (at := self._key(one["loc"])) in self.texts}
        return {}

    def mistakes(self, error: ValidationError) -> Iterator[Mistake]:
        """What pydantic found, with keys as in the file; the alternatives of a union share a line."""
        messages: dict[KeyPath, list[str]] = {}
        for one in error.errors(include_url=False):
            if one["type"] != "inconsistent":
                key = self._key(one["loc"])
                messages.setdefault(key, []).append(self._message(one, key))
                continue
            for mistake in one["ctx"]["mistakes"]:
                others = tuple(self._key(one["loc"], other) for other in mistake.others)
                message = _filled(mistake.message, map(self.file.name_of, others))
                yield Mistake(self._key(one["loc"], mistake.key), message, others)
        for key, several in messages.items():
            for line in "; or ".join(dict.fromkeys(several)).split("\n"):
                yield Mistake(key, line)

    def _without_follow_ups(self, mistakes: list[Mistake]) -> list[Mistake]:
        """Those whose keys are neither repaired nor above or below a repaired one."""
        above = {key[:n] for key in self.repaired for n in range(len(key) + 1)}

        def sound(key: KeyPath) -> bool:
            return key not in above and not any(key[:n] in self.repaired for n in range(len(key)))

        return [one for one in mistakes if all(map(sound, (one.key, *one.others)))]

    def _is_misspelt(self, mistake: Mistake) -> bool:
        """Whether what is missing is there under a misspelt name, which is a mistake of its own."""
        return mistake.key in self.meant and mistake.message.startswith(("this key is missing", "missing"))

    def _repair(self, mistakes: list[Mistake]) -> bool:
        """Whether anything could be repaired."""
        fresh: set[KeyPath] = set()
        for one in mistakes:
            if not any(one.key[:n] in fresh for n in range(len(one.key) + 1)):
                fresh |= self._mend(one.key)
        self.repaired |= fresh | {one.key for one in mistakes if one.key}
        return bool(fresh)

    def _mend(self, key: KeyPath) -> set[KeyPath]:
        """Remove or replace a key, or the nearest section above it for which that can be done; which key that was."""
        while key:
            value, info = self._at(key), self._field(key)
            tried = next((key[:n] for n in range(1, len(key) + 1) if self._is_example(key[:n])), None)
            if tried:
                key = tried
            elif value is not MISSING and (info is None or not info.is_required()):
                self.removed.add(key)
                return {key}
            elif info and info.examples and isinstance(self._at(key[:-1]), dict):
                self.examples.setdefault(key[:-1], {})[key[-1]] = info.examples[0]
                return {key}
            key = key[:-1]
        return set()

    def _is_example(self, key: KeyPath) -> bool:
        return key[-1] in self.examples.get(key[:-1], {})

    def _at(self, key: KeyPath) -> Any:
        """The repaired value at a key, or MISSING."""
        value: Any = self.file.content
        for n, part in enumerate(key, 1):
            if self._is_example(key[:n]):
                value = self.examples[key[: n - 1]][part]
            elif isinstance(value, dict) and key[:n] not in self.removed:
                value = value.get(part, MISSING)
            elif (
                isinstance(value, list) and key[:n] not in self.removed and isinstance(part, int) and part < len(value)
            ):
                value = value[part]
            else:
                return MISSING
        return value

    def _key(self, loc: tuple[str | int, ...], below: KeyPath = ()) -> KeyPath:
        """The key that pydantic's location stands for, without the names of a union's alternatives."""
        key: KeyPath = ()
        for part in loc:
            step = self._step(key, part)
            key = key if step is None else (*key, step)
        for part in below:
            step = self._step(key, part)
            alone = isinstance(part, int) and not isinstance(
                self._at(key), dict | list
            )  # a value that stands for a list
            if step is not None or not alone:
                key = (*key, part if step is None else step)
        return key

    def _step(self, key: KeyPath, part: str | int) -> str | int | None:
        """What `part` of a location is below `key` in the file: a key, an index, or nothing."""
        value = self._at(key)
        if isinstance(value, list):
            kept = self.kept.get(key, range(len(value)))
            return kept[part] if isinstance(part, int) and part < len(kept) else None
        if self._at((*key, part)) is not MISSING:
            return part
        return part if (value is MISSING or isinstance(value, dict)) and self._field((*key, part)) else None

    def _sections(self, key: KeyPath) -> Iterator[dict[str, FieldInfo]]:
        """The fields of each model that the value at `key` may be of."""
        found: list[Any] = [self.model]
        for part in key:
            found = [inner for one in found for inner in _below(one, part)]
        return (fields for one in found for alternative in _alternatives(one) if (fields := _fields(alternative)))

    def _field(self, key: KeyPath) -> FieldInfo | None:
        return next((fields[name] for fields in self._sections(key[:-1]) if (name := str(key[-1])) in fields), None)

    def _message(self, error: ErrorDetails, key: KeyPath) -> str:
        fault, found, message = error["type"], error["input"], error["msg"]
        written = self.file.written.get(key, str(found))
        if key in self.texts:
            return _quoted(self.texts[key], self._at(key), ", expected a number")
        if fault in ("extra_forbidden", "invalid_key"):
            return self._unknown_key(error["loc"][-1], key)
        if fault == "missing":
            return "this key is missing"
        if fault == "literal_error":
            choices = [name.strip(" '") for name in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
            if isinstance(found, bool) and written in choices:
                return _quoted(written, found, "; quote it")
            return unknown("value", written if isinstance(found, bool) else found, choices)
        if fault == "string_type" and isinstance(found, bool | date | float | None) and written.strip():
            return _quoted(written, found, "; quote it")
        if fault == "value_error":
            return message.removeprefix("Value error, ")
        if fault == "model_type":
            names = dict.fromkeys(name for fields in self._sections(key) for name in fields)
            what = "nothing" if found is None else shortened(repr(found))
            return f"expected keys below it ({', '.join(names)}), found {what}"
        return f"{message[0].lower()}{message[1:]}, found {shortened(repr(found))}"

    def _unknown_key(self, name: str | int, key: KeyPath) -> str:
        sections = list(self._sections(key[:-1]))
        below = [
            f"{upper}.{name}" for fields in sections for upper, info in fields.items() if name in _fields_below(info)
        ]
        if below:
            return f"key {name!r} is unknown here; did you mean {below[0]!r}?"
        names = [known for fields in sections for known in fields]
        if meant := nearest(name, names):
            self.meant.add((*key[:-1], meant))
        return unknown("key", name, names)


def _booleans(value: Any, at: KeyPath) -> Iterator[tuple[KeyPath, bool]]:
    if isinstance(value, bool):
        yield at, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _booleans(inner, (*at, key))


def _fields(annotation: Any) -> dict[str, FieldInfo]:
    """Those of a model by the names that a file uses; none of anything else."""
    if not isinstance(annotation, type) or get_origin(annotation) or not issubclass(annotation, BaseModel):
        return {}
    return {info.alias or name: info for name, info in annotation.model_fields.items()}


def _fields_below(info: FieldInfo) -> set[str]:
    """The names that a section of this field knows."""
    return {name for one in _alternatives(info.annotation) for name in _fields(one)}


def _alternatives(annotation: Any) -> Iterator[Any]:
    """`Annotated[A, ...] | B` → A, B."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = inner[:1]
    elif origin not in (Union, UnionType):
        yield annotation
        return
    for one in inner:
        yield from _alternatives(one)


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    """The types of a key or an item of a value of this type."""
    for one in _alternatives(annotation):
        fields = _fields(one)
        if part in fields:
            yield fields[str(part)].annotation
        elif not fields:
            yield from get_args(one)


def _filled(message: str, others: Iterable[str]) -> str:
    for i, other in enumerate(others):
        message = message.replace(f"{{{i}}}", other)
    return message


def _quoted(written: str, value: object, advice: str) -> str:
    """E.g. `yes is read as true; quote it`, `found true; quote it`."""
    read = read_as(value)
    return f"found {read}{advice}" if written.lower() == read else f"{written} is read as {read}{advice}"
