"""What a text looks like: a person's name, a date, an address or free text.

Without the original nobody can say that a value was replaced. But some values plainly were not: no dummy
looks like ``Doe^John``. These shapes catch carelessness and prove nothing. The search for values that
identify a patient elsewhere in the set (:mod:`privxray.deid.judging.leaks`) is the stronger test.

All functions take decoded text.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from privxray.naming.common_words import neutral_words

Shape: TypeAlias = Literal["name", "date", "address", "free text"]

# Every repetition has an upper bound, so that no text, however it was made, takes more than linear time.
_WORD = re.compile(r"[^\W\d_]{2,64}")
_CARETS = re.compile(r"[^\W\d_]{1,64}\^{1,4}[^\W\d_]")
_COMMA = re.compile(r"[^\W\d_][\w'’-]{1,40},\s?[^\W\d_][\w'’.-]{0,40}(\s[^\W\d_][\w'’.-]{0,40})?")
_COMPANY = re.compile(r",\s?(?:Inc|Ltd|LLC|LLP|GmbH|Corp|Co|AG|SA|BV|KG|PLC|Oy|AB)\.?$", re.IGNORECASE)
_TITLE = re.compile(
    r"\b(?:Dr|DR|Prof|PROF|Mr|MR|Mrs|MRS|Ms|MS|Miss|Herr|Frau|Mme|Dott|Sra?|Sig)\.?,?\s{1,3}"
    r"(?:(?:med|MED)\.?\s{1,3})?[A-ZÀ-ÖØ-Þ][\w'’-]"
)
_LABELLED = re.compile(
    r"\b(?:mrn|pid|ssn|nhs|urn|dob|acc(?:ession)?|pat(?:ient)?|case|fall|hosp(?:ital)?|record|id|ident)"
    r"(?:[ ._-]{0,3}(?:no|nr|num|number|id))?[ .:=#_-]{0,3}[A-Z]{0,3}[0-9][0-9 .-]{3,}[0-9]\b",
    re.IGNORECASE,
)
_DAY, _MONTH = r"(?:0?[1-9]|[12][0-9]|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    r"(?<![0-9])(?:"
    r"(?:19|20)[0-9]{2}(?P<a>[-./]?)(?:0[1-9]|1[0-2])(?P=a)(?:0[1-9]|[12][0-9]|3[01])"
    rf"|{_DAY}(?P<b>[-./]){_DAY}(?P=b)(?:19|20)[0-9]{{2}}"
    rf"|{_DAY}[-. ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{{0,6}}[-. ](?:19|20)?[0-9]{{2}}"
    r")(?![0-9])",
    re.IGNORECASE,
)
_PART = r"[\w'’.-]{1,40}"
_STREET = re.compile(
    rf"\b[0-9]{{1,5}}[a-z]?,?\s(?:{_PART}\s){{0,3}}"
    r"(?:street|st|road|rd|avenue|ave|lane|drive|blvd|boulevard|court|square)\b"
    r"|\b[\w'’-]{0,40}(?:straße|strasse|str\.|weg|platz|gasse|allee)\s?[0-9]{1,5}\b"
    rf"|\b(?:rue|via|calle|avenida|rua)\s(?:{_PART}\s){{1,4}}[0-9]{{1,5}}\b"
    r"|\b[0-9]{1,5},?\s(?:rue|avenue)\s[^\W\d_]",
    re.IGNORECASE,
)
_POSTCODE = re.compile(
    r"\b[0-9]{5}(?:-[0-9]{4})?,?\s[A-ZÀ-ÖØ-Þ][^\W\d_]{2,40}|\b[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}\b"
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}")
_PHONE = re.compile(
    r"(?<![\w.])(?:\+[0-9]{1,3}[ /.-]?|\(?0[0-9]{1,5}\)?[ /-])"
    r"(?:\(?[0-9]{2,5}\)?[ /-]?){1,4}[0-9]{2,5}(?![\w.])"
    r"|(?<![\w.-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![\w.-])"
    r"|(?<![\w.-])\(?[0-9]{3}\)?[ -][0-9]{3}-[0-9]{4}(?![\w.-])"
)

MAX_COUNTED: Final = 1 << 16
"""Most characters of a text whose words are counted; a longer text is free text in any case."""


def shape_of(text: str) -> Shape | None:
    """The shape that tells most, in this order: name, address, date, free text; None where there is none."""
    if is_name(text):
        return "name"
    if is_address(text):
        return "address"
    if _DATE.search(text):
        return "date"
    if len(text) > MAX_COUNTED or len(_WORD.findall(text)) > 2:
        return "free text"
    return None


def is_name(text: str) -> bool:
    """True for carets between letters, for ``Surname, Given`` and no more, or for a title before a word."""
    if _CARETS.search(text):
        return not all_neutral(text)
    matched = _COMMA.fullmatch(text.strip()) if "," in text else None
    if matched is not None and not _COMPANY.search(text):
        return not any(word.lower() in neutral_words() for word in _WORD.findall(text))
    return _TITLE.search(text) is not None


def is_address(text: str) -> bool:
    """True for a street with a number, a place with its code, or an e-mail, telephone or security number."""
    if any(pattern.search(text) for pattern in (_STREET, _POSTCODE, _MAIL)):
        return True
    return _PHONE.search(_DATE.sub(" ", text)) is not None


def holds_date(text: str) -> bool:
    """True for a calendar date from 1900 on, with or without separators, outside longer numbers."""
    return _DATE.search(text) is not None


def holds_record_number(text: str) -> bool:
    """True for a number of five digits or more behind a word that says whose it is: ``MRN 4471902``."""
    return _LABELLED.search(text) is not None


def has_letters(text: str) -> bool:
    """True if the text has a word of two letters or more."""
    return _WORD.search(text) is not None


def all_neutral(text: str) -> bool:
    """True if every word of two letters or more is in :mod:`privxray.naming.common_words`."""
    return all(word.lower() in neutral_words() for word in _WORD.findall(text))
