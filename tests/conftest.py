# SPDX-License-Identifier: Apache-2.0
"""For all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Ctrl-C means something to the programs that tests start, even where the tests run in the background of a script:
    there it is ignored, which children would inherit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
