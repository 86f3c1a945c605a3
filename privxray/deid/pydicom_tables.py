"""pydicom's tables of elements, UIDs and codes, without the rest of pydicom.

``import pydicom`` takes half a second, most of it for pixel decoders that the check never calls, and each
worker process would spend it again. The tables are modules of literals. They are loaded by themselves from
the installed package, so that there is only one dictionary. Tested in tests/unit/test_deid_tags.py and
tests/unit/test_deid_defined_terms.py.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def table(name: str) -> ModuleType:
    """A module of pydicom that holds nothing but literals.

    :param name: below pydicom, such as ``sr._concepts_dict``.
    :raises ImportError: pydicom is not installed, or has no such module.
    """
    loaded = sys.modules.get(f"pydicom.{name}")
    if loaded is not None:
        return loaded
    package = PathFinder.find_spec("pydicom")
    if package is None or not package.submodule_search_locations:
        raise ImportError("pydicom is not installed")
    path = Path(package.submodule_search_locations[0], *name.split(".")).with_suffix(".py")
    spec = spec_from_file_location(f"_privxray_{name.replace('.', '_')}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"pydicom has no {name}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
