"""``napari-imseg doctor``: versions, device, Qt, disk; what is wrong and how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_imseg.cli.failures import FAILED
from napari_imseg.cli.terminal import print_json, print_table


def doctor(
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show versions, device, Qt and disk, and say what is wrong and how to mend it."""
    from dataclasses import asdict

    from napari_imseg import __version__
    from napari_imseg.cli.checks import all_checks

    checks = list(all_checks())
    broken = any(check.essential and not check.ok for check in checks)
    if json_:
        listed = [{**asdict(check), "ok": check.ok} for check in checks]
        print_json({"version": __version__, "ok": not broken, "checks": listed})
    else:
        rows = [
            (
                "ok" if check.ok else "WRONG" if check.essential else "note",
                check.name,
                check.found,
                check.advice,
            )
            for check in checks
        ]
        print_table(("", "what", "found", "what to do"), rows, title=f"napari-imseg {__version__}")
    if broken:
        raise typer.Exit(FAILED)
