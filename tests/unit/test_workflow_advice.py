"""What a person is told to do next, decided by facts alone: no workspace is opened here."""

from __future__ import annotations

import ast
import dataclasses
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import privxray
from privxray.imaging.data_set.glance import splits_in
from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.awaited import awaited
from privxray.workflow.upkeep.advice.closing_line import Done, closing_line
from privxray.workflow.upkeep.advice.line import Advice
from privxray.workflow.upkeep.advice.situation import CollectedFiles, Situation, StudySituation
from privxray.workspace.config import Role
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState, states_of

PACKAGE = Path(privxray.__file__).parent


def round_in(state: RoundState, *, study: str = "s", number: int = 1, **fields: object) -> Round:
    values = {"stage": 1, "trained_in": 1, "epsilon": None, "noise": None, "vector_key": None,
              "update_sha256": None, "model": None}  # fmt: skip
    return Round(study=study, number=number, plan="0" * 64, state=state, **(values | fields))  # type: ignore[arg-type]


def said(role: Role, study: StudySituation, **facts: object) -> list[Advice]:
    return list(advise(Situation(role, "hospital-a", studies=(study,), **facts)))  # type: ignore[arg-type]


def awaited_by(role: Role, study: StudySituation) -> str:
    return str(awaited(Situation(role, "party", studies=(study,)), study))


def first(role: Role, study: StudySituation, **facts: object) -> str:
    return said(role, study, **facts)[0].text


MODEL = "1" * 64
TRAIN = frozenset({"train"})
BOTH = frozenset({"train", "val"})


@pytest.mark.parametrize(
    ("study", "splits", "text", "types"),
    [
        (
            StudySituation(round_in(RoundState.JOINED)),
            frozenset(),
            "privxray ingest FOLDER --labels labels.csv; then: privxray train",
            (),
        ),
        (  # patients were ingested, and all of them held out
            StudySituation(round_in(RoundState.JOINED)),
            frozenset({"val"}),
            "privxray ingest FOLDER --labels labels.csv; then: privxray train",
            (),
        ),
        (StudySituation(round_in(RoundState.JOINED)), TRAIN, "privxray train", ("train",)),
        (
            StudySituation(round_in(RoundState.JOINED, epsilon=2.5)),
            TRAIN,
            "training was begun and not finished; it goes on with: privxray train --epsilon 2.5",
            ("train", "--epsilon", "2.5"),
        ),
        (
            StudySituation(round_in(RoundState.JOINED, epsilon=1 / 3)),
            TRAIN,
            "training was begun and not finished; it goes on with: privxray train --epsilon "
            "0.3333333333333333",
            ("train", "--epsilon", "0.3333333333333333"),
        ),
        (
            StudySituation(round_in(RoundState.JOINED), costs_more=True),
            TRAIN,
            "training again adds to what this study has cost already (privxray budget); say how much: "
            "privxray train --epsilon E",
            (),
        ),
        (
            StudySituation(round_in(RoundState.TRAINED)),
            TRAIN,
            "privxray export-update",
            ("export-update",),
        ),
        (
            StudySituation(round_in(RoundState.AGREED, task="agree"), keyholder=True, last_stage=False),
            TRAIN,
            "carry hospital-a-s-0001.agreement to the coordinator; when the next plan comes: privxray "
            "accept FILE",
            (),
        ),
        (
            StudySituation(round_in(RoundState.EXPORTED)),
            TRAIN,
            "carry hospital-a-s-0001.enc to the coordinator; when the answer comes: privxray accept FILE",
            (),
        ),
        (
            StudySituation(round_in(RoundState.EXPORTED), keyholder=True, answered=True),
            TRAIN,
            "carry hospital-a-s-0001.share to the coordinator; when the answer comes: privxray accept FILE",
            (),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED, model=MODEL)),
            BOTH,
            "privxray predict IMAGE... uses the global model; privxray evaluate scores it",
            ("evaluate",),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED, model=MODEL), last_stage=False, next_task="evaluate"),
            BOTH,
            "when the study's next plan comes: privxray accept FILE; until then, privxray predict IMAGE... "
            "uses the global model; privxray evaluate scores it",
            ("evaluate",),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED, model=MODEL)),
            TRAIN,  # nobody is held out, so evaluate would be refused
            "privxray predict IMAGE... uses the global model",
            (),
        ),
        (
            StudySituation(round_in(RoundState.TRAINED), left_out=True, last_stage=False),
            TRAIN,
            "the sum of round 1 is opened without this hospital; when the next plan comes: privxray "
            "accept FILE",
            (),
        ),
        (
            StudySituation(round_in(RoundState.TRAINED), left_out=True),
            TRAIN,
            "the sum of round 1 is opened without this hospital",
            (),
        ),
        (  # restored since, and no model has come
            StudySituation(round_in(RoundState.CLOSED), last_stage=False),
            BOTH,
            "this workspace was restored after its update of round 1 had left: carry hospital-a.card to the "
            "coordinator for the next round; when the answer comes: privxray accept FILE",
            (),
        ),
    ],
)
def test_a_hospital_is_told(
    study: StudySituation, splits: frozenset[str], text: str, types: tuple[str, ...]
) -> None:
    assert said("hospital", replace(study, splits=splits))[0] == Advice(text, types)


