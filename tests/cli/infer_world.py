"""A coordinator that offers its model and a clinic that asks, with their files altered and signed anew."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

from played_study import PATIENT, Result, World, identity_in
from test_bad_input import one_line

from privxray.exchange.intake import read_again
from privxray.explanations.catalogue import reasons
from privxray.formats.container import seal_header
from privxray.formats.header import Body
from privxray.imaging import features
from privxray.inference.headers import AnswerHeader, OfferHeader, QueryHeader
from privxray.keys.identity import Identity
from privxray.keys.sealed_body import open_body, seal_body

Copy = Callable[[Path], World]
Command = Callable[..., Result]
"""Types a command, with the words that it is given besides."""

Case = tuple[Callable[[World], Command], str, str]
"""What is altered before the command is typed; the reason; words of the message."""

IMAGE = f"source/images/{PATIENT}_0.png"
IMAGES = (IMAGE, f"source/images/{PATIENT}_1.png")
NOTHING = "0" * 64
"""The digest or fingerprint of nothing."""

REAL = features.Extractor


class LoadedOnce(REAL):
    """The real network, loaded once instead of in every command."""

    _shared: dict[str, REAL] = {}  # noqa: RUF012

    def __init__(self, name: str = features.MAPS) -> None:
        if name not in self._shared:
            self._shared[name] = REAL(name)
        self.__dict__.update(vars(self._shared[name]))


def offer_of(world: World) -> Path:
    return next((world["clinic"] / "received").glob("*.offer"))


def query_of(world: World, number: int = 1) -> Path:
    return world["coordinator"] / "received" / f"clinic-{number:04d}.query"


def answer_of(world: World) -> Path:
    return next((world["clinic"] / "received").glob("*.answer"))


def words(world: World, whose: str) -> tuple[str, str]:
    return "--key-words", (world.root / f"{whose}-words").read_text()


def identity(world: World, party: str) -> Identity:
    return identity_in(world[party])


def change(world: World, party: str, sql: str) -> int:
    """Something else in a party's state; or, with a SELECT, the first number of it."""
    with contextlib.closing(sqlite3.connect(world[party] / "state.db")) as database, database:
        row = database.execute(sql).fetchone()
        return int(row[0]) if row else 0


def rows(world: World, party: str, table: str) -> int:
    return change(world, party, f"SELECT count(*) FROM {table}")


def ask(world: World, *more: str | Path) -> Result:
    return world.type("clinic", "infer", "ask", *(more or (IMAGE,)), asks=True)


def answer(world: World, *more: str | Path, number: int = 1) -> Result:
    line = ("infer", "answer", query_of(world, number), *words(world, "clinic"), *more)
    return world.type("coordinator", *line, asks=True)


def read(world: World, *more: str | Path) -> Result:
    return world.type("clinic", "infer", "read", answer_of(world), *more, asks=True)


def asked_again(world: World, *more: str | Path) -> Path:
    """A further query of the clinic, which succeeds, at the coordinator."""
    query = world.ok("clinic", "infer", "ask", *(more or (IMAGE,)), asks=True)
    return world.carry(query["query"], "coordinator")


def refused(result: Command, reason: str, *says: str) -> None:
    """One line that says this, and with ``--json`` the reason; the exit code is the one that is listed."""
    code = reasons()[reason].exit_code
    one_line(result(), code, *says)
    told = result("--json")
    assert told.json["error"]["reason"] == reason, told.json
    assert told.json["exit_code"] == told.code == code


def offers(world: World, *more: str) -> Command:
    return partial(world.type, "coordinator", "infer", "offer", *more, asks=True)


def asks(world: World, *more: str | Path) -> Command:
    return partial(ask, world, *(more or (IMAGE,)))


def takes_in(world: World, *more: str | Path) -> Command:
    """The clinic asks with the offer that it got."""
    return asks(world, IMAGE, "--offer", offer_of(world), *more)


def signed_anew(path: Path, world: World, kind: type) -> None:
    """The same file with another time in its header, signed by the coordinator once more."""
    received, key = read_again(path), identity(world, "coordinator")
    header = received.envelope.claim(kind).model_copy(update={"created": "2026-01-02T03:04:05Z"})
    path.write_bytes(seal_header(header, key.signing, key.public().fingerprint) + received.body())


# Altered files


def forged_offer(
    world: World, signer: str = "coordinator", body: bytes | None = None, **fields: object
) -> Path:
    """The coordinator's offer with other fields or another body, as altered software could make it."""
    path = offer_of(world)
    received = read_again(path)
    whole = received.body() if body is None else body
    described = Body(length=len(whole), sha256=hashlib.sha256(whole).hexdigest())
    header = received.envelope.claim(OfferHeader).model_copy(update={"body": described} | fields)
    key = identity(world, signer)
    path.write_bytes(seal_header(header, key.signing, key.public().fingerprint) + whole)
    return path


def forged_query(world: World, change: Callable[[bytes], bytes] = bytes, **fields: object) -> Path:
    """A query that the clinic signed with other contents, as altered software could make it: the ninth."""
    clinic, coordinator = identity(world, "clinic"), identity(world, "coordinator")
    received = read_again(query_of(world))
    header = received.envelope.claim(QueryHeader)
    plain = change(b"".join(open_body(header, header.offer, received.pieces(), coordinator)))
    body, sealed = seal_body(
        "query",
        [plain],
        sender=clinic.public().fingerprint,
        recipient=coordinator.public(),
        study=header.study,
        about=header.offer,
    )
    header = header.model_copy(update={"body": body} | fields)
    path = query_of(world, 9)
    path.write_bytes(seal_header(header, clinic.signing, clinic.public().fingerprint) + sealed)
    return path


def forged_answer(world: World, signer: str = "coordinator", **fields: object) -> Path:
    """The answer that the clinic got, with other fields."""
    path = answer_of(world)
    received = read_again(path)
    header = received.envelope.claim(AnswerHeader).model_copy(update=fields)
    key = identity(world, signer)
    path.write_bytes(seal_header(header, key.signing, key.public().fingerprint) + received.body())
    return path
