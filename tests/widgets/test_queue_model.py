"""The queue: pages from SQL, in ranked order, however many images there are."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QFontMetrics, QKeyEvent

from napari_imseg import rankings
from napari_imseg.project.project import Project
from napari_imseg.project.records import NewFile, NewImage
from napari_imseg.widgets.jobs import Jobs
from napari_imseg.widgets.queue_delegate import ROW_HEIGHT, QueueDelegate
from napari_imseg.widgets.queue_model import QUALITY_ROLE, REASON_ROLE, QueueModel
from napari_imseg.widgets.queue_pages import FILTERS, PAGE, Query, ranking_titles, reason
from napari_imseg.widgets.queue_panel import QueueList
from napari_imseg.widgets.thumbnails import Thumbnails

MANY = 10_000
GENERATION = "r001-g0"
RANKED = Query("im-size", GENERATION)


@pytest.fixture
def project(make_project):
    with Project.open(make_project()) as opened:
        yield opened


@pytest.fixture
def many(project):
    """The same project with many more images, which have no files."""
    image = (NewImage(f"more-{number:05d}", number, None, (1, 8, 8), "uint8") for number in range(MANY - 6))
    project.catalog.add_files([NewFile("../more.tif", "1-x", 0, "more", list(image))])
    return project


@pytest.fixture
def jobs(qapp):
    made = Jobs()
    yield made
    made.close()


@pytest.fixture
def model(jobs):
    return QueueModel(jobs)


def wait_for(qtbot, model: QueueModel, place: int) -> str:
    model.data(model.index(place, 0))
    qtbot.waitUntil(lambda: model.row_at(place) is not None)
    return model.row_at(place).record.id


def listed(qtbot, model: QueueModel, count: int) -> list[str]:
    return [wait_for(qtbot, model, place) for place in range(count)]


def rank_backwards(project: Project) -> list[str]:
    ids = [record.id for record in project.catalog.images()]
    project.catalog.set_scores(GENERATION, "im-size", {image: place for place, image in enumerate(ids)})
    return ids[::-1]


def test_lists_all_in_ranked_order(project, model, qtbot):
    ranked = rank_backwards(project)
    model.show(project, RANKED)
    qtbot.waitUntil(lambda: model.rowCount() == 6)
    assert listed(qtbot, model, 6) == ranked
    assert model.data(model.index(0, 0), REASON_ROLE) == reason("im-size", 5.0)


def tell_quality(project: Project) -> list[str]:
    """Ids of the images; all but the first have a suggestion of which EvalNets expect something."""
    ids = [record.id for record in project.catalog.images()]
    expected = {image: place / 10 for place, image in enumerate(ids) if place}
    project.catalog.set_scores(GENERATION, rankings.QUALITY, expected)
    return ids


@pytest.mark.parametrize("ranking", ["im-size", "in-order", "random"])
def test_the_expected_quality_is_told_beside_whatever_orders_the_queue(ranking, project, model, qtbot):
    rank_backwards(project)
    ids = tell_quality(project)
    model.show(project, Query(ranking, GENERATION))
    qtbot.waitUntil(lambda: model.rowCount() == 6)
    place = {image: place for place, image in enumerate(listed(qtbot, model, 6))}
    third, first = (model.index(place[ids[number]], 0) for number in (3, 0))
    told = "suggestion is probably 70 % right"
    assert model.data(third, QUALITY_ROLE) == told
    assert model.data(third, Qt.ItemDataRole.DisplayRole).endswith(f", {told}")
    assert model.data(third, Qt.ItemDataRole.ToolTipRole).endswith(f"\n{told}")
    assert model.data(third, REASON_ROLE) != told
    assert model.data(first, QUALITY_ROLE) == "", "nobody has judged the suggestion of this image"
    assert "suggestion" not in model.data(first, Qt.ItemDataRole.DisplayRole)


def test_the_expected_quality_is_not_told_twice(project, model, qtbot):
    ids = tell_quality(project)
    model.show(project, Query(rankings.QUALITY, GENERATION))
    qtbot.waitUntil(lambda: model.rowCount() == 6)
    worst = model.index(listed(qtbot, model, 6).index(ids[5]), 0)
    assert worst.row() == 0
    assert model.data(worst, REASON_ROLE) == "suggestion is probably 50 % right"
    assert model.data(worst, QUALITY_ROLE) == ""


def test_a_row_is_drawn_with_the_expected_quality(project, jobs, model, qtbot, monkeypatch):
    tell_quality(project)
    drawn = []
    elided = QFontMetrics.elidedText
    monkeypatch.setattr(
        QFontMetrics, "elidedText", lambda self, text, *rest: drawn.append(text) or elided(self, text, *rest)
    )
    view = QueueList(ROW_HEIGHT)
    qtbot.addWidget(view)
    view.setItemDelegate(QueueDelegate(Thumbnails(jobs, 32)))
    view.setModel(model)
    view.resize(300, 500)
    view.show()
    model.show(project, RANKED)
    qtbot.waitUntil(lambda: model.row_at(5) is not None)
    view.grab()
    assert "suggestion is probably 70 % right" in drawn


def test_only_pages_that_are_seen_are_read(many, model, qtbot, monkeypatch):
    read = []
    page = Query.page
    monkeypatch.setattr(Query, "page", lambda self, of, number: read.append(number) or page(self, of, number))
    model.show(many, Query())
    qtbot.waitUntil(lambda: model.rowCount() == MANY)
    wait_for(qtbot, model, MANY - 1)
    assert read == [0, (MANY - 1) // PAGE]


def test_states_narrow_the_list(project, model, qtbot):
    ids = [record.id for record in project.catalog.images()]
    project.catalog.record_labels({ids[2]: "labeled"}, 0, 0)
    for name, count in (("To label", 5), ("Labeled", 1), ("Begun", 0), ("All", 6)):
        model.show(project, Query(states=FILTERS[name]))
        qtbot.waitUntil(lambda count=count: model.rowCount() == count)


def test_a_label_takes_its_image_from_the_list_without_a_jump(project, model, qtbot):
    ids = [record.id for record in project.catalog.images()]
    model.show(project, Query())
    qtbot.waitUntil(lambda: model.rowCount() == 6)
    project.catalog.record_labels({ids[0]: "labeled"}, 0, 0)
    resets = []
    model.modelAboutToBeReset.connect(lambda: resets.append(1))
    model.refresh()
    qtbot.waitUntil(lambda: model.rowCount() == 5)
    assert listed(qtbot, model, 5) == ids[1:]
    assert not resets


def test_closing_empties_it(project, model, qtbot):
    model.show(project, Query())
    qtbot.waitUntil(lambda: model.rowCount() == 6)
    model.show(None, Query())
    assert model.rowCount() == 0


def test_pictures_arrive_for_what_is_seen(project, jobs, model, qtbot):
    thumbnails = Thumbnails(jobs, 32)
    thumbnails.use(project)
    view = QueueList(ROW_HEIGHT)
    qtbot.addWidget(view)
    view.setItemDelegate(QueueDelegate(thumbnails))
    view.setModel(model)
    view.resize(300, 500)
    view.show()
    model.show(project, Query())
    first = project.catalog.images()[0].id
    qtbot.waitUntil(lambda: first in thumbnails._kept)
    assert max(thumbnails.get(first).width(), thumbnails.get(first).height()) == 32
    view.grab()


def test_an_image_that_cannot_be_read_gets_an_empty_frame(many, jobs, qtbot):
    thumbnails = Thumbnails(jobs, 32)
    thumbnails.use(many)
    with qtbot.waitSignal(thumbnails.arrived):
        assert thumbnails.get("more-00000") is None
    assert thumbnails.get("more-00000") is not None


def test_letters_in_the_list_belong_to_the_viewer(qtbot):
    view = QueueList(ROW_HEIGHT)
    qtbot.addWidget(view)
    letter = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_N, Qt.KeyboardModifier.NoModifier, "n")
    letter.accept()
    view.keyPressEvent(letter)
    assert not letter.isAccepted()


def test_reasons_are_words():
    assert reason("in-order", None) == ""
    assert reason("im-size", None) == "not ranked yet"
    assert reason("im-fraction", 0.031)
    assert reason("from-another-version", 0.5) == "from-another-version 0.5"
    assert reason("predicted-quality", 0.2) == "suggestion is probably 80 % right"
    assert reason("predicted-quality", None) == "train with predicted quality to know"
    assert {"im-size", "random", "in-order"} <= set(ranking_titles())
