"""What every reporter owes its hosts, as tests that a reporter's own suite runs."""

from __future__ import annotations

from jobreporter.testing._reporter._crashes import CrashCases
from jobreporter.testing._reporter._events import EventCases
from jobreporter.testing._reporter._host import HostCases
from jobreporter.testing._reporter._leftovers import LeftoverCases
from jobreporter.testing._reporter._secrets import SecretCases
from jobreporter.testing._reporter._vendor import VendorCases


class ReporterConformance(EventCases, VendorCases, CrashCases, SecretCases, LeftoverCases, HostCases):
    """Derive a class whose name begins with ``Test``, and say which reporter it is; pytest does the rest::

        class TestPager(ReporterConformance):
            reporter = "pager"
            not_provided = {"test_it_follows_no_redirect": "our vendor moves accounts between hosts"}

            def options(self):
                return {"url": self.stand_in.url, "token": "not a real one"}

    reporter: the name of its entry point, or ``module:attribute`` as ``use`` has it in the config; it must be possible to
    import it in a fresh process. options: what its table in the config says; ``self.stand_in`` is a `StandIn` to send to,
    and ``self.folder`` an empty folder to write to, both new for each test. not_provided: the names of cases that the
    reporter doesn't fulfil, each with the reason, for its users to read; they are not collected. A name that no case has
    is a `TypeError`. import_seconds: the time of the processor that its import may take.
    """
