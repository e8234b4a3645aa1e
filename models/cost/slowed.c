/* slowed.c - a cost model of which others take a share: all takes 1 / (1 - share) as long.
 *
 * (1) The work's own joules stay: it is the same work.  What the others take meanwhile is theirs.
 * (2) While our work rests, they take their share of what lies between idle and busy. */
#include <math.h>
#include <stdlib.h>

#include "models/cost/cost.h"

struct slowed { struct duo_cost cost; struct duo_cost *inner; double times; };

static const struct slowed *of(const struct duo_cost *c) { return (const struct slowed *)c; }

static struct duo_load item(const struct duo_cost *c, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth)
{
    return of(c)->inner->kind->item(of(c)->inner, fresh, cached, from, to, logits, growth);
}

static struct duo_price price(const struct duo_cost *c, const struct duo_load *load, int from, int to)
{
    struct duo_price p = of(c)->inner->kind->price(of(c)->inner, load, from, to);

    p.seconds *= of(c)->times, p.per_context *= of(c)->times;
    return p;
}

static void explain(const struct duo_cost *c, const struct duo_load *load, int from, int to, struct duo_terms *t)
{
    double x = of(c)->times;

    of(c)->inner->kind->explain(of(c)->inner, load, from, to, t);
    t->gemm *= x, t->attention *= x, t->head *= x, t->collectives *= x, t->overhead *= x;
}

static struct duo_encoding encode(const struct duo_cost *c, enum duo_attachment_kind kind, double bytes)
{
    struct duo_encoding e = of(c)->inner->kind->encode(of(c)->inner, kind, bytes);

    e.seconds *= of(c)->times;
    return e;
}

static void release(struct duo_cost *c)
{
    of(c)->inner->kind->free(of(c)->inner);
    free(c);
}

static const struct duo_cost_kind slowed_kind = { .name = "slowed", .item = item, .price = price, .explain = explain, .encode = encode, .free = release };

struct duo_cost *duo_cost_slowed(struct duo_cost *inner, double share)
{
    struct slowed *s = duo_new(1, sizeof *s);

    s->cost = *inner;
    s->cost.kind = &slowed_kind;
    s->inner = inner, s->times = 1 / (1 - share);
    s->cost.facts.idle_watts += share * (inner->facts.busy_watts - inner->facts.idle_watts);  /* (2) */
    return &s->cost;
}
