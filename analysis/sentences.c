/* sentences.c - see sentences.h. */
#include "analysis/sentences.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SWAPS = 6 };

static const struct duo_summary_row *find_policy(const struct duo_summary *s, const char *variant, const char *policy)
{
    for (int i = 0; i < s->n; i++)
        if (s->rows[i].seeds && strcmp(s->rows[i].variant, variant) == 0 && strcmp(s->rows[i].policy, policy) == 0) return &s->rows[i];
    return NULL;
}

static void begin(FILE *out, const char *variant)
{
    if (*variant) fprintf(out, "%s: ", variant);
}

static void seconds(double s, char out[32])
{
    if (fabs(s) < 0.9995) snprintf(out, 32, "%.3g ms", 1e3 * s);
    else if (fabs(s) < 999.5) snprintf(out, 32, "%.3g s", s);
    else snprintf(out, 32, "%.0f s", s);
}

/* (1) */
static int about_quality(FILE *out, const struct duo_summary *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        const struct duo_summary_row *r = &s->rows[i], *cloud = find_policy(s, r->variant, "cloud_only");
        double p = r->value[DUO_M_cloud_share], gain = r->value[DUO_M_gain_over_mix];
        double low = r->low[DUO_M_gain_over_mix], high = r->high[DUO_M_gain_over_mix];
        struct duo_pair_row d;
        if (!cloud || r->cheats || duo_summary_assumed(r) || duo_summary_assumed(cloud) || strcmp(r->policy, "mix") == 0) continue;
        if (!(p > 0) || !(p < 1) || !(low > 0 || high < 0)) continue;
        if (strstr(r->params, "strong=")) continue;   /* it calls another place than cloud_only does */
        if (!duo_summary_pair(s, r->variant, r->label, cloud->label, DUO_M_quality, &d) || isnan(d.low)) continue;
        double whole = cloud->value[DUO_M_quality];
        if (!(whole > 0)) continue;
        begin(out, r->variant);
        fprintf(out, "%s keeps %.0f %% [%.0f, %.0f] of %s's quality for %.0f %% of its calls, %.3f [%.3f, %.3f] %s the mix at that share.\n",
                r->label, 100 * (1 + d.difference / whole), 100 * (1 + d.low / whole), 100 * (1 + d.high / whole), cloud->label, 100 * p,
                fabs(gain), gain > 0 ? low : -high, gain > 0 ? high : -low, gain > 0 ? "above" : "below");
        n++;
    }
    return n;
}

static const struct duo_variant_facts *facts_of(const struct duo_summary *s, const char *variant)
{
    for (int i = 0; i < s->n_variants; i++)
        if (strcmp(s->variants[i].variant, variant) == 0) return &s->variants[i];
    return NULL;
}

/* (2) d = draft_verify - cloud_only at the round trip `rtt` is zero at rtt - d / (rounds - 1). */
static int about_round_trip(FILE *out, const struct duo_summary *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        const struct duo_summary_row *r = &s->rows[i], *cloud = find_policy(s, r->variant, "cloud_only");
        const struct duo_variant_facts *f = facts_of(s, r->variant);
        struct duo_pair_row d;
        char at[32], from[32], to[32], now[32];
        double rounds = r->value[DUO_M_rounds];
        if (strcmp(r->policy, "draft_verify") != 0 || !cloud || !f || isnan(f->rtt) || !(rounds > 1)) continue;
        if (!duo_summary_pair(s, r->variant, r->label, cloud->label, DUO_M_e2e_mean, &d) || !(d.low > 0 || d.high < 0)) continue;
        double even = f->rtt - d.difference / (rounds - 1), low = f->rtt - d.high / (rounds - 1), high = f->rtt - d.low / (rounds - 1);
        seconds(even, at), seconds(fmax(0, low), from), seconds(high, to), seconds(f->rtt, now);
        begin(out, r->variant);
        if (even <= 0)
            fprintf(out, "%s is slower than %s, and would be without any round trip (now %s", r->label, cloud->label, now);
        else
            fprintf(out, "%s is slower than %s above a round trip of about %s [%s, %s] (now %s, where it is %s", r->label, cloud->label, at,
                    from, to, now, d.difference > 0 ? "slower" : "faster");
        fprintf(out, "; by arithmetic: %.1f round trips an answer against one, queues as they are).\n", rounds);
        n++;
    }
    return n;
}

struct swap { const struct duo_pair_row *here; struct duo_pair_row there; double size; };

