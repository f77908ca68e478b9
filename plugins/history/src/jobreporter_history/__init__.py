"""What every background job did, kept: the reporter `history` for jobreporter. `jobreporter_history.store` reads it."""

from jobreporter_history._options import HistoryOptions
from jobreporter_history._reporter import HistoryReporter

__all__ = ["HistoryOptions", "HistoryReporter"]
