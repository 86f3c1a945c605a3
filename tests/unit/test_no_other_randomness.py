"""Nothing that privacy rests on comes from a statistical generator, or from what Opacus is not used for.

``demo`` makes up patients and protects nobody. What protects uses neither it nor ``audit``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import privxray

PACKAGE = Path(privxray.__file__).parent
EXEMPT = {"demo"}
ATTACKS = {"audit"}

# Public starting weights, by a fixed seed; they travel in the plan.
ALLOWED = {
    # Drawings of nobody, for what is measured or tried on public images, by a fixed seed.
    ("imaging/chest_picture.py", "numpy.random.Generator"),
    ("imaging/drawn_radiographs.py", "numpy.random.default_rng"),
    ("learning/dp_sgd/networks.py", "numpy.random.Generator"),
    ("learning/dp_sgd/networks.py", "numpy.random.PCG64"),
    # Which held-out patients an interval draws, on the hospital's own screen; it protects nobody.
    ("evaluation/resampling.py", "numpy.random.Generator"),
    ("evaluation/resampling.py", "numpy.random.PCG64"),
}

# Audits and their plots judge noise by distribution functions, which draw nothing; rvs is found there too.
JUDGING = {"audit", "reports"}

GENERATORS = re.compile(
    r"(numpy\.random|random|scipy\.stats|torch\.random|torch\.cuda\.random|torch\.nn\.init|torch\.distributions"
    r"|opacus\.(PrivacyEngine|privacy_engine|data_loader|utils\.uniform_sampler|utils\.batch_memory_manager)"
    r"|opacus\.(accountants|grad_sample\.grad_sample_module_fast\w*|optimizers\.optimizer_fast\w*)"
    r"|opacus\.utils\.fast_gradient_clipping_utils"
    r"|torch\.(randn?|randint|randperm|normal|bernoulli|multinomial|poisson|binomial)(_like)?"
    r"|torch\.(manual_seed|seed|Generator|set_rng_state)|(.*\.)?[Dd]ropout\w*)(\.|$)"
)
IN_PLACE = re.compile(r"(normal|uniform|bernoulli|random|cauchy|exponential|geometric|log_normal)_|rvs")


def names_used(source: str) -> Iterator[str]:
    """Dotted names as they are outside of this module, and the names of methods on anything."""
    tree = ast.parse(source)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else (alias.name.split(".")[0])
                )
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in known:
                yield f"{known[first]}.{rest}"
            yield f"?.{node.attr}"


def offences(source: str) -> set[str]:
    return {
        name
        for name in names_used(source)
        if GENERATORS.match(name) or (name.startswith("?.") and IN_PLACE.fullmatch(name[2:]))
    } - {"numpy.random"}  # on its own it is the inside of a longer name


@pytest.mark.parametrize(
    "planted",
    [
        "import numpy as np\nx = np.random.default_rng().normal()",
        "import numpy as np\nnp.random.normal(0, 1)",
        "from numpy.random import default_rng",
        "from numpy import random as r\nr.normal()",
        "import random",
        "from random import gauss",
        "import torch\ntorch.randn(3)",
        "import torch\ntorch.normal(0.0, 1.0, (3,))",
        "from torch import randn_like",
        "import torch\ntorch.empty(3).normal_()",
        "from torch import nn\nnn.init.kaiming_normal_(x)",
        "from torch import nn\nnn.Dropout(0.5)",
        "from opacus import PrivacyEngine",
        "from opacus.data_loader import DPDataLoader",
        "from opacus.accountants.utils import get_noise_multiplier",
        "from scipy.stats import norm",
    ],
)
def test_the_search_finds_what_is_planted(planted: str) -> None:
    assert offences(planted)


def test_no_module_calls_a_statistical_generator() -> None:
    searched = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.split("/")[0] in EXEMPT:
            continue
        searched += 1
        found = {offence for offence in offences(path.read_text()) if (name, offence) not in ALLOWED}
        if name.split("/")[0] in JUDGING:
            found = {offence for offence in found if not offence.startswith("scipy.stats")}
        assert not found, (name, found)
    assert searched > 100


def test_demo_and_attacks_are_not_used_by_what_protects() -> None:
    for folder in ("privacy", "learning", "exchange", "keys", "inference"):
        for path in (PACKAGE / folder).rglob("*.py"):
            used = [name for name in names_used(path.read_text()) if name.startswith("privxray.")]
            assert not [name for name in used if name.split(".")[1] in EXEMPT | ATTACKS], path.name
