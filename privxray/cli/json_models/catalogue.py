"""Which command prints which object, as models and JSON schemas. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from pydantic import TypeAdapter

from privxray.cli.json_models import (
    audits,
    contributions,
    custody,
    evaluation,
    images,
    infer,
    looking,
    spending,
    study,
    training,
)
from privxray.cli.json_models.printed import Failure, Printed

JSONL = "check --jsonl"
"""The one command that prints an object a line."""
ERROR = "error"
"""What every command prints that fails."""

OUTPUTS: Mapping[str, tuple[type[Printed], ...]] = {
    "init": (study.Initialised,),
    "card": (study.CardWritten, study.CandidacyWritten),
    "plan": (study.Planned,),
    "join": (study.Joined, custody.CoordinatorNamed),
    "check": (images.Checked, images.ShardDone),
    JSONL: (images.FileLine, images.SetLine),
    "check key": (images.PathWritten,),
    "check terms": (images.ShardDone, images.CheckTermsMerged),
    "labels": (images.LabelsWritten,),
    "deidentify": (images.Deidentified, images.ShardDone),
    "deidentify key": (images.PathWritten,),
    "deidentify terms": (images.ShardDone, images.CopyTermsMerged),
    "ingest": (images.Ingested,),
    "train": (training.Trained, training.Rehearsed),
    "export-update": (training.UpdateExported,),
    "aggregate": (study.SumOpened, study.RequestMade),
    "unmask": (study.ShareWritten,),
    "refuse": (study.RefusalWritten,),
    "waive": (study.WaiverWritten,),
    "accept": (study.Accepted,),
    "verify": (study.Proven, study.Worded),
    "evaluate": (evaluation.Scored, contributions.Contributed),
    "describe": (contributions.Contributed, contributions.OwnCounts),
    "predict": (evaluation.Predicted,),
    "model export": (evaluation.ModelExported,),
    "report training": (looking.TrainingReported,),
    "report study": (looking.StudyReported,),
    "report privacy": (looking.PrivacyReported,),
    "extractor add": (images.ExtractorAdded,),
    "extractor list": (images.ExtractorsListed,),
    "extractor describe": (images.ExtractorDescribed,),
    "infer offer": (infer.Offered,),
    "infer ask": (infer.Asked,),
    "infer answer": (infer.Answered,),
    "infer read": (infer.AnswerRead,),
    "infer distrust": (infer.KeyWordsForgotten,),
    "crosswalk show": (images.CrosswalkRead,),
    "status": (looking.Status, looking.FileThatCame),
    "inspect": (looking.Inspected, looking.SeveralInspected),
    "doctor": (looking.DoctorsReport,),
    "budget": (spending.BudgetSeen,),
    "exports": (spending.Exports,),
    "withdraw": (spending.Withdrawn,),
    "help": (looking.Words, looking.WordExplained, looking.ReasonExplained),
    "passphrase": (custody.PassphraseChanged,),
    "backup": (custody.BackupWritten,),
    "restore": (custody.Restored,),
    "revoke": (custody.Revoked,),
    "succeed": (custody.Succeeded, custody.Recovered, custody.StudyTakenOver),
    "distrust": (custody.Distrusted,),
    "recovery make": (custody.RecoveryMade,),
    "recovery check": (custody.RecoveryChecked,),
    "vote": (custody.Voted,),
    "audit conformance": (audits.ConformanceAudited,),
    "audit one-run": (audits.OneRunAudited,),
    "audit membership": (audits.MembershipAudited,),
    "audit inversion": (audits.InversionAudited,),
    "demo": (audits.DemoPlayed,),
    ERROR: (Failure,),
}
"""By command, what it prints: one of these. A command that fails prints a Failure instead."""


def adapter(command: str) -> TypeAdapter[Any]:
    """What holds a text against the models of a command.

    :raises KeyError: no command of this name has ``--json``.
    """
    return TypeAdapter(reduce(or_, OUTPUTS[command]))


def schema(command: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of what a command prints.

    :raises KeyError: no command of this name has ``--json``.
    """
    made = adapter(command).json_schema(mode="validation", by_alias=True)
    _drop_generated_titles(made)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"privxray {command}"}
    return head | {key: value for key, value in made.items() if key != "title"}


def _drop_generated_titles(node: Any) -> None:
    """Take out the titles that pydantic makes of keys: they say the key once more."""
    if isinstance(node, dict):
        for key, inner in node.items():
            if key == "properties":
                for one in inner.values():
                    one.pop("title", None)
            _drop_generated_titles(inner)
    elif isinstance(node, list):
        for inner in node:
            _drop_generated_titles(inner)
