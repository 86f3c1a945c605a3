"""What each protection of a study does, and what each party could see: words for the report of the study.

They follow docs/THREATS.md. Tested in tests/cli/test_report_study.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_hybrid import masks_term
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.formats.features import BOUND_PROOFS
from privxray.workflow.common.study_cost import whole_cost

Row = tuple[str, str, str]


def guarantee_words(plan: PlanHeader) -> Iterator[str]:
    """What a patient is promised, in sentences without full stops."""
    promised = whole_cost(plan)
    yield f"for each patient of each hospital, over all rounds of the study: {promised}"
    yield (
        "in plain words: whoever sees all that left a hospital learns almost the same, whether one "
        "patient was among its patients or not"
    )
    yield (
        "as a formula: for any two data sets D and D' that differ by one patient, and any set S of results, "
        f"P(M(D) in S) <= exp({promised.epsilon:.4g}) P(M(D') in S) + {plan.delta:g}"
    )
    yield (
        "it does not cover what is true of all patients alike, what somebody knows from elsewhere, or data "
        "of one patient in two hospitals, for which each hospital's epsilon counts"
    )


def protections(plan: PlanHeader) -> Iterator[Row]:
    """Each protection: its name, what it does here, and who could still see what it hides."""
    yield (
        "Differential privacy",
        "each hospital draws noise before anything leaves, and its ledger books what that costs",
        "nobody: noise that is drawn can't be taken back, whatever is known from elsewhere",
    )
    rest = masks_term(plan.features)
    yield (
        "Masks",
        f"an update is random numbers until it is added to the others; they rest on {rest}",
        _unmasking(plan),
    )
    yield (
        "Encryption",
        "updates are encrypted to the coordinator (ML-KEM-768 and X25519); plans and models are not "
        "encrypted",
        "the coordinator, who then sees masked numbers",
    )
    yield (
        "Signatures",
        "every file is signed (Ed25519), and people have compared the key words",
        "it hides nothing; who has a party's key and passphrase can sign in its name",
    )
    if plan.commitments is not None:
        yield (
            "Commitments",
            "each hospital is bound to its numbers, and every hospital can check that "
            f"{_results(plan)} their sum",
            "nobody: commitments hide perfectly",
        )
    if BOUND_PROOFS in plan.features:
        yield (
            "Proofs of bounds",
            "each hospital proves that its numbers are within the bounds of the plan, and every hospital "
            "checks it",
            "nobody: the proofs hide all but that",
        )
    if plan.committee is not None:
        yield (
            "Keyholders",
            f"{plan.committee.threshold} of {len(plan.committee.seats)} keyholders have to help before the "
            f"sum opens, and only for at least {plan.committee.minimum_cohort} hospitals",
            f"{plan.committee.threshold} keyholders together with the coordinator",
        )


def parties(plan: PlanHeader) -> Iterator[Row]:
    """Each party: who, what it could see, and what not."""
    yield (
        "The coordinator",
        "each opened sum and what became of it; of each hospital its name and key, when it signed, and the "
        "epsilon that it states",
        "an image, a patient's name, or the numbers of one hospital's update",
    )
    proof = ", and the proof with every hospital's commitment" if plan.commitments is not None else ""
    results = "the models and summaries" if _counts(plan) else "the models"
    yield (
        "Each hospital",
        f"its own patients; the plan and {results}{proof}",
        "another hospital's patients or update",
    )
    if plan.committee is not None:
        yield (
            "Each keyholder",
            "which hospitals are in the sum, and one share of each of their secrets",
            f"a secret or an update: fewer than {plan.committee.threshold} shares tell nothing",
        )
    yield (
        "Who carries the files",
        f"names, sizes and dates; the plans and {results}; the epsilon that each update states",
        "what is in an update; and nothing can be altered unnoticed",
    )
    yield (
        "Anybody who has the model",
        "the model, its classes, constants and guarantee",
        "of any one patient more than the guarantee allows",
    )
    if _counts(plan):
        yield (
            "Anybody who has a summary, or this page",
            "noisy counts of all hospitals' patients together, and what follows from them",
            "of any one patient more than the guarantee allows; anything of one hospital",
        )


def _counts(plan: PlanHeader) -> bool:
    """Whether a round of the study counts patients."""
    return any(entry.task in COUNTED for entry in plan.its_schedule)


def _results(plan: PlanHeader) -> str:
    return "a model or summary is" if _counts(plan) else "the model is"


def size_words(plan: PlanHeader, in_sum: int | None) -> Iterator[str]:
    """What the number of hospitals in the sum says, in sentences without full stops.

    :param in_sum: of the last closed round; None where none is.
    """
    everybody = len(plan.roster.members)
    if in_sum is None:
        yield f"no sum is opened yet; the plan names {everybody} hospitals"
    else:
        yield f"the last sum has the updates of {in_sum} of {everybody} hospitals"
    count = in_sum or everybody
    yield (
        f"the fewer they are, the more of the sum is each one's: {count - 1} of them in league with the "
        "coordinator would know the noisy result of the last one, and no more of its patients than the "
        "guarantee allows"
    )
    if plan.method == "linear-probe":
        yield (
            "the sum holds a noisy number of all hospitals' patients together, by class, which the "
            "coordinator could see; the model has only the shares of the classes"
        )
    if plan.size_bound is not None:
        yield (
            "how many patients a hospital has is in no file: it states a bracket, here at most "
            f"{plan.size_bound:,}"
        )


def _unmasking(plan: PlanHeader) -> str:
    committee = plan.committee
    if committee is None:
        others = len(plan.roster.members) - 1
        return (
            f"the coordinator together with {others} of the {others + 1} hospitals, of the last one: its "
            "noisy result, for which the guarantee holds"
        )
    return (
        f"the coordinator together with more than {committee.corrupt_keyholders} keyholders or more than "
        f"{committee.corrupt_hospitals} hospitals: a noisy result, for which the guarantee holds"
    )
