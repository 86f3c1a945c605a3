"""The vectors of format 2 (docs/SPEC-2.md): a good file of every kind, and what breaks a rule of section 1
or 2. The rules of format 1, which hold here too, have their vectors one folder up.

Files of the mode ``strict`` come under ``plan``, those of ``keyholders`` under ``held-plan``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / "unit")]

import keyholders  # noqa: E402
from exchange_samples import STAMP, Hospital, Study  # noqa: E402
from forged_files import Change, framed, put, signed  # noqa: E402

from privxray.exchange.messages.model import write_model  # noqa: E402
from privxray.exchange.messages.plan import PlanHeader  # noqa: E402
from privxray.formats import canonical  # noqa: E402
from privxray.formats.container import PREAMBLE, seal_header, split  # noqa: E402
from privxray.keys.brackets import Bracket  # noqa: E402
from privxray.keys.card import CardParts, write_card  # noqa: E402
from privxray.keys.identity import Identity  # noqa: E402
from privxray.keys.revocation import write_revocation  # noqa: E402
from privxray.keys.size_statement import SizeStatement  # noqa: E402

FOLDER = HERE / "format2"

Made = dict[str, tuple[bytes, str, str]]
"""By name: the bytes, the reason of the refusal or ``ok``, and the rule that is tried."""


class Files:
    """The good files, and what is made from them.

    :param world: a study under a plan of format 2.
    :param held: a round with keyholders, under a plan of format 2.
    :param kept: gives the stored bytes of a good file, for sealing is randomised.
    """

    def __init__(
        self, world: Study, held: keyholders.Round, kept: Callable[[str, Callable[[], bytes]], bytes]
    ) -> None:
        self.world, self.held = world, held
        self.a = world.hospitals[0]
        self.parts = CardParts(
            self.a.name, self.a.member().mask, self.a.unsealing_statement(), size(self.a, 1000), ("sizes",)
        )
        self.card = write_card(self.a.identity, self.parts, STAMP)
        self.plan = seal_header(world.plan, world.coordinator.signing, world.plan.sender)
        self.update = kept(
            "format2/update", lambda: world.update(self.a, world.masked(self.a, world.vector(0)))
        )
        weights = {"weights": np.arange(12.0).reshape(3, 4)}
        self.model = write_model(weights, world.signed(), world.coordinator, STAMP)

    def all(self) -> dict[str, Made]:
        """By the plan that they come under."""
        good = {
            "card": (self.card, "ok", "a card"),
            "plan": (self.plan, "ok", "a plan"),
            "update": (self.update, "ok", "an update"),
            "model": (self.model, "ok", "a model"),
        }
        rules = self._forms() | self._cards() | self._rounds() | self._sizes() | self._extractors()
        rules |= self._revocations()
        return {"plan": good | rules, "held-plan": self._held()}

    def _held(self) -> Made:
        held, update = self.held, split(self.held.updates["hospital-a"])
        old = held.study.make_plan()  # of format 1
        plan = seal_header(old, held.study.coordinator.signing, old.sender)
        data = held.updates["hospital-a"]
        down = altered(data, held.parties["hospital-a"].identity, dropped("features"), put("format", value=1))
        assert update.form.format == 2
        return {
            "held-plan": (held.plan(format=2), "ok", "a plan with keyholders"),
            "held-plan-of-format-1": (plan, "ok", "the same plan in format 1"),
            **{f"held-update-{n[-1]}": (data, "ok", "an update") for n, data in held.updates.items()},
            "request": (held.request, "ok", "a request"),
            "share-1": (held.shares["trustee-1"], "ok", "a share file"),
            "held-update-of-format-1": (down, "file.other-form", "the format of its plan"),
        }

    def _revocations(self) -> Made:
        """Section 10: a key that its party gives up."""
        own, new = self.a.identity.public(), self.world.hospitals[1].identity.public()
        good = write_revocation(self.a.identity, self.a.name, "lost", STAMP)

        def other(*changes: Change) -> bytes:
            return altered(good, self.a.identity, *changes)

        return {
            "revocation": (good, "ok", "a revocation"),
            "revocation-of-another-key": (
                other(put("sender", value="0" * 64)),
                "revocation.other-sender",
                "its sender is the key that it is about",
            ),
            "revocation-for-one-study": (
                other(put("study", value="pneumonia")),
                "revocation.body-or-study",
                "study is null",
            ),
            "revocation-with-a-body": (
                other(put("body", "length", value=1)),
                "revocation.body-or-study",
                "there is no body",
            ),
            "revocation-with-a-successor": (
                write_revocation(
                    self.a.identity,
                    self.a.name,
                    "replaced",
                    STAMP,
                    successor=self.world.hospitals[1].identity.public(),
                ),
                "ok",
                "new keys",
            ),
            "revocation-by-itself": (
                other(
                    put("why", value="replaced"),
                    put("successor", value=own.model_dump()),
                ),
                "revocation.successor",
                "the successor has other keys",
            ),
            "revocation-lost-with-a-successor": (
                other(put("successor", value=new.model_dump())),
                "revocation.successor",
                "a successor only where replaced",
            ),
            "revocation-for-another-reason": (other(put("why", value="angry")), "header.field", "why"),
            "revocation-signed-by-another": (
                altered(good, self.world.hospitals[1].identity, put("name", value="b")),
                "signature.wrong",
                "the key itself signs",
            ),
            "revocation-without-its-feature": (
                other(put("features", value=[])),
                "revocation.other-form",
                "the feature is listed",
            ),
        }

    def _forms(self) -> Made:
        """Section 1: the version byte, the payload type, ``format`` and ``features`` agree."""
        good, start = self.update, split(self.update).length
        envelope, body = json.loads(good[PREAMBLE:start]), good[start:]
        (signature,) = envelope["signatures"]
        card = self._card

        def typed(type_: str) -> bytes:
            return framed(envelope | {"payloadType": type_}, 2) + body

        return {
            "type-of-format-1": (
                typed("application/vnd.privxray.update+json"),
                "envelope.other-format",
                "payloadType of format 2",
            ),
            "version-of-format-1": (
                good[:8] + b"\x01" + good[9:],
                "envelope.other-format",
                "version byte 02",
            ),
            "type-of-format-3": (
                typed("application/vnd.privxray.update.v3+json"),
                "envelope.unknown-kind",
                "payloadType",
            ),
            "signed-as-format-1": (
                self._signed_as_format_1(),
                "signature.wrong",
                "no signature of one format counts in the other",
            ),
            "two-signatures": (
                framed(envelope | {"signatures": [signature] * 2}, 2) + body,
                "envelope.fields",
                "one signature",
            ),
            "card-says-format-1": (card(put("format", value=1)), "header.other-format", "format 2"),
            "card-says-format-true": (card(put("format", value=True)), "header.other-format", "integer"),
            "card-says-format-2.0": (card(put("format", value=2.0)), "header.other-format", "integer"),
            "card-without-format": (card(dropped("format")), "header.other-format", "format is present"),
            "card-without-features": (card(dropped("features")), "header.features", "features"),
            "card-features-null": (card(put("features", value=None)), "header.features", "a list"),
            "card-features-not-ascending": (
                card(put("features", value=["sizes", "heads"])),
                "header.features",
                "in ascending order",
            ),
            "card-feature-twice": (
                card(put("features", value=["sizes", "sizes"])),
                "header.features",
                "each once",
            ),
            "card-feature-of-another-form": (
                card(put("features", value=["Sizes!"])),
                "header.features",
                "a feature's name",
            ),
            "card-feature-of-five-words": (
                card(put("features", value=["a-b-c-d-e"])),
                "header.features",
                "a feature's name",
            ),
            "card-with-33-features": (
                card(put("features", value=[f"{chr(97 + n // 26)}-{chr(97 + n % 26)}" for n in range(33)])),
                "header.features",
                "at most 32 features",
            ),
            "card-feature-unknown": (
                card(put("features", value=["time-travel"]), _add(machine="x")),
                "file.unknown-feature",
                "a feature that this version does not know, before any other field",
            ),
            "card-of-format-1-with-features": (
                self._card_1(_add(features=[])),
                "header.field-of-other-feature",
                "format 1 has no features",
            ),
            "card-of-format-1-with-formats": (
                self._card_1(_add(formats=[1, 2])),
                "header.field-of-other-feature",
                "format 1 has no formats",
            ),
            "card-of-format-1-says-true": (
                self._card_1(put("format", value=True)),
                "header.field",
                "format is an integer",
            ),
            "card-of-format-1-says-2": (
                self._card_1(put("format", value=2)),
                "header.other-format",
                "format 1",
            ),
        }

    def _cards(self) -> Made:
        """Section 2: ``formats`` and ``can``."""
        card, lacking, field = self._card, "header.field-of-feature-lacking", "header.field"
        return {
            "card-with-a-body": (
                card(
                    put("body", "length", value=5),
                    put("body", "sha256", value=hashlib.sha256(b"hello").hexdigest()),
                )
                + b"hello",
                "card.body",
                "a card has no body",
            ),
            "card-without-formats": (card(dropped("formats")), lacking, "formats"),
            "card-without-can": (card(dropped("can")), lacking, "can"),
            "card-formats-null": (card(put("formats", value=None)), lacking, "formats"),
            "card-formats-descending": (card(put("formats", value=[2, 1])), field, "formats ascending"),
            "card-formats-empty": (card(put("formats", value=[])), field, "formats"),
            "card-formats-true": (card(put("formats", value=[True, 2])), field, "integers"),
            "card-can-descending": (card(put("can", value=["sizes", "heads"])), field, "can ascending"),
            "card-can-of-another-form": (card(put("can", value=["Sizes!"])), field, "a feature's name"),
            "card-can-what-is-unknown-here": (
                card(put("can", value=["time-travel"])),
                "ok",
                "a later version may carry out more",
            ),
            "card-reads-format-9": (card(put("formats", value=[2, 9])), "ok", "a later version reads more"),
        }

    def _sizes(self) -> Made:
        """Section 3: statements of size in cards and plans, and what they bound."""
        card, lacking, field = self._card, "header.field-of-feature-lacking", "header.field"
        stray = "header.field-of-other-feature"
        b = self.world.hospitals[1]
        other = size(b, 1000).model_dump()
        elsewhere = size(self.a, 1000, "cardiology").model_dump()
        coordinator = self.world.coordinator
        member = ("roster", "members", 0)

        def plan(*changes: Change) -> bytes:
            return altered(self.plan, coordinator, *changes)

        def with_trustee() -> bytes:
            parts = CardParts(self.a.name, None, self.a.unsealing_statement(), size(self.a, 100), ("sizes",))
            return write_card(self.a.identity, parts, STAMP)

        def drop_size(header: Any) -> None:
            del header["roster"]["members"][0]["size"]

        return {
            "card-without-size": (
                card(dropped("size"), put("features", value=[])),
                "ok",
                "no size is stated",
            ),
            "card-size-missing": (card(dropped("size")), lacking, "present where the feature is"),
            "card-size-null": (card(put("size", value=None)), lacking, "not null"),
            "card-size-unlisted": (card(put("features", value=[])), stray, "only where the feature is"),
            "card-of-format-1-with-size": (self._card_1(_add(size=None)), stray, "format 1 has no size"),
            "card-bracket-500": (card(put("size", "bracket", value=500)), field, "one of four brackets"),
            "card-bracket-1000.0": (card(put("size", "bracket", value=1000.0)), field, "integer"),
            "card-bracket-altered": (
                card(put("size", "bracket", value=100)),
                "statement.not-its-owners",
                "signed by its owner",
            ),
            "card-size-of-another": (card(put("size", value=other)), "statement.not-its-owners", "owner"),
            "card-size-of-another-study": (
                card(put("size", value=elsewhere)),
                "card.key-of-other-study",
                "the study of the card",
            ),
            "card-trustee-with-size": (with_trustee(), "card.size-and-role", "of a hospital"),
            "plan-without-sizes": (
                plan(put("features", value=[]), *(_drop_in(place, "size") for place in range(3))),
                "ok",
                "a plan may have no sizes",
            ),
            "plan-size-missing": (plan(drop_size), lacking, "each entry of members"),
            "plan-size-null": (plan(put(*member, "size", value=None)), lacking, "each entry of members"),
            "plan-size-unlisted": (plan(put("features", value=[])), stray, "only where the feature is"),
            "plan-size-of-another": (
                plan(put(*member, "size", value=other)),
                "statement.not-its-owners",
                "by its owner's key",
            ),
            "plan-size-of-another-study": (
                plan(put(*member, "size", value=elsewhere)),
                "roster.size-of-other-study",
                "for this study",
            ),
            "plan-delta-advised-for-fewer": (plan(put("delta", value=1e-4)), "ok", "delta <= 0.1 / N"),
            "plan-delta-above-sizes": (
                plan(put("delta", value=1.01e-4)),
                "plan.delta-above-sizes",
                "delta <= 0.1 / N",
            ),
            "plan-n-max-above-sizes": (
                plan(put("constants", value={"n_max": 10_000})),
                "plan.n-max-not-sizes",
                "n_max is N",
            ),
            "plan-n-max-below-sizes": (
                plan(put("constants", value={"n_max": 100})),
                "plan.n-max-not-sizes",
                "n_max is N",
            ),
            "plan-n-max-missing": (plan(put("constants", value={})), "plan.n-max-not-sizes", "n_max is N"),
            "plan-n-max-no-integer": (
                plan(put("constants", value={"n_max": 1000.0})),
                "plan.n-max-not-sizes",
                "n_max is N",
            ),
            "plan-weight-above-sizes": (
                plan(put("constants", "weight_cap", value=1000.5)),
                "plan.weight-above-sizes",
                "weight_cap <= N",
            ),
            "plan-weight-true": (
                plan(put("constants", "weight_cap", value=True)),
                "plan.weight-above-sizes",
                "weight_cap <= N",
            ),
            "plan-weight-no-number": (
                plan(put("constants", "weight_cap", value="500")),
                "plan.weight-above-sizes",
                "weight_cap <= N",
            ),
        }

    def _rounds(self) -> Made:
        """Section 2: what obeys a plan is of its format."""
        old = self.world.make_plan()  # the plan in format 1, signed by the same coordinator
        plan = seal_header(old, self.world.coordinator.signing, old.sender)
        down = [dropped("features"), put("format", value=1)]
        owner, coordinator = self.a.identity, self.world.coordinator
        modulus = altered(self.plan, coordinator, put("modulus_bits", value=64.0))
        return {
            "plan-of-format-1": (plan, "ok", "format 1 stays readable"),
            "plan-modulus-no-integer": (modulus, "header.field", "integer"),
            "update-of-format-1": (
                altered(self.update, owner, *down),
                "file.other-form",
                "the format of its plan",
            ),
            "model-of-format-1": (
                altered(self.model, coordinator, *down),
                "file.other-form",
                "the format of its plan",
            ),
        }

    def _extractors(self) -> Made:
        """Section 11: a plan with a feature extractor out of a file."""
        file = {
            "sha256": "ab" * 32,
            "input": [224, 224],
            "channels": 1,
            "scale": 1 / 255,
            "offset": 0.0,
            "outputs": [{"name": "pooled", "pool": "none"}],
            "dim": 8,
        }
        listed = put("features", value=["extractor-files", "sizes"])
        named = put("extractor", value=f"file:{file['sha256']}")

        def plan(*changes: Change) -> bytes:
            return altered(self.plan, self.world.coordinator, *changes)

        def with_file(**changed: Any) -> bytes:
            return plan(listed, named, _add(extractor_file=file | changed))

        field = "header.field"
        return {
            "plan-extractor-file": (with_file(), "ok", "an extractor out of a file"),
            "plan-extractor-file-without-feature": (
                plan(named, _add(extractor_file=file)),
                "header.field-of-other-feature",
                "the field where the feature is listed",
            ),
            "plan-extractor-feature-without-file": (
                plan(listed, named),
                "header.field-of-feature-lacking",
                "the field where the feature is listed",
            ),
            "plan-extractor-file-null": (
                plan(listed, named, _add(extractor_file=None)),
                "header.field-of-feature-lacking",
                "the field is not null",
            ),
            "plan-extractor-of-another-name": (
                plan(listed, _add(extractor_file=file)),
                "extractor.named-twice",
                "extractor is file: and the digest",
            ),
            "plan-extractor-named-without-file": (plan(named), "extractor.named-twice", "a name of a file"),
            "plan-extractor-not-square": (with_file(input=[224, 160]), field, "a square input"),
            "plan-extractor-channels": (with_file(channels=2), field, "one or three channels"),
            "plan-extractor-scale-infinite": (with_file(scale=1e7), field, "the range of scale"),
            "plan-extractor-without-outputs": (with_file(outputs=[]), field, "1 to 16 outputs"),
            "plan-extractor-pool": (
                with_file(outputs=[{"name": "pooled", "pool": "max"}]),
                field,
                "pool is none or mean",
            ),
            "plan-extractor-blank": (
                with_file(outputs=[{"name": "a b", "pool": "none"}]),
                field,
                "names of printable ASCII",
            ),
        }

    def _card(self, *changes: Change) -> bytes:
        return altered(self.card, self.a.identity, *changes)

    def _card_1(self, *changes: Change) -> bytes:
        return altered(write_card(self.a.identity, self.parts, STAMP, format_=1), self.a.identity, *changes)

    def _signed_as_format_1(self) -> bytes:
        """The update's header under the type of format 2, signed under that of format 1."""
        envelope = split(self.update)
        forged = signed("update", envelope.payload, self.a.identity)
        inner = json.loads(forged[PREAMBLE:]) | {"payloadType": "application/vnd.privxray.update.v2+json"}
        return framed(inner, 2) + self.update[envelope.length :]


