/* memory.c - does it fit, and what is left for KV.
 *
 * (1) total = GPUs x memory.  A runtime takes the share `utilisation` of it, and of that: weights, the peak of the
 *     activations, runtime_bytes a GPU.  The rest is KV (vLLM 0.9 - 0.19, gpu_worker.py: determine_available_memory).
 * (2) Activations of an iteration of `budget` tokens, 16 bit: hidden state, residual and their copies (4 widths), gate, up and
 *     their product (3 widths of the feed-forward; of the experts that a token passes), times `activation_factor`; and of the
 *     sampler, for each of `sequences`: the logits of 32 bit, their sorted copy, the order of 64 bit.
 * (3) Each of the tensor-parallel GPUs holds whole KV heads: with more GPUs than those, copies of them.
 * (4) What leaves no room for the KV of BLOCK tokens is refused with the arithmetic. */
#include <math.h>

#include "models/cost/basis.h"

enum { BLOCK = 16, SAMPLER_BYTES = 4 + 4 + 8, HALF = 2 };

static double activations(const struct duo_basis *b, const struct duo_arch *a, double factor)
{
    double tokens = b->spec->budget > 0 ? b->spec->budget : 512, rows = b->spec->sequences > 0 ? b->spec->sequences : 1;
    double ffn = a->experts > 0 ? fmax(a->ffn * (a->dense_layers > 0), (double)a->active_experts * a->expert_ffn + a->shared_ffn) : a->ffn;

    return factor * tokens * HALF * (4.0 * a->width * b->tensor + 3 * ffn) * b->stages + rows * SAMPLER_BYTES * a->vocabulary * b->tensor;
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
    f->activation_bytes = activations(b, a, duo_take_or(b, DUO_KEY_activation_factor, 1));
    f->runtime_bytes    = b->gpus * duo_take_or(b, DUO_KEY_runtime_bytes, 0);
    f->total_bytes      = b->gpus * duo_take(b, DUO_KEY_memory);
    f->memory_bytes     = utilisation * f->total_bytes - f->weight_bytes - f->activation_bytes - f->runtime_bytes;   /* (1) */
    return f->memory_bytes >= BLOCK * f->kv_bytes ? DUO_OK : refuse(f, b, utilisation, err);
}
