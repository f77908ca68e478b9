"""The tables that are always there. Times are Unix seconds; durations that are added up are microseconds."""

from __future__ import annotations

from collections.abc import Iterator

from jobreporter_history._engines.database import Words

#: Statements with the words of a dialect in braces.
_TABLES = """
CREATE TABLE series (id {identity}, service TEXT NOT NULL, environment TEXT NOT NULL, source TEXT NOT NULL,
    queue TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (name, queue, source, service, environment));
CREATE TABLE release (id {identity}, service TEXT NOT NULL, environment TEXT NOT NULL, name TEXT NOT NULL,
    first_seen {real} NOT NULL, UNIQUE (service, environment, name));
CREATE TABLE error (hash TEXT PRIMARY KEY, used {integer} NOT NULL, body {blob} NOT NULL);

CREATE TABLE live (execution_id {key_text} PRIMARY KEY, series {integer} NOT NULL, release {integer}, started_at {real} NOT NULL,
    job_id {key_text} NOT NULL, root_id {key_text}, parent_id TEXT, attempt {integer} NOT NULL, max_attempts {integer},
    enqueued_at {real}, scheduled_at {real}, worker TEXT, process TEXT, data TEXT NOT NULL);
CREATE INDEX live_job_id ON live (job_id);
CREATE INDEX live_root_id ON live (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX live_started_at ON live (started_at);

CREATE TABLE rollup (res {integer} NOT NULL, t {integer} NOT NULL, series {integer} NOT NULL, ok {integer} NOT NULL,
    aborted {integer} NOT NULL, failed {integer} NOT NULL, final {integer} NOT NULL, retried {integer} NOT NULL,
    dsum {integer} NOT NULL, dh {blob} NOT NULL, wsum {integer} NOT NULL, wh {blob} NOT NULL,
    PRIMARY KEY (res, t, series)){clustered};
CREATE INDEX rollup_series ON rollup (series, res, t);

CREATE TABLE incident (id {identity}, fingerprint TEXT NOT NULL UNIQUE, service TEXT NOT NULL,
    environment TEXT NOT NULL, job TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, parts TEXT NOT NULL,
    failed {integer} NOT NULL, final {integer} NOT NULL, first_seen {real}, last_fail {real}, last_final {real},
    state TEXT NOT NULL, since {real}, opened_at {real}, resolved_at {real}, fixed_release TEXT, silenced_until {real},
    told_at {real}, seq {integer} NOT NULL);
CREATE INDEX incident_state ON incident (state, last_fail);
CREATE INDEX incident_last_fail ON incident (last_fail);
CREATE TABLE incident_series (incident {integer} NOT NULL, series {integer} NOT NULL,
    PRIMARY KEY (incident, series)){clustered};
CREATE INDEX incident_series_series ON incident_series (series);
CREATE TABLE incident_cell (incident {integer} NOT NULL, t {integer} NOT NULL, failed {integer} NOT NULL,
    final {integer} NOT NULL, PRIMARY KEY (incident, t)){clustered};
CREATE TABLE incident_log (n {identity}, incident {integer} NOT NULL, seq {integer} NOT NULL, at {real} NOT NULL,
    happening TEXT NOT NULL, cause TEXT NOT NULL, quiet {integer} NOT NULL, state TEXT NOT NULL, facts TEXT NOT NULL,
    UNIQUE (incident, seq));
CREATE TABLE incident_request (id {identity}, incident {integer} NOT NULL, action TEXT NOT NULL, until {real},
    release TEXT, asked_at {real} NOT NULL, asked_by TEXT NOT NULL, done_at {real}, answer TEXT);
CREATE INDEX incident_request_open ON incident_request (id) WHERE done_at IS NULL;
CREATE TABLE sample (incident {integer} PRIMARY KEY, execution TEXT NOT NULL);

CREATE TABLE reader (name TEXT PRIMARY KEY, since {integer} NOT NULL, repeat {real}, seen_at {real} NOT NULL);
CREATE TABLE told (reader TEXT NOT NULL, incident {integer} NOT NULL, seq {integer} NOT NULL, owner TEXT,
    until {real}, tries {integer} NOT NULL, told_at {real}, PRIMARY KEY (reader, incident, seq)){clustered};

CREATE TABLE process (host TEXT NOT NULL, pid {integer} NOT NULL, service TEXT NOT NULL, environment TEXT NOT NULL,
    release TEXT, version TEXT NOT NULL, agent {integer} NOT NULL, started_at {real} NOT NULL, seen_at {real} NOT NULL,
    ledger TEXT NOT NULL, PRIMARY KEY (host, pid)){clustered};
CREATE TABLE schedule (name TEXT PRIMARY KEY, plan TEXT NOT NULL, watched_since {real} NOT NULL,
    looked_at {real} NOT NULL, judged {real} NOT NULL, last_due {real}, next_due {real}, missed {integer} NOT NULL);
CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, fence {integer} NOT NULL, until {real} NOT NULL,
    agent {integer} NOT NULL);
CREATE TABLE days (name TEXT PRIMARY KEY);
CREATE TABLE damage (at {real} NOT NULL, path TEXT NOT NULL, problem TEXT NOT NULL);
"""

#: The columns of a table of finished executions, with the words of a dialect in braces, in the order of `columns.COLUMNS`.
EXECUTION_COLUMNS = (
    "id {key}",
    "execution_id {key_text} NOT NULL",
    "series {integer} NOT NULL",
    "release {integer}",
    "incident {integer}",
    "started_at {real}",
    "job_id {key_text} NOT NULL",
    "root_id {key_text}",
    "parent_id TEXT",
    "outcome TEXT NOT NULL",
    "rank {small} NOT NULL",
    "kind TEXT",
    "final {small} NOT NULL",
    "will_retry {small}",
    "retry_delay {real}",
    "attempt {integer} NOT NULL",
    "max_attempts {integer}",
    "enqueued_at {real}",
    "scheduled_at {real}",
    "duration {real}",
    "queue_wait {real}",
    "worker TEXT",
    "process TEXT",
    "error TEXT",
    "message TEXT",
    "data TEXT NOT NULL",
)

#: Its indexes. Those that lists go along have the id last; a job has a few executions, and a line some, which are sorted.
_INDEXES = """
CREATE UNIQUE INDEX {table}_execution_id ON {table} (execution_id);
CREATE INDEX {table}_job_id ON {table} (job_id);
CREATE INDEX {table}_root_id ON {table} (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX {table}_series ON {table} (series, outcome, id);
CREATE INDEX {table}_retry ON {table} (id) WHERE attempt <> 1;
"""
_OK_INDEXES = "CREATE INDEX {table}_outcome ON {table} (outcome, id) WHERE outcome <> 'success';"
_BAD_INDEXES = "CREATE INDEX {table}_incident ON {table} (incident, id) WHERE incident IS NOT NULL;"


def tables(words: Words) -> Iterator[str]:
    """The statements that make the tables."""
    return _statements(_TABLES.format(**words._asdict()))


def indexes(table: str, kind: str) -> Iterator[str]:
    """The statements that make the indexes of a table of executions."""
    return _statements((_INDEXES + (_OK_INDEXES if kind == "ok" else _BAD_INDEXES)).format(table=table))


def _statements(text: str) -> Iterator[str]:
    return (statement.strip() for statement in text.split(";") if statement.strip())
