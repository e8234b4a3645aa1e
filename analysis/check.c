/* check.c - every gate of a scenario held against its baseline; numbers in brackets are check.h's. */
#include "analysis/check.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check_inside.h"
#include "analysis/curve.h"
#include "sim/base/number.h"

const struct duo_gate_info duo_gate_info[DUO_N_GATES] = {
#define INFO(name, worse, rule) [DUO_G_##name] = { #name, worse, rule },
    DUO_GATES(INFO)
};

const char *const duo_verdict_text[] = {
    [DUO_HELD] = "held", [DUO_BETTER] = "better", [DUO_WORSE_HELD] = "worse, held", [DUO_FELL] = "fell short",
    [DUO_LOST] = "not known any more", [DUO_UNTOLD] = "can't be told", [DUO_SHOWN] = "not gated",
};

/* ---- rules */

static int gate_of(const char *name)
{
    for (int i = 0; i < DUO_N_GATES; i++)
        if (strcmp(duo_gate_info[i].name, name) == 0) return i;
    return -1;
}

bool duo_gate_find(const char *name, int *gate, bool *area)
{
    *area = strncmp(name, "area_", 5) == 0;
    *gate = gate_of(*area ? name + 5 : name);
    return *gate >= 0 && !(*area && duo_gate_info[*gate].worse < 0);
}

const char *duo_gate_nearest(const char *name)
{
    const char *names[DUO_N_GATES + 2];
    size_t n = 0;
    for (int i = 0; i < DUO_N_GATES; i++) names[n++] = duo_gate_info[i].name;
    names[n++] = "area_dollars";
    names[n++] = "area_cloud_share";
    return duo_nearest(name, names, n);
}

bool duo_gate_rule_parse(const char *text, bool (*number)(const char *, double *), struct duo_gate_rule *r)
{
    static const char word[] = "statistical";
    char copy[80];
    r->kind = DUO_GATE_TOLERANCE;
    r->amount = 0;
    r->relative = false;
    if (strcmp(text, "off") == 0) return r->kind = DUO_GATE_OFF, true;
    if (strncmp(text, word, sizeof word - 1) == 0) {
        r->kind = DUO_GATE_STATISTICAL;
        text += sizeof word - 1;
        if (!*text) return true;
        if (*text++ != ' ') return false;
    }
    size_t n = strlen(text);
    if (n == 0 || n >= sizeof copy) return false;
    memcpy(copy, text, n + 1);
    if (copy[n - 1] == '%') {                            /* always of what it was */
        r->relative = true;
        copy[--n] = 0;
        while (n && copy[n - 1] == ' ') copy[--n] = 0;
        const char *end = duo_read_number(copy, &r->amount);
        r->amount /= 100;
        return end && !*end && r->amount >= 0;
    }
    return number(copy, &r->amount) && r->amount >= 0 && isfinite(r->amount);
}

static bool plain_number(const char *text, double *out)
{
    const char *end = duo_read_number(text, out);
    return end && !*end;
}

static struct duo_gate_rule default_rule(const char *text)
{
    struct duo_gate_rule r = { .kind = DUO_GATE_OFF };
    bool good = !*text || duo_gate_rule_parse(text, plain_number, &r);
    assert(good);
    (void)good;
    return r;
}

struct comparison {
    struct duo_check            *check;
    const struct duo_baseline   *was, *is;
    const struct duo_check_spec *spec;
    struct duo_moved            *moved;      /* of each gate */
};

/* (7) */
static const struct duo_gate_rule *rule_for(const struct duo_check_spec *spec, const char *variant, const char *label, int gate, bool area, bool hidden)
{
    const struct duo_gate_rule *best = NULL;
    int most = -1;
    for (int i = 0; i < spec->n_rules; i++) {
        const struct duo_gate_rule *r = &spec->rules[i];
        bool fits = r->gate == gate && r->area == area && (!r->variant || strcmp(r->variant, variant) == 0) &&
                    (r->label ? strcmp(r->label, label) == 0 : !hidden);
        int names = (r->label ? 2 : 0) + (r->variant ? 1 : 0);
        if (fits && names >= most) best = r, most = names;
    }
    return best;
}

/* ---- figures */

static double figure(const double metric[DUO_N_METRICS], int gate)
{
    if (gate == DUO_G_joules) return duo_baseline_round(metric[DUO_M_joules_device_radio] + metric[DUO_M_joules_cloud]);
    int m = duo_metric_find(duo_gate_info[gate].name);
    assert(m >= 0);
    return metric[m];
}

