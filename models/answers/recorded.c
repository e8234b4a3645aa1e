/* recorded.c - answers that real models gave, from tables that others recorded (traces/outcomes).
 *
 * (1) A text is graded when it is, token for token as far as the record tells, a voice's own whole answer; any other
 *     text is unknown.
 * (2) Lengths: as recorded, else characters / chars_per_token rounded up, else default_tokens; none of them: refused.
 *     default_tokens < 0: unknown lengths are left to duo_answers_fill.
 * (3) Confidence is of whole answers only; a piece's is not known, nor is a token's (stop_below never stops).
 * (4) Sampling: the recorded answer at every temperature; of several samples no vote is known.
 * (5) Accept lists: of the file's two voices the drafter drafts.  Joined by query id, a question's turns are one text,
 *     whose token count takes the place of the verifier's recorded length.  By themselves (`path` is such a file): a
 *     question's turns are a session, each turn a query "ID/TURN" where there are several; lengths and agreement are
 *     known, outcomes are not, and the drafter's own answers count as long as the verifier's.
 * (6) Bytes on the wire: the prompt's characters; where only tokens were recorded, chars_per_token (or 4) each.
 * (7) A log of requests has no quality: each answer's is not known. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/source.h"
#include "sim/base/rng.h"
#include "traces/outcomes/outcomes.h"

struct recorded {
    struct duo_source        s;
    struct duo_recorded_spec spec;           /* its texts: only while it is made */
    const struct duo_outcomes *table;        /* NULL: accept lists alone */
    struct duo_accepts       accepts;
    struct duo_query        *query;          /* [a.n_queries] */
    char                   **turn_name;      /* made names, or NULL */
    int                     *length;         /* [a.n_queries * a.n_voices]; 0: unknown */
    unsigned char          **rank;           /* [a.n_queries], NULL: no agreement is known */
    int                     *ranks;          /* how many */
    bool                     joined;         /* rank[] was made here */
    int                      drafter, verifier;
};

static const struct recorded *of(const struct duo_source *s) { return (const struct recorded *)s; }

static void query(const struct duo_answers *a, int index, struct duo_query *out)
{
    *out = of(duo_source_of(a))->query[index];
}

static int length(const struct duo_source *s, int q, int voice)
{
    return of(s)->length[(size_t)q * (size_t)s->a.n_voices + (size_t)voice];
}

static bool drafts(const struct duo_source *s, int q, int x, int y)
{
    const struct recorded *r = of(s);
    return r->rank && r->rank[q] && x == r->drafter && y == r->verifier;
}

static int differ(const struct duo_source *s, int q, int drafter, int verifier, int from, int to)
{
    const struct recorded *r = of(s);
    int end = to < r->ranks[q] ? to : r->ranks[q];

    (void)drafter, (void)verifier;
    while (from < end && r->rank[q][from] == DUO_RANK_AGREES) from++;
    return from < end || end == to ? from : end;
}

static double measure(const struct recorded *r, enum duo_measure m, int q, int voice)
{
    return r->table && r->table->value[m] ? r->table->value[m][(size_t)q * (size_t)r->s.a.n_voices + (size_t)voice] : NAN;
}

static void certainty(const struct duo_source *s, int q, int voice, int from, int to, bool own, struct duo_certainty *out)
{
    const struct recorded *r = of(s);

    (void)from, (void)to;
    if (!own) return;                                                                         /* (3) */
    *out = (struct duo_certainty){ measure(r, DUO_M_CONFIDENCE, q, voice), measure(r, DUO_M_MIN, q, voice), measure(r, DUO_M_LAST, q, voice),
                                   measure(r, DUO_M_MARGIN, q, voice), measure(r, DUO_M_ENTROPY, q, voice) };
}

static double score(const struct duo_source *s, int q, int which)
{
    return of(s)->table->score[(size_t)q * (size_t)s->own_scores + (size_t)which];
}

static bool exits(const struct duo_answers *a, const struct duo_text_path *text, int voice, int position, int layer, int layers, double above)
{
    (void)a, (void)text, (void)voice, (void)position, (void)layer, (void)layers, (void)above;
    return false;
}

