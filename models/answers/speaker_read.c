/* speaker_read.c - what models think of a text that is there: ranks, exits, agreement, embeddings; and texts fused of several
 * models.  Requirements: speaker.h. */
#include "models/answers/speaker_inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the memo, for results of a known size */

static bool recall(struct duo_speaker *s, void *out, size_t bytes)
{
    size_t found;
    const void *value = duo_memo_get(s->memo, s->key.at, s->key.n * sizeof *s->key.at, &found);

    if (value) assert(found == bytes), memcpy(out, value, bytes);
    return value != NULL;
}

static void remember(struct duo_speaker *s, const void *value, size_t bytes)
{
    duo_memo_put(s->memo, s->key.at, s->key.n * sizeof *s->key.at, value, bytes);
}

static void ask(struct duo_speaker *s, int what, int voice, int n, const int32_t *ids, int all)
{
    duo_key_begin(s, what, voice);
    duo_key_add(s, &n, sizeof(int32_t));
    duo_key_add(s, ids, (size_t)all * sizeof *ids);
}

/* ---------------------------------------------------------------- rows of logits along a text */

/* Rows [done, done + rows) of logits for the positions of ids[n .. n + m), which are there in voice->logits when `take` is called. */
struct along { const int32_t *ids; int n, m; };
typedef enum duo_status taking(struct duo_speaker *, int voice, const struct along *, int done, int rows, void *arg, struct duo_err *);

static enum duo_status each_row(struct duo_speaker *s, int voice, const struct along *a, taking *take, void *arg, struct duo_err *err)
{
    struct duo_slot *slot;

    DUO_TRY(duo_mouth_reach(s, voice, a->ids, a->n, &slot, err));
    DUO_TRY(duo_mouth_run(s, voice, slot, a->ids + slot->n, a->n - 1 - slot->n, DUO_LOGITS_NONE, NULL, NULL, err));
    for (int done = 0, rows; done < a->m; done += rows) {
        rows = a->m - done < DUO_SPEAKER_ROWS ? a->m - done : DUO_SPEAKER_ROWS;
        DUO_TRY(duo_mouth_run(s, voice, slot, a->ids + a->n - 1 + done, rows, DUO_LOGITS_ALL, NULL, NULL, err));
        DUO_TRY(take(s, voice, a, done, rows, arg, err));
    }
    return DUO_OK;
}

static int rank_of(const float *logits, size_t n, int32_t id)
{
    int before = 0;
    for (size_t i = 0; i < n; i++) before += logits[i] > logits[id] || (!(logits[i] < logits[id]) && (int32_t)i < id);
    return before + 1;
}

static enum duo_status judge_rows(struct duo_speaker *s, int voice, const struct along *a, int done, int rows, void *arg, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];
    struct duo_judged *out = arg;

    for (int i = 0; i < rows; i++) {
        const float *row = v->logits + (size_t)i * v->vocabulary;
        int32_t id = a->ids[a->n + done + i], choice = duo_sample(&s->sampler, &(struct duo_sampling){ 0 }, row, (int)v->vocabulary, 0);
        struct duo_token_numbers mine = duo_numbers(&s->sampler, row, (int)v->vocabulary, choice), its;
        if (choice == DUO_NO_TOKEN || isnan(mine.probability)) return duo_no_number(v, a->n + done + i, err);
        its = choice == id ? mine : duo_numbers(&s->sampler, row, (int)v->vocabulary, id);
        out[done + i] = (struct duo_judged){ rank_of(row, v->vocabulary, id), choice, duo_grain_of(its.probability), duo_grained_of(mine) };
    }
    return DUO_OK;
}

enum duo_status duo_speaker_judge(struct duo_speaker *s, int voice, const int32_t *ids, int n, int m, struct duo_judged *out, struct duo_err *err)
{
    size_t bytes = (size_t)m * sizeof *out;

    memset(out, 0, bytes);                       /* its padding is remembered, too */
    ask(s, 'J', voice, n, ids, n + m);
    if (m == 0 || recall(s, out, bytes)) return DUO_OK;
    DUO_TRY(each_row(s, voice, &(struct along){ ids, n, m }, judge_rows, out, err));
    remember(s, out, bytes);
    return DUO_OK;
}

/* ---------------------------------------------------------------- agreement of two distributions */

static enum duo_status keep_rows(struct duo_speaker *s, int voice, const struct along *a, int done, int rows, void *arg, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];
    float *out = (float *)arg + (size_t)done * v->vocabulary;

    (void)a, (void)err;
    memcpy(out, v->logits, (size_t)rows * v->vocabulary * sizeof *out);
    for (int i = 0; i < rows; i++) duo_softmax(out + (size_t)i * v->vocabulary, v->vocabulary);
    return DUO_OK;
}

