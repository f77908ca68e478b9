"""Values that do their worst when they are asked anything, built from recipes, which can be shown and shrunk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from types import MappingProxyType, MethodType, SimpleNamespace
from typing import Any, NamedTuple

from hypothesis import strategies as st

#: What must be in nothing that is kept.
CANARY = "canary-5f2e"

#: Names under which a value is secret, also as a command line and a subclass of text have them.
SECRET_NAMES = ("password", "api_key", "Authorization", "x-auth-token", "userSSN", "--token", "client_secret")

_TRAPS = (
    "__bool__ __call__ __contains__ __dir__ __eq__ __float__ __format__ __ge__ __getattr__ __getattribute__ __getitem__"
    " __gt__ __hash__ __index__ __int__ __iter__ __le__ __len__ __lt__ __next__ __reduce__ __reduce_ex__ __reversed__"
    " __sizeof__ __str__ items keys values decode encode bit_length"
).split()

_MAKE: dict[str, Callable[[type, Any], Any]] = {
    "dict": lambda kind, items: _filled(dict.__new__(kind), dict.update, items),
    "list": lambda kind, items: _filled(list.__new__(kind), list.extend, items),
    "deque": lambda kind, items: _filled(deque.__new__(kind), deque.extend, items),
    "tuple": tuple.__new__,
    "str": str.__new__,
    "bytes": bytes.__new__,
    "int": int.__new__,
    "float": float.__new__,
}
_BASES: dict[str, type] = {
    "dict": dict,
    "list": list,
    "deque": deque,
    "tuple": tuple,
    "str": str,
    "bytes": bytes,
    "int": int,
    "float": float,
}


#: Objects that a `repr` shows by the reprs of what they hold.
_HOLDERS: dict[str, Callable[[Any], Any]] = {
    "error": ValueError,
    "partial": lambda held: partial(print, held, named=held),
    "method": lambda held: MethodType(print, [held]),
    "namespace": lambda held: SimpleNamespace(held=held),
    "proxy": lambda held: MappingProxyType({"held": held}),
}


class Recipe(NamedTuple):
    """How to build a value. kind: a builtin type, ``object``, ``itself`` or one of the holders. content: what it holds, or how it shows itself."""

    kind: str
    content: Any
    hostile: bool = False


class Kitchen:
    """Builds values, and notes what they are asked for from `open` on."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._armed = False

    def open(self) -> None:
        """From here on, no value may be asked for more than one ``repr``."""
        self._armed = True

    def build(self, recipe: Recipe, within: Any = None) -> Any:
        """The value. within: the container around it, for one that holds itself."""
        kind, content, hostile = recipe
        if kind == "itself":
            return within
        if kind == "object":
            return self._object(content)
        if kind in _HOLDERS:
            return _HOLDERS[kind](self.build(content, within))
        if kind in ("list", "deque"):
            whole = _MAKE[kind](self._kind(kind, hostile), [])
            _BASES[kind].extend(whole, [self.build(each, whole) for each in content])  # type: ignore[attr-defined]
            return whole
        if kind == "dict":
            whole = _MAKE[kind](self._kind(kind, hostile), [])
            for key, value in content:
                dict.__setitem__(whole, self.build(key), self.build(value, whole))
            return whole
        if kind == "tuple":
            content = [self.build(each, within) for each in content]
        if kind == "none":
            return None
        if kind == "many":
            return [self.build(content, within)] * 60
        if kind == "long text":
            kind, content = "str", "x" * content
        if kind == "long int":
            kind, content = "int", 1 << content
        return _MAKE[kind](self._kind(kind, hostile), content)

    def _kind(self, name: str, hostile: bool) -> type:
        base = _BASES[name]
        if not hostile:
            return base
        return type("Hostile", (base,), {trap: self._trap(trap, base) for trap in (*_TRAPS, "__repr__")})

    def _object(self, shows: str) -> Any:
        traps = {trap: self._trap(trap, object) for trap in _TRAPS}
        return type("Hostile", (), {**traps, "__repr__": _SHOWN[shows]})()

    def _trap(self, name: str, base: type) -> Callable[..., Any]:
        def trap(value: Any, *args: Any, **more: Any) -> Any:
            if not self._armed:  # a key is hashed when its dict is built
                return getattr(base, name)(value, *args, **more)
            self.asked.append(name)
            raise SystemExit(name)

        return trap


