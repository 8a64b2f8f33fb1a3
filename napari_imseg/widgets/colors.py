"""Colormaps of our layers: safe for colour-blind eyes, unlabeled told from background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

from napari_imseg.core.problem import BACKGROUND, UNLABELED, Task
from napari_imseg.project.info import PALETTE

BACKGROUND_COLOR: Final = "#2659ff"
"""Of background on a label, which must be seen (it is a decision) and must not hide the image: a tint of
blue is seen on black and on white, takes little contrast and adds little light, so dim objects stand out."""
_TINT: Final = 0.22
_NOTHING: Final = (0.0, 0.0, 0.0, 0.0)
_INSTANCE_COLORS: Final = 2048


def label_colormap(task: Task, colors: Sequence[str], plane: int = 0) -> Any:
    """Colours of a label: unlabeled transparent, background a tint of blue, classes their own.

    Parameters
    ----------
    colors
        Of the classes, ``#rrggbb``, first class first.
    plane
        The mask on screen; for ``multilabel`` only.
    """
    if task is Task.INSTANCES:
        return _cyclic(_background(), UNLABELED)
    known = {BACKGROUND: _background(), **_classes(task, colors, plane)}
    return _direct(known, UNLABELED)


def pseudo_label_colormap(task: Task, colors: Sequence[str], plane: int = 0) -> Any:
    """Colours of a pseudo-label: as those of the label, background transparent."""
    if task is Task.INSTANCES:
        return _cyclic(_NOTHING, BACKGROUND)
    return _direct(_classes(task, colors, plane), BACKGROUND)


def im_colormap(color: str) -> Any:
    """Colours of a hatched IM: strong stripes, a faint veil between them."""
    return _direct({1: color, 2: f"{color}50"}, BACKGROUND)


def _classes(task: Task, colors: Sequence[str], plane: int) -> dict[int, Any]:
    if task is Task.MULTILABEL:
        return {1: colors[plane]}
    return dict(enumerate(colors, start=1))


def _direct(known: Mapping[int, Any], transparent: int) -> Any:
    colors: dict[Any, Any] = {None: _NOTHING, transparent: _NOTHING, **known}
    return DirectLabelColormap(color_dict=colors, background_value=transparent)


def _cyclic(background: tuple[float, ...], transparent: int) -> Any:
    """Neighbouring ids differ; id 0 shares the last colour of the cycle, which is made its own."""
    base = np.array([_rgba(color) for color in PALETTE])
    shades = np.concatenate([base, _mixed(base, 1.0, 0.35), _mixed(base, 0.0, 0.3)])
    colors = np.resize(shades, (_INSTANCE_COLORS, 4))
    return CyclicLabelColormap(
        colors=np.concatenate([[_NOTHING], colors, [background]]), background_value=transparent
    )


def _background() -> tuple[float, ...]:
    return (*_rgba(BACKGROUND_COLOR)[:3], _TINT)


def _rgba(color: str) -> tuple[float, ...]:
    return (*(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)), 1.0)


def _mixed(colors: Any, with_value: float, share: float) -> Any:
    mixed = colors * (1 - share) + with_value * share
    mixed[:, 3] = 1.0
    return mixed


def other_than(colors: Sequence[str], wanted: str) -> str:
    """The wanted colour, or the last of the palette that no class has."""
    taken = {color.lower() for color in colors}
    if wanted.lower() not in taken:
        return wanted
    free = [color for color in reversed(PALETTE) if color.lower() not in taken]
    return free[0] if free else wanted