def test_a_hospital_that_only_counts_is_told() -> None:
    describe = round_in(RoundState.JOINED, task="describe")
    ready = StudySituation(describe, splits=frozenset({"val"}))
    assert said("hospital", ready)[0].types == ("describe", "--contribute")
    assert "ingest FOLDER" in first("hospital", StudySituation(describe))
    dearer = replace(ready, costs_more=True, asked=2.5)
    assert said("hospital", dearer)[0].types == ("describe", "--contribute", "--epsilon", "2.5")
    poor = StudySituation(describe, splits=frozenset({"val"}), possible=0.0)
    assert "tell the coordinator" in first("hospital", poor)
    closed = round_in(RoundState.CLOSED, task="describe", summary="1" * 64)
    assert "accept FILE" in first("hospital", StudySituation(closed, last_stage=False))
    assert "report study" in first("coordinator", StudySituation(closed, last_stage=False))
    last = round_in(RoundState.CLOSED, task="evaluate", entry=1, summary="1" * 64)
    assert "round-0001.summary to every hospital" in first("coordinator", StudySituation(last))


def test_a_hospital_that_is_a_keyholder_is_told_of_the_request_as_well() -> None:
    for state in (RoundState.JOINED, RoundState.TRAINED, RoundState.EXPORTED):
        lines = said("hospital", StudySituation(round_in(state), BOTH, keyholder=True))
        assert lines[-1].text.endswith("when the coordinator's request comes: privxray unmask FILE")
    closed = said("hospital", StudySituation(round_in(RoundState.CLOSED), BOTH, keyholder=True))
    assert not any("unmask" in line.text for line in closed)


def test_who_was_left_out_uses_the_model_that_came_of_it() -> None:
    study = StudySituation(round_in(RoundState.JOINED, model="1" * 64), left_out=True)
    assert said("hospital", study)[1].text == "privxray predict IMAGE... uses the model that came from it"


AWAITED = CollectedFiles(awaited=("hospital-a", "hospital-b", "hospital-c"))
SOME = CollectedFiles(come=("hospital-a", "hospital-b"), awaited=("hospital-c",))
ALL = CollectedFiles(come=("hospital-a", "hospital-b", "hospital-c"), enough=True)


def open_round(collected: CollectedFiles, *, stage: int = 1, trustees: bool = False) -> StudySituation:
    return StudySituation(round_in(RoundState.OPEN, stage=stage), trustees=trustees, collected=collected)


def requested(collected: CollectedFiles) -> StudySituation:
    holders = ("hospital-a", "hospital-b", "notary", "university")
    round_ = round_in(RoundState.REQUESTED)
    return StudySituation(round_, keyholders=holders, threshold=3, collected=collected)


