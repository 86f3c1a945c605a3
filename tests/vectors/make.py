"""Write the test vectors that are missing: ``python tests/vectors/make.py``; all of them: ``--anew``.

Keys are derived from fixed seeds and are of no use elsewhere. Sealing draws fresh randomness, so good files
that are there are kept, and what breaks a rule is made from them. A change in the numbers, or in a file whose
parts are not sealed, is a change of the format: raise the container's version with it.
"""

from __future__ import annotations

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

import bounds  # noqa: E402
import committed  # noqa: E402
import format2  # noqa: E402
import heads  # noqa: E402
import hybrid  # noqa: E402
import keyholders  # noqa: E402
import repeated  # noqa: E402
import strict  # noqa: E402
import succession  # noqa: E402
import tasks  # noqa: E402
from committed_round import FORM, PROVEN, CommittedRound  # noqa: E402
from exchange_samples import Hospital, Study  # noqa: E402
from hybrid_samples import Agreeing  # noqa: E402

from privxray.exchange.masking.fixed_point import quantise, unsigned  # noqa: E402
from privxray.exchange.masking.masks import add_streams, pairwise_key  # noqa: E402
from privxray.explanations.catalogue import reasons  # noqa: E402
from privxray.formats import stream  # noqa: E402
from privxray.formats.tensors import TensorSpec  # noqa: E402
from privxray.keys.identity import Identity  # noqa: E402
from privxray.keys.key_words import words  # noqa: E402
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


def class_of(reason: str) -> str:
    """The class of failure that a reason is of."""
    if reason == "ok":
        return reason
    return {4: "refused", 11: "malformed", 12: "key", 13: "identity"}[reasons()[reason].exit_code]


def secrets() -> dict[str, str]:
    """What opens the good files: private sealing keys, and the mask key of the hospital of ``update.bin``."""
    sealing = {
        f"{name} sealing": (seeded(f"{name} mlkem", 64) + seeded(f"{name} x25519")).hex()
        for name in ("coordinator", "hospital-a")
    }
    return sealing | {"hospital-a mask": seeded("hospital-a mask").hex()}


def update_numbers(world: Study) -> dict[str, Any]:
    """The integers in ``update.bin``: as they lie there, and without masks."""
    a, plan = world.hospitals[0], world.plan
    plain = quantise(world.vector(0), plan.manifest, plan.modulus_bits)
    return {
        "masked": [str(number) for number in world.masked(a, world.vector(0))],
        "plain": [str(number) for number in plain],
    }


def told(world: Study, held: keyholders.Round) -> dict[str, Any]:
    """What numbers.json says."""
    rest = {
        "secrets": secrets(),
        "update": update_numbers(world),
        "keyholders": keyholders.numbers(held, seeded),
    }
    return numbers(world) | rest


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """The stored bytes of a good file, or fresh ones where it is missing."""
    path = HERE / f"{name}.bin"
    return path.read_bytes() if path.exists() else make()


def of_format_2() -> format2.Files:
    """The vectors of format 2; its parties are those of format 1."""
    world = study()
    world.plan = format2.with_sizes(world, 100, 1000, 1000)
    kept_2 = lambda name, make: kept(f"format2/{name}", make)  # noqa: E731 - a name in another folder
    return format2.Files(world, keyholders.Round(seeded, identity, sealing_key, kept_2, format=2), kept)


def with_commitments() -> committed.Files:
    """The vectors of the feature ``commitments``; its parties are those of format 1."""
    world = study()
    world.plan = world.make_plan(**FORM)
    round_ = CommittedRound(study=world, random=lambda name: seeded(f"{name} blinding", 64))
    return committed.Files(round_, lambda name, make: kept(f"format2/{name}", make))


def with_bounds() -> bounds.Files:
    """The vectors of the feature ``bound-proofs``; its parties are those of format 1."""
    world = study()
    world.plan = world.make_plan(**PROVEN)
    round_ = bounds.Proven(world, lambda name: seeded(f"{name} bounded blinding", 64))
    return bounds.Files(round_, lambda name, make: kept(f"format2/{name}", make))


def with_heads() -> heads.Files:
    """The vectors of the feature ``heads``; its parties are those of format 1."""
    kept_2 = lambda name, make: kept(f"format2/{name}", make)  # noqa: E731 - a name in another folder
    kept_held = lambda name, make: kept_2(HELD_NAMES.get(name, name), make)  # noqa: E731 - the same
    held = keyholders.Round(seeded, identity, sealing_key, kept_held, **heads.FIRST)
    return heads.Files(study(), held, kept_2)


HELD_NAMES = {
    **{f"held-update-{letter}": f"heads-held-update-{letter}" for letter in "abc"},
    **{f"share-{number}": "heads-share" if number == 1 else f"heads-share-{number}" for number in (1, 2, 3)},
}


def with_tasks() -> tasks.Files:
    """The vectors of the feature ``tasks``; its parties are those of format 1."""
    return tasks.Files(study(), lambda name, make: kept(f"format2/{name}", make))


def with_hybrid_masks() -> hybrid.Files:
    """The vectors of the feature ``hybrid-masks``; its parties are those of format 1."""
    world = Agreeing(study=study(), kem=kem)
    return hybrid.Files(world, lambda name, make: kept(f"format2/{name}", make))


def kem(name: str) -> MLKEM768PrivateKey:
    """A hospital's encapsulation key."""
    return MLKEM768PrivateKey.from_seed_bytes(seeded(f"{name} encapsulation", 64))


def everything_of_format_2() -> dict[str, format2.Made]:
    """All vectors of format 2, by the plan that they come under."""
    held = keyholders.Round(seeded, identity, sealing_key, kept)
    repeats = repeated.Files(held.party, held.study.coordinator, sealing_key, seeded, kept)
    masks = with_hybrid_masks()
    ours = {
        "committed-plan": with_commitments().all(),
        "bounds-plan": with_bounds().all(),
        "describe-plan": with_tasks().all(),
        "hybrid-asking": masks.asked(),
        "hybrid-plan": masks.trained(),
        **succession.Files(study(), identity, seeded).all(),
    }
    return of_format_2().all() | ours | with_heads().all() | repeats.all()


def write_format_2() -> None:
    index = {}
    for plan, made in everything_of_format_2().items():
        for name, (data, reason, rule) in made.items():
            path = format2.FOLDER / f"{name}.bin"
            if not path.exists():
                path.write_bytes(data)
            index[name] = {"expect": class_of(reason), "reason": reason, "rule": rule, "under": plan}
    (format2.FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def main() -> None:
    if sys.argv[1:] == ["--anew"]:
        for path in (*HERE.glob("*.bin"), *format2.FOLDER.glob("*.bin")):
            path.unlink()
    world, held = study(), keyholders.Round(seeded, identity, sealing_key, kept)
    made_strict = strict.Files(world, identity, seeded, kept).all()
    index = {}
    for plan, made in (("plan", made_strict), ("held-plan", keyholders.files(held))):
        for name, (data, reason, rule) in made.items():
            if not (HERE / f"{name}.bin").exists():
                (HERE / f"{name}.bin").write_bytes(data)
            index[name] = {"expect": class_of(reason), "reason": reason, "rule": rule, "under": plan}
    (HERE / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    (HERE / "numbers.json").write_text(json.dumps(told(world, held), indent=1) + "\n")
    write_format_2()


if __name__ == "__main__":
    main()
