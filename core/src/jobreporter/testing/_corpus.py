"""The golden corpus: what real workers of every source have reported, a folder for each release that recorded it."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "recordings"


def corpus() -> list[Path]:
    """The newest recordings, a file for each source: `jobreporter.recording.read_recording` reads them.

    Their events are real, and nothing in them is anybody's: a shop's workers have met all that their job queue lets
    happen to a job.
    """
    newest = max(_FOLDER.iterdir(), key=lambda folder: [int(part) for part in folder.name.split(".")])
    return sorted(newest.glob("*.jsonl"))