@pytest.mark.parametrize(
    ("study", "text", "types"),
    [
        (
            open_round(AWAITED),
            "carry plan-0001.plan to every hospital; collect the updates of hospital-a, hospital-b and "
            "hospital-c "
            "in updates/, then type: privxray aggregate updates/*.enc",
            (),
        ),
        (
            open_round(AWAITED, stage=2, trustees=True),
            "carry plan-0001.plan (the model is inside) to every hospital and trustee; collect the "
            "updates of "
            "hospital-a, hospital-b and hospital-c in updates/, then type: privxray aggregate updates/*.enc",
            (),
        ),
        (
            open_round(SOME),
            "hospital-a and hospital-b have delivered; wait for hospital-c, then type: privxray aggregate "
            "updates/*.enc",
            (),
        ),
        (
            open_round(ALL),
            "all updates are in updates/; type: privxray aggregate updates/*.enc",
            ("aggregate", "updates/*.enc"),
        ),
        (
            StudySituation(round_in(RoundState.OPEN, task="agree"), collected=ALL),
            "all agreements are in updates/; type: privxray aggregate updates/*.agreement",
            ("aggregate", "updates/*.agreement"),
        ),
        (
            StudySituation(round_in(RoundState.OPEN, task="agree"), collected=AWAITED),
            "carry plan-0001.plan to every hospital; collect the agreements of hospital-a, hospital-b and "
            "hospital-c in updates/, then type: privxray aggregate updates/*.agreement",
            (),
        ),
        (
            open_round(CollectedFiles(unfit=("a.enc", "b.enc"))),
            "take a.enc and b.enc out of updates/, for it does not fit this round; privxray aggregate "
            "updates/a.enc says why",
            (),
        ),
        (
            requested(CollectedFiles(awaited=("hospital-a", "hospital-b", "notary", "university"))),
            "carry round-0001.request to hospital-a, hospital-b, notary and university, of whom 3 must "
            "answer; "
            "collect their answers in shares/, then type: privxray aggregate shares/*.share",
            (),
        ),
        (
            requested(CollectedFiles(come=("notary",), awaited=("hospital-a", "hospital-b", "university"))),
            "notary has answered; wait for 2 more of hospital-a, hospital-b and university, then type: "
            "privxray "
            "aggregate shares/*.share",
            (),
        ),
        (
            requested(
                CollectedFiles(
                    come=("hospital-a", "hospital-b", "notary"), awaited=("university",), enough=True
                )
            ),
            "hospital-a, hospital-b and notary have answered, and that is enough; type: privxray aggregate "
            "shares/*.share",
            ("aggregate", "shares/*.share"),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED)),
            "the study is complete: carry models/global-0001.model to every hospital",
            (),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED), last_stage=False, lacking=("hospital-c",)),
            "carry models/global-0001.model to every hospital; for the next round ask hospital-c for a fresh "
            "card (privxray card), put it into cards/, then type: privxray plan cards/hospital-c.card "
            "--continue, or without one of them: privxray plan --continue --without NAME",
            (),
        ),
        (
            StudySituation(
                round_in(RoundState.CLOSED), last_stage=False, cards=("incoming/b.card",), lacking=("c", "d")
            ),
            "carry models/global-0001.model to every hospital; for the next round ask c and d for fresh "
            "cards (privxray card), put them into cards/, then type: privxray plan incoming/b.card "
            "cards/c.card cards/d.card --continue, or without one of them: privxray plan --continue "
            "--without NAME",
            (),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED), last_stage=False, cards=("cards/hospital-c.card",)),
            "carry models/global-0001.model to every hospital; for the next round type: privxray plan "
            "cards/hospital-c.card --continue",
            ("plan", "cards/hospital-c.card", "--continue"),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED), last_stage=False),
            "carry models/global-0001.model to every hospital; for the next round type: privxray plan "
            "--continue",
            ("plan", "--continue"),
        ),
        (
            StudySituation(round_in(RoundState.CLOSED), last_stage=False, next_task="evaluate"),
            "carry models/global-0001.model to every hospital; to have all hospitals evaluate it type: "
            "privxray plan --continue",
            ("plan", "--continue"),
        ),
    ],
)
def test_a_coordinator_is_told(study: StudySituation, text: str, types: tuple[str, ...]) -> None:
    assert said("coordinator", study)[0] == Advice(text, types)


