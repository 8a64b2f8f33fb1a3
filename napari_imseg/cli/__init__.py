"""The command line: everything the dock does, without a screen."""


def main() -> None:
    """Run ``napari-imseg``, the console command."""
    from napari_imseg.cli.app import app

    app()