struct meeting { const float *drafted; uint16_t *out; };

static enum duo_status meet_rows(struct duo_speaker *s, int voice, const struct along *a, int done, int rows, void *arg, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];
    const struct meeting *x = arg;

    for (int i = 0; i < rows; i++) {
        float *p = v->logits + (size_t)i * v->vocabulary;
        const float *q = x->drafted + (size_t)(done + i) * v->vocabulary;
        double sum = 0;
        duo_softmax(p, v->vocabulary);
        for (size_t k = 0; k < v->vocabulary; k++) sum += (double)(p[k] < q[k] ? p[k] : q[k]);
        if (isnan(sum)) return duo_no_number(v, a->n + done + i, err);
        x->out[done + i] = duo_grain_of((float)sum);
    }
    return DUO_OK;
}

enum duo_status duo_speaker_accept(struct duo_speaker *s, int drafter, int verifier, const int32_t *ids, int n, int m, uint16_t *out, struct duo_err *err)
{
    size_t vocabulary = s->voice[drafter].vocabulary;
    float *rows = duo_new((size_t)(m < DUO_SPEAKER_ROWS ? m : DUO_SPEAKER_ROWS) * vocabulary, sizeof *rows);
    enum duo_status status = DUO_OK;

    assert(vocabulary == s->voice[verifier].vocabulary);
    for (int done = 0, some; done < m && status == DUO_OK; done += some) {
        struct meeting x = { rows, out + done };
        struct along piece = { ids, n + done, m - done < DUO_SPEAKER_ROWS ? m - done : DUO_SPEAKER_ROWS };
        some = piece.m;
        status = each_row(s, drafter, &piece, keep_rows, rows, err);
        if (status == DUO_OK) status = each_row(s, verifier, &piece, meet_rows, &x, err);
    }
    free(rows);
    return status;
}

/* ---------------------------------------------------------------- exits */

/* States behind the layers, of the last m tokens of what is run: [layer - 1][token][width]. */
struct states { float *at; size_t m, width; int layers; };

static void keep_states(void *user, int layer, int n, const float *states)
{
    struct states *x = user;
    size_t row = x->m * x->width;
    if (layer < x->layers) memcpy(x->at + ((size_t)layer - 1) * row, states + ((size_t)n - x->m) * x->width, row * sizeof *states);
}

static enum duo_status leave(struct duo_speaker *s, int voice, struct duo_slot *slot, const struct states *x, int n, struct duo_left *out, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];

    for (size_t i = 0; i < x->m; i++)
        for (size_t l = 0; l + 1 < (size_t)x->layers; l++) {
            struct duo_exit e = duo_context_exit(slot->context, x->at + (l * x->m + i) * x->width);
            if (isnan(e.numbers.probability)) return duo_no_number(v, n + (int)i, err);
            out[i * (size_t)(x->layers - 1) + l] = (struct duo_left){ e.token, duo_grain_of(e.numbers.probability) };
        }
    return DUO_OK;
}

enum duo_status duo_speaker_exits(struct duo_speaker *s, int voice, const int32_t *ids, int n, int m, struct duo_left *out, struct duo_err *err)
{
    int layers = duo_speaker_layers(s, voice);
    size_t bytes = (size_t)m * (size_t)(layers - 1) * sizeof *out;
    struct states x = { .m = (size_t)m, .width = s->voice[voice].width, .layers = layers };
    struct duo_slot *slot;
    enum duo_status status;

    if (m == 0 || layers < 2) return DUO_OK;
    memset(out, 0, bytes);
    ask(s, 'E', voice, n, ids, n + m);
    if (recall(s, out, bytes)) return DUO_OK;
    DUO_TRY(duo_mouth_reach(s, voice, ids, n, &slot, err));
    x.at = duo_new((size_t)(layers - 1) * x.m * x.width, sizeof *x.at);
    status = duo_mouth_run(s, voice, slot, ids + slot->n, n + m - 1 - slot->n, DUO_LOGITS_NONE, keep_states, &x, err);
    if (status == DUO_OK) status = leave(s, voice, slot, &x, n, out, err);
    free(x.at);
    if (status == DUO_OK) remember(s, out, bytes);
    return status;
}

/* ---------------------------------------------------------------- embeddings */

struct mean { double *sum; size_t width; int layer; };

