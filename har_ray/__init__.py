"""Which small model for the watch? Distillation and attention experiments for wearable HAR, on Ray.

`har_ray.windows` gives a dataset's windows to code of your own; everything else is run by the command `har-ray`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from har_ray.window_arrays import windows

__all__ = ["__version__", "windows"]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """`windows`, imported when it is first asked for, so that `import har_ray` takes no time."""
    if name != "windows":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = import_module("har_ray.window_arrays").windows
    return globals()[name]
