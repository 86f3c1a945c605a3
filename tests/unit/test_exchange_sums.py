"""An update's way from hospital to sum; who opens it; and bodies that are not the plan's vector.

Which rule refuses an altered file is in test_exchange_refusals.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from exchange_samples import MANIFEST, Hospital, Study
from forged_files import refused

from privxray.errors import MalformedError, PrivxrayError
from privxray.exchange.admission.admit import admit_update, read_update
from privxray.exchange.masking.fixed_point import dequantise, quantise, unsigned
from privxray.exchange.masking.summing import add_to_sum, check_range
from privxray.exchange.messages.update import UpdateHeader, open_update
from privxray.exchange.opening import open_sum
from privxray.formats.container import check_body, split
from privxray.formats.tensors import masked_prefix, total_size
from privxray.keys.identity import Identity


@pytest.fixture(scope="module")
def study() -> Study:
    return Study()


def admit(study: Study, data: bytes) -> UpdateHeader:
    """All rules for an update, in the order in which ``aggregate`` applies them."""
    envelope = split(data)
    header, member = read_update(envelope, study.plan.roster.members)
    admit_update(header, member, study.signed())
    body = data[envelope.length :]
    check_body(header.body, len(body), hashlib.sha256(body).hexdigest())
    return header


def opened(study: Study, data: bytes, coordinator: Identity | None = None) -> np.ndarray:
    header = admit(study, data)
    total = np.zeros(total_size(MANIFEST), unsigned(64))
    body = data[split(data).length :]
    add_to_sum(total, open_update(header, [body], coordinator or study.coordinator), 64)
    return total


def test_the_sum_of_a_complete_round_is_the_plain_sum_bit_for_bit(study: Study) -> None:
    vectors = [study.vector(seed) for seed in range(3)]
    updates = [
        study.update(h, study.masked(h, vector)) for h, vector in zip(study.hospitals, vectors, strict=True)
    ]
    total = sum(opened(study, data) for data in updates)
    plain = sum(quantise(vector, MANIFEST, 64) for vector in vectors)
    assert np.array_equal(total, plain)
    tensors = dequantise(total, MANIFEST, 64)
    assert len(tensors) == 2
    assert list(tensors) == [spec.name for spec in MANIFEST]
    for name, tensor in tensors.items():
        assert np.abs(tensor - sum(vector[name] for vector in vectors)).max() < 3 * 2.0**-21


def test_a_single_update_does_not_hold_its_vector(study: Study) -> None:
    vector = study.vector(0)
    seen = opened(study, study.update(study.hospitals[0], study.masked(study.hospitals[0], vector)))
    assert not np.isin(seen, quantise(vector, MANIFEST, 64)).any()


def test_only_the_coordinator_opens_an_update_of_its_plan_and_study(study: Study) -> None:
    data = study.update(study.hospitals[0], np.zeros(15, unsigned(64)))
    with refused("seal.other-key"):
        opened(study, data, Identity.generate())
    header, body = admit(study, data), data[split(data).length :]
    for change in ({"study": "cardiology"}, {"plan": "ab" * 32}, {"sender": study.hospitals[1].fingerprint}):
        with refused("seal.other-key"):
            open_update(header.model_copy(update=change), [body], study.coordinator)
    key = header.body.key.model_copy(update={"wrapped": "="})
    with refused("body-key.base64"):
        changed = header.model_copy(update={"body": header.body.model_copy(update={"key": key})})
        open_update(changed, [body], study.coordinator)


def test_every_flipped_bit_of_an_update_is_refused(study: Study) -> None:
    data = study.update(study.hospitals[0], np.zeros(15, unsigned(64)))
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << (place % 8)
        with pytest.raises(PrivxrayError):
            admit(study, bytes(altered))


def test_every_truncation_of_an_update_is_refused(study: Study) -> None:
    data = study.update(study.hospitals[0], np.zeros(15, unsigned(64)))
    for length in range(len(data)):
        with pytest.raises(MalformedError):
            admit(study, data[:length])


def test_a_swapped_body_is_refused(study: Study) -> None:
    first, second = (study.update(h, np.zeros(15, unsigned(64))) for h in study.hospitals[:2])
    mixed = first[: split(first).length] + second[split(second).length :]
    with refused("body.altered"):
        admit(study, mixed)


def test_an_update_in_another_hospitals_name_is_refused(study: Study) -> None:
    envelope = split(study.update(Hospital("hospital-x"), np.zeros(15, unsigned(64))))
    victim = study.hospitals[0].fingerprint
    claimed = replace(envelope, key_id=victim)
    with refused("signature.wrong"):
        read_update(claimed, study.plan.roster.members)


@pytest.mark.parametrize(
    ("change", "reason"), [({"round": 2}, "file.other-round"), ({"epsilon": 5.0}, "file.other-plan")]
)
def test_an_honest_update_of_another_round_or_plan_is_refused(
    study: Study, change: dict, reason: str
) -> None:
    data = study.update(study.hospitals[0], np.zeros(15, unsigned(64)), plan=study.make_plan(**change))
    with refused(reason):
        admit(study, data)


@pytest.mark.parametrize("length", [14, 16])
def test_an_update_of_another_size_is_refused(study: Study, length: int) -> None:
    with refused("update.other-size"):
        admit(study, study.update(study.hospitals[0], np.zeros(length, unsigned(64))))


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (0, "vector.too-short"),
        (3, "vector.too-short"),
        (14, "vector.too-short"),
        (16, "vector.too-long"),
        (30, "vector.too-long"),
    ],
)
def test_a_signed_body_of_another_length_is_refused_while_summing(length: int, reason: str) -> None:
    body = masked_prefix(15, 64) + np.zeros(length, unsigned(64)).tobytes()
    with refused(reason):
        add_to_sum(np.zeros(15, unsigned(64)), [body], 64)


def test_a_body_that_is_no_vector_of_the_plan_is_refused_while_summing() -> None:
    good = masked_prefix(15, 64) + np.zeros(15, unsigned(64)).tobytes()
    for body, reason in (
        (masked_prefix(15, 32) + bytes(120), "vector.other-form"),
        (masked_prefix(14, 64) + bytes(120), "vector.other-form"),
        (bytes(len(good)), "vector.other-form"),
        (good[:-1], "vector.too-short"),
        (good + b"\0", "vector.too-short"),  # a byte that is no whole number
        (good[:5], "vector.too-short"),
        (b"", "vector.too-short"),
    ):
        with refused(reason):
            add_to_sum(np.zeros(15, unsigned(64)), [body], 64)


@pytest.mark.parametrize("bits", [32, 64])
def test_bytes_may_be_cut_anywhere_while_summing(bits: int) -> None:
    values = np.arange(15, dtype=unsigned(bits))
    body = masked_prefix(15, bits) + values.tobytes()
    for cut in (1, 3, 7, 8, 64, len(masked_prefix(15, bits)), len(body)):
        total = np.full(15, 2, unsigned(bits))
        add_to_sum(total, [body[start : start + cut] for start in range(0, len(body), cut)], bits)
        assert np.array_equal(total, values + 2)


@pytest.mark.parametrize("bits", [32, 64])
def test_a_masked_vector_is_a_safetensors_file_that_the_library_reads(bits: int) -> None:
    from safetensors.numpy import load

    values = np.arange(15, dtype=unsigned(bits))
    read = load(masked_prefix(15, bits) + values.tobytes())
    assert list(read) == ["masked"]
    assert np.array_equal(read["masked"], values)
    assert read["masked"].dtype == unsigned(bits)
    assert len(masked_prefix(15, bits)) % 8 == 0


def test_a_sum_is_within_what_the_plans_vectors_can_add_up_to(study: Study) -> None:
    """Each tensor has its own bound, of both signs: times the hospitals, and half a step for each of them."""
    limits = {0: 100 * 2**20, 12: 1000 * 2**20}  # where each tensor of the manifest begins
    for place, bound in limits.items():
        for hospitals, sign in product((2, 3, 4), (1, -1)):
            total = np.zeros(15, np.int64)
            total[place] = most = sign * (hospitals * bound + hospitals // 2)
            check_range(total.view(np.uint64), study.plan.manifest, hospitals)
            total[place] += sign
            with refused("sum.out-of-range"):
                check_range(total.view(np.uint64), study.plan.manifest, hospitals)
            total[place] = most
            with refused("sum.out-of-range"):
                check_range(total.view(np.uint64), study.plan.manifest, hospitals - 1)


def test_the_opened_sum_counts_the_hospitals_that_are_in_it(study: Study) -> None:
    """Two vectors at the bound pass as two, and would not pass as one or none."""
    most = np.zeros(15, np.uint64)
    most[0] = 100 * 2**20
    body = masked_prefix(15, 64) + most.tobytes()
    assert open_sum(study.plan, [("a", [body]), ("b", [body])])[0] == 200 * 2**20
    with refused("sum.out-of-range"):
        open_sum(study.plan, [("a", [masked_prefix(15, 64) + (most * 2).tobytes()])])
    with refused("vector.too-long") as told:
        open_sum(study.plan, [("a", [body]), ("hospital-b", [body + bytes(8)])])
    assert told.value.file == "hospital-b"


def test_summing_needs_memory_for_one_more_chunk_whatever_the_number_of_hospitals() -> None:
    """16 MB of integers, five encrypted bodies streamed through: the sum itself and a few chunks more."""
    import tracemalloc

    from privxray.formats import stream

    size, key = 4_000_000, bytes(32)

    def pieces() -> Iterator[bytes]:
        zeros = bytes(1 << 20)
        yield masked_prefix(size, 32)
        for start in range(0, size * 4, len(zeros)):
            yield zeros[: min(len(zeros), size * 4 - start)]

    tracemalloc.start()
    total = np.zeros(size, unsigned(32))
    for _ in range(5):
        add_to_sum(total, stream.unseal(key, stream.seal(key, pieces())), 32)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - total.nbytes < 4 << 20  # of which the test's own sealing of 1 MiB pieces takes most
