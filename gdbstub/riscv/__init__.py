# SPDX-License-Identifier: Apache-2.0
"""The RISC-V half of the server: target description, register numbers, and the machine behind the protocol."""
