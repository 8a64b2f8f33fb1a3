"""The comparison of the ACTIS paper, as `napari_imseg.reproduce.comparison` wants it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.actis.approaches import ABLATION, COMPARED, UNUSUAL
from napari_imseg.reproduce.actis.report import write_report
from napari_imseg.reproduce.actis.scales import SCALES, run_settings
from napari_imseg.reproduce.actis.tiles import read_tiles
from napari_imseg.reproduce.approach import Approach
from napari_imseg.reproduce.comparison import Comparison
from napari_imseg.reproduce.dataset import DataSet
from napari_imseg.reproduce.scale import Scale
from napari_imseg.reproduce.splits import Splits
from napari_imseg.reproduce.study import Study, Terms
from napari_imseg.settings import SettingsError
from napari_imseg.synthetic.dataset import write_dataset

DRAWN_KIND: Final = "touching"
DRAWN_IMAGES, DRAWN_SIDE, DRAWN_SEED = 24, 96, 7


class ActisComparison(Comparison):
    """ACTIS, what it is compared with and its ablation, for several numbers of labeled tiles."""

    name = "actis"
    approaches = COMPARED
    groups: ClassVar = {"ablation": ABLATION}
    scales = SCALES
    weights = True

    def possible(self, scale: Scale) -> tuple[Approach, ...]:
        """Without rows whose own settings are those of all rows of the scale."""
        usual = scale.method.items()
        return tuple(one for one in self.approaches if not one.own or not usual >= dict(one.own).items())

    def usual(self) -> list[str]:
        """All but the rows that only the ablation has."""
        return [name for name in super().usual() if name not in UNUSUAL]

    def labeled(self, asked: str, scale: Scale) -> tuple[float, tuple[int, ...]]:
        """Numbers of tiles; each repetition draws its own."""
        counts = [part.strip() for part in asked.split(",") if part.strip()]
        if not all(part.isdecimal() and int(part) for part in counts):
            raise SettingsError(
                f"expected --labeled to be numbers of labeled tiles such as 10,19,38,76, got '{asked}'"
            )
        return 0.0, tuple(dict.fromkeys(map(int, counts))) or SCALES[scale.name].counts

    def write_drawn(self, scratch: Path) -> Path:
        """Drawn touching cells."""
        folder = scratch / "drawn touching cells"
        write_dataset(DRAWN_KIND, folder, DRAWN_IMAGES, DRAWN_SEED, shape=(DRAWN_SIDE, DRAWN_SIDE))
        return folder

    def read(self, folder: Path, classes: Sequence[str], terms: Terms) -> tuple[DataSet, Splits]:
        """``images/`` and ``labels/`` of instance ids."""
        if classes:
            raise ProjectError("this comparison is about the objects of one class; leave out --classes")
        return read_tiles(folder, SCALES[terms.scale].bounds, terms.seed, terms.group_by)

    def settings(self, scale: Scale, one: Approach, study: Study, seed: int, device: str) -> RunSettings:
        """Those of the scale and of the row."""
        return run_settings(SCALES[scale.name], one, study.info, seed, device)

    def report(self, study: Study) -> Path | None:
        """Tables, plots and examples."""
        return write_report(study)
