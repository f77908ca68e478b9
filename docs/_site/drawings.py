"""Mermaid's drawings, drawn while the site is built: a reader needs no script and no network to see them."""

import mmdr
from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("doctree-read", _draw)
    # Pygments has no colours for a crontab.
    app.add_lexer("crontab", TextLexer)
    return {"parallel_read_safe": True}


def _draw(_: Sphinx, page: nodes.document) -> None:
    for block in page.findall(nodes.literal_block):
        if block.get("language") == "mermaid":
            drawing = f'<div class="drawing">{mmdr.render(block.astext()).svg()}</div>'
            block.replace_self(nodes.raw("", drawing, format="html"))
