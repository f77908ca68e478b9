"""Plain text as a service reads it: some of them read Markdown, and each takes so much of it and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apprise import NotifyBase, NotifyFormat

from jobreporter_notify._message import shortened

# Services that Apprise hands plain text to, and that read it as Markdown.
_READ_AS_MARKDOWN = frozenset({"discord", "mmost", "mmosts"})
# In Markdown a backslash has a character stand for itself.
_MARKS = re.compile(r"[\\*_`~|\[\]]|^(?=[#>+-])", re.MULTILINE)
_LINKS = re.compile(r"(https?://[^\s<>()\[\]\\|\"]+)")
# What Apprise keeps free beside a title that it puts before a text.
_JOINT = 16


class Markup:
    """scheme: of the service's URL."""

    def __init__(self, scheme: str, service: NotifyBase) -> None:
        self._service = service
        #: What Apprise is to take the text for.
        self.form = NotifyFormat.TEXT
        self._write = _plain
        if service.resolve_format(NotifyFormat.TEXT) is NotifyFormat.MARKDOWN:
            # Apprise would put backslashes into links too.
            self.form = NotifyFormat.MARKDOWN
            self._write = _commonmark
        elif scheme in _READ_AS_MARKDOWN:
            self._write = _escaped

    def written(self, title: str, body: str) -> tuple[str, str]:
        """Both as they are to be sent."""
        written = self._write(title)
        longest = self._service.body_maxlen
        if self._service.title_maxlen <= 0 or self._service.overflow_amalgamate_title:
            longest -= len(written) + _JOINT
        return written, self._write(shortened(body, lambda text: len(self._write(text)) <= longest))


def _plain(text: str) -> str:
    return text


def _escaped(text: str) -> str:
    """With its marks as they stand there, and links whole."""
    return "".join(part if is_link else _shown(part) for part, is_link in _parts(text))


def _commonmark(text: str) -> str:
    """The same with links that can be clicked everywhere, and lines that stay lines."""
    parts = (f"[{part}]({part})" if is_link else _shown(part) for part, is_link in _parts(text))
    return "".join(parts).replace("\n", "  \n")


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Pieces, each with whether it is a link."""
    return ((part, index % 2 == 1) for index, part in enumerate(_LINKS.split(text)))


def _shown(text: str) -> str:
    return _MARKS.sub(r"\\\g<0>", text)
