"""The acceptance rules, one test a rule, and an update's way from hospital to sum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from exchange_samples import MANIFEST, STAMP, Hospital, Study

from privxray.errors import IdentityError, MalformedError, PrivxrayError, RefusedError, WrongKeyError
from privxray.exchange.admission.admit import (
    admit_model,
    admit_party,
    admit_plan,
    admit_successor,
    admit_update,
    read_update,
)
from privxray.exchange.masking.fixed_point import dequantise, quantise, unsigned
from privxray.exchange.masking.summing import add_to_sum
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.update import UpdateHeader, open_update
from privxray.formats.container import Envelope, check_body, seal_header, split
from privxray.formats.tensors import TensorSpec, masked_prefix, total_size
from privxray.keys.identity import Identity
from privxray.keys.maskkey import state_mask_key
from privxray.keys.roster import Roster


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
    for name, tensor in dequantise(total, MANIFEST, 64).items():
        assert np.abs(tensor - sum(vector[name] for vector in vectors)).max() < 3 * 2.0**-21


def test_a_single_update_does_not_hold_its_vector(study: Study) -> None:
    vector = study.vector(0)
    seen = opened(study, study.update(study.hospitals[0], study.masked(study.hospitals[0], vector)))
    assert not np.isin(seen, quantise(vector, MANIFEST, 64)).any()


def test_only_the_coordinator_opens_an_update(study: Study) -> None:
    data = study.update(study.hospitals[0], np.zeros(15, unsigned(64)))
    with pytest.raises(WrongKeyError):
        opened(study, data, Identity.generate())


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
    with pytest.raises(MalformedError, match="SHA-256"):
        admit(study, mixed)


def test_an_update_of_a_stranger_is_refused(study: Study) -> None:
    stranger = Hospital("hospital-x")
    with pytest.raises(IdentityError, match="nobody"):
        admit(study, study.update(stranger, np.zeros(15, unsigned(64))))


def test_an_update_in_another_hospitals_name_is_refused(study: Study) -> None:
    stranger = Hospital("hospital-x")
    envelope = split(study.update(stranger, np.zeros(15, unsigned(64))))
    victim = study.hospitals[0].fingerprint
    claimed = Envelope(envelope.kind, envelope.payload, victim, envelope.signature, envelope.length)
    with pytest.raises(IdentityError, match="signature"):
        read_update(claimed, study.plan.roster.members)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"study": "cardiology"}, "another study"),
        ({"round": 2}, "another round"),
        ({"epsilon": 5.0}, "another plan of this round"),
    ],
)
def test_an_update_for_another_study_round_or_plan_is_refused(study: Study, change: dict, says: str) -> None:
    other = study.make_plan(**change)
    data = study.update(study.hospitals[0], np.zeros(15, unsigned(64)), plan=other)
    with pytest.raises(RefusedError, match=says):
        admit(study, data)


def test_an_update_of_another_size_is_refused(study: Study) -> None:
    with pytest.raises(RefusedError, match="size"):
        admit(study, study.update(study.hospitals[0], np.zeros(14, unsigned(64))))


def test_a_next_mask_key_must_be_fresh_and_the_senders(study: Study) -> None:
    a, b = study.hospitals[:2]
    same_number = state_mask_key(X25519PrivateKey.generate(), "pneumonia", 1, a.identity.signing)
    with pytest.raises(RefusedError, match="fresh"):
        admit(study, study.update(a, np.zeros(15, unsigned(64)), next_mask=same_number))
    elsewhere = state_mask_key(X25519PrivateKey.generate(), "cardiology", 2, a.identity.signing)
    with pytest.raises(RefusedError, match="fresh"):
        admit(study, study.update(a, np.zeros(15, unsigned(64)), next_mask=elsewhere))
    others = state_mask_key(X25519PrivateKey.generate(), "pneumonia", 2, b.identity.signing)
    with pytest.raises(IdentityError):
        admit(study, study.update(a, np.zeros(15, unsigned(64)), next_mask=others))


@pytest.mark.parametrize("length", [0, 3, 8, 14, 16, 30])
def test_a_signed_body_of_another_length_is_refused_while_summing(length: int) -> None:
    total = np.zeros(15, unsigned(64))
    body = masked_prefix(15, 64) + np.zeros(length, unsigned(64)).tobytes()
    with pytest.raises(MalformedError):
        add_to_sum(total, [body], 64)


def test_bytes_may_be_cut_anywhere_while_summing() -> None:
    values = np.arange(15, dtype=unsigned(64))
    body = masked_prefix(15, 64) + values.tobytes()
    for cut in (1, 3, 7, 8, 64, len(body)):
        total = np.zeros(15, unsigned(64))
        add_to_sum(total, [body[start : start + cut] for start in range(0, len(body), cut)], 64)
        assert np.array_equal(total, values)


def test_a_masked_vector_is_a_safetensors_file_that_the_library_reads() -> None:
    from safetensors.numpy import load

    values = np.arange(15, dtype=unsigned(64))
    assert np.array_equal(load(masked_prefix(15, 64) + values.tobytes())["masked"], values)
    assert len(masked_prefix(15, 32)) % 8 == 0


def test_a_plan_is_accepted_from_its_coordinator_only(study: Study) -> None:
    assert admit_plan(study.plan_file(), None) == study.signed()
    assert admit_plan(study.plan_file(), study.coordinator.public()) == study.signed()
    with pytest.raises(IdentityError, match="another coordinator"):
        admit_plan(study.plan_file(), Identity.generate().public())


def test_a_plan_signed_by_another_than_it_names_is_refused(study: Study) -> None:
    with pytest.raises(IdentityError):
        admit_plan(study.plan_file(signer=Identity.generate()), None)


def test_a_plan_is_not_read_as_another_kind(study: Study) -> None:
    with pytest.raises(MalformedError, match="an update is needed"):
        read_update(study.plan_file(), study.plan.roster.members)
    update = split(study.update(study.hospitals[0], np.zeros(15, unsigned(64))))
    with pytest.raises(MalformedError, match="a plan is needed"):
        admit_plan(update, None)


def unsafe_plans(study: Study) -> dict[str, dict]:
    members = study.plan.roster.members
    coordinator_as_member = members[0].model_copy(update={"keys": study.coordinator.public()})
    hospital = Hospital("hospital-d")
    sealing = hospital.member().model_copy(
        update={
            "keys": hospital.identity.public().model_copy(
                update={"sealing": study.coordinator.public().sealing}
            )
        }
    )
    return {
        "two hospitals": {"roster": Roster(version=1, members=members[:2])},
        "the coordinator as a hospital": {
            "roster": Roster(version=1, members=(*members, coordinator_as_member))
        },
        "the coordinator's sealing key": {"roster": Roster(version=1, members=(*members, sealing))},
        "a stage beyond the last": {"stage": 2},
        "a class twice": {"classes": ("normal", "normal")},
        "sums that overflow": {
            "manifest": (TensorSpec(name="w", shape=(3,), bound=2.0**40, fraction_bits=23),)
        },
        "no round": {"round": 0},
        "no study": {"study": None},
    }


@pytest.mark.parametrize("which", list(unsafe_plans(Study())))
def test_an_unsafe_plan_is_refused_by_every_recipient(study: Study, which: str) -> None:
    plan = study.make_plan(**unsafe_plans(study)[which])
    with pytest.raises((RefusedError, IdentityError)):
        admit_plan(study.plan_file(plan), None)


def test_a_hospital_knows_its_own_entry(study: Study) -> None:
    own = study.hospitals[0]
    assert admit_party(study.plan, own.identity.public(), own.name, "hospital").name == own.name
    with pytest.raises(RefusedError, match="not in the plan"):
        admit_party(study.plan, Identity.generate().public(), own.name, "hospital")
    with pytest.raises(IdentityError):
        admit_party(study.plan, own.identity.public(), "hospital-b", "hospital")
    swapped = own.identity.public().model_copy(update={"sealing": Identity.generate().public().sealing})
    with pytest.raises(IdentityError):
        admit_party(study.plan, swapped, own.name, "hospital")


def test_a_successor_follows_its_predecessor(study: Study) -> None:
    before = study.make_plan(stages=3)
    before_hash = study.plan_file(before).digest
    good = study.make_plan(stages=3, stage=2, round=2, previous=before_hash)
    admit_successor(good, SignedPlan(before, before_hash))
    fewer = Roster(version=1, members=(*before.roster.members[::-1][:2], Hospital("hospital-d").member()))
    bad = {
        "replayed": {"round": 1},
        "of another history": {"previous": "ab" * 32},
        "skipping a stage": {"stage": 3},
        "with another epsilon": {"epsilon": 9.0},
        "with other classes": {"classes": ("normal", "virus")},
        "with other members under one version": {"roster": fewer},
    }
    others = fewer.model_copy(update={"version": 2})
    # Which has new key words to compare.
    admit_successor(good.model_copy(update={"roster": others}), SignedPlan(before, before_hash))
    again = good.model_copy(update={"stage": 1})  # a sum that could not be opened: the same stage anew
    admit_successor(again, SignedPlan(before, before_hash))
    for change in bad.values():
        with pytest.raises(RefusedError):
            admit_successor(good.model_copy(update=change), SignedPlan(before, before_hash))
    anew = study.make_plan(
        stages=3, stage=1, round=2, previous=before_hash, epsilon=3.0,
        roster=fewer.model_copy(update={"version": 2}),
    )  # fmt: skip
    admit_successor(anew, SignedPlan(before, before_hash))


def test_a_model_belongs_to_its_plan(study: Study) -> None:
    tensors = {"weights": np.zeros((3, 4))}
    envelope = split(write_model(tensors, study.signed(), study.coordinator, STAMP))
    assert admit_model(envelope, study.signed()).round == 1
    for change in ({"round": 2}, {"study": "cardiology"}, {"delta": 1e-6}):
        other = study.make_plan(**change)
        with pytest.raises(RefusedError):
            admit_model(envelope, study.signed(other))
    forged = split(write_model(tensors, study.signed(), Identity.generate(), STAMP))
    with pytest.raises(IdentityError):
        admit_model(forged, study.signed())


def test_an_update_can_be_sealed_to_this_coordinator_only(study: Study) -> None:
    """A member who signs a header that names another recipient is refused before anything is decrypted."""
    data = study.update(study.hospitals[0], np.zeros(15, unsigned(64)))
    header = split(data).claim(UpdateHeader)
    changed = header.model_copy(update={"recipients": ("ab" * 32,)})
    signer = study.hospitals[0].identity
    forged = seal_header(changed, signer.signing, signer.public().fingerprint) + data[split(data).length :]
    with pytest.raises(RefusedError, match="not addressed"):
        admit(study, forged)


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
