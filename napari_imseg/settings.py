"""Settings: one frozen model feeds the form in the dock, the flags, and the file of the run."""

from __future__ import annotations

from typing import Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from napari_imseg.similar_names import meant


class SettingsError(ValueError):
    """A setting is unknown or out of range; the message names it and says what is allowed."""


class Settings(BaseModel):
    """Base of every settings model: frozen, unknown names refused, every field explained.

    A field without a description, a number without bounds, or a float without a ``step``
    is refused when the class is made: the form would round it silently (a float field
    without a step is shown, and returned, with two decimals).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            _check_field(f"{cls.__name__}.{name}", field)

    @classmethod
    def checked(cls, values: dict[str, Any]) -> Self:
        """Validate ``values``; raise `SettingsError` with one line per mistake."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(_explain(cls, error)) from None


def setting(
    default: Any,
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    step: float | None = None,
    zero: str = "",
) -> Any:
    """Declare one field of a `Settings` class.

    Parameters
    ----------
    default
        Value when nothing is given.
    description
        One sentence for the tooltip, the docs and ``napari-imseg methods``.
    ge, le, gt
        Bounds; both a lower and an upper one are required for numbers.
    step
        Smallest useful change; required for floats.
    zero
        What 0 means, in a word or two for the form, where it is no ordinary number.
    """
    extra: JsonDict = {**({} if step is None else {"step": step}), **({"zero": zero} if zero else {})}
    return Field(default, description=description, ge=ge, le=le, gt=gt, json_schema_extra=extra or None)


def step_of(field: FieldInfo) -> float | None:
    """The ``step`` that `setting` stored in a field."""
    extra = field.json_schema_extra
    return extra.get("step") if isinstance(extra, dict) else None  # type: ignore[return-value]


def zero_of(field: FieldInfo) -> str:
    """What 0 means, if it is no ordinary number."""
    extra = field.json_schema_extra
    return str(extra.get("zero", "")) if isinstance(extra, dict) else ""


def bounds_of(field: FieldInfo) -> tuple[float | None, float | None]:
    """Lower and upper bound of a number field (an exclusive lower bound is returned as it is)."""
    lower = upper = None
    for constraint in field.metadata:
        lower = getattr(constraint, "ge", getattr(constraint, "gt", lower))
        upper = getattr(constraint, "le", upper)
    return lower, upper


def _check_field(name: str, field: FieldInfo) -> None:
    if not field.description:
        raise TypeError(f"{name} needs a description")
    if field.annotation in (int, float) and None in bounds_of(field):
        raise TypeError(f"{name} needs a lower and an upper bound")
    if field.annotation is float and step_of(field) is None:
        raise TypeError(f"{name} needs a step")


def _explain(cls: type[Settings], error: ValidationError) -> str:
    return "; ".join(_mistake(cls.model_fields, one) for one in error.errors())


def _mistake(known: dict[str, FieldInfo], found: ErrorDetails) -> str:
    name, given = ".".join(map(str, found["loc"])), found["input"]
    if found["type"] == "extra_forbidden":
        return f"unknown setting '{name}'{meant(name, known)}; choose from: {', '.join(known)}"
    if name in known and found["type"] != "value_error":  # validators of ours have their words
        expected, names = _expected(known[name]), get_args(known[name].annotation)
        if expected:
            return f"{name}: expected {expected}, got '{given}'{meant(str(given), names)}"
    return f"{name}: {found['msg'].lower().removeprefix('value error, ')}, got '{given}'"


def _expected(field: FieldInfo) -> str:
    """What a setting can be, in words; empty for those that are lists or have names in them."""
    kind, (lower, upper) = field.annotation, bounds_of(field)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        above = any(getattr(one, "gt", None) is not None for one in field.metadata)
        number = "a whole number" if kind is int else "a number"
        highest = f"{upper:,}" if kind is int else f"{upper:,g}"
        return f"{number} {'above' if above else 'from'} {lower:g} {'up ' * above}to {highest}"
    return ""
