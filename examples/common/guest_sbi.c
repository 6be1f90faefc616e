// SPDX-License-Identifier: Apache-2.0
#include "guest_sbi.h"

#include "print.h"
#include "sbi.h"

extern char guest_text[], guest_text_end[], guest_data[], guest_data_end[]; // link.ld

void map_linked_guest(struct address_space guest_physical)
{
    uint64_t text = (uint64_t)guest_text, text_end = (uint64_t)guest_text_end;
    uint64_t data = (uint64_t)guest_data, data_end = (uint64_t)guest_data_end;
    map(guest_physical, text, text, text_end - text, G_STAGE_RX);
    map(guest_physical, data, data, data_end - data, G_STAGE_RW);
}

static void console_put(struct vcpu *vcpu, char c)
{
    if (!vcpu->within_line && vcpu->console_prefix != NULL)
        print("%s", vcpu->console_prefix);
    print("%c", c);
    vcpu->within_line = c != '\n';
}

// The guest passes a guest physical address, which is not to be trusted and means nothing without its G-stage tables.
static bool console_write(struct vcpu *vcpu, uint64_t guest_physical_address, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        const char *c = translate(vcpu->guest_physical, guest_physical_address + i);
        if (c == NULL)
            return false;
        console_put(vcpu, *c);
    }
    return true;
}

bool guest_sbi_call(struct vcpu *vcpu)
{
    const uint64_t *a = &vcpu->x[10];
    const uint64_t extension = a[7], function = a[6];
    struct sbi_result result = {SBI_ERR_NOT_SUPPORTED, 0};

    vcpu->sepc += 4; // sepc is the ecall itself; go on behind it

    switch (extension) {
    case SBI_LEGACY_CONSOLE_PUTCHAR:
        console_put(vcpu, (char)a[0]);
        vcpu->x[10] = SBI_SUCCESS; // a legacy call returns no value and leaves a1 alone
        return true;
    case SBI_LEGACY_SHUTDOWN:
        return false;
    case SBI_SRST:
        if (function == SBI_SRST_SYSTEM_RESET && a[0] == SBI_SRST_SHUTDOWN)
            return false;
        break;
    case SBI_DBCN:
        if (function == SBI_DBCN_CONSOLE_WRITE) { // number of bytes, low and high half of the address
            bool good = a[2] == 0 && console_write(vcpu, a[1], a[0]);
            result = good ? (struct sbi_result){SBI_SUCCESS, a[0]} : (struct sbi_result){SBI_ERR_INVALID_PARAM, 0};
        } else if (function == SBI_DBCN_CONSOLE_WRITE_BYTE) {
            console_put(vcpu, (char)a[0]);
            result.error = SBI_SUCCESS;
        }
        break;
    case SBI_BASE:
        result.error = SBI_SUCCESS;
        if (function == SBI_BASE_GET_SPEC_VERSION)
            result.value = 2ul << 24; // major 2, minor 0
        else if (function == SBI_BASE_PROBE_EXTENSION)
            result.value = a[0] == SBI_BASE || a[0] == SBI_DBCN || a[0] == SBI_SRST ||
                           (a[0] == SBI_TIME && vcpu->has_timer);
        break; // the other functions ask for numbers that may all be zero
    }
    vcpu->x[10] = (uint64_t)result.error;
    vcpu->x[11] = result.value;
    return true;
}
