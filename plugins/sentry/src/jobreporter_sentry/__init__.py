"""Reports background jobs to Sentry, whatever their queue: failures, aborted jobs, and check-ins."""

from jobreporter_sentry._options import Interval, Monitor, SentryOptions
from jobreporter_sentry._reporter import SentryReporter

__all__ = ["Interval", "Monitor", "SentryOptions", "SentryReporter"]
