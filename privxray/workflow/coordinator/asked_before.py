"""Whose sum the keyholders were asked for in a round that is repeated: they are asked for the same again.

Tested in tests/cli/test_repeats_held.py.
"""

from __future__ import annotations

from privxray.exchange.admission.repeating.repeat_chain import Chain
from privxray.exchange.intake import read_again
from privxray.exchange.messages.request import RequestHeader
from privxray.formats.header import Fingerprint
from privxray.workflow.common.planned_round import PlannedRound
from privxray.workflow.coordinator.collected_files import request_copy
from privxray.workspace.session import Session


def asked_before(session: Session, newest: PlannedRound, chain: Chain) -> tuple[Fingerprint, ...] | None:
    """The hospitals of the sum that keyholders may have helped to open in a chain of repeated rounds.

    :param newest: the round that the chain's newest plan repeats.
    :returns: ascending, less those that signed a waiver since; None where nobody was asked, or enough have
        refused.
    """
    rounds = {round_.plan: round_ for round_ in session.state.rounds(newest.round.study)}
    asked = {}
    for one in chain.earlier:
        if session.state.request_of(one.digest) is not None:
            round_ = rounds[one.digest]
            kept = request_copy(session.workspace.round_folder(round_.study, round_.number))
            asked[one.digest] = set(read_again(kept).envelope.claim(RequestHeader).survivors)
    bound = chain.bound_by(asked)
    return None if bound is None else tuple(sorted(bound))
