"""What the results say, from records of generations."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from napari_imseg.engine.records import GenerationRecord, MemberRecord
from napari_imseg.project.project import Project
from napari_imseg.synthetic.dataset import write_dataset
from napari_imseg.widgets.progress import (
    Progress,
    best_by_labels,
    members,
    read_progress,
    spent,
    table,
    what_labels_brought,
)


def record(run: str, generation: int, labeled: int, score: float | None) -> GenerationRecord:
    return GenerationRecord(
        run=run, generation=generation, teachers=[], metric_name="iou", score=score, labeled=labeled,
        unlabeled=90, im_fraction=0.05,
    )  # fmt: skip


RECORDS = [
    record("r001", 0, 10, 0.6),
    record("r001", 1, 10, 0.7),
    record("r002", 0, 22, 0.65),
    record("r002", 1, 22, 0.81),
]


def test_learning_curve_takes_the_best_of_each_number_of_labels():
    assert best_by_labels(RECORDS) == [(10, 0.7), (22, 0.81)]
    assert best_by_labels([record("r001", 0, 10, None)]) == []


def test_what_labels_brought_says_what_was_measured():
    assert "12 labels raised IoU by 0.110, from 0.700 to 0.810" in what_labels_brought(RECORDS)
    worse = [record("r001", 0, 10, 0.7), record("r002", 0, 11, 0.6)]
    assert "lowered" in what_labels_brought(worse)
    assert "Label more" in what_labels_brought(RECORDS[:2])
    assert "validation" in what_labels_brought([])


def test_table_has_a_row_for_each_generation_and_gaps_for_what_is_not_known():
    columns = table([*RECORDS, record("r003", 0, 30, None)])
    assert columns["generation"].tolist()[-1] == "r003-g0"
    assert np.isnan(columns["IoU"][-1])
    assert columns["IM [%]"][0] == 5
    assert all(not len(column) for column in table([]).values())


def test_members_of_the_newest_run_stand_in_one_table_best_first():
    scores = [
        MemberRecord(name="g0-s0.safetensors", score=0.7, images=5),
        MemberRecord(name="cellpose-3.1", score=0.8, images=3),
        MemberRecord(name="stardist", score=None, images=0),
    ]
    newest = record("r002", 1, 22, 0.81).model_copy(update={"scores": scores})
    older = record("r001", 0, 10, 0.6).model_copy(update={"scores": scores})
    columns = members([older, record("r002", 0, 22, 0.65), newest])
    assert columns["member"].tolist() == ["cellpose-3.1", "g0-s0", "stardist"]
    assert set(columns["generation"].tolist()) == {"r002-g1"}
    assert columns["score"][:2].tolist() == [0.8, 0.7]
    assert np.isnan(columns["score"][2])
    assert columns["validation images"].tolist() == [3, 5, 0]
    assert all(not len(column) for column in members([]).values())


def test_spent():
    assert "No image" in spent(Progress([], 0, 0, 0.0))
    assert spent(Progress([], 4, 4, 480.0)) == "4 images labeled in 8 min, about 2 min each."
    assert spent(Progress([], 20, 0, 0.0)) == "20 images are labeled, all of them elsewhere."


def test_imported_labels_do_not_count_as_work(tmp_path: Path):
    write_dataset("nuclei", tmp_path / "data", 8, seed=1, shape=(32, 32))
    (tmp_path / "few").mkdir()
    for path in sorted((tmp_path / "data" / "labels").iterdir())[:5]:
        shutil.copy(path, tmp_path / "few")
    images, few = tmp_path / "data" / "images", tmp_path / "few"
    with Project.create(tmp_path / "p", images=images, labels=few, task="semantic") as project:
        done, also, begun = project.unlabeled()
        label = np.zeros((32, 32), np.int32)
        project.write_label(done.id, label, seconds=100)
        project.write_label(also.id, label, seconds=140)
        project.write_label(begun.id, label, state="partial", seconds=1000)
        told = spent(read_progress(project))
    assert told == "2 images labeled in 4 min, about 2 min each; 5 more were labeled elsewhere."
