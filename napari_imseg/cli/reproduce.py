"""``napari-imseg reproduce``: a paper's comparison done again, its own figures beside ours."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from napari_imseg.cli.failures import FAILED, UsageMistake
from napari_imseg.nets.names import IMAGENET
from napari_imseg.reproduce import NAMES

if TYPE_CHECKING:
    from napari_imseg.reproduce.scale import Scale
    from napari_imseg.reproduce.study import Study
    from napari_imseg.reproduce.units import Unit


Name = Annotated[str, typer.Argument(help=f"Which comparison: {' or '.join(NAMES)}.", metavar="NAME")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for everything; the same one goes on later.")]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="images/ and labels/, or a data set of the paper; drawn images for smoke if not given.",
    ),
]
ScaleName = Annotated[str, typer.Option(metavar="smoke|laptop|paper", help="How much is trained.")]
Labeled = Annotated[
    str | None,
    typer.Option(
        metavar="N|A,B,C",
        help="Labeled images: a share below 1 of those to train on (0.1 if not given), or a number; "
        "for actis numbers of tiles, such as 10,19,38,76.",
    ),
]
Classes = Annotated[
    str | None, typer.Option(metavar="a,b,c", help="Names of the label values 1, 2, ..., or of the masks.")
]
GroupBy = Annotated[
    str,
    typer.Option(
        metavar="REGEX",
        help="Part of a path that names the group of an image; images of a group are in the same set.",
    ),
]
Approaches = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Only these and what they start from, such as LDT,IM; also variants, or for actis ablation.",
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        metavar="imagenet|FILE",
        help="What encoders start from (actis with scale paper); random weights if not given.",
    ),
]
Repetitions = Annotated[
    int | None, typer.Option(min=1, help="How often, each time with another seed; default by scale.")
]
Seed = Annotated[int, typer.Option(min=0, help="Draws the sets; the first repetition trains with it.")]
Device = Annotated[str, typer.Option(help="auto, cpu, or a GPU such as cuda:0.")]


def reproduce(
    name: Name,
    out: Out,
    data: Data = None,
    scale: ScaleName = "smoke",
    labeled: Labeled = None,
    classes: Classes = None,
    group_by: GroupBy = "",
    approaches: Approaches = None,
    weights: Weights = "",
    repetitions: Repetitions = None,
    seed: Seed = 42,
    device: Device = "auto",
) -> None:
    """Do the comparison of a paper again: table and plots; what is finished is not done twice."""
    if name not in NAMES:
        raise UsageMistake(f"there is no comparison '{name}'; choose: {' or '.join(NAMES)}")
    from napari_imseg.nets.devices import choose
    from napari_imseg.reproduce.comparisons import COMPARISONS
    from napari_imseg.reproduce.starting import begin
    from napari_imseg.reproduce.study import Terms
    from napari_imseg.reproduce.units import units

    choose(device)
    comparison = COMPARISONS[name]
    trained = comparison.scale(scale)
    wanted = comparison.chosen(_listed(approaches), trained)
    share, counts = comparison.labeled(labeled or "", trained)
    if weights and not (comparison.weights and scale == "paper"):
        raise UsageMistake("only the networks of actis with scale paper have encoders; leave out --weights")
    start = _checked(weights, trained)
    study = begin(out, data, comparison, Terms(name, scale, share, seed, start, group_by), _listed(classes))
    often = repetitions or trained.repetitions
    planned = units(study, comparison, trained, wanted, often, device, counts)
    finished = _work(study, planned, device)
    page = comparison.report(study)
    if page is not None:
        typer.echo(f"report: {page}")
    if not finished:
        typer.echo("stopped; go on with the same command", err=True)
        raise typer.Exit(FAILED)


def _checked(weights: str, scale: Scale) -> str:
    """What encoders start from, a file by its whole path; refused if no network could start from it."""
    from napari_imseg.engine.run_settings import RunSettings
    from napari_imseg.engine.starting_weights import check

    if weights in ("", IMAGENET):
        return weights
    file = str(Path(weights).resolve())
    check(RunSettings(**scale.run, weights=file))
    return file


def _work(study: Study, planned: Sequence[Unit], device: str) -> bool:
    """Do what is not finished; false if the user stopped it."""
    from napari_imseg.cli.run_display import RunDisplay
    from napari_imseg.cli.terminal import messages
    from napari_imseg.reproduce.measuring import Measure
    from napari_imseg.reproduce.units import Interrupted, Unit, work

    display = RunDisplay()
    measure = Measure(study.test, device, study.info.empty)
    with _stopped_by_interrupt() as stopping, measure, ExitStack() as shown:
        try:
            for told in work(planned, measure, stopping.is_set):
                if isinstance(told, Unit):
                    shown.close()
                    place = planned.index(told) + 1
                    messages().rule(f"{place} of {len(planned)}: {told.title}", align="left", characters="─")
                    display = shown.enter_context(RunDisplay())
                else:
                    display.show(told)
        except Interrupted:
            return False
    return True


@contextmanager
def _stopped_by_interrupt() -> Iterator[threading.Event]:
    """While inside, Ctrl-C and a polite kill ask the training to stop after its current step."""
    stopping = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)  # the second one ends the program
        stopping.set()

    earlier = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _listed(names: str | None) -> list[str]:
    return [name.strip() for name in (names or "").split(",") if name.strip()]
