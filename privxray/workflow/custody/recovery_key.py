"""``recovery make`` and ``recovery check``: a key outside of the workspace that can name other keys for it.

Its words are on paper or on a stick. The workspace keeps the public half, so neither a copy of it nor a
backup has what names a successor.

Tested in tests/cli/test_recovery.py.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from privxray.errors import MalformedError, RefusedError, SystemTroubleError
from privxray.keys.key_words import listed
from privxray.keys.succession.recovery_key import key_of, new_words, public_of
from privxray.keys.succession.recovery_statement import RecoveryStatement
from privxray.system import private_files
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.own_recovery import remember_recovery, stated_recovery
from privxray.workflow.common.stamp import stamp
from privxray.workspace.atomic import write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking, working

_MOST = 4096


def make_recovery_file(
    workspace: Workspace, path: Path, passphrase: Passphrase, *, replace: bool = False
) -> bool:
    """Write the words of a recovery key into a private file, and state its public half in later cards.

    The words of a file that is there are taken: a first call may have been cut off.

    :param replace: though another recovery key is stated already.
    :returns: whether this very key was stated before.
    :raises RefusedError: the file would lie in the workspace, or another key is stated and not replaced.
    :raises WrongKeyError: a file of this name is there and holds other words.
    """
    workspace.require(("hospital", "trustee"), "recovery make")
    if path.resolve().is_relative_to(workspace.root.resolve()):
        raise RefusedError(
            "a recovery key inside the workspace is lost, or stolen, with it",
            reason="recovery.inside-workspace",
            file=path,
            advice="Name a file on a stick, or leave FILE out to write the words on paper",
        )
    if path.exists():
        words, _ = words_in(path)
    else:
        expect_none(workspace, replace=replace)
        words = new_words()
        write_atomic(path, _as_text(words, workspace.config.name).encode())
    return state_recovery(workspace, words, passphrase, replace=replace)


def expect_none(workspace: Workspace, *, replace: bool) -> None:
    """Check that no recovery key is stated yet, or that it is to be replaced.

    :raises RefusedError: one is.
    """
    with looking(workspace) as session:
        if stated_recovery(session.state) is not None and not replace:
            raise _stated_before()


def state_recovery(
    workspace: Workspace, words: str, passphrase: Passphrase, *, replace: bool = False
) -> bool:
    """State the public half of a recovery key in later cards.

    :returns: whether it was stated before.
    :raises WrongKeyError: these are no words of a recovery key.
    :raises RefusedError: another key is stated, and ``replace`` is not set.
    """
    public = public_of(key_of(words))
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        before = stated_recovery(session.state)
        if before is not None and before.key == public:
            return True
        if before is not None and not replace:
            raise _stated_before()
        with session.state.transaction():
            remember_recovery(session.state, RecoveryStatement.sign(public, identity.signing))
    return False


def is_own_recovery(workspace: Workspace, words: str) -> bool:
    """Whether these are the words of the recovery key that this workspace's cards state.

    :raises RefusedError: they state none.
    """
    public = public_of(key_of(words))
    with looking(workspace) as session:
        stated = stated_recovery(session.state)
    if stated is None:
        raise RefusedError(
            "this workspace has no recovery key yet",
            reason="recovery.none",
            file=workspace.root,
            advice="Make one: privxray recovery make",
        )
    return stated.key == public


def words_in(path: Path) -> tuple[str, bool]:
    """The words in a file, and whether other accounts may read it, as on a stick that keeps no permissions.

    Lines that begin with ``#`` are left out.

    :raises SystemTroubleError: it can't be read.
    :raises MalformedError: it is no text.
    """
    try:
        data, open_to_others = private_files.read_private(path, _MOST)
    except OSError as error:
        raise SystemTroubleError(
            f"the file of the recovery key can't be read ({error.strerror})",
            reason="recovery.file-unread",
            file=path,
            advice="Check its path and its permissions",
        ) from None
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise MalformedError(
            "this file is no text in UTF-8, so it is no recovery key",
            reason="recovery.file-not-text",
            file=path,
            advice="Check that it is the right file",
        ) from None
    return "\n".join(line for line in lines if not line.startswith("#")), open_to_others


def numbered(words: str) -> str:
    """Words as they are copied to paper: six lines of four, numbered."""
    cells = [f"{place:2} {word:<10}" for place, word in enumerate(listed(words), 1)]
    return "\n".join("".join(cells[at : at + 4]).rstrip() for at in range(0, len(cells), 4)) + "\n"


def _as_text(words: str, name: str) -> str:
    says = (
        f"The recovery key of {name}, made {stamp().created[:10]} by privxray. Whoever has these words can "
        "name other keys for this party. Keep them in a safe, away from the workspace and its backups."
    )
    return textwrap.indent(textwrap.fill(says, 90), "# ") + "\n" + numbered(words)


def _stated_before() -> RefusedError:
    return RefusedError(
        "this workspace has a recovery key already",
        reason="recovery.stated-before",
        advice="Look whether your words are right: privxray recovery check. If they are lost, make "
        "other ones: privxray recovery make --replace",
    )
