"""The crosswalk of ``deidentify`` on disk: sealed under the workspace's passphrase, and filled run by run.

The file is written whole and at once, after the copies and before the run is noted as finished. So after a
crash the same command writes it again.

Tested in tests/cli/test_crosswalk.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from privxray.deid.cleaning.copies.copy_file import CopyTask
from privxray.deid.cleaning.copies.crosswalk import Crosswalk
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import read_head
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.profile.profile import Profile
from privxray.errors import AbsentFileError, MalformedError, RefusedError, WrongKeyError
from privxray.formats import canonical
from privxray.keys import keyfile
from privxray.naming.public_names import lone_name
from privxray.system.regular_files import open_regular
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.images.make_copies import CopyRun
from privxray.workspace.atomic import write_atomic
from privxray.workspace.folder import Workspace

KIND = "privxray crosswalk"
_MOST = 1 << 30


class CrosswalkFile:
    """A crosswalk to be filled.

    :param path: the file. One that is there has to be a crosswalk under the same passphrase; it is added to.
    :raises WrongKeyError: the passphrase is not the workspace's, or not the file's.
    :raises MalformedError: another file is there.
    """

    def __init__(self, workspace: Workspace, path: Path, passphrase: Passphrase) -> None:
        unlock(workspace, passphrase)  # a slip of the keyboard would make a file that nobody can open
        self._path, self._passphrase = path, passphrase
        self._crosswalk = read_crosswalk(path, passphrase) if path.exists() else Crosswalk()

    def write(self, tasks: Iterable[CopyTask], run: CopyRun, names: Pseudonyms, profile: Profile) -> int:
        """Add what a run did, and write the file; how many sources it has now.

        :param tasks: all sources of the run.
        """
        reasons = run.reasons
        for task in tasks:
            patient = self._patient(task, names, profile)
            copy = run.copies.get(task.source.address, "")
            self._crosswalk.add_file(
                task.source.relative.as_posix(), copy, patient, "" if copy else reasons.get(task.number, "")
            )
        sealed = keyfile.lock(self._crosswalk.to_bytes(), self._passphrase())
        outside = {"kind": KIND, "format": 1, "sealed": json.loads(sealed)}
        write_atomic(self._path, json.dumps(outside).encode(), overwrite=True)
        return len(self._crosswalk)

    def _patient(self, task: CopyTask, names: Pseudonyms, profile: Profile) -> str:
        try:
            data = task.source.read_whole()
            if not is_dicom(data):
                return ""
            return self._crosswalk.add_values(read_head(data), names, profile)
        except (UnreadFileError, DamagedError):
            return ""


def read_crosswalk(path: Path, passphrase: Passphrase) -> Crosswalk:
    """Open a crosswalk.

    :raises AbsentFileError: there is none. :raises MalformedError: it is another file, or damaged.
    :raises WrongKeyError: it is under another passphrase.
    """
    name = lone_name(path)
    try:
        with open_regular(path) as stream:
            data = stream.read(_MOST)
    except OSError as error:
        raise AbsentFileError(
            f"the crosswalk can't be read ({error.strerror})",
            reason="crosswalk.unread",
            file=name,
            advice="Check the path",
        ) from None
    try:
        match json.loads(data):
            case {"kind": str(kind), "format": 1, "sealed": dict(sealed)} if kind == KIND:
                opened = keyfile.unlock(canonical.encode(sealed), passphrase())
                return Crosswalk.from_bytes(opened)
    except WrongKeyError:
        raise WrongKeyError(
            "the passphrase does not open this crosswalk",
            reason="crosswalk.other-passphrase",
            file=name,
            advice="Type the passphrase that the workspace had when the file was made",
        ) from None
    except (ValueError, TypeError, RecursionError, MalformedError):
        pass
    raise MalformedError(
        "this is not a crosswalk of privxray's, or it is damaged",
        reason="crosswalk.not-one",
        file=name,
        advice="Name the file that deidentify --crosswalk has written, or a new one",
    )


def expect_outside(path: Path, folders: Iterable[Path]) -> None:
    """Refuse a crosswalk within what is passed on: beside the copies it would leave with them.

    :param folders: of the copies, and of the originals.
    :raises RefusedError: it lies in one of them.
    """
    for folder in folders:
        if folder.is_dir() and path.resolve().is_relative_to(folder.resolve()):
            raise RefusedError(
                "a crosswalk must not lie in the folder of the copies or of the originals",
                reason="crosswalk.in-copies",
                advice="Name a file elsewhere; whoever has it knows who each copy is",
            )
