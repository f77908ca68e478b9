"""Reports background jobs to Pigeon, whatever their queue."""

from jobreporter_pigeon._options import PigeonOptions
from jobreporter_pigeon._reporter import PigeonReporter

__all__ = ["PigeonOptions", "PigeonReporter"]
