"""``doctor``'s checks of the machine: space, clock, packages, the accountant's arithmetic, walls.

Tested in tests/cli/test_doctor.py.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata

from privxray.system.walls import walls_here
from privxray.workflow.upkeep.diagnosis import Diagnosis
from privxray.workspace.folder import Workspace

LITTLE = 1 << 30  # bytes; features of 10,000 images and a ResNet-18's update fit many times
TOO_LITTLE = 1 << 27
_SLACK = 120.0  # seconds by which a stick's or a server's clock may be ahead
_EXTRAS = {"ocr": "--ocr"}


def machine(workspace: Workspace) -> Iterator[Diagnosis]:
    """The checks, in order."""
    yield _writing(workspace)
    yield _space(workspace)
    yield _clock(workspace)
    yield from _packages()
    yield _arithmetic()
    yield _walls()


def _writing(workspace: Workspace) -> Diagnosis:
    if not os.access(workspace.root, os.W_OK):
        return Diagnosis(
            "writing",
            "error",
            "this folder can't be written to: its disk is mounted read-only, or a permission is missing",
            "Mount the disk for writing, or ask for the right to write; until then only status works here",
        )
    return Diagnosis("writing", "ok", "this folder can be written to")


def _space(workspace: Workspace) -> Diagnosis:
    free = shutil.disk_usage(workspace.root).free
    said = f"{free / 1e9:.1f} GB are free on the workspace's disk"
    if free < TOO_LITTLE:
        return Diagnosis(
            "disk",
            "error",
            said,
            "Make room: a command that runs out of space stops, and goes on when it is typed again",
        )
    if free < LITTLE:
        return Diagnosis("disk", "notice", said, "Make room before the next ingest or training")
    return Diagnosis("disk", "ok", said)


def _clock(workspace: Workspace) -> Diagnosis:
    now = time.time()
    newest = max((path.stat().st_mtime for path in workspace.root.rglob("*") if path.is_file()), default=0.0)
    said = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if newest > now + _SLACK:
        when = datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return Diagnosis(
            "clock",
            "notice",
            f"it says {said}, and the newest file here is of {when}",
            "Set the clock: the ledger and the files that leave carry its time, though no rule depends on it",
        )
    return Diagnosis("clock", "ok", f"it says {said}, after the newest file here")


def _walls() -> Diagnosis:
    """What keeps the process that computes on a stranger's query (``infer answer``) to itself."""
    here = walls_here()
    if here.landlock and here.seccomp:
        return Diagnosis("walls", "ok", "infer answer computes behind Landlock and seccomp")
    walls = (("Landlock", bool(here.landlock)), ("seccomp", here.seccomp))
    lacking = " and ".join(name for name, there in walls if not there)
    return Diagnosis(
        "walls",
        "notice",
        f"infer answer computes without {lacking}, which this system does not have or does not allow; "
        "limits of memory and time hold all the same",
        "Where you answer queries, use Linux 5.13 or later on x86-64 or arm64",
    )


def _packages() -> Iterator[Diagnosis]:
    """Whether what this version requires is installed, and in a version that it was tested with."""
    try:
        required = metadata.requires("privxray") or []
    except metadata.PackageNotFoundError:
        yield Diagnosis("packages", "notice", "privxray runs from a folder, not from an installation", "")
        return
    wrong: list[str] = []
    missing: dict[str, list[str]] = {}
    good = 0
    for line in required:
        name, extra = _name_of(line), _extra_of(line)
        if extra not in (None, *_EXTRAS):
            continue
        state = _fits(line)
        if state is None and extra is not None:
            missing.setdefault(extra, []).append(name)
        elif state is not True:
            wrong.append(name)
        else:
            good += 1
    for extra, names in missing.items():
        yield Diagnosis(
            "packages",
            "notice",
            f"the extra {extra} is not installed ({', '.join(names)}): {_EXTRAS[extra]} can't be used",
            f"Where it is wanted: pip install privxray[{extra}]",
        )
    if wrong:
        yield Diagnosis(
            "packages",
            "error",
            f"missing, or of a version that privxray was not tested with: {', '.join(wrong)}",
            "Install privxray anew from its wheelhouse",
        )
    else:
        yield Diagnosis("packages", "ok", f"{good} packages as required")


def _name_of(line: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", line)
    return found[0] if found else line


def _extra_of(line: str) -> str | None:
    found = re.search(r"""extra\s*==\s*['"]([^'"]+)""", line)
    return found[1] if found else None


def _fits(line: str) -> bool | None:
    """Whether the requirement in ``line`` is met; None where its package is not installed."""
    from packaging.requirements import Requirement  # matplotlib, which is required, brings it

    wanted = Requirement(line)
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return None


def _arithmetic() -> Diagnosis:
    """The same composition by this package and by dp-accounting."""
    from privxray.privacy import accountant, loss_distributions
    from privxray.privacy.events import Event

    try:
        from dp_accounting.pld import privacy_loss_distribution as reference
    except ImportError:
        return Diagnosis("accountant", "error", "dp-accounting can't be loaded", "Install privxray anew")
    parts = ((2.0, 0.2, 30), (3.0, 0.1, 20))
    first, second = (
        reference.from_gaussian_mechanism(
            noise, value_discretization_interval=loss_distributions.STEP, sampling_prob=q
        ).self_compose(count)
        for noise, q, count in parts
    )
    theirs = first.compose(second)
    events = [Event(kind="poisson-gaussian", noise=noise, q=q, count=count) for noise, q, count in parts]
    ours, expected = accountant.epsilon(events, 1e-5), float(theirs.get_epsilon_for_delta(1e-5))
    said = f"two made-up mechanisms compose to {ours:.6f}, and to {expected:.6f} by dp-accounting"
    if not expected - 1e-8 <= ours <= 1.001 * expected:
        return Diagnosis(
            "accountant", "error", said, "Don't train here: install privxray anew and report this"
        )
    return Diagnosis("accountant", "ok", said)
