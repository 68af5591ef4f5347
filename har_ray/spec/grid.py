"""GridSpec: what a grid file may say. All of it is checked before anything starts, all errors are reported together.

What a single key may hold is said here; what keys must be to each other is in `checks.py`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from har_ray.choices import Choices, distinct
from har_ray.errors import GridError, unknown
from har_ray.metrics import DEFAULT
from har_ray.models.config import AttentionLoss, AttentionSpace, SequenceAxis
from har_ray.spec.dataset import AXES, DatasetSpec
from har_ray.spec.training import TrainConfig
from har_ray.store.exports import Activations
from har_ray.variants import VARIANTS, Teachers, Variant
from har_ray.yaml_check import inconsistent, load
from har_ray.yaml_file import YamlFile

ALONE = {"keys": "alone"}
"""The context in which keys are checked by themselves, not against each other."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _declared(value: Any) -> Any:
    """One of our variants by its name; a mapping declares another."""
    if not isinstance(value, str):
        return value
    if value not in VARIANTS:
        raise ValueError(f"{unknown('variant', value, VARIANTS)}; a mapping declares one: {{name: …, size: LM, …}}")
    return VARIANTS[value]


def _new_name(variant: Variant) -> Variant:
    ours = VARIANTS.get(variant.name)
    if ours is not None and variant != ours:
        raise ValueError(f"name: {variant.name!r} is a variant of ours; give this one another name")
    return variant


def _distinct_names(variants: list[Variant]) -> list[Variant]:
    distinct([variant.name for variant in variants])
    return variants


VariantEntry = Annotated[
    Variant,
    AfterValidator(_new_name),
    BeforeValidator(_declared, json_schema_input_type=Literal[tuple(VARIANTS)] | Variant),
]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, examples=[[0]]), AfterValidator(distinct)]


class Space(Section):
    """Values to choose from; a single value is fixed. A variant uses the keys that it has."""

    temperature: Choices[Annotated[float, Field(gt=0)]] | None = None
    alpha: Choices[Annotated[float, Field(ge=0, le=1)]] | None = None
    beta: Choices[Annotated[float, Field(ge=0)]] | None = None
    attention: AttentionSpace | None = None
    attention_loss: Choices[AttentionLoss] | None = None


class Asha(Section):
    """Successive halving: at `grace_period` (a third of the epochs), and each time `reduction_factor` times as many
    epochs, the best 1/factor of a group go on; `audit` of those that are cut are trained to their end all the same."""

    grace_period: int | None = Field(default=None, ge=1)
    reduction_factor: int = Field(default=3, ge=2)
    audit: int = Field(default=1, ge=0)


def _trials(value: Any) -> Any:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError(f"expected a whole number above 0, or all; found {value!r}")


Trials = Annotated[Annotated[int, Field(ge=1)] | Literal["all"], BeforeValidator(_trials)]


class Search(Section):
    trials: Trials = Field(examples=["all"])
    seeds: Seeds
    space: Space = Space()
    asha: Asha | None = None


class Resources(Section):
    """Of one trial: Ray Train workers (0: in the trial's own process), and CPUs and GPUs of each."""

    workers: int = Field(default=0, ge=0)
    cpus: float = Field(default=1, gt=0)
    gpus: float = Field(default=0, ge=0)


class StageResources(Section):
    teacher: Resources = Resources()
    student: Resources = Resources()


class Export(Section):
    """How networks become files for a watch; weights are int8.

    Attributes:
        activations: what values between layers are held in: int16 is nearer to the float network, takes somewhat more
            working memory, and must be taken by the device's kernels.
        qat_epochs: of quantisation-aware fine-tuning, where rounding alone costs more than half a point.
    """

    activations: Activations = "int8"
    qat_epochs: int = Field(default=0, ge=0)


def _export_options(value: Any) -> Any:
    """`export: true` is short for `export: {}`, `export: false` for nothing."""
    return {True: {}, False: None}.get(value, value) if isinstance(value, bool) else value


