# SPDX-License-Identifier: Apache-2.0
"""The console's commands, one file for each topic. Importing the package declares them all.

A new command is one function in one of these files (or in a new file, named here).
"""

from cli.commands import breakpoints, code, general, machine, memory, running, translation  # noqa: F401
