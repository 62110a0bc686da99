// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* A plugin that is stuck in C code is reported, and the host goes on. */
#include <unistd.h>

#include "plugin.h"

int
main(void)
{
    csp_value v;
    csp_rx *reply;

    CHECK_EQ(csp_interp_runtime_start(NULL, &v), 0);
    csp_interp *stuck = loaded("greeter"), *other = loaded("greeter");
    CHECK_EQ(
        csp_interp_spawn(stuck, "stick", tuple(1, csp_value_int(1000)), &reply),
        0);
    CHECK_EQ(csp_interp_destroy(stuck, after_ms(20), NULL), CSP_ESTUCK);
    CHECK_EQ(csp_interp_call(other, "greet", tuple(1, str("you")),
                             after_ms(LONG_MS), &v),
             0);
    CHECK(says(v, "'hello you'"));
    CHECK_EQ(csp_interp_runtime_stop(after_ms(50)), CSP_ESTUCK);
    puts("ok: the host goes on");
    fflush(stdout);
    _exit(0); /* as it would, with a thread that never ends */
}
