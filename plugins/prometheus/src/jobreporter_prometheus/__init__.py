"""Background jobs as Prometheus metrics, whatever the job queue: the reporter `prometheus` for jobreporter."""

from jobreporter_prometheus._options import KnownJob, PrometheusOptions
from jobreporter_prometheus._reporter import PrometheusReporter

__all__ = ["KnownJob", "PrometheusOptions", "PrometheusReporter"]