static double grade(const struct duo_answers *a, const struct duo_text_path *p, const char **why)
{
    const struct recorded *r = of(duo_source_of(a));
    int changed, voice = duo_source_whose(&r->s, p, &changed, why);
    double quality = voice < 0 ? NAN : measure(r, DUO_M_QUALITY, p->query, voice);

    if (voice >= 0 && isnan(quality)) *why = "no outcome of this answer was recorded";
    return quality;
}

static void done(struct duo_answers *a)
{
    struct recorded *r = (struct recorded *)a;

    for (int i = 0; r->joined && i < a->n_queries; i++) free(r->rank[i]);
    for (int i = 0; r->turn_name && i < a->n_queries; i++) free(r->turn_name[i]);
    free(r->turn_name);
    free(r->rank);
    free(r->ranks);
    free(r->query);
    free(r->length);
    duo_outcomes_drop(r->table);
    duo_accepts_free(&r->accepts);
    duo_source_done(&r->s);
    free(r);
}

static const struct duo_answers_kind answers_kind = {
    .name = "recorded", .query = query, .length = duo_source_length, .write = duo_source_write, .verify = duo_source_verify,
    .common = duo_source_common, .exits = exits, .score = duo_source_score, .grade = grade, .free = done };
static const struct duo_source_kind source_kind = {
    .length = length, .drafts = drafts, .differ = differ, .certainty = certainty, .score = score };

/* (2).  0 in *out: left unknown. */
static enum duo_status count_tokens(const struct recorded *r, double tokens, double chars, const char *whose, int line, int *out, struct duo_err *err)
{
    if (tokens > 0) {
        *out = (int)fmin(round(tokens), INT_MAX / 4);
    } else if (chars >= 0 && r->spec.chars_per_token > 0) {
        *out = (int)fmax(1, fmin(ceil(chars / r->spec.chars_per_token), INT_MAX / 4));
    } else if (r->spec.default_tokens > 0) {
        *out = r->spec.default_tokens;
    } else if (r->spec.default_tokens < 0 && whose) {
        *out = 0;
    } else {
        return duo_fail_at(err, DUO_BAD_INPUT, r->spec.path, line, 0, "the length of %s%s in tokens was not recorded: %s", whose ? "the answer of " : "the prompt",
                           whose ? whose : "", chars >= 0 ? "declare how characters are counted (tokens: chars/4)" : "declare one (default_tokens)");
    }
    return DUO_OK;
}

static double bytes_of(const struct recorded *r, double chars, int tokens)                    /* (6) */
{
    return chars >= 0 ? chars : tokens * (r->spec.chars_per_token > 0 ? r->spec.chars_per_token : 4);
}

static bool train_of(const struct recorded *r, const char *name)
{
    return duo_unit(duo_hash_bytes(0, name, strlen(name))) < r->spec.train_share;
}

static void allocate(struct recorded *r, int n)
{
    r->s.a.n_queries = n;
    r->query  = duo_new((size_t)n, sizeof *r->query);
    r->length = duo_new((size_t)n * (size_t)r->s.a.n_voices, sizeof *r->length);
}

static enum duo_status take_table(struct recorded *r, struct duo_err *err)
{
    const struct duo_outcomes *t = r->table;
    struct duo_answers *a = &r->s.a;
    bool all = true;

    allocate(r, t->n);
    a->n_features = t->n_features;
    a->features   = (const char *const *)t->features;
    for (int i = 0; i < t->n_scores; i++) r->s.own_scores = duo_source_add_score(&r->s, t->scores[i]) + 1;
    for (int i = 0; i < t->n; i++) {
        int tokens;
        DUO_TRY(count_tokens(r, t->prompt_tokens[i], t->prompt_chars[i], NULL, t->line[i], &tokens, err));
        for (int v = 0; v < t->n_voices; v++) {
            int *to = &r->length[(size_t)i * (size_t)t->n_voices + (size_t)v];
            DUO_TRY(count_tokens(r, measure(r, DUO_M_TOKENS, i, v), measure(r, DUO_M_CHARS, i, v), t->voices[v], t->line[i], to, err));
            all &= *to > 0;
        }
        r->query[i] = (struct duo_query){ .index = i, .name = t->id[i], .prompt_tokens = tokens, .prompt_bytes = bytes_of(r, t->prompt_chars[i], tokens),
                                          .session = -1, .train = t->split[i] >= 0 ? t->split[i] : train_of(r, t->id[i]),
                                          .features = t->feature + (size_t)i * (size_t)t->n_features };
    }
    a->caps |= (t->value[DUO_M_QUALITY] ? DUO_CAP_OUTCOME : 0u) | (all ? DUO_CAP_LENGTH : 0u);
    if (t->value[DUO_M_CONFIDENCE]) a->caps |= DUO_CAP_CONFIDENCE;
    a->quality_status = t->value[DUO_M_QUALITY] ? "recorded" : "unknown";     /* (7) */
    if (*t->note) a->note = t->note;
    return DUO_OK;
}

