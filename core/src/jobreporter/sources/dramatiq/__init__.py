"""Dramatiq: reports what its workers do with jobs.

``attach(broker)`` goes where the broker is made; so does ``broker.add_middleware(Reporting())``, which is the same. It is
harmless in processes that only enqueue: reporters start in each process that runs jobs, when its worker boots.
"""

from __future__ import annotations

import atexit
import functools
import multiprocessing
import sys
from multiprocessing.util import Finalize
from threading import get_ident
from typing import Any

from jobreporter import Abort, ConfigError, Dispatcher, JobReporterError
from jobreporter.sourcekit import LazyDispatcher, Library, harmless

LIBRARY = Library("Dramatiq", "dramatiq", (1, 17), version_in=("dramatiq", "__version__"), attached_by="attach(broker)")

try:
    from dramatiq import Actor, Broker, GenericActor, Message, MessageProxy, Worker
    from dramatiq import __version__ as found
    from dramatiq.errors import ActorNotFound
    from dramatiq.middleware import Interrupt, Middleware, MiddlewareError

    from jobreporter.sources.dramatiq._messages import delayed, job_fields, stamp, undeclared_fields
    from jobreporter.sources.dramatiq._run import Run
except ImportError as error:
    raise LIBRARY.refusal() from error
LIBRARY.check(found)


class StartRefused(ConfigError, MiddlewareError):  # noqa: N818 - what it is is a ConfigError
    """The `ConfigError` that a `Worker` raises when it is started. Dramatiq lets no other kind out of a hook."""


class AttachedTwice(JobReporterError, MiddlewareError):  # noqa: N818 - names what is wrong
    """Two of them watch one broker."""


def attach(broker: Broker, dispatcher: Dispatcher | None = None) -> None:
    """Report what becomes of this broker's jobs. Call it once, where the broker is made.

    - ``broker``: the broker, of any kind.
    - ``dispatcher``: one of the program's own, which it closes itself. By default one is built from the config when a
      worker boots; a config that can't be used ends the worker there, with a `ConfigError`, before it takes a job.

    Raises TypeError for what is no broker, and `JobReporterError` for one that is attached already.
    """
    LIBRARY.expect(broker, Broker, "a Dramatiq broker")
    if is_attached(broker):
        raise _attached_twice(broker)
    # Ahead of the others its hooks run outside the job's time limit, which TimeLimit sets and takes away again.
    first = type(broker.middleware[0]) if broker.middleware else None
    broker.add_middleware(Reporting(dispatcher), before=first)


def is_attached(broker: Broker) -> bool:
    """Whether this broker's jobs are reported."""
    return any(isinstance(middleware, Reporting) for middleware in broker.middleware)


