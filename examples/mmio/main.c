// SPDX-License-Identifier: Apache-2.0
//
// The fourth step: a device that does not exist. Its page is not mapped for the guest, so that each load and store
// there is a guest-page fault, and the hypervisor does what the device would have done.
#include "../common/csr.h"
#include "../common/guest_instruction.h"
#include "../common/guest_sbi.h"
#include "../common/print.h"
#include "../common/sbi.h"
#include "device.h"

extern char guest_entry[]; // guest_start.S

static struct vcpu vcpu;

static uint8_t scratchpad[DEVICE_SIZE]; // the device: bytes that can be written and read back

static uint64_t device_read(uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)scratchpad[offset + i] << 8 * i;
    return value;
}

static void device_write(uint64_t offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        scratchpad[offset + i] = (uint8_t)(value >> 8 * i);
}

static void emulate_access(void)
{
    const uint32_t instruction = transformed_instruction(&vcpu);
    const unsigned funct3 = instruction >> 12 & 7;
    const unsigned size = 1u << (funct3 & 3); // 1, 2, 4 or 8 bytes
    const bool is_unsigned = funct3 & 4;      // lbu, lhu, lwu
    const unsigned rd = instruction >> 7 & 31, rs2 = instruction >> 20 & 31;

    // Where rs1 was, a transformed instruction has the distance from the access's first byte to the byte that faulted.
    // It is zero unless a misaligned access began on the page before, and this guest has no memory there.
    const unsigned distance = instruction >> 15 & 31;
    const uint64_t offset = faulting_guest_physical_address(&vcpu) - DEVICE_ADDRESS;

    if (instruction == 0 || distance != 0 || offset > DEVICE_SIZE - size)
        unexpected_exit(&vcpu);

    if (vcpu.scause == CAUSE_STORE_GUEST_PAGE_FAULT) {
        device_write(offset, size, rs2 == 0 ? 0 : vcpu.x[rs2]);
    } else {
        uint64_t value = device_read(offset, size);
        if (!is_unsigned) {
            const unsigned unused_bits = 64 - 8 * size;
            value = (uint64_t)((int64_t)(value << unused_bits) >> unused_bits);
        }
        if (rd != 0)
            vcpu.x[rd] = value;
    }
    vcpu.sepc += trapping_instruction_length(&vcpu);
}

void main(void)
{
    hypervisor_init();

    struct address_space guest_physical = address_space_new(&sv39x4);
    map_linked_guest(guest_physical);
    vcpu_init(&vcpu, (uint64_t)guest_entry, guest_physical, 1);
    vcpu_load(&vcpu);

    bool running = true;
    while (running) {
        vcpu_run(&vcpu);
        switch (vcpu.scause) {
        case CAUSE_ECALL_FROM_VS:
            running = guest_sbi_call(&vcpu);
            break;
        case CAUSE_LOAD_GUEST_PAGE_FAULT:
        case CAUSE_STORE_GUEST_PAGE_FAULT:
            emulate_access();
            break;
        default:
            unexpected_exit(&vcpu);
        }
    }
    sbi_shutdown();
}
