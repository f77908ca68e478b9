"""The tables of docs/sources, from what the tests expect: ``python tests/sources/compatibility.py`` writes them."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from suites import SUITES, Suite

from jobreporter.testing import outcomes_table, reasons_table

DOCS = Path(__file__).parents[2] / "docs" / "sources"
#: The page of all, and one for each job queue, with the suites that it shows.
PAGES: dict[Path, list[type[Suite]]] = {
    DOCS / "README.md": list(SUITES),
    **{
        DOCS / f"{name.lower()}.md": [suite for suite in SUITES if suite.queue == name]
        for name in dict.fromkeys(suite.queue for suite in SUITES)
    },
}
TABLES = {"outcomes": outcomes_table, "reasons": reasons_table}


def with_tables(page: Path) -> str:
    """The page with its tables as they should be."""
    text = page.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->\n")
        text = f"{before}{begin}{table(*PAGES[page])}\n{end}{after}"
    return text


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(with_tables(path), encoding="utf-8")
