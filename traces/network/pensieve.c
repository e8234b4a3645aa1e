/* pensieve.c - throughput logs in the form of Pensieve (Mao et al. 2017): "seconds Mbit/s" a line.
 *
 * (1) Two numbers a line, blank or tab between; seconds strictly increasing; a rate of 0 is a link that stands still.
 * (2) As in Pensieve, row i's rate holds from row i - 1's time to its own; the first row only tells when it begins.
 *     The period is last minus first.
 * (3) What is not two such numbers is refused with line and column, as is a trace that never carries a byte. */
#include "traces/network/importer.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"

static enum duo_status cell(struct duo_lines *in, const char **s, const char *what, double *out, struct duo_err *err)
{
    char text[64], why[160];
    size_t n = strcspn(*s, " \t");
    int column = (int)(*s - in->text) + 1;

    if (n == 0 || n >= sizeof text)
        return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, column, "expected %s", what);
    memcpy(text, *s, n);
    text[n] = '\0';
    if (duo_quantity(text, DUO_DIM_NUMBER, out, why, sizeof why) != 0 || !isfinite(*out))
        return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, column, "expected %s; got \"%s\"", what, text);
    *s += n;
    *s += strspn(*s, " \t");
    return DUO_OK;
}

enum duo_status duo_capacity_pensieve(struct duo_lines *in, double bin, struct duo_capacity *out, struct duo_err *err)
{
    double first = 0, last = 0, bytes = 0;
    int more;

    (void)bin;
    while ((more = duo_lines_next(in, err)) > 0) {
        const char *s = in->text;
        double at, mbit;

        DUO_TRY(cell(in, &s, "a time in seconds", &at, err));                 /* (1) (3) */
        DUO_TRY(cell(in, &s, "a rate in Mbit/s", &mbit, err));
        if (*s) return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, (int)(s - in->text) + 1, "expected two numbers; got more");
        if (mbit < 0) return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, 1, "a rate must not be negative; got %g", mbit);
        if (out->read > 0 && !(at > last))
            return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, 1, "seconds must increase: %g after %g", at, last);
        if (out->read == 0) first = at;
        else                duo_capacity_add(out, last - first, mbit * 125000), bytes += mbit * 125000 * (at - last);    /* (2) */
        last = at;
        out->read++;
    }
    if (more < 0) return DUO_BAD_INPUT;
    if (out->read < 2) return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, 1, "expected at least two rows");
    if (!(bytes > 0)) return duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, 1, "this link never carries a byte");    /* (3) */
    out->period = last - first;
    out->mean = bytes / out->period;
    out->emitted = out->read;
    return DUO_OK;
}
