/* linear.c - the simplest cost model that has the form of cost.h: a sum of what an iteration reads and computes.
 *
 *     seconds = step + layers x layer + weights read / (stream x bandwidth) + 2 active weights x tokens / (compute x peak)
 *               + KV read / (stream x bandwidth)
 *     joules  = load_watts (else tdp_watts) x seconds
 *
 * (1) A part of the layers reads and computes its share of the whole.
 * (2) Of a mixture of experts, n tokens read at most n times the weights that one uses, and never more than all.
 * (3) On an API an iteration takes 1 / tokens_per_s whatever it holds, and a job waits first_token before it
 *     (facts.start_seconds); its joules and its insides are not known.
 * (4) A model that doesn't leave room for KV in the memory that the runtime takes is refused with the arithmetic.
 * (5) `tensor_parallel` GPUs are one with so many times the flops, bandwidth, memory, watts and dollars.
 * (6) The weights that decoding reads and 2 FLOP a weight and token: Kaplan et al. 2020 (arXiv:2001.08361), 2.1;
 *     Pope et al. 2022 (arXiv:2211.05102), 2. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/catalogue.h"

enum { HIDDEN_BYTES = 2, LOGIT_BYTES = 6, ID_BYTES = 4 };      /* on the wire: 16-bit numbers, 32-bit ids */

struct linear {
    struct duo_cost cost;
    double layers, weights, active;          /* bytes, of all layers */
    double overhead, flops, bandwidth;
    double flop_token;                       /* of one layer */
    double kv_layer;                         /* bytes of a position in one layer */
    double watts, step;                      /* step: an API's, s; NAN: not one */
    double value[DUO_KEYS];                  /* the constants, with overrides */
};

static const struct linear *of(const struct duo_cost *c) { return (const struct linear *)c; }

static struct duo_load item(const struct duo_cost *c, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth)
{
    double n = to - from;

    (void)c;
    *growth = (struct duo_growth){ n, INFINITY };
    return (struct duo_load){
        .items = 1, .tokens = n * fresh, .context = n * (cached + fresh),
        .pairs = n * (fresh * cached + fresh * (fresh + 1) / 2), .logits = logits,
    };
}

static struct duo_price price(const struct duo_cost *c, const struct duo_load *l, int from, int to)
{
    const struct linear *m = of(c);
    double n = to - from, read, per_context;

    if (!isnan(m->step)) return (struct duo_price){ .seconds = m->step, .joules = NAN, .joules_per_context = NAN };      /* (3) */
    if (n <= 0) return (struct duo_price){ 0 };
    read = fmin(m->weights, m->active * l->tokens / n) * n / m->layers;                                                  /* (1), (2) */
    per_context = m->kv_layer / m->bandwidth;
    double seconds = m->overhead + read / m->bandwidth + l->tokens * m->flop_token / m->flops + l->context * per_context;
    return (struct duo_price){ .seconds = seconds, .per_context = per_context,
                               .joules = m->watts * seconds, .joules_per_context = m->watts * per_context };
}

static struct duo_encoding encode(const struct duo_cost *c, enum duo_attachment_kind kind, double bytes)
{
    const struct linear *m = of(c);
    struct duo_encoding e = { 0, 0, 0 };
    double flop = 0;

    if (kind == DUO_IMAGE)    e.tokens = (int)m->value[DUO_KEY_image_tokens], flop = m->value[DUO_KEY_image_flop];
    if (kind == DUO_AUDIO)    e.tokens = (int)ceil(bytes / m->value[DUO_KEY_audio_bytes]), flop = e.tokens * m->value[DUO_KEY_audio_flop];
    if (kind == DUO_DOCUMENT) e.tokens = (int)ceil(bytes / m->value[DUO_KEY_document_bytes]);
    if (isnan(m->step) && flop > 0) e.seconds = flop / m->flops;
    if (e.seconds > 0) e.joules = e.seconds * m->watts;
    return e;
}

static void release(struct duo_cost *c) { free(c); }

static const struct duo_cost_kind linear_kind = { .name = "linear", .item = item, .price = price, .encode = encode, .free = release };

/* ---- making one ---- */

static enum duo_provenance weaker(enum duo_provenance a, enum duo_provenance b)
{
    if (a == DUO_PROVENANCE_END) return b;
    return b == DUO_PROVENANCE_END || a > b ? a : b;
}

