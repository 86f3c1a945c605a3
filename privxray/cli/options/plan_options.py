"""The options of ``plan`` that say on which terms a study goes. Tested in tests/cli/test_typed_terms.py."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from privxray.cli.options.extractor_options import Layers, Pixels, reading
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.workflow.coordinator.planning.chosen_extractor import ChosenExtractor
    from privxray.workflow.coordinator.planning.plan_terms import Terms
    from privxray.workspace.folder import Workspace


_OF_COMMITTEE = frozenset(
    {"mode", "keyholders", "threshold", "corrupt_keyholders", "corrupt_hospitals", "minimum_cohort"}
)


@dataclass(frozen=True)
class TermsOptions:
    """What was typed of a study's terms; None where an option was not."""

    method: Annotated[
        Literal["linear-probe", "dp-sgd"] | None,
        typer.Option("--method", help="How hospitals train.  [default: linear-probe]", show_default=False),
    ] = None
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes", help="Labels, by comma.  [default: normal,bacteria,virus]", show_default=False
        ),
    ] = None
    rounds: Annotated[int | None, typer.Option("--rounds", help="Training rounds.", show_default=False)] = (
        None
    )
    epsilon: Annotated[
        float | None,
        typer.Option(
            "--epsilon", help="Per patient, over the whole study.  [default: 6]", show_default=False
        ),
    ] = None
    delta: Annotated[
        float | None,
        typer.Option(
            "--delta",
            help="The chance that this promise fails; above 0.01 over the largest hospital's stated patients "
            "everybody is told.  [default: 1e-5, or less for hospitals of more than 1000]",
            show_default=False,
        ),
    ] = None
    from_file: Annotated[
        Path | None,
        typer.Option("--from", help="Terms from a YAML file; options override it.", show_default=False),
    ] = None
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", help="dp-sgd: the first round's weights, a safetensors file.", show_default=False
        ),
    ] = None
    extractor: Annotated[
        Path | None,
        typer.Option(
            "--extractor",
            help="A feature extractor of your own, an ONNX file that every hospital adds as well.",
            show_default=False,
        ),
    ] = None
    layers: Layers = None
    pixels: Pixels = None
    mode: Annotated[
        Literal["strict", "keyholders"] | None,
        typer.Option(
            "--mode",
            help="strict: every hospital must deliver. keyholders: the sum opens without those that don't.  "
            "[default: strict]",
            show_default=False,
        ),
    ] = None
    keyholders: Annotated[
        list[str] | None,
        typer.Option(
            "--keyholder", help="A hospital that is also a keyholder; may be repeated.", show_default=False
        ),
    ] = None
    threshold: Annotated[
        int | None,
        typer.Option(
            "--threshold",
            help="How many keyholders must answer.  [default: the least that is safe]",
            show_default=False,
        ),
    ] = None
    corrupt_keyholders: Annotated[
        int | None,
        typer.Option(
            "--corrupt-keyholders",
            help="How many keyholders may be corrupt.  [default: 1]",
            show_default=False,
        ),
    ] = None
    corrupt_hospitals: Annotated[
        int | None,
        typer.Option(
            "--corrupt-hospitals",
            help="How many hospitals may be in league with the coordinator.  [default: 1]",
            show_default=False,
        ),
    ] = None
    minimum_cohort: Annotated[
        int | None,
        typer.Option(
            "--minimum-cohort",
            help="The fewest hospitals whose sum may be opened.  [default: the least that is safe]",
            show_default=False,
        ),
    ] = None

    commitments: Annotated[
        bool | None,
        typer.Option(
            "--commitments/--no-commitments",
            help="Whether each hospital can check that the model is the sum of what all committed to.  "
            "[default: yes for linear-probe, where every card allows it]",
            show_default=False,
        ),
    ] = None

    describe_epsilon: Annotated[
        float | None,
        typer.Option(
            "--describe-epsilon",
            help="Have hospitals describe their patients first, at this epsilon: noisy counts by class, age "
            "and sex over all hospitals. It comes on top of --epsilon.",
            show_default=False,
        ),
    ] = None
    evaluate_epsilon: Annotated[
        float | None,
        typer.Option(
            "--evaluate-epsilon",
            help="Have hospitals evaluate the model together at the end, at this epsilon, on held-out "
            "patients. It comes on top of --epsilon.",
            show_default=False,
        ),
    ] = None
    masks: Annotated[
        Literal["x25519", "hybrid"] | None,
        typer.Option(
            "--masks",
            help="hybrid: masks that outlive quantum computers, for one file more from and to each hospital, "
            "once a study.  [default: x25519]",
            show_default=False,
        ),
    ] = None
    successors: Annotated[
        str | None,
        typer.Option(
            "--successors",
            help="Hospitals, by comma, that name another coordinator together if this one's key is lost. "
            "Without it the study ends then.",
            show_default=False,
        ),
    ] = None
    successor_threshold: Annotated[
        int | None,
        typer.Option(
            "--successor-threshold",
            help="How many of them have to agree, at least 2.  [default: more than half]",
            show_default=False,
        ),
    ] = None

    def typed(self) -> dict[str, Any]:
        """What was typed, by the names of the fields; empty if nothing was."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, [])}

    def terms(self, workspace: Workspace) -> Terms:
        """The terms: options over the file over the defaults.

        :param workspace: the coordinator's. An extractor's file is put into it.
        :raises UsageError: an option is out of range, or there are terms of keyholders in a strict plan.
        :raises StrangeFileError: the file holds no terms of a plan.
        """
        from privxray.cli.options.typed_terms import read_terms

        options = self.typed()
        typed = bool(options.keys() - _OF_COMMITTEE)
        path, start, *extractor = (
            options.pop(name, None) for name in ("from_file", "start", "extractor", "layers", "pixels")
        )
        terms = replace(read_terms(path, options), start=start, typed=typed)
        return replace(terms, extractor=_chosen(workspace, *extractor))


def _chosen(
    workspace: Workspace, file: Path | None, layers: str | None, pixels: str | None
) -> ChosenExtractor | None:
    how = reading(layers, pixels)
    if file is None:
        if layers or pixels:
            raise UsageError(
                "--layers and --pixels say how a file of --extractor is read, and none is named",
                reason="plan.layers-without-extractor",
                advice="Name it: --extractor FILE.onnx",
            )
        return None
    from privxray.workflow.coordinator.planning.chosen_extractor import choose_extractor

    return choose_extractor(workspace, file, how)
