"""Distributions as pip leaves them, for these tests."""

from __future__ import annotations

from pathlib import Path


def install(
    site: Path, name: str, version: str, *, folder: str = "{}-{}.dist-info", source: str = "", **reporters: str
) -> Path:
    """A distribution as pip leaves it: its metadata, and modules with ``source``."""
    info = site / folder.format(name.replace("-", "_"), version)
    info.mkdir(parents=True)
    metadata = "PKG-INFO" if folder.endswith("egg-info") else "METADATA"
    (info / metadata).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n")
    lines = "".join(f"{reporter} = {value}\n" for reporter, value in reporters.items())
    (info / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[jobreporter.reporters]\n{lines}")
    for value in reporters.values():
        (site / f"{value.partition(':')[0]}.py").write_text(source)
    return info
