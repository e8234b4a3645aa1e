/* fake_voices.h - models for tests of what is recorded: a distribution over a few words by hash of the last words, cheap enough to be
 * asked again word by word, so that a recording can be held against it.  The two voices of a pair agree on most words. */
#ifndef DUO_TESTS_FAKE_VOICES_H
#define DUO_TESTS_FAKE_VOICES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/voices.h"
#include "sim/base/rng.h"

enum { FAKE_WORDS = 24, FAKE_END = 0, FAKE_LAYERS = 4, FAKE_WIDTH = 8, FAKE_MOST = 64 };

struct fake {
    struct duo_voice v;                      /* first */
    uint64_t self;                           /* what tells voices apart */
    double   own;                            /* 0..1: how much it differs from others */
    int32_t  prompt[512];
    int      n_prompt;
    int      calls, fails_at;                /* fails_at > 0: that call of say() fails */
};

struct fake_said { int32_t ids[FAKE_MOST]; struct duo_grained numbers[FAKE_MOST]; char text[8 * FAKE_MOST]; };

static inline uint16_t fake_grain(double x) { return (uint16_t)(x * DUO_GRID + .5); }

/* Of the word at position n (of prompt and answer) behind ids[0 .. n), left at `layer` (FAKE_LAYERS: whole). */
static inline void fake_distribution(const struct fake *f, const int32_t *ids, int n, int layer, double p[FAKE_WORDS])
{
    uint64_t last = n > 1 ? duo_hash((uint64_t)(uint32_t)ids[n - 1], "before", (uint64_t)(uint32_t)ids[n - 2]) : 7;
    uint64_t where = duo_hash(last, "at", (uint64_t)n);
    double sum = 0, early = .3 * (FAKE_LAYERS - layer) / FAKE_LAYERS;

    for (int w = 0; w < FAKE_WORDS; w++) {
        double x = (1 - f->own) * duo_draw(where, "all", (uint64_t)w) + f->own * duo_draw(where ^ f->self, "own", (uint64_t)w)
                 + early * duo_draw(where ^ f->self, "early", (uint64_t)(w + 100 * layer));
        if (w == FAKE_END) x += n - f->n_prompt < 3 ? -.5 : .02 * (n - f->n_prompt);
        sum += p[w] = exp(12 * x);
    }
    for (int w = 0; w < FAKE_WORDS; w++) p[w] /= sum;
}

static inline int32_t fake_choice(const double p[FAKE_WORDS])
{
    int32_t best = 0;

    for (int32_t w = 1; w < FAKE_WORDS; w++)
        if (p[w] > p[best]) best = w;
    return best;
}

static inline struct duo_grained fake_numbers(const double p[FAKE_WORDS], int32_t chosen)
{
    double first = 0, second = 0, entropy = 0;

    for (int w = 0; w < FAKE_WORDS; w++) {
        if (p[w] > first) second = first, first = p[w];
        else if (p[w] > second) second = p[w];
        entropy -= p[w] > 0 ? p[w] * log(p[w]) : 0;
    }
    return (struct duo_grained){ fake_grain(p[chosen]), fake_grain(first - second), fake_grain(entropy / log(FAKE_WORDS)) };
}

static inline enum duo_status fake_ask(struct duo_voice *v, const char *prompt, int *tokens, const int32_t **ids, struct duo_err *err)
{
    struct fake *f = (struct fake *)v;

    (void)err;
    f->n_prompt = 1;
    f->prompt[0] = 1;
    for (; *prompt && f->n_prompt < 400; prompt++) f->prompt[f->n_prompt++] = 100 + (unsigned char)*prompt;
    *tokens = f->n_prompt, *ids = f->prompt;
    return DUO_OK;
}

static inline enum duo_status fake_say(struct duo_voice *v, const struct duo_utterance *behind, int keep, const struct duo_say *how,
                                       struct duo_utterance *out, struct duo_err *err)
{
    struct fake *f = (struct fake *)v;
    struct fake_said *s = calloc(1, sizeof *s);
    int32_t ids[1024];
    int n = f->n_prompt + keep, k = 0, most = how->tokens < FAKE_MOST ? how->tokens : FAKE_MOST;

    if (++f->calls == f->fails_at) {
        free(s);
        return duo_fail(err, DUO_RUN_FAILED, "%s: gave up", v->name);
    }
    memcpy(ids, f->prompt, (size_t)f->n_prompt * sizeof *ids);
    if (keep) memcpy(ids + f->n_prompt, behind->ids, (size_t)keep * sizeof *ids);
    *out = (struct duo_utterance){ .ids = s->ids, .numbers = s->numbers, .text = s->text, .own = s };
    while (k < most && !out->ended) {
        double p[FAKE_WORDS], u = duo_draw(how->seed, "token", (uint64_t)n), left = u;
        int32_t w;
        fake_distribution(f, ids, n, FAKE_LAYERS, p);
        w = fake_choice(p);
        if (how->temperature > 0)
            for (w = 0; w < FAKE_WORDS - 1 && left >= p[w]; w++) left -= p[w];
        s->ids[k] = ids[n++] = w;
        s->numbers[k++] = fake_numbers(p, w);
        out->ended = w == FAKE_END;
        if (!out->ended) snprintf(s->text + strlen(s->text), sizeof s->text - strlen(s->text), "%s%d", *s->text ? " " : "", w);
    }
    out->n = k;
    return DUO_OK;
}

