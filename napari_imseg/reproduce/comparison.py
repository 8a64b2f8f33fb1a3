"""The contract of a comparison: what one paper compares, on what, and how that is reported.

Everything else is common ground: the data and the projects on disk (`napari_imseg.reproduce.study`),
the work and how it goes on (`napari_imseg.reproduce.units`), and the measuring.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.reproduce import approach
from napari_imseg.reproduce.approach import Approach
from napari_imseg.reproduce.dataset import DataSet
from napari_imseg.reproduce.scale import Scale
from napari_imseg.reproduce.splits import Splits
from napari_imseg.reproduce.study import Study, Terms
from napari_imseg.settings import SettingsError


class Comparison(ABC):
    """What a paper compares. Subclasses fill the class attributes.

    Attributes
    ----------
    name
        On the command line.
    approaches
        Its rows, in the order of the paper.
    groups
        Names of the approaches that one word stands for.
    scales
        By name.
    weights
        True if the encoders can start from weights that somebody else has trained.
    """

    name: ClassVar[str]
    approaches: ClassVar[tuple[Approach, ...]]
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    scales: ClassVar[Mapping[str, Scale]]
    weights: ClassVar[bool] = False

    def chosen(self, names: Sequence[str], scale: Scale) -> tuple[Approach, ...]:
        """Approaches by name with those that they start from; `SettingsError` if there is no such one."""
        possible = self.possible(scale)
        there = {one.name for one in possible}
        groups = {name: [each for each in group if each in there] for name, group in self.groups.items()}
        return approach.chosen(possible, names or self.usual(), groups)

    def possible(self, scale: Scale) -> tuple[Approach, ...]:
        """The rows for which a scale trains enough networks; all by default."""
        return self.approaches

    def usual(self) -> list[str]:
        """The approaches that are compared if nothing is said."""
        return [one.name for one in self.approaches]

    def scale(self, name: str) -> Scale:
        """The scale of this name; `SettingsError` if there is none."""
        if name not in self.scales:
            raise SettingsError(f"there is no scale '{name}'; choose from: {', '.join(self.scales)}")
        return self.scales[name]

    @abstractmethod
    def labeled(self, asked: str, scale: Scale) -> tuple[float, tuple[int, ...]]:
        """What ``--labeled`` means.

        Parameters
        ----------
        asked
            As it was given; empty if nothing was.

        Returns
        -------
        share : float
            What the draw of the study takes; 0 where each label sample draws its own labeled images.
        counts : tuple
            Labeled images of the label samples; ``(0,)`` where all repetitions have those of the study.

        Raises
        ------
        SettingsError
            It is no such number.
        """

    @abstractmethod
    def write_drawn(self, scratch: Path) -> Path:
        """Write a folder of drawn images on which it can be tried without any data; its path."""

    @abstractmethod
    def read(self, folder: Path, classes: Sequence[str], terms: Terms) -> tuple[DataSet, Splits]:
        """What is in a folder, and which set each image belongs to.

        Raises
        ------
        ProjectError
            The data does not do.
        """

    @abstractmethod
    def settings(self, scale: Scale, one: Approach, study: Study, seed: int, device: str) -> RunSettings:
        """Settings of one approach; where it starts from is not in them yet."""

    def all_settings(self, study: Study) -> dict[str, dict[str, Any]]:
        """Settings of every approach in the first repetition, whatever the device."""
        scale, seed = self.scale(study.info.scale), study.info.seed
        return {
            one.name: self.settings(scale, one, study, seed, "auto").model_dump(mode="json")
            for one in self.possible(scale)
        }

    @abstractmethod
    def report(self, study: Study) -> Path | None:
        """Write ``report/`` from the figures that there are; its page, or ``None`` if there are none."""
