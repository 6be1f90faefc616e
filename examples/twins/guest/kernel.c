// SPDX-License-Identifier: Apache-2.0
//
// A kernel of the smallest kind, in VS-mode: it turns on Sv39, starts one program in VU-mode and serves its system
// calls and the timer. It would run in HS-mode on a machine without H just the same.
#include "../../common/csr.h"
#include "../../common/memory.h"
#include "../../common/print.h"
#include "../../common/sbi.h"
#include "../../common/translation.h"
#include "layout.h"
#include "trap_frame.h"

// From the linker script.
extern char kernel_text[], kernel_data[];
extern char user_text[], user_text_end[], image_of_user_text[];
extern char user_data[], user_data_end[], image_of_user_data[];
void user_entry(void); // user_start.S

// In units of time; a fifth of a millisecond on QEMU's virt machine.
#define TIMER_INTERVAL 2000

static uint64_t ticks, ticks_wanted;

static struct address_space make_page_tables(void)
{
    struct address_space space = address_space_new(&sv39);

    // The kernel at its guest physical addresses; its data includes all memory that is still free.
    uint64_t text = (uint64_t)kernel_text, data = (uint64_t)kernel_data;
    map(space, text, text, data - text, PTE_R | PTE_X);
    map(space, data, data, GUEST_MEMORY + GUEST_MEMORY_SIZE - data, PTE_R | PTE_W);

    // The program.
    map(space, (uint64_t)user_text, (uint64_t)image_of_user_text, (uint64_t)(user_text_end - user_text),
        PTE_U | PTE_R | PTE_X);
    map(space, (uint64_t)user_data, (uint64_t)image_of_user_data, (uint64_t)(user_data_end - user_data),
        PTE_U | PTE_R | PTE_W);
    map(space, USER_STACK, (uint64_t)allocate(PAGE_SIZE, PAGE_SIZE), PAGE_SIZE, PTE_U | PTE_R | PTE_W);
    return space;
}

void kernel_main(void)
{
    csr_write(stvec, kernel_trap_vector);
    csr_write(satp, atp_value(make_page_tables(), 0));
    __asm__ volatile("sfence.vma" : : : "memory");
    print("kernel: Sv39 is on, going to VU-mode\n");

    csr_write(sie, 1ul << INTERRUPT_STI); // in VU-mode it counts whatever sstatus.SIE is
    csr_clear(sstatus, SSTATUS_SPP);      // sret goes to U
    struct trap_frame *frame = kernel_stack_top - 1;
    *frame = (struct trap_frame){.sepc = (uint64_t)user_entry};
    frame->x[2] = USER_STACK_TOP;
    enter_user(frame);
}

// One print and so one line of output, whatever the program's text is. SUM lets the kernel read the program's pages.
static void print_for_user(uint64_t address)
{
    char text[64];
    unsigned length = 0;

    if (address < USER_TEXT || address >= USER_STACK_TOP - sizeof text)
        panic("kernel: bad address 0x%lx from the program", address);
    csr_set(sstatus, SSTATUS_SUM);
    for (const char *from = (const char *)address; *from != '\0' && length < sizeof text - 1; from++)
        text[length++] = *from;
    csr_clear(sstatus, SSTATUS_SUM);
    text[length] = '\0';
    print("program: %s\n", text);
}

static void start_timer(void)
{
    sbi_set_timer(csr_read(time) + TIMER_INTERVAL);
}

static void system_call(struct trap_frame *frame)
{
    uint64_t *a0 = &frame->x[10];

    frame->sepc += 4; // sepc is the ecall itself; go on behind it
    switch (frame->x[17]) { // a7
    case SYSCALL_PRINT:
        print_for_user(*a0);
        break;
    case SYSCALL_START_TIMER:
        ticks_wanted = ticks + *a0;
        start_timer();
        break;
    case SYSCALL_TICKS:
        *a0 = ticks;
        break;
    case SYSCALL_EXIT:
        sbi_shutdown();
    default:
        panic("kernel: no system call %lu", frame->x[17]);
    }
}

static void timer_interrupt(void)
{
    ticks++;
    print("kernel: timer interrupt %lu of %lu\n", ticks, ticks_wanted);
    if (ticks < ticks_wanted)
        start_timer();
    else
        sbi_set_timer(SBI_TIMER_NEVER); // or STIP would stay set
}

// Called by kernel_trap_vector.
void kernel_trap(struct trap_frame *frame)
{
    uint64_t scause = csr_read(scause);

    if (csr_read(sstatus) & SSTATUS_SPP)
        panic("kernel: trap in the kernel: scause=0x%lx sepc=0x%lx stval=0x%lx", scause, frame->sepc, csr_read(stval));
    switch (scause) {
    case CAUSE_ECALL_FROM_U:
        system_call(frame);
        break;
    case SCAUSE_INTERRUPT | INTERRUPT_STI:
        timer_interrupt();
        break;
    default:
        panic("kernel: trap in the program: scause=0x%lx sepc=0x%lx stval=0x%lx", scause, frame->sepc,
              csr_read(stval));
    }
}
