"""Recall and false alarms of each half: ``python -m tests.core.redaction_corpus [--show]``.

``--show`` names what was missed and what was taken.
"""

from __future__ import annotations

import sys

from tests.core.redaction_corpus import figures, load, reported

for half, pattern in (("seen", "seen_*.toml"), ("unseen", "unseen*.toml")):
    found = reported(load(pattern))
    sums = figures(found)
    print(  # noqa: T201 - it prints figures
        f"{half}: {sums.cases} cases; recall {sums.recall:.1%} ({sums.leaked} of {sums.secrets} secrets shown),"
        f" false alarms {sums.false_alarms:.1%} ({sums.taken} of {sums.kept} taken)"
    )
    if "--show" in sys.argv[1:]:
        for each in found:
            if each.leaked or each.taken:
                print(f"  {each.case.name}: shown {each.leaked}, taken {each.taken}")  # noqa: T201 - as above
