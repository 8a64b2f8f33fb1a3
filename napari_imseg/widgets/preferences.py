"""The user's taste, from napari's Preferences; what belongs to a project is in the project."""

from __future__ import annotations

from dataclasses import dataclass

from napari.settings import get_plugin_settings


@dataclass(frozen=True)
class Preferences:
    """A snapshot; the manifest holds the same defaults, with bounds and explanations.

    Attributes
    ----------
    brush_size
        Diameter of the brush in pixels.
    autosave_seconds
        Delay from the end of a stroke to writing the label.
    im_color
        Color of the inconsistency mask, ``#rrggbb``.
    prefetch
        Images of the queue that are read ahead.
    """

    brush_size: int = 10
    autosave_seconds: float = 1.0
    im_color: str = "#cc79a7"
    prefetch: int = 3


def preferences() -> Preferences:
    """What the user has chosen now; the defaults where napari does not know the plugin.

    napari knows it by its manifest; a script that makes a panel with plug-ins switched off
    has none.
    """
    stored = get_plugin_settings().get("napari-imseg")
    if stored is None:
        return Preferences()
    return Preferences(
        brush_size=stored.labeling.brush_size,
        autosave_seconds=stored.labeling.autosave_seconds,
        im_color=stored.labeling.im_color,
        prefetch=stored.queue.prefetch,
    )
