"""The userinfo of URLs, and secrets in their paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobreporter._capture.finders.finding import Finding

# The part of a URL before the @. A password should not hold a slash, and often does: it is told from a port by not
# being a number. One that was cut off ends in the mark that says so.
_USERINFO = re.compile(
    r"""://(?P<secret> [^\s/?\#"'<>]*
                     | [^\s/?\#:@"'<>]* : (?! \d*+ (?: [/?\#"'<>,;)\s] | \Z)) [^\s"'<>@]{1,256}
           ) (?= @ | \.\.\.[ ]\( \d++ [ ](?:characters|bytes)\)\Z)""",
    re.VERBOSE,
)
_MASKED = re.compile(r"[^:]*:?(?:[*•x]{3,}|\*+|\[\w+\]|<\w+>|\{[^{}]*\}|\$\{?\w+\}?)?")
# What Oracle's drivers have instead.
_SLASHED = re.compile(
    r"(?:jdbc:oracle:\w{1,10}:[\w.$#]{1,60}|(?<![\w./@:\-])[\w.$#]{1,60}(?=/[^\s@/]{1,128}@//))/(?P<secret>[^\s@/]{1,128})@"
)


def userinfo(text: str) -> Iterator[Finding]:
    """What stands between ``//`` and ``@``; of that, the password is the secret itself. Or ``user/password@``."""
    for found in _USERINFO.finditer(text):
        secret = found["secret"]
        if not secret or (":" in secret and _MASKED.fullmatch(secret)) or set(secret) <= {"*"}:
            continue
        yield Finding(*found.span("secret"), (secret.rpartition(":")[2],))
    if "oracle" in text or "@//" in text:
        for found in _SLASHED.finditer(text):
            yield Finding(*found.span("secret"), (found["secret"],))
