"""What is wrong with a csv and with the files that it names, gathered so that one run tells all of it.

Tested in tests/unit/test_imaging_problems.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from privxray.errors import MalformedError, PrivxrayError

SHOWN = 8
"""Most places that the message names for one kind of problem; ``--json`` has all."""


class Problems:
    """Gathers errors by their reason.

    :ivar csv: what an error calls the csv.
    """

    def __init__(self, csv: str) -> None:
        self.csv = csv
        self._errors: dict[str, list[tuple[tuple[str, ...], PrivxrayError]]] = {}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._errors)

    def add(self, error: PrivxrayError, *places: str) -> None:
        """Note an error. :param places: which rows or files it is about, in public words."""
        self._errors.setdefault(error.reason, []).append((places, error))

    def summary(self) -> str:
        """All kinds, one after the other, each with its places."""
        kinds = [self._about(kind) + _kind(kind) for kind in self._errors.values()]
        if len(kinds) == 1:
            return kinds[0]
        return " ".join(f"({number}) {kind};" for number, kind in enumerate(kinds, start=1)).rstrip(";")

    def _about(self, kind: list[tuple[tuple[str, ...], PrivxrayError]]) -> str:
        """The file of a kind's first error, where it is not the csv."""
        file = kind[0][1].file
        return f"{file}: " if file not in (None, self.csv) else ""

    def places(self) -> Mapping[str, tuple[str, ...]]:
        """All places, by the reason."""
        return {
            reason: tuple(place for places, _ in kind for place in places)
            for reason, kind in self._errors.items()
        }

    def raise_any(self) -> None:
        """Raise what is wrong, if anything is: a lone error as it is, several as one.

        :raises PrivxrayError: a problem was noted.
        """
        if not self._errors:
            return
        ((_, first), *others), *further = self._errors.values()
        if further:
            total = sum(map(len, self._errors.values()))
            error: PrivxrayError = MalformedError(
                f"{total} problems of {len(self._errors)} kinds, so no image was taken in: {self.summary()}",
                reason="ingest.several-problems",
                file=self.csv,
                advice="Mend them and type the command again; --json lists every row and file",
            )
        else:
            error = first
            if others:
                error.what = _kind(next(iter(self._errors.values())))
        error.places = self.places()
        raise error


def _kind(errors: list[tuple[tuple[str, ...], PrivxrayError]]) -> str:
    """The first error of a kind, and where the others are."""
    (_, first), *others = errors
    if not others:
        return first.what
    places = listed(place for places, _ in others for place in places)
    return f"{first.what}; the same holds for {len(others):,} more ({places})"


def listed(places: Iterable[str], most: int = SHOWN) -> str:
    """Places as they are read out, the first ones: ``row 2, row 5, row 9, ...``."""
    names = list(dict.fromkeys(places))
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
