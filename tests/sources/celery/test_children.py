"""What the pool's children have begun and ended, in memory that they share with the main process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from celery_bench import in_child

from jobreporter.sources.celery._children import Begun, Children, _at


def test_each_child_has_a_place_of_its_own() -> None:
    """What one has ended stays known when others come, and is forgotten when a child of its own ends many more."""
    children = Children()
    in_child(children, "aaaaaaaa")
    in_child(children, "bbbbbbbb", "cccccccc")
    in_child(children, "dddddddd", *(f"{number:08}" for number in range(7)))

    assert [children.have_ended(name * 8) for name in "abcde"] == [True, True, True, False, False]
    assert all(children.have_ended(f"{number:08}") for number in range(7))
    assert not children.have_ended("aaaabbbb")
    assert not children.have_ended("00000100")


def test_what_a_child_has_begun_last_is_known_by_its_delivery() -> None:
    """One after the other may begin the same; and what has begun has not ended."""
    children = Children()
    first = in_child(children, begins={"aaaaaaaa": "aaaaaaaa"})
    second = in_child(children, begins={"bbbbbbbb": "bbbbbbbb", "aaaaaaaa": "cccccccc"})

    assert list(children.begun("aaaaaaaa")) == [Begun(first, "aaaaaaaa"), Begun(second, "cccccccc")]
    assert list(children.begun("bbbbbbbb")) == []
    assert list(children.begun("aaaacccc")) == []
    assert not children.have_ended("aaaaaaaa")
    assert not children.have_ended("cccccccc")


def test_a_child_may_be_lost_while_it_sends() -> None:
    """Whether it has sent a message for another attempt is known before and after, and not in between."""
    children = Children()

    def begin_another() -> None:
        children.sends("aaaaaaaa")
        children.has_sent("aaaaaaaa")
        children.begins("bbbbbbbb", "bbbbbbbb")

    before = in_child(children, begins={"aaaaaaaa": "aaaaaaaa"})
    between = in_child(children, begins={"bbbbbbbb": "bbbbbbbb"}, then=lambda: children.sends("bbbbbbbb"))
    after = in_child(children, begins={"cccccccc": "cccccccc"}, then=lambda: send(children, "cccccccc"))
    another = in_child(children, begins={"aaaaaaaa": "aaaaaaaa"}, then=begin_another)

    assert list(children.begun("aaaaaaaa")) == [Begun(before, "aaaaaaaa", has_sent=False)]
    assert list(children.begun("cccccccc")) == [Begun(after, "cccccccc", has_sent=True)]
    assert list(children.begun("bbbbbbbb")) == [
        Begun(between, "bbbbbbbb", has_sent=None),
        Begun(another, "bbbbbbbb", has_sent=False),
    ]


def send(children: Children, name: str) -> None:
    children.sends(name)
    children.has_sent(name)


def test_what_is_no_child_of_the_pool_writes_nothing() -> None:
    """A job may fork too, and a worker may have threads."""
    children = Children()
    children.ends("aaaaaaaa")

    def fork_and_go_on() -> None:
        child = os.fork()
        if child == 0:
            children.ends("bbbbbbbb")
            os._exit(0)
        os.waitpid(child, 0)

    in_child(children, begins={"bbbbbbbb": "bbbbbbbb"}, then=fork_and_go_on)

    assert not children.have_ended("aaaaaaaa")
    assert not children.have_ended("bbbbbbbb")


def test_places_of_children_that_are_gone_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are many more than children at once, and a living child's is never given away."""
    children = Children()
    living = subprocess.Popen(["sleep", "60"])
    children.forking()
    taken = children._place
    children._write(_at(taken), living.pid.to_bytes(8, sys.byteorder))
    places = []
    for _ in range(2000):
        children.forking()
        places.append(children._place)
    living.kill()
    living.wait()

    assert len(set(places)) == 1023
    assert taken not in places
