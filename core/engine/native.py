# SPDX-License-Identifier: Apache-2.0
"""The native engine: the kernel functions compiled to machine code around a decoded-instruction cache."""

from __future__ import annotations

import ctypes
import gc
import mmap
from collections.abc import Callable
from typing import Any

import llvmlite
from llvmlite import binding

from core.engine import cache, decoded
from core.hart import LAYOUT, Hart

POOL_PAGES = 8192
"""Pages of RAM whose instructions can be cached at once; beyond, all are dropped and decoded again as needed."""
PASSES = (
    "always_inliner",
    "sroa",
    "instruction_combine",
    "simplify_cfg",
    "simplify_cfg",
    "dead_store_elimination",
    "global_dead_code_eliminate",
)
"""What is done to the IR. LLVM's full -O2 took five times as long and made nothing measurably faster."""
EXPORTS: dict[str, tuple[Any, ...]] = {
    "hartline_run": (ctypes.c_void_p,),
    "hartline_forget": (ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64),
    "hartline_forget_offset": (ctypes.c_void_p, ctypes.c_uint64),
    "hartline_forget_all": (ctypes.c_void_p,),
    "hartline_flag_all": (ctypes.c_void_p,),
}
"""What native code offers, with the types of its arguments."""


def target_machine(opt: int = 2) -> Any:
    """LLVM's view of this processor."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    return target.create_target_machine(
        opt=opt,
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        reloc="pic",
        codemodel="small",
        jit=True,
    )


def optimized(text: str, machine: Any) -> Any:
    """A module after PASSES, from its text."""
    module = binding.parse_assembly(text)
    module.verify()
    passes = binding.create_new_module_pass_manager()
    for name in PASSES:
        getattr(passes, f"add_{name}_pass")()
    passes.run(module, binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=2)))
    return module


def compile_interpreter(machine: Any) -> bytes:
    """Object code of the interpreter. Takes seconds; the caller keeps the result."""
    from core.engine.build import build_module  # needed only when there is nothing cached

    gc.disable()  # hundreds of thousands of IR objects that all live to the end
    try:
        text = build_module()
    finally:
        gc.enable()
    return bytes(machine.emit_object(optimized(text, machine)))


class NativeCode:
    """Machine code loaded into this process."""

    def __init__(self) -> None:
        machine = target_machine()
        facts = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten(), llvmlite.__version__)
        LAYOUT.freeze()
        name = cache.fingerprint(machine.triple, str(LAYOUT), *facts)
        code = cache.load(name)
        self.was_cached = code is not None
        if code is None:
            code = compile_interpreter(machine)
            cache.store(name, code)
        # Its sections refer to each other by 32 bits: llvmlite's memory manager keeps them together, LLVM's own may put
        # gigabytes of RAM between them.
        self.engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine, use_lmm=True)
        self.engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self.engine.finalize_object()
        self.functions: dict[str, Callable[..., Any]] = {
            export: ctypes.CFUNCTYPE(None, *types)(self.engine.get_function_address(export))
            for export, types in EXPORTS.items()
        }


_code: NativeCode | None = None


def native_code() -> NativeCode:
    """The code of this process, loaded or compiled at the first call."""
    global _code
    if _code is None:
        _code = NativeCode()
    return _code


class NativeEngine:
    """Runs harts with native code. One engine serves all harts of a machine: they share the decoded instructions."""

    name = "native"
    slice_units = 1 << 18
    """Units of one call of `run` after which the machine looks at requests from other threads."""

    def __init__(self, harts: list[Hart]) -> None:
        code = native_code()
        self._run = code.functions["hartline_run"]
        self._forget = code.functions["hartline_forget"]
        self._forget_offset = code.functions["hartline_forget_offset"]
        self._forget_all = code.functions["hartline_forget_all"]
        self._flag_all = code.functions["hartline_flag_all"]
        self.harts = harts
        pages = harts[0].ram_size >> 12
        count = min(POOL_PAGES, pages)
        self._pool = mmap.mmap(-1, count * decoded.PAGE_BYTES)
        self._control = (ctypes.c_uint64 * (pages + 8 + 8 * 2))()
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._pool))
        base = ctypes.addressof(self._control)
        self._control[0], self._control[1] = start, start + count * decoded.PAGE_BYTES
        for hart in harts:
            hart.code_pool, hart.code_start = base, start
            hart.code_epoch, hart.code_scratch, hart.code_table = base + 16, base + 64, base + 192
        self._epochs = [0] * len(harts)

    def run(self, hart: Hart) -> None:
        """Run until the budget is used or an event wants the machine."""
        index = self.harts.index(hart)
        if self._epochs[index] != self._control[2]:
            self._flag_all(hart.address)
        self._run(hart.address)
        self._epochs[index] = self._control[2]

    def memory_changed(self, spa: int, size: int) -> None:
        """The debugger or a device wrote RAM: instructions decoded from there are stale."""
        hart = self.harts[0]
        end = min(spa + size, hart.ram_base + hart.ram_size)
        spa = max(spa, hart.ram_base)
        while spa < end:
            part = min(end, (spa & ~0xFFF) + 0x1000) - spa
            self._forget(hart.address, spa, part)
            spa += part

    def breakpoint_changed(self, address: int) -> None:
        """A breakpoint was set or cleared at a virtual address."""
        self._forget_offset(self.harts[0].address, address & 0xFFE)

    def forget_everything(self) -> None:
        """Drop all decoded instructions (reset, other features)."""
        self._forget_all(self.harts[0].address)
