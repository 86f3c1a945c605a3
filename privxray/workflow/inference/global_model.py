"""The model owner's global model: found by its fingerprint, and its linear head. The head never leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.errors import STATUS_SAYS, RefusedError, UsageError, WorkspaceError
from privxray.exchange.messages.model import ModelHeader
from privxray.formats.tensors import unpack
from privxray.workflow.common.kept_file import read_kept
from privxray.workflow.inference.fingerprints import matches
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.inference.owner_side import Head


@dataclass(frozen=True)
class GlobalModel:
    """A global model that is kept here.

    :ivar digest: SHA-256 of its signed header, in hex: its fingerprint.
    :ivar tensors: its weights, as the method of its header names them.
    """

    digest: str
    header: ModelHeader
    tensors: Mapping[str, NDArray[Any]]


def find_model(
    workspace: Workspace, state: State, typed: str | None, *, file: Path | None = None
) -> GlobalModel:
    """The global model that was signed last of those here, or the one whose fingerprint begins as typed.

    Which one was signed last is what their coordinators' clocks say. ``privxray infer`` names the model.

    :param file: the file that was typed in place of the fingerprint, for an error to name.
    :raises WorkspaceError: there is none.
    :raises UsageError: several have a fingerprint that begins so.
    :raises MalformedError: the file is not the one that was verified.
    """
    found = {r.model: r for r in state.rounds() if r.model is not None and matches(r.model, typed)}
    if typed is not None and len(found) > 1:
        raise UsageError(
            "several models here have a fingerprint that begins with these digits",
            reason="model.several",
            advice="Type more digits",
        )
    if not found:
        raise WorkspaceError(
            "no global model is here yet" if typed is None else _unknown(file),
            reason="model.none-yet" if typed is None else "model.unknown",
            file=file or workspace.root,
            advice=STATUS_SAYS,
        )
    newest = {round_.study: round_ for round_ in found.values()}  # of each study the last one
    models = [_read(workspace, round_) for round_ in newest.values()]
    return max(models, key=lambda model: model.header.created)


def _unknown(file: Path | None) -> str:
    return "no model here has this fingerprint" if file is None else "this model was not taken in here"


def _read(workspace: Workspace, round_: Round) -> GlobalModel:
    assert round_.model is not None  # only such rounds are found
    header, body = read_kept(workspace.model_copy(round_.study, round_.number), round_.model, ModelHeader)
    return GlobalModel(round_.model, header, unpack(body))


def head_of(model: GlobalModel) -> Head:
    """The linear head of a model, with scores that sum to zero over the classes.

    :raises RefusedError: the model has none.
    """
    from privxray.inference.owner_side import Head

    if model.header.method != "linear-probe":
        raise RefusedError(
            f"encrypted inference works with linear-probe models only, and this one is {model.header.method}",
            reason="offer.other-method",
            advice="Offer another model with --model",
        )
    from privxray.learning.linear_probe.linear_probe_method import LinearProbe, linear_head

    return Head.centred(*linear_head(model.tensors, LinearProbe().constants(model.header.constants)))
