"""How ready a plugin is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from jobreporter._cli._readiness.loaded import Loaded, load
from jobreporter._cli._readiness.rules import RULES, TIERS, Rule, Tier, Unseen
from jobreporter._cli._readiness.subject import Subject, opened
from jobreporter._cli._terminal import coloured, paragraph, table


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, as ``jobreporter plugins --check --json`` shows it. Fields are only added."""

    rule: str
    tier: Tier
    #: What it asks for.
    asks: str
    #: Whether it is kept; null where only the project's folder could tell.
    kept: bool | None
    #: What is wrong, in sentences.
    problems: tuple[str, ...] = ()
    #: What to do about that; null where nothing is to be done.
    remedy: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. Fields are only added."""

    #: The distribution.
    name: str
    version: str
    #: The highest tier of which all rules are kept, and those of the lower ones; null if not even bronze.
    tier: Tier | None
    #: Whether that is the highest.
    ready: bool
    rules: tuple[Kept, ...]


def verdict_on(target: str) -> Verdict:
    """Look at a project's folder, a wheel, or what is installed under a name. Raises `NoSubject`."""
    with opened(target) as subject:
        return _judged(subject)


def _judged(subject: Subject) -> Verdict:
    loaded = load(subject)
    rules = tuple(_kept(rule, subject, loaded) for rule in RULES)
    tier = _reached(rules)
    return Verdict(name=subject.name, version=subject.version, tier=tier, ready=tier == TIERS[-1], rules=rules)


def _kept(rule: Rule, subject: Subject, loaded: Loaded) -> Kept:
    try:
        problems = tuple(rule.look(subject, loaded))
    except Unseen:
        remedy = "give the project's folder instead"
        return Kept(rule=rule.name, tier=rule.tier, asks=rule.asks, kept=None, remedy=remedy)
    return Kept(
        rule=rule.name,
        tier=rule.tier,
        asks=rule.asks,
        kept=not problems,
        problems=problems,
        remedy=rule.remedy if problems else None,
    )


def _reached(rules: Iterable[Kept]) -> Tier | None:
    wanting = {rule.tier for rule in rules if not rule.kept}
    reached: Tier | None = None
    for tier in TIERS:
        if tier in wanting:
            return reached
        reached = tier
    return reached


_WORDS = {True: "yes", False: "no", None: "unseen"}


def lines(verdict: Verdict) -> Iterator[str]:
    """The same for people."""
    reached = verdict.tier or "not ready"
    colour = "green" if verdict.ready else "yellow" if verdict.tier else "red"
    yield coloured(f"{verdict.name} {verdict.version}: {reached}", colour, bold=True)
    yield ""
    heading = ("RULE", "TIER", "KEPT", "ASKS")
    yield table([heading, *((rule.rule, rule.tier, _WORDS[rule.kept], rule.asks) for rule in verdict.rules)])
    wanting = [rule for rule in verdict.rules if not rule.kept]
    if wanting:
        yield ""
    for rule in wanting:
        problem = "; ".join(rule.problems) or "it can't be told from what was given"
        yield paragraph(f"{rule.rule}: {problem}: {rule.remedy}")
