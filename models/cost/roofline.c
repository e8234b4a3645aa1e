/* roofline.c - how long an iteration takes on accelerators, phones and small boards: work.h over what the hardware can do.
 *
 *     roof(a, b) = (a^p + b^p)^(1/p)                                p: the key `sharpness`; 1 is a sum, large is the larger one
 *     products   = sum over the layers of roof(2 W T / (compute peak), read)
 *     read       = roof(W bytes / (stream bandwidth), W bytes / (issue units clock pipes)): memory, and what the cores unpack
 *     between    = T x 2 bytes x (10 d + 3 ffn + 2 (H + 2 K) head_dim) / (stream bandwidth), a layer: norms, rotation, gate, residual
 *     attention  = KV bytes / (attend bandwidth) + FLOP of pairs / (attend_compute peak)
 *     head       = roof over vocabulary x d weights and the rows of logits
 *     collective = 2 a layer, with tensor parallelism
 *     host       = op x operations + layer x layers + step + item x items
 *     seconds    = the sum of these;  joules: energy.c over the same FLOP and bytes
 *
 * Williams et al. 2009 (doi:10.1145/1498765.1498785) for the roof; Pope et al. 2022 (arXiv:2211.05102) for the counts.
 * T: new tokens.  d, H, K: width, heads, KV heads.  A group of g GPUs shares W, KV, heads and vocabulary evenly.
 *
 * (1) Given tokens, items and logits, everything is affine in context and pairs (cost.h); a part of the layers takes its share.
 *     Decode reads each position's KV once: the arithmetic of attention counts for the pairs beyond that.
 * (2) A mixture reads the experts that its tokens reach, each its share of the tokens; under tensor parallelism every expert is split.
 * (3) An all-reduce of T d 16-bit numbers: up to one_shot_limit bytes, one_shot_trip + (g - 1) bytes / one_shot_link (each writes
 *     to all); beyond, ring_trip + 2 (g - 1)/g bytes / ring_link (Thakur et al. 2005, doi:10.1177/1094342005051521, 4.4).
 * (4) A pipeline has one batch in flight: its stages work one after the other, a hop of ring_trip + bytes / ring_link between them.
 *     It buys memory, not speed.
 * (5) Products run at the rate of the quant's activation format, or at issue_flop a cycle where that is known.  A device with
 *     neither refuses the quant by name.
 * (6) Whole numbers of tokens, which is what iterations have, are looked up: the roofs of each are worked out once.
 * (7) Joules are bounded by the power limit part by part: what the batch fixes, a unit of context, a unit of pairs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/basis.h"

enum { HALF = 2, LOGIT_BYTES = 6, ID_BYTES = 4 };      /* bytes: a 16-bit number; on the wire, a logit with its id, an id */

enum { MOST_WHOLE = 8192 };

/* Of so many tokens: seconds a weight, of the layers and of the head; seconds and weights read of the experts of one layer. */
struct roofs { double unit, head, expert, read; };

struct roofline {
    struct duo_cost cost;
    struct duo_arch arch;
    struct duo_parameters weights;
    double p, one_over_p;
    struct roofs *whole;                               /* of 0, 1, ... n_whole - 1 tokens */
    int    n_whole;
    double flop_s, weight_s, head_s;                   /* s a FLOP of a product, s to read a weight, a weight of the head */
    double weight_bytes, head_bytes;                   /* of one */
    double between_dense, between_mixed;               /* s a token and layer */
    double context_s, pair_s, context_j, pair_j;       /* a unit of each */
    double context_bytes, pair_flop;
    double layer, mixed_layer, step, item;             /* host, launches included */
    double limit, trip[2], byte_s[2], hop, hop_byte_s; /* collectives: one shot, ring; hops of the pipeline, a layer */
    struct duo_power power;
    struct duo_attachments attachments;
};

static const struct roofline *of(const struct duo_cost *c) { return (const struct roofline *)c; }

static struct duo_load item(const struct duo_cost *c, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth)
{
    const struct duo_arch *a = &of(c)->arch;
    struct duo_load l = { .items = 1, .tokens = (to - from) * fresh, .logits = logits };

