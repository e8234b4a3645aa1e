/* check_stats.c - what chance explains of a movement; numbers in brackets are check.h's. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check_inside.h"
#include "analysis/stats.h"

bool duo_about(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return fabs(a - b) <= 1e-7 * fmax(fabs(a), fabs(b));
}

/* ---- between questions (4) */

struct sum { double sum; int n; };

static struct sum sum_of(const struct duo_side *s)
{
    struct sum t = { 0, 0 };
    for (int b = 0; b < s->n_blocks; b++)
        for (int i = 0; i < s->blocks[b].n; i++)
            if (!isnan(s->blocks[b].cell[i])) t.sum += s->blocks[b].cell[i], t.n++;
    return t;
}

enum { EXACT = 200, STEPS = 60 };                        /* differences that moved; steps that the largest one is cut into */

struct pass { double was_mean, is_mean; int was_n, is_n; double squares; int clusters, moved; bool unpaired; double by[EXACT]; };

static void add_question(struct pass *p, double was, double is)
{
    double u = 0;
    if (isnan(was) && isnan(is)) return;
    if (!isnan(is))  u += (is - p->is_mean) / p->is_n;
    if (!isnan(was)) u -= (was - p->was_mean) / p->was_n;
    p->squares += u * u;
    p->clusters++;
    p->unpaired |= isnan(was) || isnan(is);
    if (duo_about(was, is)) return;
    if (p->moved < EXACT) p->by[p->moved] = is - was;
    p->moved++;
}

/* Two blocks of the same seed, or one of them NULL, question by question. */
static void add_blocks(struct pass *p, const struct duo_block *was, const struct duo_block *is)
{
    int i = 0, k = 0, n = was ? was->n : 0, m = is ? is->n : 0;
    while (i < n || k < m) {
        int a = i < n ? was->asked[i] : INT32_MAX, b = k < m ? is->asked[k] : INT32_MAX;
        add_question(p, a <= b ? was->cell[i] : NAN, b <= a ? is->cell[k] : NAN);
        i += a <= b;
        k += b <= a;
    }
}

static const struct duo_block *block_of(const struct duo_side *s, int64_t seed)
{
    for (int b = 0; b < s->n_blocks; b++)
        if (s->blocks[b].seed == seed) return &s->blocks[b];
    return NULL;
}

/* Questions of the seeds' own are the same ones on the same days only. */
static bool paired(const struct duo_block *b, bool same_days) { return same_days || b->seed < 0; }

static bool between_questions(const struct duo_side *was, const struct duo_side *is, bool same_days, struct pass *p)
{
    struct sum a = sum_of(was), b = sum_of(is);
    *p = (struct pass){ .was_mean = a.sum / a.n, .is_mean = b.sum / b.n, .was_n = a.n, .is_n = b.n };
    if (!a.n || !b.n) return false;
    for (int i = 0; i < is->n_blocks; i++)
        add_blocks(p, paired(&is->blocks[i], same_days) ? block_of(was, is->blocks[i].seed) : NULL, &is->blocks[i]);
    for (int i = 0; i < was->n_blocks; i++)
        if (!paired(&was->blocks[i], same_days) || !block_of(is, was->blocks[i].seed)) add_blocks(p, &was->blocks[i], NULL);
    return p->clusters > 1;
}

static double se_of(const struct pass *p) { return sqrt(p->squares * p->clusters / (p->clusters - 1)); }

/* All signs drawn anew: the share of draws whose sum is at least as high, and as low, as it is.  In whole steps; sums are counted from
 * -total, each difference adding 0 or twice its size. */
static void randomise(const struct pass *p, double *up, double *down)
{
    int size[EXACT], total = 0, sum = 0;
    double most = 0;
    for (int i = 0; i < p->moved; i++) most = fmax(most, fabs(p->by[i]));
    for (int i = 0; i < p->moved; i++) {
        size[i] = (int)lround(fabs(p->by[i]) / most * STEPS);
        total += size[i];
        sum += p->by[i] > 0 ? size[i] : -size[i];
    }
    double *share = duo_new((size_t)total + 1, sizeof *share);       /* [k]: k of the total is positive */
    share[0] = 1;
    for (int i = 0, room = 0; i < p->moved; i++) {
        room += size[i];
        for (int k = room; k >= 0; k--) share[k] = (share[k] + (k >= size[i] ? share[k - size[i]] : 0)) / 2;
    }
    *up = *down = 0;
    for (int k = 0; k <= total; k++) {
        if (2 * k - total >= sum) *up += share[k];
        if (2 * k - total <= sum) *down += share[k];
    }
    free(share);
}

/* ---- between days (4) */

