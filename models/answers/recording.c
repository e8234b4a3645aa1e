/* recording.c - a recording as answers (recording.h): source.h's rules on what it holds, found by index.
 *
 * (1) A text is graded when it is a voice's own whole answer, token for token; one that an early exit changed was not recorded.
 * (2) A token that its exit changed: the first one is known, what follows it is not.
 * (3) Of several samples, whole answers from the prompt, the winner is known, for the recorded number and temperature.
 * (4) All is checked when it is read; afterwards nothing can fail.
 * (5) It is read once for all runs of a plan (sim/base/kept.h). */
#include "models/answers/recording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/grained.h"
#include "models/answers/recording_read.h"
#include "models/answers/source.h"
#include "sim/base/kept.h"
#include "sim/base/rng.h"

struct kept   { struct duo_kept kept; struct duo_recording *r; };
struct replay { struct duo_source s; struct kept *kept; };

static const struct duo_recording *of(const struct duo_source *s) { return ((const struct replay *)s)->kept->r; }

static const struct duo_recorded_answer *answer(const struct duo_source *s, int q, int voice)
{
    return &of(s)->answer[(size_t)q * (size_t)s->a.n_voices + (size_t)voice];
}

static const struct duo_recorded_ranks *ranks(const struct duo_source *s, int q, int drafter, int verifier)
{
    const struct duo_recording *r = of(s);
    int pair = r->pair[drafter * r->n_voices + verifier];
    const struct duo_recorded_ranks *x = pair < 0 ? NULL : &r->ranks[(size_t)q * (size_t)r->n_pairs + (size_t)pair];

    return x && x->rank ? x : NULL;
}

static void query(const struct duo_answers *a, int index, struct duo_query *out) { *out = of(duo_source_of(a))->query[index]; }
static int length(const struct duo_source *s, int q, int voice) { return answer(s, q, voice)->tokens; }
static int thinking(const struct duo_source *s, int q, int voice) { return answer(s, q, voice)->thinking; }
static bool drafts(const struct duo_source *s, int q, int x, int y) { return ranks(s, q, x, y) != NULL; }

static int differ(const struct duo_source *s, int q, int drafter, int verifier, int from, int to)
{
    const struct duo_recorded_ranks *x = ranks(s, q, drafter, verifier);
    int end = to < answer(s, q, verifier)->tokens ? to : answer(s, q, verifier)->tokens;

    while (from < end && x->rank[from] == 1) from++;
    return from < end || end == to ? from : end;
}

static const struct duo_grained *numbers(const struct duo_source *s, int q, int voice, int verifier)
{
    const struct duo_recorded_ranks *x = verifier < 0 ? NULL : ranks(s, q, voice, verifier);

    return verifier < 0 ? answer(s, q, voice)->numbers : x ? x->numbers : NULL;
}

static struct duo_behind behind(const struct duo_source *s, int q, int drafter, int verifier, int at)
{
    const struct duo_recorded_ranks *x = ranks(s, q, drafter, verifier);

    if (!x || !x->behind || at >= answer(s, q, verifier)->tokens || x->behind[at] < 0) return (struct duo_behind){ 0 };
    return of(s)->behind[x->behind[at]];
}

static void certainty(const struct duo_source *s, int q, int voice, int from, int to, bool own, struct duo_certainty *out)
{
    (void)s, (void)q, (void)voice, (void)from, (void)to, (void)own;
    *out = duo_certainty_unknown;                             /* what is known has numbers */
}

/* The exit head at `position`: 1: it leaves there, the token its own; -1: leaves and changes it; 0: goes on. */
static int leaves(const struct duo_source *s, int q, int voice, int position, int layer, int layers, double above)
{
    const struct duo_recorded_answer *x = answer(s, q, voice);
    int own = of(s)->layers[voice], l = duo_grained_layer(layer, layers, own);
    size_t i;

    if (!l || !x->exit_probability || position >= x->tokens) return 0;
    i = (size_t)position * (size_t)(own - 1) + (size_t)(l - 1);
    if (!duo_grained_leaves(x->exit_probability[i], above)) return 0;
    return x->exit_same[i / 8] >> i % 8 & 1 ? 1 : -1;
}

static int early(const struct duo_source *s, int q, const struct duo_segment *mark, int from, int to)             /* (2) */
{
    if (mark->voice < 0) return from;
    while (from < to && leaves(s, q, mark->voice, from, mark->exit_layer, mark->layers, (double)mark->exit_above) >= 0) from++;
    return from;
}

static bool exits(const struct duo_answers *a, const struct duo_text_path *text, int voice, int position, int layer, int layers, double above)
{
    return leaves(duo_source_of(a), text->query, voice, position, layer, layers, above) != 0;
}

