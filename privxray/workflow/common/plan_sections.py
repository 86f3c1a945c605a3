"""What an officer decides by before following a plan: the first screen of ``plan``, ``join``, ``inspect``.

Each section is a small function that gives questions and answers; :data:`SECTIONS` is their order. A feature
that adds something to decide on adds its function there. The constants are not here: ``--constants`` shows
them.

Tested in tests/cli/test_plan_screen.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_hybrid import masks_remark, masks_term
from privxray.exchange.messages.plan_words import place_in_words
from privxray.formats.features import BOUND_PROOFS
from privxray.privacy.gaussian_curve import gaussian_mu
from privxray.privacy.guarantee import MAX_EPSILON, Guarantee

Row = tuple[str, str]
"""What is asked, and the answer."""
Section = Callable[[PlanHeader], Iterator[Row]]

GAUSSIAN = frozenset({"linear-probe"})
"""Methods all of whose noise is Gaussian over all patients."""

_NEARLY_ALL = 0.99
"""Above it whole bets of 100 say too little."""
_METHODS = {
    "linear-probe": "linear-probe: the last layer on top of a fixed public network",
    "dp-sgd": "dp-sgd: a neural network in small steps",
}


def plan_rows(plan: PlanHeader, changes: tuple[str, ...] | None = None) -> list[Row]:
    """The first screen of a plan.

    :param changes: what is not as in the plan before; None where that plan is not here.
    """
    return [*(row for section in SECTIONS for row in section(plan)), *_new(plan, changes)]


def _parties(plan: PlanHeader) -> Iterator[Row]:
    yield "who takes part", "; ".join(_hospitals(plan))
    yield "coordinator", f"{plan.coordinator_name}: it collects the files, and holds no data"
    if plan.roster.trustees:
        trustees = listed([one.name for one in plan.roster.trustees])
        yield "trustees", f"{trustees}: no data, and they help to open the sum"
    if plan.committee is not None:
        seats = [plan.roster.party(seat.keyholder) for seat in plan.committee.seats]
        names = listed([party.name for party in seats if party])
        yield (
            "keyholders",
            f"{names}; {plan.committee.threshold} of them have to help before a sum opens, and only a sum of "
            f"at least {plan.committee.minimum_cohort} hospitals",
        )


def _hospitals(plan: PlanHeader) -> Iterator[str]:
    """The hospitals, those of one size together."""
    by_size: dict[int | None, list[str]] = {}
    for member in plan.roster.members:
        by_size.setdefault(member.size.bracket if member.size else None, []).append(member.name)
    for size, names in by_size.items():
        each = " each" if len(names) > 1 else ""
        what = "hospitals" if len(names) > 1 else "hospital"
        yield f"the {what} {listed(names)}" + (f", of up to {size:,} patients{each}" if size else "")


def _what_for(plan: PlanHeader) -> Iterator[Row]:
    yield "which images", f"X-rays of the classes {listed(list(plan.classes))}"
    method = _METHODS.get(plan.method, plan.method)
    yield "what is learned", f"{method}; now: {place_in_words(plan)}"
    if plan.extractor_file is not None:
        yield (
            "needs a file",
            f"the feature extractor {plan.extractor_file.label}, see privxray extractor list",
        )


def _whole_study(plan: PlanHeader) -> Iterator[Row]:
    if plan.schedule:
        from privxray.workflow.common.what_counts_show import what_counts_show  # with numpy

        yield "the whole study", ", then ".join(str(entry) for entry in plan.schedule)
        yield from what_counts_show(plan)


def _promise(plan: PlanHeader) -> Iterator[Row]:
    whole = Guarantee(plan.epsilon, plan.delta)
    if plan.schedule:
        from privxray.workflow.common.study_cost import whole_cost  # with numpy

        whole = whole_cost(plan)
    yield "what it costs a patient", f"at most {whole}, over the whole study"
    yield "that is", in_words(whole, gaussian=plan.method in GAUSSIAN)


def in_words(promise: Guarantee, *, gaussian: bool) -> str:
    """What an epsilon means for a bet at even odds on whether somebody took part.

    For Gaussian noise the best test wins with probability Phi(mu / 2) (Dong, Roth and Su 2022, section 2).
    For any other it is at most (exp(epsilon) + delta) / (1 + exp(epsilon)) (Kairouz, Oh and Viswanath 2015,
    theorem 2.1), rounded up here.
    """
    if not 0 < promise.epsilon <= MAX_EPSILON:
        return "nothing is learned from patients" if promise.epsilon == 0 else "next to nothing is promised"
    if gaussian:
        mu = gaussian_mu(promise.epsilon, promise.delta)
        wins = 0.5 * math.erfc(-mu / 2 / math.sqrt(2))
    else:
        wins = 1 - (1 - promise.delta) / (1 + math.exp(promise.epsilon))
    percent = math.ceil(100 * wins - 1e-6) if wins < _NEARLY_ALL else math.ceil(1e4 * wins - 1e-6) / 100
    return (
        "whoever sees all that leaves, and bets on whether a certain patient took part, wins at most "
        f"{percent:g} of 100 such bets, where guessing wins 50"
    )


def _leaves(plan: PlanHeader) -> Iterator[Row]:
    if plan.its_task == "agree":
        yield (
            "what leaves a hospital",
            "one file by which it agrees with the others on secrets for the masks; it is signed, and nothing "
            "in it was computed from patients",
        )
        return
    what = _LEAVES.get(plan.its_task, _LEAVES["train"])
    bound = ", with a commitment that lets everybody check the sum" if plan.commitments else ""
    if BOUND_PROOFS in plan.features:
        bound += ", and with a proof that its numbers are within the plan's bounds"
    opened = f"all {len(plan.roster.members)} hospitals"
    if plan.committee is not None:
        opened = f"at least {plan.committee.minimum_cohort} hospitals"
    yield (
        "what leaves a hospital",
        f"{what}: masked, encrypted to {plan.coordinator_name} and signed{bound}. Only the sum of {opened} "
        "can be read. No image, no name and no exact number of patients leaves",
    )


_LEAVES = {
    "train": "one file of noisy numbers in each training round",
    "describe": "one file of noisy counts of patients",
    "evaluate": "one file of noisy histograms of the scores of held-out patients",
}


def _new(plan: PlanHeader, changes: tuple[str, ...] | None) -> Iterator[Row]:
    if plan.previous is None:
        yield "new since the last plan", "this is the first plan of the study"
    elif changes is None:
        yield (
            "new since the last plan",
            "not known here: join or accept shows it where the last plan is followed",
        )
    elif not changes:
        yield "new since the last plan", "nothing besides the round, as far as is known here"
    else:
        for number, change in enumerate(changes):
            yield "new since the last plan" if number == 0 else "", change


def _masks(plan: PlanHeader) -> Iterator[Row]:
    rest = masks_remark(plan.features)
    yield (
        "what masks rest on",
        rest or f"{masks_term(plan.features)}: no later quantum computer can take them off",
    )


SECTIONS: tuple[Section, ...] = (_parties, _what_for, _whole_study, _promise, _leaves, _masks)


def listed(names: list[str]) -> str:
    """Names as they are read out: ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
