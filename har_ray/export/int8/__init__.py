"""A trained network as an int8 file that TensorFlow Lite Micro runs, without TensorFlow and without its converter.

network → operations (trace) → operators in float (lowering, graph) → ranges (calibration)
        → where it is asked for, weights that bear rounding (tuning)
        → integers (operators, emitter, quantisation) → file (flatbuffer) → run (runtime)
"""

from har_ray.errors import ExportError

try:
    from har_ray.export.int8.model import Int8Model, fitted, quantise
    from har_ray.export.int8.runtime import arena_bytes, run
except ModuleNotFoundError as error:
    package = str(error.name).partition(".")[0]
    if package not in ("flatbuffers", "tflite_micro"):
        raise
    raise ExportError(f"{package} is not installed, which int8 files need: pip install 'har-ray[export]'") from error

__all__ = ["Int8Model", "arena_bytes", "fitted", "quantise", "run"]
