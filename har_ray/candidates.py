"""What the search tries of a variant: the product of its choices, or a draw from it.

Hyper-parameters are drawn once per variant, the same for every dataset and fold, without repetition; the draw depends
on the choices alone, so more `trials` later keep the earlier candidates.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np

from har_ray.choices import as_list
from har_ray.losses import LOSSES
from har_ray.models.config import AttentionConfig, AttentionSpace, ModelConfig, Option, SequenceAxis
from har_ray.registry import column_name, option_names, short_name
from har_ray.variants import OPTIONAL_SEARCH_KEYS, SEARCH_KEYS, SIZES, Variant

HyperParameters = dict[str, Option | AttentionConfig]
"""What the search chose, or the grid fixed: name → value. Columns, winners and tables follow from it."""


def hyper_columns(hyper: HyperParameters) -> dict[str, Any]:
    """The columns of a row for hyper-parameters; an attention configuration has one for each of its keys."""
    columns: dict[str, Any] = {}
    for name, value in hyper.items():
        if isinstance(value, AttentionConfig):
            columns |= {f"{name}_{key}": part for key, part in value.model_dump().items()}
        else:
            columns[name] = value
    return columns


TRAIN = "train."
"""How hyper-parameters that stand for the grid's section `train` begin."""
CHANNELS = "channels"
"""The hyper-parameter that names a group of a dataset's channels."""


class Candidate(NamedTuple):
    """A variant with every choice made. `hyper` names the choices, the others are what they amount to; `train` is what
    differs from the grid's section of that name."""

    hyper: HyperParameters
    model: ModelConfig
    losses: dict[str, dict[str, Option]]
    augment: dict[str, dict[str, Option]]
    train: dict[str, Option]

    def __hash__(self) -> int:
        return hash(repr(self.columns))

    @property
    def columns(self) -> dict[str, Any]:
        return hyper_columns(self.hyper)


def from_space(variant: Variant) -> list[str]:
    """The keys of the search space that a variant takes values from."""
    keys = [option for loss, given in variant.losses.items() for option in _needed(loss) if option not in given]
    return keys + ["attention"] * (variant.attention is True)


def _needed(loss: str) -> list[str]:
    """The options of a loss that the search space can give."""
    options = option_names(LOSSES.find(loss)) or {}
    return [option for option, required in options.items() if required and option in SEARCH_KEYS]


def _offered(loss: str, named: Mapping[str, Any]) -> list[str]:
    """The options of a loss that have a default, and that a search space or a candidate names all the same."""
    options = option_names(LOSSES.find(loss)) or {}
    return [key for key in OPTIONAL_SEARCH_KEYS if key in options and named.get(column_name(loss, key)) is not None]


def choices(variant: Variant, space: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Hyper-parameter → its values, in a fixed order; `space` is the grid's search space.

    Example:
        >>> choices(VARIANTS["RB-KD"], {"temperature": [1.0, 2.0], "alpha": [0.5]})
        {'temperature': [1.0, 2.0], 'alpha': [0.5]}
    """
    found: dict[str, list[Any]] = {}
    for loss, given in variant.losses.items():
        for option in dict.fromkeys([*_needed(loss), *given, *_offered(loss, space)]):
            found[column_name(loss, option)] = as_list(given[option] if option in given else space[option])
    attention = space["attention"] if variant.attention is True else variant.attention
    if isinstance(attention, AttentionSpace):
        found["attention"] = attention.configs()
    found |= {f"options.{option}": as_list(value) for option, value in variant.options.items()}
    found |= {TRAIN + key: as_list(value) for key, value in variant.train.items()}
    for name, given in variant.augment.items():
        found |= {f"{short_name(name)}.{option}": as_list(value) for option, value in given.items()}
    return found


def candidates(
    variant: Variant,
    space: Mapping[str, Any],
    trials: int | Literal["all"],
    axis: SequenceAxis,
    channel_groups: Iterable[str] = (),
) -> list[Candidate]:
    """What the search tries; one entry where there is nothing to search.

    Args:
        axis: for variants that name none.
        channel_groups: of the dataset, where there is a choice.
    """
    values = choices(variant, space)
    if groups := list(channel_groups):
        values[CHANNELS] = groups
    everything = [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]
    drawn = everything if trials == "all" or trials >= len(everything) else _draw(tuple(values), everything, trials)
    return [resolve(variant, hyper, axis) for hyper in drawn]


def _draw(keys: tuple[str, ...], everything: Sequence[HyperParameters], trials: int) -> list[HyperParameters]:
    """The first `trials` of a shuffle that depends on the choices alone.

    The text that is hashed into its seed is that of the first version: with any other, grids that were searched would
    draw other candidates and begin again.
    """
    names = [*SEARCH_KEYS, *(key for key in keys if key not in SEARCH_KEYS)]
    shown = [", ".join(f"{name}={hyper.get(name)!r}" for name in names) for hyper in everything]
    text = f"{keys}[{', '.join(f'Hyper({one})' for one in shown)}]"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return [everything[i] for i in np.random.default_rng(seed).permutation(len(everything))[:trials]]


def resolve(variant: Variant, hyper: HyperParameters, axis: SequenceAxis) -> Candidate:
    """What hyper-parameters amount to."""
    options: dict[str, Any] = dict(SIZES[variant.size]) if variant.size else {}
    options |= {option: hyper[f"options.{option}"] for option in variant.options}
    attention = hyper.get("attention")
    model = ModelConfig(
        architecture=variant.architecture,
        options=options,
        attention=attention if isinstance(attention, AttentionConfig) else None,
        sequence_axis=variant.sequence_axis or (axis if variant.built_in else None),
    )
    augment: dict[str, Any] = {
        name: {option: hyper[f"{short_name(name)}.{option}"] for option in given}
        for name, given in variant.augment.items()
    }
    train: dict[str, Any] = {key: hyper[TRAIN + key] for key in variant.train}
    return Candidate(hyper, model, losses_of(variant, hyper), augment, train)


def losses_of(variant: Variant, chosen: Mapping[str, Any]) -> dict[str, dict[str, Option]]:
    """The losses of a variant with their options, from hyper-parameters or from the columns of a cell's row."""
    found: dict[str, dict[str, Option]] = {}
    for loss, given in variant.losses.items():
        options = dict.fromkeys([*_needed(loss), *given, *_offered(loss, chosen)])
        found[loss] = {option: chosen[column_name(loss, option)] for option in options}
    return found
