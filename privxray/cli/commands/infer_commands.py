"""``infer offer``, ``ask``, ``answer`` and ``read``: predictions without showing the image."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.output import emit, line, next_step, table, tell
from privxray.cli.prompts import Force, Json, PassphraseFile, expand, party_words, passphrase

if TYPE_CHECKING:
    from privxray.workflow.inference.read_answer import Reading

KeyWords = Annotated[
    str | None,
    typer.Option(
        "--key-words", help="The other party's twelve key words, instead of asking.", show_default=False
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", help="Which model: the first 8 or more digits of its fingerprint.", show_default=False
    ),
]
To = Annotated[
    Path | None,
    typer.Option("--to", help="Write into this folder, for instance a stick.", show_default=False),
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
    model: Model = None,
    limit: Annotated[
        int, typer.Option("--limit", help="Images that are answered to one hospital, in all.")
    ] = 100,
    decimals: Annotated[
        int, typer.Option("--decimals", help="Decimals of a probability that are above the noise.")
    ] = 3,
    top1: Annotated[
        bool, typer.Option("--top1", help="Give the most probable class; hide how probable it is.")
    ] = False,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Offer a global model to hospitals that ask it by files."""
    from privxray.inference.scheme import require_library
    from privxray.workflow.inference.offer import offer as offer_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    require_library()
    done = offer_(
        workspace,
        passphrase(passphrase_file),
        model=model,
        limit=limit,
        decimals=decimals,
        top1=top1,
        force=force,
    )
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
    tell(
        f"Wrote {done.path}. Read the key words to the hospital by phone. A working copy of a model can be "
        f"fitted to some 30 answers, and this offer gives {header.limit} (docs/THREATS.md)."
    )
    next_step(f"carry {done.path.name} to the hospital; when its query comes: privxray infer answer FILE")


def ask(
    images: Annotated[list[Path], typer.Argument(help="DICOM, JPEG or PNG files.", show_default=False)],
    offer: Annotated[
        Path | None, typer.Option("--offer", help="The owner's offer, the first time.", show_default=False)
    ] = None,
    model: Model = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Send the evaluation keys (16 MB) once more.")
    ] = False,
    to: To = None,
    words: KeyWords = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Encrypt images' features for the owner of a model. The images stay here, and so does their key."""
    from privxray.inference.scheme import require_library
    from privxray.naming.public_names import public_names
    from privxray.workflow.inference.ask import ask as ask_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    require_library()
    paths = expand(images)
    done = ask_(
        workspace,
        paths,
        public_names(paths),
        passphrase(passphrase_file),
        party_words(words, "owner"),
        offer=offer,
        model=model,
        with_keys=with_keys,
        folder=to,
    )
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
    what = "image" if header.images == 1 else "images"
    with_keys_ = ", with the evaluation keys," if header.with_keys else ""
    tell(
        f"Wrote {done.path} ({done.size:,} bytes{with_keys_} for {header.images} {what}), encrypted under "
        f"this hospital's key. {done.offer.owner_name} asks for the key words above, once."
    )
    next_step(f"carry {done.path.name} to {done.offer.owner_name}; then: privxray infer read FILE")


def answer(
    query: Annotated[Path, typer.Argument(help="A hospital's query.", show_default=False)],
    to: To = None,
    words: KeyWords = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Answer about a hospital's encrypted images. They are counted; the answer is encrypted."""
    from privxray.inference.scheme import require_library
    from privxray.workflow.inference.answer import answer as answer_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    require_library()
    done = answer_(
        workspace,
        query,
        passphrase(passphrase_file),
        party_words(words, "hospital"),
        folder=to,
        force=force,
    )
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
    what = "image" if done.header.images == 1 else "images"
    if done.again:
        tell(f"This query was answered before: wrote {done.path} with the same bytes, and counted nothing.")
    else:
        tell(
            f"Wrote {done.path} ({done.size:,} bytes) for {done.header.images} {what} of {done.hospital}; "
            f"{done.header.left} of {done.limit} are left to it."
        )
    next_step(f"carry {done.path.name} to {done.hospital}")


def read(
    answer: Annotated[Path, typer.Argument(help="An owner's answer.", show_default=False)],
    model: Model = None,
    to_csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write a private table that names your files, too.", show_default=False),
    ] = None,
    force: Force = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Decrypt an answer: class probabilities of the images."""
    from privxray.inference.scheme import require_library
    from privxray.naming.public_names import public_names
    from privxray.workflow.inference.read_answer import read as read_
    from privxray.workspace.folder import Workspace

    workspace = Workspace.find(Path.cwd())
    require_library()
    seen = read_(workspace, answer, passphrase(passphrase_file), model=model)
    names = public_names([Path(path) for path in seen.paths])
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
                    {
                        "image": name,
                        "label": seen.labels[place],
                        "probabilities": None
                        if seen.probabilities is None
                        else dict(zip(seen.classes, map(float, seen.probabilities[place]), strict=True)),
                    }
                    for place, name in enumerate(names)
                ],
            }
        )
    else:
        shown = () if seen.probabilities is None else seen.classes
        table(
            f"By the model {seen.header.model[:16]} of {seen.owner}, which saw none of these images",
            ("image", "most likely", *shown),
            ((name, seen.labels[place], *_row(seen, place)) for place, name in enumerate(names)),
        )
    if not seen.as_asked:
        tell(
            f"Warning: the model {seen.header.model[:16]} answered, and {seen.asked_model[:16]} was asked. "
            "Ask the owner before you use these figures."
        )
    if to_csv:
        tell("The csv names your files; keep it inside the hospital.")
    tell("A research model: these are no diagnoses.")
    next_step(f"ask about further images with privxray infer ask IMAGE... ({seen.header.left} are left)")


def _row(seen: Reading, place: int) -> tuple[str, ...]:
    if seen.probabilities is None:
        return ()
    return tuple(f"{p:.{seen.header.decimals}f}" for p in seen.probabilities[place])


def _csv(seen: Reading) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    shown = () if seen.probabilities is None else seen.classes
    writer.writerow(("file", "most_likely", *shown, "model"))
    for place, path in enumerate(seen.paths):
        writer.writerow((path, seen.labels[place], *_row(seen, place), seen.header.model))
    return text.getvalue()
