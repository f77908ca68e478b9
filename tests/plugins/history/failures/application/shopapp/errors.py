"""What can go wrong in the shop."""


class Declined(Exception):  # noqa: N818 - an application names its errors as it likes
    """The bank said no."""


class Unreachable(Exception):  # noqa: N818 - as above
    """The bank said nothing."""
