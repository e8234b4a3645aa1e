/* synthetic.c - answers of a declared model, `assumed`; the draws are those of signals.h.
 *
 * (1) Any number of queries, none stored.
 * (2) A session of T turns is T queries in a row.  A turn's prompt is the turns before it with the last (strongest)
 *     voice's answers, which `shared` counts, and its own new part.
 * (3) Quality is 1 or 0: that of the voice whose whole answer a text is, early exits counted (signals.h (1), (4));
 *     any other text is unknown. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "models/answers/signals.h"
#include "models/answers/source.h"

struct synthetic {
    struct duo_source         s;
    struct duo_signals       *signals;
    struct duo_synthetic_spec spec;          /* voices: not kept */
};

static const struct synthetic *of(const struct duo_source *s) { return (const struct synthetic *)s; }

static int length(const struct duo_source *, int query, int voice);

static int new_part(const struct synthetic *y, int query)
{
    const struct duo_length_law *law = &y->spec.prompt_tokens;
    const struct duo_answers *a = &y->s.a;

    if (a->n_lengths) return a->prompt_lengths[query % a->n_lengths];
    return duo_signals_draw_length(law, law->kind == DUO_FIXED ? 0 : duo_signals_prompt(y->signals, y->s.a.seed, query, false));
}

static void query(const struct duo_answers *a, int index, struct duo_query *out)
{
    const struct synthetic *y = of(duo_source_of(a));
    const struct duo_length_law *bytes = &y->spec.prompt_bytes;
    double tokens = new_part(y, index), shared = 0;
    int turns = y->spec.sessions, turn = turns > 1 ? index % turns : 0;

    for (int i = index - turn; i < index; i++)                                                /* (2) */
        shared += new_part(y, i) + length(&y->s, i, a->n_voices - 1);
    *out = (struct duo_query){
        .index = index, .prompt_tokens = (int)fmin(tokens + shared, INT_MAX / 2), .shared = (int)fmin(shared, INT_MAX / 2),
        .session = turns > 1 ? index / turns : -1, .turn = turn, .train = duo_signals_train(index, y->spec.train_share),
        .attachment = y->spec.attachment, .attachment_bytes = y->spec.attachment_bytes };
    if (bytes->kind == DUO_FIXED && !(bytes->a > 0)) out->prompt_bytes = out->prompt_tokens * y->spec.bytes_per_token;
    else out->prompt_bytes = duo_signals_draw_length(bytes, duo_signals_prompt(y->signals, a->seed, index, true));
}

static int length(const struct duo_source *s, int query, int voice)
{
    if (s->a.n_lengths) return s->a.answer_lengths[query % s->a.n_lengths];
    return duo_signals_length(of(s)->signals, s->a.seed, query, voice);
}

static int thinking(const struct duo_source *s, int query, int voice)
{
    return duo_signals_thinking(of(s)->signals, s->a.seed, query, voice);
}

static double right(const struct duo_source *s, int query, int voice)
{
    return duo_signals_right(of(s)->signals, s->a.seed, query, voice, 0);
}

static void certainty(const struct duo_source *s, int query, int voice, int from, int to, bool own, struct duo_certainty *out)
{
    int whole = own ? to : length(s, query, voice);
    duo_signals_certainty(of(s)->signals, s->a.seed, query, voice, from, to, whole, right(s, query, voice), out);
}

static double vote(const struct duo_source *s, const struct duo_ask *ask)
{
    return duo_signals_vote(of(s)->signals, s->a.seed, ask, right(s, ask->from->query, ask->voice));
}

static bool drafts(const struct duo_source *s, int query, int x, int y)
{
    (void)query;
    return duo_signals_drafts(of(s)->signals, x, y);
}

static int differ(const struct duo_source *s, int query, int drafter, int verifier, int from, int to)
{
    return duo_signals_differ(of(s)->signals, s->a.seed, query, drafter, verifier, from, to);
}

static int early(const struct duo_source *s, int query, const struct duo_segment *mark, int from, int to)
{
    return duo_signals_early(of(s)->signals, s->a.seed, query, mark, from, to);
}

static int unsure(const struct duo_source *s, int query, int voice, int from, int to, double below)
{
    return duo_signals_unsure(of(s)->signals, s->a.seed, query, voice, right(s, query, voice), from, to, below);
}

static double score(const struct duo_source *s, int query, int which)
{
    (void)which;                             /* "router" is the only one */
    return duo_signals_router(of(s)->signals, s->a.seed, query, right(s, query, s->a.n_voices - 1) * (1 - right(s, query, 0)));
}

static bool exits(const struct duo_answers *a, const struct duo_text_path *text, int voice, int position, int layer, int layers, double above)
{
    return duo_signals_exits(of(duo_source_of(a))->signals, a->seed, text->query, voice, position, layer, layers, above);
}

static double grade(const struct duo_answers *a, const struct duo_text_path *p, const char **why)
{
    const struct duo_source *s = duo_source_of(a);
    int changed, voice = duo_source_whose(s, p, &changed, why);

    return voice < 0 ? NAN : duo_signals_right(of(s)->signals, a->seed, p->query, voice, changed);
}

static void done(struct duo_answers *a)
{
    struct synthetic *y = (struct synthetic *)a;

    duo_signals_free(y->signals);
    duo_source_done(&y->s);
    free(y);
}

static const struct duo_answers_kind answers_kind = {
    .name = "synthetic", .query = query, .length = duo_source_length, .write = duo_source_write, .verify = duo_source_verify,
    .common = duo_source_common, .exits = exits, .score = duo_source_score, .grade = grade, .free = done };
static const struct duo_source_kind source_kind = {
    .length = length, .thinking = thinking, .drafts = drafts, .differ = differ, .early = early, .unsure = unsure, .certainty = certainty, .vote = vote,
    .score = score };

struct duo_answers *duo_answers_synthetic(const struct duo_synthetic_spec *spec)
{
    struct synthetic *y = duo_new(1, sizeof *y);
    const char **names = duo_new((size_t)spec->n_voices, sizeof *names);

    for (int i = 0; i < spec->n_voices; i++) names[i] = spec->voices[i].name;
    duo_source_init(&y->s, spec->n_voices, names, "synthetic");
    y->signals     = duo_signals_new(spec, spec->n_voices, names, NULL);
    y->spec        = *spec;
    y->spec.voices = NULL;
    y->s.kind      = &source_kind;
    y->s.anywhere  = true;
    y->s.a.kind    = &answers_kind;
    y->s.a.caps    = DUO_CAP_OUTCOME | DUO_CAP_LENGTH | DUO_CAP_CONFIDENCE | DUO_CAP_AGREEMENT | DUO_CAP_EXITS;
    y->s.a.quality_status = y->s.a.signal_status = "assumed";
    if (spec->router_auc > 0) y->s.own_scores = duo_source_add_score(&y->s, "router") + 1;
    free(names);
    return &y->s.a;
}
