// SPDX-License-Identifier: Apache-2.0
//
// The fifth step: two guests, made from the same image, at the same guest addresses, which are the hypervisor's own
// addresses as well. What keeps them apart is the G-stage and their VMIDs. They take turns by the timer.
#include "../common/csr.h"
#include "../common/guest_sbi.h"
#include "../common/memory.h"
#include "../common/print.h"
#include "../common/sbi.h"
#include "guest/layout.h"

#define GUESTS 2

extern const char guest_image[], guest_image_end[]; // guest_image.S

static struct guest {
    struct vcpu vcpu;
    unsigned timer_interrupts;
    bool ended;
} guests[GUESTS];

static void guest_init(struct guest *guest, uint64_t vmid, const char *console_prefix)
{
    char *memory = allocate(GUEST_MEMORY_SIZE, PAGE_SIZE);
    memcpy(memory, guest_image, (size_t)(guest_image_end - guest_image));
    __asm__ volatile("fence.i" : : : "memory"); // these stores are instructions to be fetched

    // The same guest physical addresses for both, different supervisor physical addresses.
    struct address_space guest_physical = address_space_new(&sv39x4);
    map(guest_physical, GUEST_MEMORY, (uint64_t)memory, GUEST_MEMORY_SIZE, G_STAGE_RWX);

    vcpu_init(&guest->vcpu, GUEST_MEMORY, guest_physical, vmid);
    guest->vcpu.console_prefix = console_prefix;
    guest->vcpu.has_timer = true;
}

// What a guest's kernel can handle by itself goes there without an exit: its system calls, above all. An interrupt
// that is delegated arrives under the number that VS-mode knows, VSTI as a supervisor timer interrupt.
static void delegate(void)
{
    csr_write(hedeleg, 1ul << CAUSE_INSTRUCTION_ADDRESS_MISALIGNED | 1ul << CAUSE_ILLEGAL_INSTRUCTION |
                           1ul << CAUSE_BREAKPOINT | 1ul << CAUSE_LOAD_ADDRESS_MISALIGNED |
                           1ul << CAUSE_STORE_ADDRESS_MISALIGNED | 1ul << CAUSE_ECALL_FROM_U |
                           1ul << CAUSE_INSTRUCTION_PAGE_FAULT | 1ul << CAUSE_LOAD_PAGE_FAULT |
                           1ul << CAUSE_STORE_PAGE_FAULT);
    csr_write(hideleg, 1ul << INTERRUPT_VSSI | 1ul << INTERRUPT_VSTI | 1ul << INTERRUPT_VSEI);
    csr_write(hcounteren, HCOUNTEREN_TM); // guests read the time
    csr_set(sie, 1ul << INTERRUPT_STI);   // counts whenever V=1; the hypervisor itself runs with sstatus.SIE=0
}

// The other guest, or the same one again if the other has ended; null if both have.
static struct guest *next_after(struct guest *guest)
{
    for (unsigned i = 1; i <= GUESTS; i++) {
        struct guest *candidate = &guests[(guest - guests + i) % GUESTS];
        if (!candidate->ended)
            return candidate;
    }
    return NULL;
}

static struct guest *switch_from(struct guest *guest)
{
    struct guest *next = next_after(guest);
    if (next != guest) {
        vcpu_put(&guest->vcpu);
        if (next != NULL)
            vcpu_load(&next->vcpu);
    }
    return next;
}

// The guest's SBI call of the TIME extension. As the call is the guest's way to say that it has handled the last timer
// interrupt, VSTIP is cleared; the guest could not do that, its sip.STIP is read-only.
static void set_timer(struct vcpu *vcpu)
{
    csr_clear(hvip, 1ul << INTERRUPT_VSTI);
    sbi_set_timer(vcpu->x[10]);
    vcpu->x[10] = SBI_SUCCESS;
    vcpu->sepc += 4;
}

// The guest's time has come: the timer interrupt in HS-mode becomes one in VS-mode. It is also the end of the guest's
// turn, so the guest will see its interrupt when its next turn begins. (The hart's timer belongs to the guest whose
// turn it is. That makes the order of all that is printed independent of the machine's speed, but a guest that sets no
// timer keeps the hart. With guests it cannot trust, a hypervisor sets a limit of its own.)
static struct guest *timer_interrupt(struct guest *guest)
{
    sbi_set_timer(SBI_TIMER_NEVER); // clears STIP
    csr_set(hvip, 1ul << INTERRUPT_VSTI);
    guest->timer_interrupts++;
    return switch_from(guest);
}

static struct guest *sbi_call_from(struct guest *guest)
{
    struct vcpu *vcpu = &guest->vcpu;

    if (vcpu->x[17] == SBI_TIME && vcpu->x[16] == SBI_TIME_SET_TIMER) { // a7, a6
        set_timer(vcpu);
        return guest;
    }
    if (guest_sbi_call(vcpu))
        return guest;
    guest->ended = true;
    return switch_from(guest);
}

void main(void)
{
    hypervisor_init();
    delegate();
    guest_init(&guests[0], 1, "guest 1: ");
    guest_init(&guests[1], 2, "guest 2: ");

    struct guest *guest = &guests[0];
    vcpu_load(&guest->vcpu);
    while (guest != NULL) {
        vcpu_run(&guest->vcpu);
        switch (guest->vcpu.scause) {
        case SCAUSE_INTERRUPT | INTERRUPT_STI:
            guest = timer_interrupt(guest);
            break;
        case CAUSE_ECALL_FROM_VS:
            guest = sbi_call_from(guest);
            break;
        default:
            unexpected_exit(&guest->vcpu);
        }
    }
    print("twins: both guests have ended, after %u and %u timer interrupts\n", guests[0].timer_interrupts,
          guests[1].timer_interrupts);
    sbi_shutdown();
}
