/* check_print.c - what a check found, for people. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check.h"
#include "analysis/grid.h"
#include "sim/base/number.h"

static void number(double value, int digits, char out[32])
{
    if (isnan(value)) snprintf(out, 32, "-");
    else              duo_write_number(out, 32, digits, 'g', value);
}

static void signed_number(double value, char out[40])
{
    char text[32];
    number(value, 3, text);
    snprintf(out, 40, "%s%s", value > 0 ? "+" : "", text);
}

static void moved_text(const struct duo_gate_result *g, char out[96])
{
    char by[40];
    signed_number(g->moved, by);
    double share = g->was != 0 ? 100 * g->moved / fabs(g->was) : NAN;
    if (isnan(share) || g->moved == 0) snprintf(out, 96, "%s", g->moved == 0 ? "0" : by);
    else                               snprintf(out, 96, "%s (%+.1f %%)", by, share);
}

static void interval_text(const struct duo_gate_result *g, char out[96])
{
    char low[40], high[40];
    signed_number(g->low, low);
    signed_number(g->high, high);
    if (isnan(g->low)) snprintf(out, 96, "-");
    else               snprintf(out, 96, "[%s, %s]", low, high);
}

/* "5 %", "0.02", "statistical 0.005" */
static void rule_text(const struct duo_gate_rule *r, char out[96])
{
    char amount[32];
    number(r->relative ? 100 * r->amount : r->amount, 6, amount);
    if (r->kind == DUO_GATE_OFF) snprintf(out, 96, "-");
    else snprintf(out, 96, "%s%s%s", r->kind == DUO_GATE_STATISTICAL ? "statistical " : "", amount, r->relative ? " %" : "");
}

static bool shown(const struct duo_gate_result *g)
{
    bool untold = g->verdict == DUO_UNTOLD && g->rule.kind != DUO_GATE_OFF;
    return g->verdict == DUO_FELL || g->verdict == DUO_LOST || untold || (g->moved != 0 && !isnan(g->moved));
}

static void print_moved(FILE *out, const struct duo_check *c)
{
    static const char *const heads[] = { "label", "figure", "was", "is", "moved", "95 %", "may worsen by", "verdict" };
    struct duo_grid grid;
    const char *variant = NULL;
    duo_grid_init(&grid, 8);
    for (int i = 0; i < 8; i++) duo_grid_head(&grid, i, heads[i], i < 2 || i > 5);
    for (int i = 0; i < c->n_gates; i++) {
        const struct duo_gate_result *g = &c->gates[i];
        char was[32], is[32], moved[96], interval[96], rule[96];
        if (!shown(g)) continue;
        number(g->was, 4, was);
        number(g->is, 4, is);
        moved_text(g, moved);
        interval_text(g, interval);
        rule_text(&g->rule, rule);
        const char *cells[] = { g->label, g->name, was, is, moved, interval, rule, duo_verdict_text[g->verdict] };
        duo_grid_row(&grid);
        for (int k = 0; k < 8; k++) duo_grid_set(&grid, k, cells[k]);
        if (*g->variant && (!variant || strcmp(variant, g->variant) != 0)) duo_grid_section(&grid, g->variant);
        variant = g->variant;
    }
    if (grid.n_rows) duo_grid_print(out, &grid, DUO_TABLE_TEXT);
    else             fputs("nothing moved\n", out);
    duo_grid_free(&grid);
}

/* "80 of seed 1", "mmlu-17 (0.67 to 0.33)" */
static void lost_text(const struct duo_check_report *r, const struct duo_lost *l, char out[256])
{
    char seed[40] = "", fall[80] = "", was[32], is[32], index[16];
    char *id = r->question ? r->question(r->arg, l->question) : NULL;
    snprintf(index, sizeof index, "%d", l->question);
    number(l->was, 3, was);
    number(l->is, 3, is);
    if (l->seed >= 0) snprintf(seed, sizeof seed, " of seed %lld", (long long)l->seed);
    if (l->was < 1 || l->is > 0) snprintf(fall, sizeof fall, " (%s to %s)", was, is);
    snprintf(out, 256, "%.120s%s%s", id ? id : index, seed, fall);
    free(id);
}

