/* energy.c - power of a replica while an iteration runs, and while nothing does.
 *
 * (1) An accelerator draws tdp x power_static while any iteration runs, joules_flop an operation and joules_byte a byte of weights
 *     and KV above that, and never more than its tdp.
 * (2) A device of which only the power under load is known draws that whenever it works.  Nothing known: NAN, no joules.
 * (3) Accelerators that wait for another stage of the pipeline idle.  A host's share stands beside each accelerator, always;
 *     where it is not known the joules are the accelerator's alone.  `pue` multiplies all. */
#include <math.h>

#include "models/cost/basis.h"

void duo_power_set(struct duo_power *p, struct duo_basis *b)
{
    double pue = duo_take_or(b, DUO_KEY_pue, 1), host = duo_take_or(b, DUO_KEY_host_watts, 0);
    double idle = duo_take(b, DUO_KEY_idle_watts), tdp = b->v[DUO_KEY_tdp_watts].value, still = b->v[DUO_KEY_power_static].value;
    double at_work = b->tensor, waiting = b->gpus - b->tensor, others = waiting > 0 ? waiting * idle : 0;

    *p = (struct duo_power){ .idle = pue * b->gpus * (idle + host), .still = NAN, .most = NAN };
    if (!isnan(tdp) && !isnan(still)) {                               /* (1) */
        tdp = duo_take(b, DUO_KEY_tdp_watts), still = tdp * duo_take(b, DUO_KEY_power_static);
        p->still = pue * (at_work * still + others + b->gpus * host);
        p->most  = pue * (at_work * tdp + others + b->gpus * host);
        p->joules_flop = pue * duo_take_or(b, DUO_KEY_joules_flop, 0);
        p->joules_byte = pue * duo_take_or(b, DUO_KEY_joules_byte, 0);
    } else {                                                          /* (2) */
        double watts = duo_take(b, DUO_KEY_load_watts);
        if (isnan(watts)) watts = duo_take(b, DUO_KEY_tdp_watts);
        p->still = p->most = pue * (at_work * watts + others + b->gpus * host);
    }
}
