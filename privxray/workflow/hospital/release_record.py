"""The release record beside an update: what an output checker wants to see before a file leaves.

Trusted research environments check what leaves them (SATRE 2.0, sections 3.3.07 and 3.3.09, which name
trained weights). A person who knows nothing of the study has to see what this file is, what it can tell of a
patient, and what was checked. The same is there as JSON for a file gateway. Neither holds anything that the
update's signed header does not say.

Tested in tests/cli/test_exports.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from privxray.errors import RefusedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_hybrid import masks_remark, masks_term
from privxray.exchange.messages.update import UpdateHeader
from privxray.privacy.guarantee import Guarantee
from privxray.reports.rendering import render
from privxray.system.regular_files import read_regular
from privxray.workflow.common.update_words import update_words
from privxray.workspace.atomic import PUBLIC, write_atomic

KIND = "privxray release record"
"""Stands in both files; whatever has it was written here and may be written again."""

CHECKS = (
    "its signature is this hospital's, and is good",
    "its size and SHA-256 are those that the signature covers",
    "it obeys every rule of the study's plan that can be checked without a private key",
    "it was read back from where it was written, and is the same",
)


_PARTS = {
    "train": "a round of training",
    "describe": "a description of the study's patients",
    "evaluate": "an evaluation of the study's model",
    "agree": "an agreement on keys",
}


def write_release_record(update: Path, sha256: str, header: UpdateHeader, plan: PlanHeader) -> None:
    """Write the record of an update that was written, verified and read back, as HTML and as JSON.

    :param update: the file. :param sha256: of its bytes, in hex.
    :raises RefusedError: another file has the name of one of the two.
    """
    record = _record(update.name, sha256, update.stat().st_size, header, plan)
    for suffix, data in _files(record):
        path = update.with_suffix(suffix)
        if path.exists() and KIND.encode() not in read_regular(path):
            raise RefusedError(
                "another file has the name of the update's release record",
                reason="update.record-in-the-way",
                file=path,
                advice="Move it away, and type the same command",
            )
        write_atomic(path, data, mode=PUBLIC, overwrite=True)


def _record(name: str, sha256: str, size: int, header: UpdateHeader, plan: PlanHeader) -> dict[str, Any]:
    called = plan.coordinator_name
    to = "the coordinator" if called == "coordinator" else f"the coordinator, {called},"
    words = update_words(header, to)
    sender = plan.roster.known_hospital(header.sender)
    return {
        "kind": KIND,
        "format": 1,
        "file": name,
        "bytes": size,
        "sha256": sha256,
        "what": f"one hospital's part of {_PARTS[plan.its_task]}, masked, encrypted and signed",
        "study": plan.study_name,
        "round": plan.round,
        "plan": header.plan,
        "from": {"name": sender.name, "signing_key": header.sender},
        "to": {"name": plan.coordinator_name, "signing_key": plan.coordinator.fingerprint},
        "method": plan.method,
        "guarantee": Guarantee(header.epsilon, header.delta).to_json(),
        "can_tell": words.can,
        "cannot_tell": words.cannot,
        "masks": masks_term(plan.features),
        "masks_note": masks_remark(plan.features),
        "checks": list(CHECKS),
        "made": header.created,
        "software": header.software,
    }


def _files(record: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield ".release.json", (json.dumps(record, indent=1) + "\n").encode()
    yield ".release.html", render("release.html", record=record, kind=KIND).encode()
