# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md has all rules, each with a tag of the manual, a status and tests, and says what there is."""

from __future__ import annotations

import re

from core.options import CPU_PROPERTIES
from tests.architecture.tree import listing
from tests.support.conformance import DOCUMENT, RULES, STATUSES, named_after_rules, rules, with_tests

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_every_rule_is_there_once_and_in_order() -> None:
    assert [rule.number for rule in rules(TEXT)] == list(range(1, RULES + 1))
    assert TEXT.count("\n| ") == RULES + TEXT.count("\n| rule") + len(re.findall(r"\n\| [^0-9r]", TEXT))


def test_every_rule_has_a_tag_and_a_status() -> None:
    wrong = [
        f"rule {rule.number}: {rule.manual} {rule.status}"
        for rule in rules(TEXT)
        if not re.fullmatch(r"`norm:[\w-]+`(, `norm:[\w-]+`)*", rule.manual) or rule.status not in STATUSES
    ]
    assert not wrong, listing(wrong)


def test_every_rule_has_a_test() -> None:
    found = named_after_rules()
    assert set(found) <= set(range(1, RULES + 1))
    missing = [f"rule {rule.number} has no test" for rule in rules(TEXT) if not found.get(rule.number)]
    assert not missing, listing(missing)


def test_the_column_of_tests_is_up_to_date() -> None:
    assert with_tests(TEXT) == TEXT, "run python -m tests.support.conformance"


def test_cpu_properties_named_as_choices_exist() -> None:
    named = set(re.findall(r"`(?:--cpu rv64,)?(\w+)=(?:on|off)`", TEXT))
    assert named
    assert named <= set(CPU_PROPERTIES)


def test_a_row_without_test_and_a_stale_row_are_noticed() -> None:
    stale = "| 5 | text | `norm:sret_v0` | holds | | old |"
    assert rules(stale)[0].choice == ""
    assert "test_trap_return" in with_tests(stale)
    assert with_tests("| 999 | text | `norm:sret_v0` | holds | **x** | old |").endswith("**x** |  |")
