/* work.h - operations and bytes of a decoder-only transformer, from its architecture alone.  No seconds here.
 *
 * A matrix of n weights costs 2 n FLOP a token and is read once an iteration however many tokens pass (Pope et al.
 * 2022, arXiv:2211.05102, 2; Kaplan et al. 2020, arXiv:2001.08361, 2.1).  Attention of a new token over c positions:
 * 4 heads head_dim c FLOP (scores and values), and 2 kv_heads head_dim c numbers of KV read. */
#ifndef DUO_MODELS_WORK_H
#define DUO_MODELS_WORK_H

#include <stdbool.h>

struct duo_arch {
    int  layers, width, heads, kv_heads, head_dim, ffn, vocabulary, context;
    bool tied;                 /* the embedding is the LM head: counted, stored and read once */
    bool gated;                /* feed-forward of three matrices (SwiGLU, GeGLU), else two */
    int  experts, active_experts, expert_ffn;   /* a mixture: width of one expert; 0: dense */
    int  shared_ffn;           /* width of the experts that every token passes, together; 0 */
    int  dense_layers;         /* of a mixture: the first so many layers are dense, with `ffn` */
    int  window;               /* sliding window, tokens; 0: none */
    int  period;               /* of windowed models, every so many layers one attends to all; 0: no layer does */
    int  positions;            /* rows of learnt positions (GPT-2, OPT); 0: none */
};

/* Weights, in numbers. */
struct duo_parameters {
    double embedding, head;    /* head: 0 when tied */
    double attention;          /* of a layer: Q, K, V, output */
    double dense;              /* feed-forward of a dense layer */
    double expert, shared, router;     /* of a layer of the mixture: one expert, ... */
    double total, active;      /* active: those that one token passes, with the head, without the embedding's rows */
};
void duo_work_parameters(const struct duo_arch *, struct duo_parameters *);

/* Experts that n tokens reach, each drawing k of e at random: e (1 - (1 - k/e)^n).  A tensor- or expert-parallel share is
 * the caller's. */
double duo_work_experts(double tokens, int experts, int active);

/* Matrices of layers [from, to), through each of which `tokens` new tokens pass. */
struct duo_gemms { int n; struct duo_gemm { double weights, flop; } group[4]; double operations; };   /* sums over the layers */
void duo_work_gemms(const struct duo_arch *, int from, int to, double tokens, struct duo_gemms *);

/* Positions that layers [from, to) read for a new token after `seen` positions (itself among them), summed over the
 * layers; with each further token they grow by *per_token, for *tokens of them. */
double duo_work_context(const struct duo_arch *, int from, int to, double seen, double *per_token, double *tokens);
/* The same for a chunk of `fresh` tokens after `cached`: (new token, position) pairs. */
double duo_work_pairs(const struct duo_arch *, int from, int to, double fresh, double cached);

#endif
