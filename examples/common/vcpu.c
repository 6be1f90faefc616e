// SPDX-License-Identifier: Apache-2.0
#include "vcpu.h"

#include "csr.h"
#include "h_instructions.h"
#include "print.h"

void hypervisor_init(void)
{
    csr_write(hedeleg, 0);
    csr_write(hideleg, 0);
    csr_write(hvip, 0);
    csr_write(hie, 0);
    csr_write(sie, 0);
    csr_write(hcounteren, 0);
    csr_write(htimedelta, 0);
    csr_write(henvcfg, 0);
    csr_clear(sstatus, SSTATUS_FS); // FS=Off counts for V=1 too: a guest cannot change registers that nobody saves
}

void vcpu_init(struct vcpu *vcpu, uint64_t pc, struct address_space guest_physical, uint64_t vmid)
{
    *vcpu = (struct vcpu){
        .sepc = pc,
        // sret goes to the mode that SPV and SPP tell: V=1 and S, that is VS-mode.
        .sstatus = (csr_read(sstatus) & ~SSTATUS_SPIE) | SSTATUS_SPP,
        .hstatus = HSTATUS_VSXL_64 | HSTATUS_SPVP | HSTATUS_SPV,
        .vsstatus = SSTATUS_UXL_64,
        .hgatp = atp_value(guest_physical, vmid << HGATP_VMID_SHIFT),
        .guest_physical = guest_physical,
    };

    // The stores that made the tables come before any use of them, and whatever an earlier owner of this VMID left in
    // a translation cache goes. HFENCE.VVMA works on the VMID in hgatp, hence the write.
    csr_write(vsatp, 0);
    csr_write(hgatp, vcpu->hgatp);
    if (csr_read(hgatp) >> ATP_MODE_SHIFT != guest_physical.scheme->mode)
        panic("this hart has no hgatp mode %lu", guest_physical.scheme->mode);
    hfence_gvma();
    hfence_vvma();
}

void vcpu_load(const struct vcpu *vcpu)
{
    // vsatp and hgatp cannot be changed together. With vsatp zero in between, no translation of one guest can be
    // cached under the VMID of the other.
    csr_write(vsatp, 0);
    csr_write(hgatp, vcpu->hgatp);
    if (csr_read(hgatp) != vcpu->hgatp) {
        // VMID is WARL and may have fewer bits, even none. Then guests share VMIDs and only fences keep them apart.
        hfence_gvma();
        hfence_vvma();
    }
    csr_write(vsatp, vcpu->vsatp);
    csr_write(hvip, vcpu->hvip);
    csr_write(vsstatus, vcpu->vsstatus);
    csr_write(vsie, vcpu->vsie);
    csr_write(vstvec, vcpu->vstvec);
    csr_write(vsscratch, vcpu->vsscratch);
    csr_write(vsepc, vcpu->vsepc);
    csr_write(vscause, vcpu->vscause);
    csr_write(vstval, vcpu->vstval);
    csr_write(scounteren, vcpu->scounteren);
    csr_write(senvcfg, vcpu->senvcfg);
}

void vcpu_put(struct vcpu *vcpu)
{
    vcpu->vsatp = csr_read(vsatp);
    vcpu->hvip = csr_read(hvip); // the guest itself may have changed VSSIP, which is its sip.SSIP
    vcpu->vsstatus = csr_read(vsstatus);
    vcpu->vsie = csr_read(vsie);
    vcpu->vstvec = csr_read(vstvec);
    vcpu->vsscratch = csr_read(vsscratch);
    vcpu->vsepc = csr_read(vsepc);
    vcpu->vscause = csr_read(vscause);
    vcpu->vstval = csr_read(vstval);
    vcpu->scounteren = csr_read(scounteren);
    vcpu->senvcfg = csr_read(senvcfg);
}

void vcpu_run(struct vcpu *vcpu)
{
    csr_write(sepc, vcpu->sepc);
    csr_write(sstatus, vcpu->sstatus);
    csr_write(hstatus, vcpu->hstatus);

    vm_enter(vcpu);

    vcpu->sepc = csr_read(sepc);
    vcpu->sstatus = csr_read(sstatus);
    vcpu->hstatus = csr_read(hstatus);
    vcpu->scause = csr_read(scause);
    vcpu->stval = csr_read(stval);
    vcpu->htval = csr_read(htval);
    vcpu->htinst = csr_read(htinst);
}

void unexpected_exit(const struct vcpu *vcpu)
{
    panic("unexpected VM exit: scause=0x%lx sepc=0x%lx stval=0x%lx htval=0x%lx htinst=0x%lx", vcpu->scause, vcpu->sepc,
          vcpu->stval, vcpu->htval, vcpu->htinst);
}

// Called by world_switch.S for a trap whose origin is the hypervisor itself.
_Noreturn void trap_in_hypervisor(void)
{
    panic("trap in the hypervisor: scause=0x%lx sepc=0x%lx stval=0x%lx", csr_read(scause), csr_read(sepc),
          csr_read(stval));
}
