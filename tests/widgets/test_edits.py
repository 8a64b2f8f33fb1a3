"""Changes of a whole label; by hand on four pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.problem import UNLABELED, Task
from napari_imseg.widgets.edits import accept, clear, next_instance, rest_is_background

LABEL = np.array([[UNLABELED, 2], [0, UNLABELED]], np.int32)
PSEUDO = np.array([[1, 1], [1, 2]], np.uint8)
IM = np.array([[False, False], [False, True]])


def test_accept_fills_what_is_unlabeled_where_networks_agree():
    assert accept(LABEL, PSEUDO, IM, Task.SEMANTIC).tolist() == [[1, 2], [0, UNLABELED]]


def test_accept_all_fills_the_im_too():
    assert accept(LABEL, PSEUDO, IM, Task.SEMANTIC, everything=True).tolist() == [[1, 2], [0, 2]]


def test_accepted_instances_get_ids_that_nobody_has():
    accepted = accept(LABEL, PSEUDO, IM, Task.INSTANCES, everything=True)
    assert accepted.tolist() == [[UNLABELED, 2], [0, 3]]  # of 1, two pixels of three were decided


def disc(radius: int) -> np.ndarray:
    rows, columns = np.mgrid[-15:16, -15:16]
    return rows**2 + columns**2 <= radius**2


@pytest.mark.parametrize(("radius", "rim"), [(3, 4), (6, UNLABELED)])
def test_an_accepted_instance_is_the_one_that_a_person_began_and_no_rim_of_an_outlined_one(
    radius: int, rim: int
):
    label = np.where(disc(radius), 4, UNLABELED).astype(np.int32)
    pseudo = disc(8).astype(np.int32)
    pseudo[:3, :3] = 2
    accepted = accept(label, pseudo, np.zeros(label.shape, bool), Task.INSTANCES)
    assert (accepted[disc(radius)] == 4).all()
    assert (accepted[disc(8) & ~disc(radius)] == rim).all()
    assert (accepted[:3, :3] == 5).all()


def test_between_two_instances_of_a_person_nothing_is_accepted():
    label = np.full((31, 31), UNLABELED, np.int32)
    label[15, 10:12], label[15, 18:21] = 1, 2
    accepted = accept(label, disc(8).astype(np.int32), np.zeros(label.shape, bool), Task.INSTANCES)
    assert np.array_equal(accepted[disc(8)], label[disc(8)])
    assert (accepted[~disc(8)] == 0).all()


def test_ids_end_where_their_type_does():
    end = np.iinfo(np.int32).max
    label = np.array([[end, UNLABELED, UNLABELED]], np.int32)
    nowhere = np.zeros(label.shape, bool)
    assert accept(label, np.array([[0, end, 7]]), nowhere, Task.INSTANCES).tolist() == [[end, 2, 1]]
    assert next_instance(label) == 1


def test_accept_works_on_every_mask_of_a_multilabel_project():
    label = np.stack([LABEL.clip(max=1)] * 2)
    accepted = accept(label, np.stack([PSEUDO.clip(max=1)] * 2), IM, Task.MULTILABEL)
    assert accepted.tolist() == [[[1, 1], [0, UNLABELED]]] * 2


def test_accept_leaves_its_input_alone():
    before = LABEL.copy(), PSEUDO.copy()
    accept(LABEL, PSEUDO, IM, Task.INSTANCES)
    assert (before[0] == LABEL).all()
    assert (before[1] == PSEUDO).all()


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="train again"):
        accept(LABEL, PSEUDO[:1], IM, Task.SEMANTIC)


def test_rest_clear_and_next():
    assert rest_is_background(LABEL).tolist() == [[0, 2], [0, 0]]
    assert (clear(LABEL) == UNLABELED).all()
    assert next_instance(LABEL) == 3
    assert next_instance(clear(LABEL)) == 1
