/* text_laws.h - what must hold of texts that any source of answers writes (models/answers/source.h), tried on random ones. */
#ifndef DUO_TESTS_TEXT_LAWS_H
#define DUO_TESTS_TEXT_LAWS_H

#include "models/answers/answers.h"
#include "models/answers/path.h"
#include "sim/base/rng.h"
#include "tests/check.h"

static inline bool law_exits(const struct duo_text_path *p)
{
    for (int i = 0; i < p->n; i++)
        if (p->segment[i].exit_layer) return true;
    return false;
}

/* One random step from `from`: some voice writes, maybe with an exit, or verifies what another one drafted. */
static inline struct duo_text_path law_step(const struct duo_answers *a, struct duo_rng *r, const struct duo_text_path *from)
{
    int voice = (int)(duo_rng_bits(r) % (unsigned)a->n_voices), n = duo_path_tokens(from);
    bool exit = a->caps & DUO_CAP_EXITS && duo_rng_bits(r) % 8 == 0;
    struct duo_ask ask = { .voice = voice, .from = from, .tokens = (int)(duo_rng_bits(r) % 12), .exit_layer = exit ? 8 : 0, .layers = exit ? 32 : 0,
                           .exit_above = exit ? .9 : 0 };
    struct duo_written w, again;
    struct duo_verified v;

    if (ask.tokens == 0 && duo_rng_bits(r) % 4) ask.tokens = 3;
    a->kind->write(a, &ask, &w);
    a->kind->write(a, &ask, &again);
    CHECK(duo_path_equal(&w.path, &again.path) && w.tokens == again.tokens);                        /* answers.h (5) */
    CHECK_INT(duo_path_tokens(&w.path), n + w.tokens);
    CHECK(w.tokens >= 1 || from->ended);
    CHECK(ask.tokens == 0 || w.tokens <= ask.tokens);
    CHECK(w.tokens == ask.tokens || w.path.ended);            /* fewer only at the end; all of it ends */
    CHECK_INT(a->kind->common(a, &w.path, from), n);          /* it goes on from the text that was there */
    if (duo_rng_bits(r) % 2) return w.path;
    voice = (int)(duo_rng_bits(r) % (unsigned)a->n_voices);
    a->kind->verify(a, voice, from, &w.path, &v);
    CHECK(v.accepted >= 0 && v.accepted <= w.tokens);
    CHECK(from->ended || duo_path_tokens(&v.path) == n + v.accepted + 1 || (v.path.ended && duo_path_tokens(&v.path) == n + v.accepted));
    CHECK_INT(a->kind->common(a, &v.path, from), n);
    CHECK(a->kind->common(a, &v.path, &w.path) >= n + v.accepted);
    if (v.accepted < w.tokens) CHECK_INT(a->kind->common(a, &v.path, &w.path), n + v.accepted);    /* its own token is another one */
    return v.path;
}

/* Texts of the same query, written by chance, against each other.  For sources where at most two voices can be compared:
 * three agree pair by pair, which is no equivalence. */
static inline void law_texts(const struct duo_answers *a, int queries, uint64_t seed)
{
    enum { STEPS = 6 };
    struct duo_text_path text[2][STEPS + 1], cut;
    struct duo_rng r;

    duo_rng_init(&r, seed, "test.texts", 0);
    for (int trial = 0; trial < 60 * queries; trial++) {
        int q = trial % queries, x, y, n;
        for (int k = 0; k < 2; k++) {
            text[k][0] = duo_path_empty(q);
            for (int i = 0; i < STEPS; i++) text[k][i + 1] = law_step(a, &r, &text[k][i]);
        }
        x = (int)(duo_rng_bits(&r) % (STEPS + 1)), y = (int)(duo_rng_bits(&r) % (STEPS + 1));
        n = a->kind->common(a, &text[0][x], &text[1][y]);
        CHECK_INT(a->kind->common(a, &text[1][y], &text[0][x]), n);
        CHECK_INT(a->kind->common(a, &text[0][x], &text[0][x]), duo_path_tokens(&text[0][x]));
        CHECK(n <= duo_path_tokens(&text[0][x]) && n <= duo_path_tokens(&text[1][y]));
        for (int to = 0; to <= duo_path_tokens(&text[0][x]); to += 3) {    /* less of a text has as much in common, as far as it goes */
            cut = text[0][x];
            duo_path_cut(&cut, to);
            CHECK_INT(a->kind->common(a, &cut, &text[1][y]), to < n ? to : n);
        }
        if (text[0][x].ended && text[1][y].ended && n == duo_path_tokens(&text[0][x]) && n == duo_path_tokens(&text[1][y])
            && !law_exits(&text[0][x]) && !law_exits(&text[1][y])) {
            const char *why = NULL;                           /* the same text: a grade of both or of none */
            CHECK(isnan(a->kind->grade(a, &text[0][x], &why)) == isnan(a->kind->grade(a, &text[1][y], &why)));
        }
    }
}

#endif
