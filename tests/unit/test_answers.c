/* Answers of the declared synthetic model, and the algebra of paths (models/answers: answers.h, path.h, source.h, signals.h). */
#include "models/answers/answers.h"
#include "models/answers/path.h"

#include <stdlib.h>

#include "sim/base/rng.h"
#include "tests/check.h"
#include "tests/unit/text_laws.h"

static struct duo_synthetic_voice voices[] = {
    { "small",  0.0, .70, .7, .0, { DUO_FIXED, 120, 0 }, { DUO_FIXED, 0, 0 } },
    { "large",  1.5, .80, .8, .0, { DUO_FIXED, 120, 0 }, { DUO_FIXED, 0, 0 } },
    { "third", -1.0, .90, .6, .5, { DUO_UNIFORM, 20, 180 }, { DUO_FIXED, 0, 0 } },
};

static struct duo_answers *model(int n, double acceptance, double correlation)
{
    struct duo_synthetic_spec spec = {
        .n_voices = n, .voices = voices, .slope = 1.7, .tie = .3, .prompt_tokens = { DUO_UNIFORM, 50, 450 }, .bytes_per_token = 4,
        .train_share = .3, .exit_floor = .4, .exit_harm = .9, .router_auc = .75 };
    struct duo_answers *a;

    voices[0].acceptance = acceptance, voices[0].correlation = correlation;
    a = duo_answers_synthetic(&spec);
    a->seed = 7;
    return a;
}

static struct duo_written write(const struct duo_answers *a, int voice, const struct duo_text_path *from, int tokens)
{
    struct duo_written w;
    a->kind->write(a, &(struct duo_ask){ .voice = voice, .from = from, .tokens = tokens }, &w);
    return w;
}

static double grade(const struct duo_answers *a, const struct duo_text_path *p)
{
    const char *why = NULL;
    double quality = a->kind->grade(a, p, &why);
    CHECK(isnan(quality) == (why != NULL));                   /* answers.h (6) */
    return quality;
}

/* ---- path.h ---- */

/* The same text, one cell a token. */
struct flat { int n, cell[400]; };

static struct flat flatten(const struct duo_text_path *p)
{
    struct flat f = { 0 };
    for (int i = 0; i < p->n; i++) {
        CHECK_INT(p->segment[i].from, f.n);                   /* adjoining, not empty, neighbours differ (1) */
        CHECK(p->segment[i].to > f.n);
        CHECK(i == 0 || !duo_segment_same(&p->segment[i - 1], &p->segment[i]));
        while (f.n < p->segment[i].to) f.cell[f.n++] = p->segment[i].voice * 100 + p->segment[i].exit_layer;
    }
    return f;
}

static void path_algebra(void)
{
    struct duo_rng r;

    duo_rng_init(&r, 1, "test.paths", 0);
    for (int trial = 0; trial < 2000; trial++) {
        struct duo_text_path p = duo_path_empty(3), before, cut;
        struct flat want = { 0 }, got;
        int pieces = (int)(duo_rng_bits(&r) % 11);
        for (int i = 0; i < pieces; i++) {
            struct duo_segment mark = { .voice = (int16_t)(duo_rng_bits(&r) % 3), .exit_layer = (uint8_t)(duo_rng_bits(&r) % 2), .layers = 4,
                                        .exit_above = .5f };
            int tokens = (int)(duo_rng_bits(&r) % 20);        /* some of them 0 */
            before = p;
            duo_path_append(&p, mark, want.n + tokens);
            for (int k = 0; k < tokens; k++) want.cell[want.n++] = mark.voice * 100 + mark.exit_layer;
            cut = p;
            duo_path_cut(&cut, want.n - tokens);
            CHECK(duo_path_equal(&cut, &before));             /* (3) */
        }
        got = flatten(&p);
        CHECK(got.n == want.n && memcmp(got.cell, want.cell, sizeof(int) * (size_t)want.n) == 0);
        CHECK_INT(duo_path_tokens(&p), want.n);
    }
}

