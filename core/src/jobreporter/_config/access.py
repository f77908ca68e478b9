"""What a command of a plugin asks of the config: the options of one reporter."""

from __future__ import annotations

import os
from typing import TypeVar

from jobreporter.errors import ConfigError, Fault
from jobreporter.options import Options

AnyOptions = TypeVar("AnyOptions", bound=Options)


def reporter_options(
    name: str, options_type: type[AnyOptions], config: str | os.PathLike[str] | None = None
) -> AnyOptions:
    """The options of the reporter ``name``, as its plugin would get them: for a command that the plugin brings.

    name: of the table ``[reporters.NAME]``, which counts also where it is switched off. options_type: the plugin's own
    class. config: the file's path; ``None``: the file that is found, as for a worker. Under ``jobreporter NAME`` it is
    what ``--config`` says, and click's ``pass_obj`` hands it over.

    Raises ConfigError with everything that is wrong in this table, and also if there is none; BrokenReporter if a
    reference leads nowhere; PluginError if ``options_type`` can't be used. What is wrong with other reporters doesn't
    count.
    """
    # A worker doesn't need them.
    from jobreporter._config.load import load
    from jobreporter._config.plugin_options import check_options, resolve_options
    from jobreporter._nearest import did_you_mean_or_all

    parsed = load(config)
    reporter = next((each for each in parsed.config.reporters if each.name == name), None)
    if reporter is None:
        known = [each.name for each in parsed.config.reporters]
        missing = f"there is no [reporters.{name}]{did_you_mean_or_all(name, known, 'reporters')}"
        place = parsed.config.place.fault(missing)
        if parsed.config.path is None:
            place = Fault(parsed.warnings[-1].where, f"{missing}, since there is no config")
        raise ConfigError([*parsed.faults, place])
    below = f"{reporter.place.name}."
    own = [fault for fault in parsed.faults if f"{fault.table}.".startswith(below)]
    if faults := [*own, *check_options(options_type, reporter)]:
        raise ConfigError(faults)
    options = resolve_options(options_type, reporter)
    assert isinstance(options, options_type)  # noqa: S101 - resolve_options makes it of that type
    return options
