"""``status``: where a workspace stands, and what to type next. Tested in tests/cli/test_advice.py."""

from __future__ import annotations

from privxray.cli.closing import next_step
from privxray.cli.current_workspace import current_workspace, place_of
from privxray.cli.options import Json
from privxray.cli.output import emit, line, table, tell


def status(as_json: Json = False) -> None:
    """Where this workspace stands, and what to type next."""
    from privxray.workflow.upkeep.status import overview

    workspace = current_workspace()
    # A script is told what to type in the workspace, wherever it stands.
    seen = overview(workspace, "" if as_json else place_of(workspace.root))
    if as_json:
        emit(
            {
                "workspace": str(workspace.root),
                "role": workspace.config.role,
                "name": workspace.config.name,
                "rounds": [{"study": r.study, "round": r.number, "state": r.state} for r in seen.rounds],
                "key_words": dict(seen.key_words),
                "trained": [{"study": t.study, "round": t.round, **t.to_json()} for t in seen.trained],
                "answered": [{"hospital": h, "model": m, "images": n} for h, m, n in seen.answered],
                "queries_waiting": seen.waiting,
                "remarks": list(seen.remarks),
                "next": list(seen.advice),
            }
        )
        return
    table(
        f"{workspace.config.name}, a {workspace.config.role}'s workspace: {workspace.root}",
        ("study", "round", "state"),
        ((r.study, r.number, r.state) for r in seen.rounds),
    )
    for study, words in seen.key_words.items():
        line(f"Key words of {study}: {words}")
    for trained in seen.trained:
        tell(f"{trained.study}, {trained}.")
    if seen.answered:
        table(
            "Encrypted images answered",
            ("hospital", "model", "images"),
            ((who, model[:16], images) for who, model, images in seen.answered),
        )
    if seen.waiting:
        tell(f"Queries whose answer has not been read here: {seen.waiting}.")
    for remark in seen.remarks:
        tell(f"Note: {remark}.")
    for advice in seen.advice:
        next_step(advice)
