from __future__ import annotations

import subprocess
import sys

import numpy as np

from privxray.learning.averaging import average


def test_an_average_is_start_plus_the_mean_of_the_deltas_in_float32() -> None:
    start = {"w": np.array([1.0, 2.0], np.float32), "b": np.array([[0.5]], np.float32)}
    sums = {"w": np.array([3.0, -6.0]), "b": np.array([[0.75]])}
    model = average(sums, 3, start)
    assert {name: tensor.dtype for name, tensor in model.items()} == dict.fromkeys(start, np.float32)
    assert model["w"].tolist() == [2.0, 0.0]
    assert model["b"].tolist() == [[0.75]]


def test_a_coordinators_commands_import_no_torch() -> None:
    """It is 300 MB of memory, the aim of the whole command."""
    code = (
        "import sys, numpy as np, privxray.workflow.coordinator.aggregate\n"
        "from privxray.learning import methods\n"
        "one = {'w': np.ones(3, np.float32)}; "
        "methods.combine('dp-sgd', one, 3, {}, ('a', 'b'), one); "
        "bad = {'torch', 'opacus', 'sklearn', 'pydicom'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