static void add_states(void *user, int layer, int n, const float *states)
{
    struct mean *x = user;
    for (size_t i = 0; layer == x->layer && i < (size_t)n; i++)
        for (size_t k = 0; k < x->width; k++) x->sum[k] += (double)states[i * x->width + k];
}

enum duo_status duo_speaker_embed(struct duo_speaker *s, int voice, const int32_t *ids, int n, float *out, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];
    size_t bytes = v->width * sizeof *out;
    struct mean x = { .width = v->width, .layer = duo_speaker_layers(s, voice) };
    struct duo_slot *slot;
    enum duo_status status;

    if (!v->width) return DUO_OK;
    ask(s, 'M', voice, n, ids, n);
    if (recall(s, out, bytes)) return DUO_OK;
    DUO_TRY(duo_mouth_reach(s, voice, ids, n, &slot, err));
    duo_context_cut(slot->context, 0);           /* so that every position is seen */
    slot->n = 0;
    x.sum   = duo_new(v->width, sizeof *x.sum);
    status  = duo_mouth_run(s, voice, slot, ids, n, DUO_LOGITS_NONE, add_states, &x, err);
    for (size_t k = 0; k < v->width; k++) out[k] = (float)(x.sum[k] / n);
    free(x.sum);
    if (status == DUO_OK) remember(s, out, bytes);
    return status;
}

/* ---------------------------------------------------------------- fusion */

/* The weighted mean of log-probabilities of the token behind ids[0 .. n), into `out`. */
static enum duo_status fuse(struct duo_speaker *s, int n_voices, const int *voices, const double *weights, const int32_t *ids, int n, float *out, struct duo_err *err)
{
    size_t vocabulary = s->voice[voices[0]].vocabulary;
    double all = 0, *sum = duo_new(vocabulary, sizeof *sum);
    enum duo_status status = DUO_OK;

    for (int i = 0; i < n_voices && status == DUO_OK; i++) {
        struct duo_mouth *v = &s->voice[voices[i]];
        struct duo_slot *slot;
        assert(v->vocabulary == vocabulary);
        status = duo_mouth_reach(s, voices[i], ids, n, &slot, err);
        if (status == DUO_OK) status = duo_mouth_run(s, voices[i], slot, ids + slot->n, n - slot->n, DUO_LOGITS_LAST, NULL, NULL, err);
        if (status) break;
        float most = v->logits[duo_argmax(v->logits, vocabulary)], log_sum;
        memcpy(out, v->logits, vocabulary * sizeof *out);
        log_sum = duo_softmax(out, vocabulary);
        for (size_t k = 0; k < vocabulary; k++) sum[k] += weights[i] * (double)(v->logits[k] - most - log_sum);
        all += weights[i];
    }
    for (size_t k = 0; k < vocabulary; k++) out[k] = (float)(sum[k] / all);
    free(sum);
    return status;
}

enum duo_status duo_speaker_fuse(struct duo_speaker *s, int n_voices, const int *voices, const double *weights, const int32_t *ids, int n,
                                 int tokens, struct duo_said *out, struct duo_err *err)
{
    struct duo_mouth *first = &s->voice[voices[0]];
    float *mean = duo_new(first->vocabulary, sizeof *mean);
    enum duo_status status = DUO_OK;
    int limit = tokens;

    for (int i = 0; i < n_voices; i++)
        if (limit > s->voice[voices[i]].context - n) limit = s->voice[voices[i]].context - n;
    s->text.n = s->ids.n = 0;
    duo_words_add(&s->text, ids, (size_t)n);
    *out = (struct duo_said){ 0 };
    while (status == DUO_OK && !out->ended && (int)s->ids.n < limit) {
        struct duo_token_numbers numbers;
        int32_t id;
        status = fuse(s, n_voices, voices, weights, s->text.at, (int)s->text.n, mean, err);
        if (status) break;
        id = duo_sample(&s->sampler, &(struct duo_sampling){ 0 }, mean, (int)first->vocabulary, 0);
        numbers = duo_numbers(&s->sampler, mean, (int)first->vocabulary, id);
        if (id == DUO_NO_TOKEN || isnan(numbers.probability)) { status = duo_no_number(first, (int)s->text.n, err); break; }
        duo_said_add(s, id, duo_grained_of(numbers));
        duo_words_add(&s->text, &id, 1);
        out->ended = duo_speaker_ends(s, voices[0], id);
    }
    out->n = (int)s->ids.n, out->ids = s->ids.at, out->numbers = s->numbers;
    free(mean);
    return status;
}
