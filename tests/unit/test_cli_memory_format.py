# SPDX-License-Identifier: Apache-2.0
"""Memory and values in gdb's format letters."""

from __future__ import annotations

import struct

import pytest

from cli.memory_format import Format, FormatError, memory_lines, parse_format, string_text, value_text


def no_symbol(address: int) -> str | None:
    return None


def near_start(address: int) -> str | None:
    return f"start+{address - 0x1000}" if 0x1000 <= address < 0x2000 else None


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (None, Format(1, "x", 4)),
        ("4gx", Format(4, "x", 8)),
        ("8xb", Format(8, "x", 1)),
        ("i", Format(1, "i", 4)),
        ("5i", Format(5, "i", 4)),
        ("a", Format(1, "a", 8)),
        ("c", Format(1, "c", 1)),
        ("2s", Format(2, "s", 1)),
        ("fg", Format(1, "f", 8)),
    ],
)
def test_formats(text: str | None, result: Format) -> None:
    assert parse_format(text) == result


def test_what_is_left_out_is_as_last_time() -> None:
    assert parse_format("2", Format(9, "d", 2)) == Format(2, "d", 2)
    assert parse_format("u", Format(9, "d", 2)) == Format(1, "u", 2)


@pytest.mark.parametrize("text", ["q", "4!", "0x", "99999x", "x4", "bf"])
def test_bad_formats(text: str) -> None:
    with pytest.raises(FormatError, match="/" + text):
        parse_format(text)


@pytest.mark.parametrize(
    ("value", "letter", "size", "shown"),
    [
        (0xFF, "x", 1, "0xff"),
        (0xFF, "d", 1, "-1"),
        (0xFF, "u", 1, "255"),
        (8, "o", 4, "010"),
        (5, "t", 1, "00000101"),
        (0x1008, "a", 8, "0x1008 <start+8>"),
        (0x41, "c", 1, "65 'A'"),
        (0, "c", 1, "0 '.'"),
        (struct.unpack("<I", struct.pack("<f", 1.5))[0], "f", 4, "1.5"),
        (struct.unpack("<Q", struct.pack("<d", -0.25))[0], "f", 8, "-0.25"),
        (1, "z", 8, "0x0000000000000001"),
    ],
)
def test_values(value: int, letter: str, size: int, shown: str) -> None:
    assert value_text(value, letter, size, near_start) == shown


def test_lines_carry_address_and_symbol() -> None:
    data = bytes(range(40))
    assert memory_lines(data, 0x1000, Format(5, "x", 8), near_start) == [
        "0x1000 <start+0>:  0x0706050403020100  0x0f0e0d0c0b0a0908",
        "0x1010 <start+16>:  0x1716151413121110  0x1f1e1d1c1b1a1918",
        "0x1020 <start+32>:  0x2726252423222120",
    ]


def test_narrow_terminals_get_fewer_columns() -> None:
    lines = memory_lines(bytes(16), 0x1000, Format(4, "x", 4), no_symbol, width=40)
    assert lines[0] == "0x1000:  0x00000000"
    assert all(len(line) <= 40 for line in lines)


def test_strings_are_quoted() -> None:
    assert string_text(b'say "hi"\n\x01\0rest') == '"say \\"hi\\"\\n\\x01"'