static void path_overflow(void)
{
    struct duo_text_path p = duo_path_empty(0), longer;
    struct duo_answers *a = model(3, .7, 0);

    for (int i = 0; i < 40; i++) duo_path_append(&p, (struct duo_segment){ .voice = (int16_t)(i % 3) }, i + 1);
    CHECK_INT(p.n, DUO_MAX_SEGMENTS);
    CHECK_INT(p.segment[DUO_MAX_SEGMENTS - 1].voice, -1);     /* (2) */
    CHECK_INT(duo_path_tokens(&p), 40);
    longer = p;
    duo_path_append(&longer, (struct duo_segment){ .voice = 1 }, 50);
    CHECK_INT(a->kind->common(a, &p, &longer), 40);
    p.ended = true;
    CHECK_NEAR(grade(a, &p), NAN, 0);
    CHECK(write(a, 1, &longer, 3).tokens == 3);
    duo_answers_free(a);
}

/* ---- the declared model ---- */

static double area(const double *right, const double *signal, int n)    /* ROC area by counting pairs; ties half */
{
    double above = 0, pairs = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            if (right[i] > right[k]) pairs++, above += signal[i] > signal[k] ? 1 : signal[i] < signal[k] ? 0 : .5;
    return above / pairs;
}

static void confidence_has_its_auc(void)                      /* signals.h (2) */
{
    enum { N = 4000 };
    static double right[N], signal[N], gain[N], router[N];
    struct duo_answers *a = model(3, .7, 0);
    int score = duo_answers_score(a, "router");

    for (int v = 0; v < 3; v++) {
        double mean = 0;
        for (int i = 0; i < N; i++) {
            struct duo_text_path from = duo_path_empty(i);
            struct duo_written w = write(a, v, &from, 0);
            right[i]  = grade(a, &w.path);
            signal[i] = w.certainty.mean;
            mean += right[i] / N;
            CHECK(signal[i] > 0 && signal[i] < 1 && w.certainty.min <= w.certainty.last && w.certainty.min >= 0 && w.certainty.last <= 1);
        }
        /* s.e. of an area from 4000: at most sqrt(A (1 - A) / min(n+, n-)), n at least 800: .018; 3 s.e. */
        CHECK_NEAR(area(right, signal, N), voices[v].auc, .04);
        if (v == 0) CHECK_NEAR(mean, .5, .03);                /* (1): ability 0 against a symmetric difficulty */
    }
    for (int i = 0; i < N; i++) {
        struct duo_text_path first = duo_path_of(i, 0, a->kind->length(a, i, 0), true), last = duo_path_of(i, 2, a->kind->length(a, i, 2), true);
        gain[i]   = grade(a, &last) * (1 - grade(a, &first));
        router[i] = a->kind->score(a, i, score);
    }
    CHECK_NEAR(area(gain, router, N), .75, .06);
    duo_answers_free(a);
}

/* E of the odds exp(1.7 (ability - d)) times h, as a probability, over d ~ N(0, 1): midpoints. */
static double declared(double ability, double h)
{
    double sum = 0;
    for (int k = 0; k < 2000; k++) {
        double d = -8 + 16 * (k + .5) / 2000;
        sum += exp(-d * d / 2) / sqrt(2 * M_PI) * 16 / 2000 / (1 + exp(-1.7 * (ability - d)) / h);
    }
    return sum;
}

static void quality_is_the_declared_one(void)                 /* (1) */
{
    struct duo_answers *a = model(3, .7, 0);
    double want = declared(1.5, 1), got = 0, both = 0;
    enum { N = 40000 };

    for (int i = 0; i < N; i++) {
        struct duo_text_path small = duo_path_of(i, 0, 120, true), large = duo_path_of(i, 1, 120, true);
        double s = grade(a, &small), l = grade(a, &large);
        got += l / N, both += (s > l) / (double)N;
    }
    CHECK_NEAR(got, want, 3.5 * sqrt(want * (1 - want) / N));
    CHECK(both > 0 && both < .15);                            /* the small one is right where the large one is not: sometimes */
    duo_answers_free(a);
}

static int agrees(const struct duo_answers *a, int query, int position)
{
    struct duo_text_path stem = duo_path_of(query, 1, position, false), large = duo_path_of(query, 1, position + 1, false), small = stem;
    duo_path_append(&small, (struct duo_segment){ .voice = 0 }, position + 1);
    return a->kind->common(a, &small, &large) > position;
}

