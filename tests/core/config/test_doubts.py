"""Filters that can't match, or hardly what was meant."""

from __future__ import annotations

import pytest

from .configs import FILE, faults_of, parsed, read


def doubts(when: str) -> list[str]:
    """What is doubtful about a filter in which nothing is certainly wrong."""
    found = parsed(f"[reporters.x.when]\n{when}")
    assert found.faults == ()
    assert all(warning.where == f"{FILE}:2, [reporters.x.when]" for warning in found.warnings)
    return [warning.problem for warning in found.warnings]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "Declined",
            "is no builtin exception: write the full name of a type that is no builtin, such as 'shop.errors.Declined'",
        ),
        ("TimeoutErorr", "is no builtin exception. Did you mean 'TimeoutError'?"),
        ("timeouterror", "is no builtin exception. Did you mean 'TimeoutError'?"),
        ("builtins.ValueErorr", "is no builtin exception. Did you mean 'ValueError'?"),
        ("int", "is no builtin exception"),
        ("shop.errors:Declined", "is no name of a type"),
        ("*.Declined", "is no name of a type: expected a full name, such as 'shop.errors.Declined', or a builtin one"),
        ("shop.errors.Declined()", "is no name of a type"),
        ("shop errors.Declined", "is no name of a type"),
        ("shop..Declined", "is no name of a type"),
        ("shop.errors.*", "is no name of a type"),
        ("shop\\.errors\\.Declined", "is no name of a type"),
    ],
)
def test_a_name_that_no_type_has_is_a_fault(name: str, problem: str) -> None:
    """It would never match, and its errors would page somebody for good."""
    (fault,) = faults_of(f"[reporters.x.when]\nignore = ['OSError', '{name}']")
    assert fault.startswith(f"{FILE}:2, [reporters.x.when]: key 'ignore[1]': ")
    assert problem in fault


@pytest.mark.parametrize(
    "name",
    [
        "TimeoutError",
        "IOError",
        "ExceptionGroup",
        "KeyboardInterrupt",
        "builtins.OSError",
        "shop.errors.Declined",
        "socket.timeout",
        "shop.jobs.pay.<locals>.Declined",
        "läden.fehler.Abgelehnt",
    ],
)
def test_a_name_that_a_type_may_have_is_none(name: str) -> None:
    """Builtins by their bare names, aliases too; others by their full ones."""
    assert read(f"[reporters.x.when]\nignore = ['{name}']").reporters[0].when.ignore == (name,)
    assert doubts(f"ignore = ['{name}']") == []


@pytest.mark.parametrize(
    "glob", [r"^shop\.", "shop.mail$", "(a|b)", "shop.+", ".*shop", "a{2,3}", r"\d+", "mail|bulk", "!^bulk", "!.*bulk"]
)
def test_a_regular_expression_is_doubtful(glob: str) -> None:
    """A glob has other characters; the doubt says which."""
    for key in ("jobs", "queues"):
        told = doubts(f"{key} = ['mail', '{glob}']")
        (doubt,) = told
        assert doubt.startswith(f"key '{key}[1]': ")
        assert "is a glob and no regular expression" in doubt


@pytest.mark.parametrize(
    "glob",
    ["mail*", "shop.*", "shop.*.run", "!bulk", "shop.?ail", "[ab]*", "[!a]x", "shop.mail", "!billing.*", "a-b_c:d/e"],
)
def test_a_glob_is_none(glob: str) -> None:
    """What a glob is made of is never doubtful."""
    assert doubts(f"jobs = ['{glob}']\nqueues = ['{glob}']") == []


@pytest.mark.parametrize("glob", ["!*", "!**"])
def test_a_filter_that_excludes_everything_is_doubtful(glob: str) -> None:
    """The reporter would never get an event."""
    (doubt,) = doubts(f"queues = ['a', '{glob}']")
    assert doubt == f"key 'queues[1]': '{glob}' excludes every name, so no event ever reaches the reporter"


def test_a_filter_without_kinds_is_doubtful() -> None:
    """An empty list is not the same as none."""
    (doubt,) = doubts("events = []")
    assert doubt == "key 'events': the list is empty, so no event ever reaches the reporter"


@pytest.mark.parametrize(("key", "value"), [("attempts", "'final'"), ("ignore", "['OSError']")])
def test_a_key_about_failures_that_never_come_is_doubtful(key: str, value: str) -> None:
    """It has no effect where failures are kept back."""
    told = parsed(f"[reporters.x.when]\nevents = ['success', 'aborted']\n{key} = {value}").warnings
    assert [str(each) for each in told] == [
        f"{FILE}:3, [reporters.x.when]: key '{key}': it is about failures, which 'events' keeps back, so it has no effect"
    ]
    assert doubts(f"events = ['success', 'failure']\n{key} = {value}") == []


def warnings(text: str) -> list[str]:
    """What a worker would warn of, in a file in which nothing is wrong."""
    found = parsed(text)
    assert found.faults == ()
    return list(map(str, found.warnings))


@pytest.mark.parametrize("value", ["$RELEASE", "${RELEASE}", "$GIT_SHA1", "${_X}", "$HOME/metrics", "~/metrics"])
def test_what_a_shell_would_replace_is_doubtful(value: str) -> None:
    """Nobody does here, nor Docker Compose. It isn't shown, since a password may begin with a dollar."""
    told = (
        "it is written as for a shell, and taken as it stands: write the path in full,"
        ' or { env = "NAME" } for what a variable holds'
    )
    assert warnings(f"[context]\nrelease = '{value}'") == [f"{FILE}:2, [context]: key 'release': {told}"]
    assert warnings(f"[reporters.x]\nheaders = {{ a = ['b', '{value}'] }}") == [
        f"{FILE}:2, [reporters.x]: option 'headers.a[1]': {told}"
    ]
    assert warnings(f"[stream]\nurl = '{value}'") == [f"{FILE}:2, [stream]: option 'url': {told}"]


@pytest.mark.parametrize(
    "value", ["$", "$5", "$release", "a$RELEASE", "$RELEASE.", "${}", "%RELEASE%", "RELEASE", "~", "a~/b"]
)
def test_other_texts_with_a_dollar_are_none(value: str) -> None:
    """They may be meant; and what is switched off is left alone."""
    assert warnings(f"[context]\nrelease = '{value}'") == []
    assert warnings("[reporters.x]\nenabled = false\ndsn = '$DSN'") == []
