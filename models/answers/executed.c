/* executed.c - answers that real models give while the run goes on.
 *
 * (1) A text is token ids.  They are found from its path by letting its voices write it again, which the speaker remembers.
 * (2) A text that a voice would have written by itself is named as that voice's own, whoever wrote it.
 * (3) A text that would need more than DUO_MAX_SEGMENTS is kept as it is, under a number (DUO_VOICE_KEPT); no path is inexact.
 * (4) Greedy is the voice's own choice.  Of several samples the text that most of them are is given (duo_grained_vote).  One
 *     sample at a temperature is drawn anew for each of a request's steps, 128 of them before draws come again.
 * (5) An early exit is that of the nearest depth; what is behind is caught up, so a split changes no token.  A text knows one exit.
 * (6) How sure a voice was: over the numbers of its tokens; not known with an early exit, or of a vote that another text won.
 * (7) A model that breaks ends the run: `failure` says why.  What is returned until the run has noticed has no meaning. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/grained.h"
#include "models/answers/house.h"
#include "models/answers/source.h"
#include "sim/base/rng.h"

enum { TEXTS = 32, VOTES = 127, DRAWS = 128 };

struct ids { int32_t *at; int n, room; };
struct text { struct duo_text_path path; struct ids ids; uint64_t used; };

struct executed {
    struct duo_source s;
    struct duo_house *house;
    struct text       text[TEXTS];               /* paths whose ids were found last */
    uint64_t          clock;
    struct ids        line, made;                /* prompt and answer for a model; a text that is being made */
    int               n_kept;
    struct ids       *kept;                      /* (3) */
    char              failure[800];
};

/* The answers are const to those who ask; what was found is ours to remember. */
static struct executed *of(const struct duo_answers *a) { return (struct executed *)(uintptr_t)a; }

static void add(struct ids *to, const int32_t *ids, int n)
{
    if (to->n + n > to->room) to->at = duo_grow(to->at, (size_t)(to->room = 2 * (to->n + n)), sizeof *to->at);
    if (n) memcpy(to->at + to->n, ids, (size_t)n * sizeof *ids);
    to->n += n;
}

static bool begins(const int32_t *whole, int n, const int32_t *ids, int m)
{
    return m <= n && (m == 0 || memcmp(whole, ids, (size_t)m * sizeof *ids) == 0);
}

static void fail(struct executed *x, const struct duo_err *err)                               /* (7) */
{
    if (x->s.a.failure) return;
    snprintf(x->failure, sizeof x->failure, "%s%s%s", err->file, *err->file ? ": " : "", err->text);
    x->s.a.failure = x->failure;
}

static const struct duo_own *own_of(struct executed *x, int query, int voice)
{
    const struct duo_own *own;
    struct duo_err err = { 0 };

    if (duo_house_own(x->house, query, voice, &own, &err) != DUO_OK) fail(x, &err);
    return own;
}

/* ---- what voices write */

static uint64_t seed_of(const struct executed *x, int query, int draw)                        /* (4) */
{
    if (draw <= VOTES) return (uint64_t)draw;
    return duo_hash(duo_hash(x->s.a.seed, "sample", (uint64_t)query), "draw", (uint64_t)draw);
}

static struct duo_say say_of(const struct executed *x, int query, const struct duo_segment *mark, int tokens)
{
    struct duo_say how = { .tokens = tokens };

    if (duo_segment_drawn(mark)) how.temperature = -(double)mark->exit_above, how.seed = seed_of(x, query, mark->layers);
    if (mark->exit_layer) {
        how.exit_layer = duo_grained_layer(mark->exit_layer, mark->layers, duo_speaker_layers(x->house->speaker, mark->voice));
        how.exit_above = how.exit_layer ? (double)mark->exit_above : 0;
    }
    return how;
}

static struct duo_said say(struct executed *x, int query, int voice, const int32_t *ids, int n, const struct duo_say *how)
{
    const struct duo_prompt *p = duo_house_prompt(x->house, query, voice);
    struct duo_said said = { 0 };
    struct duo_err err = { 0 };

    x->line.n = 0;
    add(&x->line, p->ids, p->n);
    add(&x->line, ids, n);
    if (how->tokens > 0 && duo_speaker_say(x->house->speaker, voice, x->line.at, x->line.n, how, &said, &err) != DUO_OK) fail(x, &err);
    return said;
}

/* ---- ids of a path (1) */

