"""What the steps of encrypted inference decide, over a workspace of one party, without computing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from forged_files import refused
from inference_samples import (
    OTHER,
    altered,
    centre_body,
    fingerprint,
    of_earlier_versions,
    offer_header,
    party,
    query_header,
    signed,
)

from privxray.errors import AbsentFileError, MalformedError
from privxray.exchange.intake import Received, read_again
from privxray.formats.container import seal_header
from privxray.formats.header import Body
from privxray.inference.headers import OfferHeader, QueryHeader
from privxray.inference.terms import Terms
from privxray.keys.identity import PublicKeys
from privxray.keys.key_words import party_words
from privxray.workflow.common.kept_file import read_kept
from privxray.workflow.custody.revoked import BY_MEMBERS, BY_RECOVERY
from privxray.workflow.inference import global_model, trust
from privxray.workflow.inference.admitted_query import AdmittedQuery, admitted_query
from privxray.workflow.inference.ask import make_query
from privxray.workflow.inference.chosen_offer import OfferChoice, chosen_offer
from privxray.workflow.inference.fingerprints import check_fingerprint, matches
from privxray.workflow.inference.hospital_secrets import (
    QuerySecrets,
    delete_earlier_keys,
    open_secrets,
    seal_secrets,
)
from privxray.workflow.inference.kept_offers import keep_offer, load_offer, offer_bytes
from privxray.workflow.inference.offer import make_offer
from privxray.workflow.inference.read_answer import read_answer
from privxray.workflow.inference.trust import Prompts, ensure_trusted, forget_party, known_parties
from privxray.workspace.config import Config
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State
from privxray.workspace.state_tables.inference_tables import Asked

MODEL = "ab" * 32


@pytest.fixture
def clinic(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path, Config(role="hospital", name="clinic"))


@pytest.fixture
def state(clinic: Workspace) -> Iterator[State]:
    with State(clinic.state_path) as state:
        yield state


# Fingerprints


@pytest.mark.parametrize("typed", [None, "abababab", "ABABABAB", MODEL, MODEL.upper()])
def test_what_is_the_beginning_of_a_fingerprint(typed: str | None) -> None:
    check_fingerprint(typed)
    assert matches(MODEL, typed)


@pytest.mark.parametrize("typed", ["", "abababa", MODEL + "a", "ababababg", "abab abab"])
def test_what_is_none(typed: str) -> None:
    with refused("model.not-a-fingerprint"):
        check_fingerprint(typed)


def test_a_fingerprint_is_compared_from_its_beginning() -> None:
    assert not matches(MODEL, "babababa")
    assert not matches("0" + MODEL, "abababab")


# Kept files and offers


def whole(header: OfferHeader, body: bytes) -> bytes:
    return seal_header(header, party("owner").signing, fingerprint("owner")) + body


def test_an_offer_is_kept_as_the_newest(clinic: Workspace, state: State) -> None:
    first, body = offer_header(), centre_body()
    second = altered(first, limit=5)
    for header in (first, second, first):
        keep_offer(clinic, state, whole(header, body), signed(header, "owner").digest, header)
    digests = [signed(header, "owner").digest for header in (second, first)]
    assert [(kept.digest, kept.owner, kept.model) for kept in state.offers()] == [
        (digest, fingerprint("owner"), MODEL) for digest in digests
    ]
    kept = load_offer(clinic, digests[0])
    assert (kept.digest, kept.header, kept.body) == (digests[0], second, body)
    assert offer_bytes(clinic, digests[0]) == whole(second, body)
    folder = clinic.inference / "offers"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / f"{digests[0]}.offer").stat().st_mode & 0o777 == 0o600


def test_a_kept_file_is_held_against_its_digest_and_its_body(clinic: Workspace) -> None:
    header, body = offer_header(), centre_body()
    digest, path = signed(header, "owner").digest, clinic.root / "kept"
    with pytest.raises(AbsentFileError):
        read_kept(path, digest, OfferHeader)
    path.write_bytes(whole(header, body))
    assert read_kept(path, digest, OfferHeader) == (header, body)
    with refused("workspace.kept-file-altered"):
        read_kept(path, OTHER, OfferHeader)
    path.write_bytes(whole(header, body[:-1]))
    with pytest.raises(MalformedError, match="cut off in its body") as told:
        read_kept(path, digest, OfferHeader)
    assert told.value.file == str(path)


def test_the_bytes_of_an_altered_offer_are_not_handed_out(clinic: Workspace, state: State) -> None:
    header = offer_header()
    keep_offer(clinic, state, whole(header, centre_body()), OTHER, header)
    with refused("workspace.kept-file-altered"):
        offer_bytes(clinic, OTHER)


# Trust


def typed(words: str, asked: list[str]) -> trust.AskWords:
    def ask(name: str) -> str:
        asked.append(name)
        return words

    return ask


def test_key_words_are_asked_for_once(clinic: Workspace, state: State) -> None:
    keys = party("owner").public()
    asked: list[str] = []
    right = typed(party_words("office", keys).upper(), asked)
    with refused("party.wrong-words"):
        ensure_trusted(clinic, state, "office", keys, typed(party_words("clinic", keys), asked))
    assert list(known_parties(clinic, state)) == []
    for _ in range(2):
        ensure_trusted(clinic, state, "office", keys, right)
    assert asked == ["office", "office"]
    assert list(known_parties(clinic, state)) == [("office", keys)]


def test_a_name_or_a_sealing_key_may_not_change(clinic: Workspace, state: State) -> None:
    keys = party("owner").public()
    ensure_trusted(clinic, state, "office", keys, typed(party_words("office", keys), []))
    other = PublicKeys(signing=keys.signing, sealing=party("clinic").public().sealing)
    for name, now in (("bureau", keys), ("office", other)):
        with refused("party.changed"):
            ensure_trusted(clinic, state, name, now, typed(party_words(name, now), []))
    assert list(known_parties(clinic, state)) == [("office", keys)]


def test_a_namesake_is_remarked_on(clinic: Workspace, state: State) -> None:
    asked: list[str] = []
    for who in ("owner", "clinic"):
        keys = party(who).public()
        ensure_trusted(clinic, state, "office", keys, typed(party_words("office", keys), asked))
    assert asked == ["office", "office (a name that is known here with another key)"]


def test_members_of_a_study_are_known(
    clinic: Workspace, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, member = party("owner").public(), party("clinic").public()
    roster = SimpleNamespace(parties=[SimpleNamespace(name="hospital-a", keys=member)])
    plan = SimpleNamespace(coordinator_name="coordinator", coordinator=owner, roster=roster)
    monkeypatch.setattr(trust, "load_plan", lambda *_: plan)
    monkeypatch.setattr(state, "rounds", lambda: ["a round"])
    known = [("coordinator", owner), ("hospital-a", member)]
    assert list(known_parties(clinic, state)) == known
    for name, keys in known:
        ensure_trusted(clinic, state, name, keys, typed("never asked for", []))


def test_a_party_is_forgotten_by_its_name(clinic: Workspace) -> None:
    keys, other = party("owner").public(), party("clinic").public()
    with State(clinic.state_path) as state:
        for name, of in (("office", keys), ("bureau", other)):
            ensure_trusted(clinic, state, name, of, typed(party_words(name, of), []))
    with refused("party.unknown"):
        forget_party(clinic, "offices")
    forget_party(clinic, "office")
    with refused("party.unknown"):
        forget_party(clinic, "office")
    with State(clinic.state_path) as state:
        assert list(known_parties(clinic, state)) == [("bureau", other)]


@pytest.mark.parametrize("member", [True, False])
def test_a_party_of_a_study_stays_known(
    clinic: Workspace, member: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, other = party("owner").public(), party("clinic").public()
    with State(clinic.state_path) as state:
        ensure_trusted(clinic, state, "office", keys, typed(party_words("office", keys), []))
    in_study = ("office", keys if member else other)
    monkeypatch.setattr(
        trust,
        "known_parties",
        lambda _, state: [
            in_study,
            *((name, PublicKeys.model_validate_json(k)) for name, k in state.parties()),
        ],
    )
    if member:
        with refused("party.of-a-study"):
            forget_party(clinic, "office")
    else:
        forget_party(clinic, "office")


# Which offer a hospital asks


def own_keys(workspace: Workspace, name: str) -> Workspace:
    """The workspace with the public keys of a party."""
    path = workspace.identity_path.with_suffix(".pub")
    path.parent.mkdir()
    path.write_text(party(name).public().model_dump_json())
    return workspace


def fitting(**fields: object) -> OfferHeader:
    """An offer for the feature extractor that is here."""
    from privxray.imaging.features import DIMS, MAPS

    body = centre_body(centre=np.zeros(DIMS[MAPS]))
    described = Body(length=len(body), sha256=hashlib.sha256(body).hexdigest())
    return altered(offer_header(), extractor=MAPS, feature_dim=DIMS[MAPS], body=described, **fields)


def keep(workspace: Workspace, state: State, header: OfferHeader) -> str:
    """Keep an offer as the newest; its digest."""
    digest = signed(header, "owner").digest
    body = centre_body(centre=np.zeros(header.feature_dim))
    keep_offer(workspace, state, whole(header, body), digest, header)
    return digest


NOBODY = Prompts(typed("", []), typed("", []))  # nobody is asked for anything


def test_the_newest_offer_of_the_one_model_is_asked(clinic: Workspace, state: State) -> None:
    own_keys(clinic, "clinic")
    with refused("offer.none-yet"):
        chosen_offer(clinic, state, OfferChoice(), NOBODY)
    keep(clinic, state, fitting(limit=1))
    newest = keep(clinic, state, fitting(limit=2))
    for model in (None, "abababab"):
        assert chosen_offer(clinic, state, OfferChoice(model=model), NOBODY).digest == newest
    with refused("offer.none-of-this-model"):
        chosen_offer(clinic, state, OfferChoice(model="cdcdcdcd"), NOBODY)
    other = keep(clinic, state, fitting(model="cd" * 32))
    with refused("offer.several"):
        chosen_offer(clinic, state, OfferChoice(), NOBODY)
    assert chosen_offer(clinic, state, OfferChoice(model="cdcdcdcd"), NOBODY).digest == other
    keep(clinic, state, fitting(sender=fingerprint("stranger")))  # another owner of the first model
    with refused("offer.several"):
        chosen_offer(clinic, state, OfferChoice(model="abababab"), NOBODY)


def test_a_kept_offer_of_an_earlier_version_is_not_asked(clinic: Workspace, state: State) -> None:
    own_keys(clinic, "clinic")
    keep(clinic, state, of_earlier_versions(fitting()))
    with refused("offer.old-encryption"):
        chosen_offer(clinic, state, OfferChoice(), NOBODY)


def test_ones_own_offers_are_not_asked(clinic: Workspace, state: State) -> None:
    own_keys(clinic, "owner")
    keep(clinic, state, fitting())
    with refused("offer.none-yet"):
        chosen_offer(clinic, state, OfferChoice(), NOBODY)
    path = clinic.root / "own.offer"
    path.write_bytes(
        (clinic.inference / "offers" / f"{signed(fitting(), 'owner').digest}.offer").read_bytes()
    )
    with refused("offer.own"):
        chosen_offer(clinic, state, OfferChoice(path), NOBODY)


@pytest.mark.parametrize("fields", [{"extractor": "another"}, {"feature_dim": 3}])
def test_an_offer_for_another_extractor_is_refused(
    clinic: Workspace, state: State, fields: dict[str, object]
) -> None:
    own_keys(clinic, "clinic")
    header = altered(fitting(), **fields)
    body = centre_body(centre=np.zeros(header.feature_dim))
    described = Body(length=len(body), sha256=hashlib.sha256(body).hexdigest())
    header, path = altered(header, body=described), clinic.root / "an.offer"
    path.write_bytes(whole(header, body))
    with refused("offer.other-extractor"):
        chosen_offer(clinic, state, OfferChoice(path), NOBODY)
    keep(clinic, state, header)
    with refused("offer.other-extractor"):
        chosen_offer(clinic, state, OfferChoice(), NOBODY)


def test_an_offer_is_taken_in_once_its_owner_is_trusted(clinic: Workspace, state: State) -> None:
    own_keys(clinic, "clinic")
    header, path = fitting(), clinic.root / "an.offer"
    path.write_bytes(whole(header, centre_body(centre=np.zeros(header.feature_dim))))
    for choice, reason in (
        (OfferChoice(path, "cdcdcdcd"), "offer.other-model"),
        (OfferChoice(path), "key-words.count"),
    ):
        with refused(reason):
            chosen_offer(clinic, state, choice, NOBODY)
        assert state.offers() == []
    words = typed(party_words("office", header.owner), [])
    taken = chosen_offer(clinic, state, OfferChoice(path, "abababab"), Prompts(words, words))
    assert taken == load_offer(clinic, signed(header, "owner").digest)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with refused("body.altered"):
        chosen_offer(clinic, state, OfferChoice(path), NOBODY)
    path.write_bytes(whole(altered(header, feature_dim=3), centre_body(centre=np.zeros(header.feature_dim))))
    with refused("offer.no-centre"):
        chosen_offer(clinic, state, OfferChoice(path), NOBODY)


def test_what_may_be_asked_and_offered_is_looked_at_first(clinic: Workspace, state: State) -> None:
    """Before anybody is asked for a passphrase."""
    keep(own_keys(clinic, "clinic"), state, fitting(limit=2))
    for count, reason in (
        (0, "query.image-count"),
        (257, "query.image-count"),
        (3, "query.larger-than-limit"),
    ):
        with refused(reason):
            make_query(clinic, [Path("x.png")] * count, NOBODY, OfferChoice())
    with refused("model.not-a-fingerprint"):
        make_query(clinic, [Path("x.png")], NOBODY, OfferChoice(model="ab"))
    with refused("model.not-a-fingerprint"):
        read_answer(clinic, Path("x.answer"), NOBODY.passphrase, model="ab")
    for terms, reason in (
        (Terms(limit=0), "offer.limit-out-of-range"),
        (Terms(limit=1_000_001), "offer.limit-out-of-range"),
        (Terms(decimals=0), "offer.decimals-out-of-range"),
        (Terms(decimals=7), "offer.decimals-out-of-range"),
    ):
        with refused(reason):
            make_offer(clinic, NOBODY.passphrase, terms)
    with refused("model.not-a-fingerprint"):
        make_offer(clinic, NOBODY.passphrase, Terms(), model="ab")
    with refused("model.none-yet"):
        make_offer(clinic, NOBODY.passphrase, Terms(limit=1_000_000, decimals=6))


# Which query an owner answers


def received(workspace: Workspace, query: QueryHeader, *, body: bool = True) -> Received:
    """A query's file, with a body that is as long as it says and has the digest that it says."""
    zeros = bytes(query.body.length)
    described = query.body.model_copy(update={"sha256": hashlib.sha256(zeros).hexdigest()})
    signed_header = altered(query, body=described)
    path = workspace.root / "a.query"
    start = seal_header(signed_header, party("clinic").signing, fingerprint("clinic"))
    path.write_bytes(start + zeros if body else start)
    return read_again(path)


