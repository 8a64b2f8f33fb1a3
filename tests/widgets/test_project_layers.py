"""The layers of a project, in a viewer without its window (test_dock has the window)."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.components.overlays import BrushCircleOverlay

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.project import Project
from napari_imseg.widgets.colors import other_than
from napari_imseg.widgets.layers import ORDER
from napari_imseg.widgets.loading import load
from napari_imseg.widgets.project_layers import KEY, ProjectLayers
from tests.widgets.gui import last_words

GENERATION = "r001-g1"


@pytest.fixture
def viewer():
    return ViewerModel()


class Stage:
    """A viewer that shows the images of a project."""

    def __init__(self, viewer, project: Project) -> None:
        self.viewer, self.project = viewer, project
        self.ids = [record.id for record in project.catalog.images()]
        self.layers = ProjectLayers(viewer, project.info)

    def show(self, place: int = 0) -> None:
        shown = load(self.project, self.ids[place], GENERATION)
        self.layers.show_image(shown, run="r001")
        self.layers.show_label(shown, run="r001")
        self.layers.show_prediction(shown.prediction, image_id=self.ids[place], run="r001")
        self.layers.finish()

    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    @property
    def label(self):
        return self.viewer.layers["label"]


@pytest.fixture
def stage(viewer, make_project):
    with Project.open(make_project()) as project:
        image_id = project.catalog.images()[0].id
        pseudo_label = np.zeros((64, 64), np.int32)
        pseudo_label[10:30, 10:30] = 1
        im = np.zeros((64, 64), bool)
        im[25:35, 25:35] = True
        project.write_prediction(GENERATION, image_id, pseudo_label, im)
        made = Stage(viewer, project)
        made.show()
        yield made


def test_names_order_locks_and_metadata(stage):
    assert stage.names() == list(ORDER[:4])
    assert [bool(layer.locked) for layer in stage.viewer.layers] == [True] * 4
    assert [layer.editable for layer in stage.viewer.layers if layer.name in ("pseudo-label", "label")] == [
        False,
        True,
    ]
    for layer in stage.viewer.layers:
        about = layer.metadata[KEY]
        assert about["image_id"] == stage.ids[0]
        assert about["run"] == "r001"
        assert about["generation"] == ("" if layer.name == "image" else GENERATION)


def test_the_order_holds_among_other_layers(stage):
    stage.viewer.add_labels(np.zeros((4, 4), int), name="mine")
    stage.layers.show_instances(np.zeros((64, 64), np.int32))
    stage.viewer.layers.remove("pseudo-label")
    stage.show(1)
    assert [name for name in stage.names() if name != "mine"] == list(ORDER[:4])
    stage.layers.show_instances(np.zeros((64, 64), np.int32))
    assert [name for name in stage.names() if name != "mine"] == list(ORDER)


def test_a_stranger_gives_up_the_name(viewer, make_project):
    stranger = viewer.add_image(np.zeros((4, 4)), name="image")
    with Project.open(make_project()) as project:
        Stage(viewer, project).show()
    assert stranger.name == "image (not of the project)"
    assert "image" in viewer.layers


def test_another_image_keeps_the_layers_and_resets_the_reference(stage):
    before = list(stage.viewer.layers)
    stage.show(1)
    assert list(stage.viewer.layers) == before
    assert not stage.viewer.layers["inconsistency mask"].data.any()
    assert not stage.viewer.layers["pseudo-label"].editable
    assert stage.label.metadata[KEY]["image_id"] == stage.ids[1]


def test_painting_and_erasing(stage):
    edits = []
    stage.layers.edited.connect(lambda: edits.append(1))
    stage.layers.paint_with(2)
    assert stage.label.mode == "paint"
    stage.label.paint((20, 20), stage.label.selected_label)
    assert stage.layers.label[20, 20] == 2
    stage.layers.paint_with(UNLABELED)
    assert stage.label.mode == "erase"
    stage.label.paint((20, 20), stage.label.colormap.background_value)
    assert (stage.layers.label == UNLABELED).all()
    assert len(edits) == 2


def test_undo_of_strokes_and_of_everything(stage):
    stage.label.paint((20, 20), 1)
    stroke = stage.layers.label.copy()
    stage.layers.replace_label(np.zeros_like(stroke), stroke.copy())
    stage.label.paint((40, 40), 2)
    stage.layers.undo()
    assert (stage.layers.label == 0).all()
    stage.layers.undo()
    assert (stage.layers.label == stroke).all()
    stage.layers.undo()
    assert (stage.layers.label == UNLABELED).all()
    stage.layers.redo()
    stage.layers.redo()
    assert (stage.label.data == 0).all()


def test_a_tool_in_the_hand_stays_there_for_the_next_class(stage):
    stage.layers.use("fill")
    stage.layers.paint_with(1)
    assert stage.label.mode == "fill"
    stage.layers.use("pan_zoom")
    stage.layers.paint_with(1)
    assert stage.label.mode == "paint"


def test_a_class_that_the_project_does_not_know_cannot_be_painted(stage):
    stage.label.selected_label = 7
    assert stage.label.selected_label == 2
    assert "no class 7" in last_words()


def test_data_from_another_plugin_is_taken_over(stage):
    stage.label.data = np.ones((64, 64), np.int32)
    assert (stage.layers.label == 1).all()
    stage.label.paint((5, 5), 2)
    assert stage.layers.label[5, 5] == 2


def test_zoom_to_an_island(stage):
    stage.viewer.canvas.size = (400, 600)
    stage.layers.zoom_to((slice(20, 30), slice(40, 60)))
    assert stage.viewer.scene.camera.center == (0.0, 24.5, 49.5)
    assert stage.viewer.scene.camera.zoom == pytest.approx(0.5 * 600 / 20)


def test_reference_hides_and_shows(stage):
    stage.layers.toggle_reference()
    assert [layer.visible for layer in stage.viewer.layers] == [True, False, False, True]
    stage.layers.toggle_reference()
    assert all(layer.visible for layer in stage.viewer.layers)


def visible(stage) -> list[bool]:
    return [layer.visible for layer in stage.viewer.layers]


def test_layers_without_content_are_not_drawn(stage):
    stage.show(1)
    assert visible(stage) == [True, False, False, True]
    stage.show(0)
    assert visible(stage) == [True, True, True, True]


def test_a_layer_that_was_turned_off_stays_off(stage):
    stage.viewer.layers["pseudo-label"].visible = False
    for place in (1, 0):
        stage.show(place)
    assert visible(stage) == [True, False, True, True]
    stage.viewer.layers["pseudo-label"].visible = True
    for place in (1, 0):
        stage.show(place)
    assert visible(stage) == [True, True, True, True]


def test_reference_is_hidden_while_there_is_none(stage):
    stage.show(1)
    stage.layers.toggle_reference()
    stage.show(0)
    assert visible(stage) == [True, False, False, True]
    stage.layers.toggle_reference()
    assert visible(stage) == [True, True, True, True]


def test_the_brush_has_no_box_that_napari_would_draw_for_ever(stage):
    brushes = [one for one in stage.viewer.canvas.overlays.values() if isinstance(one, BrushCircleOverlay)]
    assert [brush.box for brush in brushes] == [False]


def test_clear_takes_ours_and_leaves_yours(stage):
    stage.viewer.add_image(np.zeros((4, 4)), name="mine")
    stage.layers.clear()
    assert stage.names() == ["mine"]
    assert stage.layers.label is None


def test_multilabel_shows_one_mask_at_a_time(viewer, make_project):
    with Project.open(make_project(task="multilabel")) as project:
        stage = Stage(viewer, project)
        stage.show()
        stage.layers.paint_with(1, mask=1)
        stage.label.paint((20, 20), 1)
        assert stage.layers.label.shape == (2, 64, 64)
        assert (stage.layers.label[0] == UNLABELED).all()
        assert stage.layers.label[1, 20, 20] == 1
        stage.layers.paint_with(0, mask=0)
        assert (stage.label.data == UNLABELED).all()


def test_background_is_seen_and_unlabeled_is_not(stage):
    colors = stage.label.colormap.map(np.array([UNLABELED, 0, 1, 2], np.int32))
    assert colors[0, 3] == 0
    assert 0 < colors[1, 3] < 1
    assert colors[2, 3] == colors[3, 3] == 1


@pytest.mark.parametrize("options", [{}, {"task": "instances", "classes": ["cell"]}])
def test_dim_objects_are_seen_under_labeled_background(viewer, make_project, options):
    with Project.open(make_project(**options)) as project:
        stage = Stage(viewer, project)
        stage.show()
        *color, alpha = stage.label.colormap.map(np.array([0], np.int32))[0] * [1, 1, 1, stage.label.opacity]
    on_black = np.array(color) * alpha
    assert np.dot(on_black, (0.2126, 0.7152, 0.0722)) < 0.06, "light that it adds"
    assert 1 - alpha > 0.8, "contrast that it leaves"
    assert np.ptp(on_black) > 0.1, "its hue is seen"


def test_instances_have_colours_and_a_faint_background(viewer, make_project):
    with Project.open(make_project(task="instances", classes=["cell"])) as project:
        stage = Stage(viewer, project)
        stage.show()
        colors = stage.label.colormap.map(np.arange(UNLABELED, 400, dtype=np.int32))
    assert colors[0, 3] == 0
    assert 0 < colors[1, 3] < 1
    assert (colors[2:, 3] == 1).all()
    assert (np.abs(np.diff(colors[2:, :3], axis=0)).max(axis=1) > 0.1).all()


def test_micrometres_are_handed_on(viewer, make_project):
    with Project.open(make_project()) as project:
        stage = Stage(viewer, project)
        stage.layers = ProjectLayers(viewer, project.info.model_copy(update={"pixel_size": (0.5, 0.5)}))
        stage.show()
    for layer in viewer.layers:
        assert tuple(layer.scale) == (0.5, 0.5)
        assert str(layer.units[-1]) == "micrometer"


def test_the_im_never_has_the_colour_of_a_class():
    assert other_than(["#E69F00"], "#e69f00") != "#e69f00"
    assert other_than(["#56B4E9"], "#e69f00") == "#e69f00"
