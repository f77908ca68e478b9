"""Values that a database or a validator shows together with the name of their column or field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.values import is_secret, value_at
from jobreporter._capture.secret_names import SecretNames

# PostgreSQL: Key (email, api_token)=(a@b.example, x) already exists.
_KEY = re.compile(
    r"\((?P<names>[^()\n]{1,300}(?:\([^()\n]{0,100}\)[^()\n]{0,100})?)\)=\((?P<values>[^\n]{1,4000}?)\)(?=[ .,\n]|\Z)"
)
# MySQL: Duplicate entry 'x' for key 'users.api_token'.
_ENTRY = re.compile(r"Duplicate entry '(?P<secret>[^\n]{3,1000}?)' for key ['`](?P<name>[^'`\n]{1,200})['`]")
# SQL Server: ... constraint 'UQ_users_api_token'. ... The duplicate key value is (x).
_VIOLATION = re.compile(
    r"(?:constraint|index) '(?P<name>[^'\n]{1,200})'[^\n]{0,300}? duplicate key value is \((?P<secret>[^\n]{3,1000}?)\)\."
)
# PostgreSQL's COPY: column password: "x"
_COLUMN = re.compile(r"\bcolumn \"?(?P<name>\w{1,100}+)\"?: (?=[\"'])")
# A condition with its value written out: api_token IN ('x', 'y').
_CONDITION = re.compile(
    r"""(?<!\w)(?P<name>\w{1,100}+)["`\]]?\s++(?:NOT\s++)?(?:(?:[IR]?LIKE|BETWEEN|SIMILAR\s++TO)\s++(?=[NE]?')|IN\s*+(?=\(\s*+[NE]?'))"""
)
# pydantic: the field is on the line above.
_INPUT = re.compile(
    r"^(?P<name>[\w.\-]{1,200}+)\n {1,4}[^\n]{0,500}?\binput_value=(?P<secret>[^\n]{1,2000}?), input_type=",
    re.MULTILINE,
)

_INSERT = re.compile(
    r"(?i:\bINSERT\s++(?:OR\s++\w++\s++)?INTO|\bREPLACE\s++INTO)\s++[\w.\"`\[\]]{1,200}\s*+\((?P<names>[^()]{1,2000})\)\s*+(?i:VALUES|OUTPUT)"
)
_VALUES = re.compile(r"(?i:\bVALUES)\s*+(?=\()|(?<=\)),\s*+(?=\()")
# name = ?, and what else stands for a value.
_COMPARED = re.compile(
    r"[\"`\[]?(?P<name>\w{1,100}+)[\"`\]]?\s*+(?:=|<>|!=|(?i:\bLIKE|\bIS))\s*+(?P<place>\?|%s|\$\d{1,4}|@p\d{1,4})"
)
_PLACE = re.compile(r"\?|%s|\$\d{1,4}|@p\d{1,4}")
_PARAMETERS = re.compile(
    r"\b(?:parameters|params|args|with parameters|values)\b[\"']?[ ]*[:=][ ]*(?=[\[(]|\$1)", re.IGNORECASE
)
_ITEM = re.compile(
    r"""(?: [bruN]?'(?:[^'\\]|''|\\.)*+' | [bru]?"(?:[^"\\]|\\.)*+" | \w{1,60}\([^()\n]{0,500}\) | [^,()\[\]'"\n]++ )""",
    re.VERBOSE | re.DOTALL,
)
# SQLAlchemy leaves rows out in the middle: ... displaying 10 of 30 total bound parameter sets ...
_NEXT_ROW = re.compile(r",?\s*+\)\s*+(?:,|\.\.\. [^()\n]{1,100}? \.\.\.)\s*+(?=\()")
_NUMBERED = re.compile(r"""\$(?P<number>\d{1,4}) = (?P<value>'(?:[^']|'')*+')""")
_MOST = 200
_MOST_ROWS = 20