static bool by_question(int gate) { return gate == DUO_G_quality || gate == DUO_G_quality_answered; }

/* `seeds` and `blocks` have room for them. */
static struct duo_side side_of(const struct duo_baseline_variant *v, const struct duo_baseline_label *l, int gate, double *seeds, struct duo_block *blocks)
{
    struct duo_side s = { .n_seeds = v->n_seeds, .seeds = seeds, .blocks = blocks, .value = figure(l->value, gate) };
    for (int i = 0; i < v->n_seeds; i++) seeds[i] = figure(l->seed[i], gate);
    for (int i = 0; i < l->n_answers && by_question(gate); i++) {
        const struct duo_answers_of *a = &l->answers[i];
        double *cell = gate == DUO_G_quality_answered && a->answered ? a->answered : a->quality;
        blocks[s.n_blocks++] = (struct duo_block){ a->seed, v->n_asked, v->asked, cell };
    }
    return s;
}

static void note(struct duo_check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct duo_check *c, const char *fmt, ...)
{
    char text[400];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    c->notes = duo_grow(c->notes, (size_t)c->n_notes + 1, sizeof *c->notes);
    c->notes[c->n_notes++] = duo_copy(text);
}

/* ---- a gate */

static struct duo_gate_result *new_gate(struct comparison *c, const char *variant, const char *label, const char *name,
                                        const struct duo_gate_rule *rule, int worse)
{
    struct duo_check *k = c->check;
    if ((k->n_gates & (k->n_gates - 1)) == 0) {
        size_t room = k->n_gates ? 2 * (size_t)k->n_gates : 1;
        k->gates = duo_grow(k->gates, room, sizeof *k->gates);
        c->moved = duo_grow(c->moved, room, sizeof *c->moved);
    }
    struct duo_gate_result *g = &k->gates[k->n_gates++];
    *g = (struct duo_gate_result){ .variant = variant, .label = label, .worse = worse, .p = NAN, .limit = NAN, .sees = NAN, .low = NAN, .high = NAN };
    if (rule) g->rule = *rule;
    snprintf(g->name, sizeof g->name, "%s", name);
    return g;
}

static void measure(struct comparison *c, struct duo_gate_result *g, const struct duo_side *was, const struct duo_side *is, bool questions)
{
    bool count = strcmp(g->name, "failed") == 0 || strcmp(g->name, "pending") == 0 || strcmp(g->name, "answered") == 0;
    struct duo_moved m = duo_moved_of(was, is, c->check->same_days, questions, count);
    g->was = was->value;
    g->is = is->value;
    g->moved = duo_about(was->value, is->value) ? 0 : is->value - was->value;
    if (isnan(was->value) || isnan(is->value)) g->moved = NAN;
    double half = duo_moved_half(&m, 0.025);
    if (!isnan(g->moved)) g->low = g->moved - half, g->high = g->moved + half;
    if (m.still) g->low = g->high = g->moved;
    bool tested = g->rule.kind == DUO_GATE_STATISTICAL || (g->rule.kind == DUO_GATE_TOLERANCE && !c->check->same_days);
    if (tested && !isnan(g->moved)) g->p = duo_moved_p(&m, g->worse);
    c->moved[g - c->check->gates] = m;
}

static double allowed(const struct duo_gate_result *g) { return g->rule.relative ? g->rule.amount * fabs(g->was) : g->rule.amount; }

/* (1) (2) (3), once it is known whether chance is ruled out. */
static enum duo_verdict judge(const struct duo_check *c, const struct duo_gate_result *g, const struct duo_moved *m, bool ruled_out)
{
    if (g->rule.kind == DUO_GATE_OFF) return DUO_SHOWN;
    if (isnan(g->is)) return isnan(g->was) ? DUO_UNTOLD : DUO_LOST;
    if (isnan(g->was)) return DUO_UNTOLD;
    double by = g->worse * g->moved;
    bool tested = g->rule.kind == DUO_GATE_STATISTICAL || !c->same_days;
    if (by < 0) return !tested || g->low > 0 || g->high < 0 ? DUO_BETTER : DUO_HELD;     /* more than chance makes of it */
    if (!(by > 0)) return DUO_HELD;
    if (by <= allowed(g) * (1 + 1e-9)) return DUO_WORSE_HELD;
    if (tested && !m->told) return DUO_UNTOLD;
    return !tested || ruled_out ? DUO_FELL : DUO_WORSE_HELD;
}

