"""The table of features: what a listed feature demands, what an unlisted one forbids, and who lacks what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from exchange_samples import STAMP, Study
from forged_files import changed, reason_of, refused

from privxray.exchange.admission.admit import belongs
from privxray.exchange.admission.admit_successor import admit_successor
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats import features
from privxray.formats.container import split
from privxray.formats.features import Form, check_fields, form_of_header, without_others
from privxray.formats.header import Header, PlanHash
from privxray.keys.card import CardHeader, CardParts, read_card, write_card
from privxray.workflow.coordinator.planning.agreed_form import agreed_form, expect_reads

STUDY = Study()
INVENTED = {
    "echo": {"plan": ("echo", "roster.members.echo"), "update": ("reply?",), "share": ()},
    "shout": {"plan": ("echo2",)},
}


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "FEATURES", INVENTED)


def plan(**fields: Any) -> dict[str, Any]:
    members = fields.pop("members", [{"echo": 1}, {"echo": 2}])
    return {"format": 2, "features": ["echo"], "roster": {"members": members}, "echo": 0} | fields


@pytest.mark.usefixtures("invented")
def test_a_listed_feature_demands_its_fields_in_every_place() -> None:
    form = Form(2, ("echo",))
    check_fields(plan(), "plan", form)
    for header, lacking in (
        (plan(echo=None), "echo"),
        ({name: value for name, value in plan().items() if name != "echo"}, "echo"),
        (plan(members=[{"echo": 1}, {}]), "roster.members.echo"),
        (plan(members=[{"echo": None}]), "roster.members.echo"),
    ):
        with refused("header.field-of-feature-lacking") as told:
            check_fields(header, "plan", form)
        assert f"lacks {lacking}," in str(told.value)
    check_fields({"features": [], "reply": None}, "update", form)
    with refused("header.field-of-feature-lacking"):
        check_fields({"features": []}, "update", form)


@pytest.mark.usefixtures("invented")
def test_a_feature_that_is_not_listed_forbids_its_fields() -> None:
    bare = Form(2)
    check_fields({"features": [], "roster": {"members": [{}]}}, "plan", bare)
    check_fields({"features": [], "echo": 1}, "model", bare)  # no field of the feature in this kind
    for header in (
        {"features": [], "echo": None},
        {"features": [], "roster": {"members": [{}, {"echo": 1}]}},
    ):
        with refused("header.field-of-other-feature"):
            check_fields(header, "plan", bare)
    with refused("header.field-of-other-feature"):
        check_fields({"features": []}, "plan", Form(1))
    with refused("header.field-of-feature-lacking"):
        check_fields({}, "plan", bare)


@pytest.mark.usefixtures("invented")
def test_a_writer_leaves_out_what_is_not_listed() -> None:
    header = plan(echo2=None)
    assert without_others(header, "plan", Form(2, ("echo",))) == plan()
    assert without_others(plan(), "plan", Form(2)) == {
        "format": 2,
        "features": ["echo"],
        "roster": {"members": [{}, {}]},
    }
    assert "features" not in without_others(plan(), "plan", Form(1))


@pytest.mark.usefixtures("invented")
def test_a_file_lists_the_features_of_its_plan_that_add_to_its_kind() -> None:
    form = Form(2, ("echo", "shout"))
    assert form.of_kind("update") == Form(2, ("echo",))
    assert form.of_kind("share") == Form(2, ("echo",))
    assert form.of_kind("model") == Form(2)
    assert features.carried_out() == ("echo", "shout")


@pytest.mark.usefixtures("invented")
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"format": 2, "features": []}, None),
        ({"format": 2, "features": ["echo", "shout"]}, None),
        ({"format": 1, "features": []}, "header.other-format"),
        ({"format": 2.0, "features": []}, "header.other-format"),
        ({"format": True, "features": []}, "header.other-format"),
        ([], "header.other-format"),
        ({"format": 2}, "header.features"),
        ({"format": 2, "features": {}}, "header.features"),
        ({"format": 2, "features": ["shout", "echo"]}, "header.features"),
        ({"format": 2, "features": ["echo", 1]}, "header.features"),
        ({"format": 2, "features": ["echo\n"]}, "header.features"),
        ({"format": 2, "features": ["x" * 21]}, "header.features"),
        ({"format": 2, "features": ["echo", "whisper"]}, "file.unknown-feature"),
    ],
)
def test_the_form_is_read_before_anything_else(header: object, reason: str | None) -> None:
    assert reason_of(lambda: form_of_header(header)) == reason


def test_an_unknown_feature_is_named() -> None:
    with refused("file.unknown-feature") as told:
        form_of_header({"format": 2, "features": ["time-travel"]})
    assert str(told.value).startswith("the file needs time-travel, which this version of privxray does not")


def card(place: int, format_: Any = 2, **changes: Any) -> CardHeader:
    own = STUDY.hospitals[place]
    parts = CardParts(own.name, own.member().mask, own.unsealing_statement())
    data = write_card(own.identity, parts, STAMP, format_=format_)
    if changes:
        data = changed(data, lambda header: header.update(changes), own.identity)
    return read_card(split(data))


def test_a_study_has_the_highest_format_that_all_its_cards_state() -> None:
    new, old = [card(0), card(1)], card(2, 1)
    assert agreed_form(new) == Form(2)
    assert agreed_form([*new, old]) == Form(1)
    assert agreed_form([card(0, formats=[1, 2, 3]), card(1)]) == Form(2)
    with refused("plan.no-common-format") as told:
        agreed_form([card(0, formats=[2, 3]), card(1), old])
    assert "of an older version: hospital-c" in str(told.value)


@pytest.mark.usefixtures("invented")
def test_a_feature_that_was_asked_for_is_refused_by_the_name_of_who_lacks_it() -> None:
    assert agreed_form([card(0), card(1)], ["echo"]) == Form(2, ("echo",))
    with refused("plan.version-lacks") as told:
        agreed_form([card(0), card(1, can=["echo"])], ["echo", "shout"])
    assert "hospital-b lacks shout" in str(told.value)
    assert "hospital-a" not in str(told.value)
    with refused("plan.version-lacks") as told:
        agreed_form([card(0), card(1, 1)], ["echo"])
    assert "hospital-b lacks format 2" in str(told.value)
    with refused("plan.version-lacks"):
        expect_reads([card(0, 1)], Form(2))
    expect_reads([card(0)], Form(1))


@pytest.mark.usefixtures("invented")
def test_a_study_keeps_its_format_and_its_features() -> None:
    def stage(number: int, **fields: Any) -> SignedPlan:
        before = fields.pop("previous", None)
        made = STUDY.make_plan(stage=number, stages=3, round=number, previous=before, **fields)
        return SignedPlan(made, PlanHash(f"{number}" * 64))

    first = stage(1, format=2, features=("echo",))
    last = first.digest
    for fields, reason in (
        ({"format": 2, "features": ("echo",)}, None),
        ({"format": 2, "features": ("echo", "shout")}, None),
        ({"format": 2}, "plan.form-given-up"),
        ({"format": 2, "features": ("shout",)}, "plan.form-given-up"),
        ({"format": 1}, "plan.form-given-up"),
    ):
        following = stage(2, previous=last, **fields)
        assert reason_of(lambda following=following: admit_successor(following.plan, first)) == reason
    bare = stage(1, format=2)
    with refused("plan.form-given-up"):
        admit_successor(stage(2, previous=bare.digest, format=1).plan, bare)
    anew = STUDY.make_plan(round=2, previous=last)
    admit_successor(anew, first)


def test_a_header_of_format_1_is_written_as_it_always_was() -> None:
    stated = STUDY.plan.stated()
    assert stated["format"] == 1
    assert "features" not in stated
    envelope = STUDY.plan_file()
    assert json.loads(envelope.payload) == stated
    assert envelope.form == features.FORMAT_1
    assert Header.model_fields["features"].default == ()


@pytest.mark.usefixtures("invented")
def test_a_file_that_obeys_a_plan_is_of_its_format_and_features() -> None:
    hospital = STUDY.hospitals[0]
    old, new = STUDY.plan, STUDY.make_plan(format=2, features=("echo",))
    for made_for, reason in ((old, "file.other-form"), (new, None)):
        under = SignedPlan(new, PlanHash("1" * 64))
        header = split(STUDY.update(hospital, STUDY.masked(hospital, STUDY.vector(0)), plan=old)).claim(
            UpdateHeader
        )
        form = made_for.form.of_kind("update")
        header = header.model_copy(
            update={"format": form.format, "features": form.features, "plan": "1" * 64}
        )
        assert reason_of(lambda header=header, under=under: belongs(header, under)) == reason
    with refused("file.other-form"):
        belongs(header.model_copy(update={"features": ()}), under)


def test_a_file_may_list_32_features() -> None:
    names = [f"{first}{second}" for first in "ab" for second in "abcdefghijklmnopqrstuvwxyz"]
    with refused("file.unknown-feature"):
        form_of_header({"format": 2, "features": names[:32]})
    with refused("header.features"):
        form_of_header({"format": 2, "features": names[:33]})
