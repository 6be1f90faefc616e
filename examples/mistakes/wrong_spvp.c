// SPDX-License-Identifier: Apache-2.0
//
// The mistake: the hypervisor reads the guest's memory with hlv while hstatus.SPVP is 0, so the read is made as if by the
// guest's user mode, and the pages of the guest's kernel are not for that.
#include "../common/memory.h"
#include "run.h"

extern char free_memory[], free_memory_end[]; // link.ld

static struct vcpu vcpu;

static uint8_t hlv_bu(uint64_t guest_virtual_address)
{
    uint64_t value;
    __asm__ volatile(".insn r 0x73, 4, 0x30, %0, %1, x1" : "=r"(value) : "r"(guest_virtual_address) : "memory");
    return (uint8_t)value;
}

void main(void)
{
    hypervisor_init();
    struct address_space guest_physical = address_space_new(&sv39x4);
    map_guest(guest_physical, G_STAGE_RX);

    // The guest's own tables, made for it: kernel pages, without U. They lie in memory that the guest has, too.
    struct address_space guest_virtual = address_space_new(&sv39);
    uint64_t text = (uint64_t)guest_text, data = (uint64_t)guest_data;
    map(guest_virtual, text, text, (uint64_t)guest_text_end - text, PTE_R | PTE_X);
    map(guest_virtual, data, data, (uint64_t)guest_data_end - data, PTE_R | PTE_W);
    uint64_t tables = (uint64_t)free_memory, end = (uint64_t)free_memory_end;
    map(guest_physical, tables, tables, end - tables, G_STAGE_RW);

    vcpu_init(&vcpu, (uint64_t)guest_entry, guest_physical, 1);
    vcpu.vsatp = atp_value(guest_virtual, 0);
    vcpu_load(&vcpu);
    vcpu_run(&vcpu);

    // The guest asks to have a text printed and gives its address.
    csr_write(hstatus, HSTATUS_VSXL_64 | HSTATUS_SPV); // should keep SPVP, which the exit has set
    for (uint64_t i = 0; i < vcpu.x[10]; i++)
        print("%c", hlv_bu(vcpu.x[11] + i));
    sbi_shutdown();
}