def test_a_query_is_for_the_newest_offer_of_its_model(clinic: Workspace, state: State) -> None:
    office, offer = own_keys(clinic, "owner"), offer_header()
    query = query_header()
    with refused("query.unknown-offer"):
        admitted_query(office, state, received(office, query))
    digest = keep(office, state, altered(offer, sender=fingerprint("stranger")))  # taken in, not made here
    with refused("query.unknown-offer"):
        admitted_query(office, state, received(office, altered(query, offer=digest)))
    assert keep(office, state, offer) == query.offer
    keep(office, state, altered(offer, model="cd" * 32))  # another model's does not replace it
    admitted = admitted_query(office, state, received(office, query))
    assert (admitted.query.offer, admitted.offer) == (query.offer, offer)
    assert admitted.digest == admitted.file.envelope.digest
    with refused("body.cut-off"):
        admitted_query(office, state, received(office, query, body=False))
    with refused("query.other-study"):
        admitted_query(office, state, received(office, altered(query, study="elsewhere")))
    keep(office, state, altered(offer, limit=5))
    with refused("query.replaced-offer"):
        admitted_query(office, state, received(office, query))


@pytest.mark.parametrize(("before", "left"), [(0, 98), (97, 1), (98, 0), (99, None), (200, None)])
def test_images_are_counted_against_the_limit(
    clinic: Workspace, state: State, before: int, left: int | None
) -> None:
    """Of the same hospital and the same model alone."""
    query = query_header(images=2)
    with state.transaction():
        if before:
            state.add_answer("q1", query.sender, query.model, before, "s")
        state.add_answer("q2", fingerprint("stranger"), query.model, 50, "s")
        state.add_answer("q3", query.sender, "cd" * 32, 50, "s")
    admitted = AdmittedQuery(query, offer_header(), received(clinic, query, body=False))
    if left is not None:
        assert admitted.left_after(state) == left
        return
    with refused("query.limit-used-up"):
        admitted.left_after(state)


