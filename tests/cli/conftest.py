"""How the tests of the command line call it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

Call = Callable[..., Result]


@pytest.fixture(scope="session")
def call() -> Call:
    """Run ``napari-imseg`` with arguments inside this process."""
    from napari_imseg.cli.app import app

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="napari-imseg")

    return run
