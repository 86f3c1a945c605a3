"""The rules by which a party's recovery key puts other keys in the place of its own.

docs/SPEC-2.md, section 10. Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from typing import Literal

from privxray.errors import IdentityError, RefusedError
from privxray.keys.roster import Member, Trustee
from privxray.keys.succession.consent import Recovery, is_consent
from privxray.keys.succession.succession_file import SuccessionHeader


def expect_by(header: SuccessionHeader, by: Literal["recovery", "members"]) -> None:
    """Check who consents to a succession.

    :raises RefusedError: the others; the advice names the command that takes it.
    """
    if header.by == by:
        return
    if header.by == "members":
        raise RefusedError(
            "this succession is by votes, for a coordinator",
            reason="succession.by-votes",
            advice="Type: privxray join FILE",
        )
    raise RefusedError(
        "this succession is by a recovery key, for a party",
        reason="succession.by-recovery",
        advice="Type: privxray distrust FILE",
    )


def admit_recovery(header: SuccessionHeader, party: Member | Trustee) -> None:
    """Whether the recovery key of a party of a plan consents to its new keys.

    :param party: as the newest plan that is known here lists it.
    :raises RefusedError: it states no recovery key.
    :raises IdentityError: another key consents, or the name is another party's.
    """
    if party.recovery is None:
        raise RefusedError(
            f"no plan that is followed here says which recovery key {party.name} has",
            reason="succession.no-recovery-key",
            advice=f"Call {party.name}, and compare the key words of its new card; the old key can be "
            "refused by its revocation",
        )
    if party.name != header.name:
        raise IdentityError(
            f"the old key is of {party.name}, and the succession names another party",
            reason="succession.other-name",
            advice=f"Call {party.name}",
        )
    consent = Recovery(header.old, header.keys)
    if not is_consent(header.consent or "", party.recovery.verifier(), consent):
        raise IdentityError(
            f"the recovery key of {party.name} has not signed this",
            reason="succession.wrong-consent",
            advice=f"Call {party.name}: somebody else may have made it",
        )
