"""What a coordinator may choose for a study, and the first stage's plan that comes of it.

Tested in tests/cli/test_bad_input.py and tests/cli/test_ledger.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue, ValidationError

from privxray.errors import MalformedError, UsageError
from privxray.exchange.messages.plan import PEDERSEN, PlanHeader
from privxray.exchange.messages.plan_bounds import can_be_proven
from privxray.formats.extractor_file import ExtractorFile, NamedExtractor
from privxray.formats.features import (
    BOUND_PROOFS,
    HEADS,
    HYBRID_MASKS,
    REPEATS,
    REPEATS_WITHOUT,
    SUCCESSION,
    TASKS,
)
from privxray.formats.tensors import pack
from privxray.keys.card import CardHeader
from privxray.keys.identity import PublicKeys
from privxray.privacy.guarantee import Guarantee, Promise, require_delta_below, require_epsilon
from privxray.workflow.common.method_inputs import InputForm, built_in
from privxray.workflow.common.stamp import stamp
from privxray.workflow.coordinator.planning.agreed_form import common_features
from privxray.workflow.coordinator.planning.chosen_extractor import ChosenExtractor
from privxray.workflow.coordinator.planning.enrolment import CommitteeTerms, Parties
from privxray.workflow.coordinator.planning.past_files import Past
from privxray.workflow.coordinator.planning.scheduled import ONLY_TRAIN, OtherTasks, first_fields
from privxray.workflow.coordinator.planning.sign_plan import Draft, body_of
from privxray.workflow.coordinator.planning.starting_weights import read_start
from privxray.workflow.coordinator.planning.successor_terms import SuccessorTerms
from privxray.workflow.coordinator.planning.terms_by_size import (
    constants_by_size,
    default_delta,
    expect_of_sizes,
    largest_size,
)
from privxray.workspace.folder import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod

DEFAULT_CLASSES = ("normal", "bacteria", "virus")
DEFAULT_EPSILON = 6.0

_BY_DEFAULT: Mapping[str, frozenset[str]] = {
    "linear-probe": frozenset({"commitments", REPEATS, REPEATS_WITHOUT}),
    "dp-sgd": frozenset(),  # a commitment takes a multiplication a number: see docs/BENCHMARKS.md
}

_ALLOWED = {
    "classes": "2 to 50 classes, each of up to 40 lower-case letters, digits, blanks, dashes or underscores, "
    "with a letter first",
    "delta": "a delta above 0 and at most 0.001",
    "stages": "1 to 1000 rounds",
}


@dataclass(frozen=True)
class Terms:
    """What a coordinator may choose; the defaults are a linear probe in one strict round.

    :param rounds: None for the method's default.
    :param epsilon: per patient of a hospital, over the whole study, at ``delta``.
    :param delta: None for the one that is advised for the sizes of the hospitals, and at most 1e-5.
    :param constants: override single public constants of the method.
    :param committee: None for the mode ``strict``.
    :param start: a safetensors file with the first round's weights.
    :param extractor: a feature extractor out of a file; None for the built-in one of new plans.
    :param commitments: whether hospitals can check the sum; None for the method's default, where the versions
        of all parties carry it out.
    :param others: what the study does beside its training.
    :param successors: who may name another coordinator; None for nobody.
    :param typed: whether any of these was typed, be it the default, those of the committee aside; None where
        that is not known, and terms that are all at their defaults count as not typed.
    """

    method: Literal["linear-probe", "dp-sgd"] = "linear-probe"
    classes: tuple[str, ...] = DEFAULT_CLASSES
    rounds: int | None = None
    epsilon: float = DEFAULT_EPSILON
    delta: float | None = None
    constants: Mapping[str, JsonValue] = field(default_factory=dict)
    committee: CommitteeTerms | None = None
    start: Path | None = None
    extractor: ChosenExtractor | None = None
    commitments: bool | None = None
    others: OtherTasks = ONLY_TRAIN
    successors: SuccessorTerms | None = None
    typed: bool | None = field(default=None, compare=False)

    def features(self, cards: Sequence[CardHeader]) -> frozenset[str]:
        """The features of format 2 that the study's files are to have (docs/SPEC-2.md)."""
        return self.features_among(common_features(cards))

    def features_among(self, common: frozenset[str]) -> frozenset[str]:
        """The same, from the features that all parties' versions carry out."""
        needed = frozenset({"extractor-files"} if self.extractor else ())
        needed |= frozenset({TASKS} if self.others != ONLY_TRAIN else ())
        needed |= {HEADS} & common
        needed |= frozenset({HYBRID_MASKS} if self.others.agree else ())
        needed |= frozenset({SUCCESSION} if self.successors else ())
        if self.commitments is None:
            needed |= _BY_DEFAULT[self.method] & common
        elif self.commitments:
            needed |= {"commitments", REPEATS} | (common & {REPEATS_WITHOUT})
        if "commitments" in needed and BOUND_PROOFS in common and self._are_provable():
            needed |= {BOUND_PROOFS}
        return needed

    def _are_provable(self) -> bool:
        """Whether these terms' bounds can be proven, whatever the sizes that hospitals state."""
        method, constants = self.resolved(None)
        manifest = method.manifest(constants, self.classes)
        return can_be_proven(manifest, method.bounds(constants))

    def delta_for(self, bound: int | None) -> float:
        """The delta of a plan.

        :param bound: the largest bracket of its hospitals; None where they state none.
        """
        return default_delta(bound) if self.delta is None else self.delta

    def resolved(self, bound: int | None) -> tuple[AnyMethod, MethodConstants]:
        """The method, and all of its constants.

        :param bound: the largest bracket of the plan's hospitals: then n_max is that, and one hospital weighs
            no more. None where they state none.
        :raises UsageError: a constant that does not exist or is out of range, a file of weights for a method
            that starts from nothing, or an extractor for one that takes no features.
        """
        from privxray.learning import methods

        method = methods.get(self.method)
        if self.start is not None and self.method != "dp-sgd":
            raise UsageError(
                f"{self.method} starts from nothing, so there is no --start for it",
                reason="plan.start-without-use",
                advice="Plan with --method dp-sgd",
            )
        if self.extractor is not None and self.method == "dp-sgd":
            raise UsageError(
                f"{self.method} takes no features, so there is no --extractor for it",
                reason="plan.extractor-without-use",
                advice="Plan with --method linear-probe",
            )
        given = {} if self.start is None else {"start": "file"}
        read = self.extractor.constants() if self.extractor else {}
        constants = method.new_constants({**read, **self.constants, **given})
        if bound is None:
            return method, constants
        expect_of_sizes(self.constants, bound)
        limit = Guarantee(self.epsilon, self.delta_for(bound))
        return method, constants_by_size(method, constants, bound, limit)

    def are_those_of(self, plan: PlanHeader) -> bool:
        """Whether a plan has these terms. Its committee is not looked at: cards and seats tell of that."""
        typed = self != Terms(committee=self.committee) if self.typed is None else self.typed
        if not typed:
            return True  # nothing but cards
        method, constants = self.resolved(plan.size_bound)
        rounds = self.rounds or method.default_rounds(constants)
        these = (self.method, self.classes, rounds, self.epsilon, self.delta_for(plan.size_bound))
        training = plan.training
        if self.commitments not in (None, plan.commitments is not None):
            return False
        if these != (plan.method, plan.classes, training.stages, training.epsilon, plan.delta):
            return False
        successors = self.successors and self.successors.among(plan.roster)
        besides = (self.others.schedule(self.epsilon, rounds), self.named(method, constants), successors)
        if besides != (plan.schedule, plan.features_by, plan.successors):
            return False
        return constants.stated() == dict(plan.constants)

    def named(self, method: AnyMethod, constants: MethodConstants) -> NamedExtractor:
        """What computes the features or maps; None for a method that sees pixels."""
        return self.extractor.terms if self.extractor else built_in(method.inputs(constants))


