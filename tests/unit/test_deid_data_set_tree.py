"""Data sets as trees of raw elements: what is kept, what is left out, and that writing inverts reading."""

from __future__ import annotations

import struct

import pytest
from deid_samples import clean, element, encode, sequence
from hypothesis import given
from hypothesis import strategies as st

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Node, Tree, all_trees, read_tree, write_tree
from privxray.deid.dicomfile.element import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, DamagedError
from privxray.deid.dicomfile.part10 import read_part10

PATIENT = element(tags.PATIENT_ID, "LO", b"case0042")


def read(data: bytes, *, partial: bool = False) -> Tree:
    return read_tree(data, 0, EXPLICIT_LITTLE, partial=partial)


def test_writing_inverts_reading() -> None:
    inner = sequence(tags.CONTENT_SEQUENCE, [element(tags.TEXT_VALUE, "UT", b"no finding")])
    data = PATIENT + sequence(tags.CONTENT_SEQUENCE, [inner, b"", element(tags.TEXT_VALUE, "UT", b"ab")])
    tree = read(data)
    assert write_tree(tree) == data
    assert [item.text(tags.TEXT_VALUE) for item in tree.nodes[tags.CONTENT_SEQUENCE].items or ()] == [
        "",
        "",
        "ab",
    ]
    assert len(list(all_trees(tree))) == 5


@given(st.dictionaries(st.sampled_from(range(0x00200000, 0x00200400, 2)), st.binary(max_size=9), max_size=9))
def test_equal_trees_give_equal_bytes(values: dict[int, bytes]) -> None:
    nodes = {tag: Node(tag, "UN", value) for tag, value in values.items() if tag & 0xFFFF}
    backwards = dict(reversed(nodes.items()))
    written = write_tree(Tree(nodes))
    assert written == write_tree(Tree(backwards))
    assert len(written) % 2 == 0


def test_the_later_of_two_elements_stays_with_its_own_items() -> None:
    first = sequence(tags.CONTENT_SEQUENCE, [PATIENT, PATIENT])
    second = sequence(tags.CONTENT_SEQUENCE, [element(tags.TEXT_VALUE, "UT", b"ab")])
    tree = read(first + second)
    assert write_tree(tree) == second


def test_group_lengths_are_left_out() -> None:
    assert write_tree(read(element(0x00100000, "UL", b"\x10\0\0\0") + PATIENT)) == PATIENT


def test_what_follows_the_pixel_data_is_left_out_but_not_in_items() -> None:
    pixels = element(tags.PIXEL_DATA, "OB", b"\x01\x02")
    padding = element(tags.DATA_SET_TRAILING_PADDING, "OB", b"\0\0")
    assert write_tree(read(PATIENT + pixels + padding)) == PATIENT + pixels
    item = sequence(0x00880200, [pixels + padding])  # Icon Image Sequence
    assert write_tree(read(item + PATIENT)) == PATIENT + item


def test_numbers_of_big_endian_files_are_swapped_and_text_is_not() -> None:
    header = struct.pack(">HH2sH", 0x0028, 0x0010, b"US", 2) + b"\x01\x02"
    text = struct.pack(">HH2sH", 0x0010, 0x0020, b"LO", 2) + b"ab"
    tree = read_tree(text + header, 0, EXPLICIT_BIG)
    assert tree.nodes[tags.ROWS].value == b"\x02\x01"
    assert tree.number(tags.ROWS) == 0x0102
    assert tree.text(tags.PATIENT_ID) == "ab"


def test_in_implicit_vr_the_dictionary_s_is_written_and_alternatives_are_settled() -> None:
    def implicit(tag: int, value: bytes) -> bytes:
        return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value)) + value

    padding = implicit(tags.PIXEL_PADDING_VALUE, b"\xff\xff")
    for signed, vr in ((b"\0\0", "US"), (b"\x01\0", "SS")):
        tree = read_tree(implicit(tags.PIXEL_REPRESENTATION, signed) + padding, 0, IMPLICIT_LITTLE)
        assert tree.nodes[tags.PIXEL_PADDING_VALUE].vr == vr


@pytest.mark.parametrize(
    ("vr", "value", "number"),
    [
        ("US", b"\x07\0", 7),
        ("US", b"\x07", None),
        ("IS", b" 12\\3 ", 12),
        ("IS", b"-3", -3),
        ("IS", b"1e3", None),
        ("IS", "١".encode("latin-1", "replace"), None),
    ],
)
def test_numbers(vr: str, value: bytes, number: int | None) -> None:
    assert Tree({tags.ROWS: Node(tags.ROWS, vr, value)}).number(tags.ROWS) == number
    assert Tree().number(tags.ROWS) is None


def test_a_value_too_long_for_its_vr_travels_as_unknown() -> None:
    tree = Tree({tags.PATIENT_ID: Node(tags.PATIENT_ID, "LO", b"x" * 70_000)})
    assert write_tree(tree)[4:6] == b"UN"
    assert read(write_tree(tree)).nodes[tags.PATIENT_ID].value == b"x" * 70_000


def test_a_file_that_is_cut_off_gives_what_can_be_read() -> None:
    data = PATIENT + element(tags.TEXT_VALUE, "UT", b"no finding")[:-4]
    with pytest.raises(DamagedError):
        read(data)
    assert write_tree(read(data, partial=True)) == PATIENT


def test_only_ascii_is_put() -> None:
    tree = Tree()
    with pytest.raises(UnicodeEncodeError):
        tree.put(tags.PATIENT_ID, "LO", "Müller")


def test_a_tree_marks_what_is_stored_as_another_kind() -> None:
    tree = read(element(tags.ROWS, "LO", b"Doe^John") + element(tags.PATIENT_ID, "SH", b"ab"))
    assert tree.nodes[tags.ROWS].wrong_kind
    assert not tree.nodes[tags.PATIENT_ID].wrong_kind
    assert tree.nodes[tags.PATIENT_ID].vr == "LO"  # one kind of text under another's name


def test_a_whole_file_is_read() -> None:
    tree = read_part10(encode(clean())).tree
    assert tree.text(tags.PATIENT_ID) == "case0042"
    assert tree.nodes[tags.PIXEL_DATA].value == bytes(range(64))
