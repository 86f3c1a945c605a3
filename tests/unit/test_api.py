"""The front door for programs: light to import, the same in code and in docs, and enough for the examples."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import privxray
from privxray import api

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "API.md").read_text("utf-8")
HEAVY = {"numpy", "pydicom", "scipy", "torch"}


def loaded_by(*code: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after this code."""
    lines = "\n".join((*code, "import sys", "print('modules:', *sys.modules)"))
    run = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    return set(run.stdout.rpartition("modules:")[2].split())


def test_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import privxray", "assert privxray.__version__")
    assert "privxray.version" in loaded
    assert "privxray.api" not in loaded
    assert not loaded & HEAVY


def test_the_version_loads_nothing_heavy() -> None:
    loaded = loaded_by("from privxray.cli.app import run", "assert run(['--version']) == 0")
    assert "privxray.cli.app" in loaded
    assert "privxray.api" not in loaded
    assert not loaded & {*HEAVY, "pydantic"}


def test_the_front_door_loads_no_torch() -> None:
    loaded = loaded_by("import privxray", "privxray.train")
    assert "privxray.api" in loaded
    assert "torch" not in loaded


def test_the_package_hands_out_what_the_front_door_lists() -> None:
    assert set(privxray.__all__) == {*api.__all__, "__version__"}
    assert set(privxray.__all__) <= set(dir(privxray))
    for name in api.__all__:
        assert getattr(privxray, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="nonsuch"):
        privxray.nonsuch  # noqa: B018


def test_types_are_told_of_every_name() -> None:
    """A type checker and an editor read the names under ``TYPE_CHECKING``."""
    tree = ast.parse(Path(privxray.__file__).read_text("utf-8"))
    told = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "privxray.api"
        for alias in node.names
    }
    assert told == set(api.__all__)


def test_the_page_has_every_function_with_its_parameters() -> None:
    told = {call.partition("(")[0]: call for call in re.findall(r"^\| `([a-z_]+\(.*?\))` \|", PAGE, re.M)}
    real = {}
    for name in api.__all__:
        value = getattr(api, name)
        if inspect.isfunction(value):
            signature = inspect.signature(value)
            bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
            real[name] = f"{name}{signature.replace(parameters=bare, return_annotation=signature.empty)}"
    assert told == real


def test_the_page_has_every_type_with_its_fields() -> None:
    told = {
        name: re.findall(r"`([a-z_]+)`", fields.partition(";")[0])
        for name, fields in re.findall(r"^\| `([A-Z]\w+)` \| (.*?) \|$", PAGE, re.M)
    }
    real = {
        name: [field.name for field in dataclasses.fields(value)]
        for name in api.__all__
        if dataclasses.is_dataclass(value := getattr(api, name))
    }
    assert told == real


def test_the_page_names_everything_and_its_programs_use_only_what_is_there() -> None:
    assert [name for name in api.__all__ if not re.search(rf"\b{name}\b", PAGE)] == []
    for program in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        compile(program, "API.md", "exec")
        assert set(re.findall(r"privxray\.(\w+)", program)) <= set(api.__all__)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_examples_need_the_front_door_alone(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        for module in modules:
            top, _, below = module.partition(".")
            assert top in sys.stdlib_module_names | {"privxray"}, module
            assert top != "privxray" or not below, f"{path.name} imports {module}"
        if isinstance(node, ast.ImportFrom) and node.module == "privxray":
            assert {alias.name for alias in node.names} <= set(api.__all__)


def test_a_check_and_a_look_into_a_file(tmp_path: Path) -> None:
    labels = privxray.draw_study(tmp_path / "xrays", sites=("A",), patients_per_site=2)
    report = privxray.check([labels.parent / "images"])
    assert (report.verdict, report.skipped) == ("pass", 0)
    workspace = privxray.init_hospital(tmp_path / "ward", "ward", lambda: "a passphrase of a test")
    assert privxray.Workspace.find(workspace.updates).root == workspace.root.resolve()
    said = privxray.inspect_file(workspace.card_path, None)
    assert (said.header["kind"], said.header["name"]) == ("card", "ward")
    done = privxray.deidentify(workspace, labels.parent / "images", tmp_path / "clean")
    assert (done.made, done.quarantined) == (done.files, ())


def test_a_profile_with_options() -> None:
    profile = privxray.load_profile("basic", ["clean-descriptors"])
    assert [option.flag for option in profile.options] == ["--clean-descriptors"]
    with pytest.raises(privxray.PrivxrayError) as caught:
        privxray.load_profile("basic", ["clean-everything"])
    assert caught.value.reason == "profile.no-such-option"
    assert caught.value.exit_code == 2
