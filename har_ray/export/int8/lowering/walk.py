"""The walk over PyTorch's operations: what does not depend on the window is computed, the rest is handed on."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import getitem
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg

from har_ray.errors import ExportError
from har_ray.export.int8.graph import Graph, Operator, Value
from har_ray.export.int8.lowering.arrangement import Arranged, Axes, arrange


@dataclass(frozen=True)
class Call:
    """One of PyTorch's operations.

    Attributes:
        operation: which.
        said: what it is called with, by the names in its schema, defaults included.
        shape: of what it makes; empty where that is not one tensor.
        layer: of the network, with its class, e.g. `head.1 (torch.nn.modules.activation.GELU)`.
        used: of what it makes when that is several tensors, the numbers of those that somebody reads.
    """

    operation: Any
    said: dict[str, Any]
    shape: tuple[int, ...]
    layer: str
    used: frozenset[int]

    @classmethod
    def of(cls, node: Node) -> "Call":
        operation: Any = node.target
        said = {}
        for place, argument in enumerate(operation._schema.arguments):
            default = node.kwargs.get(argument.name, argument.default_value)
            said[argument.name] = node.args[place] if place < len(node.args) else default
        takers = (user for user in node.users if user.target == getitem and user.users)
        used: frozenset[Any] = frozenset(taker.args[1] for taker in takers)
        return cls(operation, said, tuple(getattr(node.meta["val"], "shape", ())), _layer(node), used)

    @property
    def input(self) -> Any:
        """What it is called with first."""
        return next(iter(self.said.values()))

    def refused(self, why: str = "") -> ExportError:
        """The error for what has no int8 form."""
        said = f" with {why}" if why else ""
        return ExportError(f"{self.layer}: {self.operation}{said} has no int8 form in TensorFlow Lite Micro")


def _layer(node: Node) -> str:
    stack = list(node.meta.get("nn_module_stack", {}).values())
    name, kind = stack[-1] if stack else ("", "the network")
    return f"{name} ({kind})" if name else str(kind)


Handler = Callable[["Lowering", Call], Any]
HANDLERS: dict[Any, Handler] = {}


def lowers(*operations: Any) -> Callable[[Handler], Handler]:
    """Register how these operations are lowered: the handler gives the `Arranged` that the call makes, or several."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(operations, handler))
        return handler

    return register


class Lowering:
    """A graph in the making.

    Attributes:
        graph: the operators so far.
        known: by node, a constant tensor, an `Arranged`, or a list of these.
    """

    def __init__(self, program: ExportedProgram, shape: tuple[int, int]) -> None:
        self.program = program
        source = Value((1, *shape))
        self.graph = Graph(source, source)
        self.known: dict[Node, Any] = {}
        self._made_by: dict[Value, Operator] = {}

    def run(self) -> Graph:
        constants = _constants(self.program)
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.known[node] = constants.get(node.name, Arranged.plain(self.graph.source))
            elif node.op == "output":
                self.graph.sink = self.value(self.held(node.args[0][0]), (0, 1), "its output")
            else:
                self.known[node] = self._called(node)
        return self.graph

    def _called(self, node: Node) -> Any:
        if not any(isinstance(self.known[used], Arranged | list) for used in node.all_input_nodes):
            args, kwargs = map_arg((node.args, node.kwargs), lambda used: self.known[used])
            with torch.no_grad():
                return node.target(*args, **kwargs)  # type: ignore[operator]
        if node.target == getitem:
            of, number = node.args
            found: list[Any] = self.known[of]  # type: ignore[index]
            return found[number] if number < len(found) else None  # type: ignore[operator, index]
        call = Call.of(node)
        if call.operation not in HANDLERS:
            raise call.refused()
        return HANDLERS[call.operation](self, call)

    def held(self, of: Any) -> Arranged:
        """What a node stands for; a number or a constant tensor becomes a value of its own."""
        known = self.known[of] if isinstance(of, Node) else torch.tensor([float(of)])
        if isinstance(known, Tensor):
            known = Arranged.constant(known)
        assert isinstance(known, Arranged)
        return known

    def value(self, held: Arranged, axes: Axes, layer: str) -> Value:
        """Its value with the axes in this order."""
        return arrange(held, axes, layer, self.add)

    def constant(self, of: Node | None, call: Call) -> Tensor | None:
        """The tensor of a node that does not depend on the window; None: of no node.

        Raises:
            ExportError: it does depend on it.
        """
        if of is None:
            return None
        known = self.known[of]
        if not isinstance(known, Tensor):
            raise call.refused("weights that depend on the window")
        return known.detach().float()

    def add(self, operator: Operator) -> Value:
        """Append an operator; its output."""
        self.graph.operators.append(operator)
        self._made_by[operator.output] = operator
        return operator.output

    def maker(self, of: Node) -> Operator | None:
        """The operator that made a node's value, where nobody else reads it: so that something can be fused to it."""
        held = self.known[of]
        return self._made_by.get(held.value) if isinstance(held, Arranged) and len(of.users) == 1 else None


def _constants(program: ExportedProgram) -> dict[str, Tensor]:
    """Parameters, buffers and lifted constants by the name of their placeholder."""
    signature, kept = program.graph_signature, {**program.state_dict, **program.constants}
    names = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    return {placeholder: kept[name] for placeholder, name in names.items()}


def lower(program: ExportedProgram, shape: tuple[int, int]) -> Graph:
    """The network's graph.

    Raises:
        ExportError: an operation has no int8 form; names it and the layer.
    """
    return Lowering(program, shape).run()
