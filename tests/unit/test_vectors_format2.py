"""The files under tests/vectors/format2: each ends as expected, and the good ones are read by
:mod:`spec_reader`, which knows docs/SPEC.md and docs/SPEC-2.md and no code of privxray.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path

import pytest
import spec_reader as spec
from forged_files import refused

from privxray.exchange.admission.admit import admit_model, admit_plan, admit_update, read_update
from privxray.exchange.admission.admit_opening import admit_request, admit_share, admit_survivors, read_share
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.request import SignedRequest
from privxray.formats.container import check_body, split
from privxray.formats.features import carried_out
from privxray.formats.header import Header
from privxray.keys.card import read_card

VECTORS = Path(__file__).parents[1] / "vectors"
FOLDER = VECTORS / "format2"
INDEX = json.loads((FOLDER / "index.json").read_text())
GOOD = [name for name, entry in INDEX.items() if entry["expect"] == "ok"]


def load(name: str) -> bytes:
    return (FOLDER / f"{name}.bin").read_bytes()


def plan_of(name: str) -> SignedPlan:
    return admit_plan(split(load(name)), None)


def admit(name: str) -> None:
    """What the recipient checks that follows the good plan, and trusts its coordinator."""
    data, followed = load(name), plan_of(INDEX[name]["under"])
    envelope = split(data)
    body = data[envelope.length :]
    header: Header
    if envelope.kind == "card":
        header = read_card(envelope)
    elif envelope.kind == "plan":
        header = admit_plan(envelope, followed.plan.coordinator).plan
    elif envelope.kind == "model":
        header = admit_model(envelope, followed)
    elif envelope.kind == "request":
        keyholder = followed.plan.committee.seats[0].keyholder  # type: ignore[union-attr]
        header, _ = admit_request(envelope, followed, keyholder, None)
        admit_survivors(header, body, followed)
    elif envelope.kind == "share":
        header = read_share(envelope, followed.plan.roster.parties)
        admit_share(header, followed, SignedRequest.claimed(split(load("request"))))
    else:
        header, member = read_update(envelope, followed.plan.roster.members)
        admit_update(header, member, followed)
    check_body(header.body, len(body), hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("name", INDEX)
def test_each_vector_ends_as_expected(name: str) -> None:
    if name in GOOD:
        admit(name)
        return
    with refused(INDEX[name]["reason"]):
        admit(name)


def test_there_is_a_file_for_each_entry_and_a_good_one_of_each_kind() -> None:
    assert {path.stem for path in FOLDER.glob("*.bin")} == set(INDEX)
    assert {split(load(name)).kind for name in GOOD} == {
        "card",
        "plan",
        "update",
        "request",
        "share",
        "model",
    }


def test_what_this_version_writes_is_what_the_vectors_hold() -> None:
    sys.path += [str(VECTORS)]
    import make

    made = {name: data for files in make.of_format_2().all().values() for name, (data, _, _) in files.items()}
    assert {name for name, data in made.items() if data != load(name)} == set()


def test_the_good_files_from_the_specification() -> None:
    for name in GOOD:
        if name.endswith("format-1"):
            continue
        data = load(name)
        signer = next(
            key
            for under in ("plan", "held-plan")
            for key in signers(spec.claimed(load(under)))
            if spec.fingerprint(key) == split(data).key_id
        )
        header = spec.read(data, signer, version=2).header
        assert header["format"] == 2
        assert header["features"] == sorted(set(header["features"]))
        if header["kind"] == "card" and name == "card":
            assert (header["formats"], header["can"]) == ([1, 2], list(carried_out()))


def signers(plan: spec.Json) -> list[str]:
    parties = [*plan["roster"]["members"], *plan["roster"]["trustees"]]
    return [plan["coordinator"]["signing"], *(party["keys"]["signing"] for party in parties)]


def test_a_file_of_each_format_is_refused_by_an_unaltered_reader_of_the_other() -> None:
    """The type that is signed differs, so the same header under the other version byte never verifies."""
    envelope = json.loads(load("card")[13:])
    assert envelope["payloadType"] == "application/vnd.privxray.card.v2+json"
    old = json.loads((VECTORS / "card.bin").read_bytes()[13:])
    assert old["payloadType"] == "application/vnd.privxray.card+json"
    with refused("envelope.other-format"):
        split((VECTORS / "card.bin").read_bytes().replace(b"PRIVXRAY\x01", b"PRIVXRAY\x02"))
    assert base64.b64decode(envelope["payload"]).startswith(b'{"body":')
