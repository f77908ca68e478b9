"""A failure with every fact that there may be, for the tests and for the sample in the README."""

from __future__ import annotations

from jobreporter import ErrorInfo, Failure, Frame, Job

CONTEXT = {"service": "shop", "environment": "production", "release": "4f2a9c1"}

REFUSED = ErrorInfo(
    type="builtins.ConnectionRefusedError",
    message="[Errno 111] Connection refused",
    frames=(
        Frame(
            filename="/srv/shop/.venv/lib/python3.12/site-packages/smtp/pool.py",
            lineno=88,
            function="Pool.get",
            module="smtp.pool",
            line="sock.connect(self.address)",
        ),
    ),
)

FAILURE = Failure(
    job=Job(
        id="7c1e",
        execution_id="7c1e:2",
        name="reports.nightly",
        source="celery",
        queue="mail",
        args=(2026,),
        kwargs={"to": "ann@example.org", "token": "[redacted]"},
        attempt=2,
        max_attempts=5,
        enqueued_at=1_700_000_000.0,
        worker="web-3:4711",
        correlation_id="req-91",
    ),
    at=1_700_000_002.5,
    error=ErrorInfo(
        type="shop.errors.NotSent",
        message="no mail to ann@example.org",
        frames=(
            Frame(
                filename="/srv/shop/shop/reports.py",
                lineno=41,
                function="nightly",
                module="shop.reports",
                line="send(render(year), to)",
            ),
            Frame(
                filename="/srv/shop/shop/mail.py",
                lineno=17,
                function="send",
                module="shop.mail",
                line='raise NotSent(f"no mail to {to}") from error',
            ),
        ),
        cause=REFUSED,
    ),
    will_retry=True,
    retry_delay=30.0,
    duration=1.24,
    queue_wait=1.26,
    tags={"customer": "acme"},
)
