"""Gathering the values to search a set for, up to the limit, in the order of its files.

The limit is on the forms that are looked up, of which a name has several. The first value that would exceed
it ends the gathering: what comes later is left out, too, even if it is short. So what is gathered depends on
the order of the files alone. A part of the files needs to tell no more than this class takes of it: if a
value is too much for a part, it is too much for the whole, at the latest there.

Tested in tests/unit/test_deid_gathered_terms.py.
"""

from __future__ import annotations

from functools import lru_cache

from privxray.deid.judging import leaks
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import IdentifyingValue, ValueKind


class GatheredTerms:
    """Values of a set.

    :ivar limited: there were more than can be searched for.
    """

    def __init__(self) -> None:
        self.limited = False
        self._accented = False
        self._forms: dict[str, set[str]] = {}
        self._count = 0
        self._known: set[IdentifyingValue] = set()  # most values come again with every file of a study

    def add(self, kind: ValueKind, value: str) -> bool:
        """Gather one more value.

        :returns: whether that changed anything: it has a new form, or it is the first that is too much.
        """
        if self.limited or (kind, value) in self._known:
            return False
        accented, told = _forms_of(kind, value)
        new = {name: forms - self._forms.get(name, set()) for name, forms in told.items()}
        more = sum(map(len, new.values()))
        if self._count + more > leaks.MAX_VALUES:
            self.limited = True
            return True
        if len(self._known) < leaks.MAX_VALUES:
            self._known.add((kind, value))
        changed = bool(more) or (accented and not self._accented)
        self._accented |= accented
        self._count += more
        for name, forms in new.items():
            self._forms.setdefault(name, set()).update(forms)
        return changed

    def leaks(self) -> LeakSearch:
        """What to search for."""
        forms = {name: sorted(self._forms.get(name, ())) for name in LeakSearch().to_json()}
        search = LeakSearch.from_json(forms | {"accented": self._accented})
        search.limited = self.limited
        return search


@lru_cache(maxsize=4096)
def _forms_of(kind: ValueKind, value: str) -> tuple[bool, dict[str, frozenset[str]]]:
    """Whether a value is not ASCII, and its forms; the files of one patient tell the same values."""
    told = LeakSearch([(kind, value)]).to_json()
    accented: bool = told.pop("accented")
    return accented, {name: frozenset(forms) for name, forms in told.items()}
