"""How else a word of a name is written: without its accents, spelled out, or declined.

All results are folded (:func:`privxray.deid.values.printable.folded`).

Letters with marks are transliterated in more than one way: ``Müller`` is Muller in a list and MUELLER on a
machine without umlauts (ICAO Doc 9303 part 3 section 6 A has AE, OE, UE, AA, OE for ø, SS and TH). Slavic
languages decline surnames: a report says "for Иванова" as ``Ивановой``. The endings below are those of the
declension of surnames in -ов, -ев, -ин and -ский, of adjectives, and of nouns in -а, -я or a consonant. A
stem has four letters or more, and a form is looked for as a whole word.
"""

from __future__ import annotations

import unicodedata
from itertools import islice, product
from typing import Final

from privxray.deid.values.printable import folded

_MOST: Final = 16  # spellings of one word
_SHORTEST_STEM: Final = 4
_LONG_STEM: Final = 6
_OTHER_LETTERS: Final = {
    "ä": ("a", "ae"),
    "ö": ("o", "oe"),
    "ü": ("u", "ue"),
    "å": ("a", "aa"),
    "ø": ("o", "oe"),
    "æ": ("ae", "a"),
    "œ": ("oe", "o"),
    "ß": ("ss", "s"),
    "ð": ("d", "dh"),
    "þ": ("th",),
    "đ": ("d", "dj"),
    "ñ": ("n", "nn"),
    "ĳ": ("ij", "y"),
}
_COLLAPSED: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))
_SHORTEST_COLLAPSED: Final = 5
_FEMININE: Final = "а ой у ою ы ых ым ыми е"
_ADJECTIVE: Final = (
    "ий ый ой ого его ому ему им ым ом ем ая яя ой ей ую юю ою ею ие ые их ых ими ыми і ої ій у"
)
_CYRILLIC: Final = (  # endings of the name as it stands, how many of its letters are dropped, and the cases
    ("ский ской цкий цкой ський цький ская цкая", 2, _ADJECTIVE),
    ("ська цька", 1, _ADJECTIVE),
    ("ова ева ёва ина ына", 1, f" ым ом {_FEMININE}"),
    ("ов ев ёв ин ын", 0, f" ым ом {_FEMININE}"),
    ("ый ий ой ая яя", 2, f"{_ADJECTIVE} ия ию ием ии"),  # surnames as adjectives, and given names as Юрий
    ("ия ья", 1, "я и ю ей ею"),
    ("а", 1, "а ы и е у ой ою ей"),
    ("я", 1, "я и е ю ей ею"),
    ("ь й", 1, "ь й и я ю ем ей е"),
    ("енко", 1, "о а у ом ові"),
    ("о е и у ы э ю х", 0, ""),  # not declined
    ("", 0, " а у ом ем е и ы ов ей ам ами ах ові"),
)
_LATIN: Final = (  # Polish, Czech, Slovak, Serbo-Croatian, and Russian as it is transcribed
    ("skaya", 3, "i a oy aya y"),
    (
        "ski ska cki cka dzki dzka sky sk\u00fd sk\u00e1",
        1,
        "i a y iego iemu im iej ich imi eho emu ou ych ymi e aya oi oy",
    ),
    ("ov\u00e1 ova ev\u00e1 eva", 1, " a e ou oi oy u y ym em ovi ych ymi"),
    ("ov ev", 0, " a e ou oi oy u y ym em ovi ych ymi"),
    ("i\u0107 i\u010d", 0, " a u em e i ima eva evu"),
    ("ak ek \u00e1k ik \u00edk", 0, " a owi ovi iem em u owie owa owej ova ove ovou"),
)


def spellings(word: str) -> set[str]:
    """A word of a name, folded, in all its transliterations; at most 16.

    :param word: one word as the file has it, in any case.
    """
    lower = unicodedata.normalize("NFC", word.lower())
    ways = [_OTHER_LETTERS.get(letter, (letter,)) for letter in lower]
    found = {folded("".join(way)) for way in islice(product(*ways), _MOST)}
    found.add(folded(word))
    for plain in list(found):
        for double, single in _COLLAPSED:
            short = plain.replace(double, single)
            if short != plain and len(short) >= _SHORTEST_COLLAPSED:
                found.add(short)
    return found


def declined(word: str) -> set[str]:
    """The forms of a Slavic surname or given name, folded; empty where the word does not look like one.

    Of a stem of six letters or more only the stem: it is found within a longer word in any case
    (:mod:`privxray.deid.values.glued`).

    :param word: one word as the file has it, in any case.
    """
    lower = unicodedata.normalize("NFC", word.lower())
    cyrillic = any("\u0400" <= letter <= "\u04ff" for letter in lower)
    for endings, dropped, cases in _CYRILLIC if cyrillic else _LATIN:
        if lower.endswith(tuple(endings.split(" "))):
            stem = lower[: len(lower) - dropped]
            if len(stem) >= _LONG_STEM:
                return {folded(stem)}
            given = dropped == 1 and len(lower) >= _SHORTEST_STEM  # Анна: Анны, Анной
            if len(stem) >= _SHORTEST_STEM - given:
                return {folded(stem + case) for case in cases.split(" ")}
            return set()
    return set()
