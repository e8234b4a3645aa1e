/* units.c - numbers with units, as people write them. */
#include "sim/base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/number.h"

#define MINUTE 60.0
#define HOUR   3600.0
#define DAY    86400.0

/* `shown`: a unit that duo_show_quantity may choose; those stand in rising order. */
struct unit { const char *text; double factor; bool shown; };

static const struct unit none[]    = { { "", 1, true }, { 0 } };
static const struct unit shares[]  = { { "", 1, false }, { "%", 0.01, true }, { 0 } };
static const struct unit times[]   = {
    { "ns", 1e-9, true }, { "us", 1e-6, true }, { "\u00b5s", 1e-6, false }, { "\u03bcs", 1e-6, false },
    { "ms", 1e-3, true }, { "s", 1, true }, { "min", MINUTE, true }, { "h", HOUR, true }, { "d", DAY, true }, { 0 } };
static const struct unit bytes[]   = {
    { "B", 1, true }, { "kB", 1e3, true }, { "KB", 1e3, false }, { "MB", 1e6, true }, { "GB", 1e9, true },
    { "TB", 1e12, true }, { "PB", 1e15, true }, { "KiB", 0x1p10, false }, { "MiB", 0x1p20, false },
    { "GiB", 0x1p30, false }, { "TiB", 0x1p40, false }, { 0 } };
static const struct unit speeds[]  = {
    { "bit/s", 0.125, true }, { "kbit/s", 125, true }, { "Mbit/s", 125e3, true }, { "Gbit/s", 125e6, true },
    { "Tbit/s", 125e9, true }, { "bps", 0.125, false }, { "kbps", 125, false }, { "Mbps", 125e3, false },
    { "Gbps", 125e6, false }, { "B/s", 1, false }, { "kB/s", 1e3, false }, { "KB/s", 1e3, false },
    { "MB/s", 1e6, false }, { "GB/s", 1e9, false }, { "TB/s", 1e12, false }, { "KiB/s", 0x1p10, false },
    { "MiB/s", 0x1p20, false }, { "GiB/s", 0x1p30, false }, { "TiB/s", 0x1p40, false }, { 0 } };
static const struct unit energy[]  = {
    { "nJ", 1e-9, true }, { "uJ", 1e-6, true }, { "mJ", 1e-3, true }, { "J", 1, true }, { "kJ", 1e3, true },
    { "MJ", 1e6, true }, { "GJ", 1e9, true }, { "mWh", 3.6, false }, { "Wh", HOUR, false }, { "kWh", 3.6e6, false },
    { "MWh", 3.6e9, false }, { 0 } };
static const struct unit powers[]  = {
    { "uW", 1e-6, true }, { "mW", 1e-3, true }, { "W", 1, true }, { "kW", 1e3, true }, { "MW", 1e6, true },
    { "GW", 1e9, true }, { 0 } };
static const struct unit rates[]   = {
    { "/d", 1 / DAY, true }, { "/day", 1 / DAY, false }, { "/h", 1 / HOUR, true }, { "/min", 1 / MINUTE, true },
    { "/s", 1, true }, { "1/s", 1, false }, { "Hz", 1, false }, { "kHz", 1e3, false }, { 0 } };
static const struct unit money[]   = { { "", 1, true }, { 0 } };
static const struct unit prices[]  = {
    { "/tok", 1, false }, { "/token", 1, false }, { "/ktok", 1e-3, false }, { "/Mtok", 1e-6, true },
    { "/Gtok", 1e-9, false }, { 0 } };
static const struct unit wages[]   = {
    { "/s", 1, false }, { "/min", 1 / MINUTE, false }, { "/h", 1 / HOUR, true }, { "/d", 1 / DAY, false },
    { "/day", 1 / DAY, false }, { 0 } };
static const struct unit tolls[]   = {
    { "/kB", 1e-3, false }, { "/MB", 1e-6, false }, { "/GB", 1e-9, true }, { "/TB", 1e-12, false }, { "/GiB", 0x1p-30, false }, { 0 } };
static const struct unit fares[]   = { { "/J", 1, false }, { "/kWh", 1 / 3.6e6, true }, { "/MWh", 1 / 3.6e9, false }, { 0 } };

static const struct { const char *words, *example; } texts[DUO_DIM_END] = {
#define X(name, unit, sample) [DUO_DIM_##name] = { unit, sample },
    DUO_DIMENSIONS(X)
#undef X
};