/* A place's: not a radio's, not a region's, not for people only. */
static bool settable(int k) { return duo_keys[k].table != DUO_RADIOS && duo_keys[k].table != DUO_CARBON && duo_keys[k].claim != DUO_CLAIM_READ; }

static enum duo_status override(const struct duo_cost_spec *spec, double *value, enum duo_provenance *status, struct duo_err *err)
{
    const char *names[DUO_KEYS];
    size_t n = 0;

    for (int k = 0; k < DUO_KEYS; k++)
        if (settable(k)) names[n++] = duo_keys[k].name;
    for (int i = 0; i < spec->n_over; i++) {
        const struct duo_constant *o = &spec->over[i];
        const char *near;
        int k = 0;
        while (k < DUO_KEYS && (!settable(k) || strcmp(duo_keys[k].name, o->key) != 0)) k++;
        if (k == DUO_KEYS) {
            near = duo_nearest(o->key, names, n);
            return duo_fail_at(err, DUO_BAD_INPUT, spec->file ? spec->file : "", o->line, o->column, "cost: unknown key '%s'%s%s%s", o->key,
                               near ? " (did you mean " : "; models/cost/README.md lists them", near ? near : "", near ? "?)" : "");
        }
        bool no_price = duo_keys[k].claim == DUO_CLAIM_MONEY && o->value == 0;      /* refused where it is known whose it is */
        if (!no_price && !(o->value >= duo_keys[k].least && o->value <= duo_keys[k].most))
            return duo_fail_at(err, DUO_BAD_INPUT, spec->file ? spec->file : "", o->line, o->column,
                               "cost: %s is %g, expected %g to %g %s", o->key, o->value, duo_keys[k].least, duo_keys[k].most, duo_keys[k].unit);
        value[k] = o->value;
        status[k] = DUO_ASSUMED;
    }
    return DUO_OK;
}

/* The first of `keys` that has no value, or -1. */
static int lacking(const double *value, const int *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(value[keys[i]])) return keys[i];
    return -1;
}

static enum duo_status complete(const struct duo_cost_spec *spec, const double *v, bool api, struct duo_err *err)
{
    static const int on_api[] = { DUO_KEY_first_token, DUO_KEY_tokens_per_s, DUO_KEY_context, DUO_KEY_dollars_in, DUO_KEY_dollars_out };
    static const int own[] = { DUO_KEY_layers, DUO_KEY_width, DUO_KEY_head_dim, DUO_KEY_vocabulary, DUO_KEY_context, DUO_KEY_bandwidth, DUO_KEY_memory,
                               DUO_KEY_compute, DUO_KEY_stream, DUO_KEY_layer, DUO_KEY_step, DUO_KEY_utilisation };
    int k = api ? lacking(v, on_api, sizeof on_api / sizeof *on_api) : lacking(v, own, sizeof own / sizeof *own);

    if (k < 0) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, spec->file ? spec->file : "", spec->line, 0, "%s on %s: %s (%s %s) is not known; set it in cost: {%s: ...}",
                       spec->model, spec->hardware, duo_keys[k].name, duo_keys[k].unit, duo_keys[k].what, duo_keys[k].name);
}

/* (4) */
static enum duo_status fit(const struct duo_cost_spec *spec, double weights, double memory, double usable, int gpus, struct duo_err *err)
{
    char several[32] = "", usable_text[64] = "";

    if (weights < usable * memory) return DUO_OK;
    if (gpus > 1) snprintf(several, sizeof several, " x %d", gpus);
    if (weights < memory) snprintf(usable_text, sizeof usable_text, ", of which %.3g GB can be used", usable * memory / 1e9);
    return duo_fail_at(err, DUO_BAD_INPUT, spec->file ? spec->file : "", spec->line, 0, "%s %s needs %.1f GB of weights; %s%s has %.3g GB%s",
                       spec->model, spec->quant ? spec->quant : "", weights / 1e9, spec->hardware, several, memory / 1e9, usable_text);
}

