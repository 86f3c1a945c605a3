"""``infer offer``: the model owner offers a model. Tested in tests/cli/test_infer.py."""

from __future__ import annotations

from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import seen_from_here
from privxray.cli.options.infer_options import ModelOptions, inference_workspace
from privxray.cli.options.option_group import takes
from privxray.cli.output import emit, line, table, tell
from privxray.inference.terms import COPY_ANSWERS, Terms


@takes("options", ModelOptions)
def offer(
    *,
    limit: Annotated[
        int, typer.Option("--limit", help="How many images you answer for each hospital, in all.")
    ] = Terms.limit,
    decimals: Annotated[
        int, typer.Option("--decimals", help="How many decimals of a probability stand above the noise.")
    ] = Terms.decimals,
    top1: Annotated[
        bool, typer.Option("--top1", help="Give the most probable class; hide how probable it is.")
    ] = Terms.top1,
    options: ModelOptions,
) -> None:
    """Offer a global model to hospitals that ask it by files."""
    from privxray.workflow.inference.offer import make_offer

    terms = Terms(limit, decimals, top1)
    workspace = inference_workspace()
    done = make_offer(workspace, options.passphrase, terms, model=options.model, force=options.force)
    header = done.header
    if options.as_json:
        emit(
            {
                "offer": str(done.path),
                "key_words": done.key_words,
                "model": header.model,
                "study": header.study,
                "round": header.round,
                "classes": list(header.classes),
                "parameters": header.parameters,
                "limit": header.limit,
                "decimals": header.decimals,
                "top1": header.top1,
                "again": done.again,
            }
        )
    else:
        table(
            f"Offer of the global model of {header.study}, round {header.round}",
            ("term", "value"),
            (
                ("model", header.model[:16]),
                ("images a hospital", header.limit),
                ("decimals", header.decimals),
                ("most probable class only", "yes" if header.top1 else "no"),
            ),
        )
        line(f"Key words: {done.key_words}")
    tell(f"Wrote {done.path}. Read the key words to the hospital by phone.")
    if header.limit >= COPY_ANSWERS:
        tell(
            f"Whoever gets about {COPY_ANSWERS} answers can rebuild your model; set --limit below that if "
            "nobody may have a copy (docs/THREATS.md)."
        )
    close("infer offer", file=seen_from_here(done.path))
