"""Which buffer a lane gets."""

from __future__ import annotations

from jobreporter._config.settings import LaneSettings
from jobreporter._lane.buffer import Buffer
from jobreporter._lane.drop_newest import DropNewest
from jobreporter._lane.drop_oldest import DropOldest


def new_buffer(settings: LaneSettings) -> Buffer:
    """A buffer with the room and the overflow policy that the settings name."""
    return DropOldest(settings) if settings.overflow == "drop_oldest" else DropNewest(settings)
