"""Which copy, pseudonym and UID belong to which original.

It is for a withdrawal of consent, or a question about a picture's quality. Whoever has it undoes the
de-identification, so it is never written in clear (:mod:`privxray.workflow.images.crosswalk_file`), and
``repr`` shows nothing of it.

Tested in tests/cli/test_crosswalk.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from privxray.deid import tags
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.dicomfile.data_set_tree import Tree, all_trees
from privxray.deid.dicomfile.dictionary import registered
from privxray.deid.profile.class_uids import CLASS_UIDS
from privxray.deid.profile.profile import Action, Profile


@dataclass(frozen=True, slots=True)
class Match:
    """A pair that was asked for.

    :ivar kind: ``patient``, ``uid`` or ``file``. :ivar new: empty for a file without a copy.
    :ivar remark: why it has none; else empty.
    """

    kind: str
    original: str = field(repr=False)
    new: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    """A source: its copy, its patient's pseudonym, and why it has no copy; empty where there is none."""

    copy: str
    patient: str
    reason: str = ""


class Crosswalk:
    """All pairs of one or several runs."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._patients: dict[str, str] = {}
        self._uids: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._files)

    def add_file(self, source: str, copy: str, patient: str, reason: str = "") -> None:
        """A source by its path below what was named, in place of what was said of it before."""
        self._files[source] = _File(copy, patient, reason)

    def add_values(self, tree: Tree, names: Pseudonyms, profile: Profile) -> str:
        """The patient and the UIDs of a data set, and what stands for them in its copy.

        :returns: the patient's pseudonym.
        """
        original, study = tree.text(tags.PATIENT_ID), tree.text(tags.STUDY_INSTANCE_UID)
        patient = names.patient_of(original, study)
        self._patients[original or f"study {study}"] = patient
        if Action.K not in profile.actions(tags.SOP_INSTANCE_UID):
            for uid in _uids(tree):
                self._uids[uid] = names.uid(uid)
        return patient

    def find(self, asked: str) -> Iterator[Match]:
        """All pairs that have a value on either side, and of a patient all files.

        :param asked: a Patient ID, a pseudonym, a UID, or the path or name of a source or copy.
        """
        asked = asked.strip()
        for one in self:
            if one.kind == "file":
                names = {one.original, one.new, *(PurePosixPath(p).name for p in (one.original, one.new))}
                if asked in names - {""} or self._of_patient(one.original, asked):
                    yield one
            elif asked in (one.original, one.new):
                yield one

    def __iter__(self) -> Iterator[Match]:
        """All pairs: patients, then UIDs, then files."""
        yield from (Match("patient", *pair) for pair in sorted(self._patients.items()))
        yield from (Match("uid", *pair) for pair in sorted(self._uids.items()))
        for source, file in sorted(self._files.items()):
            yield Match("file", source, file.copy, file.reason)

    def to_bytes(self) -> bytes:
        """As JSON in UTF-8."""
        files = {source: [file.copy, file.patient, file.reason] for source, file in self._files.items()}
        return json.dumps({"files": files, "patients": self._patients, "uids": self._uids}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Crosswalk:
        """The inverse of :meth:`to_bytes`.

        :raises ValueError: it is no such JSON.
        """
        found = cls()
        match json.loads(data):
            case {"files": dict(files), "patients": dict(patients), "uids": dict(uids)}:
                found._files = {source: _File(*map(str, parts)) for source, parts in files.items()}
                found._patients, found._uids = patients, uids
                return found
        raise ValueError("no crosswalk")

    def _of_patient(self, source: str, asked: str) -> bool:
        pseudonym = self._files[source].patient
        return bool(pseudonym) and (asked == pseudonym or self._patients.get(asked) == pseudonym)


def _uids(tree: Tree) -> Iterator[str]:
    """The UIDs of a data set that name an instance, at any depth."""
    for part in all_trees(tree):
        for tag, node in part.nodes.items():
            if node.vr == "UI" and tag not in CLASS_UIDS and tag >> 16 != 0x0002:
                values = (value.strip(" \0") for value in node.text.split("\\"))
                yield from (value for value in values if value and not registered(value))