static void judge_all(struct comparison *c)
{
    struct duo_check *k = c->check;
    size_t n = (size_t)k->n_gates + 1;
    double *p = duo_new(n, sizeof *p), *limit = duo_new(n, sizeof *limit);
    bool *out = duo_new(n, sizeof *out);
    for (int i = 0; i < k->n_gates; i++) p[i] = k->gates[i].p;
    k->n_tests = duo_holm(p, k->n_gates, k->alpha, limit, out);
    k->held = true;
    for (int i = 0; i < k->n_gates; i++) {
        struct duo_gate_result *g = &k->gates[i];
        g->limit = limit[i];
        g->verdict = judge(k, g, &c->moved[i], out[i]);
        k->held &= g->verdict != DUO_FELL && g->verdict != DUO_LOST;
        if (g->rule.kind == DUO_GATE_STATISTICAL && !isnan(g->p) && c->moved[i].se > 0)
            g->sees = fmax(allowed(g), duo_moved_half(&c->moved[i], limit[i]) + duo_moved_half(&c->moved[i], 0.05));
    }
    free(out);
    free(limit);
    free(p);
}

/* ---- a label */

static void compare_label(struct comparison *c, const struct duo_baseline_variant *was_of, const struct duo_baseline_label *was,
                          const struct duo_baseline_variant *is_of, const struct duo_baseline_label *is)
{
    double *seeds = duo_new((size_t)(was_of->n_seeds + is_of->n_seeds) + 1, sizeof *seeds);
    struct duo_block *blocks = duo_new((size_t)(was->n_answers + is->n_answers) + 1, sizeof *blocks);
    for (int i = 0; i < DUO_N_GATES; i++) {
        const struct duo_gate_rule *rule = rule_for(c->spec, is_of->variant, is->label, i, false, is->cheats);
        struct duo_side a = side_of(was_of, was, i, seeds, blocks), b = side_of(is_of, is, i, seeds + was_of->n_seeds, blocks + was->n_answers);
        bool listed = *duo_gate_info[i].rule != 0, gone = isnan(a.value) && isnan(b.value);
        if ((!rule && !listed) || (gone && (!rule || c->check->defaults))) continue;
        if (rule && rule->kind == DUO_GATE_OFF) rule = NULL;
        measure(c, new_gate(c, is_of->variant, is->label, duo_gate_info[i].name, rule, duo_gate_info[i].worse), &a, &b, by_question(i));
        if (i != DUO_G_quality) continue;
        struct duo_flips f = { .variant = is_of->variant, .label = is->label };
        bool own = b.n_blocks && b.blocks[0].seed >= 0;
        if (!own || c->check->same_days) duo_check_flips(&f, &a, &b);
        c->check->flips = duo_grow(c->check->flips, (size_t)c->check->n_flips + 1, sizeof *c->check->flips);
        c->check->flips[c->check->n_flips++] = f;
    }
    free(blocks);
    free(seeds);
}

/* ---- a curve: labels of one policy that are on both sides */

struct settings { int n; const struct duo_baseline_variant *v; const struct duo_baseline_label **at; };

static double area_at(const struct settings *s, int seed, int gate, double low, double high, double *weight)
{
    struct duo_point *p = duo_new((size_t)s->n + 1, sizeof *p);
    for (int i = 0; i < s->n; i++) {
        const double *metric = seed < 0 ? s->at[i]->value : s->at[i]->seed[seed];
        p[i] = (struct duo_point){ figure(metric, gate), figure(metric, DUO_G_quality) };
    }
    double area = duo_curve_area(p, s->n, low, high, weight);
    free(p);
    return area;
}

/* curve.h (4): its cells are the labels' cells, weighed. */
static struct duo_side side_of_curve(const struct settings *s, int gate, double low, double high)
{
    double *weight = duo_new((size_t)s->n + 1, sizeof *weight);
    struct duo_side side = { .value = area_at(s, -1, gate, low, high, weight), .n_seeds = s->v->n_seeds,
                             .seeds = duo_new((size_t)s->v->n_seeds + 1, sizeof(double)) };
    for (int i = 0; i < s->v->n_seeds; i++) side.seeds[i] = area_at(s, i, gate, low, high, NULL);
    side.n_blocks = s->at[0]->n_answers;
    side.blocks = duo_new((size_t)side.n_blocks + 1, sizeof *side.blocks);
    for (int b = 0; b < side.n_blocks; b++) {
        double *cell = duo_new((size_t)s->v->n_asked + 1, sizeof *cell);
        for (int i = 0; i < s->n; i++)
            for (int q = 0; q < s->v->n_asked; q++) cell[q] += weight[i] * (b < s->at[i]->n_answers ? s->at[i]->answers[b].quality[q] : NAN);
        side.blocks[b] = (struct duo_block){ s->at[0]->answers[b].seed, s->v->n_asked, s->v->asked, cell };
    }
    free(weight);
    return side;
}

