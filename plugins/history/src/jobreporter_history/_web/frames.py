"""The frames of a traceback as the page has them: one's own, and between them runs of the libraries' that fold."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from jobreporter import Frame

_MOST_PLACES = 3


class Run(NamedTuple):
    """Frames that follow on each other. own: whether they are the program's."""

    own: bool
    frames: tuple[Frame, ...]

    @property
    def places(self) -> str:
        """The packages that they are of, in their order."""
        found = list(dict.fromkeys(_package(each) for each in self.frames))
        more = f" and {len(found) - _MOST_PLACES} more" if len(found) > _MOST_PLACES else ""
        return f"{', '.join(found[:_MOST_PLACES])}{more}"


def frame_runs(frames: Iterable[Frame]) -> list[Run]:
    """The runs of frames. Whose nobody knows are taken for one's own, so that nothing that matters is hidden."""
    return [Run(own, tuple(each)) for own, each in groupby(frames, key=lambda frame: frame.in_app is not False)]


def _package(frame: Frame) -> str:
    return frame.module.partition(".")[0] if frame.module else frame.filename.replace("\\", "/").rpartition("/")[2]