static void set_money(struct linear *m, const enum duo_provenance *status, const struct duo_row *model, bool api, int gpus)
{
    const double *v = m->value;
    struct duo_facts *f = &m->cost.facts;

    f->dollars_in = f->dollars_cached = f->dollars_out = f->dollars_second = NAN;
    f->money = DUO_MEASURED;                                    /* nothing rests on it, so it weakens nothing */
    snprintf(f->dollars_regime, sizeof f->dollars_regime, "none");
    if (api) {
        f->dollars_in = v[DUO_KEY_dollars_in], f->dollars_cached = v[DUO_KEY_dollars_cached], f->dollars_out = v[DUO_KEY_dollars_out];
        f->money = status[DUO_KEY_dollars_out];
        snprintf(f->dollars_regime, sizeof f->dollars_regime, "api list price %s", model->date);
    } else if (!isnan(v[DUO_KEY_dollars_hour])) {
        f->dollars_second = gpus * v[DUO_KEY_dollars_hour] / 3600;
        f->money = weaker(status[DUO_KEY_dollars_hour], f->time);    /* dollars of seconds */
        snprintf(f->dollars_regime, sizeof f->dollars_regime, "gpu seconds used");
    }
}

static void set_model(struct linear *m, const struct duo_arch *a, double peak, int gpus)
{
    const double *v = m->value;
    struct duo_facts *f = &m->cost.facts;
    struct duo_parameters p;

    duo_work_parameters(a, &p);
    m->weights    = p.total * v[DUO_KEY_bits] / 8;
    m->active     = p.active * v[DUO_KEY_bits] / 8;
    m->layers     = a->layers;
    m->flops      = gpus * v[DUO_KEY_compute] * peak;
    m->bandwidth  = gpus * v[DUO_KEY_stream] * v[DUO_KEY_bandwidth];
    m->overhead   = v[DUO_KEY_step] + m->layers * v[DUO_KEY_layer];
    m->flop_token = 2 * p.active / m->layers;
    m->kv_layer   = 2.0 * a->kv_heads * a->head_dim * v[DUO_KEY_kv_bits] / 8;
    f->parameters = p.total;
    f->gpus       = gpus;
    f->layers     = a->layers;
    f->width      = a->width;
    f->kv_bytes   = m->layers * m->kv_layer;
    f->weight_bytes = m->weights;
    f->total_bytes  = gpus * v[DUO_KEY_memory];
    f->memory_bytes = f->total_bytes * v[DUO_KEY_utilisation] - m->weights;
    f->hidden_bytes = HIDDEN_BYTES * (double)a->width;
}

static void set_api(struct linear *m)
{
    struct duo_facts *f = &m->cost.facts;

    m->layers = f->layers = 1;                                  /* one piece: nobody can split it */
    f->kv_bytes = f->weight_bytes = 0;
    f->parameters = NAN;
    f->total_bytes = f->memory_bytes = INFINITY;
    f->hidden_bytes = NAN;
    m->step = 1 / m->value[DUO_KEY_tokens_per_s];
    f->start_seconds = m->value[DUO_KEY_first_token];
}

struct rows { const struct duo_row *hardware, *model, *quant; const char *runtime; };

static void gather(struct linear *m, enum duo_provenance *status, const struct duo_catalogue *catalogue, const struct rows *r)
{
    struct duo_value constants[DUO_KEYS];

    duo_catalogue_constants(catalogue, r->hardware, r->runtime, r->quant ? r->quant->name : NULL, constants);
    for (int k = 0; k < DUO_KEYS; k++) {
        enum duo_table t = duo_keys[k].table;
        const struct duo_value *v = t == DUO_HARDWARE ? &r->hardware->value[k] : t == DUO_RUNTIMES ? &constants[k]
                                  : t == DUO_QUANTS && r->quant ? &r->quant->value[k] : &r->model->value[k];
        m->value[k] = v->value;
        status[k] = v->status;
    }
}

static enum duo_status build(struct linear *m, const struct duo_cost_spec *spec, const struct duo_catalogue *catalogue, const struct rows *r, struct duo_err *err)
{
    bool api = strcmp(r->hardware->site, "api") == 0;
    int gpus = spec->tensor_parallel > 1 ? spec->tensor_parallel : 1;
    enum duo_provenance status[DUO_KEYS];
    struct duo_facts *f = &m->cost.facts;
    const struct duo_value *peak;

