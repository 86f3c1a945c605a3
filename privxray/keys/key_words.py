"""Key words: twelve words that stand for keys, for people to compare by phone.

Members of a study compare the words of its roster (:meth:`.roster.Roster.key_words`). Encrypted inference has
no roster: a hospital that asks for predictions and the owner whom it asks each read out the words of their
own keys (:func:`party_words`), and the other types them in, once.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from privxray.formats import canonical
from privxray.keys.identity import PublicKeys

WORDS = 12


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
    cleaned = "".join(letter.lower() if letter.isalpha() else " " for letter in typed)
    return cleaned.split() == expected.split()
