"""Picking a model by the first digits of its fingerprint, as a person types them."""

from __future__ import annotations

from privxray.errors import UsageError

MIN_DIGITS = 8
MAX_DIGITS = 64


def check_fingerprint(typed: str | None) -> None:
    """Whether ``typed`` can be the beginning of a fingerprint; None stands for any model.

    :raises UsageError: it has fewer than 8 or more than 64 digits, or a sign that is no hex digit.
    """
    if typed is not None and not (
        MIN_DIGITS <= len(typed) <= MAX_DIGITS and set(typed.lower()) <= set("0123456789abcdef")
    ):
        raise UsageError(
            f"this does not name a model: type {MIN_DIGITS} or more hex digits of its fingerprint",
            reason="model.not-a-fingerprint",
            advice="Type the digits that the offer or `privxray inspect FILE` shows",
        )


def matches(model: str, typed: str | None) -> bool:
    """Whether a model's fingerprint is, or begins with, what was typed. None matches every model."""
    return typed is None or model.startswith(typed.lower())