    gather(m, status, catalogue, r);
    DUO_TRY(override(spec, m->value, status, err));
    DUO_TRY(complete(spec, m->value, api, err));
    m->step = NAN;
    f->start_seconds = 0;
    if (api) {
        set_api(m);
    } else {
        struct duo_arch a;
        if (!(peak = duo_row_peak(r->hardware, r->quant)))
            return duo_fail_at(err, DUO_BAD_INPUT, spec->file ? spec->file : "", spec->line, 0, "%s: no peak rate is known (fp16, fp32)", spec->hardware);
        duo_row_arch(r->model, &a);
        set_model(m, &a, peak->value, gpus);
        DUO_TRY(fit(spec, m->weights, f->total_bytes, m->value[DUO_KEY_utilisation], gpus, err));
    }
    m->watts = gpus * (isnan(m->value[DUO_KEY_load_watts]) ? m->value[DUO_KEY_tdp_watts] : m->value[DUO_KEY_load_watts]);
    f->context     = (int)m->value[DUO_KEY_context];
    f->vocabulary  = isnan(m->value[DUO_KEY_vocabulary]) ? 0 : (int)m->value[DUO_KEY_vocabulary];
    f->id_bytes    = ID_BYTES;
    f->logit_bytes = LOGIT_BYTES;
    f->idle_watts  = gpus * m->value[DUO_KEY_idle_watts];
    f->busy_watts  = m->watts;
    f->load_seconds = f->throttle_share = f->throttle_heat = f->throttle_cool = NAN;
    f->time   = DUO_ASSUMED;                                    /* the form itself is */
    f->energy = DUO_ASSUMED;
    set_money(m, status, r->model, api, gpus);
    snprintf(f->model, sizeof f->model, "%s", duo_row_label(r->model));
    snprintf(f->hardware, sizeof f->hardware, "%s", r->hardware->name);
    snprintf(f->class, sizeof f->class, "%s", r->hardware->class);
    snprintf(f->quant, sizeof f->quant, "%s", api ? "" : spec->quant ? r->quant->name : "gguf");
    snprintf(f->runtime, sizeof f->runtime, "%s", api ? "" : r->runtime);
    return DUO_OK;
}

/* On an API a model is what has a price; elsewhere what has an architecture, and a quant unless its file says it. */
static enum duo_status find(const struct duo_catalogue *c, const struct duo_cost_spec *spec, struct rows *r, struct duo_err *err)
{
    const char *file = spec->file ? spec->file : "";

    *r = (struct rows){ 0 };
    if (!(r->hardware = duo_catalogue_row(c, DUO_HARDWARE, spec->hardware, file, spec->line, err))) return DUO_BAD_INPUT;
    r->runtime = spec->runtime ? spec->runtime : r->hardware->runtime;
    if (strcmp(r->hardware->site, "api") == 0) {
        r->model = duo_catalogue_row(c, DUO_PRICES, spec->model, file, spec->line, err);
        return r->model ? DUO_OK : DUO_BAD_INPUT;
    }
    if (!duo_catalogue_row(c, DUO_RUNTIMES, r->runtime, file, spec->line, err)) return DUO_BAD_INPUT;
    if (!duo_catalogue_find(c, DUO_MODELS, spec->model) && duo_catalogue_find(c, DUO_PRICES, spec->model))
        return duo_fail_at(err, DUO_BAD_INPUT, file, spec->line, 0, "%s is known as an API only: hardware: api, not %s", spec->model, spec->hardware);
    if (!(r->model = duo_catalogue_row(c, DUO_MODELS, spec->model, file, spec->line, err))) return DUO_BAD_INPUT;
    if (spec->quant && !(r->quant = duo_catalogue_row(c, DUO_QUANTS, spec->quant, file, spec->line, err))) return DUO_BAD_INPUT;
    if (!r->quant && !isnan(r->model->value[DUO_KEY_bits].value)) r->quant = r->model;
    if (!r->quant) return duo_fail_at(err, DUO_BAD_INPUT, file, spec->line, 0, "%s on %s needs a quant", spec->model, spec->hardware);
    return DUO_OK;
}

enum duo_status duo_cost_new(struct duo_cost **out, const struct duo_catalogue *c, const struct duo_cost_spec *spec, struct duo_err *err)
{
    struct rows rows;
    struct linear *m;
    enum duo_status status;

    DUO_TRY(find(c, spec, &rows, err));
    m = duo_new(1, sizeof *m);
    m->cost.kind = &linear_kind;
    status = build(m, spec, c, &rows, err);
    if (status == DUO_OK) *out = &m->cost;
    else                  free(m);
    return status;
}
