"""GridSpec: what a grid file may say. Everything is checked before anything starts, and all errors are told at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from har_ray.errors import GridError, unknown
from har_ray.models.architectures.deepconvlstm import SequenceAxis
from har_ray.models.attention import AttentionKind
from har_ray.plan.cells import TrainConfig
from har_ray.spec.dataset import DatasetSpec, Section
from har_ray.spec.yaml_file import GridFile
from har_ray.variants import SIZES, VARIANTS


def _known_variant(name: str) -> str:
    if name not in VARIANTS:
        raise ValueError(unknown("variant", name, VARIANTS))
    return name


def _distinct(values: list[Any]) -> list[Any]:
    twice = [v for i, v in enumerate(values) if v in values[:i]]
    if twice:
        raise ValueError(f"{twice[0]!r} is listed twice")
    return values


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Choices = BeforeValidator(_as_list)
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1), AfterValidator(_distinct)]
Temperatures = Annotated[list[Annotated[float, Field(gt=0)]], Choices, Field(min_length=1), AfterValidator(_distinct)]
Alphas = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Choices, Field(min_length=1), AfterValidator(_distinct)]
Betas = Annotated[list[Annotated[float, Field(gt=0)]], Choices, Field(min_length=1), AfterValidator(_distinct)]
Whole = Annotated[list[Annotated[int, Field(ge=1)]], Choices, AfterValidator(_distinct)]


class AttentionSpace(Section):
    kind: Annotated[list[AttentionKind], Choices, Field(min_length=1), AfterValidator(_distinct)]
    ratio: Whole = Field(default_factory=list)
    kernel: Whole = Field(default_factory=list)
    position: Annotated[list[Annotated[int, Field(ge=1, le=4)]], Choices, Field(min_length=1)]

    @model_validator(mode="after")
    def _complete(self) -> "AttentionSpace":
        if not self.ratio and {"channel", "cbam"} & set(self.kind):
            raise ValueError("ratio is missing; channel attention and cbam need it, e.g. [2]")
        if not self.kernel and {"spatial", "cbam"} & set(self.kind):
            raise ValueError("kernel is missing; spatial attention and cbam need it, e.g. [3]")
        even = [k for k in self.kernel if k % 2 == 0]
        if even:
            raise ValueError(f"kernel {even[0]} is even; an odd one keeps the plane's size")
        return self


class Space(Section):
    """Values to choose from; a single value is fixed. A variant uses the keys that it has."""

    temperature: Temperatures | None = None
    alpha: Alphas | None = None
    beta: Betas | None = None
    attention: AttentionSpace | None = None


class Asha(Section):
    """Successive halving: at `grace_period`, and each time `reduction_factor` times as many epochs, the best 1/factor
    of a group go on."""

    grace_period: int = Field(ge=1)
    reduction_factor: int = Field(default=3, ge=2)


class Search(Section):
    trials: Annotated[int, Field(ge=1)] | Literal["all"]
    seeds: Seeds
    space: Space
    asha: Asha | None = None


class Resources(Section):
    """Of one trial: Ray Train workers (0: in the trial's own process), and CPUs and GPUs of each."""

    workers: int = Field(default=0, ge=0)
    cpus: float = Field(default=1, gt=0)
    gpus: float = Field(default=0, ge=0)


class StageResources(Section):
    teacher: Resources = Resources()
    student: Resources = Resources()


class Tracking(Section):
    wandb: Literal["online", "offline", "off"] = "offline"
    project: str = "har-ray"

    @model_validator(mode="before")
    @classmethod
    def _yaml_off_is_a_word(cls, value: Any) -> Any:
        """YAML reads a bare `off` as false."""
        if isinstance(value, dict) and value.get("wandb") is False:
            return value | {"wandb": "off"}
        return value


class GridSpec(Section):
    """A whole grid file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    datasets: list[DatasetSpec] = Field(min_length=1)
    variants: Annotated[
        list[Annotated[str, AfterValidator(_known_variant)]], Field(min_length=1), AfterValidator(_distinct)
    ]
    teacher: Literal["OM", "MM"] | None = None
    seeds: Seeds
    search: Search | None = None
    sequence_axis: SequenceAxis = "channels"
    train: TrainConfig = TrainConfig()
    resources: StageResources = StageResources()
    tracking: Tracking = Tracking()
    data: str = "data"
    storage: str = "results"

    @model_validator(mode="after")
    def _consistent(self) -> "GridSpec":
        errors = [*self._dataset_errors(), *self._teacher_errors(), *self._search_errors()]
        if errors:
            raise ValueError("\n".join(errors))
        return self

    def _dataset_errors(self) -> Iterator[str]:
        seen: dict[tuple[str, str, str], int] = {}
        for i, entry in enumerate(self.datasets):
            key = (entry.name, entry.preset_label, entry.protocol)
            if key in seen:
                yield f"datasets[{i}]: {' / '.join(key)} is the same as datasets[{seen[key]}]"
            seen.setdefault(key, i)

    def _teacher_errors(self) -> Iterator[str]:
        taught = [name for name in self.variants if VARIANTS[name].distils]
        if taught and self.teacher is None:
            yield f"teacher: missing; {', '.join(taught)} learn from one (OM, MM)"
        workers, batch = max(self.resources.teacher.workers, self.resources.student.workers), self.train.batch_size
        if workers > batch:
            yield f"train.batch_size: {batch} windows can't be shared by {workers} workers"

    def _search_errors(self) -> Iterator[str]:
        searching = {name: VARIANTS[name].searches for name in self.variants if VARIANTS[name].searches}
        if searching and self.search is None:
            yield f"search: missing; {', '.join(searching)} have hyper-parameters (a space of single values fixes them)"
        if self.search is None:
            return
        for key in ("temperature", "alpha", "beta", "attention"):
            needing = [name for name, keys in searching.items() if key in keys]
            if needing and getattr(self.search.space, key) is None:
                yield f"search.space.{key}: missing; needed by {', '.join(needing)} (a single value fixes it)"
        shared = sorted(set(self.seeds) & set(self.search.seeds))
        if shared:
            yield f"search.seeds: {shared[0]} is also in seeds; a winner is not to be confirmed on what chose it"
        yield from self._ratio_errors(searching)

    def _ratio_errors(self, searching: dict[str, tuple[str, ...]]) -> Iterator[str]:
        attention = self.search.space.attention if self.search else None
        for ratio in attention.ratio if attention else []:
            for name, keys in searching.items():
                filters, _ = SIZES[VARIANTS[name].size]
                if "attention" in keys and ratio > filters and attention and attention.kind != ["spatial"]:
                    yield (
                        f"search.space.attention.ratio: {ratio} leaves no hidden unit of the {filters} filters of "
                        f"{name}; at most {filters}"
                    )
                    break


def load_grid(path: str | Path, overrides: list[str] | None = None) -> tuple[GridSpec, GridFile]:
    """Read and check a grid file.

    Args:
        overrides: `key.path=value` pairs, applied before the check.

    Raises:
        GridError: with all that is wrong, a line each: file, line, key, what was found, what is allowed.
    """
    file = GridFile.read(Path(path))
    for override in overrides or []:
        file.set(override)
    try:
        return GridSpec.model_validate(file.content), file
    except ValidationError as error:
        raise GridError("\n".join(file.explain(error, GridSpec))) from error
