"""``inspect``: first what a person decides by, and several files or folders at once."""

from __future__ import annotations

import pytest
from played_study import At, Snapshots, typed


@pytest.mark.parametrize(
    ("party", "file", "expected"),
    [
        ("coordinator", "cards/hospital-a.card", ("a card", "hospital-a", "privxray plan")),
        ("hospital-a", "received/plan-0001.plan", ("a plan", "pneumonia, round 1", "followed here")),
        ("coordinator", "updates/hospital-b-pneumonia-0001.enc", ("an update", "hospital-b", "aggregate")),
        ("hospital-a", "received/global-0001.model", ("a global model", "pneumonia, round 1", "accept FILE")),
        ("coordinator", "models/global-0001.model", ("a global model", "carry it to every hospital")),
    ],
)  # fmt: skip
def test_it_begins_with_what_a_person_decides_by(
    at: At, party: str, file: str, expected: tuple[str, ...]
) -> None:
    world = at("aggregated")
    first, _, rest = world.type(party, "inspect", file, "--constants").out.partition("Everything in it")
    for words in (*expected, "good?", "complete and unchanged"):
        assert words in " ".join(first.split()), words
    assert "sha256" not in first
    assert "sha256" in rest


def test_of_an_older_summary_it_does_not_say_to_carry_it(snapshots: Snapshots) -> None:
    folder = snapshots("evaluating") / "coordinator"

    def todo(file: str) -> str:
        told = typed(["-C", str(folder), "inspect", file, "--json"]).json
        return str(told["summary"]["todo"])

    assert todo("models/global-0003.model") == "carry it to every hospital"
    assert todo("round-0002.summary").startswith("nothing: a later round is closed")


def test_folders_and_several_files_are_listed_and_a_bad_one_is_told(at: At) -> None:
    world = at("aggregated")
    update = world["coordinator"] / "updates" / "hospital-b-pneumonia-0001.enc"
    told = world.ok("coordinator", "inspect", "updates", "plan-0001.plan")
    assert [one["summary"]["whose"].partition(",")[0] for one in told["files"]] == [
        "hospital-a", "hospital-b", "hospital-c", "coordinator"
    ]  # fmt: skip
    data = bytearray(update.read_bytes())
    data[-1] ^= 1
    update.write_bytes(data)
    shown = world.type("coordinator", "inspect", "updates")
    assert shown.code == 11
    assert "1 of 3 files not good" in shown.err
    assert "hospital-c" in shown.out
    bad = world.type("coordinator", "inspect", "updates", "--json")
    assert bad.json["not_good"] == 1
    assert world.refused("hospital-a", "inspect", "source") == "inspect.nothing-there"


def test_a_file_that_is_not_good_is_called_by_no_telling_name(at: At) -> None:
    world = at("joined")
    telling = world["hospital-a"] / "Zyxwvutsen.plan"
    telling.write_bytes(b"nothing")
    shown = world.type("hospital-a", "inspect", "received", telling)
    assert shown.code == 11
    assert "Zyxwvutsen" not in shown.out + shown.err


def test_every_kind_of_file_has_a_summary() -> None:
    from privxray.formats.header import KINDS
    from privxray.workflow.upkeep import header_classes
    from privxray.workflow.upkeep.file_summaries import summary_of

    assert set(header_classes.HEADERS) == set(KINDS)
    assert set(summary_of._BY_TYPE) == set(header_classes.HEADERS.values())


def test_a_proof_says_what_it_is_for(at: At) -> None:
    world = at("aggregated")
    seen = world.type("hospital-a", "inspect", "received/global-0001.proof")
    assert seen.code == 0, seen.err
    assert "a sum of 3 updates" in " ".join(seen.out.split())
    told = world.type("coordinator", "inspect", "models")
    assert told.code == 0, told.err
    assert "a proof" in told.out
