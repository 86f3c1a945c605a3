"""The air-gapped installation of the README: a folder of wheels, and pip without an index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(
    not (os.environ.get("CI") or os.environ.get("PRIVXRAY_WHEELHOUSE")),
    reason="builds and installs 400 MB of wheels; runs where CI or PRIVXRAY_WHEELHOUSE is set",
)
def test_a_workstation_without_a_network_installs_from_the_stick(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    house = tmp_path / "wheelhouse"
    subprocess.run(
        ["make", "wheelhouse", f"WHEELHOUSE={house}"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, env=environment)
    alone = {name: value for name, value in environment.items() if not name.startswith("PIP_")}
    subprocess.run(
        [
            tmp_path / "venv/bin/pip",
            "--isolated",
            "install",
            "--no-compile",
            "--no-index",
            "--find-links",
            house,
            "privxray[inference,ocr,extractor,jpegxl]",
        ],
        env=alone,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    told = subprocess.run(
        [tmp_path / "venv/bin/privxray", "--version"],
        cwd=tmp_path,
        env=alone,
        check=True,
        capture_output=True,
    )
    assert told.stdout.startswith(b"privxray ")
    code = """
import privxray.learning.dp_sgd.dp_sgd_method, privxray.imaging.features, privxray.inference.hospital_side
from privxray.deid.pixels.text.text_finder import TextFinder
privxray.imaging.features.Extractor(), TextFinder()"""
    subprocess.run([tmp_path / "venv/bin/python", "-c", code], cwd=tmp_path, env=alone, check=True)
