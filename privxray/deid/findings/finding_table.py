"""Findings as small numbers: files of one device fail alike, so most findings come again and again.

Tested in tests/unit/test_deid_file_records.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from privxray.deid.findings.report import Finding
from privxray.deid.findings.rules import RULES

MOST: Final = 1 << 16
"""Findings in a table. A text in pixels is hardly ever in the same place twice; no table grows for that."""

Coded: TypeAlias = int | list[str]
"""The number of a finding in its table; a finding that has no place in it as rule, place and reason."""


class FindingTable:
    """Numbers findings as they come. Who reads the numbers has to :meth:`learn` the same findings first."""

    def __init__(self) -> None:
        self._numbers: dict[Finding, int] = {}
        self._findings: list[Finding] = []
        self._told = 0

    def encode(self, findings: Iterable[Finding]) -> list[Coded]:
        """The findings as JSON."""
        return [self._number(finding) for finding in findings]

    def _number(self, finding: Finding) -> Coded:
        number = self._numbers.get(finding)
        if number is not None:
            return number
        if len(self._findings) >= MOST:
            return _plain(finding)
        self._add(finding)
        return len(self._findings) - 1

    def _add(self, finding: Finding) -> None:
        self._numbers[finding] = len(self._findings)
        self._findings.append(finding)

    def decode(self, coded: Iterable[Coded]) -> tuple[Finding, ...]:
        """The inverse of :meth:`encode`.

        :raises IndexError: a number that this table does not have.
        """
        return tuple(self._findings[one] if isinstance(one, int) else _finding(one) for one in coded)

    def untold(self) -> list[list[str]]:
        """The findings that were numbered since the last call: what a reader has to learn now."""
        new = [_plain(finding) for finding in self._findings[self._told :]]
        self._told = len(self._findings)
        return new

    def learn(self, new: Iterable[Sequence[str]]) -> None:
        """Number findings as their writer has.

        :raises KeyError: there is no such rule.
        """
        for one in new:
            self._add(_finding(one))


def _plain(finding: Finding) -> list[str]:
    return [finding.rule, finding.where, finding.reason]


def _finding(plain: Sequence[str]) -> Finding:
    rule, where, reason = plain
    return Finding(rule, RULES[rule].severity, where, reason)
