"""``describe``: how many patients there are by class, age and sex. Tested in tests/cli/test_tasks.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.closing import close
from privxray.cli.contribution_view import Contribute, Epsilon, contribution_json, tell_contribution
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, Study
from privxray.cli.output import emit, table, tell
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.workflow.hospital.counting.describe import OwnCounts


def describe(
    contribute: Contribute = False,
    epsilon: Epsilon = None,
    study: Study = None,
    as_json: Json = False,
) -> None:
    """Count your patients by class, age and sex.

    Without --contribute the exact counts are shown to you alone. With it they get the noise that the study's
    plan asks for, and the next command is export-update. Example: privxray describe --contribute
    """
    from privxray.workflow.hospital.counting.describe import describe_patients, own_counts

    workspace = current_workspace()
    if contribute:
        done = describe_patients(workspace, study=study, epsilon=epsilon)
        if as_json:
            emit(contribution_json(done))
        tell_contribution(done, "Your patients were counted")
        close("describe --contribute", workspace, study=done.plan.study)
        return
    if epsilon is not None:
        raise UsageError(
            "--epsilon is for a contribution to a study, and --contribute is missing",
            reason="contribute.missing",
            advice="Your own counts have no noise and cost nothing: leave --epsilon out",
        )
    counted = own_counts(workspace, study=study)
    if as_json:
        emit(_json(counted))
    else:
        _show(counted)
    tell("These counts carry no privacy noise: do not pass them on.")
    close("describe", workspace, study=counted.study)


def _json(counted: OwnCounts) -> dict[str, object]:
    from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES

    return {
        "study": counted.study,
        "classes": list(counted.classes),
        "age_bands": [*AGE_BANDS, "unknown"],
        "sexes": [*SEXES, "unknown"],
        "counts": counted.counts.astype(int).tolist(),
    }


def _show(counted: OwnCounts) -> None:
    from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES

    rows = []
    for axis, (what, names) in enumerate(
        (("class", counted.classes), ("age", (*AGE_BANDS, "unknown")), ("sex", (*SEXES, "unknown")))
    ):
        sums = counted.counts.sum(axis=tuple(one for one in range(3) if one != axis))
        rows += [(what, name, f"{int(number):,}") for name, number in zip(names, sums, strict=True)]
    table(f"Your patients for {counted.study}", ("by", "", "patients"), rows)
