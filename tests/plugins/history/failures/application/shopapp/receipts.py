"""Has a function that is called like one of the bank's."""

from shopapp.errors import Declined


def transfer(amount, customer):
    raise Declined(f"no receipt of {amount} for {customer}")
