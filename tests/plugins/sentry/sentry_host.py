"""An application that makes its own Sentry client when it is imported, with an integration for its job queue."""

from __future__ import annotations

import sentry_sdk
from sentry_sdk.integrations.huey import HueyIntegration

from jobreporter_sentry import SentryReporter

sentry_sdk.init(
    "http://public@127.0.0.1:9/1",
    integrations=[HueyIntegration()],
    default_integrations=False,
    auto_enabling_integrations=False,
)

__all__ = ["SentryReporter"]
