"""Values that a program refuses, and says for which option or field they were meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.values import is_secret, value_at
from jobreporter._capture.secret_names import SecretNames

_NOUN = "(?:option|argument|parameter|param|field|setting|key|property|variable|attribute|column|header)"
# An option may have a short name too: '-t' / '--token'.
_NAME = r"""(?:["']?-\w["']?[ ]?/[ ]?)? ["']? -{0,2} (?P<name> [^\W\d][\w.\-]{1,80}+ ) ["']?"""

# argument --password: invalid int value: 'x', and option 'password' in section 'db' ... Raw value: 'x'
_AFTER = re.compile(
    rf"""\b{_NOUN} [ ] {_NAME} (?: [ :,](?:[^\n.;]|\.[ ](?=Raw)){{0,160}}? )? (?<!\bin[ ])\b(?: value | choice ):? [ ]++ (?=[bru]?["'])""",
    re.VERBOSE | re.IGNORECASE,
)
# Invalid value for '--token': 'x'
_FOR = re.compile(rf"""\bvalue[ ]for[ ] (?:{_NOUN}[ ])? {_NAME} : [ ]++ (?=[bru]?["'])""", re.VERBOSE | re.IGNORECASE)
# Invalid value 'x' for parameter 'password', and 'x' is not a valid value for 'password'
_BEFORE = re.compile(
    rf"""(?: \bvalue:?[ ] | (?= ["'][^"'\n]{{3,300}}+["'][ ]is[ ](?:not[ ]an?|an?|no)[ ](?:in)?valid[ ]\w{{1,20}}[ ]for[ ]) )
         (?P<quote>["']) (?P<secret>[^"'\n]{{3,300}}+) (?P=quote) (?:[ ]\w{{1,20}}){{0,5}}? [ ]for[ ] (?:the[ ])? (?:{_NOUN}[ ])? {_NAME}""",
    re.VERBOSE | re.IGNORECASE,
)
# {'loc': ('body', 'password'), 'msg': ..., 'input': 'x'}, as pydantic lists its errors.
_LOCATED = re.compile(
    r"""["']loc["']:[ ]?[(\[] (?:[^()\[\]\n]{0,300},[ ]?)? ["'](?P<name>[\w.\-]{1,80}+)["'],?[)\]], [^{}\n]{0,400}? ["']input["']:[ ]? (?=["'\d])""",
    re.VERBOSE,
)
# A line of a file without the sign that should be in it, as configparser quotes it.
_LINE = re.compile(
    r"""\[line[ ]++\d++\]:[ ]["'] [ \t]*+ (?P<name>[\w.\-]{1,80}+) [ \t]++ (?P<secret>[^\s"'\\]{3,200}+) (?=\\n|["'])""",
    re.VERBOSE,
)
_WITH_VALUE_BEHIND: Final = (_AFTER, _FOR, _LOCATED)


def refused(text: str, names: SecretNames) -> Iterator[Finding]:
    """What is quoted as no value for something that has a secret name."""
    for pattern in _WITH_VALUE_BEHIND:
        for found in pattern.finditer(text):
            if found["name"] in names and (given := value_at(text, found.end())) is not None:
                yield Finding(found.end(), given.end, (given.bare,))
    for pattern in (_BEFORE, _LINE):
        for found in pattern.finditer(text):
            if found["name"] in names and is_secret(found["secret"]):
                yield Finding(*found.span("secret"), (found["secret"],))