static void take_agreement_status(struct recorded *r)
{
    int censored = 0;

    for (int i = 0; i < r->accepts.n; i++) censored += r->accepts.list[i].censored;
    r->s.a.caps |= DUO_CAP_AGREEMENT;
    if (censored) r->s.a.signal_status = "fitted";            /* censored ranks are read as disagreements */
}

static enum duo_status take_accepts(struct recorded *r, struct duo_err *err)                  /* (5), by themselves */
{
    int n = r->accepts.n, context = 0, session = -1;

    allocate(r, n);
    r->turn_name = duo_new((size_t)n, sizeof *r->turn_name);
    r->rank      = duo_new((size_t)n, sizeof *r->rank);
    r->ranks     = duo_new((size_t)n, sizeof *r->ranks);
    r->drafter = 0, r->verifier = 1;
    for (int i = 0; i < n; i++) {
        const struct duo_accept_list *list = &r->accepts.list[i];
        size_t room = strlen(list->id) + 16;
        int tokens;
        char *name = r->turn_name[i] = duo_new(room, 1);
        snprintf(name, room, list->turns > 1 ? "%s/%d" : "%s", list->id, list->turn + 1);
        DUO_TRY(count_tokens(r, list->prompt_tokens, list->prompt_chars, NULL, list->line, &tokens, err));
        if (list->turn == 0) context = 0, session += list->turns > 1;
        r->query[i] = (struct duo_query){ .index = i, .name = name, .prompt_tokens = context + tokens, .prompt_bytes = bytes_of(r, list->prompt_chars, tokens),
                                          .session = list->turns > 1 ? session : -1, .turn = list->turn, .shared = context, .train = train_of(r, name) };
        context += tokens + list->tokens;
        r->length[2 * i] = r->length[2 * i + 1] = list->tokens;
        r->rank[i]  = list->rank;
        r->ranks[i] = list->tokens;
    }
    r->s.a.caps |= DUO_CAP_LENGTH;
    r->s.a.quality_status = "unknown";
    take_agreement_status(r);
    return DUO_OK;
}

struct named { const char *name; int index; };

static int by_name(const void *a, const void *b) { return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name); }

static enum duo_status find_voice(const struct recorded *r, const char *name, const char *what, int *out, struct duo_err *err)
{
    const char *near;

    *out = name ? duo_answers_voice(&r->s.a, name) : -1;
    if (*out >= 0) return DUO_OK;
    if (!name) return duo_fail(err, DUO_BAD_INPUT, "accepts: %s is missing: which model of %s it was", what, r->spec.path);
    near = duo_nearest(name, r->s.a.voices, (size_t)r->s.a.n_voices);
    return duo_fail(err, DUO_BAD_INPUT, near ? "accepts: %s: %s has no model \"%s\" (did you mean \"%s\"?)" : "accepts: %s: %s has no model \"%s\"",
                    what, r->spec.path, name, near);
}

static void add_ranks(struct recorded *r, int q, const struct duo_accept_list *list)
{
    r->rank[q] = duo_grow(r->rank[q], (size_t)(r->ranks[q] + list->tokens), 1);
    memcpy(r->rank[q] + r->ranks[q], list->rank, (size_t)list->tokens);
    r->ranks[q] += list->tokens;
    r->length[(size_t)q * (size_t)r->s.a.n_voices + (size_t)r->verifier] = r->ranks[q];
}

static enum duo_status join_accepts(struct recorded *r, struct duo_err *err)                  /* (5), joined */
{
    int n = r->s.a.n_queries, strangers = 0, first = -1;
    struct named *names = duo_new((size_t)n, sizeof *names);

