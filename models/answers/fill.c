/* fill.c - declared synthetic signals (signals.h) on top of answers that lack them.
 *
 * (1) Only what is lacking is filled; what is recorded stays.  The draws know the recorded quality: a confidence has the
 *     stated AUC for it, the score "router" for what the last voice gains over the first (of those that the spec lists, if
 *     it lists two; else of all).
 * (2) Agreement that is filled in is known after any text; recorded agreement only on the verifier's own answer.  Of two
 *     voices the one of less ability drafts; equal: of less mean quality; equal: the first.
 * (3) With exits, quality itself rests on the declared model: a right answer stays right with probability exit_harm for each
 *     changed token, and quality_status becomes "assumed". */
#include <math.h>
#include <stdlib.h>

#include "models/answers/signals.h"
#include "models/answers/source.h"

struct filled {
    struct duo_source   s;
    struct duo_answers *under;
    struct duo_signals *signals;
    unsigned            caps;                /* what is filled */
    double              harm;
    int                 first, last;         /* (1) */
    int                 under_scores;
};

static const struct filled *of(const struct duo_source *s) { return (const struct filled *)s; }

/* What is below has the seed of what is above. */
static const struct duo_answers *below(const struct duo_source *s)
{
    struct duo_answers *under = of(s)->under;

    if (under->seed != s->a.seed) under->seed = s->a.seed;
    return under;
}

static void query(const struct duo_answers *a, int index, struct duo_query *out)
{
    const struct duo_answers *under = below(duo_source_of(a));
    under->kind->query(under, index, out);
}

static int length(const struct duo_source *s, int q, int voice)
{
    const struct duo_answers *under = below(s);
    int recorded = duo_source_of(under)->kind->length(duo_source_of(under), q, voice);

    return recorded > 0 || !(of(s)->caps & DUO_CAP_LENGTH) ? recorded : duo_signals_length(of(s)->signals, s->a.seed, q, voice);
}

static int thinking(const struct duo_source *s, int q, int voice)
{
    const struct duo_source *under = duo_source_of(below(s));

    return under->kind->thinking ? under->kind->thinking(under, q, voice) : 0;
}

static double quality(const struct duo_source *s, int q, int voice)
{
    const struct duo_answers *under = below(s);
    struct duo_text_path own = duo_path_of(q, voice, under->kind->length(under, q, voice), true);
    const char *why;

    return under->kind->grade(under, &own, &why);
}

static bool drafts(const struct duo_source *s, int q, int x, int y)
{
    const struct duo_source *under = duo_source_of(below(s));

    if (of(s)->caps & DUO_CAP_AGREEMENT) return duo_signals_drafts(of(s)->signals, x, y);
    return under->kind->drafts(under, q, x, y);
}

static int differ(const struct duo_source *s, int q, int drafter, int verifier, int from, int to)
{
    const struct duo_source *under = duo_source_of(below(s));

    if (of(s)->caps & DUO_CAP_AGREEMENT) return duo_signals_differ(of(s)->signals, s->a.seed, q, drafter, verifier, from, to);
    return under->kind->differ(under, q, drafter, verifier, from, to);
}

static int early(const struct duo_source *s, int q, const struct duo_segment *mark, int from, int to)
{
    const struct duo_source *under = duo_source_of(below(s));

    if (of(s)->caps & DUO_CAP_EXITS) return duo_signals_early(of(s)->signals, s->a.seed, q, mark, from, to);
    return under->kind->early ? under->kind->early(under, q, mark, from, to) : from;
}

static int unsure(const struct duo_source *s, int q, int voice, int from, int to, double less)
{
    const struct duo_source *under = duo_source_of(below(s));

    if (of(s)->caps & DUO_CAP_CONFIDENCE)
        return duo_signals_unsure(of(s)->signals, s->a.seed, q, voice, quality(s, q, voice), from, to, less);
    return under->kind->unsure ? under->kind->unsure(under, q, voice, from, to, less) : to;
}

static void certainty(const struct duo_source *s, int q, int voice, int from, int to, bool own, struct duo_certainty *out)
{
    const struct duo_source *under = duo_source_of(below(s));

    if (of(s)->caps & DUO_CAP_CONFIDENCE)
        duo_signals_certainty(of(s)->signals, s->a.seed, q, voice, from, to, own ? to : duo_source_length(&s->a, q, voice), quality(s, q, voice), out);
    else
        under->kind->certainty(under, q, voice, from, to, own, out);
}

static const struct duo_grained *numbers(const struct duo_source *s, int q, int voice, int verifier)
{
    const struct duo_source *under = duo_source_of(below(s));

    return of(s)->caps & DUO_CAP_CONFIDENCE || !under->kind->numbers ? NULL : under->kind->numbers(under, q, voice, verifier);
}

static struct duo_behind behind(const struct duo_source *s, int q, int drafter, int verifier, int at)
{
    const struct duo_source *under = duo_source_of(below(s));

    return of(s)->caps & DUO_CAP_AGREEMENT || !under->kind->behind ? (struct duo_behind){ 0 } : under->kind->behind(under, q, drafter, verifier, at);
}

static double vote(const struct duo_source *s, const struct duo_ask *ask)
{
    const struct duo_source *under = duo_source_of(below(s));

    if (of(s)->caps & DUO_CAP_CONFIDENCE)
        return duo_signals_vote(of(s)->signals, s->a.seed, ask, quality(s, ask->from->query, ask->voice));
    return under->kind->vote ? under->kind->vote(under, ask) : NAN;
}