static void free_curve(struct duo_side *s)
{
    for (int b = 0; b < s->n_blocks; b++) free(s->blocks[b].cell);
    free(s->blocks);
    free(s->seeds);
}

/* The baseline's budgets, from its cheapest setting to its dearest. */
static bool budgets(const struct settings *s, int gate, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < s->n; i++) {
        double cost = figure(s->at[i]->value, gate);
        if (isnan(cost)) return false;
        *low = fmin(*low, cost);
        *high = fmax(*high, cost);
    }
    return s->n > 1 && !duo_about(*low, *high);
}

static void compare_curve(struct comparison *c, const struct settings *was, const struct settings *is, int gate, const struct duo_gate_rule *rule)
{
    double low, high;
    char name[64];
    snprintf(name, sizeof name, "area_%s", duo_gate_info[gate].name);
    if (!budgets(was, gate, &low, &high)) {
        if (!c->check->defaults) note(c->check, "%s.%s: no curve: its settings cost the same, or what they cost is not known", is->at[0]->policy, name);
        return;
    }
    struct duo_side a = side_of_curve(was, gate, low, high), b = side_of_curve(is, gate, low, high);
    measure(c, new_gate(c, is->v->variant, is->at[0]->policy, name, rule, -1), &a, &b, true);
    free_curve(&a);
    free_curve(&b);
}

/* Over dollars, where they tell the settings apart, else over cloud calls: one of the two by default. */
static int default_cost(const struct settings *was, const struct settings *is)
{
    static const int costs[] = { DUO_G_dollars, DUO_G_cloud_share };
    double low, high;
    for (int i = 0; i < 2; i++) {
        bool known = true;
        for (int k = 0; k < is->n; k++) known &= !isnan(figure(is->at[k]->value, costs[i]));
        if (known && budgets(was, costs[i], &low, &high)) return costs[i];
    }
    return -1;
}

static void compare_curves(struct comparison *c, const struct settings *was, const struct settings *is)
{
    const char *variant = is->v->variant, *policy = is->at[0]->policy;
    bool hidden = is->at[0]->cheats || strcmp(policy, "mix") == 0;
    if (c->check->defaults) {
        int cost = hidden || is->n < 2 ? -1 : default_cost(was, is);
        struct duo_gate_rule by_default = default_rule(duo_gate_info[DUO_G_quality].rule);
        if (cost >= 0) compare_curve(c, was, is, cost, &by_default);
        return;
    }
    for (int gate = 0; gate < DUO_N_GATES; gate++) {
        const struct duo_gate_rule *rule = rule_for(c->spec, variant, policy, gate, true, hidden);
        bool named = rule && rule->label;
        if (rule && rule->kind != DUO_GATE_OFF && (named || is->n > 1)) compare_curve(c, was, is, gate, rule);
    }
}

/* ---- a variant */

static void compare_variant(struct comparison *c, const struct duo_baseline_variant *was, const struct duo_baseline_variant *is)
{
    size_t n = (size_t)is->n_labels + 1;
    bool *done = duo_new(n, sizeof *done);
    struct settings a = { .v = was, .at = duo_new(n, sizeof *a.at) }, b = { .v = is, .at = duo_new(n, sizeof *b.at) };
    for (int i = 0; i < is->n_labels; i++) {
        const struct duo_baseline_label *l = &is->labels[i], *old = duo_baseline_label(was, l->label);
        if (old) compare_label(c, was, old, is, l);
        else     note(c->check, "%s%s%s is new: nothing to compare it with; --update takes it in", is->variant, *is->variant ? "/" : "", l->label);
    }
    for (int i = 0; i < is->n_labels; i++) {
        a.n = b.n = 0;
        for (int k = i; k < is->n_labels && !done[i]; k++) {
            const struct duo_baseline_label *l = &is->labels[k], *old = duo_baseline_label(was, l->label);
            if (!old || strcmp(l->policy, is->labels[i].policy) != 0) continue;
            a.at[a.n++] = old;
            b.at[b.n++] = l;
            if (k > i) done[k] = true;
        }
        if (b.n) compare_curves(c, &a, &b);
    }
    for (int i = 0; i < was->n_labels && !c->spec->part; i++)
        if (!duo_baseline_label(is, was->labels[i].label))
            note(c->check, "%s%s%s is gone: not compared", was->variant, *was->variant ? "/" : "", was->labels[i].label);
    free(a.at);
    free(b.at);
    free(done);
}