ExportOptions = Annotated[Export | None, BeforeValidator(_export_options, json_schema_input_type=Export | bool | None)]


def _tracker_options(value: Any) -> Any:
    """`wandb: offline` is short for `wandb: {mode: offline}`, `tensorboard: true` for `tensorboard: {}`."""
    return {"mode": value} if isinstance(value, str) else {} if value is None or value is True else value


TrackerOptions = Annotated[
    dict[str, Any],
    BeforeValidator(_tracker_options, json_schema_input_type=dict[str, Any] | str | bool | None),
]


class GridSpec(Section):
    """A whole grid file.

    Attributes:
        teacher: of the variants that name none of their own.
        teacher_epochs: at most, of teachers: one that was stopped early can teach a small student better (Cho and
            Hariharan 2019, https://arxiv.org/abs/1910.01348); None: as all.
        export: write every confirm cell as files that a watch runs, see `har_ray.export`; `true` is short for `{}`.
        baseline: the variant that all others are compared with; by default LM, or the first one where there is no LM.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["grid"])
    datasets: list[DatasetSpec] = Field(
        min_length=1, examples=[[{"name": "spar", "preset": "wrist", "protocol": "loso"}]]
    )
    variants: Annotated[list[VariantEntry], Field(min_length=1), AfterValidator(_distinct_names)] = Field(
        examples=[["LM"]]
    )
    teacher: Teachers | None = None
    teacher_epochs: int | None = Field(default=None, ge=1)
    baseline: str | None = None
    seeds: Seeds
    search: Search | None = None
    sequence_axis: SequenceAxis = "channels"
    metrics: Annotated[list[str], Field(min_length=1), AfterValidator(distinct)] = list(DEFAULT)
    train: TrainConfig = TrainConfig()
    resources: StageResources = StageResources()
    tracking: dict[str, TrackerOptions] = {"wandb": {"mode": "offline"}}
    export: ExportOptions = None
    data: str = "data"
    storage: str = "results"

    def teachers(self, variant: Variant) -> list[str]:
        """Who a variant learns from: names of ours or of the grid's own; empty for one that learns from nobody."""
        from har_ray.losses import needs_teacher  # takes torch, which reading a grid does not

        return (variant.teacher or self.teacher or []) if needs_teacher(variant.losses) else []

    @property
    def known_variants(self) -> dict[str, Variant]:
        """Ours and the grid's own, by name."""
        return VARIANTS | {variant.name: variant for variant in self.variants}

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name.casefold() == "windows":
            raise ValueError("'windows' is where windows lie; give the grid another name")
        return name

    @field_validator("tracking", mode="before")
    @classmethod
    def _tracked(cls, value: Any) -> Any:
        """Without those that are switched off; YAML reads a bare `off` as false."""
        return (
            {name: options for name, options in value.items() if options is not False}
            if isinstance(value, dict)
            else value
        )

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "GridSpec":
        if info.context == ALONE:
            return self
        from har_ray.spec.checks import mistakes

        found = list(mistakes(self))
        if found:
            raise inconsistent(found)
        return self


def load_grid(path: str | Path, overrides: list[str] | None = None, together: bool = True) -> tuple[GridSpec, YamlFile]:
    """Read and check a grid file.

    Args:
        overrides: `key.path=value` pairs, applied before the check.
        together: also check what keys must be to each other, which takes torch.

    Raises:
        GridError: with all that is wrong, a line each: file, line, key, what was found, what is allowed.
    """
    file = YamlFile.read(Path(path))
    if {"subject", "label", "presets"} <= file.content.keys():
        raise GridError(
            f"{path}: a descriptor of recordings; expected a grid, to which it is a dataset: "
            f"--set 'datasets=[{{name: mine, kind: table, path: {path}, …}}]'"
        )
    for override in overrides or []:
        file.set(override)
    file.expand("datasets", AXES)
    return load(GridSpec, file, None if together else ALONE), file
