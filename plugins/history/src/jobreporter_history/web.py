"""The page, for programs that serve it themselves. It needs the extra ``web``."""

from jobreporter_history._web.app import create_app
from jobreporter_history._web.guard import Access

__all__ = ["Access", "create_app"]
