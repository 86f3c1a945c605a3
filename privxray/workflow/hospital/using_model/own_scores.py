"""The figures of a hospital's own training on its held-out patients, kept for when the global model comes.

An export destroys the training result. So what it was good for is computed as soon as it is trained. Kept
are a few figures with their deviations, in ``rounds/``, and neither the result nor what it said of any image:
from predictions somebody who steals the workspace could compute the result (docs/adr/0105).

Tested in tests/cli/test_evaluate.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from privxray.errors import PrivxrayError
from privxray.evaluation import spoilt
from privxray.evaluation.held_out import Predictions, estimates
from privxray.evaluation.resampling import Estimate, resampled_weights
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.hospital.data_set import open_dataset
from privxray.workflow.hospital.using_model.classifier import own_model
from privxray.workflow.hospital.using_model.held_out_data import HeldOut, held_out
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

SPLITS: Final = ("val", "test")
FILE: Final = "own-scores.json"

_Kept = dict[str, tuple[str, dict[str, tuple[float | None, float | None, float | None, float | None]]]]
"""By split: which patients, as :attr:`HeldOut.digest`, and each metric's estimate."""
_READ: Final = TypeAdapter(tuple[str, _Kept])


def keep_own_scores(session: Session, round_: Round, progress: Progress | None = None) -> None:
    """Score a training that has not been exported, on each held-out split that has patients; once a training.

    Nothing is raised where it can't be scored: the training is done, and what is missing is a comparison.
    """
    if round_.state is not RoundState.TRAINED or round_.vector_key is None:
        return
    made_of = hashlib.sha256(round_.vector_key).hexdigest()
    path = _path(session, round_)
    kept = _read(path)
    if kept is not None and kept[0] == made_of:
        return
    found: _Kept = {}
    with suppress(PrivxrayError):
        model = own_model(session, round_)
        with open_dataset(session, round_.study) as dataset:
            for split in SPLITS:
                seen = held_out(session, dataset, round_.study, split, model, progress)
                if seen is not None:
                    found[split] = (seen.digest, _figures(seen.predictions(model)))
        make_private_folder(path.parent)
        write_atomic(path, json.dumps((made_of, found)).encode(), overwrite=True)


def own_scores(session: Session, round_: Round, split: str, seen: HeldOut) -> Mapping[str, Estimate] | None:
    """The kept figures of a round's own training, by metric.

    :param seen: the patients that they are to be compared on.
    :returns: None where none were kept, or those of other patients.
    """
    kept = _read(_path(session, round_))
    digest, figures = kept[1].get(split, ("", {})) if kept else ("", {})
    if digest != seen.digest:
        return None
    return {name: Estimate(*values) for name, values in figures.items()}


def kept_figures(session: Session, round_: Round, split: str = "val") -> Mapping[str, Estimate]:
    """The kept figures of a round's own training, whoever is held out now; empty where none were kept."""
    kept = _read(_path(session, round_))
    return {} if kept is None else {n: Estimate(*v) for n, v in kept[1].get(split, ("", {}))[1].items()}


def _figures(
    predictions: Predictions,
) -> dict[str, tuple[float | None, float | None, float | None, float | None]]:
    found = estimates(predictions, resampled_weights(predictions.patients))
    return {name: astuple(one) for name, one in {**spoilt.figures(predictions), **found}.items()}


def _path(session: Session, round_: Round) -> Path:
    return session.workspace.round_folder(round_.study, round_.trained_in) / FILE


def _read(path: Path) -> tuple[str, _Kept] | None:
    """What was kept; None where nothing was, or the file is damaged: it can be missed."""
    try:
        return _READ.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
