/* signals.c - see signals.h; requirements cited by number. */
#include "models/answers/signals.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"

#define STREAMS(X)                                                                                              \
    X(DIFFICULTY, "answers.difficulty") X(TIE, "answers.tie") X(TIED, "answers.tied") X(RIGHT, "answers.right") \
    X(CONFIDENCE, "answers.confidence") X(PIECE, "answers.piece") X(TOKEN, "answers.token") X(LEAST, "answers.least") \
    X(LENGTH, "answers.length") X(AGREE, "answers.agree") X(EXIT, "answers.exit") X(CHANGE, "answers.change")     \
    X(VOTE, "answers.vote") X(PROMPT, "answers.prompt") X(BYTES, "answers.bytes") X(ROUTER, "answers.router") \
    X(THINKING, "answers.thinking")

enum stream {
#define X(name, text) name,
    STREAMS(X)
#undef X
    STREAM_END
};

static const char *const stream_name[] = {
#define X(name, text) [name] = text,
    STREAMS(X)
#undef X
};

struct voice { double ability, mu, scale, acceptance, correlation; struct duo_length_law length, thinking; };

struct duo_signals {
    int           n;
    struct voice *voice;
    char        **name;
    int          *order;                 /* by strength */
    double        slope, tie, floor, harm, router_mu;
    bool          keyed;
    uint64_t      seed, *key;            /* of `seed`: [STREAM_END][n + 1]; the last is no voice's */
};

enum { EXACT_MIN = 32 };                 /* tokens */

#define STEP 0x9E3779B97F4A7C15u         /* of splitmix64: mix(key + i * STEP) is its i-th number */

static size_t slot(const struct duo_signals *g, enum stream stream, int voice)
{
    return (size_t)stream * ((size_t)g->n + 1) + (size_t)voice;
}

static uint64_t bits(struct duo_signals *g, uint64_t seed, enum stream stream, int voice, int index)
{
    if (!g->keyed || g->seed != seed) {
        for (enum stream s = 0; s < STREAM_END; s++)
            for (int v = 0; v <= g->n; v++)
                g->key[slot(g, s, v)] = duo_hash(duo_hash(seed, stream_name[s], 0), v < g->n ? g->name[v] : "", 0);
        g->seed = seed, g->keyed = true;
    }
    return duo_mix(g->key[slot(g, stream, voice)] + (uint64_t)(uint32_t)index * STEP);
}

static double unit(struct duo_signals *g, uint64_t seed, enum stream stream, int voice, int query)
{
    return duo_unit(bits(g, seed, stream, voice, query));
}

/* In (0, 1): half a step away from 0. */
static double open_unit(uint64_t b) { return duo_unit(b) + 0x1p-54; }
static double at(uint64_t key, int position) { return open_unit(duo_mix(key + (uint64_t)(uint32_t)position * STEP)); }

static double normal(uint64_t b) { return gsl_cdf_ugaussian_Pinv(open_unit(b)); }
static double logistic(double x) { return 1 / (1 + exp(-x)); }

static double binormal(double auc) { return sqrt(2) * gsl_cdf_ugaussian_Pinv(fmin(fmax(auc, 1e-9), 1 - 1e-9)); }
static double scale_of(double mu) { return 1.702 / sqrt(1 + mu * mu / 4); }

struct duo_signals *duo_signals_new(const struct duo_synthetic_spec *spec, int n_voices, const char *const *voices, const double *quality)
{
    struct duo_signals *g = duo_new(1, sizeof *g);

