"""What the cases share: benches that are killed after each test, and what is expected of a kind of worker."""

from __future__ import annotations

import time
from typing import Any, ClassVar, NamedTuple

from jobreporter.testing._calls import Call
from jobreporter.testing._source._bench import CONFIG, WorkerBench, executions
from jobreporter.testing._source._meanings import CASES, UNDISTURBED, Execution


class Told(NamedTuple):
    """What a worker that nobody disturbed has told of all its jobs."""

    #: When the jobs were about to be sent, and when the worker had ended (Unix seconds).
    began: float
    ended: float
    calls: list[Call]
    #: The calls that brought events, by case.
    events: dict[str, list[Call]]

    def executions(self, case: str) -> list[Execution]:
        """What was reported of one job, execution by execution."""
        return executions([call.meta for call in self.events.get(case, []) if call.meta is not None])


class SourceCases:
    """The base of all cases."""

    #: The job queue and the kind of its workers, for the table.
    queue: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    #: Cases that can't happen, or can't be seen, each with the reason.
    not_observable: ClassVar[dict[str, str]] = {}
    #: What is reported in place of what the case says, because no source can do better here.
    reported_instead: ClassVar[dict[str, tuple[Execution, ...]]] = {}

    _benches: list[WorkerBench]
    # What the one worker has told that all undisturbed cases look at, and why it has told nothing.
    _told: ClassVar[Told | None] = None
    _untold: ClassVar[str | None] = None

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for name in ("not_observable", "reported_instead"):
            # What a base says of all kinds of workers holds for each.
            said = {case: value for base in reversed(cls.__mro__) for case, value in vars(base).get(name, {}).items()}
            for case in said:
                if case not in CASES:
                    raise TypeError(f"{cls.__name__}.{name}: there is no case {case!r}")
            setattr(cls, name, said)
        for case in cls.not_observable:
            setattr(cls, f"test_{case}", None)  # pytest collects what can be called
        cls._told = cls._untold = None

    def open(self, config: str) -> WorkerBench:
        """The bench of this test, in a folder of its own, with an empty queue.

        config: the text of its ``jobreporter.toml``, for the constructor of `WorkerBench`.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how its bench is opened")

    @classmethod
    def expected(cls, case: str) -> list[Execution]:
        """What this kind of worker must report of a case."""
        return list(cls.reported_instead.get(case, CASES[case].executions))

    def setup_method(self) -> None:
        """Called by pytest before each test."""
        self._benches = []

    def teardown_method(self) -> None:
        """Called by pytest after each test."""
        for bench in self._benches:
            bench.kill()

    def bench(self, config: str = CONFIG) -> WorkerBench:
        """A bench whose worker is killed after the test, if it hasn't ended."""
        bench = self.open(config)
        self._benches.append(bench)
        return bench

    def undisturbed(self) -> Told:
        """What the one worker has told that has been through all undisturbed cases: one run for all tests."""
        cls = type(self)
        if cls._untold is not None:
            raise AssertionError(f"the worker that is to go through all cases did not: {cls._untold}")
        if cls._told is None:
            cls._untold = "it was interrupted"
            try:
                cls._told = self._run_undisturbed()
            except Exception as error:
                cls._untold = str(error)
                raise
            cls._untold = None
        return cls._told

    def _run_undisturbed(self) -> Told:
        bench = self.bench()
        names = [case.name for case in UNDISTURBED if case.name not in self.not_observable]
        began = time.time()
        heirs = [name for name in names if name == "inherited"]
        bench.send(*(name for name in names if name not in heirs))
        bench.send_from_a_job(*heirs)
        bench.start(workers=2)
        bench.wait_for_stops({name: len(self.expected(name)) for name in names})
        bench.stop()
        calls = bench.calls()
        events: dict[str, list[Call]] = {}
        for call in calls:
            if call.meta is not None:
                events.setdefault(bench.case_of(call.meta.job), []).append(call)
        return Told(began, time.time(), calls, events)

    def check(self, bench: WorkerBench, job: str, case: str) -> None:
        """What was reported of a job is what the case says of this kind of worker."""
        same(bench.executions(job), self.expected(case), CASES[case].says)


def same(found: object, expected: object, says: str) -> None:
    """The two are equal; an AssertionError says which is which, whether pytest rewrites this module or not."""
    assert found == expected, f"{says}\nreported: {found}\nexpected: {expected}"
