/* estimate.c - a cost model asked for one batch of equal requests. */
#include "models/cost/estimate.h"

#include <math.h>

static void add(struct duo_load *to, struct duo_load l, double times)
{
    to->items += times * l.items, to->tokens += times * l.tokens, to->context += times * l.context;
    to->pairs += times * l.pairs, to->logits += times * l.logits;
}

static enum duo_status fits(const struct duo_cost *c, int prompt, int output, int batch, struct duo_estimate *e, struct duo_err *err)
{
    const struct duo_facts *f = &c->facts;
    double tokens = (double)prompt + output;

    if (tokens > f->context)
        return duo_fail(err, DUO_BAD_INPUT, "a prompt of %d and an output of %d tokens are %.0f; %s takes %d", prompt, output, tokens, f->model, f->context);
    e->kv_bytes = batch * tokens * f->kv_bytes;
    if (e->kv_bytes <= f->memory_bytes) return DUO_OK;
    return duo_fail(err, DUO_BAD_INPUT, "batch %d: %d x %.0f tokens of KV are %.4g GB, but %s leaves %.4g GB (%.4g GB less weights %.4g, activations %.3g, "
                    "runtime and reserve %.3g): at most %.0f sequences", batch, batch, tokens, e->kv_bytes / 1e9, f->hardware, f->memory_bytes / 1e9,
                    f->total_bytes / 1e9, f->weight_bytes / 1e9, f->activation_bytes / 1e9,
                    (f->total_bytes - f->weight_bytes - f->activation_bytes - f->memory_bytes) / 1e9, floor(f->memory_bytes / (tokens * f->kv_bytes)));
}

static enum duo_status prefill(const struct duo_cost *c, int prompt, int budget, struct duo_estimate *e, double *joules, struct duo_err *err)
{
    *joules = e->prefill_s = 0;
    for (int done = 0; done < prompt; done += budget) {
        int chunk = prompt - done < budget ? prompt - done : budget;
        struct duo_growth growth;
        struct duo_load l = c->kind->item(c, chunk, done, 0, c->facts.layers, done + chunk == prompt, &growth);
        struct duo_price p = c->kind->price(c, &l, 0, c->facts.layers);
        DUO_TRY(duo_measured_holds(c, 1, chunk, done, err));
        if (!done) c->kind->explain(c, &l, 0, c->facts.layers, &e->prefill);
        e->prefill_s += p.seconds, *joules += p.joules;
    }
    return DUO_OK;
}

/* The steps after the first token, as a server advances them: in closed form while the context grows evenly. */
static enum duo_status decode(const struct duo_cost *c, struct duo_estimate *e, double *seconds, double *joules, struct duo_err *err)
{
    int layers = c->facts.layers, steps = e->output - 1;
    struct duo_growth growth;

    *seconds = *joules = 0;
    for (double k = 0, run; k < steps; k += run) {
        struct duo_load l = { 0 };
        add(&l, c->kind->item(c, 1, e->prompt + k, 0, layers, 1, &growth), e->batch);
        struct duo_price p = c->kind->price(c, &l, 0, layers);
        double more = e->batch * growth.per_token, pairs;
        run = fmin(steps - k, fmax(growth.tokens, 1));
        pairs = run * (run - 1) / 2;
        *seconds += run * p.seconds + p.per_context * more * pairs;
        *joules  += run * p.joules + p.joules_per_context * more * pairs;
        DUO_TRY(duo_measured_holds(c, e->batch, 1, e->prompt + k + run - 1, err));
    }
    struct duo_load half = { 0 };
    add(&half, c->kind->item(c, 1, e->prompt + steps / 2, 0, layers, 1, &growth), e->batch);
    c->kind->explain(c, &half, 0, layers, &e->decode);
    return DUO_OK;
}

enum duo_status duo_estimate(const struct duo_cost *c, int prompt, int output, int batch, int budget, struct duo_estimate *e, struct duo_err *err)
{
    const struct duo_facts *f = &c->facts;
    double seconds, joules, prompt_joules;

    *e = (struct duo_estimate){ .prompt = prompt, .output = output, .batch = batch };
    DUO_TRY(fits(c, prompt, output, batch, e, err));
    DUO_TRY(prefill(c, prompt, budget, e, &prompt_joules, err));
    DUO_TRY(decode(c, e, &seconds, &joules, err));
    e->ttft_s = f->start_seconds + e->prefill_s;
    e->itl_s  = output > 1 ? seconds / (output - 1) : NAN;
    e->decode_tokens_per_s     = 1 / e->itl_s;
    e->throughput_tokens_per_s = (double)batch * output / (batch * e->prefill_s + seconds);
    e->joules = prompt_joules + joules / batch;
    e->joules_per_output_token = e->joules / output;
    e->dollars = isnan(f->dollars_second) ? prompt * f->dollars_in + output * f->dollars_out : f->dollars_second * (e->prefill_s + seconds / batch);
    return DUO_OK;
}