def first_stage(workspace: Workspace, terms: Terms, parties: Parties, keys: PublicKeys, past: Past) -> Draft:
    """The plan of a study's first stage.

    :param keys: the coordinator's.
    :param past: with the study's last plan; where there is one the study is begun anew.
    :raises UsageError: terms that this version can't train, or that promise nothing.
    :raises MalformedError: terms out of the range that a plan can hold, or unusable starting weights.
    """
    bound = largest_size(parties)
    method, constants = terms.resolved(bound)
    delta = terms.delta_for(bound)
    _check(terms, delta, bound, method, constants)
    start = _start(method, constants, terms)
    rounds = terms.rounds or method.default_rounds(constants)
    schedule = terms.others.schedule(terms.epsilon, rounds)
    features = parties.form.features
    of_task = first_fields(schedule, method, constants, terms.classes, features) if schedule else {}
    body, made, read = pack(start) if start else b"", stamp(), terms.named(method, constants)
    try:
        fields: dict[str, Any] = {
            "format": parties.form.format,
            "features": parties.form.features,
            "study": workspace.config.study,
            "round": past.before.plan.round + 1 if past.before else 1,
            "sender": keys.fingerprint,
            "recipients": tuple(party.keys.fingerprint for party in parties.roster.parties),
            "body": body_of(body),
            "created": made.created,
            "software": made.software,
            "coordinator": keys,
            "coordinator_name": workspace.config.name,
            "roster": parties.roster,
            "mode": "strict" if parties.committee is None else "keyholders",
            "committee": parties.committee,
            "stage": 1,
            "stages": rounds,
            "previous": past.before.digest if past.before else None,
            "method": terms.method,
            "constants": constants.stated(),
            "extractor": read.name if isinstance(read, ExtractorFile) else read,
            "extractor_file": read if isinstance(read, ExtractorFile) else None,
            "classes": terms.classes,
            "epsilon": terms.epsilon,
            "delta": delta,
            "modulus_bits": method.modulus_bits,
            "manifest": method.manifest(constants, terms.classes),
            "bounds": method.bounds(constants) if BOUND_PROOFS in parties.form.features else None,
            "commitments": PEDERSEN if "commitments" in parties.form.features else None,
            "successors": terms.successors.among(parties.roster) if terms.successors else None,
            **past.fields(parties.form.features),
        }
        plan = PlanHeader(**{**fields, **of_task})
    except ValidationError as error:
        raise _out_of_range(error) from None
    return Draft(plan, body)