static void print_lost(FILE *out, const struct duo_check_report *r, const struct duo_flips *f)
{
    int column = 0;
    for (int k = 0; k < f->n_worst; k++) {
        char text[256];
        lost_text(r, &f->worst[k], text);
        if (column + (int)strlen(text) > 120) column = 0;
        column += fprintf(out, "%s%s", k == 0 ? "    " : column ? ", " : ",\n    ", text);
    }
    if (f->n_worst) putc('\n', out);
}

static void print_flips(FILE *out, const struct duo_check_report *r)
{
    bool head = false;
    for (int i = 0; i < r->check->n_flips; i++) {
        const struct duo_flips *f = &r->check->flips[i];
        if (!f->lost && !f->won) continue;
        if (!head) fputs("\nanswers that flipped (right: quality 0.5 or more), and the worst that are newly lost\n", out);
        head = true;
        fprintf(out, "%s%s%s: %d of %d lost (%.2f %%), %d won (%.2f %%)\n", f->variant, *f->variant ? "/" : "", f->label, f->lost, f->questions,
                100.0 * f->lost / f->questions, f->won, 100.0 * f->won / f->questions);
        print_lost(out, r, f);
    }
}

/* The rules, when the scenario has none of its own. */
static void print_defaults(FILE *out, const struct duo_check *c)
{
    if (!c->defaults) return;
    fputs("gates: the defaults, as the scenario has no check: block:", out);
    for (int i = 0, n = 0; i < DUO_N_GATES; i++)
        if (*duo_gate_info[i].rule) fprintf(out, "%s %s: %s", n++ ? "," : "", duo_gate_info[i].name, duo_gate_info[i].rule);
    fputs("; areas under curves as quality\n", out);
}

/* Of the statistical gates the one that sees least. */
static void print_power(FILE *out, const struct duo_check *c)
{
    const struct duo_gate_result *worst = NULL;
    for (int i = 0; i < c->n_gates; i++)
        if (!isnan(c->gates[i].sees) && (!worst || c->gates[i].sees > worst->sees)) worst = &c->gates[i];
    if (!worst) return;
    char sees[32];
    number(worst->sees, 2, sees);
    fprintf(out, "power: a statistical gate tells with 95 %% what is worse by %s or more (%s%s%s.%s, which sees least)\n", sees, worst->variant,
            *worst->variant ? "/" : "", worst->label, worst->name);
}

void duo_check_print(FILE *out, const struct duo_check_report *r)
{
    const struct duo_check *c = r->check;
    int gated = 0, fell = 0, better = 0;
    print_defaults(out, c);
    for (int i = 0; i < c->n_gates; i++) {
        gated += c->gates[i].rule.kind != DUO_GATE_OFF;
        fell += c->gates[i].verdict == DUO_FELL || c->gates[i].verdict == DUO_LOST;
        better += c->gates[i].verdict == DUO_BETTER && c->gates[i].rule.kind != DUO_GATE_OFF;
    }
    if (c->same_days) fputs("days: the same seeds and arrivals; what moved was moved by what was changed\n", out);
    else              fputs("days: other seeds, sampling or arrivals: a gate falls short only where chance is ruled out\n", out);
    if (c->n_tests) fprintf(out, "tests: %d, which share alpha = %g (Holm)\n", c->n_tests, c->alpha);
    for (int i = 0; i < r->n_changed; i++) fprintf(out, "input changed: %s\n", r->changed[i]);
    putc('\n', out);
    print_moved(out, c);
    print_flips(out, r);
    putc('\n', out);
    print_power(out, c);
    for (int i = 0; i < c->n_notes; i++) fprintf(out, "note: %s\n", c->notes[i]);
    fprintf(out, "check: %d of %d gates held", gated - fell, gated);
    if (better) fprintf(out, ", %d better", better);
    if (fell)   fprintf(out, "; %d fell short", fell);
    putc('\n', out);
}