/* (2) */
static bool same_days(const struct duo_baseline *was, const struct duo_baseline *is)
{
    char **names;
    bool same = was->sampling == is->sampling && was->draws == is->draws;
    int n = duo_check_inputs(was, is, false, &names);
    for (int i = 0; i < n; i++) {
        same &= !strstr(names[i], "arrivals");
        free(names[i]);
    }
    free(names);
    for (int v = 0; v < is->n_variants; v++) {
        const struct duo_baseline_variant *now = &is->variants[v], *then = duo_baseline_variant(was, now->variant);
        if (!then) continue;
        same &= now->n_seeds == then->n_seeds && memcmp(now->seeds, then->seeds, (size_t)now->n_seeds * sizeof *now->seeds) == 0;
    }
    return same;
}

void duo_check_compare(struct duo_check *k, const struct duo_baseline *was, const struct duo_baseline *is, const struct duo_check_spec *given)
{
    struct duo_gate_rule rules[DUO_N_GATES];
    struct duo_check_spec spec = *given;
    *k = (struct duo_check){ .same_days = same_days(was, is), .alpha = given->alpha, .defaults = given->n_rules == 0 };
    for (int i = 0; i < DUO_N_GATES && k->defaults; i++) {
        rules[spec.n_rules] = default_rule(duo_gate_info[i].rule);
        rules[spec.n_rules].gate = i;
        if (*duo_gate_info[i].rule) spec.n_rules++;
    }
    if (k->defaults) spec.rules = rules;
    struct comparison c = { .check = k, .was = was, .is = is, .spec = &spec };
    for (int v = 0; v < is->n_variants; v++) {
        const struct duo_baseline_variant *old = duo_baseline_variant(was, is->variants[v].variant);
        if (old) compare_variant(&c, old, &is->variants[v]);
        else     note(k, "variant %s is new: nothing to compare it with; --update takes it in", is->variants[v].variant);
    }
    for (int v = 0; v < was->n_variants; v++)
        if (!duo_baseline_variant(is, was->variants[v].variant)) note(k, "variant %s is gone: not compared", was->variants[v].variant);
    judge_all(&c);
    free(c.moved);
}

void duo_check_free(struct duo_check *k)
{
    for (int i = 0; i < k->n_notes; i++) free(k->notes[i]);
    free(k->notes), free(k->gates), free(k->flips);
    *k = (struct duo_check){ 0 };
}

/* ---- inputs */

static void add_name(char ***names, int *n, const char *name, const char *what)
{
    size_t room = strlen(name) + strlen(what) + 1;
    *names = duo_grow(*names, (size_t)*n + 1, sizeof **names);
    (*names)[*n] = duo_new(room, 1);
    snprintf((*names)[(*n)++], room, "%s%s", name, what);
}

int duo_check_inputs(const struct duo_baseline *was, const struct duo_baseline *is, bool part, char ***names)
{
    int n = 0, i = 0, k = 0;
    *names = NULL;
    if (was->sampling != is->sampling)  add_name(names, &n, "sampling", " (another version)");
    else if (was->draws != is->draws)   add_name(names, &n, "sampling", " (the generators draw other numbers)");
    while (i < was->n_inputs || k < is->n_inputs) {
        const struct duo_input *a = i < was->n_inputs ? &was->inputs[i] : NULL, *b = k < is->n_inputs ? &is->inputs[k] : NULL;
        int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);
        if (order == 0 && a->hash != b->hash) add_name(names, &n, a->name, "");
        if (order < 0 && !(part && strstr(a->name, "policies."))) add_name(names, &n, a->name, " (gone)");
        if (order > 0) add_name(names, &n, b->name, " (new)");
        i += order <= 0;
        k += order >= 0;
    }
    return n;
}
