/* fake_engine.h - a small engine that does to a policy what a test tells it: one request, constant costs, texts that
 * are really built token by token, failures and confidences by script.  It checks the contract as it goes: what a
 * policy must not do stands in fake.broken.
 *
 * fake.log tells the policy's calls: "w0" a write at place 0, then "!" shown, "~" with patience, "+4" at most four
 * tokens, "@8" from a text of eight; "w[0<16/0.8,1]" in parts; v1 verify, s0 score, z wait, c cancel; A answer, G give up. */
#ifndef DUO_TESTS_FAKE_ENGINE_H
#define DUO_TESTS_FAKE_ENGINE_H

#include "policies/policy.h"

enum { FAKE_PLACES = 4, FAKE_TOKENS = 400, FAKE_TEXTS = 2000, FAKE_STEPS = 16, FAKE_END = -1 };    /* device, cloud, small, third */

struct fake_place {
    double first, token;             /* s to the first token, s a token */
    struct duo_confidence confidence;
    double quality, price;
    int    fails_from;               /* the n-th step here and all later ones fail; 0: none */
    int    shown_first;              /* tokens that a shown step still shows before it fails */
    double fails_after;
    enum duo_failure why;
};

struct fake_script {
    unsigned seed;
    int      length;                 /* of the cloud's answer, its end included */
    double   agree, pass;            /* how often the device's token is the cloud's; s a verification takes */
    double   chance[2], score, quantile;
    bool     scorer_fails, link_down, no_small;
    int      prompt_tokens, layers;
    struct fake_place place[FAKE_PLACES];
    struct { const char *key, *value; } params[8];
};

struct fake_text { int n, token[FAKE_TOKENS]; };

struct duo_engine {
    struct fake_script s;
    struct fake_text   texts[FAKE_TEXTS];    /* 0: none, 1: the prompt */
    int                n_texts, steps_at[FAKE_PLACES];
    struct { bool live, device; double end; duo_text shows; int keep; struct duo_event event; } steps[FAKE_STEPS];
    duo_step           last_id;
    double             now, device_free;
    duo_text           answer;
    struct fake_text   shown;
    double             first_shown;
    bool               done;
    int                rounds, written[FAKE_PLACES];
    char               log[4000], why[80], broken[120];
    const char        *key;                  /* duo_refuse */
    char               refusal[200];
    double             asked_q;
    char               asked_signal[40];
};

extern struct duo_engine fake;

struct fake_script fake_script(void);        /* a quiet world: nothing fails, everybody is sure */
void fake_run(const struct duo_policy *, const struct fake_script *);
int  fake_init(const struct duo_policy *, const struct fake_script *);    /* init alone: its status */
bool fake_is_own(duo_text, duo_place);       /* the text that this place writes alone */

#endif
