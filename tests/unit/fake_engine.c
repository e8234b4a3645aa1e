/* fake_engine.c - see the header. */
#include "tests/unit/fake_engine.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/truth.h"

struct duo_engine fake;

struct fake_script fake_script(void)
{
    struct fake_script s = { .seed = 1, .length = 60, .agree = 0.8, .pass = 0.11, .chance = { 0.5, 0.5 }, .score = 0.5, .quantile = 0.5,
                             .prompt_tokens = 100, .layers = 32 };

    for (int i = 0; i < FAKE_PLACES; i++)
        s.place[i] = (struct fake_place){ .first = i == 0 ? 0.02 : 0.06, .token = i == 0 ? 0.02 : 0.05, .quality = 0.5, .price = NAN,
            .confidence = { .mean = 0.9, .min = 0.9, .last = 0.9, .margin = 0.9, .entropy = 0.1 }, .fails_after = 0.5, .why = DUO_UNREACHABLE };
    return s;
}

static void broken(const char *what)
{
    if (!fake.broken[0]) snprintf(fake.broken, sizeof fake.broken, "%s", what);
    fake.done = true;
}

static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
    size_t n = strlen(fake.log);
    va_list args;

    va_start(args, format);
    vsnprintf(fake.log + n, sizeof fake.log - n, format, args);
    va_end(args);
}

static void gap(void) { if (fake.log[0]) say(" "); }

/* ---- texts ---- */

static unsigned mix(unsigned a, unsigned b)
{
    unsigned x = a * 0x9E3779B9u ^ (b + 0x7F4A7C15u) * 0x85EBCA6Bu;

    x ^= x >> 15;
    x *= 0xC2B2AE35u;
    return x ^ x >> 13;
}

/* The models at the cloud and at "third" are large ones, each with its own words; the device's is at "small", too. */
static int large_token(duo_place at, int i)
{
    return i >= fake.s.length - 1 ? FAKE_END : (int)(mix(fake.s.seed, (unsigned)i) % 1000) + 1000 * (at == 3);
}

static int token_of(duo_place at, const struct fake_text *x)
{
    bool off = false;
    int right = large_token(DUO_CLOUD, x->n);

    if (at == DUO_CLOUD || at == 3) return large_token(at, x->n);
    for (int i = 0; i < x->n && !off; i++) off = x->token[i] != large_token(DUO_CLOUD, i);
    if (off) return x->n >= fake.s.length + 20 ? FAKE_END : 5000 + x->n;
    if (mix(fake.s.seed ^ 77u, (unsigned)x->n) % 10000 < (unsigned)(fake.s.agree * 10000)) return right;
    return mix(fake.s.seed ^ 99u, (unsigned)x->n) % 16 == 0 && right != FAKE_END ? FAKE_END : right + 2;    /* wrong, or over too soon */
}

static bool ended(const struct fake_text *x) { return x->n > 0 && x->token[x->n - 1] == FAKE_END; }

static bool begins(const struct fake_text *whole, const struct fake_text *b)
{
    return b->n <= whole->n && memcmp(whole->token, b->token, sizeof *b->token * (size_t)b->n) == 0;
}

static bool is_text(duo_text t) { return t > 0 && t < fake.n_texts; }

static duo_text new_text(duo_text from)
{
    if (fake.n_texts == FAKE_TEXTS) abort();
    fake.texts[fake.n_texts] = fake.texts[from];
    return fake.n_texts++;
}

bool fake_is_own(duo_text t, duo_place at)
{
    struct fake_text x = { 0 };

    while (!ended(&x)) x.token[x.n] = token_of(at, &x), x.n++;
    return is_text(t) && x.n == fake.texts[t].n && begins(&x, &fake.texts[t]);
}

static void screen(const struct fake_text *x)
{
    if (!begins(x, &fake.shown)) { broken("showed another text than before"); return; }
    if (x->n > 0 && fake.shown.n == 0) fake.first_shown = fake.now;
    fake.shown = *x;
}

/* ---- steps ---- */

