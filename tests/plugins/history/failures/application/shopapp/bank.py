"""Fails in the ways of a payment."""

import functools
import json

from shopapp.errors import Declined, Unreachable


def transfer(amount, customer):
    if amount < 0:
        raise Declined(f"{customer} has no funds for {amount}")
    if amount == 0:
        raise Unreachable(f"no answer for {customer} within 30 s")
    # A second place in the same function: the line is another one.
    raise Declined(f"{customer} is blocked since 2026-01-{amount:02}")


def parse(answer):
    return json.loads(answer)


def parse_receipt(answer):
    return json.loads(answer)


def convert(text):
    return int(text)


def audited(function):
    @functools.wraps(function)
    def audit(*args):
        return function(*args)

    return audit


@audited
def refund(amount):
    raise Declined(f"nothing to refund of {amount}")


class Account:
    def withdraw(self, amount):
        raise Declined(f"limit of {amount} reached")

    @staticmethod
    def close(amount):
        raise Declined(f"balance of {amount} left")


def all_at_once(amounts):
    return [transfer(amount, "all") for amount in amounts]


def one_by_one(amounts):
    return sum(transfer(amount, "one") for amount in amounts)


def by_lambda(amounts):
    move = lambda amount: transfer(amount, "lambda")  # noqa: E731 - a lambda is what is to fail
    return move(amounts[0])


def nested(amount):
    def inner():
        raise Declined(f"inside of {amount}")

    return inner()


async def asynchronous(amount):
    return await later(amount)


async def later(amount):
    raise Unreachable(f"later than {amount}")


def generate(amount):
    yield amount
    raise Unreachable(f"after {amount}")


def descend(depth):
    return ascend(depth + 1)


def ascend(depth):
    return descend(depth + 1)


def from_a_key(key):
    try:
        {}[key]
    except KeyError as error:
        raise Unreachable(f"no account {key}") from error


def from_a_number(text):
    try:
        convert(text)
    except ValueError as error:
        raise Unreachable(f"no number {text}") from error


def from_two(key):
    try:
        from_a_key(key)
    except Unreachable as error:
        raise Declined("in the end") from error


def while_another_is_handled(other):
    try:
        raise other
    except type(other):
        raise Declined("while that was handled")  # noqa: B904 - the point of it


def members(*errors):
    raise ExceptionGroup(f"{len(errors)} failed", errors)


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def in_text(code):
    exec(code, {})
