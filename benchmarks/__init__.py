# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of Hartline beside QEMU, measured in one run. `python -m benchmarks [NAME...]`; see README.md here."""
