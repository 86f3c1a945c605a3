"""Many texts looked for at once within a longer one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Substrings:
    """Finds texts of at least ``head`` characters wherever they stand.

    A look-up costs one slice for each character, however many texts there are.

    :param head: by how many of its first characters a text is looked up.
    """

    def __init__(self, texts: Iterable[str], head: int) -> None:
        self._head = head
        self._by_head: dict[str, list[str]] = {}
        for text in texts:
            if len(text) >= head:
                self._by_head.setdefault(text[:head], []).append(text)

    def __bool__(self) -> bool:
        return bool(self._by_head)

    def is_in(self, within: str) -> bool:
        """True if one of the texts is within another."""
        by_head, head = self._by_head, self._head
        for start in range(len(within) - head + 1):
            if within[start : start + head] in by_head:
                return next(self.places(within[start:]), None) is not None
        return False

    def places(self, within: str) -> Iterator[tuple[int, int]]:
        """Where each of the texts begins and ends."""
        by_head, head = self._by_head, self._head
        if not by_head:
            return
        for start in range(len(within) - head + 1):
            for text in by_head.get(within[start : start + head], ()):
                if within.startswith(text, start):
                    yield start, start + len(text)
