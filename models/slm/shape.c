/* shape.c - metadata to the shape of a model.  Requirements: shape.h. */
#include "models/slm/shape.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/tokenizer.h"

static const char *const arch_names[] = {
#define X(name, text) [DUO_ARCH_##name] = text,
    DUO_ARCHITECTURES(X)
#undef X
};

const char *duo_architecture_name(enum duo_architecture a) { return arch_names[a]; }

/* ---------------------------------------------------------------- weights */

enum size { NONE, WIDTH, QUERY, KEYS, VALUES, MIXED, FFN, VOCABULARY, HEAD, TURN };
enum where { WHOLE, LAYER };

#define ARCH(name) (1u << DUO_ARCH_##name)
static const struct part { const char *name; enum size n0, n1; enum where where; unsigned needed, optional; } parts[] = {
#define X(name, text, n0, n1, where, needed, optional) [DUO_WEIGHT_##name] = { text, n0, n1, where, needed, optional },
    DUO_PARTS(X)
#undef X
};

bool duo_weight_per_layer(enum duo_weight w) { return parts[w].where == LAYER; }
bool duo_weight_needed(enum duo_architecture a, enum duo_weight w) { return parts[w].needed >> a & 1; }

void duo_weight_name(enum duo_weight w, int layer, char out[DUO_GGUF_NAME + 1])
{
    if (parts[w].where == LAYER) snprintf(out, DUO_GGUF_NAME + 1, "blk.%d.%s", layer, parts[w].name);
    else snprintf(out, DUO_GGUF_NAME + 1, "%s", parts[w].name);
}

static uint64_t size_of(const struct duo_shape *s, enum size size)
{
    switch (size) {
    case NONE:       return 0;
    case WIDTH:      return (uint64_t)s->width;
    case QUERY:      return (uint64_t)s->heads * (uint64_t)s->key_width;
    case KEYS:       return (uint64_t)s->kv_heads * (uint64_t)s->key_width;
    case VALUES:     return (uint64_t)s->kv_heads * (uint64_t)s->value_width;
    case MIXED:      return (uint64_t)s->heads * (uint64_t)s->value_width;
    case FFN:        return (uint64_t)s->ffn;
    case VOCABULARY: return (uint64_t)s->vocabulary;
    case HEAD:       return (uint64_t)s->key_width;
    case TURN:       return (uint64_t)s->rope.width / 2;
    }
    return 0;
}

void duo_weight_size(const struct duo_shape *s, enum duo_weight w, uint64_t n[2])
{
    n[0] = size_of(s, parts[w].n0);
    n[1] = size_of(s, parts[w].n1);
}

const struct duo_gguf_tensor *duo_weight_find(const struct duo_gguf *g, enum duo_weight w, int layer)
{
    char name[DUO_GGUF_NAME + 1];
    duo_weight_name(w, layer, name);
    return duo_gguf_tensor_named(g, name);
}

bool duo_shape_windowed(const struct duo_shape *s, int layer)
{
    return s->window > 0 && layer % s->window_every < s->window_every - 1;
}

/* ---------------------------------------------------------------- metadata */

#define FAIL(g, err, ...) duo_fail_at(err, DUO_BAD_INPUT, duo_gguf_path(g), 0, 0, __VA_ARGS__)

/* "llama.block_count" and the like. */
struct from { const struct duo_gguf *g; const char *arch; struct duo_err *err; };

static enum duo_status whole(const struct from *f, const char *key, bool needed, int low, int high, int *out)
{
    char full[96];
    int64_t x = *out;
    snprintf(full, sizeof full, "%s.%s", f->arch, key);
    const struct duo_gguf_value *v = duo_gguf_find(f->g, full);
    if (v && v->type == DUO_GGUF_ARRAY) return FAIL(f->g, f->err, "metadata %s differs from layer to layer, which is not supported", full);
    DUO_TRY(duo_gguf_whole(f->g, full, needed, low, high, &x, f->err));
    *out = (int)x;
    return DUO_OK;
}