    assert(spec->n_voices > 0);
    *g = (struct duo_signals){ .n = n_voices, .slope = spec->slope, .tie = spec->tie, .floor = spec->exit_floor, .harm = spec->exit_harm };
    g->voice     = duo_new((size_t)n_voices, sizeof *g->voice);
    g->name      = duo_new((size_t)n_voices, sizeof *g->name);
    g->order     = duo_new((size_t)n_voices, sizeof *g->order);
    g->key       = duo_new((size_t)STREAM_END * ((size_t)n_voices + 1), sizeof *g->key);
    g->router_mu = binormal(spec->router_auc > 0 ? spec->router_auc : 0.5);
    for (int v = 0; v < n_voices; v++) {
        const struct duo_synthetic_voice *from = &spec->voices[0];
        for (int i = 0; i < spec->n_voices; i++)
            if (strcmp(spec->voices[i].name, voices[v]) == 0) from = &spec->voices[i];
        assert(from->correlation >= 0 && from->correlation <= 1);
        g->name[v]  = duo_copy(voices[v]);
        g->voice[v] = (struct voice){ from->ability, binormal(from->auc), scale_of(binormal(from->auc)), from->acceptance,
                                      from->correlation, from->length, from->thinking };
    }
    for (int v = 0; v < n_voices; v++)
        for (int w = 0; w < n_voices; w++) {
            double a = g->voice[w].ability - g->voice[v].ability, b = quality ? quality[w] - quality[v] : 0;
            bool below = a < 0 || (a <= 0 && (b < 0 || (!(b > 0) && w < v)));
            g->order[v] += below;
        }
    return g;
}

void duo_signals_free(struct duo_signals *g)
{
    for (int v = 0; v < g->n; v++) free(g->name[v]);
    free(g->voice);
    free(g->name);
    free(g->order);
    free(g->key);
    free(g);
}

int duo_signals_draw_length(const struct duo_length_law *law, double u)
{
    double x = law->a;

    if (law->kind == DUO_UNIFORM) {
        x = law->a + floor(u * (law->b - law->a + 1));
    } else if (law->kind == DUO_LOGNORMAL) {
        double variance = log1p(law->b * law->b);
        x = exp(log(law->a) - variance / 2 + sqrt(variance) * gsl_cdf_ugaussian_Pinv(u + 0x1p-54));
    }
    return (int)fmin(fmax(round(x), 1), 1e9);
}

double duo_signals_prompt(struct duo_signals *g, uint64_t seed, int query, bool bytes)
{
    return unit(g, seed, bytes ? BYTES : PROMPT, g->n, query);
}

bool duo_signals_train(int query, double share)
{
    return duo_draw(0, "answers.train", (uint64_t)(uint32_t)query) < share;
}

int duo_signals_length(struct duo_signals *g, uint64_t seed, int query, int voice)
{
    const struct duo_length_law *law = &g->voice[voice].length;
    return duo_signals_draw_length(law, law->kind == DUO_FIXED ? 0 : unit(g, seed, LENGTH, voice, query));
}

int duo_signals_thinking(struct duo_signals *g, uint64_t seed, int query, int voice)
{
    const struct duo_length_law *law = &g->voice[voice].thinking;
    return law->a > 0 ? duo_signals_draw_length(law, law->kind == DUO_FIXED ? 0 : unit(g, seed, THINKING, voice, query)) : 0;
}

/* (1); `changed` tokens lower the odds by harm each. */
double duo_signals_right(struct duo_signals *g, uint64_t seed, int query, int voice, int changed)
{
    double d = normal(bits(g, seed, DIFFICULTY, g->n, query)), p = logistic(g->slope * (g->voice[voice].ability - d));
    bool tied = unit(g, seed, TIE, g->n, query) < g->tie;
    double u = unit(g, seed, tied ? TIED : RIGHT, tied ? g->n : voice, query);

    if (changed > 0) {
        double h = pow(g->harm, changed);
        p = p * h / (p * h + 1 - p);
    }
    return u < p ? 1 : 0;
}

static double whole_z(struct duo_signals *g, uint64_t seed, int query, int voice, double right)
{
    return g->voice[voice].mu * (isnan(right) ? 0.5 : right) + normal(bits(g, seed, CONFIDENCE, voice, query));
}

static double mean_of(const struct voice *v, double z)
{
    return fmin(fmax(logistic(v->scale * (z - v->mu / 2)), 1e-6), 1 - 1e-6);
}

void duo_signals_certainty(struct duo_signals *g, uint64_t seed, int query, int voice, int from, int to, int length, double right,
                           struct duo_certainty *out)
{
    const struct voice *v = &g->voice[voice];
    double   z = whole_z(g, seed, query, voice, right), whole = mean_of(v, z), mean = whole, least = 1;
    int      n = to - from;
    uint64_t tokens = bits(g, seed, TOKEN, voice, query);

