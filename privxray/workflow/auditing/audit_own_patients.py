"""Audits on a hospital's own patients: charged like a training, and kept inside.

An audit draws noise on real patients, and its outcome is read by people. So it is charged with the events of
a training of the same epsilon before the first draw, it resumes where it was interrupted and does not pay
twice, and its report stays in the workspace. In the ledger all audits are one study of a name that no study
can have; they count towards the hospital's lifetime limit and towards nothing that is exported.

``audits/one-run.running`` holds an audit that is not finished: its terms, what was planted, and the answers
so far, encrypted under a key in ``state.db``. A finished one leaves its report alone.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from privxray.audit import membership, planting, running
from privxray.audit.membership import Membership
from privxray.audit.observing import Observed
from privxray.audit.one_run import judge, toss
from privxray.errors import BudgetError, MalformedError, PrivxrayError, RefusedError
from privxray.formats.header import Strict
from privxray.formats.tensors import unpack
from privxray.learning import methods
from privxray.learning.constants import LinearProbeConstants, MethodConstants
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore
from privxray.workflow.auditing.audit_engine import Claim, OneRunAudit, guesses_of
from privxray.workflow.common.method_inputs import training_data
from privxray.workflow.common.session import Progress, read_plan, the_study
from privxray.workflow.hospital.ingest_images import open_dataset, require_patients
from privxray.workflow.hospital.release_witness import AUDITS, SavedAnswers, audit_number
from privxray.workflow.hospital.reserve_budget import open_ledger, refuse_too_many
from privxray.workspace.atomic import PRIVATE, make_private_folder, sweep, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

if TYPE_CHECKING:
    from privxray.exchange.messages.plan import PlanHeader
    from privxray.imaging.dataset import Dataset
    from privxray.learning.data import TrainingData
    from privxray.learning.interface import AnyMethod

Kind = Literal["one-run", "membership"]

LEDGER_STUDY = AUDITS


class Terms(Strict):
    """What an audit was begun with; an interrupted one goes on with the same."""

    run: Annotated[str, Field(pattern=r"^(one-run|membership)-[0-9a-f]{12}$")]
    study: str
    plan: str
    data: str
    epsilon: float
    delta: float
    noise: float
    canaries: int
    guesses: int

    @property
    def claim(self) -> Guarantee:
        """What the audit costs a patient, and what it tries to refute."""
        return Guarantee(self.epsilon, self.delta)


@dataclass(frozen=True)
class Own:
    """A finished audit, and where its report goes. ``lifetime`` is what a patient has been charged in all."""

    result: OneRunAudit | Membership
    method: str
    report: Path
    claim: Claim
    lifetime: Guarantee
    limit: Guarantee


@dataclass(frozen=True)
class _Setting:
    """What a plan says, and the patients that it is trained on."""

    plan: PlanHeader
    method: AnyMethod
    constants: MethodConstants
    start: Mapping[str, Any]
    dataset: Dataset
    progress: Progress | None

    def patients(self) -> TrainingData:
        return training_data(
            self.dataset, self.plan.classes, self.method, self.constants, "train", self.progress
        )


def audit_own(
    workspace: Workspace,
    kind: Kind,
    epsilon: float,
    delta: float | None = None,
    *,
    study: str | None = None,
    canaries: int | None = None,
    guesses: int | None = None,
    progress: Progress | None = None,
    feature_progress: Progress | None = None,
) -> Own:
    """Audit the method of a study's plan on the patients that it is trained on; then :func:`finish` it.

    :param epsilon: what the audit costs a patient, and the claim that it tries to refute.
    :param delta: the plan's where it is None.
    :raises BudgetError: the lifetime limit; nothing was spent.
    :raises RefusedError: an audit of this kind was begun with other options, or on other patients.
    :raises WorkspaceError: no study is joined, or nothing is ingested.
    """
    workspace.require("hospital", "audit --own")
    folder = running_folder(workspace, kind)
    with workspace.locked(), State(workspace.state_path) as state:
        round_ = state.last_round(the_study(workspace, state, study))
        assert round_ is not None
        plan, file = read_plan(workspace, round_)
        method = methods.get(plan.method)
        constants = method.constants(plan.constants)
        claim = Claim(epsilon, plan.delta if delta is None else delta)
        start = unpack(file.body()) if plan.body.length else method.starting_model(constants, plan.classes)
        ledger = open_ledger(workspace, state)
        with open_dataset(workspace, state) as dataset:
            require_patients(workspace, dataset)
            refuse_too_many(dataset.patients("train"), constants.n_max, plan, ledger)
            setting = _Setting(plan, method, constants, start, dataset, feature_progress)
            number, chosen = guesses_of(method, canaries, guesses)
            terms = Terms(
                run=f"{kind}-{secrets.token_hex(6)}",
                study=plan.study or "",
                plan=round_.plan,
                data=dataset.fingerprint(),
                epsilon=claim.epsilon,
                delta=claim.delta,
                noise=claim.noise(method, constants),
                canaries=number if kind == "one-run" else 0,
                guesses=chosen if kind == "one-run" else 0,
            )
            terms = _begun(folder, terms)
            _reserve(ledger, terms, method, constants, folder)
            key = state.secret(f"audit {terms.run}")
            answers = Observed(folder / "answers", key, _witness(state, terms, folder))
            audit = _one_run if kind == "one-run" else _membership
            try:
                result = audit(setting, terms, ledger, folder, key, answers, progress)
            except PrivxrayError:
                if ledger.state(LEDGER_STUDY, terms.run) == "reserved":  # nothing was drawn
                    ledger.withdraw(LEDGER_STUDY, terms.run)
                    _discard(folder)
                raise
        ledger.finish(LEDGER_STUDY, terms.run)
        return Own(
            result=result,
            method=method.name,
            report=workspace.audits / f"{terms.run}.html",
            claim=claim,
            lifetime=ledger.cost(),
            limit=ledger.limit,
        )


def finish(workspace: Workspace, kind: Kind, own: Own, page: str) -> None:
    """Keep the report, and forget the answers. Interrupted, the same command makes the same report again."""
    with workspace.locked():
        write_atomic(own.report, page.encode(), mode=PRIVATE, overwrite=True)
        _discard(running_folder(workspace, kind))


def running_folder(workspace: Workspace, kind: Kind) -> Path:
    """Where an audit that is not finished rests."""
    return workspace.audits / f"{kind}.running"


def _begun(folder: Path, wanted: Terms) -> Terms:
    """The terms of an audit that was begun before, or these, from now on."""
    make_private_folder(folder.parent)  # parents that mkdir makes by the way are not private
    make_private_folder(folder)
    sweep(folder)
    path = folder / "terms.json"
    if not path.exists():
        write_atomic(path, wanted.model_dump_json().encode(), mode=PRIVATE)
        return wanted
    try:
        begun = Terms.model_validate_json(path.read_bytes())
    except ValidationError:
        raise MalformedError(
            "the terms of the audit that was begun are damaged", file=path, advice="Restore a backup"
        ) from None
    if (begun.plan, begun.data) != (wanted.plan, wanted.data):
        raise RefusedError(
            "an audit was begun on other patients or under another plan, and can't go on",
            file=folder,
            advice="Delete this folder to give it up; what it was charged stays charged",
        )
    same = begun.model_copy(update={"run": wanted.run})
    if same != wanted:
        options = f"--epsilon {begun.epsilon:g} --delta {begun.delta:g}"
        if begun.canaries:
            options += f" --canaries {begun.canaries} --guesses {begun.guesses}"
        raise RefusedError(
            "an audit was begun with other options, and can only go on with them",
            file=folder,
            advice=f"Type the same command with {options}",
        )
    return begun


def _reserve(
    ledger: Ledger, terms: Terms, method: AnyMethod, constants: MethodConstants, folder: Path
) -> None:
    try:
        ledger.reserve(LEDGER_STUDY, terms.run, method.round_events(constants, terms.noise))
    except BudgetError:
        _discard(folder)
        raise


def _discard(folder: Path) -> None:
    """Delete a running audit's folder at once: half of one would be taken for an audit that was begun."""
    gone = folder.with_suffix(".done")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _spending(ledger: Ledger, terms: Terms) -> None:
    if ledger.state(LEDGER_STUDY, terms.run) != "released":  # else every answer is saved, and none is drawn
        ledger.begin(LEDGER_STUDY, terms.run)


