"""Texts in any combination of separators, encodings, preambles and compressions, for tests by hypothesis."""

import bz2
import codecs
import gzip
import lzma
import zipfile
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from har_ray.data.own.format import WHITESPACE

PREAMBLES = {
    "none": [],
    "one": ["recorded by an app"],
    "actigraph": ["-------- Data File at 30 Hz --------", "Start Time 09:30:00", "Mode = 12", "", "----------------"],
    "pairs": ["DeviceTag:,d4ca6e000001", "OutputRate:,60 Hz", ""],
    "comments": ["# made by an app", '# "quoted, and', "#"],
    "hint": ["sep={}"],
}
PACK: dict[str, Any] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}

any_file = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example writes its files over the last one's
)
"""The same 200 examples at every run; what is drawn must be possible, since the health check of filters is on."""


@dataclass(frozen=True)
class Layout:
    """How a table is written as text, and packed."""

    separator: str
    decimal: str
    encoding: str
    preamble: str
    newline: str
    packing: str
    quoted: bool
    units: bool
    trailing: bool
    missing: str

    def number(self, value, digits=3):
        written = self.missing if value is None else f"{value:.{digits}f}".replace(".", self.decimal)
        return f'"{written}"' if self.quoted else written

    def text(self, word):
        return f'"{word}"' if self.quoted or (self.separator == WHITESPACE and " " in word) else word

    def bytes(self, names, units, rows):
        """Of fields that are written by `number` and `text`."""
        fields = [[*map(self.text, names)], *([[*map(self.text, units)]] if self.units else []), *rows]
        separator = "  " if self.separator == WHITESPACE else self.separator
        lines = [separator.join(row) + separator * (self.trailing and separator in ",;") for row in fields]
        hint = [line.format(self.separator) for line in PREAMBLES[self.preamble]]
        text = self.newline.join([*hint, *lines]) + self.newline
        return (codecs.BOM_UTF8 if self.encoding == "utf-8-sig" else b"") + text.encode(
            "utf-8" if self.encoding == "utf-8-sig" else self.encoding
        )

    def write(self, path, content):
        """The file that `path` becomes by its packing, which it is named after."""
        packed = path.with_name(path.name + self.packing)
        packed.parent.mkdir(parents=True, exist_ok=True)
        if self.packing != ".zip":
            packed.write_bytes(PACK[self.packing](content))
            return packed
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"raw/{path.name}", content)
            archive.writestr(f"__MACOSX/raw/._{path.name}", b"\0\1\2")
        return packed


def _as_can_be_told(layout):
    if layout.separator == "," and layout.decimal == ",":
        layout = replace(layout, quoted=True)
    if layout.separator == WHITESPACE:
        preamble = "one" if layout.preamble in ("hint", "pairs") else layout.preamble
        return replace(layout, missing=layout.missing or "NaN", preamble=preamble)
    if layout.preamble == "hint" and layout.encoding == "utf-16-le":
        return replace(layout, encoding="utf-16")
    return layout


layouts = st.builds(
    Layout,
    separator=st.sampled_from([",", ";", "\t", "|", WHITESPACE]),
    decimal=st.sampled_from([".", ","]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    preamble=st.sampled_from(sorted(PREAMBLES)),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    packing=st.sampled_from(["", ".gz", ".xz", ".bz2", ".zst", ".zip"]),
    quoted=st.booleans(),
    units=st.booleans(),
    trailing=st.booleans(),
    missing=st.sampled_from(["", "NaN", "null", "N/A"]),
).map(_as_can_be_told)
