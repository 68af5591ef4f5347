"""Whether what the extra `export` installs is there."""

from importlib.util import find_spec

from har_ray.errors import ExportError

PACKAGES = ("flatbuffers", "onnx", "onnxruntime", "onnxscript", "tflite_micro")


def check_installed() -> None:
    """Raise `ExportError` if a package is missing that an export needs."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ExportError(
            f"an export needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            "pip install 'har-ray[export]'" + " (tflite-micro: on Linux on x86-64 alone)" * ("tflite_micro" in missing)
        )
