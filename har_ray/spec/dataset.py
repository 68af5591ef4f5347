"""The datasets of a grid: which, how they are cut, how they are split. Part of `grid.py`, which is the whole file."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from har_ray.choices import OneOrMany, distinct
from har_ray.data import alignment
from har_ray.data.dataset import Align, Dataset, LabelRule, Preset
from har_ray.data.datasets import CATALOG
from har_ray.data.own.dataset import load_table
from har_ray.data.protocol import Protocol, ProtocolName, Val
from har_ray.data.sensors import channel_group, named_groups
from har_ray.data.splits import subject_parts
from har_ray.data.windows import class_names, samples
from har_ray.errors import HarRayError, unknown
from har_ray.yaml_check import inconsistent
from har_ray.yaml_file import KeyPath

Mistake = tuple[KeyPath, str, *tuple[KeyPath, ...]]
"""A key, what is wrong with it, and the keys that this depends on; see `inconsistent`."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _known_dataset(name: str, info: ValidationInfo) -> str:
    own = info.data.get("kind") == "table"
    if own and name in CATALOG:
        raise ValueError(f"{name!r} is a dataset of the catalogue; give your own recordings another name")
    if not own and name not in CATALOG:
        raise ValueError(unknown("dataset", name, CATALOG) + "; your own recordings need `kind: table`")
    return name


def _descriptor(path: str | None, info: ValidationInfo) -> str | None:
    if info.data.get("kind") == "table":
        if path is None:
            raise ValueError("this key is missing; kind table needs the path of a descriptor")
        if name := info.data.get("name"):
            own_dataset(name, path)
    return path


@lru_cache
def own_dataset(name: str, path: str) -> Dataset:
    """The dataset of a descriptor; raises ValueError with all that is wrong in it."""
    try:
        return load_table(name, Path(path))
    except HarRayError as error:
        raise ValueError(str(error)) from error


def find_dataset(name: str, path: str | None) -> Dataset:
    """A dataset of the catalogue, or the user's own."""
    return CATALOG[name] if name in CATALOG else own_dataset(name, str(path))


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    distinct(list(names))
    return names


Channels = Annotated[
    tuple[str, ...], Field(min_length=1), AfterValidator(_distinct), BeforeValidator(_as_list), OneOrMany()
]
"""Names of channels, or of groups of them; one by itself is a list of it."""


def _as_name(value: Any) -> Any:
    """A whole number is a name; what YAML reads as anything else may have been written otherwise."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Subjects = tuple[Annotated[str, BeforeValidator(_as_name)], ...]


class _OneOfMany:
    """In the JSON Schema: a value, or a list of them, which a grid file has expanded before it gets here."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        one = handler(schema)
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


Axis = Annotated[float, Field(gt=0), _OneOfMany()]
AXES = ("rate_hz", "window_s")
"""Of these keys a grid file may give a list: an entry for each value, or for each combination of both."""


