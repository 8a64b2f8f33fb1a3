"""``napari-imseg rankings``: the criteria that order the unlabeled images."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_imseg.cli.terminal import print_json, print_table


def rankings(
    json_: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the rankings that order the queue, with their source."""
    from napari_imseg import rankings as package
    from napari_imseg.cli.listing import describe_ranking
    from napari_imseg.ranking import Ranking
    from napari_imseg.registry import classes_in

    described = [describe_ranking(ranking) for ranking in classes_in(package, Ranking).values()]
    if json_:
        print_json(described)
        return
    rows = [
        (entry["name"], entry["title"], str(entry["minimum_members"]), entry["source"]) for entry in described
    ]
    print_table(("ranking", "what comes first", "networks", "source"), rows)
