# SPDX-License-Identifier: Apache-2.0
"""The console's commands, one file for each topic. Importing the package declares them all.

A new command is one function in one of these files, or in a new file named in TOPICS.
"""

from importlib import import_module

TOPICS = (
    "machine",
    "compare",
    "translation",
    "tables",
    "traps",
    "worlds",
    "running",
    "calls",
    "breakpoints",
    "memory",
    "variables",
    "code",
    "scripting",
    "screen",
    "general",
)
"""The files, in the order in which `help` shows them; the first line of a file's docstring is its heading."""

for _topic in TOPICS:
    import_module(f"cli.commands.{_topic}")