static struct duo_elected elected(const struct duo_source *s, const struct duo_ask *ask)
{
    const struct duo_source *under = duo_source_of(below(s));

    return of(s)->caps & DUO_CAP_CONFIDENCE || !under->kind->elected ? (struct duo_elected){ 0 } : under->kind->elected(under, ask);
}

static int alike(const struct duo_source *s, int q, const struct duo_segment *drawn, int voice)
{
    const struct duo_source *under = duo_source_of(below(s));

    return under->kind->alike ? under->kind->alike(under, q, drawn, voice) : 0;
}

static double score(const struct duo_source *s, int q, int which)
{
    const struct filled *f = of(s);
    const struct duo_answers *under = below(s);

    if (which < f->under_scores) return under->kind->score(under, q, which);
    return duo_signals_router(f->signals, s->a.seed, q, quality(s, q, f->last) * (1 - quality(s, q, f->first)));
}

static bool exits(const struct duo_answers *a, const struct duo_text_path *text, int voice, int position, int layer, int layers, double above)
{
    const struct duo_source *s = duo_source_of(a);
    const struct duo_answers *under = below(s);

    if (of(s)->caps & DUO_CAP_EXITS) return duo_signals_exits(of(s)->signals, a->seed, text->query, voice, position, layer, layers, above);
    return under->kind->exits(under, text, voice, position, layer, layers, above);
}

static double grade(const struct duo_answers *a, const struct duo_text_path *p, const char **why)
{
    const struct duo_source *s = duo_source_of(a);
    const struct duo_answers *under = below(s);
    struct duo_text_path own;
    int changed, voice;

    if (p->n && duo_segment_drawn(&p->segment[0])) return under->kind->grade(under, p, why);
    voice = duo_source_whose(s, p, &changed, why);
    if (voice < 0) return NAN;
    own = duo_path_of(p->query, voice, under->kind->length(under, p->query, voice), true);
    return under->kind->grade(under, &own, why) * (changed ? pow(of(s)->harm, changed) : 1);  /* (3) */
}

static void done(struct duo_answers *a)
{
    struct filled *f = (struct filled *)a;

    duo_answers_free(f->under);
    duo_signals_free(f->signals);
    duo_source_done(&f->s);
    free(f);
}

static const struct duo_answers_kind answers_kind = {
    .name = "filled", .query = query, .length = duo_source_length, .write = duo_source_write, .verify = duo_source_verify,
    .common = duo_source_common, .exits = exits, .score = duo_source_score, .grade = grade, .free = done };
static const struct duo_source_kind source_kind = {
    .length = length, .thinking = thinking, .drafts = drafts, .differ = differ, .early = early, .unsure = unsure, .certainty = certainty,
    .numbers = numbers, .behind = behind, .vote = vote, .elected = elected, .alike = alike, .score = score };

/* Mean known quality of each voice, for (2); of what isn't known at all: 0. */
static double *mean_quality(const struct filled *f)
{
    double *mean = duo_new((size_t)f->s.a.n_voices, sizeof *mean);

    for (int v = 0; v < f->s.a.n_voices; v++) {
        double known = 0;
        for (int q = 0; q < f->s.a.n_queries; q++) {
            double x = quality(&f->s, q, v);
            if (!isnan(x)) mean[v] += x, known++;
        }
        if (known > 0) mean[v] /= known;
    }
    return mean;
}

static void find_ends(struct filled *f, const struct duo_synthetic_spec *spec)
{
    int listed = 0, first = -1, last = -1;

    for (int i = 0; i < spec->n_voices; i++) {
        int v = duo_answers_voice(f->under, spec->voices[i].name);
        if (v < 0) continue;
        if (!listed++) first = v;
        last = v;
    }
    f->first = listed > 1 ? first : 0;
    f->last  = listed > 1 ? last : f->s.a.n_voices - 1;
}

struct duo_answers *duo_answers_fill(struct duo_answers *under, unsigned caps, const struct duo_synthetic_spec *spec)
{
    struct filled *f = duo_new(1, sizeof *f);
    double *mean;

    f->under = under;
    f->s.a   = *under;
    f->s.a.n_scores = 0;
    f->s.a.scores   = NULL;
    duo_source_init(&f->s, under->n_voices, under->voices, under->label);
    for (int i = 0; i < under->n_scores; i++) duo_source_add_score(&f->s, under->scores[i]);
    f->under_scores = f->s.own_scores = under->n_scores;
    f->caps       = caps & ~(under->caps & ~(unsigned)DUO_CAP_SCORES);
    if (duo_answers_score(under, "router") >= 0) f->caps &= ~(unsigned)DUO_CAP_SCORES;
    f->s.a.kind   = &answers_kind;
    f->s.kind     = &source_kind;
    f->s.anywhere = f->caps & DUO_CAP_AGREEMENT ? true : duo_source_of(under)->anywhere;
    f->harm       = spec->exit_harm;
    mean = mean_quality(f);
    f->signals = duo_signals_new(spec, under->n_voices, under->voices, mean);
    free(mean);
    find_ends(f, spec);
    if (f->caps & DUO_CAP_SCORES) f->s.own_scores = duo_source_add_score(&f->s, "router") + 1;
    f->s.a.caps |= f->caps;
    if (f->caps) f->s.a.signal_status = "assumed";
    if (f->caps & DUO_CAP_EXITS) f->s.a.quality_status = "assumed";
    return &f->s.a;
}
