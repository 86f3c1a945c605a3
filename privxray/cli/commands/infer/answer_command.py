"""``infer answer``: the model owner answers a query. Tested in tests/cli/test_infer.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Force
from privxray.cli.options.infer_options import ReplyOptions, images_of
from privxray.cli.options.known_names import files_for
from privxray.cli.options.option_group import takes
from privxray.cli.output import emit, tell


@takes("options", ReplyOptions)
def answer(
    query: Annotated[
        Path,
        typer.Argument(metavar="QUERY", help="A hospital's query.", autocompletion=files_for("infer answer")),
    ],
    *,
    force: Force = False,
    options: ReplyOptions,
) -> None:
    """Answer about a hospital's encrypted images. They are counted; the answer is encrypted."""
    from privxray.workflow.inference.answer import answer_query

    workspace = current_workspace()
    done = answer_query(workspace, query, options.prompts("hospital"), folder=options.to, force=force)
    if options.as_json:
        emit(
            {
                "answer": str(done.path),
                "bytes": done.size,
                "hospital": done.hospital,
                "images": done.header.images,
                "left": done.header.left,
                "limit": done.limit,
                "model": done.header.model,
                "again": done.again,
                "seconds": None if done.seconds is None else round(done.seconds, 2),
            }
        )
    if done.again:
        did = f"wrote {done.path} with the same bytes" if done.written else f"{done.path} is here already"
        tell(f"This query was answered before: {did}, and nothing was counted.")
    else:
        tell(
            f"Wrote {done.path} ({done.size:,} bytes) for {images_of(done.header.images)} of "
            f"{done.hospital}. It has {done.header.left} of {done.limit} images left."
        )
    close("infer answer", file=seen_from_here(done.path), to=done.hospital)