def _witness(state: State, terms: Terms, folder: Path) -> SavedAnswers:
    return SavedAnswers(
        state,
        LEDGER_STUDY,
        audit_number(terms.run),
        advice=f"Restore the folder from a backup, or delete {folder} to give the audit up; what it was "
        "charged stays charged",
    )


def _one_run(
    setting: _Setting,
    terms: Terms,
    ledger: Ledger,
    folder: Path,
    key: bytes,
    answers: Observed,
    progress: Progress | None,
) -> OneRunAudit:
    classes, source = setting.plan.classes, SecureNoise()
    kept = ReleaseStore(folder / "planted", key)
    saved = kept.load(0)
    if saved is None:
        planted = running.plant(
            setting.method, setting.constants, setting.patients(), len(classes), terms.canaries, source
        )
        kept.save(0, planting.to_arrays(planted))
    else:
        planted = planting.from_arrays(saved, _fitting(setting, saved))
    _spending(ledger, terms)
    running.train(setting.method, planted, classes, terms.noise, setting.start, answers, source, progress)
    scores = running.attack(setting.method, planted, classes, setting.start, answers)
    found = judge(scores, planted.coins, terms.guesses, terms.claim)
    return OneRunAudit(found, scores, planted.coins)


def _fitting(setting: _Setting, saved: Mapping[str, Any]) -> MethodConstants:
    """The constants for a planted data set: the probe's features were lengthened."""
    if not isinstance(setting.constants, LinearProbeConstants):
        return setting.constants
    from privxray.audit.probe_canaries import lengthened

    return lengthened(setting.constants, saved["inputs"].shape[1])


def _membership(
    setting: _Setting,
    terms: Terms,
    ledger: Ledger,
    folder: Path,
    key: bytes,
    answers: Observed,
    progress: Progress | None,
) -> Membership:
    classes, source = setting.plan.classes, SecureNoise()
    data = setting.patients()
    kept = ReleaseStore(folder / "planted", key)
    saved = kept.load(0)
    if saved is None:
        coins = toss(data.patient_count, source)
        membership.members_of(data, coins)  # refuses too few patients before anything is spent
        kept.save(0, {"coins": coins.astype(np.uint8)})
    else:
        coins = saved["coins"].astype(bool)
    _spending(ledger, terms)
    scores = membership.train(
        setting.method,
        data,
        coins,
        setting.constants,
        classes,
        terms.noise,
        setting.start,
        answers,
        source,
        progress,
    )
    return membership.compare(scores, coins, terms.claim)