def test_a_coordinator_may_go_on_without_somebody_only_where_that_opens_a_sum() -> None:
    def lines(*, keyholders: bool, enough: bool) -> list[Advice]:
        collected = CollectedFiles(SOME.come, SOME.awaited, enough=enough)
        holders = ("notary",) if keyholders else ()
        study = StudySituation(round_in(RoundState.OPEN), keyholders=holders, collected=collected)
        return said("coordinator", study)

    without = ("aggregate", "updates/*.enc", "--without", "hospital-c")
    assert lines(keyholders=True, enough=True)[1].types == without
    assert len(lines(keyholders=True, enough=False)) == 1
    assert len(lines(keyholders=False, enough=False)) == 1


def test_a_trustee_is_told() -> None:
    joined = StudySituation(round_in(RoundState.JOINED))
    assert first("trustee", joined) == "when the coordinator's request comes: privxray unmask FILE"
    agrees = StudySituation(round_in(RoundState.JOINED, task="agree"))
    assert first("trustee", agrees).endswith("when the next plan comes: privxray accept FILE")
    answered = StudySituation(round_in(RoundState.ANSWERED))
    carry = "carry hospital-a-s-0001.share to the coordinator"
    assert first("trustee", answered) == (
        f"{carry}; nothing else is awaited from you; keep this workspace, and if another plan comes: "
        "privxray accept FILE"
    )
    assert awaited_by("trustee", answered) == "nobody"
    goes_on = replace(answered, last_stage=False)
    assert first("trustee", goes_on) == f"{carry}; when the next plan comes: privxray accept FILE"
    assert awaited_by("trustee", goes_on) == "coordinator: the next plan"


def test_who_refused_carries_the_refusal_and_is_asked_for_nothing_more() -> None:
    round_ = round_in(RoundState.JOINED)
    trustee = StudySituation(round_, own_files={"refusal": "notary-s-0001.refusal"}, refused=True)
    carry = "carry notary-s-0001.refusal to the coordinator"
    (only,) = said("trustee", trustee)
    assert only.text == f"{carry}; when the next plan comes: privxray accept FILE"
    exported = StudySituation(
        round_in(RoundState.EXPORTED), keyholder=True, refused=True, own_files=trustee.own_files
    )
    (one,) = said("hospital", exported)
    assert one.text.startswith(carry)


def test_a_keyholder_outside_of_a_repeated_sum_still_awaits_the_request() -> None:
    study = StudySituation(round_in(RoundState.JOINED), keyholder=True, left_out=True)
    request, opened = (one.text for one in said("hospital", study))
    assert "when the coordinator's request comes" in request
    assert "is opened without this hospital" in opened


def test_a_coordinator_may_repeat_a_round_that_too_few_keyholders_answer() -> None:
    some = CollectedFiles(come=("hospital-a",), awaited=("notary", "university"))
    study = requested(some)
    assert len(said("coordinator", study)) == 1
    repeatable = dataclasses.replace(study, repeatable=True)
    assert said("coordinator", repeatable)[1].text == (
        "or, if they can't answer, repeat the round with their fresh cards: privxray plan --repeat "
        "shares/*.share cards/*.card"
    )


@pytest.mark.parametrize("role", ["hospital", "coordinator", "trustee"])
def test_every_state_that_a_newest_round_can_have_has_advice(role: Role) -> None:
    for state in states_of(role):
        if state is not RoundState.VOID:  # a later round is there then
            lacking, holders = ("hospital-c",), ("hospital-a", "notary")
            study = StudySituation(round_in(state), keyholders=holders, collected=AWAITED, lacking=lacking)
            assert said(role, replace(study, splits=BOTH)), state


