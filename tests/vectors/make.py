"""Write the test vectors that are missing: ``python tests/vectors/make.py``; all of them: ``--anew``.

Keys are derived from fixed seeds and are of no use elsewhere. Sealing draws fresh randomness, so good files
that are there are kept, and what breaks a rule is made from them. A change in the numbers, or in a file whose
parts are not sealed, is a change of the format: raise the container's version with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "unit")]

import keyholders  # noqa: E402
from exchange_samples import STAMP, Hospital, Study  # noqa: E402

from privxray.exchange.masking.fixed_point import quantise, unsigned  # noqa: E402
from privxray.exchange.masking.masks import add_streams, pairwise_key  # noqa: E402
from privxray.exchange.messages.update import UpdateHeader  # noqa: E402
from privxray.formats import canonical, stream  # noqa: E402
from privxray.formats.container import MAGIC, PREAMBLE, seal_header, split  # noqa: E402
from privxray.formats.tensors import TensorSpec  # noqa: E402
from privxray.keys.card import CardHeader, write_card  # noqa: E402
from privxray.keys.identity import Identity  # noqa: E402
from privxray.keys.key_words import words  # noqa: E402
from privxray.keys.mask_statement import state_mask_key  # noqa: E402
from privxray.keys.sealing_keys import SealingKey  # noqa: E402


def seeded(label: str, length: int = 32) -> bytes:
    return hashlib.shake_256(b"privxray test vector " + label.encode()).digest(length)


def sealing_key(label: str) -> SealingKey:
    return SealingKey(
        MLKEM768PrivateKey.from_seed_bytes(seeded(label + " mlkem", 64)),
        X25519PrivateKey.from_private_bytes(seeded(label + " x25519")),
    )


def identity(label: str) -> Identity:
    signing = Ed25519PrivateKey.from_private_bytes(seeded(label + " signing"))
    return Identity(signing, sealing_key(label))


def study() -> Study:
    made = Study.__new__(Study)
    made.coordinator, made.trustees = identity("coordinator"), []
    made.hospitals = [
        Hospital(
            f"hospital-{letter}",
            identity(f"hospital-{letter}"),
            X25519PrivateKey.from_private_bytes(seeded(f"hospital-{letter} mask")),
            sealing_key(f"hospital-{letter} unsealing"),
        )
        for letter in "abc"
    ]
    made.plan = made.make_plan()
    return made


def reframed(envelope: dict[str, Any]) -> bytes:
    raw = canonical.encode(envelope)
    return MAGIC + b"\x01" + len(raw).to_bytes(4, "big") + raw


def files(world: Study) -> dict[str, tuple[bytes, str, str]]:
    """Name -> bytes, expected outcome, the rule that is tried."""
    a, b, _ = world.hospitals
    plan = seal_header(world.plan, world.coordinator.signing, world.coordinator.public().fingerprint)
    card = write_card(
        a.identity, name=a.name, mask=a.member().mask, unsealing=a.unsealing_statement(), stamp=STAMP
    )
    good = kept("update", lambda: world.update(a, world.masked(a, world.vector(0))))
    start = split(good).length
    header = split(good).claim(UpdateHeader)

    def signed(signer: Identity = a.identity, **changes: object) -> bytes:
        changed = header.model_copy(update=changes)
        return seal_header(changed, signer.signing, signer.public().fingerprint) + good[start:]

    envelope = json.loads(good[PREAMBLE:start])
    spaced = json.dumps(envelope).encode()
    flipped = bytearray(good)
    flipped[-1] ^= 1
    unsigned_header = json.loads(good[PREAMBLE:start])
    unsigned_header["signatures"][0]["sig"] = canonical.to_base64(bytes(64))
    other_type = json.loads(good[PREAMBLE:start])
    other_type["payloadType"] = "application/vnd.privxray.model+json"
    stranger = identity("stranger")
    other_mask = state_mask_key(
        X25519PrivateKey.from_private_bytes(seeded("other mask")), "pneumonia", 2, b.identity.signing
    )
    reused = a.member("pneumonia").mask
    longer = header.body.model_copy(update={"length": header.body.length + 1})
    short = world.update(a, np.zeros(14, unsigned(64)))
    return weak_cards(card) | {
        "card": (card, "ok", "a card"),
        "plan": (plan, "ok", "a plan"),
        "update": (good, "ok", "an update"),
        "not-privxray": (b"DICM" + good[4:], "malformed", "magic"),
        "another-version": (MAGIC + b"\x02" + good[9:], "malformed", "format version"),
        "envelope-too-long": (MAGIC + b"\x01\x7f\xff\xff\xff" + good[13:], "malformed", "envelope length"),
        "cut-in-envelope": (good[: start - 1], "malformed", "truncation"),
        "cut-in-body": (good[:-1], "malformed", "body length"),
        "spaces-in-envelope": (
            MAGIC + b"\x01" + len(spaced).to_bytes(4, "big") + spaced + good[start:],
            "malformed",
            "canonical JSON",
        ),
        "body-bit-flipped": (bytes(flipped), "malformed", "body SHA-256"),
        "body-longer-than-said": (signed(body=longer), "refused", "size of the plan's vector"),
        "signature-zeroed": (reframed(unsigned_header) + good[start:], "identity", "signature"),
        "kind-exchanged": (reframed(other_type) + good[start:], "malformed", "kind"),
        "stranger": (signed(stranger, sender=stranger.public().fingerprint), "identity", "roster"),
        "sender-is-not-signer": (signed(b.identity), "identity", "sender"),
        "another-study": (signed(study="cardiology"), "refused", "study"),
        "another-plan": (signed(plan="ab" * 32), "refused", "plan"),
        "another-round": (signed(round=2), "refused", "round"),
        "another-recipient": (signed(recipients=("ab" * 32,)), "refused", "recipients"),
        "next-mask-of-another": (signed(next_mask=other_mask), "identity", "mask key statement"),
        "next-mask-reused": (signed(next_mask=reused), "refused", "fresh mask key"),
        "vector-too-short": (short, "refused", "size of the plan's vector"),
    }  # fmt: skip


def weak_cards(card: bytes) -> dict[str, tuple[bytes, str, str]]:
    """Cards with keys of small order: one that anybody can sign, and one that stops whoever seals to it."""
    header = split(card).claim(CardHeader)
    assert header.mask is not None
    point = (1).to_bytes(32, "little")
    by_nobody = canonical.to_base64(point + bytes(32))  # good for every message under the neutral point
    fields = header.model_dump(mode="json")
    fields["keys"]["signing"] = canonical.to_base64(point)
    fields["mask"]["signature"] = fields["unsealing"]["signature"] = by_nobody
    fields["sender"] = hashlib.sha256(point).hexdigest()
    envelope = {
        "payload": canonical.to_base64(canonical.encode(fields)),
        "payloadType": "application/vnd.privxray.card+json",
        "signatures": [{"keyid": fields["sender"], "sig": by_nobody}],
    }
    owner = identity("hospital-a")
    lattice = base64.b64decode(header.keys.sealing)[:1184]
    weak = header.keys.model_copy(update={"sealing": canonical.to_base64(lattice + bytes(32))})
    sealing = seal_header(header.model_copy(update={"keys": weak}), owner.signing, header.sender)
    return {
        "card-that-anybody-signs": (reframed(envelope), "malformed", "refused keys"),
        "card-that-nobody-can-seal-to": (sealing, "malformed", "refused keys"),
    }


def numbers(world: Study) -> dict[str, Any]:
    a, b = world.hospitals[:2]
    key = pairwise_key(a.mask, b.mask.public_key(), world.plan_hash, a.fingerprint, b.fingerprint)
    streams = {}
    for bits in (32, 64):
        vector = np.zeros(6, unsigned(bits))
        add_streams(vector, [(key, False)])
        streams[str(bits)] = [str(number) for number in vector]
    spec = TensorSpec(name="w", shape=(6,), bound=4.0, fraction_bits=4)
    values = [0.0, 1.0, -1.0, 0.03125, 100.0, -100.0]
    sealed = b"".join(stream.seal(seeded("body key"), [bytes(range(256)) * 257]))
    return {
        "mask": {
            "private": a.mask.private_bytes_raw().hex(),
            "peer_public": b.mask.public_key().public_bytes_raw().hex(),
            "plan": world.plan_hash,
            "own": a.fingerprint,
            "other": b.fingerprint,
            "key": key.hex(),
            "stream": streams,
        },
        "fixed_point": {
            "bound": 4.0,
            "fraction_bits": 4,
            "values": values,
            "integers": {
                str(bits): [str(n) for n in quantise({"w": np.array(values)}, [spec], bits)]
                for bits in (32, 64)
            },
        },
        "stream": {
            "key": seeded("body key").hex(),
            "plaintext": "the bytes 00 to ff, 257 times",
            "length": len(sealed),
            "sha256": hashlib.sha256(sealed).hexdigest(),
        },
        "key_words": {
            "roster_digest": world.plan.roster.digest("pneumonia", world.coordinator.public()).hex(),
            "words": words(world.plan.roster.digest("pneumonia", world.coordinator.public())),
        },
    }


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """The stored bytes of a good file, or fresh ones where it is missing."""
    path = HERE / f"{name}.bin"
    return path.read_bytes() if path.exists() else make()


def main() -> None:
    if sys.argv[1:] == ["--anew"]:
        for path in HERE.glob("*.bin"):
            path.unlink()
    world, held = study(), keyholders.Round(seeded, identity, sealing_key, kept)
    index = {}
    for plan, made in (("plan", files(world)), ("held-plan", keyholders.files(held))):
        for name, (data, expected, rule) in made.items():
            if not (HERE / f"{name}.bin").exists():
                (HERE / f"{name}.bin").write_bytes(data)
            index[name] = {"expect": expected, "rule": rule, "under": plan}
    (HERE / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    told = numbers(world) | {"keyholders": keyholders.numbers(held, seeded)}
    (HERE / "numbers.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
