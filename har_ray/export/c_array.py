"""`model_data.h`: the int8 file as a C array, and what the C example must know of it."""

from collections.abc import Iterable, Iterator

import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from har_ray.store.results import Row

ALIGNMENT = 16
"""Of the working memory, as TensorFlow Lite Micro asks for."""
PER_LINE = 16
AS_THEY_ARE = {"2D": "2D", "LSTM": "LSTM", "PADV2": "PadV2", "CUMSUM": "CumSum"}
"""Parts of an operator's name that the methods of `MicroMutableOpResolver` do not spell with one capital:
https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/micro/micro_mutable_op_resolver.h"""


def model_data(about: Row, content: bytes) -> str:
    """The header; `about` is the content of `model.json`."""
    arena = -(-about["measured"]["arena_bytes"] // ALIGNMENT) * ALIGNMENT
    added = operators(content)
    given = about["input"]
    lines = [
        "/* Made with model.json, which says more. */",
        "#ifndef MODEL_DATA_H_",
        "#define MODEL_DATA_H_",
        "",
        "#include <stdint.h>",
        "",
        f"#define MODEL_WINDOW {about['window']}",
        f"#define MODEL_STRIDE {about['stride']}",
        f"#define MODEL_CHANNELS {len(about['channels'])}",
        f"#define MODEL_CLASSES {len(about['classes'])}",
        f"typedef {given['dtype']}_t model_integer; /* what the network takes and gives */",
        f"#define MODEL_LEAST {np.iinfo(given['dtype']).min}",
        f"#define MODEL_MOST {np.iinfo(given['dtype']).max}",
        f"#define MODEL_RATE_HZ {float(about['rate_hz'])!r}",
        f"/* As measured on {about['measured']['measured_on']}. */",
        f"#define MODEL_ARENA_BYTES {arena}",
        f"#define MODEL_OPERATOR_COUNT {len(added)}",
        f"#define MODEL_ADD_OPERATORS(resolver) {' '.join(f'resolver.{name}();' for name in added)}",
        "",
        f"/* {', '.join(_comment('{name} ({unit})'.format(**channel)) for channel in about['channels'])} */",
        f"static const float model_factor[MODEL_CHANNELS] = {{{_floats(given['factor'])}}};",
        f"static const float model_offset[MODEL_CHANNELS] = {{{_floats(given['offset'])}}};",
        f"static const char* const model_classes[MODEL_CLASSES] = {{{', '.join(map(_string, about['classes']))}}};",
        "",
        "#ifdef __cplusplus",
        f"alignas({ALIGNMENT}) static const unsigned char model_data[] = {{",
        *_bytes(content),
        "};",
        "#endif",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def operators(content: bytes) -> list[str]:
    """The methods of `MicroMutableOpResolver` that add the operators of an int8 file.

    Example:
        >>> from har_ray.export.c_array import method
        >>> method("DEPTHWISE_CONV_2D")
        'AddDepthwiseConv2D'
    """
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    codes = schema.ModelT.InitFromPackedBuf(content, 0).operatorCodes
    return [method(names[code.builtinCode]) for code in codes]


def method(operator: str) -> str:
    """The method that adds an operator, by its name in the schema."""
    return "Add" + "".join(AS_THEY_ARE.get(part, part.capitalize()) for part in operator.split("_"))


def _floats(values: Iterable[float]) -> str:
    """With as many digits as tell one float32 from another."""
    return ", ".join(f"{value:.8e}f" for value in values)


def _string(text: str) -> str:
    """A literal of C, of any text: bytes of UTF-8 that C does not take as they are in octal."""
    plain = {ord("\\"): "\\\\", ord('"'): '\\"', ord("?"): "\\?"}
    return '"' + "".join(plain.get(b, chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in text.encode()) + '"'


def _comment(text: str) -> str:
    """Text that does not end a comment."""
    return text.replace("*/", "* /")


def _bytes(content: bytes) -> Iterator[str]:
    for start in range(0, len(content), PER_LINE):
        yield "  " + ", ".join(f"0x{byte:02x}" for byte in content[start : start + PER_LINE]) + ","
