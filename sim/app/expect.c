/* expect.c - the scenario's expect block held against the results. */
#include "analysis/expect.h"

#include <string.h>

#include "sim/app/app.h"
#include "sim/scenario.h"

static bool there(const struct duo_plan *plan, const char *label)
{
    for (int v = 0; label && v < plan->n_variants; v++)
        for (int i = 0; i < plan->variants[v].n_policies; i++)
            if (strcmp(plan->variants[v].policies[i].label, label) == 0) return true;
    return !label;
}

static struct duo_expectation expectation(const struct duo_expect *e)
{
    static const enum duo_expect_op ops[] = {
        [DUO_EQ] = DUO_EXPECT_EQ, [DUO_LE] = DUO_EXPECT_LE, [DUO_GE] = DUO_EXPECT_GE,
        [DUO_LT] = DUO_EXPECT_LT, [DUO_GT] = DUO_EXPECT_GT, [DUO_BETWEEN] = DUO_EXPECT_BETWEEN,
    };
    return (struct duo_expectation) {
        .variant = e->variant, .label = e->label, .column = e->column, .op = ops[e->op], .low = e->low, .high = e->high,
        .other_label = e->other_label, .other_column = e->other_column, .factor = e->factor,
    };
}

enum duo_status duo_app_expect(FILE *out, const struct duo_summary *summary, const struct duo_plan *plan, struct duo_err *err)
{
    const struct duo_scenario *s = &plan->variants[0];           /* every variant has all of them */
    int held = 0, checked = 0;
    for (int i = 0; i < s->n_expect; i++) {
        const struct duo_expect *e = &s->expect[i];
        if (!there(plan, e->label) || !there(plan, e->other_label)) continue;
        struct duo_expectation x = expectation(e);
        enum duo_expect_result result;
        struct duo_err bad = { 0 };
        char text[512];
        if (duo_expect_check(summary, &x, &result, text, sizeof text, &bad) != DUO_OK)
            return duo_fail_at(err, DUO_BAD_INPUT, s->file, e->at.line, e->at.column, "expect: %s", bad.text);
        checked++;
        held += result == DUO_EXPECT_HELD;
        if (result != DUO_EXPECT_HELD)
            fprintf(out, "%s:%d: expect: %s: %s\n", s->file, e->at.line, result == DUO_EXPECT_NOT ? "fell short" : "can't be told", text);
    }
    if (checked) fprintf(out, "expect: %d of %d held\n", held, checked);
    return held == checked ? DUO_OK : DUO_FELL_SHORT;
}