static duo_step later(double end, bool device, duo_text shows, int keep, struct duo_event event)
{
    for (int i = 0; i < FAKE_STEPS; i++)
        if (!fake.steps[i].live) {
            event.step = ++fake.last_id;
            fake.steps[i].live = true;
            fake.steps[i].device = device;
            fake.steps[i].end = end;
            fake.steps[i].shows = shows;
            fake.steps[i].keep = keep;
            fake.steps[i].event = event;
            return event.step;
        }
    broken("too many steps in flight");
    return ++fake.last_id;
}

static bool fails(duo_place at)
{
    int from = fake.s.place[at].fails_from;

    fake.steps_at[at]++;
    return from > 0 && fake.steps_at[at] >= from;
}

static duo_step fail(duo_place at, double end, enum duo_failure why, duo_text shows, int keep)
{
    return later(end, false, shows, keep, (struct duo_event){ .kind = DUO_FAILED, .at = at, .why = why });
}

duo_step duo_write(struct duo_turn *t, struct duo_work w)
{
    duo_place at = w.n_parts ? w.parts[w.n_parts - 1].at : w.at;
    const struct fake_place *p;
    duo_text out;
    double start;
    int wrote = 0;

    (void)t;
    gap();
    if (w.n_parts) {
        say("w[");
        for (int i = 0; i < w.n_parts; i++) {
            say("%s%d", i ? "," : "", w.parts[i].at);
            if (w.parts[i].to_layer) say("<%d", w.parts[i].to_layer);
            if (w.parts[i].exit_above > 0) say("/%g", w.parts[i].exit_above);
        }
        say("]");
    } else {
        say("w%d", w.at);
    }
    say("%s%s", w.show ? "!" : "", w.patience > 0 ? "~" : "");
    if (w.tokens) say("+%d", w.tokens);
    if (!is_text(w.from) || at < 0 || at >= FAKE_PLACES || w.tokens < 0) { broken("wrote from no text or at no place"); return ++fake.last_id; }
    if (fake.texts[w.from].n) say("@%d", fake.texts[w.from].n);
    if (ended(&fake.texts[w.from])) broken("wrote on after the end");
    p = &fake.s.place[at];
    out = new_text(w.from);
    while (!ended(&fake.texts[out]) && (w.tokens == 0 || wrote < w.tokens)) {
        struct fake_text *x = &fake.texts[out];
        int next = token_of(w.n_parts ? DUO_DEVICE : at, x);
        x->token[x->n++] = next;
        wrote++;
    }
    if (w.show && !begins(&fake.texts[out], &fake.shown)) broken("showed another text than before");
    if (fails(at)) return fail(at, fake.now + p->fails_after, p->why, w.show ? out : 0, fake.texts[w.from].n + p->shown_first);
    if (w.patience > 0 && p->first > w.patience) return fail(at, fake.now + w.patience, DUO_LATE, 0, 0);
    start = at == DUO_DEVICE ? fmax(fake.now, fake.device_free) : fake.now;
    start += p->first + (wrote - 1) * p->token;
    if (at == DUO_DEVICE) fake.device_free = start;
    fake.written[at] += wrote;
    return later(start, at == DUO_DEVICE, w.show ? out : 0, fake.texts[out].n, (struct duo_event){ .kind = DUO_WRITTEN, .at = at, .text = out,
                 .tokens = wrote, .ended = ended(&fake.texts[out]), .score = NAN, .confidence = p->confidence });
}

duo_step duo_verify(struct duo_turn *t, duo_place at, duo_text base, duo_text draft)
{
    duo_text out;
    struct fake_text *x;
    const struct fake_text *d;
    int accepted = 0;

    (void)t;
    gap();
    say("v%d", at);
    fake.rounds++;
    if (!is_text(base) || !is_text(draft) || !begins(&fake.texts[draft], &fake.texts[base])) { broken("verified what does not continue its base"); return ++fake.last_id; }
    if (fails(at)) return fail(at, fake.now + fake.s.place[at].fails_after, fake.s.place[at].why, 0, 0);
    out = new_text(base);
    x = &fake.texts[out], d = &fake.texts[draft];
    while (x->n < d->n && d->token[x->n] == large_token(at, x->n)) x->token[x->n] = d->token[x->n], x->n++, accepted++;
    if (!ended(x)) x->token[x->n] = large_token(at, x->n), x->n++;
    return later(fake.now + fake.s.pass, false, 0, 0, (struct duo_event){ .kind = DUO_VERIFIED, .at = at, .text = out, .tokens = accepted,
                 .ended = ended(x) });
}

