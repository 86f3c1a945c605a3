"""``privxray deidentify`` writes clean copies of images, and says what became of each file.

Tested in tests/cli/test_deidentify.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from
from privxray.cli.options import Jobs, Json, PassphraseFile
from privxray.cli.options.file_patterns import expand
from privxray.cli.options.option_group import takes
from privxray.cli.options.passed_over import (
    ListPassedOver,
    medium_json,
    medium_lines,
    passed_over_json,
    show_passed_over,
)
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.options.shard_options import SharingWithTerms, merge_has_own_options, show_shard
from privxray.cli.output import counted, emit, table, tell
from privxray.cli.prompts import passphrase
from privxray.deid.workers.worker_pool import worker_count
from privxray.errors import FindingsError, UsageError
from privxray.naming.public_names import public_name
from privxray.steps import step
from privxray.system.names import quoted

if TYPE_CHECKING:
    from privxray.workflow.images.deidentify_folder import DeidentifyReport
    from privxray.workspace.folder import Workspace

_SHOWN = 60


@takes_profile(writes=True)
@takes("sharing", SharingWithTerms)
def deidentify(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A folder of DICOM, JPEG or PNG files, a DICOMDIR, a zip, or one file."
        ),
    ],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="A new folder for the copies.")],
    profile: Typed,
    sharing: SharingWithTerms,
    parts: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PARTS", help="With --merge, the parts of all shards.", show_default=False),
    ] = None,
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
    crosswalk: Annotated[
        Path | None,
        typer.Option(
            "--crosswalk",
            help="Note in this file, under your passphrase, which copy is of which original.",
            show_default=False,
        ),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids",
            help="A csv (patient, id) with identifiers that a trial has assigned.",
            show_default=False,
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    jobs: Jobs = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --out where it exists.")
    ] = False,
    listed: ListPassedOver = False,
    as_json: Json = False,
) -> None:
    """Write de-identified copies of images (DICOM PS3.15). The originals are only read."""
    _expect_parts(parts, sharing)
    if force and sharing.out is None:
        raise UsageError(
            "--force is for the file of --out; no copy is ever written over",
            reason="shard.force-without-out",
            advice="Leave it out; for other copies name a new folder",
        )
    if sharing:
        sharing.expect_whole(out_of_merge=False)
        _expect_half(
            sharing,
            of_shard=bool(profile) or ocr or drop_unknown_text or jobs is not None,
            of_merge=labels is not None or listed,
        )
        if crosswalk is not None or ids is not None:
            raise UsageError(
                "--crosswalk and --ids don't go with shards",
                reason="shard.crosswalk-of-shard",
                advice="De-identify on one machine, or leave them out",
            )
    if sharing.shard is not None:
        told = _ShardOptions(ocr, drop_unknown_text, worker_count(jobs), force, as_json)
        _copy_shard((source, dest), profile, sharing, told)
        return
    workspace = current_workspace()
    if sharing.merge:
        from privxray.workflow.shards.copy_merge import CopyMerge, merge_copies

        with step("Merging") as bar:
            all_parts = CopyMerge(expand(parts or []), sharing.key(), labels, tell)
            merged = merge_copies(workspace, (source, dest), all_parts, bar)
        made = _Made(merged.report, merged.profile, merged.ocr)
    else:
        from privxray.workflow.images.deidentify_folder import DeidentifyOptions, deidentify_folder

        taken = replace(profile.load(), drop_unknown_text=drop_unknown_text)
        with step("Reading headers") as heads, step("De-identifying") as bar:
            terms = DeidentifyOptions(
                taken, ocr, labels, worker_count(jobs), tell, crosswalk, ids, passphrase(passphrase_file)
            )
            summary = deidentify_folder(workspace, source, dest, terms, progress=bar, reading=heads)
        made = _Made(summary, taken.summary, ocr)
    if as_json:
        emit(_json(made) | passed_over_json([source], listed=listed))
    else:
        _show(made)
        show_passed_over([source], listed=listed)
    copies = _typed_again(workspace, dest)
    csv = f"{copies}/labels.csv" if labels is not None else "labels.csv"
    summary = made.summary
    if summary.quarantined:
        raise FindingsError(
            f"{len(summary.quarantined)} of {counted(summary.files, 'file')} could not be made clean and "
            "have no copy",
            reason="copies.quarantined",
            advice="The copies of the others are done; read above why these have none. To go on without "
            f"these, type: privxray ingest {copies} --labels {csv}",
        )
    if not as_json:
        close("deidentify", workspace, folder=copies, file=csv, options=_same_options(profile, made.ocr))


@dataclass(frozen=True)
class _Made:
    """What was made, and how.

    :ivar profile: in words. :ivar ocr: the pixels were searched for text.
    """

    summary: DeidentifyReport
    profile: str
    ocr: bool


@dataclass(frozen=True)
class _ShardOptions:
    """What a shard is told besides its files."""

    ocr: bool
    drop_unknown_text: bool
    jobs: int
    force: bool
    as_json: bool


def _copy_shard(
    folders: tuple[Path, Path], profile: Typed, sharing: SharingWithTerms, told: _ShardOptions
) -> None:
    from privxray.workflow.images.deidentify_folder import DeidentifyOptions
    from privxray.workflow.shards.copy_results import copy_shard

    assert sharing.terms is not None  # expect_whole
    work = sharing.work(told.jobs, force=told.force)
    taken = replace(profile.load(), drop_unknown_text=told.drop_unknown_text)
    options = DeidentifyOptions(taken, told.ocr, workers=told.jobs)
    with step("De-identifying") as bar:
        done = copy_shard(folders, sharing.terms, options, work, bar)
    show_shard(done, str(work.shard), as_json=told.as_json)
    if not told.as_json:
        close("deidentify --shard")


def _expect_parts(parts: Sequence[Path] | None, sharing: SharingWithTerms) -> None:
    """:raises UsageError: there are parts without --merge."""
    if parts and not sharing.merge:
        raise UsageError(
            "deidentify takes SOURCE and DEST, and more was typed",
            reason="shard.parts-without-merge",
            advice="Put a name that has blanks into quotes. Parts of shards need --merge",
        )


def _expect_half(sharing: SharingWithTerms, *, of_shard: bool, of_merge: bool) -> None:
    """:raises UsageError: options were typed that belong to the other half of the work."""
    if sharing.merge and of_shard:
        raise merge_has_own_options()
    if not sharing.merge and of_merge:
        raise UsageError(
            "--labels and --list belong to --merge, for a shard knows its own files alone",
            reason="shard.labels-of-shard",
            advice="Type them with: privxray deidentify SOURCE DEST --merge PARTS",
        )


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


def _json(made: _Made) -> dict[str, object]:
    summary = made.summary
    return {
        "profile": made.profile,
        "pixels_searched": made.ocr,
        "files": summary.files,
        "made": summary.made,
        "made_before": summary.before,
        "passed_over": summary.skipped,
        "blacked": summary.blacked,
        "labels": summary.labels,
        "unlabelled": summary.unlabelled,
        "quarantined": [{"file": file.name, "reason": file.reason} for file in summary.quarantined],
    } | medium_json(summary.indexes, summary.missing)


def _show(made: _Made) -> None:
    summary, ocr = made.summary, made.ocr
    listed = summary.quarantined[:_SHOWN]
    if listed:
        table("Not copied", ("file", "reason"), ((file.name, file.reason) for file in listed))
    if len(summary.quarantined) > len(listed):
        more = len(summary.quarantined) - len(listed)
        tell(f"{counted(more, 'more file')} not shown; --json lists everything.")
    if listed:
        tell("Where these files lie is in data/not-copied.csv of the workspace, which only you can read.")
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
    tell(f"Made by {made.profile}; every copy passed the check.")
    if not ocr:
        tell("The pixels were not searched for text; --ocr does that.")
    if summary.labels is not None:
        left_out = counted(summary.unlabelled, "image") if summary.unlabelled else ""
        tell(
            f"labels.csv has {counted(summary.labels, 'row')}"
            + (f"; {left_out} of the csv for SOURCE without a copy left out." if left_out else ".")
        )
