"""Files of strangers, and what is no file at all: they are named, and cost next to nothing.

Each command that is given a path, or that looks into a folder which others fill.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from forged_files import put
from played_study import At, Result, typed

from privxray.exchange import intake
from privxray.formats import canonical
from privxray.formats.container import split
from privxray.keys.identity import Identity

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def reason(result: Result) -> tuple[int, str]:
    return result.code, result.json["error"]["reason"]


def by_a_stranger(data: bytes, *changes: Any) -> bytes:
    """The same file with a header that somebody else signed, under his or her own name."""
    from forged_files import signed

    stranger, envelope = Identity.generate(), split(data)
    header = canonical.decode(envelope.payload, "the header", reason="header.not-canonical")
    header["sender"] = stranger.public().fingerprint
    for change in changes:
        change(header)
    payload = canonical.encode(header)
    start = signed(envelope.kind, payload, stranger, stranger.public().fingerprint, envelope.form.format)
    return start + data[envelope.length :]


@pytest.mark.parametrize(
    ("stage", "party", "words", "expected"),
    [
        ("joined-not", "hospital-a", ("join", "PIPE", "--key-words", "x"), (11, "file.not-regular")),
        ("joined-not", "hospital-a", ("accept", "PIPE"), (11, "file.not-regular")),
        ("joined-not", "coordinator", ("plan", "PIPE", "--continue"), (11, "file.not-regular")),
        ("joined-not", "coordinator", ("plan", "cards/a.card", "--from", "PIPE"), (1, "terms.unread")),
        ("joined-not", "hospital-a", ("inspect", "PIPE"), (11, "file.not-regular")),
        ("joined", "hospital-a", ("ingest", "source/images", "--labels", "PIPE"), (1, "labels.unread")),
        ("joined", "hospital-a", ("card", "--passphrase-file", "PIPE"), (1, "passphrase.file-unread")),
        ("aggregated", "hospital-a", ("verify", "PIPE"), (11, "file.not-regular")),
        ("aggregated", "hospital-a", ("infer", "ask", "x.png", "--offer", "PIPE"), (11, "file.not-regular")),
        ("aggregated", "coordinator", ("infer", "answer", "PIPE"), (11, "file.not-regular")),
    ],
)
def test_a_pipe_hangs_no_command(
    at: At, stage: str, party: str, words: tuple[str, ...], expected: tuple[int, str]
) -> None:
    world = at(stage)
    pipe = world.root / "pipe"
    os.mkfifo(pipe)
    began = time.monotonic()
    asks = "--passphrase-file" not in words and words[0] in ("plan", "accept", "infer")
    line = [pipe if word == "PIPE" else word for word in words]
    result = world.type(party, *line, "--json", asks=asks)
    assert reason(result) == expected
    assert time.monotonic() - began < 300


def test_a_pipe_in_a_folder_hangs_no_command(at: At) -> None:
    """In the hospital's own updates, in an image folder, and where a file is to be written."""
    world = at("trained")
    folder = world["hospital-a"]
    for name in ("updates/a.enc", "updates/b.enc", "source/images/pipe.dcm", "inbox.plan"):
        os.mkfifo(folder / name)
    world.ok("hospital-a", "status")
    assert world.type("hospital-a", "doctor", "--json").code == 0
    assert typed(["check", str(folder / "source/images")]).code in (0, 3)
    exported = Path(world.ok("hospital-a", "export-update", asks=True)["update"])
    exported.unlink()
    os.mkfifo(exported)
    assert reason(world.type("hospital-a", "export-update", "--json", asks=True)) == (4, "file.other-content")
    world.ok("hospital-a", "export-update", "--force", asks=True)


