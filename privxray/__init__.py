"""privxray: several hospitals train one chest X-ray classifier by carrying files.

Programs need no more than ``import privxray``: it hands out the names of :mod:`privxray.api` and loads that
module when one of them is first used, so ``privxray --version`` and worker processes stay quick to start.
docs/ARCHITECTURE.md draws the parts of the package, and which way their imports run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.version import __version__

if TYPE_CHECKING:
    from privxray.api import (
        Accepted,
        Aggregated,
        Agreed,
        Candidacy,
        CheckReport,
        CommitteeTerms,
        Contributed,
        DeidentifyReport,
        Distrusted,
        Exported,
        Guarantee,
        IngestReport,
        Inspected,
        Joined,
        Lineage,
        OtherTasks,
        OwnCounts,
        Passphrase,
        Planned,
        Prediction,
        PrivxrayError,
        Profile,
        Recovered,
        Refused,
        Requested,
        Scores,
        SuccessorTerms,
        TakenIn,
        TakenOver,
        Terms,
        Told,
        Trained,
        Unmasked,
        Voted,
        Waived,
        Workspace,
        accept,
        aggregate,
        check,
        continue_plan,
        deidentify,
        describe_patients,
        distrust,
        draw_study,
        evaluate,
        evaluate_together,
        export_update,
        ingest,
        init_coordinator,
        init_hospital,
        init_trustee,
        inspect_file,
        is_own_recovery,
        join,
        load_profile,
        make_candidacy,
        make_plan,
        make_recovery_file,
        own_counts,
        predict,
        refuse,
        repeat_round,
        succeed_by_recovery,
        take_in_succession,
        take_over,
        train,
        unmask,
        vote,
        waive,
    )

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
    "__version__",
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


def __getattr__(name: str) -> object:
    """A name of the front door, loaded when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from privxray import api

    value: object = getattr(api, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
