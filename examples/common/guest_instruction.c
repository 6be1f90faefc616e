// SPDX-License-Identifier: Apache-2.0
#include "guest_instruction.h"

#include "csr.h"
#include "h_instructions.h"
#include "print.h"

#define OPCODE(instruction) ((instruction) & 0x7f)
#define FUNCT3(instruction) ((instruction) >> 12 & 7)
#define OPCODE_LOAD 0x03
#define OPCODE_STORE 0x23

bool use_htinst = true;

uint64_t faulting_guest_physical_address(const struct vcpu *vcpu)
{
    // htval has the address without its low two bits, which are the same in the virtual address. (Not so for a fault
    // on a VS-stage page table, but then the guest would have VS-stage translation on.)
    if (vcpu->htval != 0)
        return vcpu->htval << 2 | (vcpu->stval & 3);
    // Zero means that the hardware does not tell. Without VS-stage translation the virtual address is the answer.
    if (csr_read(vsatp) >> ATP_MODE_SHIFT != 0)
        unexpected_exit(vcpu);
    return vcpu->stval;
}

// Whether a value has the format of a transformed integer load or store. Bit 1 is zero for a compressed instruction.
// All other values that htinst can have, those of the future too, may be treated like zero.
static bool is_load_or_store(uint64_t value)
{
    if (value >> 32 != 0 || (value & 1) == 0)
        return false;
    switch (OPCODE(value | 2)) {
    case OPCODE_LOAD:
        return FUNCT3(value) != 7;
    case OPCODE_STORE:
        return FUNCT3(value) <= 3;
    }
    return false;
}

// The guest was able to fetch this instruction a moment ago and nobody has changed its page tables since, so these
// reads do not fault.
static uint32_t read_trapping_instruction(const struct vcpu *vcpu)
{
    uint32_t instruction = hlvx_hu(vcpu->sepc);
    if ((instruction & 3) == 3) // longer than 16 bits; read in halves, as the second may lie on another page
        instruction |= (uint32_t)hlvx_hu(vcpu->sepc + 2) << 16;
    return instruction;
}

// The two transformed formats. The immediate offset and rs1 are gone: where the access went is in stval.
static uint32_t transformed_load(unsigned funct3, unsigned rd)
{
    return funct3 << 12 | rd << 7 | OPCODE_LOAD;
}

static uint32_t transformed_store(unsigned funct3, unsigned rs2)
{
    return rs2 << 20 | funct3 << 12 | OPCODE_STORE;
}

static uint32_t transform_compressed(uint32_t instruction)
{
    const unsigned word = 2, doubleword = 3;                // funct3 of lw and sw, ld and sd
    const unsigned short_register = 8 + (instruction >> 2 & 7); // rd' or rs2', one of x8 to x15
    const unsigned rd = instruction >> 7 & 31;
    const unsigned rs2 = instruction >> 2 & 31;
    uint32_t result = 0;

    switch ((instruction & 3) << 3 | (instruction >> 13 & 7)) { // quadrant, funct3
    case 0 << 3 | 2: // C.LW
        result = transformed_load(word, short_register);
        break;
    case 0 << 3 | 3: // C.LD
        result = transformed_load(doubleword, short_register);
        break;
    case 0 << 3 | 6: // C.SW
        result = transformed_store(word, short_register);
        break;
    case 0 << 3 | 7: // C.SD
        result = transformed_store(doubleword, short_register);
        break;
    case 2 << 3 | 2: // C.LWSP
        result = transformed_load(word, rd);
        break;
    case 2 << 3 | 3: // C.LDSP
        result = transformed_load(doubleword, rd);
        break;
    case 2 << 3 | 6: // C.SWSP
        result = transformed_store(word, rs2);
        break;
    case 2 << 3 | 7: // C.SDSP
        result = transformed_store(doubleword, rs2);
        break;
    }
    return result & ~2u;
}

uint32_t transformed_instruction(const struct vcpu *vcpu)
{
    if (use_htinst && is_load_or_store(vcpu->htinst))
        return (uint32_t)vcpu->htinst;

    uint32_t instruction = read_trapping_instruction(vcpu);
    if ((instruction & 3) != 3)
        return transform_compressed(instruction);
    if (!is_load_or_store(instruction))
        return 0;
    if (OPCODE(instruction) == OPCODE_LOAD)
        return transformed_load(FUNCT3(instruction), instruction >> 7 & 31);
    return transformed_store(FUNCT3(instruction), instruction >> 20 & 31);
}

unsigned trapping_instruction_length(const struct vcpu *vcpu)
{
    uint32_t low_bits = use_htinst && is_load_or_store(vcpu->htinst) ? vcpu->htinst : hlvx_hu(vcpu->sepc);
    return (low_bits & 3) == 3 ? 4 : 2;
}
