"""``jobreporter new``: a plugin to begin with, which passes its own tests."""

from __future__ import annotations

import keyword
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from jobreporter._cli._commands import Group
from jobreporter._cli._names import refusal
from jobreporter._cli._template import Taken, class_name, made, renamed, write, write_new
from jobreporter._cli._terminal import coloured, say
from jobreporter._plugins.installed import REPORTERS, SOURCES


class Refused(click.ClickException):
    """Nothing was written, and why."""

    exit_code = 2


_into = click.option(
    "--into", metavar="FOLDER", default=".", help="The folder to make it in; by default, the working directory."
)


@click.group(cls=Group, short_help="Begin a reporter or a source.")
def new() -> None:
    """Begin a plugin: a project that passes its own tests, types, lint and build as it is.

    Nothing is ever overwritten. Exits with 2 if the name won't do, or something is there already.
    """


@new.command()
@click.argument("name")
@click.option("--async", "asynchronous", is_flag=True, help="With callbacks that are async.")
@click.option("--command", is_flag=True, help="With a command of its own, `jobreporter NAME`.")
@click.option("--in-app", is_flag=True, help="One module for a reporter inside an application, in place of a project.")
@_into
@click.pass_context
def reporter(context: click.Context, name: str, asynchronous: bool, command: bool, in_app: bool, into: str) -> None:
    """Begin a reporter: where events go."""
    if in_app and command:
        raise click.UsageError("--command is for a project, and --in-app makes none: give one of them")
    if in_app:
        _module(name, Path(into), "in_app_async" if asynchronous else "in_app")
        return
    root = context.find_root().command
    own = root.list_commands(context.find_root()) if command and isinstance(root, click.Group) else None
    templates = ["reporter", *["reporter_async"] * asynchronous, *["reporter_command"] * command]
    _accept(refusal(name, REPORTERS, command=own))
    first = "src/jobreporter_pigeon/_reporter.py first"
    _project(name, Path(into), templates, f"the reporter {name}", first)


@new.command()
@click.argument("name")
@_into
def source(name: str, into: str) -> None:
    """Begin a source: what tells a job queue's jobs to jobreporter."""
    _accept(refusal(name, SOURCES))
    first = "your queue in place of src/jobreporter_pigeon/_queue.py, then _source.py beside it, and tests/desk.py"
    _project(name, Path(into), ["source"], f"the source {name}", first)


def _accept(reason: str | None) -> None:
    if reason is not None:
        raise Refused(reason)


def _project(name: str, into: Path, templates: list[str], what: str, first: str) -> None:
    folder = into / renamed("jobreporter-pigeon", name)
    _written(folder, lambda: write(made(templates, name), folder))
    say(coloured(f"made {what} in {folder}", "green", bold=True))
    say("\n".join(_next(folder, renamed(first, name))))


def _next(folder: Path, first: str) -> Iterable[str]:
    yield "\nNext:\n"
    yield f"  cd {shlex.quote(str(folder))}"
    yield "  python -m venv --upgrade-deps .venv && . .venv/bin/activate"
    yield "  pip install --editable . --group dev"
    yield "  pytest && mypy && ruff check && ruff format --check"
    yield "  jobreporter plugins --check ."
    yield f"\nThen make it yours: {first}; and the addresses in pyproject.toml."


def _module(name: str, into: Path, template: str) -> None:
    """One module, in a folder that is there."""
    package = _package(into)
    # Within a package, no module of the same name is in its way.
    _accept(refusal(name, REPORTERS, module="" if package else "{name}_reporter"))
    if not into.is_dir():
        raise Refused(f"there is no folder {str(into)!r} to write {name}_reporter.py into")
    [(path, text)] = made([template], name).items()
    _written(into / path, lambda: write_new(into / path, text))
    say(coloured(f"made the reporter {name} in {into / path}", "green", bold=True))
    say("\nNext, in jobreporter.toml:\n")
    say(
        f'  [reporters.{name}]\n  use = "{package}{name}_reporter:{class_name(name)}Reporter"\n  url = "http://127.0.0.1:8000/jobs"'
    )
    say("\nThen `jobreporter check`, run where the worker runs, says whether it works there.")


def _package(folder: Path) -> str:
    """What is written before a module of this folder: ``shop.reports.`` where the folder is a package."""
    names: list[str] = []
    at = folder.resolve()
    while (at / "__init__.py").is_file() and at.name.isidentifier() and not keyword.iskeyword(at.name):
        names.insert(0, f"{at.name}.")
        at = at.parent
    return "".join(names)


def _written(path: Path, writing: Callable[[], None]) -> None:
    try:
        writing()
    except Taken as taken:
        raise Refused(f"{str(taken.path)!r} is there already, and nothing was overwritten") from None
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be written: {error.strerror or error}") from None
