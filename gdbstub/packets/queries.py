# SPDX-License-Identifier: Apache-2.0
"""Getting to know each other: features, acknowledgements, symbols, how we came to be attached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gdbstub.framing import PACKET_LIMIT
from gdbstub.grammar import PACKETS, packet
from gdbstub.interface import TargetError
from gdbstub.replies import OK

if TYPE_CHECKING:
    from gdbstub.session import Session

PACKET_SIZE: Final = PACKET_LIMIT - 16

FEATURES: Final = ("multiprocess+", "exec-events+", "swbreak+", "hwbreak+", "vContSupported+", "error-message+")
"""What we can do beyond single packets, as the reply to qSupported says it."""


@packet("qSupported", "[:{features:text}]")
def supported(session: Session, features: str | None) -> bytes:
    """Learn what the client can do, and list what we can: each packet's declaration says its own."""
    session.meet({feature[:-1] for feature in (features or "").split(";") if feature.endswith("+")})
    advertised = [f"PacketSize={PACKET_SIZE:x}", *FEATURES]
    for declaration in PACKETS.values():
        if declaration.supported:
            advertised += declaration.supported.split(";")
    return ";".join(advertised).encode()


@packet("QStartNoAckMode", supported="QStartNoAckMode+")
def start_no_ack_mode(session: Session) -> bytes:
    """Stop sending `+` and `-`: the stream is reliable. The client still acknowledges this reply."""
    session.stop_acknowledging()
    return OK


@packet("QNonStop", ":{on:hex}")
def non_stop(session: Session, on: int) -> bytes:
    """All-stop is the only mode: what stops one hart stops the machine, and with it all worlds."""
    if on:
        raise TargetError("non-stop mode is not supported: all harts of the machine stop together")
    return OK


@packet("!")
def extended_mode(session: Session) -> bytes:
    """Extended remote: the connection outlives the program, which can be started again."""
    session.extended = True
    return OK


@packet("qAttached", "[:{process:hex}]")
def attached(session: Session, process: int | None) -> bytes:
    """We were there before the debugger, so that quitting gdb detaches instead of killing."""
    return b"1"


@packet("qSymbol", "{text:text}")
def symbol(session: Session, text: str) -> bytes:
    """We need no symbols from the debugger."""
    return OK