def _check(
    terms: Terms, delta: float, bound: int | None, method: AnyMethod, constants: MethodConstants
) -> None:
    require_epsilon(terms.epsilon)
    if bound is None:
        require_delta_below(delta, constants.n_max)
    else:
        Promise(delta, bound).require()
    if not InputForm.of(method, constants, terms.named(method, constants)).is_known():
        raise UsageError(
            "the plan's constant feature_dim is not what the extractor gives",
            reason="plan.feature-dim",
            advice="Leave feature_dim out of the file that --from names",
        )


def _start(method: AnyMethod, constants: MethodConstants, terms: Terms) -> dict[str, NDArray[Any]]:
    """The first round's weights: the method's own, or a file's of the same form."""
    start = method.starting_model(constants, terms.classes)
    if terms.start is not None:
        return read_start(terms.start, start)
    if method.starts_from_file(constants):
        raise UsageError(
            "the plan's constant start says file, and no file is given",
            reason="plan.start-missing",
            advice="Type: privxray plan CARDS --start FILE.safetensors",
        )
    return start


def _out_of_range(error: ValidationError) -> MalformedError:
    """What a plan can't hold, by the first field that is out of its range."""
    name = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
    return MalformedError(
        f"the plan's terms are out of range: a plan has {_ALLOWED.get(name, f'another {name}')}",
        reason="plan.terms-out-of-range",
        advice="Type the terms again; privxray plan --help lists the options",
    )
