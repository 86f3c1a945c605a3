"""What the commands on keys through life print. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from privxray.cli.json_models.printed import Printed


class PassphraseChanged(Printed):
    """The keys are under a new passphrase."""

    workspace: str
    changed: bool


class BackupWritten(Printed):
    """A backup was written."""

    backup: str
    bytes: int
    files: int


class Restored(Printed):
    """A workspace was made out of its backup."""

    workspace: str
    role: Literal["hospital", "coordinator", "trustee"]
    backup_of: str
    """When the backup was made."""
    budget_used_up: bool
    card: str | None


class Revoked(Printed):
    """A statement was written by which others refuse this party's key."""

    revocation: str
    why: Literal["lost", "left", "replaced"]


class Succeeded(Printed):
    """A statement was written that names new keys in place of this party's."""

    revocation: str
    successor: str
    """The fingerprint of the new key."""


class Distrusted(Printed):
    """Such a statement was taken in."""

    party: str
    key: str
    why: Literal["lost", "left", "replaced"]
    successor: str | None
    already: bool
