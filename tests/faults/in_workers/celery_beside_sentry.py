"""The Celery application of the sources' tests, as one that also has Sentry's own integration: ``celery -A`` loads it.

SENTRY_DSN says where that reports to, and the reporter goes through the same client.
"""

from __future__ import annotations

import sentry_sdk
from celery_app import app
from sentry_sdk.integrations.celery import CeleryIntegration

from jobreporter_sentry import SentryReporter

sentry_sdk.init(integrations=[CeleryIntegration()], default_integrations=False, auto_enabling_integrations=False)

__all__ = ["SentryReporter", "app"]
