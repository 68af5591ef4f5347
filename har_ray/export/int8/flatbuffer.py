"""A .tflite file, written through the schema that the wheel `tflite-micro` ships.

What is the same is written once: constants by their content, operator codes by their number. Nothing in the file
depends on time, names or addresses, so the same tensors and operators give the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from har_ray.export.int8.graph import Array

VERSION = 3
"""Of the schema, https://github.com/tensorflow/tflite-micro: `TFLITE_SCHEMA_VERSION`."""
IDENTIFIER = b"TFL3"
ALIGNMENT = 16
"""Bytes on which constants begin, so that a microcontroller may read them as int32 or int64 where they lie in flash."""
OPERATOR_CODES_OF_ONE_BYTE = 127
"""Later operators stand in a field of their own, and this number in the one of old."""

Scales = float | Array
Options = tuple[str, dict[str, Any]]
"""The name of an operator's table of options in the schema, and what it says."""


class _Buffer(schema.BufferT):
    """A constant that begins on `ALIGNMENT`, which the generated class does not see to."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        if self.data is None:
            return int(super().Pack(builder))
        content = self.data.tobytes()
        builder.StartVector(1, len(content), ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


@dataclass
class Subgraph:
    """Tensors and operators; the first subgraph of a file is what is run."""

    file: "File"
    table: schema.SubGraphT = field(default_factory=schema.SubGraphT)

    def __post_init__(self) -> None:
        self.table.tensors, self.table.operators = [], []

    def tensor(
        self,
        shape: Sequence[int],
        dtype: Any,
        scales: Scales | None = None,
        zero_point: int = 0,
        *,
        axis: int = 0,
        data: Array | None = None,
        variable: bool = False,
    ) -> int:
        """Its number.

        Args:
            shape, dtype: a NumPy type.
            scales: real value of one integer step; an array (K,) has one for each place along `axis`.
            zero_point: the integer that means 0.
            data: what a constant holds.
            variable: kept from one run to the next.
        """
        tensor = schema.TensorT()
        tensor.shape, tensor.isVariable = [int(size) for size in shape], variable
        tensor.type = getattr(schema.TensorType, np.dtype(dtype).name.upper())
        tensor.buffer = 0 if data is None else self.file.constant(np.ascontiguousarray(data, dtype))
        if scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.asarray(scales, np.float32))
            tensor.quantization.zeroPoint = np.full(tensor.quantization.scale.shape, zero_point, np.int64)
            tensor.quantization.quantizedDimension = axis
        self.table.tensors.append(tensor)
        return len(self.table.tensors) - 1

    def operator(
        self,
        code: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Options | None = None,
        intermediates: Sequence[int] = (),
    ) -> None:
        """`code`: as in the schema, e.g. `CONV_2D`; an input of -1 is left out."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.file.code(code)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        operator.intermediates = list(intermediates) or None
        if options is not None:
            name, values = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            operator.builtinOptions = getattr(schema, f"{name}T")(**values)
        self.table.operators.append(operator)

    def ends(self, inputs: Iterable[int], outputs: Iterable[int]) -> None:
        """Say which tensors come from outside and which are its results."""
        self.table.inputs, self.table.outputs = list(inputs), list(outputs)


class File:
    """The whole file; `subgraph` begins a part of it, `content` are its bytes."""

    def __init__(self) -> None:
        self.subgraphs: list[Subgraph] = []
        self._constants: dict[bytes, int] = {}
        self._codes: dict[str, int] = {}
        self._buffers = [schema.BufferT()]  # the first stands for "no data"

    def subgraph(self) -> Subgraph:
        self.subgraphs.append(Subgraph(self))
        return self.subgraphs[-1]

    def constant(self, data: Array) -> int:
        """The buffer that holds it."""
        content = data.tobytes()
        if content not in self._constants:
            buffer = _Buffer()
            buffer.data = np.frombuffer(content, np.uint8)
            self._buffers.append(buffer)
            self._constants[content] = len(self._buffers) - 1
        return self._constants[content]

    def code(self, name: str) -> int:
        return self._codes.setdefault(name, len(self._codes))

    def content(self) -> bytes:
        model = schema.ModelT()
        model.version, model.buffers = VERSION, self._buffers
        model.operatorCodes = []
        for name in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode, code.version = min(code.builtinCode, OPERATOR_CODES_OF_ONE_BYTE), 1
            model.operatorCodes.append(code)
        model.subgraphs = [subgraph.table for subgraph in self.subgraphs]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())
