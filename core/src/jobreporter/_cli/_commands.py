"""The commands: core's own, each imported when it is asked for, and those that plugins bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click

from jobreporter._cli._entries import named_by
from jobreporter._config.wording import described
from jobreporter._nearest import did_you_mean_or_all
from jobreporter._plugins.installed import COMMANDS, Installed, scan
from jobreporter.errors import JobReporterError


class Own(NamedTuple):
    """One of core's commands: where it is, and what the list of commands says of it."""

    value: str
    help: str


class Group(click.Group):
    """A group that names the nearest of its commands, or all, where it is asked for one that there isn't."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest name for one that there isn't."""
        name = args[0] if args else ""
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"there is no command {name!r}{did_you_mean_or_all(name, self.list_commands(ctx), 'commands')}")
        return super().resolve_command(ctx, args)


class Commands(Group):
    """A group whose commands are imported one at a time.

    A plugin's command is an entry point of the group ``jobreporter.commands``: its name is that of the command, and it
    names a `click.Command`. The list of all commands is made from metadata. A name of core's own is core's.
    """

    def __init__(self, *args: object, own: Mapping[str, Own], **attributes: object) -> None:
        super().__init__(*args, **attributes)  # type: ignore[arg-type]  # click's own arguments, passed on
        self._own = own
        self._scanned: dict[str, tuple[Installed, ...]] | None = None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Core's first, in their own order; then those of plugins by name."""
        return [*self._own, *sorted(self._installed().keys() - self._own.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported; ``None`` if there is none of that name."""
        own = self._own.get(cmd_name)
        if own is not None:
            return _imported(own.value)
        providers = self._installed().get(cmd_name, ())
        if not providers:
            return None
        if len(providers) > 1:
            names = " and ".join(f"{provider.distribution} {provider.version}" for provider in providers)
            raise click.ClickException(
                f"command {cmd_name!r} is provided more than once, by {names}: uninstall all but one"
            )
        return _plugins_command(providers[0])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. What jobreporter itself raises is told in its sentence: that is what an operator needs."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.option_name == "--config":
                raise click.UsageError("--config PATH stands in front of the command's name", error.ctx) from None
            raise
        except JobReporterError as error:
            raise click.ClickException(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Core's commands with what they do, and the others with where they are from; nothing is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, own.help) for name, own in self._own.items()])
        others = [(name, _origin(self._installed()[name])) for name in self.list_commands(ctx) if name not in self._own]
        if others:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(others)

    def _installed(self) -> dict[str, tuple[Installed, ...]]:
        if self._scanned is None:
            self._scanned = scan(COMMANDS)
        return self._scanned


def _origin(providers: Sequence[Installed]) -> str:
    return "from " + " and ".join(f"{provider.distribution} {provider.version}" for provider in providers)


def _imported(value: str) -> click.Command:
    command: click.Command = named_by(value)
    return command


def _plugins_command(provider: Installed) -> click.Command:
    origin = f"command {provider.name!r} of {provider.distribution} {provider.version}"
    try:
        command: object = named_by(provider.value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the plugin's module raises, SystemExit too
        raise click.ClickException(f"{origin} can't be imported: {described(error)}") from error
    if not isinstance(command, click.Command):
        raise click.ClickException(f"{origin} is a {type(command).__name__}, and no click.Command")
    return command
