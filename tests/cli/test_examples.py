"""The examples of the folder ``examples`` do what they say."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from privxray.cli.app import app
from privxray.cli.options.typed_terms import read_terms
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.profile.profile_file import load_profile
from privxray.exchange.sharing.committee import least_cohort
from privxray.learning.methods import get

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_the_study_in_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(EXAMPLES / "three_hospitals.py"))
    metrics = example["main"](tmp_path, patients_per_site=15)
    assert set(metrics) == {"macro_auc", "balanced_accuracy", "mcc", "pneumonia_auc"}
    told = capsys.readouterr().out
    assert told.count("(per patient, delta 1e-05, add-or-remove-one-patient)") == 3
    assert all((tmp_path / f"hospital-{site}" / "models" / "pneumonia-0001.model").exists() for site in "abc")


def test_the_terms_of_a_study_with_keyholders() -> None:
    terms = read_terms(EXAMPLES / "keyholders.yaml", {})
    committee = terms.committee
    assert committee is not None
    seats = len(committee.hospitals) + 1  # and the trustee
    assert committee.threshold is not None
    assert 2 * committee.threshold > seats + committee.corrupt_keyholders
    least = least_cohort(
        6, seats, committee.threshold, committee.corrupt_keyholders, committee.corrupt_hospitals
    )
    assert committee.minimum_cohort is not None
    assert least <= committee.minimum_cohort < 6
    get(terms.method).constants(terms.constants)


def test_the_profile_of_a_site() -> None:
    profile = load_profile(str(EXAMPLES / "site-profile.yaml"))
    assert profile.is_pseudonym(0x00100020, "SITE0042")
    assert not profile.is_pseudonym(0x00100020, "Zwiebel^Anna")
    assert ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES in profile.options


CLUSTER = [path for path in sorted((EXAMPLES / "cluster").rglob("*")) if path.is_file()]


@pytest.mark.parametrize("path", CLUSTER, ids=lambda path: path.name)
def test_an_example_for_a_cluster_types_what_there_is(path: Path) -> None:
    command: Any = typer.main.get_command(app)
    groups = command.commands["check"], command.commands["deidentify"]
    commands = [one for group in groups for one in (group, *group.commands.values())]
    real = {option for one in commands for p in one.params for option in p.opts}
    text = path.read_text().replace("\\\n", " ")
    for line in re.findall(
        r"^[^#\n]*privxray (?:--quiet |-C \S+ )?(?:check|deidentify) .*$|^arguments.*$", text, re.MULTILINE
    ):
        words = re.sub(r".*?privxray", "", line)
        typed = set(re.findall(r"(?<![\w-])--[a-z-]+", words)) - {"--quiet"}
        assert typed <= real, line
    steps = ("--shard", "terms --merge", "check --merge", "--terms", "--key-file")
    if path.name in ("check.sh", "Snakefile") and path.parent.name != "slurm":
        assert all(step in text for step in steps)


@pytest.mark.parametrize("path", [path for path in CLUSTER if path.suffix in (".sh", ".sbatch")], ids=str)
def test_a_script_for_a_cluster_is_one_for_bash(path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    assert subprocess.run([bash, "-n", path], check=False).returncode == 0
