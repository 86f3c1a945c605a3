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


class Recovered(Printed):
    """A statement was written by which the recovery key names this workspace's keys."""

    succession: str
    old: str
    """The fingerprint of the key that is gone."""
    successor: str
    """The fingerprint of the new key."""


class StudyTakenOver(Printed):
    """A study was taken over: this workspace coordinates it from now on."""

    succession: str
    study: str
    round: int
    """Of the last plan of the coordinator before."""
    voters: list[str]
    """The hospitals whose votes were counted; empty if that was done before."""
    has_model: bool
    """Whether the round of the last plan is closed."""
    until: str | None
    """The last day on which others take it in, such as 2026-01-31, in UTC; null if this was done before."""


class Distrusted(Printed):
    """Such a statement was taken in."""

    party: str
    key: str
    why: Literal["lost", "left", "replaced", "recovery"]
    successor: str | None
    already: bool


class RecoveryMade(Printed):
    """There is a recovery key."""

    file: str | None
    """The file with its words; null where they were shown."""
    already: bool


class RecoveryChecked(Printed):
    """The words are those of this workspace's recovery key."""

    right: Literal[True]


class Voted(Printed):
    """A vote was written for a new coordinator."""

    vote: str
    study: str
    candidate: str
    key: str
    """The fingerprint of the candidate's key."""
    until: str
    """The last day on which the vote counts, such as 2026-01-31, in UTC."""
    already: bool


class NewCoordinator(Printed):
    """The name of a study's new coordinator, and the fingerprint of its key."""

    name: str
    key: str


class CoordinatorNamed(Printed):
    """Hospitals have named another coordinator, and that was taken in."""

    already: bool
    study: str
    coordinator: NewCoordinator
    voters: list[str]
    """The hospitals that voted."""
    notes: list[str]
    """What a person should heed."""
