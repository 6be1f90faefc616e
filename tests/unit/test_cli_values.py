# SPDX-License-Identifier: Apache-2.0
"""The values of options: sizes, addresses, counts, CPU properties."""

from __future__ import annotations

import pytest

from cli.values import parse_count, parse_listen
from core.errors import BadValue
from core.options import parse_cpu, parse_size

VECTOR = "CPU property 'rnmi-exception-vector'"
CPU = ["h", "sstc", "svadu", "sv48"]


@pytest.mark.parametrize(
    ("text", "size"),
    [("128M", 128 << 20), ("1G", 1 << 30), ("64k", 64 << 10), ("4K", 4096), ("256", 256 << 20), ("2GiB", 2 << 30)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "12X", "-1M", "1.5G", "0", "0K", "5K", "0x1000"])
def test_bad_sizes_name_the_text(text: str) -> None:
    with pytest.raises(BadValue, match="size " + repr(text)):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1234", ("127.0.0.1", 1234)),
        (":1234", ("127.0.0.1", 1234)),
        ("0.0.0.0:99", ("0.0.0.0", 99)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:1234", ("::1", 1234)),
    ],
)
def test_listen_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize("text", ["", "host", "host:", "70000", "1234:host", "-1", "12 34"])
def test_bad_listen_addresses(text: str) -> None:
    with pytest.raises(BadValue, match="PORT"):
        parse_listen(text)


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("1_000", 1000), ("5k", 5000), ("10M", 10**7), ("0x10", 16)])
def test_counts(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "0", "-3", "many", "1e6"])
def test_bad_counts(text: str) -> None:
    with pytest.raises(BadValue, match="count above zero"):
        parse_count(text)


def test_cpu_properties() -> None:
    assert parse_cpu("rv64", CPU) == {}
    assert parse_cpu("rv64,sstc=off,h=on", CPU) == {"sstc": False, "h": True}
    assert parse_cpu("max,-sstc,+sv48,SVADU", CPU) == {"sstc": False, "sv48": True, "svadu": True}
    vectors = parse_cpu("rv64,rnmi-interrupt-vector=0x80001000,RNMI-exception-vector=128", CPU)
    assert vectors == {"rnmi-interrupt-vector": 0x8000_1000, "rnmi-exception-vector": 128}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rv64,sstcc=off", "no CPU property 'sstcc'; did you mean sstc?"),
        ("rv64,zzz", "no CPU property 'zzz'; known are h, sstc, svadu, sv48, rnmi-interrupt-vector, rnmi-exception-vector"),
        ("rv64,rnmi-interrupt-vektor=0", "no CPU property 'rnmi-interrupt-vektor'; did you mean rnmi-interrupt-vector?"),
        ("rv64,rnmi-interrupt-vector=on", "CPU property 'rnmi-interrupt-vector' is an address such as 0x80001000, not 'on'"),
        ("rv64,rnmi-exception-vector", "CPU property 'rnmi-exception-vector' is an address such as 0x80001000, not ''"),
        ("rv64,rnmi-exception-vector=0x81", "CPU property 'rnmi-exception-vector' is 0x81: instructions have even addresses"),
        ("rv64,i=off", "CPU property 'i' is no choice: every RV64 hart has it"),
        ("rv64,pmp=off", "CPU property 'pmp' is no choice: the 16 PMP entries are always there"),
        (
            "rv64,svade=on",
            "CPU property 'svade' is no choice: it is there with svadu=off; with svadu=on, --strict starts with A and D left"
            " to software (menvcfg.ADUE is 0)",
        ),
        ("rv64,rnmi-exception-vector=010", f"{VECTOR} is an address such as 0x80001000, not '010'"),
        (f"rv64,rnmi-exception-vector={1 << 64}", f"{VECTOR} is an address such as 0x80001000, not '{1 << 64}'"),
        ("rv46", "no CPU model 'rv46'; did you mean rv64?"),
        ("rv64,h=maybe", "CPU property 'h' is on or off, not 'maybe'"),
    ],
)
def test_bad_cpu(text: str, line: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_cpu(text, CPU)
    assert str(caught.value) == line
