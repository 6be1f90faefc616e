# SPDX-License-Identifier: Apache-2.0
"""`layout`: a full screen with panes that follow the machine: source and code, registers, CSRs, world switches, UART."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import Dimension, HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from cli import panes
from cli.screen import GuestText

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding.key_bindings import NotImplementedOrNone
    from prompt_toolkit.output import Output

    from cli.context import Context

KEPT = 2000
"""Lines of the UART that can be scrolled back to."""
KEYS = " s step  n next  f finish  c go  e entry  x exit  ^C stop  Tab pane  q prompt"
STYLE = Style.from_dict(
    {
        "title": "reverse",
        "title.chosen": "reverse bold underline",
        "here": "bold ansigreen",
        "changed": "bold ansiyellow",
        "status": "reverse",
        "message": "ansired",
    }
)


class Scrolled(FormattedTextControl):
    """Text that the mouse wheel scrolls."""

    def __init__(self, scroll: Callable[[int], None], *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._scroll = scroll

    def mouse_handler(self, mouse_event: MouseEvent) -> NotImplementedOrNone:
        """Three lines for each turn of the wheel."""
        turns = {MouseEventType.SCROLL_DOWN: 3, MouseEventType.SCROLL_UP: -3}
        if mouse_event.event_type not in turns:
            return NotImplemented
        self._scroll(turns[mouse_event.event_type])
        return None


class Pane:
    """A window with a title; its lines come from a function, and it scrolls by keys and wheel."""

    def __init__(
        self, title: str, lines: Callable[[int, int], list[tuple[str, str]]], weight: int, follow_end: bool = False
    ) -> None:
        self.title, self._lines, self._follow_end = title, lines, follow_end
        self.offset = 0
        self.chosen = False
        self.size = (40, 10)
        self.control = Scrolled(self.scroll, self._text, focusable=True, show_cursor=False, get_cursor_position=self._cursor)
        self.window = Window(self.control, wrap_lines=False, always_hide_cursor=True)
        heading = FormattedTextControl(lambda: [("class:title.chosen" if self.chosen else "class:title", f" {self.title} ")])
        width = Dimension(min=10, preferred=10, weight=weight)  # whatever the lines' length is
        self.container = HSplit([Window(heading, height=1, style="class:title"), self.window], width=width)

    def _cursor(self) -> Point:
        return Point(0, 0)

    def scroll(self, lines: int) -> None:
        """Move by lines; past the beginning there is nothing."""
        self.offset += -lines if self._follow_end else lines
        self.offset = max(0, self.offset)

    def _text(self) -> StyleAndTextTuples:
        info = self.window.render_info
        if info is not None:
            self.size = (info.window_width, info.window_height)
        width, height = self.size
        lines = self._lines(width, height)
        self.offset = min(self.offset, max(0, len(lines) - height))
        first = max(0, len(lines) - height - self.offset) if self._follow_end else self.offset
        shown: StyleAndTextTuples = []
        for style, text in lines[first : first + height]:
            shown.append((style, text[:width] + "\n"))
        return shown


class FullScreen:
    """The application. Keys run the same commands as the prompt."""

    def __init__(
        self, context: Context, input: Input | None = None, output: Output | None = None, said: Iterable[str] = ()
    ) -> None:
        """`said`: by the guest, before."""
        self.context = context
        self.uart: deque[str] = deque(said, maxlen=KEPT)
        self.said: deque[str] = deque(maxlen=KEPT)
        """What it has said since."""
        self._guest = GuestText()
        self.message = ""
        state = panes.Content(context)
        self.content = state
        self.panes = [
            Pane("Code", state.code, 3),
            Pane("Registers", state.registers, 2),
            Pane("CSRs", state.csrs, 2),
            Pane("World switches", state.switches, 1, follow_end=True),
            Pane("UART", self._uart_lines, 1, follow_end=True),
        ]
        self._chosen = 0
        self.panes[0].chosen = True
        code, registers, csrs, switches, uart = (pane.container for pane in self.panes)
        bar = Window(FormattedTextControl(self._status), height=1, style="class:status")
        keys = Window(FormattedTextControl(self._bottom), height=1)
        body = HSplit(
            [
                VSplit(
                    [
                        code,
                        Window(width=1, char="│"),
                        HSplit([registers, csrs], width=Dimension(min=10, preferred=10, weight=2)),
                    ]
                ),
                VSplit([switches, Window(width=1, char="│"), uart], height=self._lower),
                bar,
                keys,
            ]
        )
        self.app: Application[None] = Application(
            layout=Layout(body, focused_element=self.panes[0].window),
            key_bindings=self._keys(),
            full_screen=True,
            mouse_support=True,
            style=STYLE,
            color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
            refresh_interval=0.5,
            input=input,
            output=output,
        )

    def _lower(self) -> Dimension:
        rows = self.app.output.get_size().rows
        return Dimension.exact(max(4, rows // 4))

    def _uart_lines(self, width: int, height: int) -> list[tuple[str, str]]:
        rest = self._guest.partial
        return [("", line) for line in [*self.uart, *([rest] if rest else [])]]

    def _bottom(self) -> StyleAndTextTuples:
        return [("class:message", self.message)] if self.message else [("", KEYS)]

    def _status(self) -> StyleAndTextTuples:
        return [("class:status", self.content.status())]

    # keys

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        def bind(line: str, *names: str) -> None:
            for name in names:

                @keys.add(name)
                def _run(event: KeyPressEvent) -> None:
                    self.run_line(line)

        bind("step", "s")
        bind("next", "n")
        bind("into", "i")
        bind("finish", "f")
        bind("continue", "c")
        bind("until entry", "e")
        bind("until exit", "x")

        @keys.add("q")
        @keys.add("escape", eager=True)
        @keys.add("c-d")
        def _quit(event: KeyPressEvent) -> None:
            event.app.exit()

        @keys.add("c-c")
        def _stop(event: KeyPressEvent) -> None:
            self.context.debugger.interrupt()

        @keys.add("tab")
        def _tab(event: KeyPressEvent) -> None:
            self.panes[self._chosen].chosen = False
            self._chosen = (self._chosen + 1) % len(self.panes)
            self.panes[self._chosen].chosen = True

        for name, lines in (("up", -1), ("down", 1), ("pageup", -10), ("pagedown", 10), ("k", -1), ("j", 1)):

            @keys.add(name)
            def _scroll(event: KeyPressEvent, lines: int = lines) -> None:
                self.panes[self._chosen].scroll(lines)

        return keys

    def run_line(self, line: str) -> None:
        """Run a command; what goes wrong is shown at the bottom. Nothing waits for a machine that runs on."""
        from cli.context import CommandError
        from cli.registry import execute
        from core.debug.target import DebugError

        self.message = ""
        context = self.context
        blocking, patience = context.blocking, context.patience
        context.blocking, context.patience = False, 0.05
        try:
            for _ in execute(line, context):
                pass
        except (CommandError, DebugError) as problem:
            self.message = str(problem)
        finally:
            context.blocking, context.patience = blocking, patience
        for pane in self.panes[:3]:
            pane.offset = 0

    # the machine

    def guest(self, data: bytes) -> None:
        """What the guest sends; from the machine's thread."""
        lines = self._guest.feed(data)
        self.uart.extend(lines)
        self.said.extend(lines)

    def warn(self, text: str) -> None:
        """A tolerance was used; from the machine's thread."""
        self.uart.append(f"warning: {text}")

    def run(self) -> None:
        """Show it until the user goes back."""
        debugger = self.context.debugger
        machine = debugger.machine
        before, warning = machine.console_output, machine.warning
        machine.console_output, machine.warning = self.guest, self.warn
        unsubscribe = debugger.subscribe(lambda event: self.app.invalidate())
        try:
            self.app.run()
        finally:
            unsubscribe()
            machine.console_output, machine.warning = before, warning
            self.context.reported = debugger.stop
