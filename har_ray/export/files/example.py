"""Runs model.tflite of this folder with TensorFlow Lite Micro's interpreter, on windows or on a recording.

    pip install tflite-micro numpy
    python example.py test_windows.npz          # macro F1 and accuracy, as in MODEL_CARD.md
    python example.py recording.csv             # a label at every stride
    python example.py recording.csv --stride 5 --last 3    # every 5 samples; the majority of the last three labels

A recording is a CSV file with a header: a column for each channel of model.json, by name, in its unit and at its rate.
A file of windows holds x, float [N, T, C], in the same units, and y [N], numbers of classes.
"""

import argparse
import csv
import json
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tflite_micro.python.tflite_micro import runtime

FOLDER = Path(__file__).resolve().parent
Floats = np.ndarray[Any, np.dtype[Any]]
ARENA_BYTES = 16 << 20  # more than enough; what is used stands in model.json


class Model:
    """The int8 network, with what model.json says of its input and output."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        content = (folder / "model.tflite").read_bytes()
        self.interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
        self.shape = self.interpreter.get_input_details(0)["shape"]
        given = self.about["input"]
        self.limits = np.iinfo(given["dtype"])
        self.factor, self.offset = (np.array(given[name], np.float32) for name in ("factor", "offset"))

    def logits(self, window: Floats) -> Floats:
        """Logits [K] of a window [T, C] in the units of model.json."""
        steps = np.rint(window.astype(np.float32) * self.factor + self.offset)
        integers = np.clip(steps, self.limits.min, self.limits.max).astype(self.limits.dtype)
        self.interpreter.reset()  # each window by itself: recurrent layers begin anew
        self.interpreter.set_input(np.ascontiguousarray(integers.reshape(self.shape)), 0)
        self.interpreter.invoke()
        output = self.about["output"]
        integers = self.interpreter.get_output(0)[0].astype(np.float32)
        return np.asarray(np.float32(output["scale"]) * (integers - output["zero_point"]))

    def label(self, window: Floats) -> int:
        """The number of the class of a window [T, C]."""
        return int(self.logits(window).argmax())


def scores(labels: Floats, predicted: Floats) -> tuple[float, float]:
    """Macro F1 over the classes that occur among the labels, and accuracy."""
    f1 = [
        2 * np.sum((labels == k) & (predicted == k)) / (np.sum(labels == k) + np.sum(predicted == k))
        for k in np.unique(labels)
    ]
    return float(np.mean(f1)), float(np.mean(labels == predicted))


def stream(model: Model, samples: Iterable[Floats], stride: int, last: int = 1) -> Iterator[tuple[float, str]]:
    """Time in seconds and class of each stride, while samples [C] come in; the majority of the last labels."""
    about = model.about
    buffer: deque[Floats] = deque(maxlen=about["window"])
    labels: deque[int] = deque(maxlen=last)
    missing = about["window"]  # samples until the next label
    for number, sample in enumerate(samples, start=1):
        buffer.append(sample)
        missing -= 1
        if missing == 0:
            missing = stride
            labels.append(model.label(np.stack(buffer)))
            counts = Counter(labels)
            most = max(counts.values())
            label = next(one for one in reversed(labels) if counts[one] == most)
            yield number / about["rate_hz"], about["classes"][label]


def rows(path: Path, channels: list[dict[str, str]], rate_hz: float) -> Iterator[Floats]:
    """The samples of a CSV file; says at its end how long it is by them.

    A recording at another rate has labels, too, which mean nothing: a length that it has not shows that.
    """
    names = [channel["name"] for channel in channels]
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if lacking := [name for name in names if name not in (reader.fieldnames or ())]:
            sys.exit(f"{path}: no column {', '.join(lacking)}; expected {', '.join(names)}")
        count = 0
        for row in reader:
            count += 1
            try:
                sample = np.array([float(row[name]) for name in names], np.float32)
            except (TypeError, ValueError):
                sample = np.array([np.nan], np.float32)
            if not np.isfinite(sample).all():
                sys.exit(f"{path}, line {reader.line_num}: expected a number in each of {', '.join(names)}")
            yield sample
    print(f"{path}: {count} samples, taken for {count / rate_hz:g} s at {rate_hz:g} Hz", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="test_windows.npz, or a recording as CSV")
    parser.add_argument("--stride", type=int, metavar="N", help="a label every N samples (default: as in model.json)")
    parser.add_argument("--last", type=int, default=1, metavar="N", help="the majority of N labels (default: 1)")
    options = parser.parse_args()
    if not options.file.is_file():
        parser.error(f"{options.file}: no such file")
    model = Model()
    channels, stride = model.about["channels"], model.about["stride"] if options.stride is None else options.stride
    if min(stride, options.last) < 1:
        parser.error("--stride and --last must be at least 1")
    if options.file.suffix == ".npz":
        windows = np.load(options.file)
        expected = (model.about["window"], len(channels))
        if windows["x"].shape[1:] != expected:
            parser.error(f"{options.file}: windows of {windows['x'].shape[1:]}; expected {expected}")
        predicted = np.array([model.label(window) for window in windows["x"]])
        f1_macro, accuracy = scores(windows["y"], predicted)
        print(json.dumps({"windows": len(predicted), "f1_macro": f1_macro, "accuracy": accuracy}))
        return
    for seconds, name in stream(model, rows(options.file, channels, model.about["rate_hz"]), stride, options.last):
        print(f"{seconds:.2f} s  {name}")


if __name__ == "__main__":
    main()
