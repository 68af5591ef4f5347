"""Which of a user's files there are, and which of them make one recording."""

import os
from collections.abc import Mapping, Sequence
from glob import glob
from pathlib import Path

from har_ray.data.cleaning import natural_key
from har_ray.data.own.descriptor import Descriptor
from har_ray.data.own.formats.opening import with_members
from har_ray.data.own.join import group_of
from har_ray.errors import DataError
from har_ray.yaml_file import KeyPath, YamlFile

SHOWN = 5
"""How many files an error lists."""


def find_files(spec: Descriptor, file: YamlFile, folder: Path) -> dict[str, list[Path]]:
    """The files of each source, in natural order; raises DataError for a source without any."""
    found: dict[str, list[Path]] = {}
    for name, part in spec.parts.items():
        key: KeyPath = ("sources", name, "files") if name else ("files",)
        # Unlike Path.glob, this skips hidden files, such as macOS leaves beside every copied one.
        names = sorted(glob(part.files, root_dir=folder, recursive=True), key=natural_key)  # noqa: PTH207
        if not names:
            raise DataError(f"{file.where(key)}no file matches {part.files!r} below {folder}")
        found[name] = with_members([Path(os.path.normpath(folder / one)) for one in names], part.members)
    return found


def grouped(spec: Descriptor, files: Mapping[str, Sequence[Path]], folder: Path) -> dict[str, dict[str, Path]]:
    """The files that make one recording, by their sources; each group by the path of its first file.

    Raises:
        DataError: a path does not match `join`, two files of a source share what it finds, or no two sources do.
    """
    if spec.sources is None:
        return {str(path): {name: path} for name, paths in files.items() for path in paths}
    groups: dict[str, dict[str, Path]] = {}
    for name, paths in files.items():
        for path in paths:
            shared = group_of(Path(os.path.relpath(path, folder)).as_posix(), spec.joined_by)
            if shared is None:
                raise DataError(f"{path}: join: the path does not match the pattern {spec.join!r}")
            other = groups.setdefault(shared, {}).setdefault(name, path)
            if other != path:
                raise DataError(
                    f"{other} and {path}: both are {name} of {shared!r}; say join: a pattern with a group around each "
                    "part of the paths by which files of different sources belong together"
                )
    if len(files) > 1 and not any(len(group) > 1 for group in groups.values()):
        some = " and ".join(str(paths[0]) for paths in files.values())
        raise DataError(f"{some}: no files of different sources share {spec.join or 'a folder'!r}; see join")
    return {str(next(iter(group.values()))): group for group in groups.values()}


def some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