def test_images_that_were_asked_about_under_earlier_keys_count(clinic: Workspace, state: State) -> None:
    """A hospital that lost its keys is the same hospital, as far as the owner knows of it."""
    query = query_header(images=2)
    oldest, old, other, office = "1" * 64, "2" * 64, "3" * 64, "4" * 64
    with state.transaction():
        for number, key in enumerate((oldest, old, other, office)):
            state.add_answer(f"q{number}", key, query.model, 10**number, "s")
        state.revoke(oldest, "clinic", "replaced", old)
        state.name_successor(old, "clinic", BY_RECOVERY, query.sender)
        state.revoke(other, "clinic", "lost")  # names nobody
        state.name_successor(office, "office", BY_MEMBERS, query.sender)  # another party's place
    admitted = AdmittedQuery(query, offer_header(), received(clinic, query, body=False))
    assert admitted.left_after(state) == 100 - 11 - 2
    with state.transaction():  # nor does it end where keys name each other
        state.name_successor(query.sender, "clinic", BY_RECOVERY, oldest)
    assert admitted.left_after(state) == 100 - 11 - 2


# A hospital's secrets


def test_secrets_of_a_query_are_for_it_alone() -> None:
    secrets = QuerySecrets(("a/Müller.dcm", "b.png"), b"s" * 32)
    sealed = seal_secrets(party("clinic"), MODEL, secrets)
    assert b"ller.dcm" not in sealed
    assert (b"s" * 32).hex() not in repr(secrets)
    assert sealed != seal_secrets(party("clinic"), MODEL, secrets)
    assert open_secrets(party("clinic"), Asked(1, MODEL, "", sealed, 0)) == secrets
    for who, digest, data in (
        ("clinic", OTHER, sealed),
        ("owner", MODEL, sealed),  # another passphrase's
        ("clinic", MODEL, sealed[:-1]),
        ("clinic", MODEL, b""),
        ("clinic", MODEL, bytes(12)),
    ):
        with refused("inference.secrets-damaged"):
            open_secrets(party(who), Asked(1, digest, "", data, 0))