@pytest.mark.parametrize(
    ("situation", "text", "types"),
    [
        (
            Situation("coordinator", "coordinator"),
            "collect the hospitals' cards in cards/, then type: privxray plan cards/*.card",
            (),
        ),
        (
            Situation("hospital", "hospital-a"),
            "for a study, carry hospital-a.card to the coordinator; when the plan comes: privxray join FILE. "
            "To ask only what another party's model says: privxray infer ask IMAGE... --offer FILE",
            (),
        ),
        (
            Situation("coordinator", "heir", candidacy=True),
            "carry heir.candidacy to the hospitals (they type privxray vote FILE); collect enough votes in a "
            "folder, then type: privxray succeed PLAN FILE --votes FOLDER",
            (),
        ),
        (
            Situation("trustee", "notary", has_card=False),
            "init was cut off before its card was written; type: privxray card",
            ("card",),
        ),
        (
            Situation("hospital", "clinic", offers=True),
            "privxray infer ask IMAGE... asks about images; privxray infer read FILE reads an answer",
            (),
        ),
        (
            Situation("hospital", "hospital-a", copies_unfinished=True),
            "a de-identification was cut off; type the same privxray deidentify command again",
            (),
        ),
        (
            Situation("hospital", "hospital-a", audits=("one-run",)),
            "an audit was begun and not finished; it goes on with: privxray audit one-run --own",
            ("audit", "one-run", "--own"),
        ),
    ],
)
def test_a_workspace_without_a_study_is_told(situation: Situation, text: str, types: tuple[str, ...]) -> None:
    assert next(advise(situation)) == Advice(text, types)


def test_queries_that_wait_are_told_of() -> None:
    lines = [one.text for one in advise(Situation("hospital", "clinic", offers=True, waiting=2))]
    assert lines[0] == "2 queries wait for an answer; when it comes: privxray infer read FILE"


def test_each_of_several_studies_has_its_option() -> None:
    one = StudySituation(round_in(RoundState.TRAINED, study="one"), BOTH)
    two = StudySituation(round_in(RoundState.JOINED, study="two"), BOTH)
    situation = Situation("hospital", "hospital-a", studies=(one, two))
    assert [line.types for line in advise(situation)] == [
        ("export-update", "--study", "one"),
        ("train", "--study", "two"),
    ]


# Closing lines


def closing(done: Done, situation: Situation | None) -> str:
    return closing_line(done, lambda: situation)


def test_a_command_ends_with_what_status_says_first() -> None:
    study = StudySituation(round_in(RoundState.EXPORTED), BOTH)
    situation = Situation("hospital", "hospital-a", studies=(study,))
    for command in ("accept", "ingest", "export-update", "join"):
        assert closing(Done(command, "s"), situation) == next(advise(situation)).text


def test_a_command_about_one_study_ends_with_that_study() -> None:
    one = StudySituation(round_in(RoundState.TRAINED, study="one"), BOTH)
    two = StudySituation(round_in(RoundState.JOINED, study="two"), BOTH)
    situation = Situation("hospital", "hospital-a", audits=("one-run",), studies=(one, two))
    assert closing(Done("join", "two"), situation) == "privxray train --study two"


@pytest.mark.parametrize("place", ["", "wards/a", "/data/Klinik für Kinder/a"])
@pytest.mark.parametrize("file", ["{}updates/hospital-a-s-0001.enc", "/media/my stick/hospital-a-s-0001.enc"])
def test_the_file_that_was_made_is_named_once_where_folders_have_blanks(place: str, file: str) -> None:
    made = {"enc": "updates/hospital-a-s-0001.enc"}
    study = StudySituation(round_in(RoundState.EXPORTED), BOTH, own_files=made)
    situation = Situation("hospital", "hospital-a", studies=(study,), place=place)
    file = file.format(place and f"{place}/")
    said = closing(Done("export-update", "s", file=file, place=place), situation)
    assert said.startswith(f"carry {file} to the coordinator; ")


