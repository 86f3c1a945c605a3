"""Holding updates and sums against commitments, so that a wrong one is named and none is opened.

Hospital u signs C_u, the commitment to its vector, and for each stream s_uv that hides it the commitment M_uv
to that stream. Its masked vector is y_u = x_u + sum of its streams, with signs, modulo L. So

    commitment to y_u  =  C_u + sum of its M_uv, with the same signs,

which the coordinator can check for each update: it knows y_u, and learns nothing else. Both ends of a stream
compute it from one key, hence M_uv as u states it equals M_uv as v does. Where both hold for all, streams
cancel, and the sum of all y_u opens the sum of all C_u.

What this tells nobody: M_uv and C_u hide what they commit to perfectly (each has a uniform blinding factor of
its own), and given all of them y_u is as uniform as before. A simulator draws M_uv and y_u at random and
*computes* C_u from the equation above; this gives exactly the distribution that the coordinator sees.

What it can't tell: where M_uv and M_vu differ, which of the two is wrong. An honest hospital could show it
only by giving away the key of that stream. Nobody is asked for it, and both are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from privxray.exchange.commitments.committed import Committed
from privxray.exchange.commitments.group import add, subtract
from privxray.exchange.commitments.pedersen import add_commitments, commit
from privxray.exchange.masking.masks import adds
from privxray.formats.header import Fingerprint


def is_as_committed(masked: Sequence[int], committed: Committed, own: Fingerprint) -> bool:
    """Whether hospital ``own``'s masked vector, of shape [d + 1], is the one that it committed to."""
    expected = committed.vector
    for other, point in committed.streams.items():
        expected = (add if other == own or adds(own, other) else subtract)(expected, point)
    return commit(masked) == expected


def contradictions(parties: Mapping[Fingerprint, Committed]) -> Iterator[tuple[Fingerprint, Fingerprint]]:
    """The pairs that committed to different streams between them, each once, the lower fingerprint first."""
    for one, committed in sorted(parties.items()):
        for other, point in sorted(committed.streams.items()):
            if one < other and other in parties and parties[other].streams.get(one) != point:
                yield one, other


def opens(total: Sequence[int], vectors: Iterable[bytes]) -> bool:
    """Whether a sum, of shape [d + 1], is the sum of the vectors that stand behind these commitments."""
    return commit(total) == add_commitments(vectors)