    if (n < length) {
        double share = (double)n / length;
        uint64_t piece = duo_mix(bits(g, seed, PIECE, voice, query) + (uint64_t)(uint32_t)from * STEP);
        mean = mean_of(v, sqrt(share) * z + sqrt(1 - share) * normal(duo_mix(piece + (uint64_t)(uint32_t)to)));
    }
    if (n <= EXACT_MIN) {
        for (int i = from; i < to; i++) least = fmin(least, at(tokens, i));
    } else {
        uint64_t key = duo_mix(bits(g, seed, LEAST, voice, query) + (uint64_t)(uint32_t)from * STEP);
        least = fmin(-expm1(log(at(key, to)) / (n - 1)), at(tokens, to - 1));
    }
    *out = (struct duo_certainty){ .mean = mean, .min = pow(least, (1 - whole) / whole), .last = pow(at(tokens, to - 1), (1 - whole) / whole),
                                   .margin = mean * mean, .entropy = 1 - mean };
}

int duo_signals_unsure(struct duo_signals *g, uint64_t seed, int query, int voice, double right, int from, int to, double below)
{
    double   m = mean_of(&g->voice[voice], whole_z(g, seed, query, voice, right)), limit = pow(below, m / (1 - m));
    uint64_t tokens = bits(g, seed, TOKEN, voice, query);

    while (from < to && !(at(tokens, from) < limit)) from++;
    return from;
}

double duo_signals_vote(struct duo_signals *g, uint64_t seed, const struct duo_ask *ask, double right)
{
    int      query = ask->from->query, same = 1;
    double   m = mean_of(&g->voice[ask->voice], whole_z(g, seed, query, ask->voice, right));
    uint64_t key = duo_mix(bits(g, seed, VOTE, ask->voice, query) + (uint64_t)(uint32_t)ask->sample * STEP);

    for (int i = 1; i < ask->samples; i++) same += at(key, i) < m;                            /* (5) */
    return (double)same / ask->samples;
}

bool duo_signals_drafts(const struct duo_signals *g, int x, int y) { return g->order[x] < g->order[y]; }

int duo_signals_differ(struct duo_signals *g, uint64_t seed, int query, int drafter, int verifier, int from, int to)
{
    const struct voice *v = &g->voice[drafter];
    uint64_t mine = bits(g, seed, AGREE, drafter, query), key = duo_mix(mine ^ g->key[slot(g, AGREE, verifier)]);
    double   copy = v->correlation, fresh = copy + v->acceptance * (1 - copy), u = 0;
    int      back = from;

    if (from >= to) return to;
    while ((u = at(key, back)) < copy && back > 0) back--;                                    /* (3) */
    if (!(back == 0 ? u < v->acceptance : u < fresh)) return from;
    while (++from < to)                                       /* it agrees; a copy agrees, too */
        if (!(at(key, from) < fresh)) return from;
    return to;
}

/* u^e is the confidence of an exit there; e infinite: never sure, 0: always. */
static double exit_power(const struct duo_signals *g, int layer, int layers)
{
    double m = g->floor + (1 - g->floor) * layer / layers;
    return m <= 0 ? INFINITY : m >= 1 ? 0 : (1 - m) / m;
}

bool duo_signals_exits(struct duo_signals *g, uint64_t seed, int query, int voice, int position, int layer, int layers, double above)
{
    return pow(at(bits(g, seed, EXIT, voice, query), position), exit_power(g, layer, layers)) > (double)(float)above;
}

int duo_signals_early(struct duo_signals *g, uint64_t seed, int query, const struct duo_segment *mark, int from, int to)
{
    uint64_t leave = bits(g, seed, EXIT, mark->voice, query), change = bits(g, seed, CHANGE, mark->voice, query);
    double   power = exit_power(g, mark->exit_layer, mark->layers);

    for (; from < to; from++) {
        double u = at(leave, from), c = u <= (double)mark->exit_above && power >= 1 ? 0 : pow(u, power);   /* u^e <= u there */
        if (c > (double)mark->exit_above && at(change, from) > c) return from;
    }
    return to;
}

double duo_signals_router(struct duo_signals *g, uint64_t seed, int query, double gain)
{
    double z = g->router_mu * (isnan(gain) ? 0.5 : gain) + normal(bits(g, seed, ROUTER, g->n, query));
    return logistic(scale_of(g->router_mu) * (z - g->router_mu / 2));
}