static void find_segment(struct executed *x, int query, const struct duo_segment *g, struct ids *to)
{
    int tokens = g->to - g->from;
    const struct duo_own *own;
    struct duo_say how;
    struct duo_said said;

    if (g->voice == DUO_VOICE_KEPT) {
        const struct ids *kept = &x->kept[(int)-g->exit_above - 1];
        add(to, kept->at, g->to);
        return;
    }
    how = say_of(x, query, g, tokens);
    own = how.temperature > 0 || how.exit_layer ? NULL : own_of(x, query, g->voice);
    if (own && own->n >= g->to && begins(own->ids, own->n, to->at, g->from)) {
        add(to, own->ids + g->from, tokens);
        return;
    }
    said = say(x, query, g->voice, to->at, g->from, &how);
    add(to, said.ids, said.n);
    for (int32_t none = 0; said.n < tokens && x->s.a.failure; said.n++) add(to, &none, 1);    /* (7) */
    assert(said.n == tokens);
}

/* Valid until TEXTS - 1 others have been asked for. */
static const int32_t *ids_of(struct executed *x, const struct duo_text_path *p)
{
    struct text *oldest = &x->text[0];

    if (p->n == 1 && p->segment[0].voice >= 0 && !p->segment[0].exit_layer && !duo_segment_drawn(&p->segment[0])) {
        const struct duo_own *own = own_of(x, p->query, p->segment[0].voice);
        if (own->n >= p->segment[0].to) return own->ids;
    }
    for (int i = 0; i < TEXTS; i++) {
        struct text *t = &x->text[i];
        if (t->used && t->ids.n == duo_path_tokens(p) && duo_path_equal(&t->path, p)) {
            t->used = ++x->clock;
            return t->ids.at;
        }
        if (t->used < oldest->used) oldest = t;
    }
    oldest->path  = *p;
    oldest->ids.n = 0;
    oldest->used  = ++x->clock;
    for (int i = 0; i < p->n; i++) find_segment(x, p->query, &p->segment[i], &oldest->ids);
    return oldest->ids.at;
}

/* ---- names of texts */

static int keep(struct executed *x, const int32_t *ids, int n)
{
    for (int i = 0; i < x->n_kept; i++)
        if (x->kept[i].n == n && begins(x->kept[i].at, n, ids, n)) return i;
    x->kept = duo_grow(x->kept, (size_t)x->n_kept + 1, sizeof *x->kept);
    x->kept[x->n_kept] = (struct ids){ 0 };
    add(&x->kept[x->n_kept], ids, n);
    return x->n_kept++;
}

/* The text `from`, then the last of ids[0 .. n) as `mark` says who wrote them. */
static struct duo_text_path name(struct executed *x, const struct duo_text_path *from, struct duo_segment mark, const int32_t *ids, int n, bool ended)
{
    struct duo_text_path path = *from;
    const struct duo_own *own = own_of(x, from->query, mark.voice);
    int before = duo_path_tokens(from);

    if (begins(own->ids, own->n, ids, n)) return duo_path_of(from->query, mark.voice, n, ended);        /* (2) */
    if (path.n == DUO_MAX_SEGMENTS && !duo_segment_same(&path.segment[path.n - 1], &mark)) {            /* (3) */
        path = duo_path_empty(from->query);
        duo_path_append(&path, (struct duo_segment){ .voice = DUO_VOICE_KEPT, .exit_above = -(float)(keep(x, ids, before) + 1) }, before);
    }
    duo_path_append(&path, mark, n);
    path.ended = ended && n > 0;
    return path;
}

/* ---- the contract */

static void query(const struct duo_answers *a, int index, struct duo_query *out) { *out = of(a)->house->query[index]; }

static int length(const struct duo_answers *a, int q, int voice) { return own_of(of(a), q, voice)->n; }

/* (4): the winner's mark; *share of the votes. */
static struct duo_segment vote(struct executed *x, const struct duo_ask *ask, const int32_t *ids, int n, int tokens, double *share)
{
    struct duo_segment mark = { .voice = (int16_t)ask->voice, .exit_above = -(float)ask->temperature };
    int samples = ask->samples < VOTES ? ask->samples : VOTES;
    char **texts = duo_new((size_t)samples, sizeof *texts);

    for (int i = 0; i < samples; i++) {
        mark.layers = (uint8_t)(i + 1);
        struct duo_say how = say_of(x, ask->from->query, &mark, tokens);
        struct duo_said said = say(x, ask->from->query, ask->voice, ids, n, &how);
        texts[i] = duo_speaker_decode(x->house->speaker, ask->voice, said.ids, said.n);
    }
    mark.layers = (uint8_t)(duo_grained_vote((const char *const *)texts, samples, share) + 1);
    for (int i = 0; i < samples; i++) free(texts[i]);
    free(texts);
    return mark;
}