static int larger(const void *a, const void *b)
{
    const struct swap *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return (x->here > y->here) - (x->here < y->here);    /* both in one array */
}

static bool shown(const struct duo_pair_row *p) { return p->low > 0 || p->high < 0; }

/* Relative to the larger of both values. */
static double size_of(const struct duo_summary *s, const struct duo_pair_row *p)
{
    const struct duo_summary_row *a = duo_summary_find(s, p->variant, p->a), *b = duo_summary_find(s, p->variant, p->b);
    return fabs(p->difference) / fmax(fabs(a->value[p->metric]), fabs(b->value[p->metric]));
}

static bool left_out(const struct duo_summary *s, const struct duo_pair_row *p)
{
    const struct duo_summary_row *a = duo_summary_find(s, p->variant, p->a), *b = duo_summary_find(s, p->variant, p->b);
    return !a || !b || a->cheats || b->cheats || strcmp(a->policy, "mix") == 0 || strcmp(b->policy, "mix") == 0;
}

static void amount(int metric, double value, char out[32])
{
    if (metric == DUO_M_dollars)                    snprintf(out, 32, "$%.3g", 1000 * value);
    else if (metric == DUO_M_joules_device_radio)   snprintf(out, 32, "%.3g J", value);
    else                                            seconds(value, out);
}

static void print_swap(FILE *out, const struct duo_summary *s, const struct swap *w)
{
    static const char *const words[][2] = {              /* less of it; what it is */
        { "faster", "median E2E" }, { "easier on the battery", "device and radio" }, { "cheaper", "a thousand requests" },
    };
    const struct duo_pair_row *p = w->here;
    int  kind = p->metric == DUO_M_e2e_p50 ? 0 : p->metric == DUO_M_joules_device_radio ? 1 : 2;
    bool first = p->difference < 0;
    const char *less = first ? p->a : p->b, *more = first ? p->b : p->a;
    char v[4][32];
    amount(p->metric, duo_summary_find(s, p->variant, less)->value[p->metric], v[0]);
    amount(p->metric, duo_summary_find(s, p->variant, more)->value[p->metric], v[1]);
    amount(p->metric, duo_summary_find(s, w->there.variant, less)->value[p->metric], v[2]);
    amount(p->metric, duo_summary_find(s, w->there.variant, more)->value[p->metric], v[3]);
    fprintf(out, "%s: %s is %s than %s (%s: %s against %s); %s: the other way round (%s against %s).\n", p->variant, less,
            words[kind][0], more, words[kind][1], v[0], v[1], w->there.variant, v[2], v[3]);
}

/* (3) */
static int about_swaps(FILE *out, const struct duo_summary *s, int metric)
{
    struct swap *swaps = NULL;
    int n = 0;
    for (int i = 0; i < s->n_pairs; i++) {
        const struct duo_pair_row *p = &s->pairs[i];
        if (p->metric != metric || !shown(p) || left_out(s, p)) continue;
        bool later = false;                              /* each two variants once, in their order */
        for (int v = 0; v < s->n_variants; v++) {
            const char *variant = s->variants[v].variant;
            struct swap w = { .here = p };
            if (strcmp(variant, p->variant) == 0) later = true;
            else if (later && duo_summary_pair(s, variant, p->a, p->b, metric, &w.there) && shown(&w.there)
                     && (w.there.difference > 0) != (p->difference > 0)) {
                w.size = fmin(size_of(s, p), size_of(s, &w.there));
                swaps = duo_grow(swaps, (size_t)n + 1, sizeof *swaps);
                swaps[n++] = w;
            }
        }
    }
    if (n) qsort(swaps, (size_t)n, sizeof *swaps, larger);
    int most = n > MAX_SWAPS ? MAX_SWAPS : n;
    for (int i = 0; i < most; i++) print_swap(out, s, &swaps[i]);
    if (n > most) fprintf(out, "%d more pairs swap in %s.\n", n - most, duo_metric_info[metric].name);
    free(swaps);
    return n;
}

int duo_sentences_print(FILE *out, const struct duo_summary *s)
{
    int n = about_quality(out, s) + about_round_trip(out, s);
    n += about_swaps(out, s, DUO_M_e2e_p50);
    n += about_swaps(out, s, DUO_M_joules_device_radio);
    n += about_swaps(out, s, DUO_M_dollars);
    if (!n) fputs("no difference shown\n", out);
    return n;
}