static void agreement_is_the_declared_chain(void)             /* (3) */
{
    static const struct { double mean, lag; } table[] = { { .7, 0 }, { .7, .3 }, { .5, .6 }, { .9, .9 } };

    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        struct duo_answers *a = model(2, table[t].mean, table[t].lag);
        double m = table[t].mean, sum = 0, pairs = 0, n = 0;
        int before = 0;
        for (int q = 0; q < 1500; q++)
            for (int p = 0; p < 100; p++) {
                int x = agrees(a, q, p);
                sum += x;
                if (p) pairs += (x == before), n++;
                before = x;
            }
        CHECK_NEAR(sum / 150000, m, 4 * sqrt(m * (1 - m) / 150000 * (1 + table[t].lag) / (1 - table[t].lag)));
        sum /= 150000;                                        /* P(same as before) = 1 - 2 m (1 - m) (1 - lag) */
        CHECK_NEAR(1 - (1 - pairs / n) / (2 * sum * (1 - sum)), table[t].lag, .02);
        duo_answers_free(a);
    }
}

static int speculate(const struct duo_answers *a, int query, int draft, int *rounds)
{
    struct duo_text_path p = duo_path_empty(query);
    struct duo_verified v;
    int accepted = 0;

    for (*rounds = 0; !p.ended; p = v.path, ++*rounds) {
        struct duo_written w = write(a, 0, &p, draft);
        a->kind->verify(a, 1, &p, &w.path, &v);
        CHECK(v.accepted <= w.tokens && duo_path_tokens(&v.path) >= duo_path_tokens(&p) + v.accepted);
        CHECK(duo_path_tokens(&v.path) == duo_path_tokens(&p) + v.accepted + 1 || v.path.ended);
        accepted += v.accepted;
    }
    CHECK(duo_path_equal(&p, &(struct duo_text_path){ .query = query, .n = 1, .ended = true,
                         .segment = { { .voice = 1, .to = a->kind->length(a, query, 1) } } }));      /* answers.h (4): the verifier's text */
    return accepted;
}

static void speculation_takes_the_closed_form(void)           /* Leviathan et al. 2023, eq. 1: (1 - a^(g+1)) / (1 - a) */
{
    static const struct { double a; int g; } table[] = { { .6, 2 }, { .7, 4 }, { .8, 5 }, { .9, 8 }, { .5, 1 } };

    voices[1].length = (struct duo_length_law){ DUO_FIXED, 20000, 0 };                        /* ends play no part */
    voices[0].length = voices[1].length;
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        struct duo_answers *a = model(2, table[t].a, 0);
        double want = (1 - pow(table[t].a, table[t].g + 1)) / (1 - table[t].a);
        int rounds, all = 0;
        for (int q = 0; q < 10; q++) speculate(a, q, table[t].g, &rounds), all += rounds;
        CHECK_NEAR(200000.0 / all, want, .02 * want);
        duo_answers_free(a);
    }
    voices[1].length = voices[0].length = (struct duo_length_law){ DUO_FIXED, 120, 0 };
}

static void speculation_at_the_limits(void)
{
    struct duo_answers *all = model(2, 1, 0), *none = model(2, 0, 0);
    int rounds;

    speculate(all, 5, 7, &rounds);
    CHECK_INT(rounds, 15);                                    /* 120 = 15 x (7 + 1) */
    speculate(all, 5, 0, &rounds);
    CHECK_INT(rounds, 1);                                     /* the whole answer is drafted, its end accepted */
    speculate(none, 5, 7, &rounds);
    CHECK_INT(rounds, 120);
    duo_answers_free(all);
    duo_answers_free(none);
}

/* ---- source.h, requirement by requirement ---- */

