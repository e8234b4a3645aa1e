/* memory.c - does it fit, and what is left for KV.
 *
 * (1) total = GPUs x memory.  A runtime takes the share `utilisation` of it, and of that: weights, the peak of the
 *     activations, runtime_bytes a GPU.  The rest is KV (vLLM 0.9 - 0.19, gpu_worker.py: determine_available_memory).
 * (2) The peak of an iteration of `budget` tokens is the larger of two, since the one is gone when the other comes.  The layers,
 *     16 bit, times `activation_factor`: hidden state, residual and their copies (4 widths), gate, up and their product (3 widths of
 *     the feed-forward; of the experts that a token passes).  The end: `sampler_bytes` for each of `sequences` and entry of the
 *     vocabulary (vLLM tries its sampler with all of them: logits, sorted values, order, sums), or `logits_bytes` for each token
 *     of the budget (llama.cpp reserves its graph so).  Logs of vLLM that test_roofline.c names: within 3 %.
 * (3) Each of the tensor-parallel GPUs holds whole KV heads: with more GPUs than those, copies of them.
 * (4) What leaves no room for the KV of BLOCK tokens is refused with the arithmetic. */
#include <math.h>

#include "models/cost/basis.h"

enum { BLOCK = 16, HALF = 2 };

/* (2), of one GPU */
static double activations(struct duo_basis *b, const struct duo_arch *a)
{
    double tokens = b->spec->budget > 0 ? b->spec->budget : 512, rows = b->spec->sequences > 0 ? b->spec->sequences : 1, layers, end;
    double ffn = a->experts > 0 ? fmax(a->ffn * (a->dense_layers > 0), (double)a->active_experts * a->expert_ffn + a->shared_ffn) : a->ffn;

    layers = duo_take_or(b, DUO_KEY_activation_factor, 1) * tokens * HALF * (4.0 * a->width + 3 * ffn / b->tensor);
    end    = (duo_take_or(b, DUO_KEY_sampler_bytes, 0) * rows + duo_take_or(b, DUO_KEY_logits_bytes, 0) * tokens) * a->vocabulary;
    return fmax(layers, end);
}

/* (4) */
static enum duo_status refuse(const struct duo_facts *f, const struct duo_basis *b, double utilisation, struct duo_err *err)
{
    char several[32] = "", share[64] = "";

    if (b->gpus > 1) snprintf(several, sizeof several, " x %d", b->gpus);
    if (utilisation < 1) snprintf(share, sizeof share, ", of which %.3g GB can be used", utilisation * f->total_bytes / 1e9);
    return duo_basis_bad(b, err, "%s %s needs %.1f GB of weights, %.2g GB of activations, %.2g GB for the runtime and %.2g GB of KV for a "
                         "context of %d tokens; %s%s has %.3g GB%s", b->spec->model, b->quant.name, f->weight_bytes / 1e9, f->activation_bytes / 1e9,
                         f->runtime_bytes / 1e9, f->kv_bytes * f->context / 1e9, f->context, b->hardware.name, several, f->total_bytes / 1e9, share);
}

enum duo_status duo_memory_set(struct duo_facts *f, struct duo_basis *b, const struct duo_arch *a, struct duo_err *err)
{
    struct duo_parameters p;
    double bits = duo_take(b, DUO_KEY_bits), head_bits = duo_take_or(b, DUO_KEY_head_bits, bits), utilisation = duo_take_or(b, DUO_KEY_utilisation, 1);
    double kv_heads = fmax(a->kv_heads, b->tensor), ends;

    duo_work_parameters(a, &p);
    ends = p.embedding + p.head;
    f->weight_bytes     = ((p.total - ends) * bits + ends * head_bits) / 8;
    f->kv_bytes         = 2.0 * a->layers * kv_heads * a->head_dim * duo_take_or(b, DUO_KEY_kv_bits, 16) / 8;        /* (3) */
    f->activation_bytes = b->gpus * activations(b, a);
    f->runtime_bytes    = b->gpus * duo_take_or(b, DUO_KEY_runtime_bytes, 0);
    f->total_bytes      = b->gpus * duo_take(b, DUO_KEY_memory);
    f->memory_bytes     = utilisation * f->total_bytes - f->weight_bytes - f->activation_bytes - f->runtime_bytes;   /* (1) */
    return f->memory_bytes >= BLOCK * f->kv_bytes ? DUO_OK : refuse(f, b, utilisation, err);
}
