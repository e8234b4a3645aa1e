/* curve.c - see curve.h, whose numbers are cited. */
#include "analysis/curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"

struct corner { double x, y; int point; };

static int by_cost(const void *a, const void *b)
{
    const struct corner *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    if (p->y != q->y) return p->y > q->y ? -1 : 1;
    return p->point - q->point;
}

/* (1) In place; returns how many corners are left, with rising cost and quality. */
static int hull(struct corner *c, int n)
{
    int kept = 0;
    qsort(c, (size_t)n, sizeof *c, by_cost);
    for (int i = 0; i < n; i++) {
        if (kept && c[i].y <= c[kept - 1].y) continue;       /* dearer and no better */
        while (kept > 1) {                                   /* below the line from the one before to this? */
            const struct corner *a = &c[kept - 2], *b = &c[kept - 1];
            if ((b->y - a->y) * (c[i].x - a->x) > (c[i].y - a->y) * (b->x - a->x)) break;
            kept--;
        }
        c[kept++] = c[i];
    }
    return kept;
}

/* The line from a to b over [from, to], within [low, high], as weights of both ends. */
static void add_line(const struct corner *a, const struct corner *b, double low, double high, double *weight)
{
    double from = fmax(a->x, low), to = fmin(b->x, high);
    if (!(to > from)) return;
    double middle = ((from + to) / 2 - a->x) / (b->x - a->x), share = (to - from) / (high - low);
    weight[a->point] += share * (1 - middle);
    weight[b->point] += share * middle;
}

double duo_curve_area(const struct duo_point *p, int n, double low, double high, double *weight)
{
    if (weight) for (int i = 0; i < n; i++) weight[i] = 0;
    if (n < 1 || !(high > low)) return NAN;
    for (int i = 0; i < n; i++)
        if (isnan(p[i].cost) || isnan(p[i].quality)) return NAN;
    struct corner *c = duo_new((size_t)n, sizeof *c);
    double *own = duo_new((size_t)n, sizeof *own), area = 0;
    for (int i = 0; i < n; i++) c[i] = (struct corner){ p[i].cost, p[i].quality, i };
    int corners = hull(c, n);
    for (int i = 0; i + 1 < corners; i++) add_line(&c[i], &c[i + 1], low, high, own);
    double beyond = fmax(c[corners - 1].x, low);                 /* (2) */
    if (high > beyond) own[c[corners - 1].point] += (high - beyond) / (high - low);
    for (int i = 0; i < n; i++) area += own[i] * p[i].quality;
    if (weight) memcpy(weight, own, (size_t)n * sizeof *own);
    free(own);
    free(c);
    return area;
}
