"""What the keyholders' answers give: the masks that are left in the survivors' sum.

Tested in tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from privxray.errors import CohortError, PrivxrayError
from privxray.exchange.messages.share import open_share
from privxray.exchange.opening import Restored, checked_answer, restored
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workflow.coordinator.collected_files import Collected


def masks_left(collected: Collected, identity: Identity) -> list[Restored]:
    """The masks that the collected share files take off the survivors' sum.

    :raises CohortError: a share file does not open, or holds another share than was dealt; it names the
        keyholder.
    """
    cohort, plan = collected.cohort, collected.plan
    assert cohort.request is not None  # no share is taken in before
    survivors = cohort.request.survivors
    dealt: dict[Fingerprint, Dealt] = {}
    for survivor in survivors:
        one = cohort.updates[survivor].header.dealt
        assert one is not None  # admitted under a plan with a committee
        dealt[survivor] = one
    answers = {}
    for seat, answered in cohort.answers.items():
        party = plan.roster.known_party(answered.header.sender)
        try:
            shares = open_share(answered.header, collected.shares[seat].body(), survivors, plan, identity)
            answers[seat] = checked_answer(cohort.signed, seat, dealt, shares)
        except PrivxrayError as error:
            raise CohortError(
                f"the share file of {party.name} is refused: {error.what}",
                reason="cohort.share-refused",
                advice="Leave it out where enough others have answered; ask that keyholder how it came about",
            ) from error
    return restored(cohort.signed, survivors, answers)
