"""``init``: making a workspace. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from privxray.cli.closing import close
from privxray.cli.options import Json, PassphraseFile, PatientsUpTo
from privxray.cli.options.typed_names import require_name
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase, patients_up_to
from privxray.cli.recovery_prompts import make_at_terminal, offered
from privxray.errors import UsageError
from privxray.keys.brackets import USUAL_BRACKET
from privxray.privacy.guarantee import MAX_EPSILON
from privxray.system.private_files import others_may_read

if TYPE_CHECKING:
    from privxray.workflow.common.callbacks import Passphrase
    from privxray.workflow.common.init_workspace import BeforeCard
    from privxray.workspace.folder import Workspace

Role: TypeAlias = Literal["hospital", "coordinator", "trustee"]


def init(
    role: Annotated[
        Role,
        typer.Option(
            "--role",
            help="A hospital has patients; the coordinator runs the study; a trustee holds no data and "
            "helps to open the sum.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="The name by which the others see this party.", show_default=False),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study",
            help="The study's name. Without it, a hospital's first card fits any study.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            help="A hospital's lifetime limit, as epsilon at the delta of its size.  [default: 10]",
            show_default=False,
        ),
    ] = None,
    patients: PatientsUpTo = None,
    recovery: Annotated[
        Path | None,
        typer.Option(
            "--recovery",
            metavar="FILE",
            help="Make a recovery key as well, and write its words into this new file, on a stick.",
            show_default=False,
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a workspace here: keys, a card, a hospital's ledger."""
    make = _maker(role, name, study, _OfHospital(budget, patients))
    secret = passphrase(passphrase_file, new=True)
    workspace = make(secret, _recovery(role, recovery, passphrase_file, secret))
    _show(workspace, as_json)
    close("init", workspace)


@dataclass(frozen=True)
class _OfHospital:
    """What is typed of a hospital alone."""

    budget: float | None
    patients: str | None


def _maker(
    role: Role, name: str | None, study: str | None, own: _OfHospital
) -> Callable[[Passphrase, BeforeCard | None], Workspace]:
    """What makes a workspace of the role, once it is given a passphrase, and what comes before the card.

    :raises UsageError: an option is missing, is another role's, or is no name.
    """
    from privxray.workflow.common import init_workspace

    if role == "coordinator":
        if study is None:
            raise UsageError(
                "a coordinator's workspace serves one study, and --study is missing",
                reason="init.no-study",
                advice="Type: privxray init --role coordinator --study NAME",
            )
        own_name = name or "coordinator"
        _require_options_of(role, name, study, own)
        return lambda secret, _: init_workspace.init_coordinator(Path.cwd(), study, secret, name=own_name)
    if name is None:
        raise UsageError(
            f"a {role}'s workspace needs a name, and --name is missing",
            reason="init.no-name",
            advice=f"Type: privxray init --role {role} --name {role}-a",
        )
    _require_options_of(role, name, study, own)
    if role == "trustee":
        return lambda secret, first: init_workspace.init_trustee(
            Path.cwd(), name, secret, study=study, before_card=first
        )
    size = patients_up_to(own.patients, ask=True) or USUAL_BRACKET
    return lambda secret, first: init_workspace.init_hospital(
        Path.cwd(), name, secret, study=study, budget=own.budget, patients_up_to=size, before_card=first
    )


def _recovery(
    role: Role, file: Path | None, passphrase_file: Path | None, secret: Passphrase
) -> BeforeCard | None:
    """What makes the recovery key that was asked for, or that a person at a terminal wants.

    :raises UsageError: it was asked for a coordinator, in whose place hospitals vote.
    """
    from privxray.workflow.custody.recovery_key import make_recovery_file

    if role == "coordinator":
        if file is not None:
            raise UsageError(
                "a coordinator has no recovery key: hospitals that the plan names vote for another one",
                reason="init.recovery-of-coordinator",
                advice="Leave out --recovery, and name hospitals in the plan: --successors A,B,C",
            )
        return None
    if file is not None:
        return lambda workspace: make_recovery_file(workspace, file, secret)
    return (lambda workspace: make_at_terminal(workspace, secret)) if offered(passphrase_file) else None


def _require_options_of(role: Role, name: str | None, study: str | None, own: _OfHospital) -> None:
    """Look at the options that are the role's.

    :raises UsageError: one is another role's, is out of range, or is no name.
    """
    budget = own.budget
    if role != "hospital" and own.patients is not None:
        raise UsageError(
            f"--patients-up-to is an option of hospitals, and a {role} holds no patients",
            reason="init.size-without-patients",
            advice="Leave out --patients-up-to",
        )
    if role != "hospital" and budget is not None:
        raise UsageError(
            f"--budget is an option of hospitals, and a {role} holds no patients",
            reason="init.budget-without-patients",
            advice="Leave out --budget",
        )
    if budget is not None and not 0.0 < budget <= MAX_EPSILON:  # also true for NaN
        raise UsageError(
            f"--budget can't be '{budget:g}': it has to be a number above 0 and at most {MAX_EPSILON:g}",
            reason="epsilon.out-of-range",
        )
    require_name("--name", name)
    require_name("--study", study)


def _show(workspace: Workspace, as_json: bool) -> None:
    role, name = workspace.config.role, workspace.config.name
    told: dict[str, Any] = {"role": role, "name": name, "incoming": str(workspace.incoming)}
    if role == "coordinator":
        told |= {"study": workspace.config.study, "workspace": str(workspace.root)}
        made = f"the coordinator's workspace of the study {workspace.config.study}"
    else:
        told |= {"workspace": str(workspace.root), "card": str(workspace.card_path)}
        made = f"{name}'s workspace"
    limit = ""
    if role == "hospital":
        from privxray.privacy.ledger import Ledger
        from privxray.workflow.common.own_size import stated_size
        from privxray.workspace.session import looking

        lifetime = Ledger.open(workspace.ledger_path).limit
        told["budget"] = lifetime.to_json()
        with looking(workspace) as session:
            told["patients_up_to"] = stated_size(session.state)
        limit = (
            f" Its lifetime limit is {lifetime}. Its card states at most {told['patients_up_to']:,} patients "
            "(another size: privxray card --patients-up-to N)."
        )
    if as_json:
        emit(told)
    if others_may_read(workspace.identity_path):
        tell(
            "This disk does not keep permissions, as memory sticks often don't: other accounts of this "
            "machine may read your keys. Make the workspace on the machine's own disk."
        )
    tell(
        f"This folder is now {made}.{limit} Keep the passphrase: without it the keys are lost. Put files "
        f"that come for it into {workspace.incoming.name}/; privxray status says what they are and what to "
        "type."
    )
