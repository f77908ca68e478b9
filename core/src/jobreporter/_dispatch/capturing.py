"""How a dispatcher captures jobs and their errors, as the config's ``[capture]`` says."""

from __future__ import annotations

from jobreporter._capture.arguments import ArgumentCapture
from jobreporter._capture.errors import capture_error
from jobreporter._capture.raw_error import RawError
from jobreporter._config.settings import CaptureSettings
from jobreporter._publish.execution import CaptureError
from jobreporter._publish.job_maker import JobMaker


def capturing(settings: CaptureSettings) -> tuple[JobMaker, CaptureError]:
    """What makes jobs, and what captures exceptions. Both know the same secrets."""
    arguments = ArgumentCapture(settings)
    redaction, with_locals = arguments.redaction, settings.locals

    def capture(error: BaseException, secrets: tuple[str, ...]) -> RawError:
        return capture_error(error, redaction, secrets, with_locals)

    return JobMaker(arguments), capture
