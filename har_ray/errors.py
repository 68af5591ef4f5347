"""Errors that a user can mend: each message says where, what was found, what was expected and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class HarRayError(Exception):
    """The base of every error this package raises on purpose; its message is meant for the user."""


class GridError(HarRayError):
    """The grid file asks for something that does not exist or cannot work."""


class DataError(HarRayError):
    """Raw files, recordings or windows are not what their dataset promises."""


class StorageError(HarRayError):
    """The storage root cannot be read or written."""


class DamagedError(StorageError):
    """A stored file is missing or not as it was written; it can be made again."""


class ExtensionError(HarRayError):
    """An architecture, loss, metric or tracker cannot be imported, or does not do what its extension point asks."""


class TrainingError(HarRayError):
    """A cell cannot be trained (a non-finite loss, a teacher that failed)."""


class ExportError(HarRayError):
    """A network can't be exported: an operator of it has no form there, or what is needed for it is not installed."""


def nearest(name: object, valid: Iterable[str]) -> str | None:
    """The valid name that was meant, as far as one is near enough."""
    names = list(valid)
    close = get_close_matches(str(name), names, n=1, cutoff=0.5) or [
        n for n in names if n.lower().replace("-", "") == str(name).lower().replace("-", "").replace("_", "")
    ]
    return close[0] if close else None


def unknown(what: str, name: object, valid: Iterable[str]) -> str:
    """The message for a name that is not among `valid`, with the nearest valid name where there is one."""
    names = list(valid)
    meant = nearest(name, names)
    hint = f"did you mean {meant!r}? " if meant else ""
    return f"{what} {name!r} is unknown; {hint}({', '.join(names)})"
