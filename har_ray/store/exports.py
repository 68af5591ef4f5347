"""What is exported of a grid's cells: files that run elsewhere, and what they score, weigh and need there.

    exports/<cell id>/                   the files, see `har_ray.export`
    exported/<cell id>.json              what was measured of them, with their checksums; written last
    cells/<cell id>/int8.parquet         the int8 file's logits on the test windows, in the form of predictions.parquet

An export belongs to the weights that it was made of: of a cell that was trained again it counts as missing.
"""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from har_ray.store.storage import AT_ONCE, Storage, read_table, table_bytes

log = logging.getLogger(__name__)

Row = dict[str, Any]
Activations = Literal["int8", "int16"]
"""What values between the layers of an int8 file are held in."""

RUNTIMES = ("int8", "onnx", "pt2")
"""What runs an exported file; each has columns of its own."""
MEASURED = (
    *(f"{runtime}_{name}" for runtime in RUNTIMES for name in ("f1_macro", "accuracy", "agreement", "logit_error")),
    "activations", "flash_bytes", "arena_bytes", "measured_on",
)  # fmt: skip
"""The columns of an export: of each runtime macro F1, accuracy, the share of test windows that it takes for the same
class as the float network, and the largest difference of a logit from that one's, where this is not below all that int8
holds; of int8 what its values are held in, the file's bytes, and the working memory that its interpreter uses where it
was measured."""


def integers(row: Row) -> str:
    """What an int8 file is held in, by what was measured of it: `int8`, or `int8 with int16 values`."""
    activations = row.get("activations", "int8")  # which older exports don't say
    return "int8" if activations == "int8" else f"int8 with {activations} values"


class Exports:
    """The exports of one grid.

    Args:
        root: `STORAGE/<grid name>`.
    """

    def __init__(self, root: Storage) -> None:
        self.root = root

    def folder(self, cell_id: str) -> Storage:
        """Where the files lie."""
        return self.root.child("exports", cell_id)

    def write(self, row: Row, weights: str, folder: Path, int8: pa.Table) -> None:
        """Keep the files of a local folder, and what was measured of them, which makes them count.

        Args:
            row: with `cell_id`, the columns `MEASURED`, and how it was made.
            weights: SHA-256 of the weights that they were made of.
            int8: logits on the test windows.
        """
        cell_id = row["cell_id"]
        self.root.delete(_row(cell_id))
        self.root.delete(f"exports/{cell_id}")
        contents = {f"exports/{cell_id}/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}
        contents[_int8(cell_id)] = table_bytes(int8)
        files = {name: list(self.root.write(name, content)) for name, content in contents.items()}
        self.root.write_json(_row(cell_id), row | {"weights": weights, "files": files})

    def row(self, cell_id: str) -> Row | None:
        """What was measured of a cell's files; None where there are none, or the record is damaged."""
        return self.root.known_json(_row(cell_id), "export")

    def of(self, cells: Mapping[str, str]) -> dict[str, Row]:
        """The exports there are of these cells: cell id → SHA-256 of its weights, by cell id."""
        present = [name.removesuffix(".json") for name in self.root.names("exported")]
        wanted = [cell_id for cell_id in present if cell_id in cells]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = dict(zip(wanted, pool.map(self.row, wanted), strict=True))
        return {cell_id: row for cell_id, row in found.items() if row and row["weights"] == cells[cell_id]}

    def int8(self, row: Row) -> pa.Table:
        """The int8 file's logits on the test windows, in the columns of `ResultStore.predictions`.

        Raises:
            DamagedError: they are missing, or not as they were written.
        """
        return read_table(self.read(row, _int8(row["cell_id"])))

    def read(self, row: Row, name: str) -> bytes:
        """A file of an export by its name in the grid's folder, which is as the export's row says.

        Raises:
            DamagedError: it is not, or it is gone.
        """
        return self.root.read_whole(name, row["files"].get(name))


def _row(cell_id: str) -> str:
    return f"exported/{cell_id}.json"


def _int8(cell_id: str) -> str:
    return f"cells/{cell_id}/int8.parquet"
