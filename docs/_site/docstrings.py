"""Docstrings and signatures as they are written for readers of the code, made fit for a page."""

import builtins
import inspect
import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", _drop_what_says_nothing)
    app.connect("autodoc-process-docstring", _mark_arguments)
    app.connect("autodoc-process-signature", _show_defaults)
    app.connect("doctree-read", _leave_builtins)
    app.connect("doctree-read", _find_classes)
    return {"parallel_read_safe": True}


def _drop_what_says_nothing(  # noqa: PLR0917 - Sphinx hands them over so
    app: Sphinx, what: str, name: str, object_: object, options: object, lines: list[str]
) -> None:
    """What Python itself writes at the fields of a named tuple."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def _mark_arguments(  # noqa: PLR0917 - Sphinx hands them over so
    app: Sphinx, what: str, name: str, object_: object, options: object, lines: list[str]
) -> None:
    """Where a sentence says ``timeout: how long ...``, the argument's name is code."""
    if what in {"class", "exception", "function", "method"} and callable(object_):
        try:
            names = "|".join(inspect.signature(object_).parameters)
        except ValueError:  # a class made in C, which says nothing of its arguments
            return
        text = re.sub(rf"(^|(?<=[.] ))({names}): ", r"``\2``: ", "\n".join(lines), flags=re.MULTILINE)
        lines[:] = text.split("\n")


def _show_defaults(  # noqa: PLR0917 - Sphinx hands them over so
    app: Sphinx, what: str, name: str, object_: object, options: object, arguments: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """A record's default that is made anew each time is one that Sphinx can't read."""
    return arguments and arguments.replace("<factory>", "..."), returned


def _leave_builtins(_: Sphinx, page: nodes.document) -> None:
    """``type`` in a signature is Python's, and no field that happens to have its name."""
    for name in list(page.findall(pending_xref)):
        if name.get("reftype") == "class" and hasattr(builtins, name["reftarget"]):
            name.replace_self(name.children)


def _find_classes(_: Sphinx, page: nodes.document) -> None:
    """A class that is named in a docstring is looked for in all modules: what publishes it is another than what has it."""
    for name in page.findall(pending_xref):
        if name.get("reftype") == "obj" and name["reftarget"][:1].isupper():
            name["refspecific"] = True
