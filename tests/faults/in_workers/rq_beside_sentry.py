"""The settings of RQ's worker in the sources' tests, with Sentry's own integration beside them: ``rq worker -c`` loads it.

SENTRY_DSN says where that reports to, and the reporter goes through the same client.
"""

from __future__ import annotations

import sentry_sdk
from rq_app import REDIS_URL
from sentry_sdk.integrations.rq import RqIntegration

from jobreporter_sentry import SentryReporter

sentry_sdk.init(integrations=[RqIntegration()], default_integrations=False, auto_enabling_integrations=False)

__all__ = ["REDIS_URL", "SentryReporter"]