static inline void fake_forget(struct duo_voice *v, struct duo_utterance *u)
{
    (void)v;
    free(u->own);
    *u = (struct duo_utterance){ 0 };
}

static inline enum duo_status fake_judge(struct duo_voice *v, const struct duo_utterance *answer, struct duo_judged *out, struct duo_err *err)
{
    struct fake *f = (struct fake *)v;
    int32_t ids[1024];

    (void)err;
    memcpy(ids, f->prompt, (size_t)f->n_prompt * sizeof *ids);
    memcpy(ids + f->n_prompt, answer->ids, (size_t)answer->n * sizeof *ids);
    for (int i = 0; i < answer->n; i++) {
        double p[FAKE_WORDS];
        int32_t w = answer->ids[i], best;
        fake_distribution(f, ids, f->n_prompt + i, FAKE_LAYERS, p);
        best = fake_choice(p);
        out[i] = (struct duo_judged){ .rank = 1, .choice = best, .probability = fake_grain(p[w]), .numbers = fake_numbers(p, best) };
        for (int32_t x = 0; x < FAKE_WORDS; x++) out[i].rank += p[x] > p[w];
    }
    return DUO_OK;
}

static inline enum duo_status fake_accept(struct duo_voice *drafter, struct duo_voice *verifier, const struct duo_utterance *answer, uint16_t *out, struct duo_err *err)
{
    struct fake *f = (struct fake *)drafter, *g = (struct fake *)verifier;
    int32_t ids[1024];

    (void)err;
    memcpy(ids, f->prompt, (size_t)f->n_prompt * sizeof *ids);
    memcpy(ids + f->n_prompt, answer->ids, (size_t)answer->n * sizeof *ids);
    for (int i = 0; i < answer->n; i++) {
        double p[FAKE_WORDS], q[FAKE_WORDS], sum = 0;
        fake_distribution(f, ids, f->n_prompt + i, FAKE_LAYERS, p);
        fake_distribution(g, ids, f->n_prompt + i, FAKE_LAYERS, q);
        for (int w = 0; w < FAKE_WORDS; w++) sum += fmin(p[w], q[w]);
        out[i] = fake_grain(sum);
    }
    return DUO_OK;
}

static inline enum duo_status fake_exits(struct duo_voice *v, const struct duo_utterance *answer, struct duo_left *out, struct duo_err *err)
{
    struct fake *f = (struct fake *)v;
    int32_t ids[1024];

    (void)err;
    memcpy(ids, f->prompt, (size_t)f->n_prompt * sizeof *ids);
    memcpy(ids + f->n_prompt, answer->ids, (size_t)answer->n * sizeof *ids);
    for (int i = 0; i < answer->n; i++)
        for (int l = 1; l < v->layers; l++) {
            double p[FAKE_WORDS];
            int32_t w;
            fake_distribution(f, ids, f->n_prompt + i, l, p);
            w = fake_choice(p);
            out[i * (v->layers - 1) + l - 1] = (struct duo_left){ w, fake_grain(p[w]) };
        }
    return DUO_OK;
}

static inline enum duo_status fake_embed(struct duo_voice *v, float *out, struct duo_err *err)
{
    struct fake *f = (struct fake *)v;

    (void)err;
    for (int i = 0; i < FAKE_WIDTH; i++) out[i] = (float)(duo_draw((uint64_t)f->n_prompt, "embed", (uint64_t)i) - .5);
    return DUO_OK;
}

static inline bool fake_drafts(struct duo_voice *a, struct duo_voice *b) { return a != b; }
static inline void fake_free(struct duo_voice *v) { (void)v; }

static const struct duo_voice_kind fake_model = { .name = "gguf", .ask = fake_ask, .say = fake_say, .forget = fake_forget, .drafts = fake_drafts,
    .judge = fake_judge, .accept = fake_accept, .exits = fake_exits, .embed = fake_embed, .free = fake_free };
static const struct duo_voice_kind fake_drafter = { .name = "ngram", .only_drafts = true, .ask = fake_ask, .say = fake_say, .forget = fake_forget,
    .drafts = fake_drafts, .judge = fake_judge, .accept = fake_accept, .free = fake_free };

static inline struct fake fake_voice(const struct duo_voice_kind *kind, const char *name, uint64_t self, double own)
{
    return (struct fake){ .v = { .kind = kind, .name = name, .digest = "0123", .quant = "F16", .layers = kind->only_drafts ? 0 : FAKE_LAYERS,
                                 .width = kind->only_drafts ? 0 : FAKE_WIDTH, .vocabulary = FAKE_WORDS }, .self = self, .own = own };
}

#endif
