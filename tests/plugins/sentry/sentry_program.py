"""Programs with a Sentry of their own, each run by a test in a process of its own: ``python sentry_program.py NAME``.

sentry-sdk's integrations change the job queue's classes for good, and forks are better not made of the tests themselves.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import sentry_sdk

from jobreporter import Dispatcher
from jobreporter.testing import make_event
from jobreporter_sentry import SentryReporter, _forks

OWN, HOST = os.environ.get("OWN_DSN"), os.environ.get("HOST_DSN")


def make_dispatcher() -> Dispatcher:
    options = {} if OWN is None else {"dsn": OWN}
    return Dispatcher(reporters={"sentry": SentryReporter}, config={"reporters": {"sentry": options}})


def huey() -> None:
    """A huey job fails, while sentry-sdk's integration for huey may be active."""
    from huey import MemoryHuey
    from huey.exceptions import TaskException
    from sentry_sdk.integrations.huey import HueyIntegration

    from jobreporter.sources.huey import attach

    if HOST is not None:
        sentry_sdk.init(
            HOST, integrations=[HueyIntegration()], default_integrations=False, auto_enabling_integrations=False
        )
    dispatcher = make_dispatcher()
    queue = MemoryHuey()
    attach(queue, dispatcher)

    @queue.task()
    def charge() -> None:
        raise ValueError("no funds")

    for _ in range(2):
        charge()
        task = queue.dequeue()
        try:
            queue.execute(task)
        except TaskException:
            pass
    lost = make_event("failure", kind="worker_lost", error=make_event("failure").error.__class__(type="WorkerLost"))
    dispatcher.publish(lost)
    assert dispatcher.close(10.0)
    sentry_sdk.flush(10.0)


def fork() -> None:
    """Parent and child each report a failure before and after the fork."""
    if HOST is not None:
        sentry_sdk.init(HOST, default_integrations=False, auto_enabling_integrations=False)
    dispatcher = make_dispatcher()
    report(dispatcher, "parent, before")
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        report(dispatcher, "child")
        assert dispatcher.close(10.0)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    report(dispatcher, "parent, after")
    if HOST is not None:
        fork_in_before_send(dispatcher)
    assert dispatcher.close(10.0)


def fork_in_before_send(dispatcher: Dispatcher) -> None:
    """The program's ``before_send`` takes longer than a fork waits. What its thread holds is nobody's in the child."""
    entered, leave, parent = threading.Event(), threading.Event(), os.getpid()

    def before_send(event: Any, _hint: object) -> Any:
        if os.getpid() == parent:
            entered.set()
            leave.wait()
        return event

    sentry_sdk.get_client().options["before_send"] = before_send
    _forks._PATIENCE = 0.01
    fail(dispatcher, "parent, late")
    entered.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        threading.Thread(
            target=leave.wait, daemon=True
        ).start()  # or the reporter's thread gets the number of the parent's
        report(dispatcher, "child, early")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    leave.set()


def fork_in_flush() -> None:
    """The program forks while its client is being flushed, against a Sentry that hangs, and the children use the client."""
    sentry_sdk.init(HOST, default_integrations=False, auto_enabling_integrations=False)
    dispatcher = make_dispatcher()
    dispatcher.publish(make_event("failure"))
    flushing = threading.Thread(target=dispatcher.flush, args=[3.5])
    flushing.start()
    for _ in range(5):
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            sentry_sdk.capture_message("of the child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, "the child hung"
    assert flushing.is_alive(), "no child was forked during the flush"
    os._exit(0)


def fork_before_sent() -> None:
    """The program forks while its client has an event on the way, and another that waits; the child uses the client."""
    sentry_sdk.init(HOST, default_integrations=False, auto_enabling_integrations=False)
    dispatcher = make_dispatcher()
    fail(dispatcher, "on the way")
    fail(dispatcher, "waiting")
    while dispatcher.stats()["sentry"].handled < 2:
        time.sleep(0.01)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        sentry_sdk.capture_event({"transaction": "of the child"})
        sentry_sdk.flush(10.0)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert dispatcher.close(10.0)


def report(dispatcher: Dispatcher, name: str) -> None:
    fail(dispatcher, name)
    assert dispatcher.flush(10.0)


def fail(dispatcher: Dispatcher, name: str) -> None:
    execution = dispatcher.begin(name)
    execution.fail(ValueError(name))
    execution.stop()


PROGRAMS: dict[str, Callable[[], None]] = {
    program.__name__: program for program in (huey, fork, fork_in_flush, fork_before_sent)
}


if __name__ == "__main__":
    logging.basicConfig()
    logging.getLogger("jobreporter.sentry").setLevel(logging.INFO)
    PROGRAMS[sys.argv[1]]()