def test_keys_of_earlier_versions_are_deleted(clinic: Workspace) -> None:
    (clinic.inference / "keys").mkdir(parents=True)
    old = ("ckks-296.key", "ckks-296.public", f"keys/{OTHER}.keys")
    for name in (*old, "other.key"):
        (clinic.inference / name).write_bytes(b"k")
    delete_earlier_keys(clinic)
    assert [name for name in (*old, "other.key") if (clinic.inference / name).exists()] == ["other.key"]


# The owner's model


def test_digits_that_begin_the_fingerprints_of_two_models(
    clinic: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or of none; without digits it is the newest model."""
    models = ["ab" * 31 + "00", None, "ab" * 31 + "01", "cd" * 32]
    rounds = [SimpleNamespace(model=model, study="s", number=place) for place, model in enumerate(models)]
    state = SimpleNamespace(rounds=lambda: rounds)
    wanted: list[str] = []

    def read(path: object, digest: str, kind: object) -> tuple[SimpleNamespace, bytes]:
        wanted.append(digest)
        return SimpleNamespace(created="2026-11-28T12:00:00Z"), b""

    monkeypatch.setattr(global_model, "read_kept", read)
    monkeypatch.setattr(global_model, "unpack", lambda _: {})
    for digits in ("ABABABAB", "ab" * 31 + "0"):
        with refused("model.several"):
            global_model.find_model(clinic, state, digits)
    with refused("model.unknown"):
        global_model.find_model(clinic, state, "abababac")
    for digits in (None, "cdcdcdcd", "ab" * 31 + "01"):
        global_model.find_model(clinic, state, digits)
    assert wanted == ["cd" * 32, "cd" * 32, "ab" * 31 + "01"]
    nothing = SimpleNamespace(rounds=lambda: [SimpleNamespace(model=None)])
    with refused("model.none-yet"):
        global_model.find_model(clinic, nothing, None)


def test_a_model_of_another_method_has_no_head() -> None:
    model = global_model.GlobalModel(MODEL, SimpleNamespace(method="dp-sgd"), {})
    with refused("offer.other-method"):
        global_model.head_of(model)
