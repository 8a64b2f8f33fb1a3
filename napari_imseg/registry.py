"""Find the classes that live one to a file in a package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from types import ModuleType
from typing import Any

from napari_imseg.similar_names import meant


class UnknownName(KeyError):
    """No class has this name; the message lists those that exist."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def classes_in(package: ModuleType, kind: type) -> dict[str, type[Any]]:
    """Concrete subclasses of ``kind`` in the modules of ``package``, by their ``name``.

    A module that cannot be imported raises its own error; two classes of one name raise
    ``TypeError``. Sorted by name.
    """
    found: dict[str, type[Any]] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        for candidate in vars(module).values():
            if not _is_own(candidate, kind, module):
                continue
            if candidate.name in found:
                raise TypeError(f"two classes are named '{candidate.name}' in {package.__name__}")
            found[candidate.name] = candidate
    return dict(sorted(found.items()))


def find(package: ModuleType, kind: type, name: str) -> type[Any]:
    """The class called ``name``, or one that lists it among its ``aliases`` (any case).

    Raises
    ------
    UnknownName
        With the names that exist.
    """
    classes = classes_in(package, kind)
    for candidate in classes.values():
        names = {candidate.name, *getattr(candidate, "aliases", ())}
        if name.lower() in {known.lower() for known in names}:
            return candidate
    near = meant(name, classes)
    raise UnknownName(f"unknown {kind.__name__.lower()} '{name}'{near}; choose from: {', '.join(classes)}")


def _is_own(candidate: object, kind: type, module: ModuleType) -> bool:
    return (
        inspect.isclass(candidate)
        and issubclass(candidate, kind)
        and not inspect.isabstract(candidate)
        and candidate.__module__ == module.__name__
    )
