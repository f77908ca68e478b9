"""Positional arguments of decorated functions: whose names count."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from .reports import report

Function = Callable[..., Any]


def with_database(function: Function) -> Function:
    """A decorator with names of its own, which adds an argument."""

    @functools.wraps(function)
    def inner(user: str, password: str) -> Any:
        return function("DB", user, password)

    return inner


def with_connection(function: Function) -> Function:
    """A decorator that adds an argument to those that it doesn't know."""

    @functools.wraps(function)
    def inner(*args: Any) -> Any:
        return function("DB", *args)

    return inner


def without_context(function: Function) -> Function:
    """A decorator that keeps the first argument for itself."""

    @functools.wraps(function)
    def inner(_context: Any, *args: Any) -> Any:
        return function(*args)

    return inner


def passing_on(function: Function) -> Function:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


class Counted:
    """A decorator that is a class, with names of its own."""

    def __init__(self, function: Function) -> None:
        wrapper: Any = self
        functools.update_wrapper(wrapper, function)
        self.function = function

    def __call__(self, user: str, password: str) -> Any:
        return self.function("DB", user, password)


@with_database
def login(database: str, user: str, password: str) -> None: ...


@with_connection
def connect(database: str, user: str, password: str) -> None: ...


@with_connection
def connect_by_default(database: str, user: str, password: str = "") -> None: ...


@without_context
def sign_in(user: str, password: str) -> None: ...


@with_connection
@passing_on
def sign_up(database: str, user: str, password: str) -> None: ...


@Counted
def count(database: str, user: str, password: str) -> None: ...


class Session:
    @with_connection
    def open(self, user: str, password: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (login, ("kim", "hunter2x")),
        (connect, ("kim", "hunter2x")),
        (connect_by_default, ("kim", "hunter2x")),
        (sign_in, (None, "kim", "hunter2x")),
        (sign_up, ("kim", "hunter2x")),
        (count, ("kim", "hunter2x")),
        (Session().open, ("kim", "hunter2x")),
        (functools.partial(connect, "kim"), ("hunter2x",)),
    ],
)
def test_a_password_below_a_decorator_is_found(function: Function, args: tuple[Any, ...]) -> None:
    """A decorator's own names count; where it takes ``*args``, what any alignment with the function calls secret goes."""
    found = report(*args, function=function, error="hunter2x was refused")
    assert not found.shows("hunter2x")


@passing_on
def plain(user: str, password: str, retries: int = 3) -> None: ...


def test_a_decorator_that_passes_all_on_takes_nothing_else() -> None:
    """Where the function's secret gets its value as the arguments stand, no other alignment is considered."""
    assert report("kim", "hunter2x", function=plain).outcome.job.args == ("kim", "[redacted]")


def test_names_that_a_decorator_says_are_its_own() -> None:
    """A decorator that adds a secret in front of what it is given hides nothing of that."""

    def with_token(function: Function) -> Function:
        @functools.wraps(function)
        def inner(order: int, amount: int) -> Any:
            return function("a-token", order, amount)

        return inner

    @with_token
    def pay(token: str, order: int, amount: int) -> None: ...

    assert report(77, 12, function=pay).outcome.job.args == (77, 12)