duo_step duo_score(struct duo_turn *t, duo_place at, duo_scorer scorer, duo_text text)
{
    (void)t;
    gap();
    say("s%d", at);
    if (scorer < 0 || !is_text(text)) broken("scored nothing");
    if (fake.s.scorer_fails) return fail(at, fake.now + 0.01, DUO_NO_MEMORY, 0, 0);
    return later(fake.now + 0.01, false, 0, 0, (struct duo_event){ .kind = DUO_SCORED, .at = at, .score = fake.s.score });
}

duo_step duo_send(struct duo_turn *t, duo_place at, duo_text text)
{
    (void)t, (void)text;
    return later(fake.now, false, 0, 0, (struct duo_event){ .kind = DUO_SENT, .at = at });
}

duo_step duo_wait(struct duo_turn *t, double seconds)
{
    (void)t;
    gap();
    say("z");
    return later(fake.now + seconds, false, 0, 0, (struct duo_event){ .kind = DUO_RANG });
}

void duo_show(struct duo_turn *t, duo_text text)
{
    (void)t;
    if (is_text(text)) screen(&fake.texts[text]);
    else               broken("showed no text");
}

void duo_cancel(struct duo_turn *t, duo_step step)
{
    (void)t;
    gap();
    say("c");
    for (int i = 0; i < FAKE_STEPS; i++)
        if (fake.steps[i].live && fake.steps[i].event.step == step) {
            if (fake.steps[i].device) fake.device_free = fake.now;
            fake.steps[i].live = false;
            return;
        }
    broken("cancelled a step that is not in flight");
}

bool duo_begins(const struct duo_turn *t, duo_text whole, duo_text beginning)
{
    (void)t;
    if (!is_text(whole) || !is_text(beginning)) { broken("compared no text"); return false; }
    return begins(&fake.texts[whole], &fake.texts[beginning]);
}

bool   duo_fits(const struct duo_turn *t, duo_text text) { (void)t; return is_text(text) && begins(&fake.texts[text], &fake.shown); }
double duo_chance(const struct duo_turn *t, int index) { (void)t; return fake.s.chance[index]; }
double duo_truth_quality(const struct duo_turn *t, duo_place at) { (void)t; return fake.s.place[at].quality; }
int    duo_truth_length(const struct duo_turn *t, duo_place at) { (void)t, (void)at; return fake.s.length; }

void duo_answer(struct duo_turn *t, duo_text text)
{
    (void)t;
    gap();
    say("A");
    if (fake.done) broken("ended twice");
    if (!is_text(text) || !begins(&fake.texts[text], &fake.shown)) broken("the answer is not what was shown");
    else if (!ended(&fake.texts[text]))                            broken("the answer has no end");
    fake.answer = text;
    fake.done = true;
}

void duo_give_up(struct duo_turn *t, const char *why)
{
    (void)t;
    gap();
    say("G");
    if (fake.done) broken("ended twice");
    snprintf(fake.why, sizeof fake.why, "%s", why);
    fake.done = true;
}

/* ---- parameters ---- */

struct duo_params { int unused; };

static const char *value_of(const char *key)
{
    for (int i = 0; i < 8 && fake.s.params[i].key; i++)
        if (strcmp(fake.s.params[i].key, key) == 0) return fake.s.params[i].value;
    return NULL;
}

int duo_refuse(const struct duo_params *p, const char *key, const char *why)
{
    (void)p;
    snprintf(fake.refusal, sizeof fake.refusal, "%s: %s", key, why);
    return 2;
}

int duo_number_of(const struct duo_params *p, const char *key, double min, double max, double *out)
{
    const char *v = value_of(key);
    double x = v ? strtod(v, NULL) : 0;

    if (!v) return 0;
    if (!(x >= min && x <= max)) return duo_refuse(p, key, "out of range");
    *out = x;
    return 0;
}

int duo_text_of(const struct duo_params *p, const char *key, const char **out)
{
    (void)p;
    if (value_of(key)) *out = value_of(key);
    return 0;
}