static void continuations(void)
{
    struct duo_answers *a = model(3, .7, 0);
    int disagreed = 0, recovered = 0;

    for (int q = 0; q < 300; q++) {
        struct duo_text_path empty = duo_path_empty(q), own = write(a, 0, &empty, 30).path, large = write(a, 1, &empty, 30).path;
        int same = a->kind->common(a, &own, &large);
        struct duo_text_path on = write(a, 1, &own, 0).path, drafted = write(a, 0, &large, 10).path, ahead = write(a, 0, &drafted, 10).path;
        struct duo_verified v;

        CHECK(write(a, 0, &own, 0).path.n == 1 && write(a, 0, &own, 0).path.ended);           /* its own prefix: (2) */
        CHECK_INT(duo_path_tokens(&on), 120);
        if (same == 30) {                                     /* it agreed all along: the verifier's own answer (2) */
            CHECK(on.n == 1 && on.segment[0].voice == 1 && !isnan(grade(a, &on)));
            recovered++;
        } else {
            CHECK(on.n == 2 && on.segment[0].to == 30);
            CHECK_NEAR(grade(a, &on), NAN, 0);
        }
        CHECK_INT(duo_path_tokens(&ahead), 50);               /* (3): as many as asked for */
        CHECK(ahead.n == 2 && ahead.segment[0].to == 30);
        a->kind->verify(a, 1, &large, &drafted, &v);
        if (v.accepted < 10) {                                /* what was drafted behind a disagreement never stands */
            struct duo_verified w;
            disagreed++;
            a->kind->verify(a, 1, &large, &ahead, &w);
            CHECK_INT(w.accepted, v.accepted);
            CHECK(duo_path_equal(&w.path, &v.path));
            CHECK_INT(a->kind->common(a, &ahead, &v.path), duo_path_tokens(&v.path) - 1);
        } else {
            CHECK(a->kind->common(a, &ahead, &v.path) >= 40);
        }
    }
    CHECK(disagreed > 250 && recovered >= 0);
    duo_answers_free(a);
}

static void ends(void)
{
    struct duo_answers *a;
    int at_end = 0, left = 0;

    voices[0].length = (struct duo_length_law){ DUO_FIXED, 60, 0 };
    a = model(2, .7, 0);
    voices[0].length = voices[1].length;
    for (int q = 0; q < 400; q++) {
        struct duo_text_path stem = duo_path_of(q, 1, 117, false), end = duo_path_of(q, 1, 120, true), piece;
        struct duo_written w = write(a, 0, &stem, 10);
        struct duo_verified v;

        a->kind->verify(a, 1, &stem, &w.path, &v);
        CHECK_INT(duo_path_tokens(&v.path), v.accepted < 3 ? 118 + v.accepted : 120);
        CHECK(v.path.ended == (v.accepted >= 2));
        if (w.path.ended) {                                   /* (3): agreed to the verifier's end */
            CHECK_INT(w.tokens, 3);
            CHECK_INT(v.accepted, 3);
            CHECK(duo_path_equal(&v.path, &end));
            CHECK_INT(a->kind->common(a, &w.path, &end), 120);
            CHECK_NEAR(grade(a, &w.path), grade(a, &end), 0); /* the same text, so the same grade */
            CHECK_INT(write(a, 0, &w.path, 5).tokens, 0);
            at_end++;
        } else {
            CHECK_INT(w.tokens, 10);
            CHECK(v.accepted < 3);
            left++;
        }
        piece = write(a, 0, &w.path, 1).path;                 /* in pieces it comes to an end, too */
        for (int i = 0; i < 300 && !piece.ended; i++) piece = write(a, 0, &piece, 1).path;
        CHECK(piece.ended);
    }
    CHECK_NEAR(at_end / 400.0, .343, .08);                    /* .7^3 */
    CHECK(left + at_end == 400);
    duo_answers_free(a);
}

static void lengths_that_differ(void)                         /* an end never equals a token that is none: (1) */
{
    struct duo_answers *a = model(3, 1, 0);                   /* small always agrees with large; its own answer is shorter or longer */

    for (int q = 0; q < 200; q++) {
        struct duo_text_path empty = duo_path_empty(q), small = write(a, 0, &empty, 0).path, large = write(a, 1, &empty, 0).path;
        CHECK_INT(a->kind->common(a, &small, &large), 120);   /* same length, all agreed */
        small = duo_path_of(q, 0, 119, false);
        duo_path_append(&small, (struct duo_segment){ .voice = 0 }, 130);
        CHECK_INT(a->kind->common(a, &small, &large), 119);
        CHECK_INT(a->kind->common(a, &large, &small), 119);
    }
    duo_answers_free(a);
}

