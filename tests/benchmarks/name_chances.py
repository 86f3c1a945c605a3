"""How often does a name that nobody wrote match by chance? In real files, word lists and program messages.

    python tests/benchmarks/name_chances.py [--locale /usr/share/locale] [--names 40]

Names are common ones, by script and length; none of the texts is about a person. Each row searches all texts
for each name by itself and counts the texts that hold it, for every million pairs of a name and a text. "By
the rules" is what :mod:`privxray.deid.judging.leaks` does. "Anywhere" is what it would do if the longest part
of a name counted within any word or run of characters.

Texts: values of the attributes that Table E.1-1 does not name in all files of pydicom, pydicom-data and
deid-data; the word lists of BIP-39 in twelve languages; the messages of the programs of this machine in the
language of the name, where a folder of locales is given. Bytes: binary elements of the same files, per MiB.
"""

from __future__ import annotations

import argparse
import gettext
import random
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from mnemonic import Mnemonic

from privxray.deid.dicomfile.character_sets import codec_of, decoded
from privxray.deid.dicomfile.element import TEXT, DamagedError
from privxray.deid.dicomfile.file_reader import FileReader, is_dicom
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.profile.annex_e import lookup
from privxray.deid.tags import PIXEL_DATA, SPECIFIC_CHARACTER_SET
from privxray.deid.values.printable import folded
from privxray.naming.common_words import short_names

LATIN = """
    Abel Adam Adams Alan Albert Allen Anders Andrew Angel Anna Anne Arnold Arthur Baker Ball Barbara
    Barnes Barton Becker Bell Benjamin Bennett Berg Berger Bergmann Bernard Beth Bishop Bond Brown
    Bruce Burns Byrne Carl Carlson Carmen Carter Charles Charlotte Chen Christian Clark Claude Cole
    Collins Cook Cooper Cora Costa Cruz Dale Daniel David Davis Dean Dennis Diana Diaz Doris Eden
    Edward Ellis Emma Eric Erik Ernst Evans Felix Ferrari Fischer Fisher Flor Ford Foster Frank
    Franklin Fred Gabriel Garcia George Gerald Glen Gordon Graham Gray Greene Hall Hans Harris Hart
    Helen Henry Hill Hoffmann Howard Hugo Hunter Ivan Jackson Jacob James Jane Jason Jean Jensen
    Johansson John Johnson Jones Jordan Jose Julia Kane Karl Kate Keller Kelly Kent King Klein Kumar
    Lane Lara Larsen Laura Leon Lewis Lisa Long Lopez Lucas Luis Mann Marc Maria Mark Marshall
    Martin Mason Mayer Meyer Michael Miles Miller Mills Mohamed Moore Morris Muller Nelson Nguyen
    Nicole Nina Nora Norman Olga Oliver Oscar Page Park Parker Paul Perez Peters Phil Philip Price
    Ray Reed Reich Richard Robert Roberts Rogers Roland Rosa Ross Ruth Ryan Sander Sanders Sara
    Schmidt Schneider Scott Sharp Silva Simon Singh Smith Sofia Stein Stephen Stone Susan Taylor
    Thomas Tina Turner Vera Victor Wagner Walker Walter Ward Weber Wells White Williams Wilson Wood
    Wright Young Zimmermann
"""
CYRILLIC = """
    Иванов Смирнова Кузнецов Попова Васильев Петрова Соколов Михайлова Новиков Фёдорова Морозов
    Волкова Алексеев Лебедева Семёнов Егорова Павлов Козлова Степанов Николаева Орлов Андреева
    Макаров Никитина Захаров Зайцева Соловьёв Борисова Анна Мария Елена Ольга Иван Пётр Сергей
    Дмитрий Юрий Белый Толстой Достоевский Король Мельник Лис Бондаренко
"""
CHINESE = (
    "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗",
    "伟 芳 娜 秀英 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀兰 霞 平 "
    "刚 桂英 建国 小东 志强 文 华 国庆 海燕",
)
JAPANESE = (
    "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 "
    "松本 井上 木村 林 清水 山崎 森 池田 橋本 長谷川",
    "太郎 一郎 健 誠 翔 大輔 花子 陽子 愛 さくら あきら 恵 美咲 真一 正 明 由美子 ユキ ケンジ タロウ",
)
KOREAN = (
    "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍",
    "길동 민준 서연 지원 하나 지수 은주 영희 철수 수진 상 산 현 진 미영 정호 사랑 대한",
)
THAI = (
    "ใจดี สุขสันต์ ทองดี แสงจันทร์ ศรีสุข บุญมี วงศ์สุวรรณ แก้วมณี พรหมมา จันทร์เพ็ญ",
    "สมชาย สมศรี สุดา มานี ปิติ ชูใจ วิชัย อนงค์ ประเสริฐ นภา",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--locale", type=Path)
    parser.add_argument("--names", type=int, default=40, help="most names of a kind")
    options = parser.parse_args()
    values, blocks = kept_values()
    mebibytes = sum(map(len, blocks)) / (1 << 20)
    words = [word for language in Mnemonic.list_languages() for word in Mnemonic(language).wordlist]
    print(
        f"{len(values)} different values, {len(words)} words, "
        f"{len(blocks)} binary elements of {mebibytes:.1f} MiB"
    )
    print(
        "name | names | by the rules, per million: values | words | messages "
        "| anywhere: values | words | messages | binary, per MiB"
    )
    for kind, listed, languages in kinds():
        names = random.Random(3).sample(listed, min(len(listed), options.names))
        messages = list(messages_of(options.locale, languages)) if options.locale else []
        cells = []
        for rule in (by_rules, anywhere):
            for texts in (values, words, messages):
                hits = sum(rule(name, texts) for name in names)
                cells.append(f"{1e6 * hits / len(names) / len(texts):.1f}" if texts else "-")
        found = sum(
            LeakSearch([("name", name)]).in_bytes(block, 0, len(block)) for name in names for block in blocks
        )
        print(
            kind,
            len(names),
            *cells,
            f"{found / len(names) / mebibytes:.4f}",
            f"({len(messages)} messages)",
            sep=" | ",
        )


def kinds() -> Iterator[tuple[str, list[str], str]]:
    """What a row says, its names, and the languages of the messages."""
    rng = random.Random(1)
    by_length: dict[int, list[str]] = {}
    for name in (*LATIN.split(), *(short.title() for short in sorted(short_names()))):
        by_length.setdefault(min(len(name), 8), []).append(name)
    for length, names in sorted(by_length.items()):
        if length > 2:
            yield f"Latin word, {length} letters{' or more' if length == 8 else ''}", names, "de fr es"
    pairs = [f"{a.title()}^{b.title()}" for a, b in product(sorted(short_names()), repeat=2) if a != b]
    yield "two Latin words of 2 to 4 letters", rng.sample(pairs, 200), "de fr es"
    yield "Cyrillic word, with its forms", CYRILLIC.split(), "ru uk bg"
    for script, (families, given), languages in (
        ("Chinese", CHINESE, "zh_CN zh_TW"),
        ("Japanese", JAPANESE, "ja"),
        ("Korean", KOREAN, "ko"),
        ("Thai", THAI, "th"),
    ):
        whole: dict[int, list[str]] = {}
        for a, b in product(families.split(), given.split()):
            whole.setdefault(min(len(a + b), 5), []).append(f"{a}^{b}")
        for length, names in sorted(whole.items()):
            few = rng.sample(names, min(len(names), 120))
            yield f"{script} name, {length} characters{' or more' if length == 5 else ''}", few, languages


def by_rules(name: str, texts: list[str]) -> int:
    """How many texts hold a name."""
    leaks = LeakSearch([("name", name)])
    return sum(map(leaks.in_text, texts))


def anywhere(name: str, texts: list[str]) -> int:
    """How many texts would hold it if every part of it counted within every text."""
    parts = [part for part in folded(name).split("^") if len(part) > 1 or not part.isascii()]
    longest = max(parts, key=len)
    return sum(longest in folded(text) for text in texts)


def kept_values() -> tuple[list[str], list[bytes]]:
    """Texts and bytes of the attributes that the table does not name, each once."""
    texts: set[str] = set()
    blocks: set[bytes] = set()
    warnings.simplefilter("ignore")
    for package in ("pydicom", "data_store", "deid_data"):
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(place).rglob("*")):
                if path.is_file() and path.stat().st_size < 8 << 20 and is_dicom(path.read_bytes()):
                    collect(path.read_bytes(), texts, blocks)
    return sorted(texts), sorted(blocks)


