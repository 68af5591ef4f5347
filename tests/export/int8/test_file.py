"""What a microcontroller needs of the file itself."""

import subprocess
import sys

import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema
from torch import nn

from har_ray.export.int8.flatbuffer import ALIGNMENT, File
from tests.export.int8.small import CHANNELS, Ends, both, random_windows


def test_constants_begin_where_a_microcontroller_can_read_them():
    model, _, _ = both(Ends(nn.LSTM(CHANNELS, 7, batch_first=True)), random_windows(8))
    read = schema.Model.GetRootAsModel(model.content, 0)
    assert read.Version() == 3
    assert model.content[4:8] == b"TFL3"
    tables = [read.Buffers(number)._tab for number in range(1, read.BuffersLength())]
    vectors = [table.Vector(table.Offset(4)) for table in tables]  # the first field: data
    assert len(vectors) >= 12
    assert not any(start % ALIGNMENT for start in vectors)


def test_a_constant_is_written_once():
    file = File()
    numbers = np.arange(4, dtype=np.int32)
    assert file.constant(numbers) == file.constant(numbers.copy()) != file.constant(numbers + 1)


def test_without_the_wheel_one_line_says_what_to_install():
    """In a process of its own, for which the wheel is not there."""
    code = "import sys; sys.modules['tflite_micro'] = None; import har_ray.export.int8"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stderr.strip().endswith(
        "ExportError: tflite_micro is not installed, which int8 files need: pip install 'har-ray[export]'"
    )
