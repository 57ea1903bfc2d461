"""The examples in the docstrings do what they show."""

import doctest
import importlib
import pathlib
import pkgutil

import astrid_host
import pytest
from astrid_host import Decision, Host

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FINDER = doctest.DocTestFinder(exclude_empty=True)


def examples():
    modules = [module.name for module in pkgutil.iter_modules(astrid_host.__path__, "astrid_host.")]
    found = [FINDER.find(importlib.import_module(name)) for name in modules if not name.endswith("__main__")]
    return [pytest.param(test, id=test.name) for tests in found for test in tests if test.examples]


@pytest.mark.parametrize("example", examples())
def test_example(example, tmp_path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    package = "examples/capsules/concierge"
    with Host.open(tmp_path / "open", on_approval=lambda _: Decision.DENY) as host:
        host.install(package, principal="alice")
        example.globs.update(home=tmp_path / "home", host=host, concierge=host.load(package, principal="alice"))
        told = []
        results = doctest.DocTestRunner().run(example, out=told.append)
    assert results.failed == 0, "".join(told)
    assert results.attempted > 0


def test_there_are_examples():
    assert {parameter.values[0].name.rsplit(".", 1)[1] for parameter in examples()} >= {"Host", "trigger", "publish"}