static enum duo_status real(const struct from *f, const char *key, bool needed, double low, double high, double *out)
{
    char full[96];
    snprintf(full, sizeof full, "%s.%s", f->arch, key);
    double x = *out;
    DUO_TRY(duo_gguf_real(f->g, full, needed, &x, f->err));
    bool there = duo_gguf_find(f->g, full) != NULL;
    if (there && !(x >= low && x <= high)) return FAIL(f->g, f->err, "metadata %s is %g; %g to %g is expected", full, x, low, high);
    *out = x;
    return DUO_OK;
}

static enum duo_status read_arch(struct duo_shape *s, const struct duo_gguf *g, struct duo_err *err)
{
    struct duo_gguf_text arch, name = { "", 0 };
    DUO_TRY(duo_gguf_words(g, "general.architecture", true, &arch, err));
    DUO_TRY(duo_gguf_words(g, "general.name", false, &name, err));
    for (size_t i = 0; i < name.n && i + 1 < sizeof s->name; i++) s->name[i] = name.at[i] >= ' ' && name.at[i] != 0x7F ? name.at[i] : '?';
    for (int a = 0; a < DUO_ARCH_END; a++)
        if (duo_gguf_same(arch, arch_names[a])) {
            s->arch = (enum duo_architecture)a;
            return DUO_OK;
        }
    char shown[41] = "";
    for (size_t i = 0; i < arch.n && i < sizeof shown - 1; i++) shown[i] = arch.at[i] > ' ' && arch.at[i] <= '~' ? arch.at[i] : '?';
    return FAIL(g, err, "is of architecture %s, which is not supported (llama, qwen2, qwen3, gemma, gemma2, gemma3 are)", shown);
}

static enum duo_status read_sizes(struct duo_shape *s, const struct from *f)
{
    enum { MOST = 1 << 20 };
    int experts = 0;
    DUO_TRY(whole(f, "expert_count", false, 0, MOST, &experts));
    if (experts > 0) return FAIL(f->g, f->err, "is a mixture of %d experts, which is not supported", experts);
    DUO_TRY(whole(f, "block_count", true, 1, 1024, &s->layers));
    DUO_TRY(whole(f, "embedding_length", true, 1, MOST, &s->width));
    DUO_TRY(whole(f, "feed_forward_length", true, 1, MOST, &s->ffn));
    DUO_TRY(whole(f, "context_length", true, 1, 1 << 30, &s->context));
    DUO_TRY(whole(f, "attention.head_count", true, 1, 1024, &s->heads));
    s->kv_heads = s->heads;
    DUO_TRY(whole(f, "attention.head_count_kv", false, 1, 1024, &s->kv_heads));
    if (s->heads % s->kv_heads) return FAIL(f->g, f->err, "%d query heads can't share %d KV heads evenly", s->heads, s->kv_heads);
    s->key_width = s->width / s->heads;
    DUO_TRY(whole(f, "attention.key_length", false, 1, 4096, &s->key_width));
    s->value_width = s->key_width;
    DUO_TRY(whole(f, "attention.value_length", false, 1, 4096, &s->value_width));
    if (s->key_width < 1) return FAIL(f->g, f->err, "a width of %d is too small for %d heads", s->width, s->heads);
    return real(f, "attention.layer_norm_rms_epsilon", true, 0, 1, &s->norm_eps);
}

/* The tokens that the file lists; a file without a list says so in vocab_size, or has as many as vectors. */
static enum duo_status read_vocabulary(struct duo_shape *s, const struct from *f)
{
    struct duo_gguf_array tokens = { 0 };
    DUO_TRY(duo_gguf_items(f->g, "tokenizer.ggml.tokens", false, DUO_GGUF_TEXT, &tokens, f->err));
    if (tokens.n > DUO_MAX_TOKENS) return FAIL(f->g, f->err, "has a vocabulary of %llu tokens; %d are allowed", (unsigned long long)tokens.n, DUO_MAX_TOKENS);
    s->vocabulary = (int)tokens.n;
    const struct duo_gguf_tensor *embedding = duo_weight_find(f->g, DUO_WEIGHT_EMBEDDING, 0);
    if (s->vocabulary == 0 && embedding && embedding->n[1] <= DUO_MAX_TOKENS) s->vocabulary = (int)embedding->n[1];
    if (tokens.n == 0) DUO_TRY(whole(f, "vocab_size", false, 1, DUO_MAX_TOKENS, &s->vocabulary));
    return DUO_OK;
}

