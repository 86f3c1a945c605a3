"""``privxray deidentify`` writes clean copies of images, and says what became of each file.

Tested in tests/cli/test_deidentify.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from
from privxray.cli.options import Jobs, Json
from privxray.cli.options.passed_over import (
    ListPassedOver,
    medium_json,
    medium_lines,
    passed_over_json,
    show_passed_over,
)
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.output import counted, emit, progress, table, tell
from privxray.deid.workers.worker_pool import worker_count
from privxray.errors import FindingsError
from privxray.naming.public_names import public_name
from privxray.system.names import quoted

if TYPE_CHECKING:
    from privxray.deid.profile.profile import Profile
    from privxray.workflow.images.deidentify_folder import DeidentifyReport
    from privxray.workspace.folder import Workspace

_SHOWN = 60


@takes_profile(writes=True)
def deidentify(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A folder of DICOM, JPEG or PNG files, a DICOMDIR, a zip, or one file."
        ),
    ],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="A new folder for the copies.")],
    profile: Typed,
    ocr: Annotated[
        bool, typer.Option("--ocr", help="Look for text in the pixels and black it (needs privxray[ocr]).")
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="A csv for SOURCE; one for the copies is written into DEST.", show_default=False
        ),
    ] = None,
    drop_unknown_text: Annotated[
        bool,
        typer.Option(
            "--drop-unknown-text",
            help="In attributes that the profile keeps, replace text with words that are no terms.",
        ),
    ] = False,
    jobs: Jobs = None,
    listed: ListPassedOver = False,
    as_json: Json = False,
) -> None:
    """Write de-identified copies of images (DICOM PS3.15). The originals are only read."""
    from privxray.workflow.images.deidentify_folder import DeidentifyOptions, deidentify_folder

    workspace = current_workspace()
    taken = replace(profile.load(), drop_unknown_text=drop_unknown_text)
    with progress("Reading headers") as heads, progress("De-identifying") as bar:
        terms = DeidentifyOptions(taken, ocr, labels, worker_count(jobs), tell)
        summary = deidentify_folder(workspace, source, dest, terms, progress=bar, reading=heads)
    if as_json:
        emit(_json(summary, taken, ocr) | passed_over_json([source], listed=listed))
    else:
        _show(summary, taken, ocr)
        show_passed_over([source], listed=listed)
    copies = _typed_again(workspace, dest)
    csv = f"{copies}/labels.csv" if labels is not None else "labels.csv"
    if summary.quarantined:
        raise FindingsError(
            f"{len(summary.quarantined)} of {counted(summary.files, 'file')} could not be made clean and "
            "have no copy",
            reason="copies.quarantined",
            advice="The copies of the others are done; read above why these have none. To go on without "
            f"these, type: privxray ingest {copies} --labels {csv}",
        )
    if not as_json:
        close("deidentify", workspace, folder=copies, file=csv, options=_same_options(profile, ocr))


def _typed_again(workspace: Workspace, path: Path) -> str:
    """The copies' folder as the next command names it; DEST where its name may identify somebody."""
    seen = PurePath(seen_from(workspace.root, path)).as_posix()  # slashes do on Windows, too
    neutral = public_name(PurePath(seen.lstrip("/")), 0) == seen.lstrip("/")
    return quoted(seen) if neutral else "DEST"


def _same_options(typed: Typed, ocr: bool) -> str:
    """The options with which check and ingest judge these copies by the rules that they were made by."""
    from privxray.deid.profile.profile import ProfileOption

    options = {ProfileOption(key) for key in typed.options} | (
        {ProfileOption.CLEAN_PIXEL_DATA} if ocr else set()
    )
    # A profile's own name is typed by the user, and a path in it may be anybody's.
    named = ["--profile ..."] if typed.name else []
    return "".join(f" {flag}" for flag in named + sorted(option.flag for option in options))


def _json(summary: DeidentifyReport, profile: Profile, ocr: bool) -> dict[str, object]:
    return {
        "profile": profile.summary,
        "pixels_searched": ocr,
        "files": summary.files,
        "made": summary.made,
        "made_before": summary.before,
        "passed_over": summary.skipped,
        "blacked": summary.blacked,
        "labels": summary.labels,
        "unlabelled": summary.unlabelled,
        "quarantined": [{"file": file.name, "reason": file.reason} for file in summary.quarantined],
    } | medium_json(summary.indexes, summary.missing)


def _show(summary: DeidentifyReport, profile: Profile, ocr: bool) -> None:
    listed = summary.quarantined[:_SHOWN]
    if listed:
        table("Not copied", ("file", "reason"), ((file.name, file.reason) for file in listed))
    if len(summary.quarantined) > len(listed):
        more = len(summary.quarantined) - len(listed)
        tell(f"{counted(more, 'more file')} not shown; --json lists everything.")
    table(
        "De-identified (these counts stay in this hospital)",
        ("what", "files"),
        (
            ("copied now", summary.made),
            ("copied by earlier runs", summary.before),
            ("text in the pixels blacked", summary.blacked if ocr else None),
            ("not copied", len(summary.quarantined)),
            ("passed over as no images", summary.skipped),
            ("DICOMDIR, the index of a medium", summary.indexes or None),
        ),
    )
    for line in medium_lines(summary.indexes, summary.missing, "was left out"):
        tell(line)
    tell(f"Made by {profile.summary}; every copy passed the check.")
    if not ocr:
        tell("The pixels were not searched for text; --ocr does that.")
    if summary.labels is not None:
        left_out = counted(summary.unlabelled, "image") if summary.unlabelled else ""
        tell(
            f"labels.csv has {counted(summary.labels, 'row')}"
            + (f"; {left_out} of the csv for SOURCE without a copy left out." if left_out else ".")
        )