    l.context = duo_work_context(a, from, to, cached + fresh, &growth->per_token, &growth->tokens);
    l.pairs   = fresh == 1 ? l.context : duo_work_pairs(a, from, to, fresh, cached);
    return l;
}

/* ---- the price of an iteration ---- */

static double roof(const struct roofline *m, double compute, double bandwidth)
{
    double large = compute > bandwidth ? compute : bandwidth, ratio = (compute > bandwidth ? bandwidth : compute) / large;

    if (m->p == 1 || !(ratio > 0)) return compute + bandwidth;
    return large * pow(1 + pow(ratio, m->p), m->one_over_p);
}

/* What the batch fixes, in seconds; `compute`: the part of products and head that arithmetic alone would take. */
struct fixed { double products, between, head, collective, host, compute, flop, bytes; };

static struct roofs roofs_of(const struct roofline *m, double tokens)
{
    const struct duo_arch *a = &m->arch;
    struct roofs r = { .unit = roof(m, 2 * tokens * m->flop_s, m->weight_s), .head = roof(m, 2 * tokens * m->flop_s, m->head_s) };

    if (a->experts > 0) {                                                                                  /* (2) */
        r.read   = m->weights.expert * duo_work_experts(tokens, a->experts, a->active_experts);
        r.expert = roof(m, 2 * m->weights.expert * a->active_experts * tokens * m->flop_s, r.read * m->weight_s);
    }
    return r;
}

/* (6) */
static struct roofs roofs_at(const struct roofline *m, double tokens)
{
    int i = tokens < m->n_whole ? (int)tokens : -1;
    return i == tokens ? m->whole[i] : roofs_of(m, tokens);
}

static void add_products(const struct roofline *m, double layers, double mixed, double tokens, double rows, struct fixed *f)
{
    const struct duo_parameters *w = &m->weights;
    double weights = layers * w->attention + (layers - mixed) * w->dense + mixed * (w->shared + w->router);
    double head = (double)m->arch.vocabulary * m->arch.width;
    struct roofs r = roofs_at(m, tokens);

    f->products = weights * r.unit + mixed * r.expert;
    f->flop     = 2 * tokens * (weights + mixed * w->expert * m->arch.active_experts);
    f->bytes    = (weights + mixed * r.read) * m->weight_bytes;
    if (rows > 0) {
        f->head   = head * (rows == tokens ? r.head : roofs_at(m, rows).head);
        f->flop  += 2 * head * rows;
        f->bytes += head * m->head_bytes;
    }
    f->compute = f->flop * m->flop_s;
}

static void fix(const struct roofline *m, const struct duo_load *l, int from, int to, struct fixed *f)
{
    double layers = to - from, tokens = l->tokens / layers, mixed = 0, bytes = tokens * m->arch.width * HALF;

    if (m->arch.experts > 0) mixed = to - fmin(fmax(m->arch.dense_layers, from), to);
    *f = (struct fixed){ 0 };
    add_products(m, layers, mixed, tokens, l->logits, f);
    f->between = tokens * ((layers - mixed) * m->between_dense + mixed * m->between_mixed);
    if (m->limit >= 0) f->collective = 2 * layers * (m->trip[bytes > m->limit] + bytes * m->byte_s[bytes > m->limit]);      /* (3) */
    f->collective += layers * (m->hop + bytes * m->hop_byte_s);                                            /* (4) */
    f->host = (layers - mixed) * m->layer + mixed * m->mixed_layer + m->step + m->item * l->items;
}

static struct duo_price price(const struct duo_cost *c, const struct duo_load *l, int from, int to)
{
    const struct roofline *m = of(c);
    struct fixed f;
    double seconds, extra = l->pairs - l->context;                                                         /* (1) */

    if (to <= from) return (struct duo_price){ 0 };
    fix(m, l, from, to, &f);
    seconds = f.products + f.between + f.head + f.collective + f.host;
    return (struct duo_price){
        .seconds = seconds + l->context * m->context_s + extra * m->pair_s, .per_context = m->context_s,
        .joules  = duo_power_joules(&m->power, seconds, f.flop, f.bytes) + l->context * m->context_j + extra * m->pair_j,      /* (7) */
        .joules_per_context = m->context_j,
    };
}

