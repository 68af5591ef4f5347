"""`model.json`: all that somebody without this project must know to feed a file and to read what it gives."""

from har_ray.data.windows import samples
from har_ray.export.int8 import Int8Model
from har_ray.export.trained import Trained
from har_ray.store.results import Row


def describe(trained: Trained, quantised: Int8Model, measured_row: Row) -> Row:
    """The content of `model.json`."""
    preset = trained.manifest["made_of"]["preset"]
    window, channels = trained.shape
    least, most = quantised.limits
    return {
        "name": trained.row["variant"],
        "cell_id": trained.row["cell_id"],
        "architecture": trained.model.architecture,
        "channels": trained.channels,
        "rate_hz": trained.manifest["rate_hz"],
        "window": window,
        "stride": samples(preset["stride_s"], trained.manifest["rate_hz"]),
        "align": preset["align"],
        "classes": trained.classes,
        "scaler": {"mean": trained.mean.tolist(), "std": trained.std.tolist()},
        "input": {
            "file": "model.tflite",
            "dtype": quantised.activations,
            "layout": f"a window of {window} samples, each its {channels} channels in the order of `channels`, oldest "
            "sample first",
            "quantisation": f"integer = clip(round_half_even(value * factor[channel] + offset[channel]), {least}, "
            f"{most}), in float32; this includes the scaler",
            "factor": quantised.factor.tolist(),
            "offset": quantised.offset.tolist(),
            "scale": quantised.input_scale,
            "zero_point": quantised.input_zero_point,
        },
        "tuned": quantised.tuned,
        "output": {
            "dtype": quantised.activations,
            "layout": f"{len(trained.classes)} logits, in the order of `classes`",
            "quantisation": "logit = scale * (integer - zero_point); what is a thousand times less likely than the "
            "best may be cut off at the lowest",
            "scale": quantised.output_scale,
            "zero_point": quantised.output_zero_point,
        },
        "float_files": {
            "files": ["model.onnx", "model.pt2"],
            "input": f"window, float32 [batch, {window}, {channels}], in the units of `channels`; scales by itself",
            "output": f"logits, float32 [batch, {len(trained.classes)}]",
        },
        "measured": measured_row,
    }
