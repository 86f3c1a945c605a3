"""``infer ask``: a hospital asks about its images. Tested in tests/cli/test_infer.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import ImageFiles
from privxray.cli.options.file_patterns import expand_images
from privxray.cli.options.infer_options import Model, ReplyOptions, images_of
from privxray.cli.options.known_names import files_for
from privxray.cli.options.option_group import takes
from privxray.cli.output import emit, line, tell
from privxray.inference.parameters import WEAKER, weakens_encryption


@takes("options", ReplyOptions)
def ask(
    images: ImageFiles,
    *,
    offer: Annotated[
        Path | None,
        typer.Option(
            "--offer",
            help="The owner's offer, the first time.",
            show_default=False,
            autocompletion=files_for("infer ask"),
        ),
    ] = None,
    model: Model = None,
    options: ReplyOptions,
) -> None:
    """Encrypt images' features for the owner of a model. The images stay here, and so does their key."""
    from privxray.workflow.inference.ask import make_query
    from privxray.workflow.inference.chosen_offer import OfferChoice

    workspace = current_workspace()
    workspace.require("hospital", "infer ask")  # before patterns are looked up in the folder of another party
    done = make_query(
        workspace,
        expand_images(images),
        options.prompts("owner"),
        OfferChoice(offer, model),
        folder=options.to,
    )
    header = done.header
    if options.as_json:
        emit(
            {
                "query": str(done.path),
                "bytes": done.size,
                "images": header.images,
                "model": header.model,
                "owner": done.offer.owner_name,
                "limit": done.offer.limit,
                "key_words": done.key_words,
                "seconds": round(done.seconds, 2),
            }
        )
    else:
        line(f"Key words: {done.key_words}")
    tell(
        f"Wrote {done.path} ({done.size:,} bytes) for {images_of(header.images)}, encrypted under a key "
        f"that stays here. The first time, {done.offer.owner_name} asks you for the key words above."
    )
    if weakens_encryption(done.offer.decimals):
        tell(f"{WEAKER}.")
    close("infer ask", file=seen_from_here(done.path), to=done.offer.owner_name)