def test_what_only_the_command_knows_is_in_its_line() -> None:
    assert closing(Done("infer ask", file="clinic-0001.query", to="office"), None) == (
        "carry clinic-0001.query to office; when the answer comes: privxray infer read FILE"
    )
    assert "(3 are left)" in closing(Done("infer read", left=3), None)


def test_a_check_leads_to_ingest_only_where_a_study_wants_the_images() -> None:
    joined = StudySituation(round_in(RoundState.JOINED))
    assert "ingest" not in closing(Done("check"), None)
    assert "ingest" not in closing(Done("check"), Situation("hospital", "hospital-a"))
    wanted = closing(Done("check --ocr"), Situation("hospital", "hospital-a", studies=(joined,)))
    assert wanted.endswith("then: privxray ingest FOLDER --labels labels.csv")


# One place


def sentences(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next_step":
            yield f"{path.relative_to(PACKAGE)}:{node.lineno}"


def test_no_command_decides_by_itself_what_comes_next() -> None:
    """``next_step`` prints; only the closing line and ``status`` call it, with what the advice says."""
    calls = [place for path in sorted(PACKAGE.rglob("*.py")) for place in sentences(path)]
    assert {place.partition(":")[0] for place in calls} == {
        "cli/closing.py",
        "cli/commands/status_command.py",
    }
    told = "Next: "
    assert [path.name for path in PACKAGE.rglob("*.py") if f'"{told}' in path.read_text()] == ["closing.py"]


# The glance at a data set


def test_the_splits_of_a_data_set_are_seen_without_opening_it(tmp_path: Path) -> None:
    assert splits_in(tmp_path, "s") == frozenset()
    with sqlite3.connect(tmp_path / "data.db") as database:
        assert splits_in(tmp_path, "s") == frozenset()
        database.execute("CREATE TABLE image (split TEXT)")
        database.execute("INSERT INTO image VALUES ('train'), ('train'), ('val')")
    assert splits_in(tmp_path, "s") == {"train", "val"}


@pytest.mark.parametrize("role", ["hospital", "trustee"])
def test_a_study_with_another_coordinator_waits_for_its_plan_and_nothing_else(role: Role) -> None:
    study = StudySituation(round_in(RoundState.JOINED), splits=TRAIN, named="coordinator-2")
    (only,) = said(role, study)
    assert only.types == ("card",)
    assert "carry the card to coordinator-2; when its plan comes: privxray join FILE" in only.text


def test_a_hospital_that_voted_carries_its_vote_and_goes_on() -> None:
    study = StudySituation(round_in(RoundState.TRAINED), splits=TRAIN, voted="coordinator-2")
    vote, export = said("hospital", study)
    assert "this hospital voted for coordinator-2 as coordinator of s: carry the vote there" in vote.text
    assert export.types == ("export-update",)


@pytest.mark.parametrize("state", [RoundState.VOID, RoundState.CLOSED])
def test_who_took_a_study_over_carries_the_succession(state: RoundState) -> None:
    study = StudySituation(round_in(state), last_stage=False, inherited=True, lacking=("a", "b"))
    (only,) = said("coordinator", study)
    assert only.text == (
        "this workspace took the study over after round 1: carry the succession to all (they type privxray "
        "join FILE); ask a and b for fresh cards (privxray card), put them into cards/, then type: privxray "
        "plan cards/*.card --continue"
    )
    assert awaited_by("coordinator", study) == "a, b: fresh cards"
    study = replace(study, lacking=(), cards=("cards/*.card",))
    assert first("coordinator", study).endswith("join FILE); type: privxray plan cards/*.card --continue")
    assert awaited_by("coordinator", study) == "this workspace: the next plan"
    ended = StudySituation(round_in(RoundState.CLOSED), inherited=True)
    assert "carry the succession" not in first("coordinator", ended)
