"""Whatever a job is given and whatever it raises, what is kept is plain, bounded, and without its secrets."""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from jobreporter import ErrorInfo, Execution, Job
from jobreporter._capture.arguments import ArgumentCapture
from jobreporter._capture.bounds import NARROW, NODE, WIDE
from jobreporter._capture.errors import capture_error
from jobreporter._capture.held import LONGEST
from jobreporter._config.settings import CaptureSettings
from jobreporter._dispatch.measure import NOT_PLAIN, measure
from jobreporter._publish.ending import Ending
from jobreporter._publish.job_maker import JobMaker
from jobreporter._system.clock import SYSTEM
from tests.core.capture.hostile import CANARY, SECRET_NAMES, Kitchen, Recipe, recipes

Mode = Literal["hidden", "redacted", "full"]


def maker(mode: Mode = "redacted") -> JobMaker:
    return JobMaker(ArgumentCapture(CaptureSettings(args=mode)))


@given(
    st.lists(recipes, max_size=5),
    st.dictionaries(st.text(st.characters(), max_size=8), recipes, max_size=5),
    st.lists(st.sampled_from(["number", "token"]), max_size=3).map(tuple),
    st.sampled_from(["hidden", "redacted", "full"]),
)
def test_any_arguments_make_a_job_that_every_codec_takes(
    args: list[Recipe], kwargs: dict[str, Recipe], names: tuple[str, ...], mode: Mode
) -> None:
    """A job is plain, bounded and without secrets, and nothing that it was given is asked for more than a repr."""
    kitchen = Kitchen()
    given_args = [kitchen.build(each) for each in args]
    given_kwargs = {name: kitchen.build(each) for name, each in kwargs.items()}
    kitchen.open()
    fields: dict[str, Any] = {"args": given_args, "kwargs": given_kwargs, "argument_names": names}
    captured = maker(mode).make("reports.nightly", None, fields)
    assert kitchen.asked == []
    assert_taken_by_codecs(captured.job)
    bounds = WIDE if mode == "full" else NARROW
    size = roughly(captured.job.args) + roughly(captured.job.kwargs)
    assert size <= bounds.total + 5_000, "what comes on top are marks, and one text that began within the bounds"
    if mode != "full":
        assert CANARY not in repr(captured.job)


def roughly(data: Any) -> int:
    """The size of plain data as its bounds count it: characters, and something for each item."""
    if isinstance(data, str):
        return len(data)
    if isinstance(data, dict):
        return sum(2 * NODE + roughly(key) + roughly(value) for key, value in data.items())
    return sum(NODE + roughly(each) for each in data) if isinstance(data, list | tuple) else 0


def assert_taken_by_codecs(record: Any) -> None:
    """It is the same after a journey; lists and tuples are one for a codec."""
    for codec in (msgspec.msgpack, msgspec.json):
        encoded = codec.encode(record)
        assert codec.encode(codec.decode(encoded, type=type(record))) == encoded


texts = st.none() | st.text(st.characters(), max_size=20) | st.just("long" * 500)


@settings(max_examples=50)
@given(texts, texts, texts, texts, recipes)
def test_names_and_ids_may_be_any_text(name: str, job_id: str, queue: str, parent: str, extra: Recipe) -> None:
    """A name with a lone surrogate, as file names have them, or of any length, breaks no codec."""
    kitchen = Kitchen()
    fields: dict[str, Any] = {"id": job_id, "queue": queue, "parent_id": parent, "extra": {"it": kitchen.build(extra)}}
    kitchen.open()
    job = maker().make(name or "", None, fields).job
    assert_taken_by_codecs(job)
    assert all(len(text) < 1_100 for text in (job.name, job.id, job.queue or "", job.parent_id or ""))


@given(recipes)
def test_what_is_no_name_becomes_plain(value: Recipe) -> None:
    """A queue or an id that is no text at all keeps none of the job's objects alive."""
    kitchen = Kitchen()
    queue, job_id = kitchen.build(value), kitchen.build(Recipe("str", "id", True))
    kitchen.open()
    job = maker().make("a", None, {"queue": queue, "correlation_id": job_id}, strict=False).job
    assert kitchen.asked == []
    assert type(job.correlation_id) is str
    assert job.queue is None or type(job.queue) is str


@given(st.dictionaries(st.text(st.characters(categories=["L"]), max_size=5), recipes, max_size=3), recipes)
def test_tags_and_reasons_are_text(tags: dict[str, Recipe], reason: Recipe) -> None:
    """Whatever a job tags itself with, or gives as its reason, is bounded text."""
    kitchen = Kitchen()
    published: list[Any] = []
    execution = Execution(maker().make("a", None, {}), published.append, lambda *_: None, SYSTEM)  # type: ignore[arg-type,return-value]
    execution.tag(**{name: kitchen.build(each) for name, each in tags.items()})
    execution.abort(kitchen.build(reason))
    execution.stop()
    (ending,) = published
    assert isinstance(ending, Ending)
    assert_taken_by_codecs(ending.outcome)
    assert measure(ending.outcome.tags) < 2_000 * (1 + len(tags))  # type: ignore[union-attr]


# Errors. A recipe for one says what it is made of, and which others of a pool it refers to, itself among them.

SAYS = (
    "nothing",
    "text",
    "its arguments",
    "no text",
    "a lie",
    "raises",
    "for ever",
    "enormously",
    "in surrogates",
    "a secret",
)


class ErrorRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """How to build one exception. members, cause and context: numbers of others in the pool."""

    says: str
    argument: Recipe
    notes: list[Recipe] | Recipe | None
    members: list[int]
    cause: int | None
    context: int | None
    evasive: bool
    calls: int


