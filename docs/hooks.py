"""What the documentation takes from the code, so that nothing is listed twice.

What stands between ``<!-- from-code: NAME ARGUMENT -->`` and ``<!-- end -->`` in a page is written by
``python docs/hooks.py`` (``make docs`` runs it), and is always fresh in the site:

* ``methods`` and ``rankings``: a table of all there are,
* ``settings METHOD`` and ``run-settings``: the table of settings,
* ``commands``: the help of every command,
* ``keys`` and ``keys instances``: the keys of the dock, and those over an instance.

``<!-- changelog -->`` becomes CHANGELOG.md in the site. Equations become MathML, which browsers draw without
any script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from latex2mathml.converter import convert

import napari_imseg.methods
import napari_imseg.rankings
from napari_imseg.cli.app import app
from napari_imseg.cli.listing import describe_method, describe_ranking, describe_settings, settings_rows
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Method
from napari_imseg.ranking import Ranking
from napari_imseg.registry import classes_in, find
from napari_imseg.widgets import keys

DOCS = Path(__file__).parent
CHANGELOG = "<!-- changelog -->"
MARK = re.compile(r"^<!-- from-code: ([a-z-]+)(| [a-z-]+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
EQUATION = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_config(config: Any) -> Any:
    """Give every method of the registry its page in the navigation."""
    pages = [{method.title: f"methods/{name}.md"} for name, method in _methods().items()]
    config["nav"].insert(3, {"Methods": ["methods/index.md", *pages]})
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what comes from the code."""
    changes = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8").split("\n", 1)[1]
    return MARK.sub(lambda mark: MAKERS[mark[1]](mark[2].strip()), markdown).replace(CHANGELOG, changes)


def refreshed(markdown: str) -> str:
    """The text of a page with what comes from the code as it is now, marks and all."""
    return MARK.sub(
        lambda mark: "\n".join(
            [mark[0].partition("\n")[0], "", MAKERS[mark[1]](mark[2].strip()), "", "<!-- end -->"]
        ),
        markdown,
    )


def on_page_content(html: str, **_: Any) -> str:
    """Turn equations into MathML."""
    return EQUATION.sub(_mathml, html)


def _methods() -> dict[str, type[Method]]:
    return classes_in(napari_imseg.methods, Method)


def _mathml(equation: re.Match[str]) -> str:
    text = equation[3].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return convert(text, display="block" if equation[2] == "[" else "inline")


def _method_list(_: str) -> str:
    described = [describe_method(method) for method in _methods().values()]
    return _table(
        ("method", "kind", "what it does", "tasks", "names in papers", "source"),
        (
            (
                f"[`{entry['name']}`]({entry['name']}.md)",
                entry["kind"],
                entry["title"],
                ", ".join(entry["tasks"]),
                ", ".join(entry["aliases"]) or "–",
                entry["source"],
            )
            for entry in described
        ),
    )


def _ranking_list(_: str) -> str:
    described = [describe_ranking(one) for one in classes_in(napari_imseg.rankings, Ranking).values()]
    return _table(
        ("ranking", "what comes first", "networks needed", "source"),
        ((f"`{one['name']}`", one["title"], one["minimum_members"], one["source"]) for one in described),
    )


def _settings_of(name: str) -> str:
    return _settings_table(find(napari_imseg.methods, Method, name).Settings)


def _run_settings(_: str) -> str:
    return _settings_table(RunSettings)


def _settings_table(settings: Any) -> str:
    rows = settings_rows(describe_settings(settings))
    if not rows:
        return "This method has no settings of its own."
    return _table(
        ("setting", "default", "allowed", "what it does"),
        ((f"`{name}`", f"`{default}`", allowed or "–", text) for name, default, allowed, text in rows),
    )


def _commands(_: str) -> str:
    group: Any = typer.main.get_command(app)
    sections = []
    for name, command in group.commands.items():
        context: Any = typer.Context(command, info_name=f"napari-imseg {name}", terminal_width=100)
        sections.append(f"## `{name}`\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(sections)


def _keys(which: str) -> str:
    table = keys.INSTANCES if which == "instances" else keys.TABLE
    return _table(("key", "what it does"), ((f"`{key}`", what) for key, what in table.items()))


def _table(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in lines)


MAKERS = {
    "methods": _method_list,
    "rankings": _ranking_list,
    "settings": _settings_of,
    "run-settings": _run_settings,
    "commands": _commands,
    "keys": _keys,
}


if __name__ == "__main__":
    for page in sorted(DOCS.rglob("*.md")):
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")