def size(hospital: Hospital, bracket: Bracket, study: str | None = None) -> SizeStatement:
    return SizeStatement.sign(bracket, study, hospital.identity.signing)


def with_sizes(world: Study, *brackets: Bracket, **changes: Any) -> PlanHeader:
    """A plan of format 2 whose hospitals state these brackets."""
    members = tuple(
        hospital.member().model_copy(update={"size": size(hospital, bracket)})
        for hospital, bracket in zip(world.hospitals, brackets, strict=True)
    )
    roster = world.plan.roster.model_copy(update={"members": members})
    constants = {"n_max": max(brackets), "weight_cap": 500.0}
    fields = {"format": 2, "features": ("sizes",), "roster": roster, "constants": constants}
    return world.make_plan(**(fields | changes))


def dropped(field: str) -> Change:
    return lambda header: header.pop(field)


def _drop_in(place: int, field: str) -> Change:
    return lambda header: header["roster"]["members"][place].pop(field)


def _add(**fields: Any) -> Change:
    return lambda header: header.update(fields)


def altered(data: bytes, signer: Identity, *changes: Change) -> bytes:
    """A file whose header was altered and signed anew in the format that it then states, else in its own."""
    envelope = split(data)
    header = json.loads(envelope.payload)
    for change in changes:
        change(header)
    version = 1 if header.get("format") == 1 and "features" not in header else envelope.form.format
    start = signed(envelope.kind, canonical.encode(header), signer, envelope.key_id, version)
    return start + data[envelope.length :]