def test_one_bad_path_names_itself_and_the_round_is_summed(at: At) -> None:
    """Where nothing is missing, a file that nobody of the study signed can't be what is missing."""
    world = at("exported")
    updates = world["coordinator"] / "updates"
    os.mkfifo(updates / "pipe.enc")
    (updates / "text.enc").write_text("no file of privxray")
    (updates / "stranger.enc").write_bytes(by_a_stranger(next(updates.glob("hospital-a*")).read_bytes()))
    told = world.ok("coordinator", "aggregate", "updates/*.enc", "absent.enc", asks=True)
    notes = "\n".join(told["notes"])
    assert "stranger.enc: signed by nobody of this study; passed over" in notes
    for what in ("a pipe, a socket or a device", "not a privxray file", "absent.enc: there is no such file"):
        assert f"{what}; passed over" in notes


def test_a_bad_path_is_named_beside_what_is_missing(at: At) -> None:
    world = at("exported")
    updates = world["coordinator"] / "updates"
    next(updates.glob("hospital-a*")).rename(updates / "a.enc")
    damaged = bytearray((updates / "a.enc").read_bytes())
    damaged[-1] ^= 1
    (updates / "a.enc").write_bytes(damaged)
    os.mkfifo(updates / "pipe.enc")
    result = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    assert reason(result) == (15, "cohort.refused")
    what = result.json["error"]["what"]
    assert "missing: hospital-a" in what
    assert "hospital-a (a.enc): the body is damaged" in what
    assert "a pipe, a socket or a device" in what


def test_files_of_strangers_are_not_copied(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of them, 400 MiB each, lay in the inbox at once."""
    world = at("exported")
    updates = world["coordinator"] / "updates"
    own = next(updates.glob("hospital-a*")).read_bytes()
    for number in range(4):
        (updates / f"stranger-{number}.enc").write_bytes(by_a_stranger(own) + bytes(1 << 20))
    (updates / "garbage.enc").write_bytes(own + bytes(8 << 20))  # signed, and longer than it says
    copied, most = [], 0
    real = intake.open_new

    def noted(path: Path, mode: int) -> int:
        nonlocal most
        copied.append(path)
        most = max(most, sum(one.stat().st_size for one in path.parent.iterdir()))
        return real(path, mode)

    monkeypatch.setattr(intake, "open_new", noted)
    result = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    assert reason(result) == (15, "cohort.refused")
    assert "longer than its header says" in result.json["error"]["what"]
    assert len(copied) == 4  # the three hospitals', and the one that goes on
    assert most < 3 * len(own) + 1
    assert not [path for path in (world["coordinator"] / "inbox").iterdir() if path.suffix == ".tmp"]


def test_the_key_words_come_before_a_plan_s_body(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """The body of an unknown coordinator's plan is neither copied nor parsed until its words were typed."""
    world = at("joined-not")
    plan = next((world["hospital-a"] / "received").glob("*.plan"))
    data, copied = plan.read_bytes(), []
    plan.write_bytes(data + b"more")
    real = intake.open_new
    monkeypatch.setattr(intake, "open_new", lambda path, mode: copied.append(path) or real(path, mode))
    wrong = world.type("hospital-a", "join", plan, "--key-words", "x", "--json")
    assert wrong.code == 13
    assert not copied
    words = (world.root / "key-words").read_text()
    right = world.type("hospital-a", "join", plan, "--key-words", words, "--json")
    assert reason(right) == (11, "body.longer-than-said")
    assert len(copied) == 1
    plan.write_bytes(data)
    world.ok("hospital-a", "join", plan, "--key-words", words)


def test_a_card_with_a_body_is_refused_uncopied(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    from forged_files import changed
    from played_study import identity_in

    world = at("joined-not")
    card = world["coordinator"] / "cards" / "hospital-a.card"
    forged = changed(
        card.read_bytes(), put("body", "length", value=400 << 20), identity_in(world["hospital-a"])
    )
    card.write_bytes(forged)
    monkeypatch.setattr(intake, "open_new", lambda *_: pytest.fail("it was copied"))
    result = world.type("coordinator", "plan", "cards/*.card", "--replace", "--json", asks=True)
    assert reason(result) == (11, "card.body")
