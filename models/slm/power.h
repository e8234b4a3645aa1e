/* power.h - watts of this machine from its own counters, read only.
 *
 * (1) RAPL (powercap, joules), hwmon (joules or watts), power_supply (a battery's watts; while it discharges), whichever can be read,
 *     in this order; those of one kind are added.
 * (2) A counter that is there and may not be read is named with the reason; no number is made up. */
#ifndef DUO_SLM_POWER_H
#define DUO_SLM_POWER_H

#include <stdbool.h>
#include <stddef.h>

enum { DUO_METERS = 16 };
struct duo_meter { char path[256], second[256]; bool joules; double factor, wrap; };    /* second: multiplied with (volts); wrap: joules at which it begins anew */

struct duo_power_meter {
    struct duo_meter at[DUO_METERS];
    int    n;
    char   kind[32];             /* "RAPL", "hwmon", "power_supply"; "" when there is none */
    char   why[256];             /* n 0: what there was and why it can't be read */
};
/* `root`: "/sys" (another one for tests). */
void duo_power_open(struct duo_power_meter *, const char *root);

/* All counters now: joules so far of those that count, watts of those that don't. */
struct duo_power_reading { double at[DUO_METERS], seconds; };
void duo_power_read(const struct duo_power_meter *, struct duo_power_reading *);
/* Watts between two readings; NAN: none. */
double duo_power_watts(const struct duo_power_meter *, const struct duo_power_reading *from, const struct duo_power_reading *to);

#endif
