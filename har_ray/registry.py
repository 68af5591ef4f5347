"""Extension points: architectures, losses, metrics and trackers, found by name.

Ours have a registered name and a file each in the folder of their registry; anybody else's are named
`package.module:Name` and need no file here. Both are found, checked and used in the same way.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from har_ray.errors import ExtensionError, unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """The classes of one extension point.

    Args:
        what: the extension point in messages, e.g. `loss`.
        package: the folder of ours, as a package; its modules register what they define.
        base: what every class of the extension point derives from.

    Example:
        >>> LOSSES.find("distillation"), LOSSES.find("mylab.losses:Margin")
        (<class 'har_ray.losses.distillation.Distillation'>, <class 'mylab.losses.Margin'>)
    """

    def __init__(self, what: str, package: str, base: type[T]) -> None:
        self.what, self.package, self.base = what, package, base
        self._classes: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Decorates one of our classes with its name."""

        def decorate(found: type[T]) -> type[T]:
            self._classes[name] = found
            return found

        return decorate

    def names(self) -> list[str]:
        """The registered names."""
        for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        return sorted(self._classes)

    def find(self, name: str) -> type[T]:
        """The class of a registered name or of `package.module:Name`.

        Raises:
            ExtensionError: there is no such name, module or class, or it is of another type than the registry's.
        """
        if ":" not in name:
            if name not in self.names():
                raise ExtensionError(
                    f"{unknown(self.what, name, self.names())}; one of your own is package.module:Name"
                )
            return self._classes[name]
        found = _imported(name)
        if not (isinstance(found, type) and issubclass(found, self.base)):
            base = f"{self.base.__module__}.{self.base.__qualname__}"
            raise ExtensionError(f"{name}: is not a {self.what}: expected a class derived from {base}, found {found!r}")
        return found

    def make(self, name: str, options: Mapping[str, Any]) -> T:
        """An object of the class of that name.

        Raises:
            ExtensionError: it can't be found, or refuses its options.
        """
        found = self.find(name)
        try:
            return found(**options)
        except Exception as error:
            raise ExtensionError(f"{name}: {reason(error)}") from error

    def check_options(self, name: str, options: Mapping[str, Any], given_by_us: tuple[str, ...] = ()) -> list[str]:
        """What is wrong with the names of options, a message each: unknown ones, and required ones that are missing.

        Args:
            given_by_us: parameters that are passed besides the options.
        """
        known = option_names(self.find(name), given_by_us)
        if known is None:
            return []
        unknown_ones = [unknown(f"option of {name}", key, known) for key in options if key not in known]
        missing = [key for key, required in known.items() if required and key not in options]
        return unknown_ones + [f"option {key!r} of {name} is missing" for key in missing]


def describe(error: Exception) -> str:
    """An error of somebody's code in one line, with the line of the code that raised it."""
    trace, last = error.__traceback__, None
    while trace is not None:
        last, trace = trace, trace.tb_next
    where = f" ({last.tb_frame.f_code.co_filename}:{last.tb_lineno})" if last else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"


def reason(error: Exception) -> str:
    """Why somebody's code refuses what it is given: what it says of that, or its error where it fails."""
    return str(error) if isinstance(error, ValueError) else describe(error)


def short_name(name: str) -> str:
    """What columns and tables call an extension: `Margin` for `mylab.losses:Margin`, a registered name as it is."""
    return name.rpartition(":")[2]


def column_name(extension: str, key: str) -> str:
    """What columns call something of an extension: a key of ours by itself, else `Margin.weight`."""
    return f"{short_name(extension)}.{key}" if ":" in extension else key


def option_names(cls: type, given_by_us: tuple[str, ...] = ()) -> dict[str, bool] | None:
    """The options that a class takes and whether each is required; None where it takes any (`**options`)."""
    parameters = list(inspect.signature(cls).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name: p.default is p.empty for p in parameters if p.name not in given_by_us}


def _imported(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ExtensionError(
                f"{name}: there is no module {error.name!r}; install its package, or start where its folder lies, on "
                "every worker"
            ) from error
        raise ExtensionError(f"{name}: importing {module_name} failed: {error}") from error
    except Exception as error:
        raise ExtensionError(f"{name}: importing {module_name} failed: {type(error).__name__}: {error}") from error
    if not hasattr(module, attribute):
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        raise ExtensionError(f"{name}: {unknown(f'class of {module_name}', attribute, classes)}")
    return getattr(module, attribute)
