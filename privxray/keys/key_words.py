"""Key words: twelve words that stand for keys, for people to compare by phone.

Members of a study compare the words of its roster (:meth:`.roster.Roster.key_words`). Encrypted inference has
no roster: a hospital that asks for predictions and the owner whom it asks each read out the words of their
own keys (:func:`party_words`), and the other types them in, once.
"""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from functools import lru_cache

from privxray.errors import IdentityError
from privxray.formats import canonical
from privxray.keys.identity import PublicKeys

WORDS = 12
_LONGEST = 16  # letters of an unknown word that are repeated


@lru_cache
def words(digest: bytes) -> str:
    """132 bits of scrypt over a digest, as 12 words of the BIP-39 English list, 11 bits each.

    A forger tries keys until their words are the same. scrypt (RFC 7914; N = 2**17, r = 8) makes each try
    cost 128 MiB and a third of a second.
    """
    from mnemonic import Mnemonic

    raw = hashlib.scrypt(digest, salt=b"privxray key words v1", n=1 << 17, r=8, p=1, maxmem=1 << 28, dklen=17)
    number = int.from_bytes(raw, "big") >> (8 * 17 - 11 * WORDS)
    listed = Mnemonic("english").wordlist
    return " ".join(listed[number >> (11 * place) & 2047] for place in reversed(range(WORDS)))


def party_words(name: str, keys: PublicKeys) -> str:
    """Twelve words over a party's name, signing key and sealing key."""
    stated = ["privxray party v1", name, keys.signing, keys.sealing]
    return words(hashlib.sha256(canonical.encode(stated)).digest())


def same_words(typed: str, expected: str) -> bool:
    """Compare key words as people type them: capitals, commas, numbers, dots and spaces don't matter."""
    return listed(typed) == expected.split()


def slip_in(typed: str, expected: str) -> IdentityError | None:
    """What looks like a slip of the keyboard in words that are not the expected ones.

    It never says which words are right: whoever typed other words has heard other words, and must not be led
    to those of the file. A swap may be told, for then all twelve were heard.

    :returns: None where the words are just other ones.
    """
    from mnemonic import Mnemonic

    given, known = listed(typed), Mnemonic("english").wordlist
    strange = [word for word in given if word not in known]
    if strange:
        near = get_close_matches(strange[0], known, n=8, cutoff=0.7)
        # Slips seldom take the first letter, and most often put one letter for another.
        near.sort(key=lambda word: (word[0] != strange[0][0], len(word) != len(strange[0])))
        meant = f"; did you mean {' or '.join(map(repr, near[:2]))}?" if near else ""
        return IdentityError(
            f"'{strange[0][:_LONGEST]}' is no word of the list{meant}",
            reason="key-words.unknown-word",
            advice="Type all twelve words again, as they were read out",
        )
    if len(given) != WORDS:
        return IdentityError(
            f"{len(given)} of {WORDS} words were typed",
            reason="key-words.count",
            advice="Type all twelve words again, as they were read out",
        )
    wanted = expected.split()
    apart = [place for place in range(WORDS) if given[place] != wanted[place]]
    if len(apart) == 2 and [given[place] for place in reversed(apart)] == [wanted[place] for place in apart]:
        return IdentityError(
            f"words {apart[0] + 1} and {apart[1] + 1} are swapped",
            reason="key-words.swapped",
            advice="Type them in the order in which they were read out",
        )
    return None


def listed(typed: str) -> list[str]:
    """The words of a text as people type them: small letters, without what stands between them."""
    return "".join(letter.lower() if letter.isalpha() else " " for letter in typed).split()