duo_place duo_place_named(const struct duo_params *p, const char *name)
{
    static const char *const names[FAKE_PLACES] = { "device", "cloud", "small", "third" };

    (void)p;
    for (int i = 0; i < FAKE_PLACES; i++)
        if (strcmp(names[i], name) == 0 && !(i == 2 && fake.s.no_small)) return i;
    return DUO_NOWHERE;
}

int duo_place_of(const struct duo_params *p, const char *key, duo_place *out)
{
    const char *v = value_of(key);

    if (!v) return 0;
    return (*out = duo_place_named(p, v)) == DUO_NOWHERE ? duo_refuse(p, key, "no such place") : 0;
}

duo_scorer duo_scorer_named(const struct duo_params *p, const char *name)
{
    (void)p;
    return strcmp(name, "router") == 0 ? 0 : strcmp(name, "other") == 0 ? 1 : strcmp(name, "mine.csv") == 0 ? 2 : -1;
}

int duo_scorer_of(const struct duo_params *p, const char *key, duo_scorer *out)
{
    const char *v = value_of(key);

    if (!v) return 0;
    return (*out = duo_scorer_named(p, v)) < 0 ? duo_refuse(p, key, "no such score") : 0;
}

int duo_blob_of(const struct duo_params *p, const char *key, const void **out, size_t *bytes)
{
    (void)p, (void)key, (void)out, (void)bytes;
    return 0;
}

int duo_quantile_of(const struct duo_params *p, const char *signal, double q, double *out)
{
    (void)p;
    snprintf(fake.asked_signal, sizeof fake.asked_signal, "%s", signal);
    fake.asked_q = q;
    *out = q <= 0 ? -INFINITY : fake.s.quantile;
    return 0;
}

/* ---- a run ---- */

static void start(const struct fake_script *script)
{
    memset(&fake, 0, offsetof(struct duo_engine, texts));
    fake.texts[1].n = 0;
    memset((char *)&fake + offsetof(struct duo_engine, n_texts), 0, sizeof fake - offsetof(struct duo_engine, n_texts));
    fake.s = *script;
    fake.n_texts = 2;
    fake.asked_q = fake.first_shown = NAN;
}

static max_align_t config[16], request[16];

int fake_init(const struct duo_policy *policy, const struct fake_script *script)
{
    struct duo_params p = { 0 };

    start(script);
    memset(config, 0, sizeof config);
    if (policy->config_size > sizeof config || policy->request_size > sizeof request) abort();
    return policy->init ? policy->init(config, &p) : 0;
}

static int earliest(void)
{
    int first = -1;

    for (int i = 0; i < FAKE_STEPS; i++)
        if (fake.steps[i].live && (first < 0 || fake.steps[i].end < fake.steps[first].end ||
                                   (fake.steps[i].end <= fake.steps[first].end && fake.steps[i].event.step < fake.steps[first].event.step)))
            first = i;
    return first;
}

void fake_run(const struct duo_policy *policy, const struct fake_script *script)
{
    struct duo_place_view places[FAKE_PLACES];
    struct duo_view view = { .size = sizeof view, .prompt_tokens = script->prompt_tokens, .deadline = INFINITY, .battery = 1,
                             .link_up = !script->link_down, .n_places = FAKE_PLACES, .places = places };
    struct duo_turn turn = { .view = &view, .prompt = 1, .config = config, .request = request, .engine = &fake,
                             .event = { .kind = DUO_ARRIVED } };

    if (fake_init(policy, script) != 0) { broken("refused"); return; }
    memset(request, 0, sizeof request);
    for (int i = 0; i < FAKE_PLACES; i++)
        places[i] = (struct duo_place_view){ .model = "m", .layers = script->layers, .price = script->place[i].price };
    for (policy->next(&turn); !fake.done; policy->next(&turn)) {
        int i = earliest();

        if (i < 0) { broken("asked for nothing"); return; }
        fake.now = fake.steps[i].end;
        fake.steps[i].live = false;
        if (fake.steps[i].shows) {
            struct fake_text x = fake.texts[fake.steps[i].shows];
            if (fake.steps[i].keep < x.n) x.n = fake.steps[i].keep;
            if (x.n > fake.shown.n) screen(&x);
        }
        turn.event = fake.steps[i].event;
        if (fake.done) return;
    }
}
