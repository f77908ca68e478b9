"""Reports background jobs to Honeybadger, whatever their queue: errors, check-ins, and Insights events."""

from jobreporter_honeybadger._options import HoneybadgerOptions
from jobreporter_honeybadger._reporter import HoneybadgerReporter

__all__ = ["HoneybadgerOptions", "HoneybadgerReporter"]
