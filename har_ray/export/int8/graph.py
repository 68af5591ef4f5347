"""A network as TensorFlow Lite has it: operators in order, and the values between them, still in float.

Each operator knows what it computes in float (so that ranges can be measured, and the graph checked against the
network) and how it is written in integers. Values are laid out as TensorFlow Lite wants them, channels last.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

if TYPE_CHECKING:
    from har_ray.export.int8.emitter import Emitter

Array = npt.NDArray[Any]


@dataclass(eq=False)
class Value:
    """What flows between operators for one window.

    Attributes:
        shape: as TensorFlow Lite sees it, the batch of one included.
        constant: what it holds (float32), where it does not depend on the window.
    """

    shape: tuple[int, ...]
    constant: Array | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(eq=False)
class Operator(ABC):
    """Attributes:
    inputs: what it reads; constants other than weights included.
    output: what it makes.
    layer: of the network, as it is named there; for messages.
    inner: values within it whose range has to be known too.
    """

    inputs: tuple[Value, ...]
    output: Value
    layer: str
    inner: tuple[Value, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def compute(self, *inputs: Any, **unused: Any) -> Tensor | tuple[Tensor, ...]:
        """The output in float, followed by the inner values where there are some."""

    def rounded(self, wide: bool) -> dict[str, int]:
        """Its weights by attribute, and how many parts of each have a scale of their own; 0: it is not rounded.

        Args:
            wide: its input is held in int16.
        """
        return {}

    @abstractmethod
    def emit(self, emitter: "Emitter") -> None:
        """Write it in integers."""


@dataclass
class Graph:
    """`source` is the window (1, T, C), scaled; `sink` the logits (1, K)."""

    source: Value
    sink: Value
    operators: list[Operator] = field(default_factory=list)

    def values(self) -> list[Value]:
        """All that depend on the window, in the order in which `compute` gives them."""
        return [self.source, *(value for op in self.operators for value in (op.output, *op.inner))]

    def compute(self, window: Tensor, seen: Callable[[Value, Tensor], Tensor] = lambda value, x: x) -> list[Tensor]:
        """Every value of one window (1, T, C); `seen`: what those who read a value see of it."""
        known: dict[Value, Tensor] = {self.source: seen(self.source, window.reshape(self.source.shape))}

        def of(value: Value) -> Tensor:
            return known[value] if value.constant is None else torch.as_tensor(value.constant)

        for op in self.operators:
            found = op.compute(*(of(value) for value in op.inputs))
            for value, tensor in zip(
                (op.output, *op.inner), found if isinstance(found, tuple) else [found], strict=True
            ):
                known[value] = seen(value, tensor)
        return [known[value] for value in self.values()]

    def over(self, windows: Array, wanted: Callable[[list[Tensor]], Sequence[Tensor]]) -> Iterable[Sequence[Tensor]]:
        """What is wanted of the values of each window, of windows (N, T, C), in batches."""
        compute = torch.func.vmap(lambda window: wanted(self.compute(window[None])))
        with torch.no_grad():
            for batch in np.array_split(windows, -(-len(windows) // BATCH)):
                yield compute(torch.from_numpy(np.ascontiguousarray(batch, np.float32)))

    def logits(self, windows: Array) -> Array:
        """In float, (N, K), of windows (N, T, C): the network's, up to rounding."""
        at = self.values().index(self.sink)
        return torch.cat([found[0] for found in self.over(windows, lambda values: [values[at].flatten()])]).numpy()


BATCH = 64
"""Windows that are computed at a time."""


def spread(windows: Array, count: int) -> Array:
    """At most so many of the windows (N, T, C), spread evenly over all of them."""
    chosen = np.linspace(0, len(windows) - 1, min(count, len(windows))).astype(int)
    return np.ascontiguousarray(windows[chosen], np.float32)
