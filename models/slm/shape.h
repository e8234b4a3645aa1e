/* shape.h - what a model is: read from the metadata of its GGUF file alone, and held against its tensors.
 *
 * (1) Architectures: those of DUO_ARCHITECTURES.  Another one is refused by its name.
 * (2) Every tensor that the architecture needs is there with the shape that the metadata give; vectors are F32.
 * (3) A tensor that would be left out of the computation (a bias, an expert) is refused by name, never ignored.
 *     What has no form here (long RoPE, heads that differ from layer to layer) is refused, too.
 * (4) Forms and constants are those of llama.cpp's graphs of these architectures. */
#ifndef DUO_SLM_SHAPE_H
#define DUO_SLM_SHAPE_H

#include "models/slm/gguf.h"

#define DUO_ARCHITECTURES(X) X(LLAMA, "llama") X(QWEN2, "qwen2") X(QWEN3, "qwen3") X(GEMMA, "gemma") X(GEMMA2, "gemma2") X(GEMMA3, "gemma3")
enum duo_architecture {
#define X(name, text) DUO_ARCH_##name,
    DUO_ARCHITECTURES(X)
#undef X
    DUO_ARCH_END
};
const char *duo_architecture_name(enum duo_architecture);

struct duo_shape {
    enum duo_architecture arch;
    char   name[64];                     /* general.name; may be "" */
    int    layers, width, heads, kv_heads, key_width, value_width, ffn, vocabulary, context;
    double norm_eps;
    double embedding_scale;              /* of a token's vector: 1, or sqrt(width) */
    double attention_scale;              /* of q.k */
    double attention_cap, final_cap;     /* soft caps of scores and logits; 0: none */
    int    window, window_every;         /* each layer l with l % window_every < window_every - 1 sees `window` tokens; 0: none */
    enum duo_gate gate;
    struct duo_rope_spec rope, rope_local;    /* rope_local: of layers with a window.  `factors` point into the file. */
    bool   tied;                         /* no output.weight: the head is token_embd.weight */
    bool   biases, qk_norms, post_norms; /* of q, k, v; of each head's q and k; behind attention and ffn */
};

enum duo_status duo_shape_read(struct duo_shape *, const struct duo_gguf *, struct duo_err *);
bool duo_shape_windowed(const struct duo_shape *, int layer);

/* X(NAME, name, n0, n1, LAYER or WHOLE, needed by, may stand in).  n0, n1: WIDTH, QUERY (heads x key width), KEYS, VALUES, MIXED (heads x
 * value width), FFN, VOCABULARY, HEAD (key width), TURN (half of what RoPE turns), 0: a vector. */
#define DUO_ARCHS_ALL   (ARCH(LLAMA) | ARCH(QWEN2) | ARCH(QWEN3) | ARCH(GEMMA) | ARCH(GEMMA2) | ARCH(GEMMA3))
#define DUO_PARTS(X)                                                                                                        \
    X(EMBEDDING, "token_embd.weight",          WIDTH, VOCABULARY, WHOLE, DUO_ARCHS_ALL, 0)                                  \
    X(FINAL_NORM, "output_norm.weight",        WIDTH, NONE,       WHOLE, DUO_ARCHS_ALL, 0)                                  \
    X(HEAD,      "output.weight",              WIDTH, VOCABULARY, WHOLE, 0, ARCH(LLAMA) | ARCH(QWEN2) | ARCH(QWEN3) | ARCH(GEMMA3)) \
    X(ROPE,      "rope_freqs.weight",          TURN,  NONE,       WHOLE, 0, ARCH(LLAMA))                                    \
    X(ATTN_NORM, "attn_norm.weight",           WIDTH, NONE,       LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(Q,         "attn_q.weight",              WIDTH, QUERY,      LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(K,         "attn_k.weight",              WIDTH, KEYS,       LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(V,         "attn_v.weight",              WIDTH, VALUES,     LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(Q_BIAS,    "attn_q.bias",                QUERY, NONE,       LAYER, ARCH(QWEN2), ARCH(LLAMA))                          \
    X(K_BIAS,    "attn_k.bias",                KEYS,  NONE,       LAYER, ARCH(QWEN2), ARCH(LLAMA))                          \
    X(V_BIAS,    "attn_v.bias",                VALUES, NONE,      LAYER, ARCH(QWEN2), ARCH(LLAMA))                          \
    X(Q_NORM,    "attn_q_norm.weight",         HEAD,  NONE,       LAYER, ARCH(QWEN3) | ARCH(GEMMA3), 0)                     \
    X(K_NORM,    "attn_k_norm.weight",         HEAD,  NONE,       LAYER, ARCH(QWEN3) | ARCH(GEMMA3), 0)                     \
    X(O,         "attn_output.weight",         MIXED, WIDTH,      LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(ATTN_POST, "post_attention_norm.weight", WIDTH, NONE,       LAYER, ARCH(GEMMA2) | ARCH(GEMMA3), 0)                    \
    X(FFN_NORM,  "ffn_norm.weight",            WIDTH, NONE,       LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(GATE,      "ffn_gate.weight",            WIDTH, FFN,        LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(UP,        "ffn_up.weight",              WIDTH, FFN,        LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(DOWN,      "ffn_down.weight",            FFN,   WIDTH,      LAYER, DUO_ARCHS_ALL, 0)                                  \
    X(FFN_POST,  "post_ffw_norm.weight",       WIDTH, NONE,       LAYER, ARCH(GEMMA2) | ARCH(GEMMA3), 0)

enum duo_weight {
#define X(name, text, n0, n1, where, needed, optional) DUO_WEIGHT_##name,
    DUO_PARTS(X)
#undef X
    DUO_WEIGHT_END
};

bool duo_weight_per_layer(enum duo_weight);
bool duo_weight_needed(enum duo_architecture, enum duo_weight);
void duo_weight_name(enum duo_weight, int layer, char out[DUO_GGUF_NAME + 1]);
void duo_weight_size(const struct duo_shape *, enum duo_weight, uint64_t n[2]);    /* n[1] = 0: a vector */

/* Of a file that duo_shape_read has accepted; NULL: an optional one that is not there. */
const struct duo_gguf_tensor *duo_weight_find(const struct duo_gguf *, enum duo_weight, int layer);

#endif
