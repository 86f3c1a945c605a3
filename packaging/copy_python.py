"""Copy the Python that runs this, with the libraries that it needs beside the C library, into one folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SYSTEMS_OWN = re.compile(r"(ld-linux|linux-vdso|lib(c|m|dl|pthread|rt|util|resolv|nsl|crypt)\.so)")
LEFT_OUT = (
    *("test", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo", "pydoc_data", "config-*"),
    *("site-packages", "dist-packages", "__pycache__", "_tkinter*", "_test*", "_xxtest*", "*.a"),
)
START = """import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "site"))
from privxray.__main__ import main

main()
"""


def main() -> None:
    """Make the folder that is named."""
    target = Path(sys.argv[1])
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (target / "bin").mkdir(parents=True)
    program = target / "bin" / version
    shutil.copy(Path(sys.executable).resolve(), program)
    library = target / "lib" / version
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for path in (program, *library.rglob("*.so")):
        for found in needed(path):
            if not (target / "lib" / found.name).exists():
                shutil.copy(found, target / "lib" / found.name)
    (target / "start.py").write_text(START)


def needed(path: Path) -> list[Path]:
    """The shared libraries that a program or a module loads, but those of the C library."""
    told = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^\s*(\S+) => (/\S+)", told, re.MULTILINE)
    return [Path(place) for name, place in found if not SYSTEMS_OWN.match(name)]


if __name__ == "__main__":
    main()