def _filled(empty: Any, fill: Callable[[Any, Any], object], items: Any) -> Any:
    fill(empty, items)
    return empty


class Text(str):
    """Text of a kind of its own."""

    __slots__ = ()


def _raise(error: BaseException) -> Any:
    raise error


#: How an object shows itself.
_SHOWN: dict[str, Callable[[Any], Any]] = {
    "not at all": lambda self: _raise(SystemExit("no")),
    "with an error that can't be shown": lambda self: _raise(type("E", (Exception,), {"__str__": None})()),
    "as a number": lambda self: 5,
    "for ever": lambda self: _raise(RecursionError()),
    "enormously": lambda self: "x" * 1_000_000,
    "in surrogates": lambda self: "\ud800\x1b[2J\n",
    "as other text": lambda self: Text("text"),
    "with a secret": lambda self: f"<Connection password={CANARY!r} url='https://me:{CANARY}@host/'>",
}

_hostility = st.sampled_from([False, False, True])
_integers = st.integers() | st.sampled_from([2**63, -(2**63) - 1])
_scalars = st.one_of(
    st.just(Recipe("none", None)),
    st.builds(Recipe, st.just("str"), st.text(st.characters(), max_size=30), _hostility),
    st.builds(Recipe, st.sampled_from(["long text", "long int"]), st.just(100_000), _hostility),
    st.builds(Recipe, st.just("bytes"), st.binary(max_size=30), _hostility),
    st.builds(Recipe, st.just("int"), _integers, _hostility),
    st.builds(Recipe, st.just("float"), st.floats(), _hostility),
    st.builds(Recipe, st.just("object"), st.sampled_from(sorted(_SHOWN))),
    st.just(Recipe("itself", None)),
)
_names = st.builds(Recipe, st.just("str"), st.text(st.characters(), max_size=8), _hostility)
_keys = (
    _names | st.builds(Recipe, st.just("bytes"), st.binary(max_size=8)) | st.builds(Recipe, st.just("int"), _integers)
)
_secret_names = st.builds(Recipe, st.just("str"), st.sampled_from(SECRET_NAMES), _hostility)
_canaries = st.recursive(
    st.sampled_from([Recipe("str", CANARY), Recipe("str", CANARY, True), Recipe("bytes", CANARY.encode())]),
    lambda inner: st.builds(
        Recipe, st.sampled_from(["list", "tuple", "deque"]), st.lists(inner, max_size=3), _hostility
    ),
    max_leaves=3,
)
_secrets = st.one_of(
    st.builds(
        Recipe, st.just("dict"), st.lists(st.tuples(_secret_names, _canaries), min_size=1, max_size=2), _hostility
    ),
    st.tuples(_secret_names, _canaries).map(lambda pair: Recipe("tuple", pair)),
    st.sampled_from([f"https://u:{CANARY}@host/x", f"?token={CANARY}&b=1", f"password='{CANARY}'"]).map(
        lambda text: Recipe("str", text)
    ),
)

#: Anything that a job's argument may be.
recipes: st.SearchStrategy[Recipe] = st.recursive(
    _scalars | _secrets,
    lambda inner: st.one_of(
        st.builds(Recipe, st.sampled_from(["list", "tuple", "deque"]), st.lists(inner, max_size=6), _hostility),
        st.builds(Recipe, st.just("dict"), st.lists(st.tuples(_keys, inner), max_size=4), _hostility),
        st.builds(Recipe, st.sampled_from(["many", *_HOLDERS]), inner),
    ),
    max_leaves=12,
)
