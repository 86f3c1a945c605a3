"""The front door for programs: a whole study from a notebook or a pipeline.

``import privxray`` is enough: the package hands out every name of :data:`__all__` and loads this module when
one is first used. Names and signatures are stable: a change is announced in CHANGELOG.md, and docs/API.md
shows how the functions follow each other. Everything else in the package may move from one version to the
next.

The functions do what the commands do, with the same checks and the same files, and they print nothing. Each
raises a :class:`PrivxrayError`, whose ``reason`` has a stable name (docs/REASONS.md) and whose text holds
nothing that was read from a patient's data.

The module has more than 300 lines because it lists every name twice, where it comes from and in ``__all__``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from privxray.deid.findings.report import Report as CheckReport
from privxray.deid.pixels.text import load_finder
from privxray.deid.profile.profile import Profile, ProfileOption
from privxray.deid.workers.worker_pool import worker_count
from privxray.demo.synthetic_xrays import draw_study
from privxray.errors import PrivxrayError, UsageError
from privxray.imaging.ingest_report import IngestReport
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.init_workspace import init_coordinator, init_hospital, init_trustee
from privxray.workflow.common.summary_told import Told
from privxray.workflow.coordinator.aggregate import aggregate
from privxray.workflow.coordinator.agreeing.close_agreement import Agreed
from privxray.workflow.coordinator.close_round import Aggregated
from privxray.workflow.coordinator.planning.continue_plan import continue_plan
from privxray.workflow.coordinator.planning.enrolment import CommitteeTerms
from privxray.workflow.coordinator.planning.make_plan import make_plan
from privxray.workflow.coordinator.planning.plan_terms import Terms
from privxray.workflow.coordinator.planning.scheduled import OtherTasks
from privxray.workflow.coordinator.planning.sign_plan import Planned
from privxray.workflow.coordinator.planning.successor_terms import SuccessorTerms
from privxray.workflow.coordinator.repeat_round import repeat_round
from privxray.workflow.coordinator.request_shares import Requested
from privxray.workflow.coordinator.take_over_study import Lineage, TakenOver, take_over
from privxray.workflow.custody.candidacy import Candidacy, make_candidacy
from privxray.workflow.custody.distrust import Distrusted, distrust
from privxray.workflow.custody.named_successor import TakenIn
from privxray.workflow.custody.recovery_key import is_own_recovery, make_recovery_file
from privxray.workflow.custody.succeed_by_recovery import Recovered, succeed_by_recovery
from privxray.workflow.custody.vote import Voted
from privxray.workflow.hospital.counting.contribution import Contributed
from privxray.workflow.hospital.counting.describe import OwnCounts, describe_patients, own_counts
from privxray.workflow.hospital.counting.evaluate_together import evaluate_together
from privxray.workflow.hospital.export_update import Exported, export_update
from privxray.workflow.hospital.local_training.train import Trained, train
from privxray.workflow.hospital.taking_in.accept import Accepted
from privxray.workflow.hospital.taking_in.follow_plan import Joined
from privxray.workflow.hospital.using_model.evaluate import Scores, evaluate
from privxray.workflow.hospital.waive import Waived, waive
from privxray.workflow.images.deidentify_folder import DeidentifyReport
from privxray.workflow.keyholder.refuse import Refused, refuse
from privxray.workflow.keyholder.unmask import Unmasked, unmask
from privxray.workflow.upkeep.inspect_file import Inspected, inspect_file
from privxray.workspace.folder import Workspace

__all__ = [
    "Accepted",
    "Aggregated",
    "Agreed",
    "Candidacy",
    "CheckReport",
    "CommitteeTerms",
    "Contributed",
    "DeidentifyReport",
    "Distrusted",
    "Exported",
    "Guarantee",
    "IngestReport",
    "Inspected",
    "Joined",
    "Lineage",
    "OtherTasks",
    "OwnCounts",
    "Passphrase",
    "Planned",
    "Prediction",
    "PrivxrayError",
    "Profile",
    "Recovered",
    "Refused",
    "Requested",
    "Scores",
    "SuccessorTerms",
    "TakenIn",
    "TakenOver",
    "Terms",
    "Told",
    "Trained",
    "Unmasked",
    "Voted",
    "Waived",
    "Workspace",
    "accept",
    "aggregate",
    "check",
    "continue_plan",
    "deidentify",
    "describe_patients",
    "distrust",
    "draw_study",
    "evaluate",
    "evaluate_together",
    "export_update",
    "ingest",
    "init_coordinator",
    "init_hospital",
    "init_trustee",
    "inspect_file",
    "is_own_recovery",
    "join",
    "load_profile",
    "make_candidacy",
    "make_plan",
    "make_recovery_file",
    "own_counts",
    "predict",
    "refuse",
    "repeat_round",
    "succeed_by_recovery",
    "take_in_succession",
    "take_over",
    "train",
    "unmask",
    "vote",
    "waive",
]


@dataclass(frozen=True)
class Prediction:
    """What the model says about one image.

    ``image`` names the image in public: the file's name, or its number where the name may identify somebody.
    ``label`` is the most likely class. ``probabilities`` holds one number for each class; they sum to 1.
    ``trained_on`` says whether this hospital has trained on the image or on its patient in this study: then
    the label shows nothing about new patients.
    """

    image: str
    label: str
    probabilities: Mapping[str, float]
    trained_on: bool = False


def load_profile(name: str | Path = "basic", options: Iterable[str] = ()) -> Profile:
    """A de-identification profile: what may become of each attribute of a DICOM file.

    :param name: ``basic``, ``research``, or a YAML file of your own (docs/RULES.md has its fields).
    :param options: options of DICOM PS3.15 Annex E, named as on the command line: ``clean-descriptors``.
    :raises UsageError: there is no such profile or option, or two options exclude each other.
    :raises MalformedError: the file is not a profile.
    """
    from privxray.deid.profile.profile_file import load_profile as load

    known = {option.flag.removeprefix("--"): option for option in ProfileOption}
    wanted = list(options)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise UsageError(
            f"there is no option {', '.join(unknown)} of a de-identification profile",
            reason="profile.no-such-option",
            advice=f"The options are {', '.join(known)}",
        )
    return load(name).with_options({known[option] for option in wanted})


def check(paths: Iterable[Path | str], *, profile: Profile | None = None, ocr: bool = False) -> CheckReport:
    """Check that images are de-identified, as one set. Nothing is changed, and no workspace is needed.

    :param paths: DICOM, JPEG or PNG files, or folders of them.
    :param profile: see :func:`load_profile`; by default the Basic Profile.
    :param ocr: also look for text in the pixels; this needs the extra ``privxray[ocr]``.
    :returns: the findings, file by file. Files that fail raise nothing: look at ``verdict``.
    :raises UsageError: a path does not exist, there is no image to check, or the extra is missing.
    """
    from privxray.deid.judging.check import check_paths

    find = load_finder() if ocr else None
    report = check_paths([Path(path) for path in paths], profile=profile, jobs=worker_count(), digests=ocr)
    if find is None:
        return report
    from privxray.workflow.images.search_pixels import search_report

    return search_report(report, find)[0]


def deidentify(
    workspace: Workspace,
    source: Path,
    dest: Path,
    *,
    profile: Profile | None = None,
    ocr: bool = False,
    labels: Path | None = None,
) -> DeidentifyReport:
    """Write copies that pass the check into ``dest``; the originals are only read.

    Pseudonyms and moved dates come from a key of the workspace, so they fit those of earlier runs.

    :param profile: see :func:`load_profile`; by default the Basic Profile.
    :param ocr: look for text in the pixels and black it out; this needs the extra ``privxray[ocr]``.
    :param labels: a csv for ``source``. One with the copies' names is written to ``dest``, as ``labels.csv``.
    :returns: counts, and the files that could not be made clean and have no copy (``quarantined``).
    :raises UsageError: there is no image, or the profile asks for what no program can do.
    :raises RefusedError: one folder lies in the other, or ``dest`` holds other files.
    """
    from privxray.deid.profile.basic import basic_profile
    from privxray.workflow.images.deidentify_folder import DeidentifyOptions, deidentify_folder

    options = DeidentifyOptions(profile or basic_profile(), ocr, labels, worker_count())
    return deidentify_folder(workspace, source, dest, options)


def join(workspace: Workspace, plan: Path, key_words: str, *, passphrase: Passphrase | None = None) -> Joined:
    """Verify a plan and follow it: the first step of a hospital or a trustee in a study.

    :param key_words: the twelve words, as another party of the study read them out. They are what ties the
        plan to people, so never take them from the plan's own sender by the same way as the file.
    :param passphrase: gives the passphrase, needed only where the plan begins hybrid masks.
    :raises IdentityError: the words, the signature or the coordinator are wrong.
    :raises RefusedError: an unsafe plan, or one without this party.
    """
    from privxray.workflow.hospital.taking_in.join import join as follow

    return follow(workspace, plan, lambda *_: key_words, passphrase or _no_passphrase)


def ingest(
    workspace: Workspace,
    images: Path,
    labels: Path,
    *,
    profile: Profile | None = None,
    ocr: bool = False,
    study: str | None = None,
) -> IngestReport:
    """Check a folder's images and take them into the hospital's data set, all or none.

    :param labels: a csv with the columns image (or file), patient, label, and optionally split.
    :param profile: by default that of the ingest before, or else the Basic Profile.
    :param ocr: also look for text in the pixels; this needs the extra ``privxray[ocr]``.
    :param study: needed only where the hospital takes part in several.
    :raises NotTakenInError: an image did not pass the check; nothing was taken in.
    :raises WorkspaceError: no study is joined yet.
    """
    from privxray.workflow.hospital.ingest_images import IngestChoices, ingest_folder

    choices = IngestChoices(study=study, profile=profile, find=load_finder() if ocr else None)
    return ingest_folder(workspace, images, labels, choices).report


def accept(
    workspace: Workspace, file: Path, *, key_words: str = "", passphrase: Passphrase | None = None
) -> Accepted:
    """Take in what the coordinator sends back: a global model, or the next plan.

    :param key_words: needed only for a plan whose roster has changed; see :func:`join`.
    :param passphrase: gives the passphrase, needed for a model of a plan with commitments, whose proof has to
        lie beside it, and for a plan that begins hybrid masks.
    :raises IdentityError: not signed by the study's coordinator, or the words are wrong.
    :raises RefusedError: of another study or round, or a replay.
    """
    from privxray.workflow.hospital.taking_in.accept import accept as take

    return take(workspace, file, lambda *_: key_words, passphrase or _no_passphrase)


def vote(
    workspace: Workspace, candidacy: Path, key_words: str, passphrase: Passphrase, *, change: bool = False
) -> Voted:
    """Vote for a new coordinator, the old one's key being lost: a hospital that the plan names.

    :param key_words: the candidate's twelve words, as he or she read them out.
    :param change: vote for another candidate than before.
    :raises IdentityError: the words are wrong.
    :raises RefusedError: the plan gives this hospital no vote, the candidacy is not for its study or is past,
        or another candidate has this hospital's vote.
    """
    from privxray.workflow.custody.vote import VotePrompts
    from privxray.workflow.custody.vote import vote as give

    return give(workspace, candidacy, VotePrompts(lambda _: key_words, passphrase), change=change)


def take_in_succession(workspace: Workspace, file: Path) -> TakenIn:
    """Take in that hospitals have named another coordinator: the old key is refused from now on.

    What a party's recovery key says is taken in by :func:`distrust`.

    :raises MalformedError: the file is no succession.
    :raises IdentityError: a vote is false.
    :raises RefusedError: too few votes, votes before a file that came here, or votes that are over.
    """
    from privxray.workflow.hospital.taking_in.join import take_in_succession as take

    return take(workspace, file)


def _no_passphrase() -> str:
    raise UsageError(
        "this file needs the keys of this workspace, and no passphrase is given",
        reason="passphrase.not-given",
        advice="Call accept with passphrase=",
    )


def predict(
    workspace: Workspace, images: Iterable[Path | str], *, study: str | None = None
) -> tuple[Prediction, ...]:
    """Classify single images by the newest global model. These are no diagnoses.

    :param study: needed only where the hospital takes part in several.
    :raises WorkspaceError: no model has been accepted yet.
    :raises MalformedError: an image does not decode.
    """
    from privxray.naming.public_names import public_names
    from privxray.workflow.hospital.using_model.predict import predict as classify

    paths: Sequence[Path] = [Path(image) for image in images]
    names = public_names(paths)
    done = classify(workspace, paths, names, study=study)
    classes = done.model.classes
    return tuple(
        Prediction(
            image=name,
            label=classes[int(row.argmax())],
            probabilities=dict(zip(classes, map(float, row), strict=True)),
            trained_on=seen,
        )
        for name, row, seen in zip(names, done.probabilities, done.trained_on, strict=True)
    )
