"""An ONNX graph that is ready to run, by onnxruntime, from bytes that were checked.

Tested in tests/unit/test_imaging_features.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

SILENT = 4
"""The runtime's own lines could name files; what goes wrong is said by an error of ours."""


def open_session(data: bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A session on the processor. It opens no file and no connection.

    :param data: a whole ONNX model.
    :param threads: by default as many as the process may use processors.
    :raises ImportError: onnxruntime is not installed, or can't run on this system.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_processors()
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def usable_processors() -> int:
    """How many processors this process may use; a container often has fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
