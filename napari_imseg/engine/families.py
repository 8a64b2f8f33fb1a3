"""Which of the three contracts of `napari_imseg.method` a method fulfils."""

from __future__ import annotations

from typing import Final, Literal, get_args

from napari_imseg.method import Classifier, Curator, Method, Objective

Family = Literal["curator", "objective", "classifier"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
"""In the order in which they are listed."""


def family_of(method: type[Method]) -> Family:
    """The word for what a method is; a curator before all others.

    Raises
    ------
    TypeError
        It fulfils none of the contracts.
    """
    if issubclass(method, Curator):
        return "curator"
    if issubclass(method, Objective):
        return "objective"
    if issubclass(method, Classifier):
        return "classifier"
    raise TypeError(f"{method.name} is neither a curator, an objective nor a classifier")
