"""One message about many incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from jobreporter_history.store import Happening, Notice
from jobreporter_notify._message import Message, bounded
from jobreporter_notify._times import Clockface, count, span
from jobreporter_notify._words import HAPPENINGS, what

# Lines of the list; more of them nobody reads on a phone.
_LISTED = 10
_URGENCY: tuple[Happening, ...] = ("missed", "regressed", "opened", "worse", "reminded", "resolved")
_PUNCTUAL = 120.0


def message_about(notices: Sequence[Notice], clock: Clockface, page: str | None, waited: float) -> Message:
    """How many there are of what, and what needs somebody first. Of each incident, what happened last."""
    latest = list({notice.row.incident: notice for notice in notices}.values())
    counts = Counter(notice.row.happening for notice in latest)
    latest.sort(key=lambda notice: (_URGENCY.index(notice.row.happening), -notice.incident.failed))
    summary = ", ".join(f"{counts[each]} {HAPPENINGS[each].lower()}" for each in _URGENCY if counts[each])
    lines = [_line(notice) for notice in latest[:_LISTED]]
    if len(latest) > _LISTED:
        lines.append(f"and {len(latest) - _LISTED} more")
    late = clock.now - min(notice.row.at for notice in notices) - waited
    if late > _PUNCTUAL:
        over = sum(each.incident.state == "resolved" and each.row.happening != "resolved" for each in latest)
        by_now = f" By now {over:,} of them {'is' if over == 1 else 'are'} resolved." if over else ""
        lines.append(f"Late by up to {span(late)}: they could not be told before.{by_now}")
    if page is not None:
        lines.append(f"{page.rstrip('/')}/incidents")
    good = all(notice.row.happening == "resolved" for notice in latest)
    return bounded(f"{count(len(latest), 'incident')}: {summary}", "\n".join(lines), "good" if good else "bad")


def _line(notice: Notice) -> str:
    happening = notice.row.happening
    failures = "" if happening == "missed" else f", {count(notice.incident.failed, 'failure')}"
    return f"- {HAPPENINGS[happening]}: {what(notice)}{failures}"
