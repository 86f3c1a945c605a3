"""What is told of files of encrypted inference, and of those by which keys are given up or replaced.

Tested in tests/cli/test_inspect.py.
"""

from __future__ import annotations

from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.inference.parameters import ID, weakens_encryption
from privxray.keys.revocation import RevocationHeader
from privxray.keys.succession.candidacy import CandidacyHeader
from privxray.keys.succession.succession_file import SuccessionHeader, last_day
from privxray.keys.succession.vote import VoteHeader
from privxray.workflow.custody.revoked import WORDS
from privxray.workflow.upkeep.file_summaries.told import Reader, Summary, place_of


def offer(offer: OfferHeader, _: str, reader: Reader) -> Summary:
    """An offer."""
    shown = "the class only" if offer.top1 else f"{offer.decimals} decimals"
    if offer.parameters == ID and weakens_encryption(offer.decimals):
        which = f"; its {offer.decimals} decimals" if offer.top1 else ", which"
        shown += f"{which} protect an image less than three do"
    return Summary(
        "an offer: a model that answers about encrypted images",
        offer.owner_name,
        place_of(offer),
        f"{offer.limit} images a hospital, {shown}",
        "it is for hospitals that want to ask"
        if reader.own == offer.sender
        else "hear the owner's key words by phone, then type: privxray infer ask IMAGE... --offer FILE",
    )


def query(query: QueryHeader, _: str, reader: Reader) -> Summary:
    """A query."""
    return Summary(
        "a query: encrypted images of a hospital",
        query.hospital_name,
        place_of(query),
        f"{query.images} images",
        "it is for the model's owner" if reader.own == query.sender else "type: privxray infer answer FILE",
    )


def answer(answer: AnswerHeader, _: str, reader: Reader) -> Summary:
    """An answer."""
    return Summary(
        "an answer: encrypted predictions",
        reader.name(answer.sender),
        place_of(answer),
        f"{answer.images} images; {answer.left} are left",
        "it is for the hospital that asked"
        if reader.own == answer.sender
        else "type: privxray infer read FILE",
    )


def revocation(revocation: RevocationHeader, _: str, reader: Reader) -> Summary:
    """A revocation."""
    return Summary(
        "a revocation: a party gives its key up",
        revocation.name,
        "of no study",
        WORDS[revocation.why],
        "carry it to the others, once nobody is to take this party's files any more"
        if reader.own == revocation.sender
        else "call the party, then type: privxray distrust FILE",
    )


def candidacy(candidacy: CandidacyHeader, _: str, reader: Reader) -> Summary:
    """A candidacy."""
    return Summary(
        "a candidacy: somebody would coordinate a study whose coordinator has lost its key",
        candidacy.name,
        candidacy.study or "",
        f"votes for it count until {candidacy.until}"
        if candidacy.until
        else "votes for it don't count: it is of an earlier version",
        "carry it to the hospitals that the plan names, and read your key words to them"
        if reader.own == candidacy.sender
        else "hear its maker's key words by phone, then type: privxray vote FILE",
    )


def vote(vote: VoteHeader, _: str, reader: Reader) -> Summary:
    """A vote."""
    counts = "it does not count: it is of an earlier version"
    if vote.until:
        counts = f"it counts until {vote.until}, unless something newer of that coordinator has come"
    return Summary(
        "a vote: a hospital says who is to coordinate its study from now on",
        reader.name(vote.sender),
        place_of(vote),
        f"for the key {vote.keys.fingerprint[:16]}, in place of {reader.name(vote.old)}; {counts}",
        "collect it in a folder, then type: privxray succeed PLAN FILE --votes FOLDER"
        if reader.own == vote.keys.fingerprint
        else "it is for whoever is to be the coordinator",
    )


def succession(succession: SuccessionHeader, _: str, reader: Reader) -> Summary:
    """A succession."""
    place = f"the key {succession.keys.fingerprint[:16]} in place of {reader.name(succession.old)}"
    if succession.by == "members":
        voters = ", ".join(reader.name(vote.party) for vote in succession.votes or ())
        day = last_day(succession.votes or ())
        until = f", to be taken in until {day}" if day else ""
        who, command = f"by the votes of {voters}{until} (judged when it is taken in)", "join"
    else:
        who, command = "by the party's recovery key (judged when it is taken in)", "distrust"
    return Summary(
        "a succession: other keys take the place of some that are gone",
        succession.name,
        place_of(succession) if succession.study else "of no study",
        f"{place}, {who}",
        "carry it to all others"
        if reader.own == succession.sender
        else f"call {succession.name}, then type: privxray {command} FILE",
    )