static void explain(const struct duo_cost *c, const struct duo_load *l, int from, int to, struct duo_terms *t)
{
    const struct roofline *m = of(c);
    struct fixed f = { 0 };
    double extra = l->pairs - l->context, bandwidth, share[DUO_BOUND_END] = { 0 };

    if (to > from) fix(m, l, from, to, &f);
    *t = (struct duo_terms){
        .flop = f.flop + extra * m->pair_flop, .weight_bytes = f.bytes, .kv_bytes = l->context * m->context_bytes,
        .gemm = f.products + f.between, .attention = l->context * m->context_s + extra * m->pair_s,
        .head = f.head, .collectives = f.collective, .overhead = f.host,
    };
    bandwidth = f.bytes * m->weight_s / m->weight_bytes;
    share[f.compute > bandwidth ? DUO_BOUND_COMPUTE : DUO_BOUND_BANDWIDTH] = f.products + f.head;
    share[DUO_BOUND_COMPUTE]   += extra * m->pair_s;
    share[DUO_BOUND_BANDWIDTH] += f.between + l->context * m->context_s;
    share[DUO_BOUND_OVERHEAD]   = f.host;
    share[DUO_BOUND_NETWORK]    = f.collective;
    for (int i = 0; i < DUO_BOUND_END; i++)
        if (share[i] > share[t->bound]) t->bound = (enum duo_bound_by)i;
}

static struct duo_encoding encode(const struct duo_cost *c, enum duo_attachment_kind kind, double bytes)
{
    const struct roofline *m = of(c);
    struct duo_encoding e;
    double flop;

    e.tokens  = duo_attachments_tokens(&m->attachments, kind, bytes, &flop);
    e.seconds = flop * m->flop_s;
    e.joules  = flop > 0 ? duo_power_joules(&m->power, e.seconds, flop, 0) : 0;
    return e;
}

static void release(struct duo_cost *c)
{
    free(((struct roofline *)c)->whole);
    free(c);
}

static const struct duo_cost_kind roofline_kind = {
    .name = "roofline", .item = item, .price = price, .explain = explain, .encode = encode, .free = release,
};

/* ---- making one ---- */

static bool knows(const struct duo_basis *b, enum duo_key k) { return !isnan(b->v[k].value); }

/* Are its products counted in cycles, not as a share of a peak? */
static bool counts(const struct duo_basis *b) { return knows(b, DUO_KEY_issue_flop) && knows(b, DUO_KEY_units) && knows(b, DUO_KEY_clock); }

/* A transformer that can be: what a row leaves open is 0, and what a scenario sets may not go together. */
static enum duo_status check_shape(const struct duo_basis *b, const struct duo_arch *a, struct duo_err *err)
{
    const char *model = b->spec->model;

    if (a->heads % a->kv_heads) return duo_basis_bad(b, err, "%s: %d heads don't share %d key and value heads evenly", model, a->heads, a->kv_heads);
    if (a->experts && !(a->active_experts >= 1 && a->active_experts <= a->experts && a->expert_ffn > 0))
        return duo_basis_bad(b, err, "%s has %d experts: expected active_experts of 1 to %d and an expert_ffn above 0; got %d and %d", model, a->experts,
                             a->experts, a->active_experts, a->expert_ffn);
    if (a->ffn == 0 && (!a->experts || a->dense_layers))
        return duo_basis_bad(b, err, "%s: ffn (width of the feed-forward part) is not known; set it in cost: {ffn: ...}", model);
    return DUO_OK;
}

