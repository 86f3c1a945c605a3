"""Names in scripts that don't part their words: Han, kana, Hangul, Thai, Lao, Khmer, Burmese and more.

In such a text no word ends at a blank, so a name is looked for as a run of characters within it. How long a
run must be to count depends on how much one character tells (``docs/BENCHMARKS.md`` has the chance hits):

* Anywhere in a text: three characters that are Han or Hangul, four kana, five letters of another script. A
  whole name of two Han characters counts as well.
* Only by itself, or beside a title, a particle or a word such as "patient": two characters that are Han,
  Hangul or kana, three letters of another script.
* Anything shorter is never looked for.

All functions take folded text (:func:`privxray.deid.values.printable.folded`), which knows no difference
between full and half width, or between hiragana and katakana.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from privxray.deid.values.printable import folded
from privxray.deid.values.substrings import Substrings

_HAN: Final = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HANGUL: Final = "\uac00-\ud7a3"
_KANA: Final = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_OTHER: Final = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai, without its digits, the sign of the currency and punctuation
    "\u0e80-\u0ecd\u0edc-\u0edf"  # Lao
    "\u0f40-\u0fbc"  # Tibetan
    "\u1000-\u103f\u1050-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese, Shan, Mon
    "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\ud7b0-\ud7ff"  # jamo that make no syllable
    "\u1780-\u17d3"  # Khmer
    "\u1950-\u19ad\u19b0-\u19c9\u1a20-\u1a7f\uaa80-\uaadf"  # Tai Le, New Tai Lue, Tai Tham, Tai Viet
    "\u1b00-\u1b4c\ua980-\ua9c0"  # Balinese, Javanese
    "\ua000-\ua48c\u3105-\u312f"  # Yi, Bopomofo
)
RUN: Final = re.compile(f"[{_HAN}{_HANGUL}{_KANA}{_OTHER}]+")
"""Characters of scripts without word separators, as many as stand together."""

_DENSE: Final = re.compile(f"[{_HAN}{_HANGUL}]+")
_ALL_HAN: Final = re.compile(f"[{_HAN}]+")
_SYLLABIC: Final = re.compile(f"[{_HAN}{_HANGUL}{_KANA}]+")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_MOST_PARTS: Final = 6

_BEFORE: Final = """
    患者 患児 患儿 病人 氏名 姓名 名前 名字 氏 名 환자 성명 이름 성함 ผู้ป่วย ชื่อ นาย นาง นางสาว คุณ เด็กชาย เด็กหญิง
    ທ້າວ ນາງ ຄົນເຈັບ លោក លោកស្រី អ្នកជំងឺ ဦး ဒေါ် လူနာ
"""
_AFTER: Final = """
    様 さま さん サン 氏 殿 君 くん ちゃん 先生 医師 女士 小姐 同志 님 씨 군 양 환자 선생 은 는 이 가 을 를 의
    와 과 에게 の は が を に へ と も 的 之
"""


class UnspacedTerms(NamedTuple):
    """What to look for of one name.

    :ivar anywhere: runs that count wherever they stand. :ivar alone: runs that count only by themselves or
        beside a title.
    """

    anywhere: frozenset[str]
    alone: frozenset[str]


def unspaced_terms(parts: list[str]) -> UnspacedTerms:
    """The runs to look for of one name.

    :param parts: its parts in the order of the file, such as family and given name, folded. The parts of
        other scripts are passed over.
    """
    runs = [part for part in parts if RUN.fullmatch(part)][:_MOST_PARTS]
    whole = {"".join(runs)} if len(runs) > 1 else set()
    joined = {
        one + other for place, one in enumerate(runs) for other in runs[:place] + runs[place + 1 :]
    } | whole
    anywhere = {run for run in {*runs, *joined} if len(run) >= _shortest(run)}
    full = runs[0] if len(runs) == 1 else "".join(runs)
    if len(full) == 2 and _ALL_HAN.fullmatch(full):
        anywhere.add(full)
    alone = {run for run in {*runs, *joined} if len(run) >= (2 if _SYLLABIC.fullmatch(run) else 3)}
    return UnspacedTerms(frozenset(anywhere), frozenset(alone - anywhere))


class UnspacedSearch:
    """Looks for such runs.

    :param anywhere: see :class:`UnspacedTerms`. :param alone: likewise.
    """

    def __init__(self, anywhere: set[str], alone: set[str]) -> None:
        self._anywhere = Substrings(anywhere, head=2)
        self._alone = Substrings(alone, head=2)

    def found(self, text: str) -> bool:
        """True if a text holds one of the runs; blanks and punctuation within a run don't count."""
        runs = RUN.findall(text)
        if not runs:
            return False
        compact = _SEPARATORS.sub(_kept_marks, text)
        return next(self._anywhere.places(compact), None) is not None or any(map(self._alone_in, runs))

    def _alone_in(self, run: str) -> bool:
        before, after = _titles()
        return any(
            (start == 0 or run[:start].endswith(before)) and (end == len(run) or run[end:].startswith(after))
            for start, end in self._alone.places(run)
        )


def without_runs(text: str) -> str:
    """The text with a blank in place of each run, so that words of other scripts end there."""
    return RUN.sub(" ", text)


def encodings(run: str) -> Iterator[bytes]:
    """A run as the encodings of its scripts write it, at least six bytes long.

    Fewer bytes are found by chance. UTF-8 is not among them, for bytes are read as UTF-8 in any case.
    """
    for codec in _CODECS:
        try:
            code = run.encode(codec)
        except UnicodeEncodeError:
            continue
        if codec == "iso2022_jp":
            code = code[3:-3]  # without the escape sequences around it
        if len(code) >= SHORTEST_CODE:
            yield code


SHORTEST_CODE: Final = 6
"""Fewest bytes of a name that is looked for in bytes of any encoding."""

_CODECS: Final = (
    "utf-16-le",
    "utf-16-be",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_jp",
    "iso2022_jp",
    "euc_kr",
    "tis-620",
    "iso8859-5",
    "cp1251",
    "koi8-r",
    "iso8859-7",
    "iso8859-8",
    "cp1256",
    "iso8859-2",
)


def _shortest(run: str) -> int:
    """Fewest characters with which a run counts anywhere."""
    if _DENSE.search(run) and _SYLLABIC.fullmatch(run):
        return 3
    return 4 if _SYLLABIC.fullmatch(run) else 5


def _kept_marks(match: re.Match[str]) -> str:
    """Vowel signs are no word characters to Python, but belong to the runs."""
    return "".join(RUN.findall(match[0]))


@cache
def _titles() -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(map(folded, _BEFORE.split())), tuple(map(folded, _AFTER.split()))
