"""The site's contents are those of docs/README.md: each heading is a group in the sidebar, each item of a list a page.

So the index that people read in the repository is the only one, and a page that it lacks is a warning of Sphinx.
"""

import re

from sphinx.application import Sphinx

_GROUP = re.compile(r"^## (.+)\n((?:(?!## ).*\n)+)", re.MULTILINE)
#: An item of a list, with its colon: on the site its link is a line of its own.
_ITEM = re.compile(r"^(- \[.+?\]\(.+?\)): (.)", re.MULTILINE)
_PAGE = re.compile(r"^- \[(.+?)\]\((.+?)\.md\)", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("source-read", _add_contents)
    app.connect("html-page-context", _style_the_index)
    return {"parallel_read_safe": True}


def _add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    if page == app.config.root_doc:
        contents = [_toctree(title, _PAGE.findall(text)) for title, text in _GROUP.findall(source[0])]
        source[0] = "".join([_ITEM.sub(lambda item: f"{item[1]} {item[2].upper()}", source[0]), *contents])


def _toctree(title: str, pages: list[tuple[str, str]]) -> str:
    lines = [f"{name.replace('`', '')} <{path}>" for name, path in pages]
    return "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *lines, "```", ""])


def _style_the_index(app: Sphinx, page: str, *_: object) -> None:
    if page == app.config.root_doc:
        app.add_css_file("index.css")
