/* expect.c - see expect.h. */
#include "analysis/expect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/columns.h"
#include "sim/base/json.h"

static const char *const signs[] = { [DUO_EXPECT_EQ] = "=", [DUO_EXPECT_LE] = "<=", [DUO_EXPECT_GE] = ">=",
                                     [DUO_EXPECT_LT] = "<", [DUO_EXPECT_GT] = ">" };

/* Sums in another order differ in the last digits; that is no difference. */
static bool about(double a, double b) { return a == b || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)); }

static enum duo_expect_result compare(const struct duo_expectation *e, double value, double low)
{
    if (isnan(value) || isnan(low)) return DUO_EXPECT_UNKNOWN;
    bool held = false;
    switch (e->op) {
    case DUO_EXPECT_EQ:      held = about(value, low); break;
    case DUO_EXPECT_LE:      held = value <= low || about(value, low); break;
    case DUO_EXPECT_GE:      held = value >= low || about(value, low); break;
    case DUO_EXPECT_LT:      held = value < low && !about(value, low); break;
    case DUO_EXPECT_GT:      held = value > low && !about(value, low); break;
    case DUO_EXPECT_BETWEEN: held = (value >= low || about(value, low)) && (value <= e->high || about(value, e->high)); break;
    }
    return held ? DUO_EXPECT_HELD : DUO_EXPECT_NOT;
}

static void words(double value, char out[32])
{
    if (isnan(value)) snprintf(out, 32, "not known");
    else              snprintf(out, 32, "%.6g", value);
}

static void say(char *text, size_t n, const struct duo_summary_row *r, const struct duo_expectation *e, double value, double low)
{
    char is[32], want[32], high[32], other[600] = "";
    words(value, is);
    words(low, want);
    words(e->high, high);
    if (e->other_label || e->other_column) {
        char factor[48] = "";
        if (e->factor != 1) snprintf(factor, sizeof factor, "%.6g x ", e->factor);
        snprintf(other, sizeof other, " (%s%s.%s)", factor, e->other_label ? e->other_label : r->label,
                 e->other_column ? e->other_column : e->column);
    }
    if (e->op == DUO_EXPECT_BETWEEN)
        snprintf(text, n, "%s%s%s.%s is %s, expected %s .. %s", r->variant, *r->variant ? "/" : "", r->label, e->column, is, want, high);
    else
        snprintf(text, n, "%s%s%s.%s is %s, expected %s %s%s", r->variant, *r->variant ? "/" : "", r->label, e->column, is, signs[e->op],
                 want, other);
}

/* Names that stand nowhere are an error, not an expectation that is not met. */
static enum duo_status known_label(const struct duo_summary *s, const char *label, struct duo_err *err)
{
    const char **labels = duo_new((size_t)s->n + 1, sizeof *labels);
    bool found = !label;
    for (int i = 0; i < s->n; i++) {
        labels[i] = s->rows[i].label;
        found |= label && strcmp(labels[i], label) == 0;
    }
    const char *near = found ? NULL : duo_nearest(label, labels, (size_t)s->n);
    enum duo_status status = found ? DUO_OK
        : near ? duo_fail(err, DUO_BAD_INPUT, "no policy is labelled %s (did you mean %s?)", label, near)
        : duo_fail(err, DUO_BAD_INPUT, "no policy is labelled %s", label);
    free(labels);
    return status;
}

static enum duo_status known_variant(const struct duo_summary *s, const char *variant, struct duo_err *err)
{
    for (int i = 0; i < s->n; i++)
        if (!variant || strcmp(s->rows[i].variant, variant) == 0) return DUO_OK;
    return variant ? duo_fail(err, DUO_BAD_INPUT, "no variant is named %s", variant) : DUO_OK;
}

enum duo_status duo_expect_check(const struct duo_summary *s, const struct duo_expectation *e, enum duo_expect_result *result,
                                 char *text, size_t n, struct duo_err *err)
{
    struct duo_column_ref column, other;
    const char *other_name = e->other_column ? e->other_column : e->column;
    bool compared = e->other_label || e->other_column;
    DUO_TRY(duo_column_find(e->column, &column, err));
    DUO_TRY(duo_column_find(other_name, &other, err));
    if (column.kind == DUO_COLUMN_TEXT || other.kind == DUO_COLUMN_TEXT)
        return duo_fail(err, DUO_BAD_INPUT, "column %s is a text, which can't be compared", column.kind == DUO_COLUMN_TEXT ? e->column : other_name);
    DUO_TRY(known_variant(s, e->variant, err));
    DUO_TRY(known_label(s, e->label, err));
    DUO_TRY(known_label(s, e->other_label, err));
    *result = DUO_EXPECT_UNKNOWN;
    snprintf(text, n, "%s: no row to look at", e->column);
    bool first = true;
    for (int i = 0; i < s->n; i++) {
        const struct duo_summary_row *r = &s->rows[i], *o = r;
        if ((e->variant && strcmp(e->variant, r->variant) != 0) || (e->label && strcmp(e->label, r->label) != 0)) continue;
        if (e->other_label) o = duo_summary_find(s, r->variant, e->other_label);
        double value = duo_column_number(r, &column), low = e->low;
        if (compared) low = o ? e->factor * duo_column_number(o, &other) : NAN;
        enum duo_expect_result one = compare(e, value, low);
        bool worse = one == DUO_EXPECT_NOT ? *result != DUO_EXPECT_NOT : one == DUO_EXPECT_UNKNOWN && *result == DUO_EXPECT_HELD;
        if (first || worse || (one == DUO_EXPECT_HELD && *result == DUO_EXPECT_HELD)) {
            *result = one;
            say(text, n, r, e, value, low);
        }
        first = false;
    }
    return DUO_OK;
}
