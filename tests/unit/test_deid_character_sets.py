"""Text from bytes by Specific Character Set: the terms, code extensions, and bytes that fit none."""

from __future__ import annotations

import pytest

from privxray.deid.dicomfile.character_sets import codec_of, decoded, plain_parts, plain_text


@pytest.mark.parametrize(
    ("character_set", "text", "encoded"),
    [
        (b"", "Doe^John", b"Doe^John "),
        (b"ISO_IR 100", "Müller", "Müller".encode("latin-1")),
        (b"ISO_IR 101", "Łódź", "Łódź".encode("iso8859-2")),
        (b"ISO_IR 144", "Иванов", "Иванов".encode("iso8859-5")),
        (b"ISO_IR 192 ", "山田", "山田".encode()),
        (b"GB18030", "王小东", "王小东".encode("gb18030")),
        # PS3.5 H.3.1: code extensions
        (b"\\ISO 2022 IR 87", "山田", b"\x1b$B;3ED\x1b(B"),
        (b"\\ISO 2022 IR 149", "김희중", b"\x1b$)C" + "김희중".encode("euc_kr")),
        (b"ISO 2022 IR 6\\ISO 2022 IR 100", "Müller", "Müller".encode("latin-1")),
        (
            b"ISO 2022 IR 100\\ISO 2022 IR 144",
            "Müller^Jo",
            b"M\xfcller^Jo",
        ),  # the first, where nothing is said
        (b"ISO 2022 IR 100\\ISO 2022 IR 144", "Иван", b"\x1b-L" + "Иван".encode("iso8859-5")),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ=山田", b"\xd4\xcf\xc0\xde=\x1b$B;3ED\x1b(J"),
        (b"\\ISO 2022 IR 159", "侒", "侒".encode("iso2022_jp_2")),
        (b"\\ISO 2022 IR 58", "王", b"\x1b$)A" + "王".encode("gb2312")),
        (b"\\ISO 2022 IR 149", "洪^吉洞", b"\x1b$)C" + "洪^吉洞".encode("euc_kr")),  # no second sequence
        (b"GBK", "王小东", "王小东".encode("gbk")),
        (b"ISO_IR 166", "สมชาย", "สมชาย".encode("tis-620")),
        (b"ISO_IR 6", "山田", "山田".encode()),  # UTF-8 that nobody declared
    ],
)
def test_text_is_decoded_by_the_file_s_character_set(character_set: bytes, text: str, encoded: bytes) -> None:
    assert decoded(encoded, codec_of(character_set)) == text


def test_bytes_that_the_character_set_does_not_have_are_read_all_the_same() -> None:
    assert decoded(b"M\xfcller", codec_of(b"ISO_IR 192")) == "Müller"
    assert decoded(b"M\xfcller", codec_of(b"ISO_IR 192\\no such term")) == "Müller"
    assert decoded(b"M\xfcller", "no-such-codec") == "Müller"


def test_an_empty_value_of_the_character_set_changes_nothing() -> None:
    assert codec_of(b"ISO_IR 101\\") == codec_of(b"ISO_IR 101") == "iso8859-2"
    assert codec_of(b" \0") == "ascii"


def test_padding_belongs_to_no_text() -> None:
    assert plain_text(b" 1.2.3\0") == "1.2.3"
    assert plain_parts(b"1.2\0\\ 3.4 \\") == ["1.2", "3.4", ""]
