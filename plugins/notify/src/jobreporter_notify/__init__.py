"""Tells people which jobs need them: the reporter `notify` for jobreporter, beside `jobreporter-history`."""

from jobreporter_notify._options import NotifyOptions
from jobreporter_notify._reporter import NotifyReporter

__all__ = ["NotifyOptions", "NotifyReporter"]
