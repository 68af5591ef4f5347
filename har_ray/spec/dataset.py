"""The datasets of a grid: which, how they are cut, how they are split. Part of `spec.py`, which is the whole file's."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from har_ray.data.dataset import Dataset, LabelRule, Preset
from har_ray.data.datasets import CATALOG
from har_ray.data.own.dataset import load_table
from har_ray.data.protocol import Protocol, ProtocolName
from har_ray.data.splits import subject_parts
from har_ray.data.windows import WindowSpec, samples
from har_ray.errors import HarRayError, unknown
from har_ray.models.architectures.deepconvlstm import MIN_WINDOW


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


def _known_preset(name: str, info: ValidationInfo) -> str:
    if not {"name", "path"} <= info.data.keys():
        return name
    dataset = find_dataset(info.data["name"], info.data["path"])
    if name not in dataset.presets:
        raise ValueError(unknown(f"preset of {dataset.name}", name, dataset.presets))
    return name


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


def _as_names(value: Any) -> Any:
    return [str(v) for v in value] if isinstance(value, list) else value


Subjects = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class DatasetSpec(Section):
    """A dataset, how it is cut and how it is split. What is not given is as the preset says.

    `path` is a copy of the raw files to take instead of the publisher's: an archive or a folder, or a URL. For one's
    own recordings (`kind: table`) it is the descriptor, see docs/own-recordings.md.
    """

    kind: Literal["catalog", "table"] = "catalog"
    name: Annotated[str, AfterValidator(_known_dataset)]
    path: Annotated[str | None, AfterValidator(_descriptor)] = Field(default=None, validate_default=True)
    preset: Annotated[str, AfterValidator(_known_preset)]
    protocol: ProtocolName
    folds: int = Field(default=5, ge=3)
    test_subjects: Subjects = ()
    val_subjects: Subjects = ()
    channels: tuple[str, ...] | None = None
    window_s: float | None = Field(default=None, gt=0)
    stride_s: float | None = Field(default=None, gt=0)
    rate_hz: float | None = Field(default=None, gt=0)
    label_rule: LabelRule | None = None
    null_class: bool | None = None
    subjects: Subjects | None = None

    @property
    def dataset(self) -> Dataset:
        return find_dataset(self.name, self.path)

    @property
    def overrides(self) -> dict[str, Any]:
        given = {field.name: getattr(self, field.name) for field in fields(Preset)}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def cut(self) -> Preset:
        return replace(self.dataset.presets[self.preset], **self.overrides)

    @property
    def windows(self) -> WindowSpec:
        return WindowSpec(self.name, self.dataset.fingerprint, self.cut)

    @property
    def preset_label(self) -> str:
        """The preset's name with what the grid changed in it, e.g. `wrist@rate_hz=25`."""
        changes = ",".join(
            f"{k}={'+'.join(v) if isinstance(v, tuple) else f'{v:g}' if isinstance(v, float) else v}"
            for k, v in self.overrides.items()
        )
        return f"{self.preset}@{changes}" if changes else self.preset

    @property
    def all_subjects(self) -> tuple[str, ...]:
        """Those that the split is over."""
        return self.cut.subjects or self.dataset.subjects

    @property
    def protocols(self) -> list[Protocol]:
        """One for each fold."""
        if self.protocol == "subject-holdout":
            return [Protocol(name=self.protocol, test_subjects=self.test_subjects, val_subjects=self.val_subjects)]
        folds = {"subject-kfold": self.folds, "loso": len(self.all_subjects)}.get(self.protocol, 1)
        return [Protocol(name=self.protocol, folds=folds, fold=fold) for fold in range(folds)]

    @model_validator(mode="after")
    def _possible(self) -> "DatasetSpec":
        errors = [*self._cut_errors(), *self._protocol_errors()]
        if errors:
            raise ValueError("; ".join(errors))
        return self

    def _cut_errors(self) -> Iterator[str]:
        for name in self.subjects or ():
            if name not in self.dataset.subjects:
                yield unknown(f"subject of {self.name}", name, self.dataset.subjects)
        known = [channel.name for channel in self.dataset.channels]
        for name in self.cut.channels:
            if name not in known:
                yield unknown(f"channel of {self.name}", name, known)
        for key in ("window_s", "stride_s"):
            try:
                length = samples(getattr(self.cut, key), self.cut.rate_hz)
            except ValueError as error:
                yield f"{key}: {error}"
            else:
                if key == "window_s" and length < MIN_WINDOW:
                    yield f"window_s: {length} samples are too few for four convolutions; at least {MIN_WINDOW}"

    def _protocol_errors(self) -> Iterator[str]:
        if (self.test_subjects or self.val_subjects) and self.protocol != "subject-holdout":
            yield f"test_subjects and val_subjects are for subject-holdout, not for {self.protocol}"
        if "folds" in self.model_fields_set and self.protocol != "subject-kfold":
            yield f"folds is for subject-kfold, not for {self.protocol}"
        if self.protocol == "official" and self.dataset.official is None:
            yield f"protocol official: the publishers of {self.name} made no split"
        if self.protocol in ("subject-holdout", "subject-kfold", "loso"):
            try:
                subject_parts(self.protocols[0], self.all_subjects)
            except ValueError as error:
                yield f"protocol {self.protocol}: {error}"
