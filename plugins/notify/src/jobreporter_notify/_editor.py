"""Makes messages out of notices."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from jobreporter_history.store import Notice, Store, Term
from jobreporter_notify import _several
from jobreporter_notify._message import Message, bounded
from jobreporter_notify._options import NotifyOptions
from jobreporter_notify._template import Template
from jobreporter_notify._times import Clockface
from jobreporter_notify._words import KINDS, Beside, fields_of

# Seconds that looking for a job's last success may take.
_BUDGET = 0.5


class Editor:
    """page: the address of the page that messages link to."""

    def __init__(self, store: Store, options: NotifyOptions, page: str | None) -> None:
        self._store = store
        self._page = page
        self._wait = options.wait
        self._zone = ZoneInfo(options.timezone)
        self._title, self._body = Template(options.title), Template(options.body)

    def message(self, notices: Sequence[Notice]) -> Message:
        """One message about one notice, or about all of them. Raises StoreError."""
        clock = Clockface(self._zone, self._store.now())
        if len(notices) > 1:
            return _several.message_about(notices, clock, self._page, self._wait)
        [notice] = notices
        happening = notice.row.happening
        waited = 0.0 if happening == "missed" else self._wait
        last = None if happening == "resolved" else self._last_success(notice)
        fields = fields_of(notice, Beside(clock, last, self._page, waited))
        # A service refuses a message without a title or a body.
        title = self._title.render(fields).replace("\n", " ") or fields["what"]
        return bounded(title, self._body.render(fields) or fields["since"], KINDS.get(happening, "bad"))

    def _last_success(self, notice: Notice) -> float | None:
        incident = notice.incident
        terms = [
            Term("name", incident.job),
            Term("service", incident.service),
            Term("environment", incident.environment),
            Term("outcome", "success"),
        ]
        rows = self._store.executions(terms, limit=1, budget=_BUDGET).rows
        return rows[0].ended_at if rows else None
