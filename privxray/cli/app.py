"""The ``privxray`` command, and all of its sub-commands. Every test in tests/cli types them."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import typer

from privxray.cli.commands import (
    audit_commands,
    budget_command,
    check_commands,
    completion_command,
    crosswalk_commands,
    deidentify_commands,
    demo_command,
    doctor_command,
    exports_command,
    extractor_commands,
    help_command,
    infer_commands,
    inspect_command,
    model_commands,
    report_commands,
    status_command,
    withdraw_command,
)
from privxray.cli.commands.custody import (
    backup_command,
    distrust_command,
    passphrase_command,
    recovery_commands,
    restore_command,
    revoke_command,
    succeed_command,
    vote_command,
)
from privxray.cli.commands.study import (
    accept_command,
    aggregate_command,
    card_command,
    describe_command,
    evaluate_command,
    export_update_command,
    ingest_command,
    init_command,
    join_command,
    labels_command,
    plan_command,
    predict_command,
    refuse_command,
    train_command,
    unmask_command,
    verify_command,
    waive_command,
)
from privxray.cli.root import new_app
from privxray.cli.running import run_command
from privxray.system import console, process_memory

app = new_app()
check_commands.add_to(app)
deidentify_commands.add_to(app)
for command in (
    init_command.init,
    card_command.card,
    labels_command.labels,
    ingest_command.ingest,
    describe_command.describe,
    train_command.train,
    evaluate_command.evaluate,
    predict_command.predict,
    plan_command.plan,
    aggregate_command.aggregate,
    join_command.join,
    export_update_command.export_update,
    unmask_command.unmask,
    refuse_command.refuse,
    waive_command.waive,
    accept_command.accept,
    verify_command.verify,
    status_command.status,
    inspect_command.inspect,
    budget_command.budget,
    exports_command.exports,
    withdraw_command.withdraw,
    doctor_command.doctor,
    help_command.help_,
    passphrase_command.passphrase,
    backup_command.backup,
    restore_command.restore,
    revoke_command.revoke,
    succeed_command.succeed,
    distrust_command.distrust,
    vote_command.vote,
    completion_command.completion,
    demo_command.demo,
):
    app.command(command.__name__.strip("_").replace("_", "-"))(command)
extractor_commands.add_to(app)
infer_commands.add_to(app)
model_commands.add_to(app)
crosswalk_commands.add_to(app)
recovery_commands.add_to(app)
report_commands.add_to(app)
audit_commands.add_to(app)


@cache
def _parser() -> Any:
    """The commands with their options. Typer would read every signature anew for each command that is run."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run one command in this process and return its exit code."""
    return run_command(_parser().main, arguments)


def main() -> None:
    """Run what was typed. Scripts of earlier installations start here, others in ``privxray.__main__``."""
    process_memory.keep_private()
    console.prepare()
    completion_command.answer_shells()
    sys.exit(run(sys.argv[1:]))