static void exits(void)                                       /* (4) */
{
    struct duo_answers *a = model(2, .7, 0);
    double sure = 0, deep = 0, harmed = 0, expected = 0, want = 0;
    enum { N = 20000 };

    for (int i = 0; i < N; i++) {
        int q = i / 100, p = i % 100;
        bool early = a->kind->exits(a, &(struct duo_text_path){ .query = q }, 1, p, 8, 32, .7), late = a->kind->exits(a, &(struct duo_text_path){ .query = q }, 1, p, 24, 32, .7);
        CHECK(late || !early);                                /* one u a token: confidence rises with depth */
        sure += early, deep += late;
        CHECK(a->kind->exits(a, &(struct duo_text_path){ .query = q }, 1, p, 32, 32, .999));      /* at the last layer the mean is 1 */
    }
    /* Beta(m/(1-m), 1): P(c > x) = 1 - x^(m/(1-m)); m = .4 + .6 x 8/32 = .55, and .85 */
    CHECK_NEAR(sure / N, 1 - pow(.7, .55 / .45), .015);
    CHECK_NEAR(deep / N, 1 - pow(.7, .85 / .15), .015);
    for (int q = 0; q < 4000; q++) {
        struct duo_text_path from = duo_path_empty(q), whole = duo_path_of(q, 1, 120, true), other;
        struct duo_written w;
        struct duo_ask ask = { .voice = 1, .from = &from, .exit_layer = 8, .layers = 32, .exit_above = .7 };
        int at = 0, changed = 0;
        a->kind->write(a, &ask, &w);
        CHECK_INT(w.tokens, 120);
        for (other = duo_path_empty(q); at < 120; at++) {     /* each token by itself, after the full model's text */
            other = duo_path_of(q, 1, at, false);
            duo_path_append(&other, w.path.segment[0], at + 1);
            other.ended = at + 1 == 120;
            if (a->kind->common(a, &other, &whole) <= at) {
                changed++;
                CHECK(a->kind->exits(a, &(struct duo_text_path){ .query = q }, 1, at, 8, 32, .7));
            }
        }
        want += changed;
        if (changed == 0) CHECK_NEAR(grade(a, &w.path), grade(a, &whole), 0);
        expected += declared(1.5, pow(.9, changed)), harmed += grade(a, &w.path);
        CHECK(grade(a, &w.path) <= grade(a, &whole));         /* odds only fall: same uniform */
    }
    /* a changed token: c > .7 and w > c: the integral of (1 - c) k c^(k-1) from .7 to 1, k = .55/.45 */
    {
        double k = .55 / .45;
        double share = (1 - pow(.7, k)) - k / (k + 1) * (1 - pow(.7, k + 1));
        CHECK_NEAR(want / 4000 / 120, share, .003);
        CHECK_NEAR(harmed / 4000, expected / 4000, .02);
    }
    duo_answers_free(a);
}

static void stopping_and_votes(void)
{
    struct duo_answers *a = model(2, .7, 0);
    double early = 0, share[2] = { 0 }, n[2] = { 0 };

    for (int q = 0; q < 2000; q++) {
        struct duo_text_path from = duo_path_empty(q);
        struct duo_written w, v;
        struct duo_ask ask = { .voice = 0, .from = &from, .tokens = 20, .stop_below = .2 };
        int right;
        a->kind->write(a, &ask, &w);
        CHECK(w.tokens >= 1 && w.tokens <= 20);
        if (w.tokens < 20) {
            early++;
            CHECK(w.certainty.last < .2 && w.certainty.min >= 0);
            if (w.tokens > 1) CHECK(write(a, 0, &from, w.tokens - 1).certainty.min >= .2);
        } else {
            CHECK(w.certainty.min >= .2 || w.certainty.last < .2);
        }
        ask = (struct duo_ask){ .voice = 0, .from = &from, .temperature = .7, .samples = 8 };
        a->kind->write(a, &ask, &v);
        right = grade(a, &v.path) > .5;
        share[right] += v.agreement, n[right]++;
        CHECK(v.agreement >= 1.0 / 8 && v.agreement <= 1 && isnan(w.agreement));
    }
    CHECK(early > 500 && early < 2000);
    CHECK(share[1] / n[1] > share[0] / n[0] + .05);           /* an AUC of .7 shows in the vote */
    duo_answers_free(a);
}