static enum duo_status read_rope(struct duo_shape *s, const struct from *f)
{
    struct duo_rope_spec r = { .base = 10000, .scale = 1, .width = s->key_width, .yarn_fast = 32, .yarn_slow = 1 };
    r.pairing = s->arch == DUO_ARCH_LLAMA ? DUO_ROPE_INTERLEAVED : DUO_ROPE_NEOX;
    char key[64];
    double factor = 0, one = 1;
    struct duo_gguf_text type = { "linear", 6 };
    DUO_TRY(whole(f, "rope.dimension_count", false, 2, s->key_width, &r.width));
    if (r.width % 2) return FAIL(f->g, f->err, "RoPE over %d values, which is odd", r.width);
    DUO_TRY(real(f, "rope.freq_base", false, 1, 1e12, &r.base));
    snprintf(key, sizeof key, "%s.rope.scaling.type", f->arch);
    DUO_TRY(duo_gguf_words(f->g, key, false, &type, f->err));
    DUO_TRY(real(f, "rope.scale_linear", false, 0, 1e6, &factor));
    DUO_TRY(real(f, "rope.scaling.factor", false, 0, 1e6, &factor));
    DUO_TRY(real(f, "rope.scaling.attn_factor", false, 0, 1e6, &one));
    bool yarn = duo_gguf_same(type, "yarn"), linear = duo_gguf_same(type, "linear"), none = duo_gguf_same(type, "none");
    if (!(yarn || linear || none) || one != 1) return FAIL(f->g, f->err, "this form of RoPE scaling is not supported (%s is)", "linear or yarn");
    if (linear && factor > 0) r.scale = 1 / factor;
    if (yarn && factor > 0) {
        int original = s->context;
        DUO_TRY(whole(f, "rope.scaling.original_context_length", false, 1, 1 << 30, &original));
        DUO_TRY(real(f, "rope.scaling.yarn_beta_fast", false, 0, 1e6, &r.yarn_fast));
        DUO_TRY(real(f, "rope.scaling.yarn_beta_slow", false, 0, 1e6, &r.yarn_slow));
        r.yarn_factor = factor;
        r.yarn_context = original;
    }
    s->rope = s->rope_local = r;
    return DUO_OK;
}

/* (4) */
static enum duo_status read_forms(struct duo_shape *s, const struct from *f)
{
    bool gemma = s->arch == DUO_ARCH_GEMMA || s->arch == DUO_ARCH_GEMMA2 || s->arch == DUO_ARCH_GEMMA3;
    s->gate = gemma ? DUO_GATE_GELU : DUO_GATE_SILU;
    s->embedding_scale = gemma ? sqrt(s->width) : 1;
    s->attention_scale = 1 / sqrt(s->key_width);
    s->biases = duo_weight_find(f->g, DUO_WEIGHT_Q_BIAS, 0) != NULL;
    s->qk_norms = duo_weight_needed(s->arch, DUO_WEIGHT_Q_NORM);
    s->post_norms = duo_weight_needed(s->arch, DUO_WEIGHT_ATTN_POST);
    s->tied = duo_weight_find(f->g, DUO_WEIGHT_HEAD, 0) == NULL;
    bool large = (s->arch == DUO_ARCH_GEMMA2 && s->layers == 46) || (s->arch == DUO_ARCH_GEMMA3 && s->layers == 62);
    if (large) s->attention_scale = 1 / sqrt(s->width / s->heads);       /* the 27B ones: a whole quotient there */
    s->window_every = 1;
    if (s->arch == DUO_ARCH_GEMMA2) {
        s->window = 4096;
        s->window_every = 2;
        s->attention_cap = 50;
        s->final_cap = 30;
        DUO_TRY(real(f, "attn_logit_softcapping", false, 0, 1e6, &s->attention_cap));
    }
    if (s->arch == DUO_ARCH_GEMMA3) {
        s->window_every = 6;
        s->rope_local.base = 10000;
        s->rope_local.scale = 1;
        s->rope_local.yarn_factor = 0;
    }
    if (s->arch == DUO_ARCH_GEMMA2 || s->arch == DUO_ARCH_GEMMA3) {
        DUO_TRY(whole(f, "attention.sliding_window", false, 0, 1 << 30, &s->window));
        DUO_TRY(whole(f, "attention.sliding_window_pattern", false, 1, 1024, &s->window_every));
        DUO_TRY(real(f, "rope.freq_base_swa", false, 1, 1e12, &s->rope_local.base));
        DUO_TRY(real(f, "final_logit_softcapping", false, 0, 1e6, &s->final_cap));
    }
    if (s->window == 0) s->rope_local = s->rope;
    return DUO_OK;
}

