/* power.c - the system's counters of power.  Requirements: power.h. */
#include "models/slm/power.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/machine.h"

static double number_in(const char *path)
{
    FILE *f = fopen(path, "r");
    double value;
    if (!f) return NAN;
    if (fscanf(f, "%lf", &value) != 1) value = NAN;
    fclose(f);
    return value;
}

/* X(kind, pattern below the root, the part behind the last '/' that gives the second or the wrap, joules, factor) */
static const struct source { const char *kind, *pattern, *beside; bool joules; double factor; } sources[] = {
    { "RAPL", "class/powercap/*-rapl:[0-9]/energy_uj", "max_energy_range_uj", true, 1e-6 },
    { "hwmon", "class/hwmon/hwmon*/energy*_input", NULL, true, 1e-6 },
    { "hwmon", "class/hwmon/hwmon*/power*_input", NULL, false, 1e-6 },
    { "hwmon", "class/hwmon/hwmon*/power*_average", NULL, false, 1e-6 },
    { "power_supply", "class/power_supply/*/power_now", NULL, false, 1e-6 },
    { "power_supply", "class/power_supply/*/current_now", "voltage_now", false, 1e-12 },
};
enum { N_SOURCES = sizeof sources / sizeof sources[0] };

static void beside(const char *path, const char *name, char *out, size_t n)
{
    int folder = (int)(strrchr(path, '/') - path);
    if (snprintf(out, n, "%.*s/%s", folder, path, name) >= (int)n) out[0] = 0;
}

static void add(struct duo_power_meter *p, const struct source *s, const char *path)
{
    struct duo_meter *m = &p->at[p->n];
    char other[256] = "";
    if (p->n == DUO_METERS || strlen(path) >= sizeof m->path) return;
    FILE *f = fopen(path, "r");
    if (!f) {
        if (!p->why[0]) snprintf(p->why, sizeof p->why, "%.180s: %s", path, strerror(errno));      /* (2) */
        return;
    }
    fclose(f);
    *m = (struct duo_meter) { .joules = s->joules, .factor = s->factor };
    snprintf(m->path, sizeof m->path, "%s", path);
    if (s->beside) beside(path, s->beside, other, sizeof other);
    if (s->beside && s->joules) m->wrap = number_in(other) * s->factor;
    else if (s->beside) snprintf(m->second, sizeof m->second, "%s", other);
    if (isnan(number_in(path)) || (m->second[0] && isnan(number_in(m->second)))) return;
    snprintf(p->kind, sizeof p->kind, "%s", s->kind);
    p->n++;
}

void duo_power_open(struct duo_power_meter *p, const char *root)
{
    *p = (struct duo_power_meter) { 0 };
    for (int i = 0; i < N_SOURCES && p->n == 0; i++) {
        char pattern[256];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s", root, sources[i].pattern);
        if (glob(pattern, 0, NULL, &found) != 0) continue;
        for (size_t k = 0; k < found.gl_pathc; k++) add(p, &sources[i], found.gl_pathv[k]);
        globfree(&found);
    }
    if (p->n == 0 && !p->why[0]) snprintf(p->why, sizeof p->why, "%s has no RAPL, hwmon or power_supply counter", root);
}

void duo_power_read(const struct duo_power_meter *p, struct duo_power_reading *r)
{
    *r = (struct duo_power_reading) { .seconds = duo_machine_seconds() };
    for (int i = 0; i < p->n; i++) {
        r->at[i] = number_in(p->at[i].path) * p->at[i].factor;
        if (p->at[i].second[0]) r->at[i] *= number_in(p->at[i].second);
    }
}

double duo_power_watts(const struct duo_power_meter *p, const struct duo_power_reading *from, const struct duo_power_reading *to)
{
    double watts = 0, seconds = to->seconds - from->seconds;
    if (p->n == 0 || !(seconds > 0)) return NAN;
    for (int i = 0; i < p->n; i++) {
        double joules = to->at[i] - from->at[i];
        if (p->at[i].joules && joules < 0) joules += p->at[i].wrap;
        watts += p->at[i].joules ? joules / seconds : (fabs(from->at[i]) + fabs(to->at[i])) / 2;
    }
    return watts;
}
