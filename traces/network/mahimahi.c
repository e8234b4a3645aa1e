/* mahimahi.c - packet-delivery traces of Mahimahi (Netravali et al. 2015), made with Saturator (Winstein et al. 2013).
 *
 * (1) One whole number of milliseconds a line, not decreasing: then one packet of 1500 bytes may pass.
 * (2) The last number is the period: the trace starts again there.  It must not be 0.
 * (3) A packet of millisecond t counts in the bin (k bin, (k + 1) bin] that t lies in, one of millisecond 0 in the
 *     first; the last bin ends with the period.  rate = bytes of the bin / its length: no byte is lost or made up.
 * (4) An empty line, anything but digits, a decreasing number: refused with line and column. */
#include "traces/network/importer.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum { PACKET = 1500 };

static enum duo_status number(struct duo_lines *in, int64_t least, int64_t *out, struct duo_err *err)
{
    const char *s = in->text;
    int64_t value = 0;

    for (; isdigit((unsigned char)*s) && value < INT64_C(1000000000000); s++) value = value * 10 + (*s - '0');
    if (s == in->text || *s)                                                  /* (4) */
        return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, (int)(s - in->text) + 1, "expected a whole number of milliseconds; got \"%.40s\"", in->text);
    if (value < least)                                                        /* (1) */
        return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, 1, "milliseconds must not decrease: %lld after %lld", (long long)value, (long long)least);
    *out = value;
    return DUO_OK;
}

/* Packets come in order, so bins do, too; what lies between two used bins is a stretch of nothing. */
struct binning { double bin; int64_t k, packets; struct duo_capacity *c; };

static void close_bin(struct binning *b, double end)
{
    double start = (double)b->k * b->bin;

    duo_capacity_add(b->c, start, (double)b->packets * PACKET / (end - start));        /* (3) */
}

static void count_packet(struct binning *b, int64_t ms)
{
    int64_t k = (int64_t)ceil((double)ms / 1000 / b->bin - 1e-9) - 1;         /* (3); 1e-9: 0.3 / 0.1 is 3 */

    if (k < 0) k = 0;
    if (k > b->k) {
        close_bin(b, (double)(b->k + 1) * b->bin);
        if (k > b->k + 1) duo_capacity_add(b->c, (double)(b->k + 1) * b->bin, 0);
        b->k = k;
        b->packets = 0;
    }
    b->packets++;
}

enum duo_status duo_capacity_mahimahi(struct duo_lines *in, double bin, struct duo_capacity *out, struct duo_err *err)
{
    struct binning b = { .bin = bin > 0 ? bin : 0.1, .c = out };
    int64_t ms = 0;
    int more;

    while ((more = duo_lines_next(in, err)) > 0) {
        DUO_TRY(number(in, ms, &ms, err));
        out->read++;
        count_packet(&b, ms);
    }
    if (more < 0) return DUO_BAD_INPUT;
    if (ms == 0) return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, 1, "the last number is the trace's period and must be above 0");   /* (2) */
    out->period = (double)ms / 1000;
    close_bin(&b, out->period);
    out->mean = (double)(out->read * PACKET) / out->period;
    out->emitted = out->read;
    return DUO_OK;
}
