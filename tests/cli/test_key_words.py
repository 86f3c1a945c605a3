"""Key words: shown again wherever a study is followed, and slips of the keyboard are told as such."""

from __future__ import annotations

import pytest
from played_study import At, World

from privxray.keys.key_words import slip_in

WORDS = "retreat fatigue candy nest ocean pear quiz river sugar tiger uncle video"


@pytest.mark.parametrize(
    ("typed", "reason", "says"),
    [
        (WORDS.replace("nest", "nast"), "key-words.unknown-word",
         "'nast' is no word of the list; did you mean 'nest' or 'nasty'?"),
        (WORDS.replace("nest", "xqzwvk"), "key-words.unknown-word", "'xqzwvk' is no word of the list"),
        (WORDS.rpartition(" ")[0], "key-words.count", "11 of 12 words were typed"),
        (f"{WORDS} zoo", "key-words.count", "13 of 12 words were typed"),
        (WORDS.replace("nest ocean", "ocean nest"), "key-words.swapped", "words 4 and 5 are swapped"),
        (WORDS.replace("retreat", "video", 1).removesuffix("video") + "retreat", "key-words.swapped",
         "words 1 and 12 are swapped"),
    ],
)  # fmt: skip
def test_a_slip_is_told_as_what_it_is(typed: str, reason: str, says: str) -> None:
    slip = slip_in(typed, WORDS)
    assert slip is not None
    assert (slip.reason, slip.what, slip.exit_code) == (reason, says, 13)


@pytest.mark.parametrize(
    "typed",
    [
        WORDS.replace("nest", "zoo"),  # which one is other must not be told: it was heard so
        WORDS.replace("nest ocean pear", "ocean pear nest"),
        " ".join(reversed(WORDS.split())),
        WORDS.replace("nest ocean", "ocean zoo"),
    ],
)
def test_other_words_are_no_slip(typed: str) -> None:
    assert slip_in(typed, WORDS) is None


def test_join_tells_slips_apart(at: At) -> None:
    world = at("joined-not")
    words = world.key_words().split()
    plan = "received/plan-0001.plan"

    def refused(*typed: str) -> str:
        return world.refused("hospital-a", "join", plan, "--key-words", " ".join(typed))

    assert refused(*words[:-1]) == "key-words.count"
    place = next(place for place in range(11) if words[place] != words[place + 1])  # not 0 once in 2,000
    swapped = [*words[:place], words[place + 1], words[place], *words[place + 2 :]]
    assert refused(*swapped) == "key-words.swapped"
    assert refused(f"{words[0]}q", *words[1:]) == "key-words.unknown-word"
    assert refused(*reversed(words)) == "plan.wrong-words"
    assert not world.ok("hospital-a", "join", plan, "--key-words", world.key_words())["already"]


def test_at_a_terminal_a_slip_is_asked_again_and_other_words_are_not(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = at("joined-not")
    right, plan = world.key_words(), "received/plan-0001.plan"
    answers: list[str] = []

    monkeypatch.setattr("privxray.cli.plan_review.key_words", lambda typed: lambda: answers.pop(0))
    answers[:] = [" ".join(reversed(right.split())), right]
    assert world.refused("hospital-a", "join", plan) == "plan.wrong-words"
    assert answers == [right]
    answers[:] = [right.rpartition(" ")[0], right]
    done = world.type("hospital-a", "join", plan)
    assert done.code == 0, done.err
    assert "11 of 12 words" in done.err


def test_they_are_shown_again_to_whoever_follows_the_plan(at: At) -> None:
    world = at("joined")
    words = world.key_words()
    for party, plan in (("coordinator", "plan-0001.plan"), ("hospital-a", "received/plan-0001.plan")):
        assert world.ok(party, "status")["key_words"] == {"pneumonia": words}
        assert f"Key words of pneumonia: {words}" in world.type(party, "status").out.replace("\n", " ")
        assert world.ok(party, "inspect", plan)["key_words"] == words


def test_before_a_plan_is_joined_nothing_reads_them_off_the_file(at: At) -> None:
    world = at("joined-not")
    assert world.ok("hospital-a", "inspect", "received/plan-0001.plan")["key_words"] is None
    shown = world.type("hospital-a", "inspect", "received/plan-0001.plan")
    assert world.key_words() not in shown.out.replace("\n", " ")
    assert world.ok("hospital-a", "status")["key_words"] == {}
    assert "hear its key words by phone" in shown.out


def test_a_workspace_that_did_not_remember_them_computes_them(at: At) -> None:
    import sqlite3

    world: World = at("joined")
    with sqlite3.connect(world["hospital-a"] / "state.db") as database:
        database.execute("DELETE FROM setting WHERE name LIKE 'key words%'")
    assert world.ok("hospital-a", "status")["key_words"] == {"pneumonia": world.key_words()}
