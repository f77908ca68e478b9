"""Pictures that a page names in HTML of its own, as the README does, that Sphinx passes on as it is: they have to be there."""

import shutil

from sphinx.application import Sphinx

_FOLDER = "docs/pictures"


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("build-finished", _copy)
    return {"parallel_read_safe": True}


def _copy(app: Sphinx, error: Exception | None) -> None:
    if error is None:
        shutil.copytree(app.srcdir / _FOLDER, app.outdir / _FOLDER, dirs_exist_ok=True)
