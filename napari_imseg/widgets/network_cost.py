"""One line below the choice of the network: what it costs on this machine."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import sentence
from napari_imseg.widgets.controls import text
from napari_imseg.widgets.jobs import Jobs

_TOPIC = "network-cost"


class NetworkCost(QWidget):
    """Measures what is not known yet in a thread, which asks a process of its own."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._shown: RunSettings | None = None
        self._line = text(
            "train_network_cost", "Size and speed of the network, measured once on this machine", faint=True
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line)

    def show_for(self, settings: RunSettings) -> None:
        """Tell what the network of these settings costs; the last one asked for is shown."""
        what = RunSettings(
            **settings.model_dump(include={"network", "alpha", "device", "batch_size", "tile"})
        )
        if what == self._shown:
            return
        self._shown = what
        self._line.setText(f"Measuring what {what.network} costs here…")
        self._jobs.run(_TOPIC, lambda: _cost(what), self._line.setText, failed=self._on_failed)

    def _on_failed(self, error: BaseException) -> None:
        self._shown = None
        self._line.setText(sentence(error))


def _cost(settings: RunSettings) -> str:
    from napari_imseg.engine.network_costs import costs_here  # imports torch

    (cost,) = costs_here([settings])
    return cost