static double variance_of(const double *x, int n)
{
    double mean = duo_mean(x, (size_t)n), squares = 0;
    for (int i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? squares / (n - 1) : NAN;
}

static void same_seeds(const struct duo_side *was, const struct duo_side *is, struct duo_moved *m)
{
    int n = is->n_seeds;
    double *d = duo_new((size_t)n + 1, sizeof *d);
    for (int i = 0; i < n; i++) d[i] = duo_about(was->seeds[i], is->seeds[i]) ? 0 : is->seeds[i] - was->seeds[i];
    m->by = duo_mean(d, (size_t)n);
    m->se = sqrt(variance_of(d, n) / n);
    m->df = n - 1;
    m->told = n > 1 && !isnan(m->by);
    free(d);
}

static void other_seeds(const struct duo_side *was, const struct duo_side *is, bool count, struct duo_moved *m)
{
    int a = was->n_seeds, b = is->n_seeds;
    m->by = duo_mean(is->seeds, (size_t)b) - duo_mean(was->seeds, (size_t)a);
    m->df = a + b - 2;
    m->told = a > 1 && b > 1 && !isnan(m->by);
    if (!m->told) return;
    double pooled = ((a - 1) * variance_of(was->seeds, a) + (b - 1) * variance_of(is->seeds, b)) / m->df;
    double mean = (a * duo_mean(was->seeds, (size_t)a) + b * duo_mean(is->seeds, (size_t)b)) / (a + b);
    m->se = sqrt((count ? fmax(pooled, mean) : pooled) * (1.0 / a + 1.0 / b));
}

static bool seeds_about(const struct duo_side *was, const struct duo_side *is)
{
    if (was->n_seeds != is->n_seeds || !duo_about(was->value, is->value)) return false;
    for (int i = 0; i < is->n_seeds; i++)
        if (!duo_about(was->seeds[i], is->seeds[i])) return false;
    return true;
}

struct duo_moved duo_moved_of(const struct duo_side *was, const struct duo_side *is, bool same_days, bool questions, bool count)
{
    struct duo_moved m = { .by = is->value - was->value, .se = NAN, .df = NAN, .up = NAN, .down = NAN };
    struct pass p = { 0 };
    bool cells = questions && between_questions(was, is, same_days, &p);
    m.still = seeds_about(was, is) && !p.moved;
    if (same_days && cells) {
        m.told = true;
        m.se = se_of(&p);
        m.df = p.clusters - 1;
        if (p.moved && p.moved <= EXACT && !p.unpaired) randomise(&p, &m.up, &m.down);
        return m;
    }
    if (same_days) same_seeds(was, is, &m);
    else           other_seeds(was, is, count, &m);
    if (m.told && cells) m.se = fmax(m.se, se_of(&p));
    return m;
}

double duo_moved_p(const struct duo_moved *m, int worse)
{
    double by = worse * m->by;
    if (!m->told || m->still) return NAN;
    if (!isnan(m->up)) return worse > 0 ? m->up : m->down;
    if (!(m->se > 0)) return by > 0 ? 0 : 1;
    return gsl_cdf_tdist_Q(by / m->se, m->df);
}

double duo_moved_half(const struct duo_moved *m, double p)
{
    if (!m->told || !(p > 0)) return NAN;
    return m->se > 0 ? gsl_cdf_tdist_Qinv(p, m->df) * m->se : 0;
}

/* ---- (5) */

struct test { double p; int at; };

static int by_p(const void *a, const void *b)
{
    const struct test *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return x->at - y->at;
}

int duo_holm(const double *p, int n, double alpha, double *limit, bool *out)
{
    struct test *test = duo_new((size_t)n + 1, sizeof *test);
    int m = 0;
    bool all = true;                         /* chance is ruled out for every one before it */
    for (int i = 0; i < n; i++) {
        limit[i] = NAN;
        out[i] = false;
        if (!isnan(p[i])) test[m++] = (struct test){ p[i], i };
    }
    if (m) qsort(test, (size_t)m, sizeof *test, by_p);
    for (int k = 0; k < m; k++) {
        limit[test[k].at] = alpha / (m - k);
        all = all && test[k].p <= alpha / (m - k);
        out[test[k].at] = all;
    }
    free(test);
    return m;
}

/* ---- (8) */

static void add_lost(struct duo_flips *f, const struct duo_lost *lost)
{
    int most = (int)(sizeof f->worst / sizeof *f->worst), at = f->n_worst;
    double fall = lost->was - lost->is;
    while (at > 0 && fall > f->worst[at - 1].was - f->worst[at - 1].is + 1e-12) at--;     /* among equals the first asked */
    if (at == most) return;
    int moved = (f->n_worst < most ? f->n_worst : most - 1) - at;
    memmove(&f->worst[at + 1], &f->worst[at], (size_t)moved * sizeof *f->worst);
    f->worst[at] = *lost;
    if (f->n_worst < most) f->n_worst++;
}

void duo_check_flips(struct duo_flips *f, const struct duo_side *was, const struct duo_side *is)
{
    for (int b = 0; b < is->n_blocks; b++) {
        const struct duo_block *now = &is->blocks[b], *then = block_of(was, now->seed);
        for (int i = 0, k = 0; then && i < then->n && k < now->n;) {
            int a = then->asked[i], q = now->asked[k];
            double x = then->cell[i], y = now->cell[k];
            i += a <= q;
            k += q <= a;
            if (a != q || isnan(x) || isnan(y)) continue;
            f->questions++;
            if (x >= 0.5 && y < 0.5) {
                f->lost++;
                add_lost(f, &(struct duo_lost){ now->seed, q, x, y });
            } else if (x < 0.5 && y >= 0.5) {
                f->won++;
            }
        }
    }
}
