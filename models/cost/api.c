/* api.c - a hosted API, seen from outside.
 *
 * (1) An iteration takes 1 / tokens_per_s whatever it holds; a job waits first_token before it (facts.start_seconds).
 * (2) Its joules and its insides are not known: one layer, no KV, no memory to fill. */
#include <math.h>
#include <stdlib.h>

#include "models/cost/basis.h"

enum { ID_BYTES = 4, LOGIT_BYTES = 6 };

struct api { struct duo_cost cost; double step; struct duo_attachments attachments; };

static struct duo_load item(const struct duo_cost *c, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth)
{
    double n = to - from;

    (void)c;
    *growth = (struct duo_growth){ n, INFINITY };
    return (struct duo_load){ .items = 1, .tokens = n * fresh, .context = n * (cached + fresh),
                              .pairs = n * (fresh * cached + fresh * (fresh + 1) / 2), .logits = logits };
}

static struct duo_price price(const struct duo_cost *c, const struct duo_load *l, int from, int to)
{
    (void)l, (void)from, (void)to;
    return (struct duo_price){ .seconds = ((const struct api *)c)->step, .joules = NAN, .joules_per_context = NAN };      /* (1), (2) */
}

static void explain(const struct duo_cost *c, const struct duo_load *l, int from, int to, struct duo_terms *t)
{
    (void)l, (void)from, (void)to;
    *t = (struct duo_terms){ .flop = NAN, .weight_bytes = NAN, .kv_bytes = NAN, .overhead = ((const struct api *)c)->step, .bound = DUO_BOUND_API };
}

static struct duo_encoding encode(const struct duo_cost *c, enum duo_attachment_kind kind, double bytes)
{
    double flop;
    return (struct duo_encoding){ .tokens = duo_attachments_tokens(&((const struct api *)c)->attachments, kind, bytes, &flop) };
}

static void release(struct duo_cost *c) { free(c); }

static const struct duo_cost_kind api_kind = { .name = "api", .item = item, .price = price, .explain = explain, .encode = encode, .free = release };

enum duo_status duo_cost_api(struct duo_cost **out, struct duo_basis *b, struct duo_err *err)
{
    static const enum duo_key needed[] = { DUO_KEY_first_token, DUO_KEY_tokens_per_s, DUO_KEY_context, DUO_KEY_dollars_in, DUO_KEY_dollars_out };
    struct api *m;
    struct duo_facts *f;

    DUO_TRY(duo_basis_need(b, needed, sizeof needed / sizeof *needed, err));
    m = duo_new(1, sizeof *m);
    f = &m->cost.facts;
    m->cost.kind = &api_kind;
    m->step = 1 / duo_take(b, DUO_KEY_tokens_per_s);
    duo_attachments_set(&m->attachments, b);
    f->start_seconds  = duo_take(b, DUO_KEY_first_token);
    f->layers         = 1;                                  /* one piece: nobody can split it */
    f->context        = (int)duo_take(b, DUO_KEY_context);
    f->vocabulary     = (int)duo_take_or(b, DUO_KEY_vocabulary, 0);
    f->memory_bytes   = INFINITY;
    f->id_bytes       = ID_BYTES;
    f->logit_bytes    = LOGIT_BYTES;
    f->hidden_bytes   = f->idle_watts = f->busy_watts = f->load_seconds = f->throttle_share = f->throttle_heat = f->throttle_cool = NAN;
    f->dollars_in     = duo_take(b, DUO_KEY_dollars_in);
    f->dollars_cached = duo_take(b, DUO_KEY_dollars_cached);
    f->dollars_out    = duo_take(b, DUO_KEY_dollars_out);
    f->dollars_second = NAN;
    f->energy         = DUO_PROVENANCE_END;
    f->time           = duo_basis_status(b, DUO_CLAIM_TIME);
    f->money          = duo_basis_status(b, DUO_CLAIM_MONEY);
    snprintf(f->dollars_regime, sizeof f->dollars_regime, "api list price %s", b->model.date ? b->model.date : "");
    duo_basis_text(b, f->rests_on, sizeof f->rests_on);
    *out = &m->cost;
    return DUO_OK;
}
