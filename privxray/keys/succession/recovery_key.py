"""A recovery key: 24 words in a safe that sign who has a party's keys when its own are gone.

The words are the BIP-39 encoding of 32 random bytes with their checksum, so paper keeps them and a slip of
the pen is noticed. The signing key (Ed25519) is derived from the bytes. It signs nothing but that one
statement.

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.errors import WrongKeyError
from privxray.formats import canonical
from privxray.keys.key_words import listed

WORDS = 24
_BYTES = 32
_PURPOSE = b"privxray recovery v1"


def new_words() -> str:
    """The words of a fresh recovery key, from the operating system's randomness."""
    from mnemonic import Mnemonic

    return Mnemonic("english").to_mnemonic(os.urandom(_BYTES))


def key_of(typed: str) -> Ed25519PrivateKey:
    """The key that these words stand for. Capitals, numbers, commas and line ends don't matter.

    No message repeats a word, for one that is spelled wrong still tells of the right one.

    :raises WrongKeyError: another number of words, one that is not in the list, or a wrong checksum.
    """
    from mnemonic import Mnemonic

    english, words = Mnemonic("english"), listed(typed)
    if len(words) != WORDS:
        raise WrongKeyError(
            f"these are {len(words)} words, and a recovery key has {WORDS}",
            reason="recovery.word-count",
            advice=f"Type all {WORDS} words in their order",
        )
    strange = [str(place) for place, word in enumerate(words, 1) if word not in english.wordlist]
    if strange:
        raise WrongKeyError(
            f"of these words, number {', '.join(strange)} {'is' if len(strange) == 1 else 'are'} not in the "
            "list",
            reason="recovery.unknown-word",
            advice="Look at the spelling; the first four letters of a word tell it from all others",
        )
    if not english.check(" ".join(words)):
        raise WrongKeyError(
            "these words do not belong together: one is another word, or two are swapped",
            reason="recovery.checksum",
            advice="Compare them with the paper, word by word",
        )
    entropy = bytes(english.to_entropy(" ".join(words)))
    return Ed25519PrivateKey.from_private_bytes(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(entropy))


def public_of(key: Ed25519PrivateKey) -> str:
    """The public half as it travels: base64 of 32 bytes."""
    return canonical.to_base64(key.public_key().public_bytes_raw())
