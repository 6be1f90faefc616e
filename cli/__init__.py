# SPDX-License-Identifier: Apache-2.0
"""The `hartline` command and its console: the front end people type at."""
