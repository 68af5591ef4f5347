"""Files whose values have types: Parquet and JSON lines."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from har_ray.data.own.formats.kinds import TIME, VALUE, DataFile, as_asked, infinite
from har_ray.data.own.formats.opening import opened
from har_ray.errors import DataError
from har_ray.yaml_file import shortened


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

    def _open(self) -> pq.ParquetFile:
        if self.path.is_file():
            return pq.ParquetFile(self.path)
        with opened(self.path) as file:  # a member, which can only be read from its beginning
            return pq.ParquetFile(pa.BufferReader(file.read()))


class JsonLinesFile(_TypedFile):
    """A JSON object a line, each with the fields of the first block; `acc.x` is x of the object acc."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.schema = pa.schema([])
        try:
            with opened(path) as file, pa.json.open_json(file) as reader:
                self.schema = pa.schema([_relaxed(field) for field in reader.schema])
        except pa.ArrowInvalid as error:
            raise self._first_fault() or error from error
        self.names = _flat(self.schema.empty_table()).schema.names

    def batches(self, columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        parsing = pa.json.ParseOptions(explicit_schema=self.schema, unexpected_field_behavior="ignore")
        try:
            with opened(self.path) as file, pa.json.open_json(file, parse_options=parsing) as reader:
                found = (one for batch in reader for one in _flat(pa.Table.from_batches([batch])).to_batches())
                yield from self._batches(found, columns)
        except pa.ArrowInvalid as error:
            raise self._first_fault() or error from error

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
