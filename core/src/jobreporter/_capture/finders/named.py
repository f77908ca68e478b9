"""Values that a name introduces: ``password=x``, ``"token": "x"``, ``('X-Api-Key', 'x')``, ``--api-key x``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobreporter._capture.finders.finding import Finding, introduced_by
from jobreporter._capture.finders.prose import looks_random
from jobreporter._capture.finders.values import Value, bare, block_at, is_secret, line_at, until, value_at
from jobreporter._capture.secret_names import SecretNames

# name=x, name => x, cfg["name"] = x, and in quotes also "name": x. Without them a colon is mostly prose.
_ASSIGNED = re.compile(
    r"""(?<![\w.\-]) (?P<name> [\w.\-]++)
        (?: \\{0,3} ["']? \]? [ \t]*+ (?: => | :=(?!=) | [!=]==?(?=[ ]?["']) | =(?![=~]) ) | \\{0,3} ["'] \]? [ \t]*+ : ) (?: \s*+ (?=["'(\[{]|string\() | [ \t]*+ )""",
    re.VERBOSE,
)
# name: str = "x", and as other languages write the type.
_TYPED = re.compile(
    r"""(?<![\w.\-]) (?P<name> [A-Za-z][\w]*+) [ ]?+ : [ ]?+ &?[A-Za-z][\w.\[\]| ]{0,60}? [ ]?+ = [ ]?+ (?=[bru]?["'])""",
    re.VERBOSE,
)
# NAME=x of an environment, which lasts until the next white space, whatever it holds.
_ENVIRONMENT = re.compile(
    r"^(?:export[ ]|set[ ]|ENV[ ]|\+[ ])? [ \t]{0,8} (?P<name> [A-Z][A-Z0-9_]{1,80}) = (?=[^\s\"'])",
    re.VERBOSE | re.MULTILINE,
)
# passwd[x], where x has letters and digits, and is no id: password[0] is an index, and rotate_password[UUID] a task.
_BRACKETED = re.compile(
    r"""(?<![\w.\-]) (?P<name> (?i:passwd|password|pwd) ) \[
        (?= [^\s\[\]"']{6,200}+ \] ) (?= [^\]]{0,200}? \d ) (?= [^\]]{0,200}? [A-Za-z] ) (?! [0-9a-fA-F\-]{32,36} \] )""",
    re.VERBOSE,
)
_TO_SPACE = re.compile(r"[^\s\"']++")
# Where a colon is no prose: {Name:x, in a structure of other languages, and {name: "x" or (name: "x".
_FIELD = re.compile(
    r"""(?:^|(?<=[{(\[,;])|(?<=[{(\[,;][ ])|(?<=[{(\[,;\s][ ]{2})|(?<=\s)) (?P<name> [^\W\d][\w.\-]*+) (?: : (?=[^\s:/=>]) | : [ ]++ (?=["'`]) )""",
    re.VERBOSE | re.MULTILINE,
)
# A line of its own, as YAML has it.
_LINE = re.compile(
    r"^[ \t]{0,40}+ (?:-[ ]|[>|<][ ])?+ (?P<name> [^\W\d][\w.\-]*+) [ \t]{0,20}+ :{1,2} [ \t]++ (?=[^\s\[{|>&*!])",
    re.VERBOSE | re.MULTILINE,
)
# The same before a block of lines.
_BLOCK = re.compile(
    r"^[ \t]{0,40}+ (?:-[ ])?+ (?P<name> [^\W\d][\w.\-]*+) [ \t]{0,20}+ : [ \t]++ [|>][+\-\d]{0,3}+ [ \t]*+ \r?\n (?=[ \t]+\S)",
    re.VERBOSE | re.MULTILINE,
)
# A label of several words, or an emphasised one, as people write to each other: "Ihr Passwort lautet: x", "**Password:** `x`".
_LABEL = re.compile(
    r"""(?:^|(?<=[.,;!?(\n][ ])) [ \t]{0,40}+ (?:[\-*+>][ ]++)? [*_`]{0,3}+ (?:[^\W\d][\w\-]{0,30}[ ]){0,3}? (?P<name> [^\W\d][\w\-]*+ )
        (?:[ ](?:is|was|lautet|ist|est|es|è|[^\W\da-zA-Z]{1,6}+))?+ [*_`]{0,3}+ [ ]?+ : [*_`]{0,3}+ [ ]++ [*_`]{0,3} (?=[^\s*_`])""",
    re.VERBOSE | re.MULTILINE,
)
_EMPHASISED = re.compile(r"(?P<word>[^\s*`<>\"']{4,200}?)[.,]?[*_`]{0,3}[ \t]*(?:$|(?=\r))", re.MULTILINE)
# setenv NAME x of csh and Apache, set -x NAME x of fish, proxy_set_header NAME x of nginx.
_EXPORTED = re.compile(
    r"\b(?i:setenv|set[ ]-g?x|\w{1,20}_(?:set_header|param)|RequestHeader[ ]set)[ ]++(?P<name>[A-Za-z][\w\-]{1,80}+)[ ]++(?=\S)"
)
# A row of a table, as a client of a database shows one of a few columns.
_ROW = re.compile(
    r"^[ \t]{0,40}+ (?:\|[ ]*+)?+ (?P<name> [^\W\d][\w.\-]*+) (?: [ ]*+ \| [ ]*+ | \t++ ) (?=\S)",
    re.VERBOSE | re.MULTILINE,
)
# What follows the first word of a sentence.
_GOES_ON = re.compile(r"[ ][A-Za-z\"'`(]")
# An option of a command line, also as `repr` shows a list of arguments.
_OPTION = re.compile(r"""(?<![\w\-]) --?(?P<name> [A-Za-z][\w\-]++) ["']? ,? [ \t]++ (?!-)""", re.VERBOSE)
# The same as programs of Windows have it. /token:refresh is the path of a URL.
_SLASHED = re.compile(
    r"""(?<![^\s"'\[(,]) (?<!GET[ ])(?<!PUT[ ])(?<!HEAD[ ])(?<!POST[ ])(?<!PATCH[ ])(?<!DELETE[ ])
        / (?P<name> [A-Za-z][\w\-]{1,40}+) : (?=[^\s:/])""",
    re.VERBOSE,
)
# A pair, as a list of headers has them.
_PAIR = re.compile(r"""[(\[] [ ]?+ [bru]?["'] (?P<name> [\w.\-]{1,80}+) ["'] , \s*+ (?=[bru]?["'(\[{\d])""", re.VERBOSE)
# The same behind what is done with it, as LDAP's changes have it: (MOD_REPLACE, "userPassword", [x]).
_CHANGE = re.compile(
    r"""[(\[] [\w.]{1,60}+ ,[ ]? [bru]?["'] (?P<name> [\w.\-]{1,80}+) ["'] , \s*+ (?=[\[(])""", re.VERBOSE
)
# And a call that gives a name its value: config.set("db", "password", "x").
_SET = re.compile(
    r"""\b set\w{0,20}+ \( (?: [^(),\n]{1,200}, [ ]? ){1,3}? [bru]?["'] (?P<name> [\w.\-]{1,80}+) ["'] , [ ]?+ (?=[bru]?["'][^"'\n]{1,300}["'][ ]?\))""",
    re.VERBOSE,
)
# A name and its value, each under a key of its own: an entry of an environment, a header.
_NAMED = re.compile(
    r"""(?<![\w.\-]) (?i: name|key|field|header|parameter|param|variable|var|option|setting) \\{0,3} ["']? [ ]?+ [:=] [ ]?+ [bru]?\\{0,3}["']?
        (?P<name> [\w.\-:/]{2,80}+) \\{0,3} ["']? [ ]?+ [,;\n] [^{}()<>]{0,200}? (?<![\w.\-]) (?i:value|val) \\{0,3} ["']? [ ]?+ [:=] [ ]?+ (?=\S)""",
    re.VERBOSE,
)
_NAMED_AFTER = re.compile(
    r"""(?<![\w.\-]) (?i:value|val) \\{0,3} ["']? [ ]?+ [:=] [ ]?+ (?P<secret> [bru]?\\{0,3}["'] [^\s"'{}()<>]{3,1000}+ \\{0,3}["'])
        [, \n]{1,3} [ ]{0,40} [^{}()<>\n]{0,200}? (?<![\w.\-]) (?i: name|key|field|header|parameter|param|variable|var|option|setting) \\{0,3} ["']? [ ]?+ [:=] [ ]?+ [bru]?\\{0,3}["']?
        (?P<name> [\w.\-:/]{2,80}+)""",
    re.VERBOSE,
)
# Secret in the query of a URL, and mostly not elsewhere.
_QUERY = re.compile(
    r"""[?&\#;] (?: (?i: key | sig | signature | ticket | hmac | assertion | k | hash | saml(?:response|request) | verifier ) = (?=[^\s&;]{3})
                 | (?i: code) = (?=[\w\-./%]{8}) )""",
    re.VERBOSE,
)

# A signature in the place of a value, in quotes: what is called so in code is no text.
_SIGNED = re.compile(
    r"""["'] (?i: [\w\-]{0,20}? sig(?:nature)? | hmac ) ["'] [:,] [ ]?+ \[?+ ["'] (?P<secret> (?=[^"']{0,100}?\d) [A-Za-z0-9+/_\-]{20,300}+ ={0,2} ) ["']""",
    re.VERBOSE,
)


def assigned(text: str, names: SecretNames) -> Iterator[Finding]:
    """What an equals sign or a colon gives a name."""
    yield from introduced_by(text, _ENVIRONMENT, names, _to_space)
    yield from introduced_by(text, _ASSIGNED, names, _assigned_at)
    yield from introduced_by(text, _TYPED, names, value_at)


def queries(text: str) -> Iterator[Finding]:
    """What the query of a URL gives a name that is secret only there."""
    if "?" not in text and "&" not in text:
        return
    done = 0
    for found in _QUERY.finditer(text):
        if found.start() >= done and (given := value_at(text, found.end())) is not None:
            yield Finding(found.end(), given.end, (given.bare,))
            done = given.end


def signatures(text: str) -> Iterator[Finding]:
    """What is called a signature, and has the letters of one."""
    for found in _SIGNED.finditer(text):
        yield Finding(*found.span("secret"), (found["secret"],))


def fields(text: str, names: SecretNames) -> Iterator[Finding]:
    """What a colon gives a name outside of quotes, where it can be told from prose."""
    yield from introduced_by(text, _FIELD, names, value_at)
    yield from introduced_by(text, _LINE, names, _single)
    yield from introduced_by(text, _BLOCK, names, block_at)


def rows(text: str, names: SecretNames) -> Iterator[Finding]:
    """What stands behind a name in a table, if it is no other column's name."""
    return introduced_by(text, _ROW, names, _random_word)


def options(text: str, names: SecretNames) -> Iterator[Finding]:
    """What follows an option of a command line."""
    return introduced_by(text, _OPTION, names, value_at)


def slashed(text: str, names: SecretNames) -> Iterator[Finding]:
    """What belongs to an option that begins with a slash."""
    return introduced_by(text, _SLASHED, names, _no_verb)


def labelled(text: str, names: SecretNames) -> Iterator[Finding]:
    """What people write behind a label, if it is no word of theirs."""
    return introduced_by(text, _LABEL, names, _random_label)


def exported(text: str, names: SecretNames) -> Iterator[Finding]:
    """What a line of a shell gives a variable without an equals sign."""
    return introduced_by(text, _EXPORTED, names, value_at)


def pairs(text: str, names: SecretNames) -> Iterator[Finding]:
    """The second of two that belong together."""
    yield from introduced_by(text, _PAIR, names, value_at)
    yield from introduced_by(text, _CHANGE, names, value_at)
    yield from introduced_by(text, _SET, names, value_at)


def named_beside(text: str, names: SecretNames) -> Iterator[Finding]:
    """What stands under ``value`` beside its name."""
    yield from introduced_by(text, _NAMED, names, value_at)
    for found in _NAMED_AFTER.finditer(text):
        if found["name"] in names and is_secret(bare(found["secret"])):
            yield Finding(*found.span("secret"), (bare(found["secret"]),))


def bracketed(text: str, names: SecretNames) -> Iterator[Finding]:
    """What is in brackets right after a password's name, as logs have it: ``user[ada] passwd[x]``."""
    return introduced_by(text, _BRACKETED, names, lambda text, start: until(text, start, "]"))


def _assigned_at(text: str, start: int) -> Value | None:
    """A value, unless a colon introduces words: ``'password': This field is required``."""
    given = value_at(text, start)
    if given is None or not given.bare.isalpha() or not text[:start].rstrip().endswith(":"):
        return given
    return None if _GOES_ON.match(text, given.end) else given


def _random_label(text: str, start: int) -> Value | None:
    """A word that ends its line, but for what emphasises it."""
    found = _EMPHASISED.match(text, start)
    return Value(found.end("word"), found["word"]) if found and looks_random(found["word"], quoted=False) else None


def _no_verb(text: str, start: int) -> Value | None:
    """A value, but for ``refresh`` in ``/token:refresh``."""
    given = value_at(text, start)
    is_verb = given is not None and given.bare.isalpha() and "token" in text[start - 12 : start].lower()
    return None if is_verb else given


def _random_word(text: str, start: int) -> Value | None:
    given = _single(text, start)
    return given if given is not None and looks_random(given.bare, quoted=False) else None


def _to_space(text: str, start: int) -> Value | None:
    if text.startswith("-----BEGIN", start):
        return None
    found = _TO_SPACE.match(text, start)
    given = value_at(text, start)
    if found is None or given is None:
        return None
    return given if given.end >= found.end() else Value(found.end(), found[0])


def _single(text: str, start: int) -> Value | None:
    """The rest of a line, if it is a single word or in quotes: else it is prose."""
    given = value_at(text, start)
    line = line_at(text, start)
    if given is None or line is None:
        return None
    rest = text[given.end : line.end].strip(" \t*_`|.")
    return given if not rest or rest.startswith("#") else None
