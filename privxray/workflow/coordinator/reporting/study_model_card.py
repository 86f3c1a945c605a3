"""The model card of a study's newest model. It says only what signed files and the coordinator say.

Tested in tests/cli/test_report_study.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.extractor_file import ExtractorFile
from privxray.privacy.guarantee import Guarantee
from privxray.reports.study_page import CardSection, CardTable, ModelCard
from privxray.workflow.common.study_cost import cost_so_far
from privxray.workflow.common.summary_told import Told, calibration_rows, remarks, rows


@dataclass(frozen=True)
class CardFigures:
    """What the hospitals have contributed to a card.

    :ivar described: counts of patients. :ivar evaluated: figures of the model; None where they gave none.
    """

    described: Told | None = None
    evaluated: Told | None = None


CALIBRATION = "Calibration: of the patients who get such a score, the share that is of the class"


def study_model_card(
    plan: PlanHeader, header: ModelHeader, digest: str, licence: str, figures: CardFigures = CardFigures()
) -> ModelCard:
    """The card.

    :param plan: of the round that the model came of. :param digest: of the model's signed header, in hex.
    :param licence: as the coordinator typed it; empty for none.
    :param figures: what summaries of the study say.
    """
    named = header.features_by
    extractor = named.label if isinstance(named, ExtractorFile) else named or "none: it takes pixels"
    return ModelCard(
        title=f"Model card: {plan.study_name}, round {plan.round}",
        facts=[
            ("Classes", ", ".join(header.classes)),
            ("Model", f"SHA-256 {digest} of its signed header"),
            ("Signed", f"{header.created} by {plan.coordinator_name} {plan.coordinator.fingerprint}"),
            ("Method", f"{header.method}, training round {header.stage} of {header.stages}"),
            ("Feature extractor", extractor),
            ("Privacy", _privacy(plan, header, figures)),
            ("Licence", licence or "not stated: ask the coordinator before you use it"),
        ],
        sections=[
            CardSection(
                "Intended use",
                [
                    f"Research on telling {', '.join(header.classes)} apart in chest radiographs of "
                    "patients like those that it was trained on. Its probabilities are no diagnoses, and "
                    "it is no medical device. It is not meant for other views, other parts of the body or "
                    "other findings."
                ],
            ),
            _data(plan, figures.described),
            _metrics(figures.evaluated),
            CardSection(
                "Limits",
                [
                    "Noise was added for privacy: rare classes and small groups of patients suffer most. "
                    "For whom it does worse is not known outside the hospitals.",
                    "A hospital of the study could have moved the model within the plan's bounds, and nobody "
                    "could see which one.",
                    "Machines, settings and patients other than those of the study's hospitals can change "
                    "its probabilities.",
                ],
            ),
        ],
    )


def _privacy(plan: PlanHeader, header: ModelHeader, figures: CardFigures) -> str:
    """What a patient is promised of the model, and of all that the card says."""
    alone = Guarantee(header.epsilon, header.delta)
    if figures.described is None and figures.evaluated is None:
        return str(alone)
    together = cost_so_far(figures.evaluated.plan if figures.evaluated else plan)
    return f"{alone} for the model; at most epsilon {together.epsilon:.4g} with the figures on this card"


def _metrics(told: Told | None) -> CardSection:
    if told is None:
        return CardSection(
            "Metrics",
            [
                "No hospital has contributed figures to the coordinator, so none are stated here. Each "
                "hospital knows how well it does on its own held-out patients. Measure it on yours before "
                "you use it."
            ],
        )
    tables = [CardTable("AUC and sensitivity", ["figure", "of", "value (95 % interval)"], rows(told))]
    calibrated = calibration_rows(told)
    if calibrated:
        heads = ["class", "score", "patients", "share that is of the class (95 % interval)"]
        tables.append(CardTable(CALIBRATION, heads, calibrated))
    return CardSection(
        "Metrics",
        ["On held-out patients of all hospitals together, from noisy histograms of their scores:"],
        tables,
        [*(f"{remark}." for remark in remarks(told)), "Measure it on your own patients before you use it."],
    )


def _data(plan: PlanHeader, described: Told | None) -> CardSection:
    hospitals = ", ".join(member.name for member in plan.roster.members)
    told = [
        f"Chest radiographs of the patients of {len(plan.roster.members)} hospitals ({hospitals}). No image "
        "left its hospital.",
    ]
    if plan.sizes:
        most = "; ".join(f"{name}: at most {size.bracket:,}" for name, size in plan.sizes.items())
        told.append(f"Patients, as the hospitals' cards state: {most}.")
    else:
        told.append("The hospitals' cards state no number of patients.")
    if described is None:
        told.append("The cards say nothing of age, sex, machines or years.")
        return CardSection("Data", told)
    told.append("Patients of all hospitals together, counted with noise before the training:")
    counts = CardTable("Patients", ["by", "which", "patients ± standard error"], rows(described))
    notes = [*(f"{remark}." for remark in remarks(described)), "Nothing is said of machines or years."]
    return CardSection("Data", told, [counts], notes)