class Reporting(Middleware):
    """Dramatiq's way to switch it on: ``broker.add_middleware(Reporting())``, in any place.

    An execution starts when the actor is called, once all other middleware has let the message pass; it ends when the
    message is about to be acknowledged, once all other middleware has decided what becomes of it. Time limits and
    shutdowns are raised into the thread from outside, by Dramatiq, and may land anywhere in here: they go their way, and
    whatever they leave undone, the next hook does.
    """

    def __init__(self, dispatcher: Dispatcher | None = None) -> None:
        self._dispatcher = LazyDispatcher(dispatcher, source="dramatiq")
        #: What each thread does now, which is one thing. Several may work on messages with the same id.
        self._runs: dict[int, Run] = {}

    # A job, from start to end

    @harmless
    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """A thread has taken it. Other middleware may still drop it."""
        self._run_of(broker, message)

    def after_declare_actor(self, broker: Broker, actor: Actor[Any, Any] | str) -> None:
        """Stand for the actor's function. What it is called by, Dramatiq or other code, shows when it is called."""
        if isinstance(actor, str):  # so Dramatiq 1 speaks of those that were declared before the middleware was added
            actor = broker.get_actor(actor)
        name, inside = actor.actor_name, actor.fn

        # The names of the arguments are those of the method that a class-based actor defines.
        @functools.wraps(inside.perform if isinstance(inside, GenericActor) else inside)
        def fn(*args: Any, **kwargs: Any) -> Any:
            run = self._runs.get(get_ident())
            if run is None or run.begun or run.message.actor_name != name:
                return inside(*args, **kwargs)
            run.begin()
            try:
                return inside(*args, **kwargs)
            except Abort as abort:
                raise run.given_up(abort) from abort
            except BaseException as error:
                run.raised(error)
                raise

        actor.fn = fn

    @harmless
    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Comes a second time, with an exception, if one is raised while the hooks after a success run."""
        self._run_of(broker, message).settle(exception)

    @harmless
    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """Dramatiq doesn't hand over what was raised, but it is still at it."""
        self._run_of(broker, message).settle(sys.exc_info()[1])

    @harmless
    def before_ack(self, broker: Broker, message: MessageProxy) -> None:
        """The last of a message, unless it is the delayed copy of one, which no thread has processed."""
        ident = get_ident()
        run = self._runs.get(ident)
        if run is None or run.message is not message:
            return
        if not run.over:
            # Something was raised while the hooks ran that should have told, and is still on its way.
            run.settle(sys.exc_info()[1])
        try:
            run.end()
        except Interrupt:  # of a job that is over: it may take the thread along, but not the report
            run.end()
            raise
        finally:
            self._runs.pop(ident, None)

    @harmless
    def before_nack(self, broker: Broker, message: MessageProxy) -> None:
        """It goes to the dead letters: after its job, or at once where nobody has declared its actor."""
        if message.actor_name in broker.actors:
            self.before_ack(broker, message)
        elif (dispatcher := self._dispatcher.get()) is not None:
            execution = dispatcher.resume(strict=False, **undeclared_fields(broker, message))
            error = ActorNotFound(message.actor_name)  # type: ignore[no-untyped-call]  # Dramatiq has left it out
            execution.fail(error, will_retry=False)
            execution.stop()

    def _run_of(self, broker: Broker, message: MessageProxy) -> Run:
        """What this thread does with the message."""
        ident = get_ident()
        run = self._runs.get(ident)
        if run is None or run.message is not message:
            if run is not None:
                run.end()
            run = self._runs[ident] = Run(message)
        if run.execution is None and (dispatcher := self._dispatcher.get()) is not None:
            run.execution = dispatcher.resume(strict=False, **job_fields(broker, message))
        return run

    # A message, before that

    @harmless
    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """In any process, and again for each retry."""
        stamp(message)

    @harmless
    def after_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """A thread that enqueues the message that it works on will see it again."""
        run = self._runs.get(get_ident())
        if run is not None and run.message.message_id == message.message_id:
            run.enqueued_again(delay)

    @harmless
    def before_delay_message(self, broker: Broker, message: MessageProxy) -> None:
        """It waits in this worker's memory until it is due."""
        delayed(message)

    # A worker, from start to end

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """In each process, before any thread takes a job."""
        try:
            if any(isinstance(middleware, Reporting) and middleware is not self for middleware in broker.middleware):
                raise _attached_twice(broker)
            self._dispatcher.prepare(worker)
        except JobReporterError as error:
            if _in_child():
                # What its processes print reaches Dramatiq's command through a pipe, which it may leave unread at the end.
                print(error, file=sys.__stderr__, flush=True)
                raise SystemExit(1) from None
            if isinstance(error, ConfigError):
                raise StartRefused(error.faults) from None
            raise
        if _in_child():
            # At a second SIGTERM the process ends without any further hook. Up to Python 3.12 a forked one runs no atexit;
            # since then its finalizers come last, when the dispatcher is closed.
            atexit.register(self._end)
            Finalize(None, self._end, exitpriority=0)
        self._dispatcher.start(worker)

    def after_worker_shutdown(self, broker: Broker, worker: Worker | None) -> None:
        """Its threads have ended, or had their time. Another worker of this process may go on."""
        self._end(worker)

    @harmless
    def _end(self, worker: Worker | None = None) -> None:
        """What still runs doesn't count any more: its message is not acknowledged, so Dramatiq delivers it again.

        worker: the one that ends; ``None``: the whole process does.
        """
        idents = list(self._runs) if worker is None else [thread.ident for thread in worker.workers]
        for ident in idents:
            if ident is not None and (run := self._runs.get(ident)):
                run.end()  # it stays with its thread, which may come to its end after all
        self._dispatcher.end(None if worker is None else [worker], forked=_in_child())


def _attached_twice(broker: Broker) -> AttachedTwice:
    return AttachedTwice(f"attach() was called twice for {broker!r}: every event would come twice")


def _in_child() -> bool:
    """Whether this process is one of those that Dramatiq's command started."""
    return multiprocessing.parent_process() is not None
