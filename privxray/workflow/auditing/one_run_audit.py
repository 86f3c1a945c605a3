"""The one-run audit: a lower bound on epsilon from a single training with canaries."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from privxray.audit.canary_kinds import canaries_of
from privxray.audit.claim_test import ClaimTest, judge
from privxray.audit.guessing import Coins, Scores, require_guesses
from privxray.audit.kept_answers import KeptAnswers
from privxray.learning.constants import MethodConstants
from privxray.learning.interface import AnyMethod, Drawing, Task
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
    def of(cls, method: AnyMethod, canaries: int | None = None, guesses: int | None = None) -> AuditSize:
        """The numbers that were asked for; the method's defaults where they are None.

        :raises UsageError: no canary, or more guesses than canaries.
        """
        kind = canaries_of(method)
        number = kind.default if canaries is None else canaries
        chosen = kind.default_guesses(number) if guesses is None else guesses
        require_guesses(number, chosen)
        return cls(number, chosen)


@dataclass(frozen=True)
class OneRunAudit:
    """What a one-run audit found.

    :ivar claim_test: the result.
    :ivar scores: [m] of all canaries.
    :ivar coins: [m] which canaries were in.
    """

    claim_test: ClaimTest
    scores: Scores
    coins: Coins


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
    task = Task(constants, classes, method.starting_model(constants, classes))
    with tempfile.TemporaryDirectory() as folder:
        answers = KeptAnswers(Path(folder) / "answers", os.urandom(32))
        planted.train(method, task, Drawing(claim.noise(method, constants), source, answers, progress))
        scores = kind.scores(planted, task, answers)
    return OneRunAudit(judge(scores, planted.coins, size.guesses, claim), scores, planted.coins)