/* bare: a number needs no unit.  endless: "inf" is one.  dollars: a "$" stands before the number or after it. */
static const struct { const struct unit *units; bool bare, endless, dollars; } rules[DUO_DIM_END] = {
    [DUO_DIM_NUMBER]          = { none,   .bare = true },
    [DUO_DIM_COUNT]           = { none,   .bare = true },
    [DUO_DIM_SHARE]           = { shares, .bare = true },
    [DUO_DIM_TIME]            = { times,  .endless = true },
    [DUO_DIM_BYTES]           = { .units = bytes },
    [DUO_DIM_SPEED]           = { speeds, .endless = true },
    [DUO_DIM_ENERGY]          = { energy, .endless = true },
    [DUO_DIM_POWER]           = { .units = powers },
    [DUO_DIM_RATE]            = { .units = rates },
    [DUO_DIM_MONEY]           = { money,  .dollars = true },
    [DUO_DIM_MONEY_PER_TOKEN] = { prices, .dollars = true },
    [DUO_DIM_MONEY_PER_TIME]  = { wages,  .dollars = true },
    [DUO_DIM_MONEY_PER_BYTES] = { tolls,  .dollars = true },
    [DUO_DIM_MONEY_PER_ENERGY] = { fares, .dollars = true },
};

static bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static const char *skip(const char *p)
{
    while (space(*p)) p++;
    return p;
}

static int no(enum duo_dimension d, const char *text, const char *but, char *why, size_t n)
{
    if (why && n) snprintf(why, n, "%s, like %s; got %s%s", texts[d].words, texts[d].example, *text ? text : "nothing", but);
    return -1;
}

/* The unit at `p` to the end of the text, or NULL. */
static const struct unit *find_unit(const struct unit *u, const char *p)
{
    size_t length = strlen(p);
    while (length && space(p[length - 1])) length--;
    for (; u->text; u++)
        if (strlen(u->text) == length && strncmp(u->text, p, length) == 0) return u;
    return NULL;
}

int duo_quantity(const char *text, enum duo_dimension d, double *out, char *why, size_t n)
{
    const char *p = skip(text);
    if (rules[d].endless && strncmp(p, "inf", 3) == 0 && !*skip(p + 3)) {
        *out = INFINITY;
        return 0;
    }
    bool dollar = false;
    if (rules[d].dollars && *p == '$') dollar = true, p = skip(p + 1);

    double x;
    p = duo_read_number(p, &x);
    if (!p) return no(d, text, "", why, n);
    p = skip(p);
    if (rules[d].dollars && !dollar) {
        if (*p == '$')                        dollar = true, p = skip(p + 1);
        else if (strncmp(p, "USD", 3) == 0)   dollar = true, p = skip(p + 3);
    }
    if (!*p && x == 0) {
        *out = 0;
        return 0;
    }
    if (!*p && !rules[d].bare && !dollar) return no(d, text, ", without a unit", why, n);
    const struct unit *u = find_unit(rules[d].units, p);
    if (!u || (rules[d].dollars && !dollar)) return no(d, text, "", why, n);

    x = u->factor < 1 ? x / round(1 / u->factor) : x * u->factor;      /* 70 % is 0.7, as 70 x 0.01 is not */
    if (!isfinite(x)) return no(d, text, ", too large", why, n);
    if (x < 0 && d != DUO_DIM_NUMBER) return no(d, text, ", which is negative", why, n);
    if (d == DUO_DIM_SHARE && x > 1)  return no(d, text, "", why, n);
    if (d == DUO_DIM_COUNT && (x != floor(x) || x > 0x1p53)) return no(d, text, "", why, n);
    *out = x == 0 ? 0 : x;    /* no -0 */
    return 0;
}

/* 3 significant digits without an exponent where that is readable. */
static void three(double x, bool cents, char *out, size_t n)
{
    double size = fabs(x);
    if (size != 0 && (size < 1e-6 || size >= 1e15)) {
        duo_write_number(out, n, 3, 'g', x);
        return;
    }
    int above = size > 0 ? (int)floor(log10(size)) : 0;
    if (size * pow(10, 2 - above) >= 999.5) above++;    /* 9.999 is shown as 10.0 */
    int decimals = above < 2 ? 2 - above : 0, keep = cents && decimals >= 2 ? 2 : 0;
    duo_write_number(out, n, decimals, 'f', x);
    char *point = strchr(out, '.');
    if (!point) return;
    char *last = out + strlen(out) - 1;
    while (last > point + keep && *last == '0') *last-- = '\0';
    if (last == point) *last = '\0';
}

void duo_show_quantity(double value, enum duo_dimension d, char *out, size_t n)
{
    char number[64];
    if (!isfinite(value)) {
        snprintf(out, n, "%s", isnan(value) ? "unknown" : value > 0 ? "inf" : "-inf");
        return;
    }
    const struct unit *best = NULL;
    double least = INFINITY;
    for (const struct unit *u = rules[d].units; u->text; u++)    /* the unit itself stands for 0 */
        if (u->shown && (value == 0 ? fabs(log(u->factor)) < least : !best || fabs(value) >= 0.9995 * u->factor))
            best = u, least = fabs(log(u->factor));
    if (d == DUO_DIM_COUNT) duo_write_number(number, sizeof number, 0, 'f', value);
    else                    three(value / best->factor, rules[d].dollars, number, sizeof number);
    snprintf(out, n, "%s%s%s%s", rules[d].dollars ? "$" : "", number,
             *best->text && *best->text != '/' ? " " : "", best->text);
}