class DatasetSpec(Section):
    """A dataset, how it is cut and how it is split. What is not given is as the preset says.

    `channels` lists channels of the dataset, or names groups of the preset's channels (see `named_groups`), `+` between
    those that go together: one, or several, among which the search chooses.
    `path` is a copy of the raw files to take instead of the publisher's: an archive or a folder, or a URL. For one's
    own recordings (`kind: table`) it is the descriptor, see docs/own-recordings.md.
    """

    kind: Literal["catalog", "table"] = "catalog"
    name: Annotated[str, AfterValidator(_known_dataset)] = Field(examples=["spar"])
    path: Annotated[str | None, AfterValidator(_descriptor)] = Field(default=None, validate_default=True)
    preset: str = Field(examples=["wrist"])
    protocol: ProtocolName = Field(examples=["loso"])
    folds: int = Field(default=5, ge=3)
    test_subjects: Subjects = ()
    val_subjects: Subjects = ()
    val: Val = "subjects"
    channels: Channels | None = None
    window_s: Axis | None = None
    stride_s: float | None = Field(default=None, gt=0)
    rate_hz: Axis | None = None
    label_rule: LabelRule | None = None
    null_class: bool | None = None
    subjects: Subjects | None = None
    align: Align | None = None

    @property
    def own(self) -> bool:
        """Whether these are the user's own recordings, described by a file of theirs."""
        return self.kind == "table"

    @property
    def dataset(self) -> Dataset:
        return find_dataset(self.name, self.path)

    @property
    def overrides(self) -> dict[str, Any]:
        given = {field.name: getattr(self, field.name, None) for field in fields(Preset)}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def cut(self) -> Preset:
        """How its windows are cut: with every channel that a candidate may have."""
        preset, changes = self.dataset.presets[self.preset], self.overrides
        if chosen := self._chosen_groups:
            changes["channels"] = channel_group("+".join(chosen), preset.channels)
        return replace(preset, **changes)

    @property
    def channel_groups(self) -> dict[str, tuple[str, ...]]:
        """The groups of channels that the search chooses among; none where there is no choice."""
        chosen = self._chosen_groups
        return chosen if len(chosen) > 1 else {}

    @property
    def _chosen_groups(self) -> dict[str, tuple[str, ...]]:
        if self.channels is None or set(self.dataset.channel_names) & set(self.channels):
            return {}
        channels = self.dataset.presets[self.preset].channels
        groups = named_groups(channels)
        named = [name for name in self.channels if set(name.split("+")) <= set(groups)]
        return {name: channel_group(name, channels) for name in named}

    @property
    def channel_choices(self) -> list[tuple[str, ...]]:
        """The channels that a network may be built for."""
        return list(self.channel_groups.values()) or [self.cut.channels]

    @property
    def length(self) -> int:
        """T, the time steps of its windows."""
        return samples(self.cut.window_s, self.cut.rate_hz)

    @property
    def classes(self) -> int:
        """K, the null class included where the preset keeps it."""
        return len(class_names(self.dataset, self.cut))

    @property
    def preset_label(self) -> str:
        """The preset's name with what the grid changed in it, e.g. `wrist@rate_hz=25`."""
        changes = ",".join(f"{key}={self._label(key, value)}" for key, value in self.overrides.items())
        return f"{self.preset}@{changes}" if changes else self.preset

    def _label(self, key: str, value: Any) -> str:
        if isinstance(value, tuple):
            return ("|" if key == "channels" and self.channel_groups else "+").join(value)
        return f"{value:g}" if isinstance(value, float) else str(value)

    @property
    def all_subjects(self) -> tuple[str, ...]:
        """Those that the split is over."""
        return self.cut.subjects or self.dataset.subjects

    @property
    def protocols(self) -> list[Protocol]:
        """One for each fold."""
        if self.protocol == "subject-holdout":
            return [
                Protocol(
                    name=self.protocol,
                    test_subjects=self.test_subjects,
                    val_subjects=self.val_subjects,
                    val=self.val,
                )
            ]
        folds = {"subject-kfold": self.folds, "loso": len(self.all_subjects)}.get(self.protocol, 1)
        return [Protocol(name=self.protocol, val=self.val, folds=folds, fold=fold) for fold in range(folds)]

    @model_validator(mode="after")
    def _possible(self) -> "DatasetSpec":
        if self.preset not in self.dataset.presets:
            text = unknown(f"preset of {self.name}", self.preset, self.dataset.presets)
            raise inconsistent([(("preset",), text, ("name",))])
        found = [*self._cut_mistakes(), *self._protocol_mistakes()]
        if found:
            raise inconsistent([(*mistake, ("name",), ("preset",)) for mistake in found])
        return self

    def _cut_mistakes(self) -> Iterator[Mistake]:
        for i, name in enumerate(self.subjects or ()):
            if name not in self.dataset.subjects:
                yield ("subjects", i), unknown(f"subject of {self.name}", name, self.dataset.subjects)
        known = self.dataset.channel_names
        groups = named_groups(self.dataset.presets[self.preset].channels)
        for i, name in enumerate(self.channels or ()):
            strange = [part for part in name.split("+") if part not in groups]
            if name not in known and strange:
                text = unknown(f"channel or group of channels of {self.name}", strange[0], [*groups, *known])
                yield ("channels", i), text
            elif name not in known and not self._chosen_groups:
                yield ("channels", i), f"{name!r} is a group of channels; list channels alone or groups alone"
        if self.cut.align == "gravity":
            try:
                alignment.check(self.cut.channels)
            except ValueError as error:
                yield ("align" if self.align else "preset",), f"gravity: {error}", ("channels",)
        wrong = {}
        for key in ("stride_s", "window_s"):
            try:
                samples(getattr(self.cut, key), self.cut.rate_hz)
            except ValueError as error:
                at = next((given for given in (key, "rate_hz") if given in self.overrides), "preset")
                wrong[at] = f"{key}: {error}"
        yield from (((key,), message, ("rate_hz",)) for key, message in wrong.items() if key != "rate_hz")
        if "rate_hz" in wrong:
            yield ("rate_hz",), wrong["rate_hz"]

    def _protocol_mistakes(self) -> Iterator[Mistake]:
        for key in ("test_subjects", "val_subjects"):
            if getattr(self, key) and self.protocol != "subject-holdout":
                yield (key,), f"is for subject-holdout, not for {self.protocol}", ("protocol",)
            for i, name in enumerate(getattr(self, key)):
                if name not in self.all_subjects:
                    yield (key, i), unknown(f"subject of {self.name}", name, self.all_subjects)
        if self.val == "windows" and not Protocol(name=self.protocol).by_subject:
            yield ("val",), f"windows is for protocols by subject, not for {self.protocol}", ("protocol",)
        if self.val == "windows" and self.val_subjects:
            yield ("val_subjects",), "has no meaning where windows validate", ("val",)
        if "folds" in self.model_fields_set and self.protocol != "subject-kfold":
            yield ("folds",), f"is for subject-kfold, not for {self.protocol}", ("protocol",)
        if self.protocol == "official" and self.dataset.official is None:
            yield ("protocol",), f"official: the publishers of {self.name} made no split"
        if self.cut.as_published and self.protocol != "random":
            yield (
                ("protocol",),
                f"{self.protocol}: preset {self.preset} cuts across recordings, as the published study did; only "
                "random reproduces that, and another preset is for this protocol",
            )
        elif Protocol(name=self.protocol).by_subject and not self._wrong_subjects:
            try:
                subject_parts(self.protocols[0], self.all_subjects)
            except ValueError as error:
                yield ("protocol",), f"{self.protocol}: {error}"

    @property
    def _wrong_subjects(self) -> bool:
        """Whether somebody unknown is named, which is reported by itself."""
        listed = {*self.test_subjects, *self.val_subjects} - set(self.all_subjects)
        return bool(listed or set(self.subjects or ()) - set(self.dataset.subjects))
