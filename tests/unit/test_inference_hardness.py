"""How hard the encryption of encrypted inference is to break, and that an honest answer always decrypts.

docs/adr/0155 has the figures of the lattice estimator; what stands here needs no Sage.
"""

from __future__ import annotations

import numpy as np
import pytest
from inference_heads import Silent, a_head, answered, asked, owner_of, scores_of, unit_rows
from lattice_sizes import CLASSICAL, QUANTUM, Lwe, block_size, question, result, room, wrong

from privxray.inference import parameters
from privxray.inference.hospital_side import decrypt
from privxray.inference.parameters import Layout
from privxray.inference.terms import Terms, answer_noise

PUBLISHED = {  # the lattice estimator's block sizes (primal_usvp, commit 27a581b)
    "ML-KEM-512": (Lwe(512, np.log2(3329), np.sqrt(1.5), np.sqrt(1.5), 512), 406),
    "ML-KEM-768": (Lwe(768, np.log2(3329), 1.0, 1.0, 768), 624),
    "ML-KEM-1024": (Lwe(1024, np.log2(3329), 1.0, 1.0, 1024), 874),
    "HomomorphicEncryption.org, 1,024, 128 bits": (Lwe(1024, 27, np.sqrt(2 / 3), 3.0, 1024), 345),
}


@pytest.mark.parametrize("which", PUBLISHED)
def test_published_block_sizes_come_out(which: str) -> None:
    lwe, published = PUBLISHED[which]
    assert abs(block_size(lwe) - published) <= 1


def test_core_svp_is_what_is_claimed() -> None:
    """docs/adr/0155: up to three decimals, and beyond; many images make it no easier."""
    for lwe in (question(2), question(2, parameters.MAX_IMAGES), result(2)):
        assert abs(block_size(lwe) - 687) <= 1  # the lattice estimator's
        assert CLASSICAL * block_size(lwe) > 192
        assert QUANTUM * block_size(lwe) > 180
    for lwe in (question(3), question(3, parameters.MAX_IMAGES), result(3)):
        assert abs(block_size(lwe) - 394) <= 1
        assert CLASSICAL * block_size(lwe) > 114
        assert QUANTUM * block_size(lwe) > 103


@pytest.mark.parametrize("decimals", range(1, 7))
@pytest.mark.parametrize("size", parameters.RANGES)
@pytest.mark.parametrize("features", [1, 296, 1280, 4096])
def test_an_honest_answer_never_wraps_around(decimals: int, size: int, features: int) -> None:
    layout = Layout(features, 3, decimals, size)
    assert wrong(layout).most < room(layout) / 1000
    assert wrong(layout).usual < 0.05 * answer_noise(decimals) * layout.score_scale


@pytest.mark.parametrize("decimals", [3, 6])
def test_what_is_wrong_in_an_answer_is_as_large_as_the_formula_says(decimals: int) -> None:
    rows = unit_rows(42, 96)
    owner = owner_of(a_head(), Terms(decimals=decimals))
    asking, read = asked(owner, rows)
    scores = decrypt(answered(owner, read, 42, Silent()), owner.layout, 1.0, asking.secret)
    off = (scores - scores_of(owner.head, rows)) * owner.layout.score_scale
    assert np.abs(off).max() < wrong(owner.layout).most
    if decimals == 3:  # beyond them float64 does not hold the true scores exactly
        assert 0.5 < off.std() / wrong(owner.layout).usual < 1.5  # of 126 it is .92, and outside with 1e-15
