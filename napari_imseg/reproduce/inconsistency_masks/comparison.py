"""The comparison of the Inconsistency Masks paper, as `napari_imseg.reproduce.comparison` wants it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from napari_imseg.core.judging import JudgingSettings
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.approach import Approach
from napari_imseg.reproduce.comparison import Comparison
from napari_imseg.reproduce.dataset import DataSet, read_folder
from napari_imseg.reproduce.inconsistency_masks.approaches import COMPARED, VARIANTS
from napari_imseg.reproduce.inconsistency_masks.cutting import cut_down
from napari_imseg.reproduce.inconsistency_masks.layouts import read_published
from napari_imseg.reproduce.inconsistency_masks.report import write_report
from napari_imseg.reproduce.inconsistency_masks.scales import SCALES, run_settings
from napari_imseg.reproduce.scale import Scale
from napari_imseg.reproduce.splits import Splits, draw
from napari_imseg.reproduce.study import Study, Terms
from napari_imseg.settings import SettingsError
from napari_imseg.synthetic.dataset import write_dataset

LABELED: Final = 0.1

DRAWN_KIND: Final = "nuclei"
DRAWN_IMAGES, DRAWN_SIDE, DRAWN_SEED = 60, 96, 7


class InconsistencyMasksComparison(Comparison):
    """Thirteen approaches, IM twice, the control and the pixel classifier on one draw of labeled images."""

    name = "inconsistency-masks"
    approaches = COMPARED + VARIANTS
    groups: ClassVar = {"variants": tuple(one.name for one in VARIANTS)}
    scales = SCALES

    def usual(self) -> list[str]:
        """All but the variants."""
        return [one.name for one in COMPARED]

    def possible(self, scale: Scale) -> tuple[Approach, ...]:
        """Three teachers are not chosen from two networks, nor three EvalNets."""
        students = min(scale.run["students"], scale.run.get("first_students", scale.run["students"]))
        judges = scale.method.get("evalnets_trained", JudgingSettings().evalnets_trained)
        return tuple(
            one
            for one in self.approaches
            if one.teachers <= students and dict(one.own).get("evalnets", 0) <= judges
        )

    def labeled(self, asked: str, scale: Scale) -> tuple[float, tuple[int, ...]]:
        """A share or a number; every repetition has the same labeled images, as in the paper."""
        try:
            return float(asked or LABELED), (0,)
        except ValueError:
            raise SettingsError(
                f"expected --labeled to be a share below 1 or a number of images, got '{asked}'"
            ) from None

    def write_drawn(self, scratch: Path) -> Path:
        """Drawn nuclei."""
        folder = scratch / "drawn nuclei"
        write_dataset(DRAWN_KIND, folder, DRAWN_IMAGES, DRAWN_SEED, shape=(DRAWN_SIDE, DRAWN_SIDE))
        return folder

    def read(self, folder: Path, classes: Sequence[str], terms: Terms) -> tuple[DataSet, Splits]:
        """One of the data sets of the paper, or ``images/`` and ``labels/``."""
        found = read_published(folder)
        if found is None and not ((folder / "images").is_dir() and (folder / "labels").is_dir()):
            raise ProjectError(
                f"'{folder}' is laid out like no known data set; give a folder with images/ and labels/, or "
                "ISIC 2018, HeLa, SUIM or Cityscapes as they are published"
            )
        if found is not None and (classes or terms.group_by):
            raise ProjectError(
                f"the classes and groups of {found.title} are known; leave out --classes and --group-by"
            )
        data = found or read_folder(folder, classes, terms.group_by)
        if terms.scale == "laptop":
            data = cut_down(data, terms.seed)
        return data, draw(data.sources, terms.labeled, terms.seed)

    def settings(self, scale: Scale, one: Approach, study: Study, seed: int, device: str) -> RunSettings:
        """Those of the scale; with ``paper`` also those of the data set."""
        return run_settings(scale, one, study.info, seed, device)

    def report(self, study: Study) -> Path | None:
        """Table, plots and examples."""
        return write_report(study)