static void laws_and_queries(void)
{
    struct duo_answers *a = model(3, .7, 0), *s;
    struct duo_synthetic_spec spec = { .n_voices = 2, .voices = voices, .slope = 1, .prompt_tokens = { DUO_LOGNORMAL, 300, .8 },
                                       .prompt_bytes = { DUO_UNIFORM, 2000, 42000 }, .train_share = .3, .sessions = 3 };
    double length = 0, prompt = 0, square = 0, train = 0;
    int low = 1000, high = 0;
    enum { N = 50000 };
    struct duo_query q, next;

    for (int i = 0; i < N; i++) {
        int l = a->kind->length(a, i, 2);
        low = l < low ? l : low, high = l > high ? l : high, length += l;
        a->kind->query(a, i, &q);
        CHECK(q.prompt_tokens >= 50 && q.prompt_tokens <= 450 && q.session == -1 && q.shared == 0);
        CHECK_NEAR(q.prompt_bytes, 4.0 * q.prompt_tokens, 0);
        train += q.train;
    }
    CHECK_INT(low, 20);
    CHECK_INT(high, 180);
    CHECK_NEAR(length / N, 100, 1);
    CHECK_NEAR(train / N, .3, .01);
    s = duo_answers_synthetic(&spec);
    for (int i = 0; i < N; i += 3) {
        s->kind->query(s, i, &q);
        prompt += q.prompt_tokens, square += (double)q.prompt_tokens * q.prompt_tokens;
        CHECK(q.session == i / 3 && q.turn == 0 && q.shared == 0 && q.prompt_bytes >= 2000 && q.prompt_bytes <= 42000);
        s->kind->query(s, i + 1, &next);
        CHECK(next.session == i / 3 && next.turn == 1);
        CHECK_INT(next.shared, q.prompt_tokens + s->kind->length(s, i, 1));
        CHECK(next.prompt_tokens > next.shared);
    }
    prompt /= N / 3.0, square /= N / 3.0;
    CHECK_NEAR(prompt, 300, 6);
    CHECK_NEAR(sqrt(square - prompt * prompt) / prompt, .8, .05);
    duo_answers_free(a);
    duo_answers_free(s);
}

/* answers.h (5): the same call gives the same result, in any order, after any other seed, whoever else speaks. */
static void purity(void)
{
    struct duo_answers *a = model(3, .7, .4), *fewer;
    enum { N = 200 };
    static struct duo_written first[N];
    static double graded[N];
    int rounds, before[N];

    for (int q = 0; q < N; q++) {
        struct duo_text_path from = duo_path_empty(q);
        first[q]  = write(a, q % 3, &from, q % 5 ? q % 40 : 0);
        graded[q] = q % 5 ? 0 : grade(a, &first[q].path);
        speculate(a, q, 4, &rounds);
        before[q] = rounds;
    }
    a->seed = 8;
    speculate(a, 3, 4, &rounds);
    a->seed = 7;
    fewer = model(2, .7, .4);
    for (int q = N - 1; q >= 0; q--) {
        struct duo_text_path from = duo_path_empty(q);
        struct duo_written again = write(a, q % 3, &from, q % 5 ? q % 40 : 0);
        CHECK(duo_path_equal(&again.path, &first[q].path) && again.tokens == first[q].tokens);
        CHECK_NEAR(again.certainty.mean, first[q].certainty.mean, 0);
        CHECK_NEAR(again.certainty.min, first[q].certainty.min, 0);
        if (q % 5 == 0) CHECK_NEAR(grade(a, &again.path), graded[q], 0);
        speculate(fewer, q, 4, &rounds);
        CHECK_INT(rounds, before[q]);
    }
    duo_answers_free(a);
    duo_answers_free(fewer);
}

static void random_texts(void)
{
    static const double acceptance[] = { .5, .9, 1 };

    for (int v = 0; v < 2; v++) voices[v].length = (struct duo_length_law){ DUO_UNIFORM, 1, 40 };
    for (int i = 0; i < 3; i++) {
        struct duo_answers *a = model(2, acceptance[i], .3);
        law_texts(a, 50, (uint64_t)i);
        duo_answers_free(a);
    }
}

int main(void)
{
    path_algebra();
    path_overflow();
    confidence_has_its_auc();
    quality_is_the_declared_one();
    agreement_is_the_declared_chain();
    speculation_takes_the_closed_form();
    speculation_at_the_limits();
    continuations();
    lengths_that_differ();
    ends();
    exits();
    stopping_and_votes();
    laws_and_queries();
    purity();
    random_texts();
    return check_done();
}