static struct duo_segment mark_of(struct executed *x, const struct duo_ask *ask, const int32_t *ids, int n, int tokens, double *share)
{
    struct duo_segment mark = { .voice = (int16_t)ask->voice, .exit_layer = (uint8_t)ask->exit_layer, .layers = (uint8_t)ask->layers,
                                .exit_above = (float)ask->exit_above };

    assert(ask->voice >= 0 && ask->voice < x->house->n_voices && ask->exit_layer < 256 && ask->layers < 256);
    if (ask->samples > VOTES) fail(x, &(struct duo_err){ .text = "more than 127 samples to vote on" });
    if (ask->exit_layer && ask->temperature > 0) fail(x, &(struct duo_err){ .text = "an early exit at a temperature: exits are greedy" });
    if (mark.exit_layer) return mark;
    if (!(ask->temperature > 0)) *share = ask->samples > 1 ? 1 : (double)NAN;
    else if (ask->samples > 1) mark = vote(x, ask, ids, n, tokens, share);
    else mark.layers = (uint8_t)(VOTES + 1 + ask->sample % DRAWS), mark.exit_above = -(float)ask->temperature;
    return mark;
}

/* Greedy, from a beginning of its own answer: that goes on, and ends where it ends. */
static bool write_own(struct executed *x, const struct duo_ask *ask, const struct duo_segment *mark, const int32_t *ids, int n, struct duo_written *out)
{
    int query = ask->from->query, tokens;
    const struct duo_own *own;

    if (mark->exit_layer || duo_segment_drawn(mark)) return false;
    own = own_of(x, query, ask->voice);
    if (n >= own->n || !begins(own->ids, own->n, ids, n)) return false;
    tokens = ask->tokens > 0 && ask->tokens < own->n - n ? ask->tokens : own->n - n;
    if (ask->stop_below > 0) {
        int stop = duo_grained_unsure(own->numbers + n, tokens, ask->stop_below);
        if (stop < tokens) tokens = stop + 1;
    }
    out->tokens = tokens;
    out->path   = duo_path_of(query, ask->voice, n + tokens, n + tokens == own->n);
    if (!ask->plain) out->certainty = duo_grained_certainty(own->numbers + n, tokens, NULL, 0);
    return true;
}

static void write(const struct duo_answers *a, const struct duo_ask *ask, struct duo_written *out)
{
    struct executed *x = of(a);
    int query = ask->from->query, n = duo_path_tokens(ask->from), room = duo_house_most(x->house, query) - n;
    int tokens = ask->tokens > 0 && ask->tokens < room ? ask->tokens : room;
    const int32_t *ids = ids_of(x, ask->from);
    struct duo_segment mark;
    struct duo_say how;
    struct duo_said said;

    *out = (struct duo_written){ .certainty = duo_certainty_unknown, .agreement = NAN, .path = *ask->from };
    if (ask->from->ended || room < 1) return;
    mark = mark_of(x, ask, ids, n, tokens, &out->agreement);
    if (write_own(x, ask, &mark, ids, n, out)) return;
    how = say_of(x, query, &mark, tokens);
    how.stop_below = ask->stop_below;
    said = say(x, query, ask->voice, ids, n, &how);
    x->made.n = 0;
    add(&x->made, ids, n);
    add(&x->made, said.ids, said.n);
    out->tokens = said.n;
    if (!ask->plain && !mark.exit_layer) out->certainty = duo_grained_certainty(said.numbers, said.n, NULL, 0);
    out->path = name(x, ask->from, mark, x->made.at, n + said.n, said.ended || said.n == room);
    if (ask->samples > 1 && duo_segment_drawn(&out->path.segment[out->path.n - 1])) out->certainty = duo_certainty_unknown;   /* (6) */
}

static void verify(const struct duo_answers *a, int voice, const struct duo_text_path *base, const struct duo_text_path *draft, struct duo_verified *out)
{
    struct duo_ask ask = { .voice = voice, .from = base, .plain = true, .tokens = duo_path_tokens(draft) - duo_path_tokens(base) + 1 };
    struct duo_written w;
    int n = duo_path_tokens(base);

    *out = (struct duo_verified){ .path = *base };
    if (base->ended) return;
    write(a, &ask, &w);
    out->path = w.path;
    out->accepted = a->kind->common(a, draft, &w.path) - n;
    if (out->accepted < 0) out->accepted = 0;
    duo_path_cut(&out->path, n + out->accepted + 1);
}