static bool voted(const struct duo_source *s, const struct duo_ask *ask)                      /* (3) */
{
    const struct duo_recording *r = of(s);
    bool same = ask->samples == r->samples && !(ask->temperature < r->temperature) && !(ask->temperature > r->temperature);

    return same && duo_path_tokens(ask->from) == 0 && ask->tokens == 0 && !(ask->stop_below > 0) && !ask->exit_layer;
}

static double vote(const struct duo_source *s, const struct duo_ask *ask)
{
    if (!(ask->temperature > 0)) return 1;                    /* greedy ones are all the same */
    return voted(s, ask) ? answer(s, ask->from->query, ask->voice)->share : (double)NAN;
}

static struct duo_elected elected(const struct duo_source *s, const struct duo_ask *ask)
{
    const struct duo_recorded_answer *x = answer(s, ask->from->query, ask->voice);

    return voted(s, ask) ? (struct duo_elected){ x->elected.tokens, x->elected.draw } : (struct duo_elected){ 0 };
}

static int alike(const struct duo_source *s, int q, const struct duo_segment *drawn, int voice)
{
    const struct duo_recorded_answer *x = answer(s, q, drawn->voice);

    return x->elected.alike && x->elected.draw == drawn->layers ? x->elected.alike[voice] : 0;
}

static double score(const struct duo_source *s, int q, int which)
{
    return of(s)->score[(size_t)q * (size_t)of(s)->n_scores + (size_t)which];
}

static double grade(const struct duo_answers *a, const struct duo_text_path *p, const char **why)                 /* (1) */
{
    const struct duo_source *s = duo_source_of(a);
    int changed, voice;

    if (p->n == 1 && duo_segment_drawn(&p->segment[0]) && p->ended) {
        const struct duo_recorded_answer *x = answer(s, p->query, p->segment[0].voice);
        if (x->elected.draw == p->segment[0].layers && x->elected.tokens == duo_path_tokens(p)) return x->elected.quality;
    }
    voice = duo_source_whose(s, p, &changed, why);
    if (voice < 0) return NAN;
    if (changed) {
        *why = "an early exit changed a token: nobody recorded that text";
        return NAN;
    }
    if (isnan(answer(s, p->query, voice)->quality)) *why = "no outcome of this answer was recorded";
    return answer(s, p->query, voice)->quality;
}

static void done(struct duo_answers *a)
{
    struct replay *r = (struct replay *)a;

    duo_kept_leave(&r->kept->kept);
    duo_source_done(&r->s);
    free(r);
}

static const struct duo_answers_kind answers_kind = {
    .name = "recording", .query = query, .length = duo_source_length, .write = duo_source_write, .verify = duo_source_verify,
    .common = duo_source_common, .exits = exits, .score = duo_source_score, .grade = grade, .free = done };
static const struct duo_source_kind source_kind = {
    .length = length, .thinking = thinking, .drafts = drafts, .differ = differ, .early = early, .certainty = certainty, .numbers = numbers,
    .behind = behind, .vote = vote, .elected = elected, .alike = alike, .score = score };

static void free_kept(struct duo_kept *k)
{
    duo_recording_free(((struct kept *)k)->r);
    free(k);
}

static enum duo_status find(struct kept **out, const char *path, double train_share, struct duo_err *err)        /* (5) */
{
    static struct duo_shelf all = { .room = 4, .free = free_kept };
    uint64_t key = duo_hash_file(duo_hash_bytes(1, &train_share, sizeof train_share), path);

    if ((*out = (struct kept *)duo_kept_take(&all, key))) return DUO_OK;
    struct duo_recording *r;
    DUO_TRY(duo_recording_read(&r, path, train_share, err));
    *out = duo_new(1, sizeof **out);
    (*out)->r = r;
    duo_kept_add(&all, &(*out)->kept, key);
    return DUO_OK;
}

enum duo_status duo_answers_recording(struct duo_answers **out, const char *path, double train_share, struct duo_err *err)
{
    const struct duo_recording *r;
    struct kept *kept;
    struct replay *y;
    const char *slash = strrchr(path, '/');
    char label[160];

    *out = NULL;
    DUO_TRY(find(&kept, path, train_share, err));
    r = kept->r;
    y = duo_new(1, sizeof *y);
    y->kept = kept;
    snprintf(label, sizeof label, "recorded %s", slash ? slash + 1 : path);
    duo_source_init(&y->s, r->n_voices, (const char *const *)r->voices, label);
    y->s.kind        = &source_kind;
    y->s.a.kind      = &answers_kind;
    y->s.a.n_queries = r->n;
    y->s.a.caps      = r->caps;
    y->s.a.quality_status = r->caps & DUO_CAP_OUTCOME ? "recorded" : "unknown";
    y->s.a.signal_status  = "recorded";
    for (int i = 0; i < r->n_scores; i++) y->s.own_scores = duo_source_add_score(&y->s, r->scores[i]) + 1;
    *out = &y->s.a;
    return DUO_OK;
}
