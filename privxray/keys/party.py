"""Two parties without a study between them: twelve key words for one party's name and keys.

Members of a study compare a roster's key words. A hospital that only asks for predictions, and the owner whom
it asks, have no roster; each reads out the words of its own keys and types the other's, once.
"""

from __future__ import annotations

import hashlib

from privxray.formats import canonical
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import words


def party_words(name: str, keys: PublicKeys) -> str:
    """Twelve words over a party's name, signing and sealing keys; by scrypt, as a roster's."""
    stated = ["privxray party v1", name, keys.signing, keys.sealing]
    return words(hashlib.sha256(canonical.encode(stated)).digest())
