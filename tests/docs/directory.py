"""The directory of plugins: `python -m tests.docs.directory` writes docs/plugins.md from docs/plugins.toml."""

from __future__ import annotations

from typing import Literal

import msgspec

from tests.packaging.documents import ROOT

DATA = ROOT / "docs/plugins.toml"
PAGE = ROOT / "docs/plugins.md"

PROSE = """# Plugins

Packages that bring reporters, sources, commands and engines of streams.
What core brings itself isn't among them: the reporters [`log`](reporters/log.md) and [`record`](reporters/record.md), [the sources](sources/README.md), and [the streams of one machine](stream.md).
[The tier](cli.md#jobreporter-plugins---check-is-a-plugin-ready-for-others) is what `jobreporter plugins --check` says of a plugin, and [versions and support](versions.md#what-runs-with-what) says what runs with what.

## Ours

{ours}
## Others'

{others}
To have a plugin here, add it to [plugins.toml](plugins.toml) as the others are, run `python -m tests.docs.directory`, and propose the change.
It has to say where it is published, and its tier is what `jobreporter plugins --check` says of the version that is named.
"""


class Plugin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One plugin as the data has it. ``brings``: the names of its entry points, by the part of the group behind the dot."""

    name: str
    says: str
    tier: Literal["bronze", "silver", "gold"]
    version: str
    core: str
    link: str
    brings: dict[Literal["reporters", "sources", "streams", "commands"], list[str]]

    @property
    def ours(self) -> bool:
        """Whether it is in this repository."""
        return self.link.startswith("../plugins/")

    @property
    def row(self) -> str:
        """Its row of the table."""
        brings = "; ".join(
            f"{kind if names[1:] else kind[:-1]} {', '.join(f'`{name}`' for name in names)}"
            for kind, names in self.brings.items()
        )
        cells = (f"[{self.name}]({self.link})", brings, self.says, self.tier, self.version, f"`{self.core}`")
        return f"| {' | '.join(cells)} |\n"


class _Directory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plugins: list[Plugin]


def directory() -> list[Plugin]:
    """All plugins, in the order of the data. Raises msgspec.ValidationError for what isn't well-formed."""
    return msgspec.toml.decode(DATA.read_bytes(), type=_Directory).plugins


def page(plugins: list[Plugin]) -> str:
    """What docs/plugins.md has to be."""
    ours, others = ([plugin for plugin in plugins if plugin.ours is whose] for whose in (True, False))
    return PROSE.format(ours=_table(ours), others=_table(others) if others else "None is known yet.\n")


def _table(plugins: list[Plugin]) -> str:
    head = "| plugin | brings | what it is | tier | version | of jobreporter |\n| --- | --- | --- | --- | --- | --- |\n"
    return head + "".join(plugin.row for plugin in plugins)


if __name__ == "__main__":
    PAGE.write_text(page(directory()))
