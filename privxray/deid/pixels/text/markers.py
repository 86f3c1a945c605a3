"""Side and position markers: words that radiographers put on films on purpose, and that name nobody."""

from __future__ import annotations

import re

_SIDES = "L R LEFT RIGHT LT RT LI RE LINKS RECHTS G D GAUCHE DROITE DROIT"
_VIEWS = "AP PA AP/PA LAT LATERAL LL RL OBL OBLIQUE DECUB DECUBITUS LLD RLD"
_POSITIONS = (
    "ERECT ERE SEMIERECT SEMI UPRIGHT SUPINE SUP PRONE SITTING STANDING SUPIN LIEGEND STEHEND COUCHE DEBOUT"
)
_PLACES = "PORTABLE PORT MOBILE BED BETT BEDSIDE ICU CHEST THORAX"
_BREATH = "INSP INSPIRATION EXP EXPIRATION"

MARKERS = frozenset(" ".join((_SIDES, _VIEWS, _POSITIONS, _PLACES, _BREATH)).split())
"""Upper-case words. English, with the German and French side letters."""

_WORD = re.compile(r"[A-Z/]+")
_APART = re.compile(r"\b([AP])[-. ]([AP])\b")  # A-P


def is_marker(text: str) -> bool:
    """Whether every word of a text is a marker, and nothing else is in it. An empty text is none."""
    text = _APART.sub(r"\1\2", text.upper())
    words, rest = _WORD.findall(text), _WORD.sub("", text)
    return bool(words) and all(word in MARKERS for word in words) and not any(map(str.isalnum, rest))