    r->joined = true;
    r->rank   = duo_new((size_t)n, sizeof *r->rank);
    r->ranks  = duo_new((size_t)n, sizeof *r->ranks);
    for (int i = 0; i < n; i++) names[i] = (struct named){ r->query[i].name, i };
    qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 0; i < r->accepts.n; i++) {
        struct named key = { r->accepts.list[i].id, 0 };
        const struct named *found = bsearch(&key, names, (size_t)n, sizeof *names, by_name);
        if (found) add_ranks(r, found->index, &r->accepts.list[i]);
        else if (!strangers++) first = i;
    }
    free(names);
    if (strangers)
        return duo_fail_at(err, DUO_BAD_INPUT, r->spec.accepts, r->accepts.list[first].line, 0, "%d accept list%s for queries that %s has not; the first: \"%s\"",
                           strangers, strangers > 1 ? "s are" : " is", r->spec.path, r->accepts.list[first].id);
    for (int i = 0; i < n; i++)
        if (!r->rank[i])
            return duo_fail_at(err, DUO_BAD_INPUT, r->spec.accepts, 0, 0, "no accept list for query \"%s\" of %s", r->query[i].name, r->spec.path);
    take_agreement_status(r);
    return DUO_OK;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static enum duo_status read_outcomes(struct recorded *r, const char *format, struct duo_err *err)
{
    const struct duo_recorded_spec *spec = &r->spec;
    struct duo_outcome_file one = { NULL, (char *)(uintptr_t)spec->path };
    char label[200];

    DUO_TRY(duo_outcomes_keep(&r->table, &(struct duo_outcome_source){ .n_files = spec->n_files ? spec->n_files : 1, .files = spec->n_files ? spec->files : &one,
        .format = format, .metric = spec->metric, .n_columns = spec->n_columns, .columns = spec->columns }, err));
    snprintf(label, sizeof label, "recorded %s", base_of(spec->path));
    for (int i = 1; i < spec->n_files; i++) snprintf(label + strlen(label), sizeof label - strlen(label), ", %s", base_of(spec->files[i].path));
    duo_source_init(&r->s, r->table->n_voices, (const char *const *)r->table->voices, label);
    return take_table(r, err);
}

static enum duo_status build(struct recorded *r, struct duo_err *err)
{
    const char *format = r->spec.format, *pair[2] = { "drafter", "verifier" };
    char label[160];

    if (!r->spec.n_files && !r->spec.n_columns) DUO_TRY(duo_outcomes_detect(r->spec.path, &format, err));
    if (format && strcmp(format, "accepts") == 0) {
        if (r->spec.accepts) return duo_fail(err, DUO_BAD_INPUT, "%s holds accept lists itself; accepts joins some to outcomes", r->spec.path);
        if (r->spec.n_files || r->spec.metric) return duo_fail(err, DUO_BAD_INPUT, "%s: accept lists are one file, without a metric", r->spec.path);
        if (r->spec.accepts_drafter)  pair[0] = r->spec.accepts_drafter;
        if (r->spec.accepts_verifier) pair[1] = r->spec.accepts_verifier;
        DUO_TRY(duo_accepts_read(&r->accepts, r->spec.path, err));
        snprintf(label, sizeof label, "recorded %s", base_of(r->spec.path));
        duo_source_init(&r->s, 2, pair, label);
        return take_accepts(r, err);
    }
    DUO_TRY(read_outcomes(r, format, err));
    if (!r->spec.accepts) return DUO_OK;
    DUO_TRY(find_voice(r, r->spec.accepts_drafter, "drafter", &r->drafter, err));
    DUO_TRY(find_voice(r, r->spec.accepts_verifier, "verifier", &r->verifier, err));
    if (r->drafter == r->verifier) return duo_fail(err, DUO_BAD_INPUT, "accepts: drafter and verifier are the same model");
    DUO_TRY(duo_accepts_read(&r->accepts, r->spec.accepts, err));
    return join_accepts(r, err);
}

enum duo_status duo_answers_recorded(struct duo_answers **out, const struct duo_recorded_spec *spec, struct duo_err *err)
{
    struct recorded *r = duo_new(1, sizeof *r);
    enum duo_status status;

    r->s.kind   = &source_kind;
    r->s.a.kind = &answers_kind;
    r->s.a.signal_status = "recorded";
    r->spec = *spec;
    *out    = NULL;
    status  = build(r, err);
    r->spec = (struct duo_recorded_spec){ .chars_per_token = spec->chars_per_token };      /* its texts are the caller's */
    if (status == DUO_OK) *out = &r->s.a;
    else                  done(&r->s.a);
    return status;
}