static int common(const struct duo_answers *a, const struct duo_text_path *p, const struct duo_text_path *q)
{
    struct executed *x = of(a);
    const int32_t *s, *t;
    int n = duo_path_tokens(p), m = duo_path_tokens(q), least = n < m ? n : m, i = 0;

    if (p->query != q->query) return 0;
    s = ids_of(x, p), t = ids_of(x, q);
    while (i < least && s[i] == t[i]) i++;
    if ((p->ended && n == i && !(q->ended && m == i)) || (q->ended && m == i && !(p->ended && n == i))) i--;
    return i;
}

static bool exits(const struct duo_answers *a, const struct duo_text_path *text, int voice, int position, int layer, int layers, double above)
{
    struct executed *x = of(a);
    struct duo_speaker *speaker = x->house->speaker;
    const struct duo_prompt *p = duo_house_prompt(x->house, text->query, voice);
    int n = duo_path_tokens(text), own = duo_speaker_layers(speaker, voice), at = duo_grained_layer(layer, layers, own);
    const int32_t *ids = ids_of(x, text);
    struct duo_left *left, here;
    struct duo_err err = { 0 };

    if (!at || position >= n) return false;
    left = duo_new((size_t)n * (size_t)(own - 1), sizeof *left);
    x->line.n = 0;
    add(&x->line, p->ids, p->n);
    add(&x->line, ids, n);
    if (duo_speaker_exits(speaker, voice, x->line.at, p->n, n, left, &err) != DUO_OK) fail(x, &err);
    here = left[(size_t)position * (size_t)(own - 1) + (size_t)at - 1];
    free(left);
    if (!duo_grained_leaves(here.probability, above)) return false;
    if (here.choice != ids[position]) fail(x, &(struct duo_err){ .text = "a second early exit would change the text: executed answers know one" });   /* (5) */
    return true;
}

static double score(const struct duo_source *s, int q, int which)
{
    struct executed *x = of(&s->a);
    double out = NAN;
    struct duo_err err = { 0 };

    if (duo_house_score(x->house, q, which, &out, &err) != DUO_OK) fail(x, &err);
    return out;
}

static double grade(const struct duo_answers *a, const struct duo_text_path *p, const char **why)
{
    struct executed *x = of(a);
    int voice = p->n && p->segment[p->n - 1].voice >= 0 ? p->segment[p->n - 1].voice : 0;

    (void)why;
    return duo_house_grade(x->house, p->query, voice, ids_of(x, p), duo_path_tokens(p));
}

static void done(struct duo_answers *a)
{
    struct executed *x = of(a);

    for (int i = 0; i < TEXTS; i++) free(x->text[i].ids.at);
    for (int i = 0; i < x->n_kept; i++) free(x->kept[i].at);
    free(x->kept), free(x->line.at), free(x->made.at);
    duo_house_leave(x->house);
    duo_source_done(&x->s);
    free(x);
}

static const struct duo_answers_kind answers_kind = {
    .name = "executed", .query = query, .length = length, .write = write, .verify = verify, .common = common, .exits = exits,
    .score = duo_source_score, .grade = grade, .free = done };
static const struct duo_source_kind source_kind = { .score = score };

static void label(const struct duo_executed_spec *s, char *out, size_t n)
{
    size_t used = (size_t)snprintf(out, n, "executed");

    for (int i = 0; i < s->n_voices && used < n; i++) {
        const char *slash = strrchr(s->voices[i].path, '/');
        used += (size_t)snprintf(out + used, n - used, "%s %s", i ? "," : "", slash ? slash + 1 : s->voices[i].path);
    }
}

enum duo_status duo_answers_executed(struct duo_answers **out, const struct duo_executed_spec *spec, struct duo_err *err)
{
    struct duo_house *house;
    struct executed *x;
    char text[160];
    bool deep = false;

    *out = NULL;
    DUO_TRY(duo_house_open(&house, spec, err));
    x = duo_new(1, sizeof *x);
    label(spec, text, sizeof text);
    duo_source_init(&x->s, house->n_voices, (const char *const *)house->names, text);
    for (int i = 0; i < house->n_voices; i++) deep |= duo_speaker_layers(house->speaker, i) > 1;
    x->house         = house;
    x->s.kind        = &source_kind;
    x->s.anywhere    = true;
    x->s.a.kind      = &answers_kind;
    x->s.a.n_queries = house->tasks.n;
    x->s.a.caps      = DUO_CAP_OUTCOME | DUO_CAP_LENGTH | DUO_CAP_CONFIDENCE | DUO_CAP_AGREEMENT | (deep ? DUO_CAP_EXITS : 0u);
    for (int i = 0; i < house->n_scores; i++) x->s.own_scores = duo_source_add_score(&x->s, house->score_names[i]) + 1;
    x->s.a.quality_status = x->s.a.signal_status = "measured";
    *out = &x->s.a;
    return DUO_OK;
}
