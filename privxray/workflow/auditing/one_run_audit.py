"""The one-run audit: a lower bound on epsilon from a single training with canaries."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from privxray.audit.bounds.gaussian_test import GaussianTest, judge_gaussian
from privxray.audit.canary_kinds import canaries_of
from privxray.audit.claim_test import ClaimTest, judge
from privxray.audit.guessing import Coins, Scores, require_guesses
from privxray.audit.kept_answers import KeptAnswers
from privxray.learning.constants import MethodConstants
from privxray.learning.interface import AnyMethod, Drawing, Task
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.noise import SecureNoise
from privxray.workflow.auditing.audited_patients import AuditedPatients
from privxray.workflow.auditing.claim import Claim
from privxray.workflow.common.callbacks import Progress


@dataclass(frozen=True)
class AuditSize:
    """How many canaries are planted, and how many of them are guessed."""

    canaries: int
    guesses: int

    @classmethod
    def of(
        cls,
        method: AnyMethod,
        canaries: int | None = None,
        guesses: int | None = None,
        *,
        own: bool = False,
    ) -> AuditSize:
        """The numbers that were asked for; the method's defaults where they are None.

        :param own: the canaries come among a hospital's own patients.

        :raises UsageError: no canary, or more guesses than canaries.
        """
        kind = canaries_of(method)
        default = kind.default_own if own else kind.default
        number = default if canaries is None else canaries
        chosen = kind.default_guesses(number) if guesses is None else guesses
        require_guesses(number, chosen)
        return cls(number, chosen)


@dataclass(frozen=True)
class OneRunAudit:
    """What a one-run audit found.

    :ivar claim_test: what right guesses show of any training.
    :ivar gaussian: what scores show of a training with Gaussian noise; None where patients are sampled.
    :ivar scores: [m] of all canaries.
    :ivar coins: [m] which canaries were in.
    """

    claim_test: ClaimTest
    scores: Scores
    coins: Coins
    gaussian: GaussianTest | None = None

    @property
    def flagged(self) -> bool:
        """Whether the claim is refuted: by right guesses at 95 %, or by one of the others at 99.9 %."""
        return self.claim_test.refuted or (self.gaussian is not None and self.gaussian.refuted)


def one_run_constants(method: AnyMethod) -> MethodConstants:
    """The public constants that a one-run audit trains by, where no plan has others."""
    return method.constants(canaries_of(method).overrides)


def audit_one_run(
    method: AnyMethod,
    claim: Claim,
    patients: AuditedPatients,
    size: AuditSize,
    progress: Progress | None = None,
) -> OneRunAudit:
    """Plant canaries, train once, guess, and compare the guesses with the coins.

    :raises UsageError: more canaries than can be told apart.
    """
    kind, source, classes = canaries_of(method), SecureNoise(), patients.classes
    constants = one_run_constants(method)
    planted = kind.plant(patients.data, constants, len(classes), size.canaries, source)
    constants = kind.fitting(constants, planted)
    task = kind.start(method, Task(constants, classes, method.starting_model(constants, classes)), source)
    with tempfile.TemporaryDirectory() as folder:
        answers = KeptAnswers(Path(folder) / "answers", os.urandom(32))
        planted.train(method, task, Drawing(claim.noise(method, constants), source, answers, progress))
        scores = kind.scores(planted, task, answers)
    return judged(method, constants, scores, planted.coins, size.guesses, claim)


def judged(
    method: AnyMethod,
    constants: MethodConstants,
    scores: Scores,
    coins: Coins,
    guesses: int,
    claim: Guarantee,
) -> OneRunAudit:
    """Hold scores against a claim, by every bound that applies to the method with these constants.

    :param guesses: how many are made, fixed before the scores were known.
    """
    sampled = any(event.kind != "gaussian" for event in method.round_events(constants, 1.0))
    gaussian = None if sampled else judge_gaussian(scores, coins, claim)
    return OneRunAudit(judge(scores, coins, guesses, claim), scores, coins, gaussian)