static enum duo_status check(const struct duo_basis *b, const struct duo_arch *a, const struct duo_value *peak, struct duo_err *err)
{
    static const enum duo_key needed[] = {
        DUO_KEY_layers, DUO_KEY_width, DUO_KEY_heads, DUO_KEY_kv_heads, DUO_KEY_head_dim, DUO_KEY_vocabulary, DUO_KEY_context, DUO_KEY_bits,
        DUO_KEY_bandwidth, DUO_KEY_memory, DUO_KEY_sharpness, DUO_KEY_stream, DUO_KEY_attend, DUO_KEY_attend_compute,
    };
    static const enum duo_key share[] = { DUO_KEY_compute };
    static const enum duo_key group[] = { DUO_KEY_one_shot_limit, DUO_KEY_one_shot_trip, DUO_KEY_one_shot_link, DUO_KEY_ring_trip, DUO_KEY_ring_link };

    if (!peak && !counts(b))                                                                               /* (5) */
        return duo_basis_bad(b, err, "%s on %s: no rate is known for products of %s%s%s; set one in cost: {fp16: ...}", b->quant.name,
                             b->hardware.name, b->quant.activation ? b->quant.activation : "its format", b->hardware.class ? ", class " : "",
                             b->hardware.class ? b->hardware.class : "");
    DUO_TRY(duo_basis_need(b, needed, sizeof needed / sizeof *needed, err));
    DUO_TRY(check_shape(b, a, err));
    if (!counts(b)) DUO_TRY(duo_basis_need(b, share, 1, err));
    if (b->gpus > 1) DUO_TRY(duo_basis_need(b, group, sizeof group / sizeof *group, err));
    if (a->heads % b->tensor || (a->kv_heads % b->tensor && b->tensor % a->kv_heads))
        return duo_basis_bad(b, err, "tensor_parallel: %d doesn't divide the %d heads (%d of KV) of %s", b->tensor, a->heads, a->kv_heads, b->spec->model);
    if (b->stages > a->layers)
        return duo_basis_bad(b, err, "pipeline_parallel: %d stages, but %s has %d layers", b->stages, b->spec->model, a->layers);
    return DUO_OK;
}

/* Bytes a second of weights from memory. */
static double streamed(struct duo_basis *b, double bandwidth)
{
    if (knows(b, DUO_KEY_bandwidth_measured) && knows(b, DUO_KEY_stream_measured))
        return duo_take(b, DUO_KEY_bandwidth_measured) * duo_take(b, DUO_KEY_stream_measured);
    return duo_take(b, DUO_KEY_stream) * bandwidth;
}

/* Pairs of pipes x cycles a second; NAN: not known. */
static double pace(struct duo_basis *b)
{
    if (!knows(b, DUO_KEY_units) || !knows(b, DUO_KEY_clock)) return NAN;
    return duo_take(b, DUO_KEY_units) * duo_take(b, DUO_KEY_clock) * duo_take_or(b, DUO_KEY_pipes, 1);
}

/* Bytes a second that the cores take in; without a count of them, no limit. */
static double issue(struct duo_basis *b)
{
    double bytes = knows(b, DUO_KEY_issue_weights) ? duo_take(b, DUO_KEY_issue_weights) * duo_take(b, DUO_KEY_bits) / 8 : duo_take(b, DUO_KEY_issue);
    double rate = isnan(bytes) ? NAN : bytes * pace(b);

    return isnan(rate) ? INFINITY : rate;
}

static double layer_seconds(struct duo_basis *b)
{
    if (!knows(b, DUO_KEY_layer_cycles) || !knows(b, DUO_KEY_clock)) return duo_take_or(b, DUO_KEY_layer, 0);
    return duo_take(b, DUO_KEY_layer_cycles) / duo_take(b, DUO_KEY_clock);
}

