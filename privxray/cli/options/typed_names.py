"""Names of parties and studies, as they are typed."""

from __future__ import annotations

from privxray.errors import UsageError
from privxray.system.names import is_refused_by_windows


def require_name(option: str, name: str | None) -> None:
    """Look that an option's value can be a name, before anything is done with it.

    :param name: None where the option was not typed.
    :raises UsageError: it can't.
    """
    from pydantic import TypeAdapter, ValidationError

    from privxray.formats.header import Name

    if name is None:
        return
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        raise UsageError(
            f"{option}: {name!r} can't be a name",
            reason="init.not-a-name",
            advice="A name has up to 40 letters (A to Z), digits, dots, dashes and underscores, and begins "
            "with a letter or digit",
        ) from None
    if is_refused_by_windows(name):
        raise UsageError(
            f"{option}: Windows takes no file of the name {name!r}",
            reason="init.reserved-name",
            advice="Choose another name; hospitals with Windows could not take part",
        )
