"""MATLAB files up to version 7.2, read as a whole: every array as long as the longest one is a column or several.

A matrix `acc` of three columns has the columns `acc.1` to `acc.3`; a field `t` of a struct `data` is `data.t`.
"""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from har_ray.data.own.format import FileSpec
from har_ray.data.own.formats.kinds import HeldFile
from har_ray.data.own.formats.opening import opened
from har_ray.errors import DataError, unknown


class MatFile(HeldFile):
    """The variables of a MATLAB file that are columns."""

    def __init__(self, path: Path, spec: FileSpec) -> None:
        super().__init__(path)
        self.missing = spec.format.missing
        arrays = dict(_arrays(_variables(path)))
        if wanted := spec.format.variable:
            for name in wanted:
                if not any(_is_of(name, found) for found in arrays):
                    raise DataError(f"{path}: {unknown('variable', name, arrays)}")
            arrays = {found: array for found, array in arrays.items() if any(_is_of(name, found) for name in wanted)}
        rows = max((max(array.shape) for array in arrays.values()), default=0)
        self.columns = {
            name: column for found, array in arrays.items() for name, column in _columns(found, array, rows)
        }
        if wanted and (short := [name for name in arrays if not any(_is_of(name, column) for column in self.columns)]):
            raise DataError(f"{path}: variable {short[0]!r} is {arrays[short[0]].shape}, others have {rows} rows")
        if not self.columns:
            raise DataError(f"{path}: holds no array of numbers or text")
        self.names = list(self.columns)

    def values(self, position: int) -> list[Any]:
        return list(self.columns[self.names[position]].tolist())


def _variables(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    with opened(path) as file:
        content = io.BytesIO(file.read())
    try:
        found = loadmat(content, simplify_cells=True)
    except NotImplementedError as error:
        raise DataError(f"{path}: is of MATLAB 7.3 or later (HDF5); save it there with save(..., '-v7')") from error
    except Exception as error:  # whatever the parser trips over in a file that is none
        raise DataError(f"{path}: cannot be read as a MATLAB file: {error}") from error
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _arrays(variables: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Vectors and matrices by name, those of structs included."""
    for name, value in variables.items():
        if isinstance(value, dict):
            yield from _arrays(value, f"{above}{name}.")
        elif isinstance(value, np.ndarray) and value.ndim in (1, 2) and value.dtype.kind in "biufUO":
            yield f"{above}{name}", value


def _columns(name: str, array: np.ndarray[Any, Any], rows: int) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    if array.ndim == 1 and len(array) == rows:
        yield name, array
    elif array.ndim == 2 and rows in array.shape:
        across = array if array.shape[0] == rows else array.T
        yield from ((f"{name}.{i}", across[:, i - 1]) for i in range(1, across.shape[1] + 1))


def _is_of(variable: str, name: str) -> bool:
    return name == variable or name.startswith(f"{variable}.")
