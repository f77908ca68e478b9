"""``use = "relay"``: what may stand there, who looks at it, and what is wrong told in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobreporter import ConfigError, Dispatcher
from jobreporter._dispatch.wiring import from_file, survey
from jobreporter._stream.relay_settings import resolve_target
from jobreporter.errors import BrokenReporter
from jobreporter.streams import StreamSettings
from jobreporter.streams.sqlite import engine
from jobreporter.testing import CommandLine

STREAM = """
[context]
service = "shop"
[stream]
url = "sqlite:///var/lib/shop/stream.db"
"""
RELAY = """
[reporters.central]
use = "relay"
url = "sqlite:///var/lib/central.db"
"""


WHY = (
    ": without some of them, the target would take executions for lost. "
    "What a reporter gets is said where the target's agents run it"
)


def config(folder: Path, text: str) -> Path:
    path = folder / "jobreporter.toml"
    path.write_text(text)
    return path


def faults(path: Path, place: str | None = "agent") -> list[str]:
    return [str(fault).partition(", ")[2] for fault in survey(path, place).faults]  # type: ignore[arg-type]


def test_an_agent_has_it_and_a_worker_does_not(tmp_path: Path) -> None:
    """It is no plugin, and nothing of it is looked up in a worker."""
    path = config(tmp_path, STREAM + RELAY)
    wiring = survey(path, "agent").wiring()
    assert [each.name for each in wiring.relays] == ["central"]
    assert wiring.factories == ()
    assert from_file(path).relays == ()
    assert [each.config.name for each in from_file(path).factories] == ["stream"]


def test_its_name_may_be_its_use(tmp_path: Path) -> None:
    """As with every reporter."""
    path = config(tmp_path, STREAM + '[reporters.relay]\nurl = "sqlite:///var/lib/central.db"')
    assert [each.name for each in survey(path, "agent").wiring().relays] == ["relay"]


def test_the_target_is_described_as_a_stream_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With references; the namespace is the service's name unless another one is said."""
    text = '[reporters.central]\nuse = "relay"\nurl = { env = "CENTRAL_URL" }\npartitions = 3\nmax_bytes = "1GB"\nsync = true\n'
    path = config(tmp_path, STREAM + text)
    wiring = survey(path, "agent").wiring()
    with pytest.raises(BrokenReporter, match="CENTRAL_URL"):
        resolve_target(wiring.relays[0], wiring.config)
    monkeypatch.setenv("CENTRAL_URL", "sqlite:///var/lib/central.db")
    target = resolve_target(wiring.relays[0], wiring.config)
    assert target.url == "sqlite:///var/lib/central.db"
    settings = target.settings
    assert (settings.namespace, settings.partitions, settings.max_bytes, settings.sync) == ("shop", 3, 10**9, True)
    path = config(tmp_path, STREAM + text + 'namespace = "all"\n')
    wiring = survey(path, "agent").wiring()
    assert resolve_target(wiring.relays[0], wiring.config).settings.namespace == "all"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[context]\nservice = "shop"' + RELAY,
            "[reporters.central]: a relay hands on the events of a stream, and there is no [stream]",
        ),
        (
            STREAM + RELAY + 'where = "worker"',
            "[reporters.central]: key 'where': a relay reads the stream, so that only an agent can run it",
        ),
        (
            STREAM + RELAY + '[reporters.central.when]\nevents = ["failure"]',
            "[reporters.central.when]: a relay hands on every event" + WHY,
        ),
    ],
)
def test_what_no_relay_can_have_stops_worker_and_agent(tmp_path: Path, text: str, problem: str) -> None:
    """It is about core's own keys, which everybody looks at."""
    path = config(tmp_path, text)
    assert faults(path) == faults(path, "worker") == faults(path, None) == [problem]
    with pytest.raises(ConfigError, match="relay"):
        Dispatcher.from_config(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "option 'url' is missing"),
        ('url = "sqlite://relative.db"', "option 'url': expected an absolute path after sqlite://"),
        ('url = "kafka://host"', "option 'url': no engine opens kafka://"),
        ('url = "sqlite:///var/lib/central.db"\nspool = "/tmp"', "unknown option 'spool'"),
        ('url = "sqlite:///var/lib/central.db"\nmax_age = "1d"', "unknown option 'max_age'"),
        ('url = "sqlite:///var/lib/central.db"\npartitions = 0', "option 'partitions': expected"),
        (
            'url = "sqlite:///var/lib/shop/stream.db"',
            "option 'url': the relay would append to the stream that it reads",
        ),
    ],
)
def test_what_is_wrong_with_the_target_stops_the_agent(tmp_path: Path, text: str, problem: str) -> None:
    """And no worker, which has nothing to do with it."""
    path = config(tmp_path, f'{STREAM}[reporters.central]\nuse = "relay"\n{text}\n')
    (fault,) = faults(path)
    assert fault.startswith(f"[reporters.central]: {problem}"), fault
    assert faults(path, "worker") == []


def test_the_same_store_and_another_namespace_is_another_stream(tmp_path: Path) -> None:
    """Two services may share a Redis."""
    pytest.importorskip("jobreporter_redis")
    text = '[stream]\nurl = "redis://host"\n[reporters.central]\nuse = "relay"\nurl = "redis://host"\n'
    assert len(faults(config(tmp_path, text))) == 1
    assert faults(config(tmp_path, text + 'namespace = "all"\n')) == []


def test_one_that_is_switched_off_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the config, or by the environment."""
    assert faults(config(tmp_path, RELAY + "enabled = false")) == []
    monkeypatch.setenv("JOBREPORTER_DISABLE", "central")
    assert faults(config(tmp_path, RELAY)) == []


def test_check_asks_the_target(cli: CommandLine) -> None:
    """It is shown where it leads, with every setting; where it can't be reached, that is a problem."""
    text = f'[stream]\nurl = "sqlite://{cli.folder}/stream.db"\n[reporters.central]\nuse = "relay"\n'
    central = f"sqlite://{cli.folder}/central.db"
    cli.config(text + f'url = "{central}"')
    assert f"its target is new: {central}" in cli.run("check").stdout
    assert not (cli.folder / "central.db").exists()
    engine.open(central, StreamSettings(namespace="shop")).close()
    done = cli.run("check", "--verbose")
    assert "its target answers: sqlite://" in done.stdout
    assert "1 partition" in done.stdout
    assert "namespace" in done.stdout
    cli.config(text + f'url = "sqlite://{cli.folder}/none/central.db"')
    done = cli.run("check")
    assert done.returncode == 1
    assert "No such file or directory" in done.stdout
    done = cli.run("check", "--worker")
    assert "central" not in done.stdout


def test_the_other_commands_know_it(cli: CommandLine) -> None:
    """It is listed as what it is, takes every event, and nothing is replayed through it."""
    cli.config(
        f'[stream]\nurl = "sqlite://{cli.folder}/stream.db"\n[reporters.central]\nuse = "relay"\n'
        f'url = "sqlite://{cli.folder}/central.db"'
    )
    assert "a relay, which an agent runs" in cli.run("plugins").stdout
    shown = cli.run("plugins", "central")
    assert shown.returncode == 1
    assert "it is a relay, which an agent runs without a plugin" in shown.stderr
    explained = cli.run("explain", "--job", "work").stdout
    assert explained.count("central") == explained.count(" yes") > 0
