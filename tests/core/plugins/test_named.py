"""What ``module:attribute`` names: modules and packages on disk, and every way to miss them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter._plugins.missing import Home
from jobreporter._plugins.named import NotFoundError, attribute_of, module_named

FILES = {
    "orders/__init__.py": "",
    "orders/celery.py": "app = object()\n",
    "orders/broken.py": "def at_import():\n    raise OSError('no broker')\nat_import()\n",
    "orders/needs.py": "import orders.celery\n\nimport a_client_that_is_missing\n",
    "single.py": "class Slack: ...\nclass Mail:\n    @property\n    def it(self): ...\n",
    "src/inner/__init__.py": "",
    "src/inner/tasks/__init__.py": "",
    "src/inner/tasks/mail.py": "",
    "src/loose.py": "",
    "plain/loose.py": "",
    "old-name.py": "",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A project that somebody stands in."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    yield Home(tmp_path, "this folder")
    for module in set(sys.modules) - before:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ordres", "can't import 'ordres': there is no module 'ordres' on sys.path, nor in this folder '{}'. Did you mean 'orders'?"),
        ("iner", "can't import 'iner': there is no module 'iner' on sys.path, nor in this folder '{}'. Did you mean 'inner'?"),
        ("qqqq.tasks", "can't import 'qqqq.tasks': there is no module 'qqqq' on sys.path, nor in this folder '{}': set PYTHONPATH, or install the package"),
        ("inner.tasks", "can't import 'inner.tasks': there is no module 'inner' on sys.path, nor in this folder '{0}', but there is one in '{0}/src': set PYTHONPATH=src, or install the package"),
        ("orders.clery", "can't import 'orders.clery': there is no module 'clery' in 'orders' ({}/orders/__init__.py). Did you mean 'celery'?"),
        ("orders.qqqq.tasks", "can't import 'orders.qqqq.tasks': there is no module 'qqqq' in 'orders' ({}/orders/__init__.py). The modules in it are 'broken', 'celery' and 'needs'"),
        ("single.Slack", "can't import 'single.Slack': 'single' ({}/single.py) is a module and no package: name what is in it as 'single:Slack'"),
        ("single.qqqq", "can't import 'single.qqqq': 'single' ({}/single.py) is a module and no package"),
        ("single.py", "can't import 'single.py': it is the name of a file, and that of its module is 'single'"),
        ("orders.py", "can't import 'orders.py': it is the name of a file, and that of its module is 'orders'"),
        ("orders.broken", "can't import 'orders.broken': OSError: no broker ({}/orders/broken.py:2)"),
        ("orders.needs", "can't import 'orders.needs': ModuleNotFoundError: No module named 'a_client_that_is_missing' ({}/orders/needs.py:3)"),
        ("old_name", "can't import 'old_name': there is no module 'old_name' on sys.path, nor in this folder '{}'. Did you mean 'old-name'?"),
        ("orders/celery.py", "'orders/celery.py' is a path, and a module is named as Python imports it: 'orders.celery'"),
        ("./orders/celery", "'./orders/celery' is a path, and a module is named as Python imports it: 'orders.celery'"),
        (r"orders\celery.py", r"'orders\\celery.py' is a path, and a module is named as Python imports it: 'orders.celery'"),
        ("orders/", "'orders/' is a path, and a module is named as Python imports it: 'orders'"),
        ("{}/single.py", "'{}/single.py' is a path, and a module is named as Python imports it: 'single'"),
        ("src/inner/tasks/mail.py", "'src/inner/tasks/mail.py' is a path, and a module is named as Python imports it: 'inner.tasks.mail', with PYTHONPATH=src"),
        ("src/loose.py", "'src/loose.py' is a path, and a module is named as Python imports it: 'loose', with PYTHONPATH=src"),
        ("plain/loose.py", "'plain/loose.py' is a path, and a module is named as Python imports it: 'plain.loose'"),
        ("qqqq/celery.py", "'qqqq/celery.py' is a path, and a module is named as Python imports it, with dots"),
        (".orders", "'.orders' is a path, and a module is named as Python imports it, with dots"),
    ],
)  # fmt: skip
def test_a_module_that_can_not_be_had_is_told_with_the_one_that_was_meant(home: Home, name: str, told: str) -> None:
    """What of it is missing, where it was looked for, and where there is one; or where its import failed."""
    with pytest.raises(NotFoundError) as caught:
        module_named(name.format(home.folder), home)
    assert str(caught.value) == told.format(home.folder)


def test_a_project_may_be_stood_in_too_deep(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has gone into the package itself finds it in the folder above."""
    monkeypatch.setattr(sys, "path", sys.path[1:])
    monkeypatch.chdir("orders")
    with pytest.raises(NotFoundError, match=f"but there is one in '{home.folder}': set PYTHONPATH={home.folder}, or"):
        module_named("orders.celery", Home(home.folder / "orders", "this folder"))


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ("slack", "'single' has no 'slack'. Did you mean 'Slack'?"),
        ("qqqq", "'single' has no 'qqqq'. The names in it are 'Mail' and 'Slack'"),
        ("Mail.itt", "'single' has no 'Mail.itt'. Did you mean 'it'?"),
    ],
)
def test_an_attribute_that_is_not_there_is_told_with_the_nearest_of_its_owner(
    home: Home, attribute: str, told: str
) -> None:
    """Of the class, where it is that which was asked."""
    with pytest.raises(NotFoundError) as caught:
        attribute_of(module_named("single", home), attribute)
    assert str(caught.value) == told


def test_a_module_of_a_package_may_be_named_as_its_attribute(home: Home) -> None:
    """Before anything has imported it."""
    assert attribute_of(module_named("orders", home), "celery.app") is sys.modules["orders.celery"].app
