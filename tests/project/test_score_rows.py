"""Pages of the queue with a second ranking beside the one that orders them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from napari_imseg.project.catalog import Catalog
from napari_imseg.project.records import NewFile, NewImage

IMAGES = 120
GENERATION = "r001-g0"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """Images of which every second one has a quality, and all but the last twenty an entropy."""
    images = [NewImage(f"image-{place:03d}", place, None, (1, 8, 9), "uint8") for place in range(IMAGES)]
    with closing(Catalog(tmp_path / "catalog.sqlite", create=True)) as catalog:
        catalog.add_files([NewFile("a.tif", "1-ab", 0, "a", images)])
        names = [image.id for image in images]
        catalog.set_scores(GENERATION, "entropy", {name: place % 7 for place, name in enumerate(names[:-20])})
        catalog.set_scores(GENERATION, "quality", {name: int(name[-3:]) / 1000 for name in names[::2]})
        yield catalog


@pytest.mark.parametrize("order_by", ["entropy", "margin", None])
def test_it_is_told_with_every_row_and_changes_no_order(catalog: Catalog, order_by: str | None) -> None:
    alone = catalog.page(order_by, GENERATION, 0, IMAGES)
    rows = catalog.page(order_by, GENERATION, 0, IMAGES, beside="quality")
    assert [(row.record, row.score) for row in rows] == [(row.record, row.score) for row in alone]
    places = [row.record.index for row in rows]
    assert [row.beside for row in rows] == [None if place % 2 else place / 1000 for place in places]
    assert {row.beside for row in alone} == {None}


def test_it_is_that_of_the_same_generation(catalog: Catalog) -> None:
    assert {row.beside for row in catalog.page("entropy", "r001-g1", beside="quality")} == {None}
    assert {row.beside for row in catalog.page("entropy", beside="quality")} == {None}  # there is none yet
    catalog.current_generation = GENERATION
    assert catalog.page("entropy", beside="quality", limit=1)[0].beside == 6 / 1000


def test_a_long_page_takes_no_more_queries_than_a_short_one(catalog: Catalog) -> None:
    asked: list[str] = []
    with catalog._database.connection() as connection:
        connection.set_trace_callback(asked.append)
    counts = []
    for limit in (1, 100):
        asked.clear()
        assert len(catalog.page("entropy", GENERATION, 0, limit, beside="quality")) == limit
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 3  # which ranking, its page, and what stands beside
