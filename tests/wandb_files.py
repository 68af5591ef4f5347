"""What an offline run of W&B has written, read without W&B's own reader.

The file is a log of LevelDB (https://github.com/google/leveldb/blob/main/doc/log_format.md) with a header of 7 bytes;
its records are protocol buffers, whose classes are W&B's.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

HEADER, BLOCK, RECORD_HEADER = 7, 32768, 7
FULL, LAST = 1, 4


def records(path: Path) -> Iterator[Any]:
    """The records of a `.wandb` file."""
    content, at, parts = path.read_bytes(), HEADER, b""
    while at < len(content):
        left = BLOCK - at % BLOCK
        if left < RECORD_HEADER:  # too little for a record: the rest of the block is empty
            at += left
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        parts += content[at + RECORD_HEADER : at + RECORD_HEADER + length]
        at += RECORD_HEADER + length
        if kind in (FULL, LAST):
            yield Record.FromString(parts)
            parts = b""


def logged(folder: Path) -> dict[str, Any]:
    """Of an offline run: its `id`, `group`, `job_type`, `project`, `config`, and `history`, an entry per step."""
    found: dict[str, Any] = {"history": []}
    for record in records(next(folder.glob("*.wandb"))):
        kind = record.WhichOneof("record_type")
        if kind == "run" and "id" not in found:
            run = record.run
            found |= {"id": run.run_id, "group": run.run_group, "job_type": run.job_type, "project": run.project}
            found["config"] = {item.key: json.loads(item.value_json) for item in run.config.update}
        elif kind == "history":
            found["history"].append(_nested(record.history.item))
        elif kind == "artifact":
            found["artifact"] = (
                {
                    "name": record.artifact.name,
                    "type": record.artifact.type,
                    "files": {entry.path: Path(entry.local_path) for entry in record.artifact.manifest.contents},
                }
                if record.artifact.type == "report"
                else found.get("artifact")
            )
    return found


def _nested(items: Any) -> dict[str, Any]:
    """The values of a step; those of a table or a figure are a mapping."""
    step: dict[str, Any] = {}
    for item in items:
        *parents, name = item.nested_key or [item.key]
        within = step
        for parent in parents:
            within = within.setdefault(parent, {})
        within[name] = json.loads(item.value_json)
    return step
