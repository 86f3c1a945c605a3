"""Every constant is explained, read, and within its range."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

import privxray
from privxray.errors import UsageError
from privxray.learning import constants as constants_module
from privxray.learning import methods
from privxray.learning.constants import DpSgdConstants, LinearProbeConstants, MethodConstants
from privxray.learning.dp_sgd.dp_sgd_method import DpSgd
from privxray.learning.linear_probe.linear_probe_method import LinearProbe

PACKAGE = Path(privxray.__file__).parent
# Who has to read a class's own constants: the method itself, or who plans and trains by any method.
READERS: Mapping[type[MethodConstants], tuple[str, ...]] = {
    MethodConstants: ("workflow/coordinator", "workflow/hospital"),
    LinearProbeConstants: ("learning/linear_probe",),
    DpSgdConstants: ("learning/dp_sgd",),
}


def attributes_read(source: str) -> set[str]:
    """The names of the constants whose value a module takes."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Load)
        and ast.unparse(node.value).split(".")[-1].lstrip("_") == "constants"
    }


def unread(kind: type[MethodConstants], sources: Iterator[str]) -> set[str]:
    """The constants of a class itself, not of its parent, that no source reads."""
    return set(kind.__annotations__) - set().union(*map(attributes_read, sources))


@pytest.mark.parametrize("kind", READERS, ids=lambda kind: kind.__name__)
def test_every_constant_is_read(kind: type[MethodConstants]) -> None:
    folders = [PACKAGE / name for name in READERS[kind]]
    sources = (path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py"))
    assert unread(kind, sources) == set()


def test_a_constant_that_nothing_reads_is_found() -> None:
    class Planted(MethodConstants):
        used: float = 1.0
        written: float = 1.0
        forgotten: float = 1.0
        start: float = 1.0

    source = "noise = self._constants.used; constants.written = 2; forgotten = task.start"
    assert unread(Planted, iter([source])) == {"written", "forgotten", "start"}


def explained(source: str) -> Iterator[tuple[str, str]]:
    """Each constant of a module with the text that stands below it, or the empty one."""
    for kind in ast.parse(source).body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for field, below in zip(kind.body, [*kind.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign):
                found = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                yield f"{kind.name}.{ast.unparse(field.target)}", str(below.value.value) if found else ""


def test_every_constant_is_explained_by_itself() -> None:
    found = dict(explained(Path(constants_module.__file__).read_text("utf-8")))
    kinds = (MethodConstants, LinearProbeConstants, DpSgdConstants)
    assert set(found) == {f"{kind.__name__}.{name}" for kind in kinds for name in kind.__annotations__}
    assert [name for name, text in found.items() if not text.rstrip().endswith(".")] == []
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("linear-probe", {"stepz": 10}),
        ("linear-probe", {"steps": 0}),
        ("linear-probe", {"steps": "ten"}),
        ("linear-probe", {"steps": True}),
        ("linear-probe", {"momentum": 1.0}),
        ("linear-probe", {"gradient_clip": math.nan}),
        ("linear-probe", {"gradient_clip": math.inf}),
        ("linear-probe", {"gradient_clip": 1e-10}),
        ("linear-probe", {"count_share": 1.0}),
        ("linear-probe", {"count_share": 0.0}),
        ("linear-probe", {"weight_cap": 1e9}),
        ("linear-probe", {"n_max": 0}),
        ("dp-sgd", {"sampling_rate": 1.5}),
        ("dp-sgd", {"sampling_rate": 0.0}),
        ("dp-sgd", {"sampling_rate": 1e-10}),
        ("dp-sgd", {"network": "resnet"}),
        ("dp-sgd", {"image_size": 17}),
        ("dp-sgd", {"view_flip": 2}),
        ("dp-sgd", {"averaging": 1.0}),
    ],
)
def test_constants_out_of_range_are_refused_by_name(name: str, overrides: dict[str, object]) -> None:
    with refused(UsageError, "plan.constant-refused") as refusal:
        methods.get(name).constants(overrides)
    assert f"the plan's constant {next(iter(overrides))} is not accepted" in str(refusal.value)


def test_yes_is_a_value_of_what_is_yes_or_no() -> None:
    assert methods.get("dp-sgd").constants({"view_flip": False}) == DpSgdConstants(view_flip=False)


def test_a_plan_of_the_first_dp_sgd_states_no_constant_that_came_later() -> None:
    assert "averaging" not in DpSgd().constants({}).stated()
    assert DpSgd().constants({"averaging": 0.5}).stated()["averaging"] == 0.5


@pytest.mark.parametrize(
    ("overrides", "network", "rate"),
    [
        ({}, "lite2-head", 1.0),
        ({"steps": 3, "sampling_rate": 0.5}, "lite2-head", 0.5),
        ({"network": "lite2-head"}, "lite2-head", 1.0),
        ({"network": "small-cnn"}, "small-cnn", 0.25),
        ({"network": "resnet18", "image_size": 32}, "resnet18", 0.25),
        ({"image_size": 32}, "small-cnn", 0.25),
    ],
)
def test_the_recipe_is_for_its_own_network_and_terms_with_an_image_size_mean_what_they_did(
    overrides: dict[str, object], network: str, rate: float
) -> None:
    made = DpSgd().new_constants(overrides)
    assert (made.network, made.sampling_rate) == (network, rate)
    earlier = {"learning_rate": 1.0, "averaging": 0.0, "views": 1}
    assert (network == "lite2-head") != (made.model_dump().items() >= earlier.items())


def test_a_network_that_does_not_exist_is_refused_for_a_new_plan_too() -> None:
    with refused(UsageError, "plan.constant-refused"):
        DpSgd().new_constants({"network": "vgg"})


@pytest.mark.parametrize(("method", "size"), [(LinearProbe(), "feature_dim"), (DpSgd(), "image_size")])
def test_a_method_says_how_large_its_inputs_are(method: Any, size: str) -> None:
    assert method.input_size(method.constants({size: 240})) == 240


def test_sixty_four_hospitals_can_t_overflow_with_the_largest_constants() -> None:
    probe = LinearProbe().constants({"weight_cap": 65536, "weight_bound": 64, "fraction_bits": 32})
    sgd = DpSgd().constants({"delta_bound": 1, "fraction_bits": 24})
    for method, constants in ((LinearProbe(), probe), (DpSgd(), sgd)):
        for spec in method.manifest(constants, ("a", "b", "c")):
            assert 64 * spec.bound * 2**spec.fraction_bits < 2 ** (method.modulus_bits - 1)