/* ---------------------------------------------------------------- tensors */

static enum duo_status check_weight(const struct duo_shape *s, const struct duo_gguf *g, enum duo_weight w, int layer, struct duo_err *err)
{
    char name[DUO_GGUF_NAME + 1];
    uint64_t n[2];
    bool needed = duo_weight_needed(s->arch, w) || (s->biases && (w == DUO_WEIGHT_Q_BIAS || w == DUO_WEIGHT_K_BIAS || w == DUO_WEIGHT_V_BIAS));
    const struct duo_gguf_tensor *t = duo_weight_find(g, w, layer);
    if (!t && !needed) return DUO_OK;
    duo_weight_name(w, layer, name);
    duo_weight_size(s, w, n);
    DUO_TRY(duo_gguf_need(g, name, n[0], n[1], &t, err));
    if (n[1] == 0 && t->format != DUO_FORMAT_F32)
        return FAIL(g, err, "tensor %s is %s; F32 is expected of a vector", name, duo_format_info(t->format)->name);
    return DUO_OK;
}

/* (3): which weight a tensor is, when the architecture has it. */
static bool known(const struct duo_shape *s, const char *name)
{
    const char *rest = name;
    if (strncmp(name, "blk.", 4) == 0) {
        char *end;
        long layer = strtol(name + 4, &end, 10);
        char again[32];
        snprintf(again, sizeof again, "blk.%ld.", layer);
        if (*end != '.' || layer < 0 || layer >= s->layers || strncmp(name, again, strlen(again)) != 0) return false;
        rest = end + 1;
    }
    for (int w = 0; w < DUO_WEIGHT_END; w++)
        if ((parts[w].where == LAYER) == (rest != name) && strcmp(rest, parts[w].name) == 0)
            return (parts[w].needed | parts[w].optional) >> s->arch & 1;
    return false;
}

static enum duo_status check_tensors(struct duo_shape *s, const struct duo_gguf *g, struct duo_err *err)
{
    for (int w = 0; w < DUO_WEIGHT_END; w++)
        for (int layer = 0; layer < (parts[w].where == LAYER ? s->layers : 1); layer++) DUO_TRY(check_weight(s, g, (enum duo_weight)w, layer, err));
    for (int i = 0; i < duo_gguf_tensors(g); i++)
        if (!known(s, duo_gguf_tensor(g, i)->name))
            return FAIL(g, err, "tensor %s has no place in architecture %s here", duo_gguf_tensor(g, i)->name, arch_names[s->arch]);
    const struct duo_gguf_tensor *factors = duo_weight_find(g, DUO_WEIGHT_ROPE, 0);
    if (factors) s->rope.factors = s->rope_local.factors = factors->data;
    return DUO_OK;
}

enum duo_status duo_shape_read(struct duo_shape *s, const struct duo_gguf *g, struct duo_err *err)
{
    *s = (struct duo_shape) { 0 };
    DUO_TRY(read_arch(s, g, err));
    struct from f = { g, arch_names[s->arch], err };
    DUO_TRY(read_sizes(s, &f));
    DUO_TRY(read_vocabulary(s, &f));
    DUO_TRY(read_rope(s, &f));
    DUO_TRY(read_forms(s, &f));
    return check_tensors(s, g, err);
}
