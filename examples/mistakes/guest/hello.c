// SPDX-License-Identifier: Apache-2.0
//
// A guest that says hello, in VS-mode. It does nothing wrong.
#include "../../common/guest/guest_print.h"

void guest_main(void)
{
    guest_print("Hello from VS-mode\n");
}
