"""Arrays and frames, told by type, shape and dtype: their ``repr`` may take seconds, and shows what nobody reads."""

from __future__ import annotations

from typing import Any

from jobreporter._foreign.bounded_text import cut
from jobreporter._foreign.classes import attribute, full_name, module_name, mro
from jobreporter._foreign.interruption import is_interruption

# The libraries that make them, and one whose queries are as bad.
_LIBRARIES = frozenset(
    """
    numpy pandas polars pyarrow torch tensorflow jax jaxlib cupy cudf xarray scipy dask modin geopandas sparse mlx paddle
    mxnet vaex django
    """.split()
)
# What their types have, and no other type of theirs does.
_MARKS = ("__array__", "__array_interface__", "__dataframe__", "__arrow_c_stream__", "__arrow_c_array__", "__dlpack__")
# A single number or text of numpy's is shown as it is, and so is what describes one.
_SINGLE = frozenset(["numpy.generic", "numpy.dtype"])
# To show one of these, Django asks the database.
_ASKS_ELSEWHERE = frozenset(["django.db.models.query.QuerySet", "django.db.models.query.RawQuerySet"])
_MOST_DIMENSIONS = 20
_NAME_LENGTH = 100


def is_array(kind: type) -> bool:
    """Whether a class is one of arrays or frames, or of something else that shouldn't be asked to show itself."""
    if not any(module_name(base).partition(".")[0] in _LIBRARIES for base in mro(kind)):
        return False
    bases = [full_name(base) for base in mro(kind)]
    if not _SINGLE.isdisjoint(bases):
        return False
    if not _ASKS_ELSEWHERE.isdisjoint(bases) or _is_lazy(kind):
        return True
    return any(attribute(kind, mark) is not None for mark in _MARKS) or _has_shape(kind)


def is_single(kind: type) -> bool:
    """Whether a class is one of numpy's own for a single number or text."""
    return module_name(kind) == "numpy" and any(full_name(base) == "numpy.generic" for base in mro(kind))


def described(value: Any, kind: type) -> str:
    """``<numpy.ndarray of shape (3, 4) and dtype float64>``."""
    facts = [] if _is_lazy(kind) else [*_shape(value), *_dtype(value)]
    return f"<{full_name(kind)}{' of ' if facts else ''}{' and '.join(facts)}>"


def _is_lazy(kind: type) -> bool:
    """Whether nothing is known before it is computed or asked for."""
    bases = [full_name(base) for base in mro(kind)]
    return any(base.endswith(".LazyFrame") or base in _ASKS_ELSEWHERE for base in bases)


def _has_shape(kind: type) -> bool:
    return attribute(kind, "shape") is not None and attribute(kind, "dtype") is not None


def _shape(value: Any) -> list[str]:
    shape = _asked(value, "shape")
    if not issubclass(type(shape), tuple):
        return []
    sizes = tuple.__getitem__(shape, slice(_MOST_DIMENSIONS))
    named = [int.__repr__(size) if issubclass(type(size), int) else "?" for size in sizes]
    return [f"shape ({', '.join(named)}{',' if len(named) == 1 else ''})"]


def _dtype(value: Any) -> list[str]:
    dtype = _asked(value, "dtype")
    if dtype is None:
        return []
    try:
        return [f"dtype {cut(str(dtype), _NAME_LENGTH)}"]
    except BaseException as error:
        if is_interruption(error):
            raise
        return []


def _asked(value: Any, name: str) -> Any:
    """One cheap attribute of the library's own; ``None`` where it has none or fails."""
    try:
        return getattr(value, name, None)
    except BaseException as error:
        if is_interruption(error):
            raise
        return None
