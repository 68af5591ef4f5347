"""What would make results wrong in the files that were looked at: the checks of `--plan`, by the guess as it is."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from har_ray.data.guess.answers import Guess
from har_ray.data.guess.rate import PRESET
from har_ray.data.own import near_names
from har_ray.data.own.dataset import described
from har_ray.data.soundness import channels, checks, classes, direction, gravity, lag, length, rate, repeats, scale
from har_ray.errors import DataError
from har_ray.yaml_file import YamlFile

KEYS: Mapping[str, str] = {
    near_names.SUBJECTS: "subject",
    classes.FEW: "subject",
    repeats.KIND: "files",
    channels.DOUBLED: "rate_hz",
    **dict.fromkeys((rate.WANDERING, rate.SPARSE), "rate_hz"),
    direction.KIND: "presets",
    lag.KIND: "sources",
    length.KIND: "time",
    **dict.fromkeys((scale.KIND, gravity.KIND, channels.DEAD, channels.SATURATED), "channels"),
}
"""Kind of finding → the key at which it is to be read; that of what people did for all others."""

NOT_CHECKED = "what would make results wrong is looked for once the reader takes the files"


def check(found: Guess, path: Path, kept: Path | None) -> str:
    """Adds what the checks find to `found`, and what the reader says of a descriptor that it cannot read by.

    Args:
        path: of the descriptor, which need not exist.
        kept: where the next command looks for what is known of the files; None to keep nothing.

    Returns:
        How far the files were looked at.
    """
    root = path.absolute().parent
    files = {
        name: [Path(os.path.normpath(root / head.relative)) for head in heads]
        for name, heads in found.parts.sources.items()
    }
    given = {
        str(path): str(head.path)
        for name, heads in found.parts.sources.items()
        for path, head in zip(files[name], heads, strict=True)
    }
    try:
        file = YamlFile(path, text="", content=found.content)
        dataset = described(path.stem, file, found.readable, files, kept)
        if found.content.get("label") is None:  # a stand-in says nothing of what people did
            dataset = replace(dataset, labelled=None)
        looked, findings = checks.before_windows(dataset, dataset.presets[PRESET], ())
    except ValidationError:
        return NOT_CHECKED  # why is among the faults already
    except DataError as error:
        faults = (_as_given(fault, given) for fault in str(error).splitlines())
        found.faults += [fault for fault in faults if fault not in found.faults]
        return NOT_CHECKED
    for finding in findings:
        key = KEYS.get(finding.kind, "label")
        found.findings.setdefault((key if key in found.content else "sources",), []).append(finding)
    return looked


def _as_given(fault: str, given: Mapping[str, str]) -> str:
    """A fault of a file by the path by which that was asked for, so that the same one is known again."""
    path = next((path for path in given if fault.startswith(f"{path}: ")), "")
    return given[path] + fault.removeprefix(path) if path else fault