def databases(text: str, names: SecretNames) -> Iterator[Finding]:
    """What is shown of a row, where the column has a secret name."""
    for found in _KEY.finditer(text):
        yield from _by_position(found["names"], found["values"], found.start("values"), names)
    for pattern in (_ENTRY, _VIOLATION, _INPUT):
        for found in pattern.finditer(text):
            if found["name"] in names and is_secret(found["secret"].strip("'\"")):
                yield Finding(*found.span("secret"), (found["secret"].strip("'\""),))
    for pattern in (_COLUMN, _CONDITION):
        for found in pattern.finditer(text):
            if found["name"] in names and (value := value_at(text, found.end())) is not None:
                yield Finding(found.end(), value.end, (value.bare,))


def statements(text: str, names: SecretNames) -> Iterator[Finding]:
    """The values of a statement and its parameters, by the columns that they are for."""
    places: list[str] = []
    for found in _INSERT.finditer(text):
        columns = [each.strip().strip('"`[]') for each in found["names"].split(",")]
        places = columns
        if any(column in names for column in columns):
            yield from _rows(text, found.end(), columns, names)
    inserts = bool(places)
    if not inserts:
        places = [found["name"] for found in _COMPARED.finditer(text)]
    if not any(place in names for place in places):
        return
    for found in _PARAMETERS.finditer(text):
        yield from _parameters(text, found.end(), places, names, in_rows=inserts)


def _rows(text: str, start: int, columns: Sequence[str], names: SecretNames) -> Iterator[Finding]:
    """The rows of an INSERT with its values written out."""
    at = text.find("(", start)
    while at >= 0:
        items = _items(text, at + 1)
        yield from _secret_items(text, items, columns, names)
        end = items[-1][1] if items else at + 1
        following = _NEXT_ROW.match(text, end)
        at = following.end() if following else -1


def _parameters(
    text: str, start: int, columns: Sequence[str], names: SecretNames, *, in_rows: bool
) -> Iterator[Finding]:
    """in_rows: whether those of a second row may follow in the same list, as SQLAlchemy has them for (?, ?), (?, ?)."""
    if text.startswith("$1", start):
        for found in _NUMBERED.finditer(text, start):
            number = int(found["number"]) - 1
            if number < len(columns) and columns[number] in names:
                yield Finding(*found.span("value"), (found["value"].strip("'"),))
        return
    at = start
    for _ in range(_MOST_ROWS):
        while text[at : at + 1] in ("(", "["):
            at += 1
        items = _items(text, at)
        repeats = max(1, len(items) // len(columns)) if in_rows else 1
        yield from _secret_items(text, items, [*columns] * repeats, names)
        following = _NEXT_ROW.match(text, items[-1][1]) if items else None
        if following is None:
            return
        at = following.end()


def _items(text: str, start: int) -> list[tuple[int, int]]:
    """The parts of a list up to the bracket that closes it."""
    items: list[tuple[int, int]] = []
    at = start
    while len(items) < _MOST:
        while text[at : at + 1] in (" ", "\n"):
            at += 1
        found = _ITEM.match(text, at)
        if found is None:
            break
        items.append((found.start(), found.end()))
        at = found.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    return items


def _secret_items(
    text: str, items: Sequence[tuple[int, int]], columns: Sequence[str], names: SecretNames
) -> Iterator[Finding]:
    for (start, end), column in zip(items, columns, strict=False):
        item = text[start:end]
        bare = item.strip().lstrip("bruN").strip("'\"")
        if column in names and not _PLACE.fullmatch(item.strip()) and is_secret(bare):
            yield Finding(start, end, (bare,))


def _by_position(names_text: str, values_text: str, start: int, names: SecretNames) -> Iterator[Finding]:
    columns = [each.strip().strip('"') for each in names_text.split(",")]
    if not any(_named(column) in names for column in columns):
        return
    values = values_text.split(", ")
    if len(values) != len(columns):
        yield Finding(start, start + len(values_text), (values_text,))
        return
    for column, value in zip(columns, values, strict=True):
        if _named(column) in names and is_secret(value):
            yield Finding(start, start + len(value), (value,))
        start += len(value) + 2


def _named(column: str) -> str:
    """The column in an expression: ``lower(api_token::text)``."""
    return column.rpartition("(")[2].partition(":")[0].strip(')" ')
