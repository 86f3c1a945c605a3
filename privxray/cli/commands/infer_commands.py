"""``infer offer``, ``ask``, ``answer`` and ``read``: predictions without showing the image."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Force, ImageFiles, Json, PassphraseFile, To
from privxray.cli.options.file_patterns import expand
from privxray.cli.output import emit, line, table, tell
from privxray.cli.prompts import party_words, passphrase
from privxray.inference.terms import COPY_ANSWERS, Terms

if TYPE_CHECKING:
    from privxray.workflow.inference.read_answer import Reading
    from privxray.workspace.folder import Workspace

QueryFile = Annotated[Path, typer.Argument(metavar="QUERY", help="A hospital's query.")]
AnswerFile = Annotated[Path, typer.Argument(metavar="ANSWER", help="An owner's answer.")]
OfferFile = Annotated[
    Path | None, typer.Option("--offer", help="The owner's offer, the first time.", show_default=False)
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", help="Which model: the first 8 or more digits of its fingerprint.", show_default=False
    ),
]
KeyWords = Annotated[
    str | None,
    typer.Option(
        "--key-words", help="The other party's twelve key words, instead of asking.", show_default=False
    ),
]
Limit = Annotated[int, typer.Option("--limit", help="How many images you answer for each hospital, in all.")]
Decimals = Annotated[
    int, typer.Option("--decimals", help="How many decimals of a probability stand above the noise.")
]
Top1 = Annotated[bool, typer.Option("--top1", help="Give the most probable class; hide how probable it is.")]
WithKeys = Annotated[bool, typer.Option("--with-keys", help="Send the evaluation keys (16 MB) once more.")]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", help="Write a private table that names your files, too.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module as one group."""
    group = typer.Typer(
        name="infer",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Predictions on encrypted images: offer, ask, answer, read.",
    )
    for command in (offer, ask, answer, read):
        group.command()(command)
    app.add_typer(group)


def offer(
    *,
    model: Model = None,
    limit: Limit = Terms.limit,
    decimals: Decimals = Terms.decimals,
    top1: Top1 = Terms.top1,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Offer a global model to hospitals that ask it by files."""
    from privxray.workflow.inference.offer import make_offer

    terms = Terms(limit, decimals, top1)
    done = make_offer(_workspace(), passphrase(passphrase_file), terms, model=model, force=force)
    header = done.header
    if as_json:
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
    close("infer offer", file=done.path.name)


def ask(
    images: ImageFiles,
    *,
    offer: OfferFile = None,
    model: Model = None,
    with_keys: WithKeys = False,
    to: To = None,
    words: KeyWords = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Encrypt images' features for the owner of a model. The images stay here, and so does their key."""
    from privxray.workflow.inference.ask import OfferChoice, make_query
    from privxray.workflow.inference.trust import Prompts

    workspace = _workspace()
    prompts = Prompts(passphrase(passphrase_file), party_words(words, "owner"))
    choice = OfferChoice(offer, model)
    done = make_query(workspace, expand(images), prompts, choice, with_keys=with_keys, folder=to)
    header = done.header
    if as_json:
        emit(
            {
                "query": str(done.path),
                "bytes": done.size,
                "images": header.images,
                "model": header.model,
                "owner": done.offer.owner_name,
                "limit": done.offer.limit,
                "key_words": done.key_words,
                "with_keys": header.with_keys,
                "seconds": round(done.seconds, 2),
            }
        )
    else:
        line(f"Key words: {done.key_words}")
    with_keys_ = ", with the evaluation keys" if header.with_keys else ""
    tell(
        f"Wrote {done.path} ({done.size:,} bytes{with_keys_}) for {_images(header.images)}, encrypted under "
        f"this hospital's key. The first time, {done.offer.owner_name} asks you for the key words above."
    )
    close("infer ask", file=done.path.name, to=done.offer.owner_name)


def answer(
    query: QueryFile,
    *,
    to: To = None,
    words: KeyWords = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Answer about a hospital's encrypted images. They are counted; the answer is encrypted."""
    from privxray.workflow.inference.answer import answer_query
    from privxray.workflow.inference.trust import Prompts

    workspace = _workspace()
    prompts = Prompts(passphrase(passphrase_file), party_words(words, "hospital"))
    done = answer_query(workspace, query, prompts, folder=to, force=force)
    if as_json:
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
        tell(f"This query was answered before: wrote {done.path} with the same bytes, and counted nothing.")
    else:
        tell(
            f"Wrote {done.path} ({done.size:,} bytes) for {_images(done.header.images)} of {done.hospital}, "
            f"which has {done.header.left} of {done.limit} left."
        )
    close("infer answer", file=done.path.name, to=done.hospital)


def read(
    answer: AnswerFile,
    *,
    model: Model = None,
    to_csv: Csv = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Decrypt an answer: class probabilities of the images."""
    from privxray.workflow.inference.read_answer import read_answer

    seen = read_answer(_workspace(), answer, passphrase(passphrase_file), model=model)
    if to_csv:
        from privxray.workspace.atomic import write_atomic

        write_atomic(to_csv, _csv(seen).encode(), overwrite=force)
    if as_json:
        emit(
            {
                "model": seen.header.model,
                "asked": seen.asked_model,
                "as_asked": seen.as_asked,
                "owner": seen.owner,
                "left": seen.header.left,
                "classes": list(seen.classes),
                "images": [
                    {"image": name, "label": seen.labels[place], "probabilities": _by_class(seen, place)}
                    for place, name in enumerate(seen.names)
                ],
            }
        )
    else:
        table(
            f"By the model {seen.header.model[:16]} of {seen.owner}, which saw none of these images",
            ("image", "most likely", *_shown_classes(seen)),
            ((name, seen.labels[place], *_row(seen, place)) for place, name in enumerate(seen.names)),
        )
    if not seen.as_asked:
        tell(
            f"Warning: the model {seen.header.model[:16]} answered, and you asked {seen.asked_model[:16]}. "
            "Ask the owner before you use these figures."
        )
    if to_csv:
        tell("The csv names your files; keep it inside the hospital.")
    tell("A research model: these are no diagnoses.")
    close("infer read", left=seen.header.left)


def _workspace() -> Workspace:
    """The workspace of this folder, for commands that need the extra package."""
    from privxray.inference.scheme import require_library

    workspace = current_workspace()
    require_library()
    return workspace


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _shown_classes(seen: Reading) -> tuple[str, ...]:
    return () if seen.probabilities is None else seen.classes


def _by_class(seen: Reading, place: int) -> dict[str, float] | None:
    if seen.probabilities is None:
        return None
    return dict(zip(seen.classes, map(float, seen.probabilities[place]), strict=True))


def _row(seen: Reading, place: int) -> tuple[str, ...]:
    if seen.probabilities is None:
        return ()
    return tuple(f"{p:.{seen.header.decimals}f}" for p in seen.probabilities[place])


def _csv(seen: Reading) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "most_likely", *_shown_classes(seen), "model"))
    for place, path in enumerate(seen.paths):
        writer.writerow((path, seen.labels[place], *_row(seen, place), seen.header.model))
    return text.getvalue()
