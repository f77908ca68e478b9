"""The documentation as a site: `nox -s docs` builds it into site/, with no network, and every warning is an error.

The repository is the source, so that each page reads on the site as it does in the repository, its links included, and a
page's address is its path there. What docs/README.md lists is what the site has.
"""

import os
import sys
from pathlib import Path

from jobreporter import __version__

sys.path.insert(0, str(Path(__file__).parent))

project = "jobreporter"
version = release = __version__
copyright = "the authors of jobreporter, MIT licensed"  # noqa: A001 - Sphinx calls it so
html_title = f"jobreporter {version}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "_site.contents",
    "_site.docstrings",
    "_site.drawings",
    "_site.pictures",
]
root_doc = "docs/README"
include_patterns = ["*.md", "docs/**.md", "examples/*.md", "plugins/*/README.md"]
# Nothing else of the repository is even looked through.
exclude_patterns = [".*", "benchmarks", "core", "dist", "docs/_site", "plugins/*/src", "site", "tests"]
templates_path = ["_site/templates"]

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
add_module_names = False
# Beyond that, each argument has a line of its own.
maximum_signature_line_length = 72
# Docstrings are written for readers of the code: one backtick there is a name, which is a link if the site has it.
default_role = "py:obj"

html_theme = "furo"
pygments_dark_style = "monokai"
html_static_path = ["_site/static"]
html_css_files = ["site.css"]
html_favicon = "_site/static/icon.svg"
html_additional_pages = {"index": "redirect.html"}
# The version whose folder this is to have beside others', if it is to be published: see _site/versions.py.
html_context = {"published": os.environ.get("PUBLISHED_VERSION")}
# Furo's own, and the list of versions at the bottom.
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
        "versions.html",
    ]
}
html_copy_source = False
html_show_sphinx = False
