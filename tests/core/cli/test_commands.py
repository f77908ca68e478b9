"""The commands themselves: core's, and those of plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobreporter.testing import CommandLine

GROUP = "jobreporter.commands"

HISTORY = """
import click
from jobreporter import Duration, Options, Secret, reporter_options

print("imported", file=__import__("sys").stderr)

class HistoryOptions(Options):
    token: Secret
    keep: Duration = "7d"

@click.command()
@click.option("--reporter", default="ledger")
@click.pass_obj
def ledger(config, reporter):
    "Show what happened."
    options = reporter_options(reporter, HistoryOptions, config)
    click.echo(f"{options.keep} {options.token.reveal()}")
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project with a plugin that brings a command."""
    project = CommandLine(tmp_path)
    project.module("hist", HISTORY)
    project.install("outsider-ledger", "1.2", "ledger", "hist:ledger", GROUP)
    return project


def test_a_plugins_command_runs(project: CommandLine) -> None:
    """With the options of its reporter, from the config that --config names."""
    project.config("[reporters.ledger]\ntoken = 'a'\nkeep = '2w'\n[reporters.second]\nuse = 'ledger'\ntoken = 'b'\n")
    assert project.run("ledger").stdout == "1209600.0 a\n"
    assert project.run("ledger", "--reporter", "second").stdout == "604800.0 b\n"
    (project.folder / "other.toml").write_text("[reporters.ledger]\ntoken = { env = 'KEY' }\n")
    assert project.run("--config", "other.toml", "ledger", KEY="c\n").stdout == "604800.0 c\n"


def test_only_the_named_command_is_imported(project: CommandLine) -> None:
    """The list of commands is made from metadata."""
    project.module("hist", "raise SystemExit('imported')\n")
    done = project.run("--help")
    assert done.returncode == 0
    assert (
        "  ledger     from outsider-ledger 1.2\n" in done.stdout
        or "  ledger  from outsider-ledger 1.2\n" in done.stdout
    )
    assert "check    See whether the config works, here and now.\n" in done.stdout
    assert project.run("plugins").returncode == 0

    program = (
        "import sys\nfrom jobreporter._cli import main\ntry:\n    main(['--version'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('jobreporter._cli.') and '._' not in name[16:]))"
    )
    done = project.python(program)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_command_that_cant_be_imported_is_one_sentence(project: CommandLine) -> None:
    """Whatever its module raises; the exit code is 1."""
    for source, told in (
        ("raise RuntimeError('boom\\nboom')\n", r"can't be imported: RuntimeError: boom\nboom"),
        ("raise SystemExit(0)\n", "can't be imported: SystemExit: 0"),
        ("", "can't be imported: AttributeError: module 'hist' has no attribute 'ledger'"),
        ("ledger = 3\n", "is a int, and no click.Command"),
    ):
        project.module("hist", source)
        done = project.run("ledger")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"Error: command 'ledger' of outsider-ledger 1.2 {told}\n"


def test_a_name_that_two_distributions_provide_is_an_error(project: CommandLine) -> None:
    """Which names both; the other commands work."""
    project.install("another-ledger", "3.0", "ledger", "hist:ledger", GROUP)
    done = project.run("ledger")
    assert done.returncode == 1
    assert "command 'ledger' is provided more than once, by " in done.stderr
    assert "another-ledger 3.0" in done.stderr
    assert "outsider-ledger 1.2" in done.stderr
    assert project.run("--version").returncode == 0


def test_cores_names_are_cores(project: CommandLine) -> None:
    """A plugin can't take `check` over."""
    project.install("another-check", "3.0", "check", "hist:ledger", GROUP)
    done = project.run("check", "--help")
    assert "See whether the config works" in done.stdout
    assert "another-check" not in project.run("--help").stdout


def test_an_unknown_command_is_told_with_the_nearest(project: CommandLine) -> None:
    """Of core's and of the plugins'."""
    done = project.run("ldger")
    assert done.returncode == 2
    assert "there is no command 'ldger'. Did you mean 'ledger'?" in done.stderr
    done = project.run("qqqqq")
    listed = done.stderr.partition("there is no command 'qqqqq'. The commands are ")[2]
    assert [name for name in ("check", "exec", "explain", "ledger", "plugins") if f"'{name}'" not in listed] == []
    assert "Did you mean" in project.run("check", "--sned").stderr
    assert "there is no command 'pager'. The commands are 'reporter' and 'source'" in project.run("new", "pager").stderr


@pytest.mark.parametrize("words", [("check", "--config", "x.toml"), ("ledger", "--config=x.toml")])
def test_the_config_behind_the_commands_name_is_told(project: CommandLine, words: tuple[str, ...]) -> None:
    """It belongs to all of them, so it stands before; of any other option the nearest is named."""
    done = project.run(*words)
    assert done.returncode == 2
    assert "Error: --config PATH stands in front of the command's name" in done.stderr
    assert "'--json'" in project.run("check", "--jsn").stderr


def test_without_metadata_there_is_still_a_version(project: CommandLine) -> None:
    """In a program that was frozen into one file, and its built-in reporter works."""
    project.config("[reporters.log]\n")
    hidden = "import importlib_metadata, sys\nimportlib_metadata.distributions = lambda **_: []\n"
    program = hidden + "from jobreporter._cli import main\nmain(sys.argv[1:], prog_name='jobreporter')"
    assert project.python(program, "--version").stdout.startswith("jobreporter, version ")
    done = project.python(program, "check", "--send")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        f"ok: the reporter 'log' of {project.folder / 'jobreporter.toml'} works",
    )


def test_completion_knows_the_commands(project: CommandLine) -> None:
    """As click does it for bash, zsh and fish."""
    done = project.run("", _JOBREPORTER_COMPLETE="bash_complete", COMP_WORDS="jobreporter ", COMP_CWORD="1")
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} >= {"check", "exec", "ledger"}


def test_the_module_is_the_command(project: CommandLine) -> None:
    """Where there is no script."""
    done = project.python(
        "import runpy, sys\nsys.argv[1:] = ['--version']\nrunpy.run_module('jobreporter', run_name='__main__')"
    )
    assert done.stdout.startswith("jobreporter, version ")
