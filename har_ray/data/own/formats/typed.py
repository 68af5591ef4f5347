"""Files whose values have types: Parquet and JSON lines."""

import io
import json
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from har_ray.data.own.formats.kinds import TIME, VALUE, DataFile, as_asked, infinite
from har_ray.data.own.formats.opening import opened, owned
from har_ray.errors import DataError
from har_ray.yaml_file import shortened

BLOCK_BYTES = 1 << 20


class _TypedFile(DataFile):
    def _batches(self, found: Iterator[pa.RecordBatch], columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        """Those of a file with the wanted columns alone, as they were asked for."""
        row = 0
        for batch in found:
            named = [(self.names[i], type_) for i, type_ in columns.items()]
            arrays = [as_asked(batch[name], type_, name, self.path) for name, type_ in named]
            for (name, _), array in zip(named, arrays, strict=True):
                if array.type in (VALUE, TIME) and (at := infinite(array)) is not None:
                    raise DataError(
                        f"{self.path}: {self.row_name(row + at)}: column {name!r} is inf, expected a number"
                    )
            yield pa.record_batch(arrays, names=[str(i) for i in columns])
            row += batch.num_rows


class ParquetFile(_TypedFile):
    """Parquet, pandas' index among its columns."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._open() as file:
            self.names = list(file.schema_arrow.names)

    def batches(self, columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        with self._open() as file:
            found = file.iter_batches(columns=[self.names[i] for i in columns], use_threads=False)
            yield from self._batches(found, columns)

    def last(self, columns: Mapping[int, pa.DataType]) -> pa.RecordBatch | None:
        with self._open() as file:
            if not file.num_row_groups:
                return None
            group, names = file.num_row_groups - 1, [self.names[i] for i in columns]
            found = file.iter_batches(row_groups=[group], columns=names, use_threads=False)
            last = deque(self._batches(found, columns), maxlen=1)
            return last.pop() if last else None

    def _open(self) -> pq.ParquetFile:
        if self.path.is_file():
            return pq.ParquetFile(self.path)
        with opened(self.path) as file:  # a member, which can only be read from its beginning
            return pq.ParquetFile(pa.BufferReader(owned(file.read())))


class JsonLinesFile(_TypedFile):
    """A JSON object a line, each with the fields of the first block; `acc.x` is x of the object acc."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.schema = pa.schema([])
        first = next(self._blocks(), b"")
        try:
            self.schema = pa.schema([_relaxed(field) for field in _objects(first).schema])
        except pa.ArrowInvalid as error:
            raise self._first_fault() or error from error
        self.names = _flat(self.schema.empty_table()).schema.names

    def batches(self, columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        parsing = pa.json.ParseOptions(explicit_schema=self.schema, unexpected_field_behavior="ignore")
        try:
            tables = (_flat(_objects(block, parsing)) for block in self._blocks() if block.strip())
            yield from self._batches((batch for table in tables for batch in table.to_batches()), columns)
        except pa.ArrowInvalid as error:
            raise self._first_fault() or error from error

    def _blocks(self) -> Iterator[bytes]:
        """The file in blocks of whole lines."""
        rest = b""
        with opened(self.path) as file:
            while chunk := file.read(BLOCK_BYTES):
                known = rest + chunk
                end = known.rfind(b"\n") + 1
                rest = known[end:]
                yield known[:end]
        yield rest

    def _first_fault(self) -> DataError | None:
        """The parser counts lines from where its block begins."""
        with opened(self.path) as file, io.TextIOWrapper(file, encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    value = json.loads(line.strip() or "{}")
                    if not isinstance(value, dict):
                        raise ValueError(f"expected an object in braces, found {value!r}")
                    pa.array([value], pa.struct(list(self.schema)))
                except (ValueError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
                    return DataError(f"{self.path}: line {number}: {shortened(str(error))}")
        return None


def _objects(block: bytes, parsing: pa.json.ParseOptions | None = None) -> pa.Table:
    how_read = pa.json.ReadOptions(use_threads=False, block_size=max(1, len(block)))
    return pa.json.read_json(pa.BufferReader(owned(block)), how_read, parsing)


def _relaxed(field: pa.Field) -> pa.Field:
    """What the first block says of a field's type, for all blocks: whole numbers may turn out to have decimals."""
    type_ = field.type
    if pa.types.is_struct(type_):
        return field.with_type(pa.struct([_relaxed(inner) for inner in type_]))
    if pa.types.is_integer(type_):
        return field.with_type(pa.float64())
    # JSON knows no time stamps: what looks like one is text, which the descriptor explains.
    return field.with_type(pa.string()) if pa.types.is_timestamp(type_) else field


def _flat(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(type_) for type_ in table.schema.types):
        table = table.flatten()
    return table