/* Seconds of the batch's part. */
static void set_products(struct roofline *m, struct duo_basis *b, double peak, double bandwidth)
{
    const struct duo_arch *a = &m->arch;
    double g = b->tensor, kv_heads = fmax(a->kv_heads, g), stream = streamed(b, bandwidth) * g;
    double bits = duo_take(b, DUO_KEY_bits), unpacked = issue(b) * g, moved = 10.0 * a->width * g + 2.0 * (a->heads + 2 * kv_heads) * a->head_dim;

    m->p            = duo_take(b, DUO_KEY_sharpness);
    m->one_over_p   = 1 / m->p;
    m->weight_bytes = bits / 8;
    m->head_bytes   = duo_take_or(b, DUO_KEY_head_bits, bits) / 8;
    m->flop_s       = 1 / ((counts(b) ? 1 : duo_take(b, DUO_KEY_compute)) * peak * g);
    m->weight_s     = roof(m, m->weight_bytes / stream, m->weight_bytes / unpacked);
    m->head_s       = roof(m, m->head_bytes / stream, m->head_bytes / unpacked);
    m->between_dense = HALF * (moved + 3.0 * a->ffn) / stream;
    m->between_mixed = HALF * (moved + 3.0 * (a->active_experts * a->expert_ffn + a->shared_ffn) + 2.0 * a->active_experts * a->width * g) / stream;
}

/* (6) */
static void set_whole(struct roofline *m, const struct duo_cost_spec *spec)
{
    m->n_whole = (int)fmin(1 + fmax(spec->budget, 512) + fmax(spec->sequences, 64), MOST_WHOLE);
    m->whole   = duo_new((size_t)m->n_whole, sizeof *m->whole);
    for (int i = 0; i < m->n_whole; i++) m->whole[i] = roofs_of(m, i);
}

/* Seconds and joules of attention, a unit of context and of pairs. */
static void set_attention(struct roofline *m, struct duo_basis *b, double peak, double bandwidth)
{
    const struct duo_arch *a = &m->arch;
    double g = b->tensor, kv_heads = fmax(a->kv_heads, g);

    m->context_bytes = 2.0 * kv_heads * a->head_dim * duo_take_or(b, DUO_KEY_kv_bits, 16) / 8;
    m->pair_flop     = 4.0 * a->heads * a->head_dim;
    m->context_s     = m->context_bytes / (duo_take(b, DUO_KEY_attend) * bandwidth * g);
    m->pair_s        = m->pair_flop / (duo_take(b, DUO_KEY_attend_compute) * peak * g);
    m->context_j     = duo_power_joules(&m->power, m->context_s, 0, m->context_bytes);
    m->pair_j        = duo_power_joules(&m->power, m->pair_s, m->pair_flop, 0);
}

static void set_host(struct roofline *m, struct duo_basis *b)
{
    double g = b->tensor, op = duo_take_or(b, DUO_KEY_op, 0), layer = layer_seconds(b);
    struct duo_gemms dense, mixed;

    duo_work_gemms(&(struct duo_arch){ .layers = 1, .width = 1, .heads = 1, .kv_heads = 1, .head_dim = 1 }, 0, 1, 1, &dense);
    duo_work_gemms(&(struct duo_arch){ .layers = 1, .experts = 1, .active_experts = 1, .shared_ffn = m->arch.shared_ffn }, 0, 1, 1, &mixed);
    m->layer       = layer + op * dense.operations;
    m->mixed_layer = layer + op * mixed.operations;
    m->step        = duo_take_or(b, DUO_KEY_step, 0);
    m->item        = duo_take_or(b, DUO_KEY_item, 0);
    m->limit       = -1;
    if (b->tensor > 1) {                                                                                   /* (3) */
        m->limit = duo_take(b, DUO_KEY_one_shot_limit);
        m->trip[0] = duo_take(b, DUO_KEY_one_shot_trip), m->byte_s[0] = (g - 1) / duo_take(b, DUO_KEY_one_shot_link);
        m->trip[1] = duo_take(b, DUO_KEY_ring_trip),     m->byte_s[1] = 2 * (g - 1) / g / duo_take(b, DUO_KEY_ring_link);
    }
    if (b->stages > 1) {                                                                                   /* (4) */
        double hops = (double)(b->stages - 1) / m->arch.layers;
        m->hop = hops * duo_take(b, DUO_KEY_ring_trip), m->hop_byte_s = hops / duo_take(b, DUO_KEY_ring_link);
    }
}