def error_kind(recipe: ErrorRecipe) -> type[BaseException]:
    """A class of exceptions that says what the recipe tells it to."""
    group = bool(recipe.members)

    def says(error: BaseException) -> Any:
        if recipe.says == "no text":
            return 5
        if recipe.says == "raises":
            raise SystemExit("no")
        if recipe.says == "for ever":
            return str(error)
        return {"enormously": "x" * 1_000_000, "in surrogates": "\ud800\n", "a secret": f"it was {CANARY}"}[recipe.says]

    def evade(_error: BaseException) -> Any:
        raise SystemExit("evasive")

    body: dict[str, Any] = {}
    if recipe.says not in {"nothing", "text", "its arguments", "a lie"}:
        body["__str__"] = says
    if recipe.evasive:
        for name in ("__cause__", "__context__", "__traceback__", "__notes__", "args", "exceptions"):
            body[name] = property(evade)
    if recipe.says == "a lie":
        body |= {"__module__": "\ud800", "__qualname__": "Odd\ud800"}
    return type("Odd", (BaseExceptionGroup if group else Exception,), body)


def error_of(pool: list[ErrorRecipe], kitchen: Kitchen) -> BaseException:
    """The first exception of the pool, raised, with all that it refers to."""
    built: list[BaseException] = []
    for recipe in pool:
        kind = error_kind(recipe)
        argument = kitchen.build(recipe.argument) if recipe.says == "its arguments" else "text"
        if recipe.members:
            # A group holds what was built before it; only causes and contexts may close a circle.
            members = [built[each % len(built)] for each in recipe.members] if built else [ValueError()]
            error = BaseExceptionGroup.__new__(kind, "group", members)
        else:
            error = kind.__new__(kind, argument)
        raised(error, recipe.calls)
        if recipe.notes is not None and not recipe.evasive:
            notes = recipe.notes
            error.__notes__ = (
                [kitchen.build(each) for each in notes] if isinstance(notes, list) else kitchen.build(notes)
            )
        built.append(error)
    for error, recipe in zip(built, pool, strict=True):
        for name, other in (("__cause__", recipe.cause), ("__context__", recipe.context)):
            if other is not None:
                BaseException.__dict__[name].__set__(error, built[other % len(built)])
    return built[-1]


def raised(error: BaseException, calls: int) -> None:
    """Give it a traceback of so many calls, with a secret among the local variables."""
    password = CANARY

    def call(left: int) -> None:
        api_key = [password]
        if left:
            call(left - 1)
        assert api_key
        raise error

    with contextlib.suppress(BaseException):
        call(calls)


others = st.none() | st.integers(0, 5)
error_recipes = st.builds(
    ErrorRecipe,
    says=st.sampled_from(SAYS),
    argument=recipes,
    notes=st.none() | recipes | st.lists(recipes, max_size=3),
    members=st.just([]) | st.lists(st.integers(0, 5), max_size=4),
    cause=others,
    context=others,
    evasive=st.booleans(),
    calls=st.sampled_from([0, 1, 3, 150]),
)


@settings(max_examples=50)
@given(st.lists(error_recipes, min_size=1, max_size=6), st.booleans())
def test_any_exception_becomes_an_error_that_every_codec_takes(pool: list[ErrorRecipe], variables: bool) -> None:
    """Hostile exceptions, in circles and groups, are plain, bounded and without what is known to be secret."""
    found = capture_error(error_of(pool, Kitchen()), secrets=(CANARY,), locals=variables).complete()
    assert_sound(found)
    assert CANARY not in repr(found)


def assert_sound(found: ErrorInfo) -> None:
    assert measure(found) != NOT_PLAIN
    assert_taken_by_codecs(found)
    assert CANARY not in str(found)
    assert isinstance(found.to_exception(), BaseException)
    waiting = [found]
    for each in waiting:
        waiting += [other for other in (each.cause, each.context, *each.exceptions) if other is not None]
        assert len(each.message) <= LONGEST + 60
        assert len(each.frames) <= 100
    assert len(waiting) <= 1 + 15 + 50


@given(st.integers(0, 120), st.integers(0, 3), st.booleans())
def test_groups_may_be_nested_to_any_depth(depth: int, between: int, variables: bool) -> None:
    """An error with groups within groups, and causes in between, is no less plain than a flat one."""
    error: Exception = ValueError("innermost")
    for level in range(depth):
        raised(error, 0)
        if between and level % between == 0:
            outer: Exception = KeyError(level)
            outer.__cause__ = error
            error = outer
        error = ExceptionGroup(f"level {level}", [error])
    assert_sound(capture_error(error, secrets=(CANARY,), locals=variables).complete())


@settings(max_examples=50)
@given(st.lists(recipes, max_size=3), st.sampled_from(SECRET_NAMES), st.lists(error_recipes, min_size=1, max_size=3))
def test_a_secret_among_the_arguments_is_in_no_part_of_the_error(
    args: list[Recipe], name: str, pool: list[ErrorRecipe]
) -> None:
    """What was redacted of the job is redacted wherever its exception quotes it."""
    kitchen = Kitchen()
    fields: dict[str, Any] = {"kwargs": {name: CANARY}, "args": [kitchen.build(each) for each in args]}
    kitchen.open()
    captured = maker().make("a", None, fields)
    found = capture_error(error_of(pool, Kitchen()), secrets=captured.secrets, locals=True).complete()
    assert CANARY not in repr((captured.job, found))
    assert isinstance(captured.job, Job)