def collect(data: bytes, texts: set[str], blocks: set[bytes]) -> None:
    """Add what one file holds."""
    codec = "ascii"
    reader = FileReader(data)
    try:
        list(reader.walk_meta())
        for element in reader.walk_data_set():
            if element.tag == SPECIFIC_CHARACTER_SET:
                codec = codec_of(element.value)
            if element.vr == "SQ" or element.tag == PIXEL_DATA or not element.filled:
                continue
            if element.vr in TEXT:
                if (
                    lookup(element.tag) is None
                    and not element.tag & 0x10000
                    and element.vr not in ("PN", "UI")
                ):
                    texts.add(decoded(element.value, codec))
            elif element.end - element.start > 4:
                blocks.add(bytes(reader.data[element.start : element.end]))
    except DamagedError:
        pass


def messages_of(folder: Path, languages: str) -> Iterator[str]:
    """The messages of programs, each once."""
    seen: set[str] = set()
    for language in languages.split():
        for path in sorted((folder / language / "LC_MESSAGES").glob("*.mo")):
            if path.name.startswith("iso_"):
                continue  # names of places and languages
            try:
                with path.open("rb") as stream:
                    catalogue = gettext.GNUTranslations(stream)
            except (OSError, UnicodeDecodeError, ValueError):
                continue
            seen.update(str(text) for text in catalogue._catalog.values())  # type: ignore[attr-defined]
    seen.discard("")
    yield from random.Random(2).sample(sorted(seen), min(len(seen), 3000))


if __name__ == "__main__":
    main()
