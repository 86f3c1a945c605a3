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
        CheckReport,
        CommitteeTerms,
        Contributed,
        DeidentifyReport,
        Exported,
        Guarantee,
        IngestReport,
        Inspected,
        Joined,
        OtherTasks,
        OwnCounts,
        Passphrase,
        Planned,
        Prediction,
        PrivxrayError,
        Profile,
        Requested,
        Scores,
        SuccessorTerms,
        Terms,
        Told,
        Trained,
        Unmasked,
        Workspace,
        accept,
        aggregate,
        check,
        continue_plan,
        deidentify,
        describe_patients,
        draw_study,
        evaluate,
        evaluate_together,
        export_update,
        ingest,
        init_coordinator,
        init_hospital,
        init_trustee,
        inspect_file,
        join,
        load_profile,
        make_plan,
        own_counts,
        predict,
        train,
        unmask,
    )

__all__ = [
    "Accepted",
    "Aggregated",
    "Agreed",
    "CheckReport",
    "CommitteeTerms",
    "Contributed",
    "DeidentifyReport",
    "Exported",
    "Guarantee",
    "IngestReport",
    "Inspected",
    "Joined",
    "OtherTasks",
    "OwnCounts",
    "Passphrase",
    "Planned",
    "Prediction",
    "PrivxrayError",
    "Profile",
    "Requested",
    "Scores",
    "SuccessorTerms",
    "Terms",
    "Told",
    "Trained",
    "Unmasked",
    "Workspace",
    "__version__",
    "accept",
    "aggregate",
    "check",
    "continue_plan",
    "deidentify",
    "describe_patients",
    "draw_study",
    "evaluate",
    "evaluate_together",
    "export_update",
    "ingest",
    "init_coordinator",
    "init_hospital",
    "init_trustee",
    "inspect_file",
    "join",
    "load_profile",
    "make_plan",
    "own_counts",
    "predict",
    "train",
    "unmask",
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
