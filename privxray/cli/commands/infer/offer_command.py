"""``infer offer``: the model owner offers a model. Tested in tests/cli/test_infer.py."""

from __future__ import annotations

from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options.infer_options import ModelOptions
from privxray.cli.options.option_group import takes
from privxray.cli.output import emit, line, table, tell
from privxray.inference.parameters import WEAKER, weakens_encryption
from privxray.inference.terms import COPY_ANSWERS, Terms


@takes("options", ModelOptions)
def offer(
    *,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            help="How many images you answer for each hospital, in all.",
            show_default="what gives away a tenth of the model at most, up to 20",
        ),
    ] = Terms.limit,
    decimals: Annotated[
        int,
        typer.Option(
            "--decimals",
            help="How many decimals of a probability stand above the noise. More than 3 protect the images "
            "that are asked about less.",
        ),
    ] = Terms.decimals,
    top1: Annotated[
        bool, typer.Option("--top1", help="Give the most probable class; hide how probable it is.")
    ] = Terms.top1,
    owners: Annotated[
        int, typer.Option("--owners", help="How many members offer this model; they share the default limit.")
    ] = 1,
    options: ModelOptions,
) -> None:
    """Offer a global model to hospitals that ask it by files."""
    from privxray.workflow.inference.offer import make_offer

    terms = Terms(limit, decimals, top1)
    workspace = current_workspace()
    done = make_offer(
        workspace, options.passphrase, terms, model=options.model, owners=owners, force=options.force
    )
    header = done.header
    share = done.leak.share(owners * header.limit)
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
                "share": round(share, 4),
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
                ("of the model that one answer gives away", f"{done.leak.share(1):.1%} at most"),
                (
                    "of the model that a hospital can get in all",
                    f"{share:.0%} at most",
                ),
            ),
        )
        line(f"Key words: {done.key_words}")
    tell(f"Wrote {done.path}. Read the key words to the hospital by phone.")
    tell(
        "The limit and the shares, which count bits of the weights, bind whatever software asks; decimals "
        "and --top1 bind unaltered software only. Few bits are worth much: with 10 answers, altered software "
        "can make a copy that agrees on 93 of 100 images."
    )
    if weakens_encryption(header.decimals):
        tell(f"{WEAKER}.")
    if header.limit >= COPY_ANSWERS:
        tell(
            f"Whoever gets about {COPY_ANSWERS} answers can rebuild your model; set --limit below that if "
            "nobody may have a copy (docs/THREATS.md)."
        )
    close("infer offer", file=seen_from_here(done.path))