static void set_money(struct duo_facts *f, struct duo_basis *b)
{
    double hour = duo_take(b, DUO_KEY_dollars_hour);
    const char *source;

    f->dollars_in = f->dollars_cached = f->dollars_out = f->dollars_second = NAN;
    f->money = DUO_MEASURED;                                    /* nothing rests on it, so it weakens nothing */
    snprintf(f->dollars_regime, sizeof f->dollars_regime, "none");
    if (isnan(hour)) return;
    f->dollars_second = b->gpus * hour / 3600;
    f->money = duo_weaker(duo_basis_status(b, DUO_CLAIM_MONEY), f->time);      /* dollars of seconds */
    source = b->v[DUO_KEY_dollars_hour].source;
    if (source && strcmp(source, "scenario") == 0) source = "the scenario";
    snprintf(f->dollars_regime, sizeof f->dollars_regime, "gpu seconds used%s%.60s", source && *source ? ", priced by " : "", source ? source : "");
}

static void set_facts(struct roofline *m, struct duo_basis *b)
{
    struct duo_facts *f = &m->cost.facts;
    struct duo_growth growth;
    struct duo_load l;
    struct duo_price one;

    f->parameters    = m->weights.total;
    f->gpus          = b->gpus;
    f->layers        = m->arch.layers;
    f->width         = m->arch.width;
    f->vocabulary    = m->arch.vocabulary;
    f->id_bytes      = ID_BYTES;
    f->logit_bytes   = LOGIT_BYTES;
    f->hidden_bytes  = HALF * m->arch.width;
    f->start_seconds = duo_take_or(b, DUO_KEY_request, 0);
    f->load_seconds  = f->weight_bytes / b->v[DUO_KEY_storage_bandwidth].value;      /* not taken: no iteration rests on it */
    f->ahead = duo_take_or(b, DUO_KEY_ahead, 0) > 0;
    f->throttle_share = duo_take(b, DUO_KEY_throttle_share);
    f->throttle_heat  = duo_take(b, DUO_KEY_throttle_heat);
    f->throttle_cool  = duo_take(b, DUO_KEY_throttle_cool);
    l   = item(&m->cost, 1, fmin(1024, m->arch.context) - 1, 0, m->arch.layers, 1, &growth);
    one = price(&m->cost, &l, 0, m->arch.layers);               /* a long answer's step: what it draws while it works */
    f->busy_watts = one.joules / one.seconds;
    f->idle_watts = m->power.idle;
    f->time   = duo_weaker(duo_basis_status(b, DUO_CLAIM_TIME), duo_basis_status(b, DUO_CLAIM_FACTS));
    f->energy = duo_weaker(duo_basis_status(b, DUO_CLAIM_ENERGY), f->time);
    duo_basis_text(b, f->rests_on, sizeof f->rests_on);
}

enum duo_status duo_cost_roofline(struct duo_cost **out, struct duo_basis *b, struct duo_err *err)
{
    const struct duo_value *rate = duo_row_peak(&b->hardware, &b->quant);
    struct roofline *m = duo_new(1, sizeof *m);
    double bandwidth = duo_take(b, DUO_KEY_bandwidth), peak = NAN;
    enum duo_status bad;

    if (counts(b)) peak = duo_take(b, DUO_KEY_issue_flop) * pace(b);
    else if (rate) peak = duo_take(b, (enum duo_key)(rate - b->hardware.value));

    duo_row_arch(&b->model, &m->arch);
    m->cost.facts.context = m->arch.context;
    bad = check(b, &m->arch, rate, err);
    if (bad == DUO_OK) bad = duo_memory_set(&m->cost.facts, b, &m->arch, err);
    if (bad != DUO_OK) {
        free(m);
        return bad;
    }
    m->cost.kind = &roofline_kind;
    duo_work_parameters(&m->arch, &m->weights);
    duo_power_set(&m->power, b);
    set_products(m, b, peak, bandwidth);
    set_whole(m, b->spec);
    set_attention(m, b, peak, bandwidth);
    set_host(m, b);
    duo_attachments_set(&m->attachments, b);
    set_facts(m, b);
    set_money(&m->cost.facts, b);
    *out = &m->cost;
    return DUO_OK;
}
