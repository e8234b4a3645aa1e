/* source.c - see source.h; requirements cited by number. */
#include "models/answers/source.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/grained.h"

const struct duo_certainty duo_certainty_unknown = { NAN, NAN, NAN, NAN, NAN };

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

int duo_source_length(const struct duo_answers *a, int query, int voice)
{
    const struct duo_source *s = duo_source_of(a);
    return max(1, s->kind->length(s, query, voice));
}

/* 1: x drafts for y; -1: y for x; 0: not known. */
static int pair(const struct duo_source *s, int query, int x, int y)
{
    if (x < 0 || y < 0 || x == y) return 0;
    return s->kind->drafts(s, query, x, y) ? 1 : s->kind->drafts(s, query, y, x) ? -1 : 0;
}

static int early(const struct duo_source *s, int query, const struct duo_segment *mark, int from, int to)
{
    if (!mark->exit_layer || from >= to) return to;
    return s->kind->early && mark->layers ? s->kind->early(s, query, mark, from, to) : from;
}

/* Is [0, n) of `p` what `voice` writes by itself? */
static bool own_up_to(const struct duo_source *s, const struct duo_text_path *p, int n, int voice)
{
    struct duo_text_path own, cut;

    if (n == 0) return true;
    if (voice < 0) return false;
    if (p->segment[0].voice == voice && !p->segment[0].exit_layer && !duo_segment_drawn(&p->segment[0]) && p->segment[0].to >= n) return true;
    cut = *p;
    duo_path_cut(&cut, n);
    own = duo_path_of(p->query, voice, n, n == duo_source_length(&s->a, p->query, voice));
    return duo_source_common(&s->a, &cut, &own) >= n;
}

bool duo_source_own(const struct duo_source *s, const struct duo_text_path *p, int voice)
{
    int length = voice < 0 ? 0 : duo_source_length(&s->a, p->query, voice), n = duo_path_tokens(p);

    return n <= length && p->ended == (n == length) && own_up_to(s, p, n, voice);
}

/* Where the texts part that are the same up to `from` and that x and y write there. */
static int part(const struct duo_source *s, const struct duo_text_path *a, const struct duo_text_path *b,
                const struct duo_segment *x, const struct duo_segment *y, int from, int to)
{
    int query = a->query;

    if (x->voice != y->voice) {
        int known = pair(s, query, x->voice, y->voice);
        int drafter = known > 0 ? x->voice : y->voice, verifier = known > 0 ? y->voice : x->voice;
        if (!known) return from;
        if (!s->anywhere && !own_up_to(s, a, from, verifier) && !own_up_to(s, b, from, verifier)) return from;   /* (5) */
        to = s->kind->differ(s, query, drafter, verifier, from, to);
    }
    return early(s, query, y, from, early(s, query, x, from, to));
}

static bool drawn(const struct duo_text_path *p) { return p->n && duo_segment_drawn(&p->segment[0]); }

/* (7): one of them at least is drawn. */
static int common_drawn(const struct duo_source *s, const struct duo_text_path *a, const struct duo_text_path *b)
{
    const struct duo_text_path *d = drawn(a) ? a : b, *other = d == a ? b : a;
    const struct duo_segment *x = &d->segment[0], *y = &other->segment[0];
    int both = other->n ? min(x->to, y->to) : 0;

    if (!both || duo_segment_same(x, y)) return both;
    if (y->voice < 0 || y->exit_layer || drawn(other) || !s->kind->alike) return 0;
    return min(both, s->kind->alike(s, a->query, x, y->voice));
}

int duo_source_common(const struct duo_answers *answers, const struct duo_text_path *a, const struct duo_text_path *b)
{
    const struct duo_source *s = duo_source_of(answers);
    int p = 0, i = 0, k = 0, na = duo_path_tokens(a), nb = duo_path_tokens(b);

    if (a->query != b->query) return 0;
    if (drawn(a) || drawn(b)) p = common_drawn(s, a, b);
    else while (i < a->n && k < b->n) {                            /* (1) */
        const struct duo_segment *x = &a->segment[i], *y = &b->segment[k];
        int end = min(x->to, y->to);
        if (!duo_segment_same(x, y) || (x->voice < 0 && x->from != y->from)) {
            int at = x->voice < 0 || y->voice < 0 ? p : part(s, a, b, x, y, p, end);
            if (at < end) return at;
        }
        p = end;
        i += x->to == end, k += y->to == end;
    }
    if ((a->ended && na == p && !(b->ended && nb == p)) || (b->ended && nb == p && !(a->ended && na == p))) p--;
    return p;
}

/* What `voice` may write after `from`: `path` as it should be named, the position where the text `ends` if it
 * gets that far, and `to`, the position up to which it writes.  `own`: it goes on along its own answer.  `verifier` (-1:
 * none): along that one's own answer up to `at`, and behind that on its own. */
struct plan { struct duo_text_path path; int ends, to; bool own; int verifier, at; };

/* (3): `from` is a verifier's text up to `stem`, then the drafter's. */
static bool plan_draft(const struct duo_source *s, const struct duo_ask *ask, struct duo_segment mark, int stem, int verifier,
                       struct plan *plan)
{
    const struct duo_text_path *from = ask->from;
    int  query = from->query, n = duo_path_tokens(from), wanted = ask->tokens > 0 ? n + ask->tokens : INT_MAX;
    bool own = own_up_to(s, from, stem, verifier);
    int  length = duo_source_length(&s->a, query, verifier), mine = duo_source_length(&s->a, query, ask->voice);
    int  end, window, at;
    struct duo_behind behind = { 0 };

    if (!s->anywhere && !own) return false;
    end    = own ? max(length, n) : max(length, stem + 1);
    window = min(wanted, end);
    at     = stem < window ? s->kind->differ(s, query, ask->voice, verifier, stem, window) : window;
    if (own) plan->verifier = verifier, plan->at = at;
    if (own && at < window && s->kind->behind) behind = s->kind->behind(s, query, ask->voice, verifier, at);
    for (int i = from->n - 1; i >= 0 && from->segment[i].from >= stem; i--) {
        int upto = min(from->segment[i].to, at), left = early(s, query, &from->segment[i], from->segment[i].from, upto);
        if (left < upto) at = left;
    }
    at = early(s, query, &mark, n, at);
    if (own && at < plan->at) plan->verifier = -1, behind = (struct duo_behind){ 0 };         /* left early: another text */
    if (at == window && window == end && end > n) {
        plan->to = plan->ends = end;
    } else if (behind.tokens && behind.ended) {
        plan->ends = max(n + 1, plan->at + behind.tokens);
        plan->to   = min(wanted, plan->ends);
    } else if (behind.tokens && wanted <= plan->at + behind.tokens) {
        plan->to   = wanted;
        plan->ends = INT_MAX;
    } else if (ask->tokens > 0) {
        plan->to   = wanted;
        plan->ends = wanted >= 2 * max(length, mine) ? wanted : INT_MAX;
    } else {
        plan->to = plan->ends = max(n + 1, mine);
    }
    return true;
}

static void plan_write(const struct duo_source *s, const struct duo_ask *ask, struct duo_segment mark, struct plan *plan)
{
    const struct duo_text_path *from = ask->from;
    int query = from->query, n = duo_path_tokens(from), stem = n, i = from->n, mine;

    while (i > 0 && from->segment[i - 1].voice == ask->voice) stem = from->segment[--i].from;
    *plan = (struct plan){ .path = *from, .verifier = -1 };
    if (i > 0 && pair(s, query, ask->voice, from->segment[i - 1].voice) > 0
        && plan_draft(s, ask, mark, stem, from->segment[i - 1].voice, plan))
        return;
    mine = duo_source_length(&s->a, query, ask->voice);
    plan->own = n < mine && own_up_to(s, from, n, ask->voice);
    if (i > 0 && plan->own) plan->path = duo_path_of(query, ask->voice, n, false);            /* (2) */
    plan->ends = max(mine, n + 1);                                                            /* (2), (4) */
    plan->to   = ask->tokens > 0 ? min(n + ask->tokens, plan->ends) : plan->ends;
}

/* The numbers of the tokens [n, to) as far as they are known, in two runs that adjoin (6). */
struct numbers { const struct duo_grained *run[2]; int n[2]; };

static struct numbers numbers_of(const struct duo_source *s, const struct duo_ask *ask, const struct plan *plan, int n, int to)
{
    struct numbers x = { { NULL, NULL }, { 0, 0 } };
    int query = ask->from->query, off = plan->verifier < 0 ? to : min(plan->at, to), from = max(n, off);
    const struct duo_grained *along;
    struct duo_behind behind = { 0 };

    if (!s->kind->numbers || ask->exit_layer || !(plan->own || plan->verifier >= 0)) return x;
    along = s->kind->numbers(s, query, ask->voice, plan->verifier);
    if (!along && n < off) return x;
    if (n < off) x.run[0] = along + n, x.n[0] = off - n;
    if (from < to && s->kind->behind) behind = s->kind->behind(s, query, ask->voice, plan->verifier, plan->at);
    if (behind.numbers && from - plan->at < behind.tokens)
        x.run[1] = behind.numbers + (from - plan->at), x.n[1] = min(to - from, behind.tokens - (from - plan->at));
    return x;
}

/* Where the voice stops for doubt, `to` at the latest. */
static int stops(const struct duo_source *s, const struct duo_ask *ask, const struct plan *plan, int n, int to)
{
    struct numbers x = numbers_of(s, ask, plan, n, to);
    int at;

    if (!x.n[0] && !x.n[1])
        return s->kind->unsure ? min(to, s->kind->unsure(s, ask->from->query, ask->voice, n, to, ask->stop_below) + 1) : to;
    at = duo_grained_unsure(x.run[0], x.n[0], ask->stop_below);
    if (at < x.n[0]) return n + at + 1;
    at = duo_grained_unsure(x.run[1], x.n[1], ask->stop_below);
    return at < x.n[1] ? n + x.n[0] + at + 1 : to;
}

static struct duo_certainty sure(const struct duo_source *s, const struct duo_ask *ask, const struct plan *plan, int n)
{
    struct numbers x = numbers_of(s, ask, plan, n, plan->to);
    struct duo_certainty c = duo_certainty_unknown;

    if (x.n[0] + x.n[1] == plan->to - n) return duo_grained_certainty(x.run[0], x.n[0], x.run[1], x.n[1]);
    s->kind->certainty(s, ask->from->query, ask->voice, n, plan->to, n == 0 && plan->to >= plan->ends, &c);
    return c;
}

/* A text that won a vote (7). */
static bool write_elected(const struct duo_source *s, const struct duo_ask *ask, struct duo_written *out)
{
    struct duo_elected e = { 0 };
    struct duo_segment mark = { .voice = (int16_t)ask->voice, .exit_above = -(float)ask->temperature };

    if (ask->samples > 1 && s->kind->elected) e = s->kind->elected(s, ask);
    if (!e.tokens) return false;
    mark.layers = (uint8_t)e.draw;
    out->path   = duo_path_empty(ask->from->query);
    out->tokens = e.tokens;
    duo_path_append(&out->path, mark, e.tokens);
    out->path.ended = true;
    out->agreement  = s->kind->vote(s, ask);
    return true;
}

void duo_source_write(const struct duo_answers *answers, const struct duo_ask *ask, struct duo_written *out)
{
    const struct duo_source *s = duo_source_of(answers);
    int query = ask->from->query, n = duo_path_tokens(ask->from);
    struct duo_segment mark = { .voice = (int16_t)ask->voice, .exit_layer = (uint8_t)ask->exit_layer, .layers = (uint8_t)ask->layers,
                                .exit_above = (float)ask->exit_above };
    struct plan plan;

    assert(ask->voice >= 0 && ask->voice < answers->n_voices && ask->exit_layer < 256 && ask->layers < 256);
    out->tokens    = 0;
    out->thinking  = n == 0 && s->kind->thinking ? s->kind->thinking(s, query, ask->voice) : 0;
    out->certainty = duo_certainty_unknown;
    out->agreement = NAN;
    if (ask->from->ended) {
        out->thinking = 0;
        out->path = *ask->from;
        return;
    }
    if (write_elected(s, ask, out)) return;
    plan_write(s, ask, mark, &plan);
    if (ask->stop_below > 0) plan.to = stops(s, ask, &plan, n, plan.to);
    out->path   = plan.path;
    out->tokens = plan.to - n;
    duo_path_append(&out->path, mark, plan.to);
    out->path.ended = plan.to >= plan.ends;
    if (!ask->plain) out->certainty = sure(s, ask, &plan, n);
    if (ask->samples > 1 && s->kind->vote) out->agreement = s->kind->vote(s, ask);
}

void duo_source_verify(const struct duo_answers *answers, int voice, const struct duo_text_path *base,
                       const struct duo_text_path *draft, struct duo_verified *out)
{
    const struct duo_source *s = duo_source_of(answers);
    int  n = duo_path_tokens(base), length = duo_source_length(answers, base->query, voice), end, seen;
    bool own = n < length && own_up_to(s, base, n, voice);
    struct duo_text_path text = own ? duo_path_empty(base->query) : *base;

    out->accepted = 0;
    out->path     = *base;
    if (base->ended) return;
    end  = max(length, n + 1);
    seen = min(end, max(n, duo_path_tokens(draft)) + 1);      /* the verifier's text as far as the draft asks for it */
    duo_path_append(&text, (struct duo_segment){ .voice = (int16_t)voice }, seen);
    text.ended = seen == end;
    out->accepted = max(0, duo_source_common(answers, draft, &text) - n);                     /* (5) */
    duo_path_cut(&text, n + out->accepted + 1);
    out->path = text;
}

int duo_source_whose(const struct duo_source *s, const struct duo_text_path *p, int *changed, const char **why)
{
    int n = duo_path_tokens(p);
    bool one = p->n > 0 && !drawn(p);

    *changed = 0;
    if (!p->ended) {
        *why = "the answer is not complete";
        return -1;
    }
    for (int i = 1; i < p->n; i++) one &= p->segment[i].voice == p->segment[0].voice;
    if (one && p->segment[0].voice >= 0 && n == duo_source_length(&s->a, p->query, p->segment[0].voice)) {
        for (int i = 0; i < p->n; i++) {
            const struct duo_segment *g = &p->segment[i];
            if (g->exit_layer && !(s->kind->early && g->layers)) {
                *why = "what leaving early changes in this answer is not known";
                return -1;
            }
            for (int at = g->from; (at = early(s, p->query, g, at, g->to)) < g->to; at++) ++*changed;
        }
        return p->segment[0].voice;
    }
    for (int i = 0; i < p->n; i++)
        if (duo_source_own(s, p, p->segment[i].voice)) return p->segment[i].voice;
    *why = "nobody recorded this text: several voices wrote it";
    return -1;
}

double duo_source_score(const struct duo_answers *answers, int query, int score)
{
    const struct duo_source *s = duo_source_of(answers);
    const struct duo_column *c;
    int low = 0, high;

    if (score < 0 || score >= answers->n_scores) return NAN;
    if (score < s->own_scores) return s->kind->score(s, query, score);
    c = &s->columns[score - s->own_scores];
    for (high = c->n; low < high;) {
        int mid = low + (high - low) / 2;
        if (c->query[mid] < query) low = mid + 1;
        else high = mid;
    }
    return low < c->n && c->query[low] == query ? c->value[low] : NAN;
}

void duo_source_init(struct duo_source *s, int n_voices, const char *const *voices, const char *label)
{
    s->voice_names = duo_new((size_t)n_voices + 1, sizeof *s->voice_names);
    for (int i = 0; i < n_voices; i++) s->voice_names[i] = duo_copy(voices[i]);
    s->label      = duo_copy(label);
    s->a.voices   = (const char *const *)s->voice_names;
    s->a.n_voices = n_voices;
    s->a.label    = s->label;
}

int duo_source_add_score(struct duo_source *s, const char *name)
{
    s->score_names = duo_grow(s->score_names, (size_t)s->a.n_scores + 1, sizeof *s->score_names);
    s->score_names[s->a.n_scores] = duo_copy(name);
    s->a.scores = (const char *const *)s->score_names;
    s->a.caps |= DUO_CAP_SCORES;
    return s->a.n_scores++;
}

void duo_source_done(struct duo_source *s)
{
    for (int i = 0; i < s->a.n_voices; i++) free(s->voice_names[i]);
    for (int i = 0; i < s->a.n_scores; i++) free(s->score_names[i]);
    for (int i = 0; i < s->n_columns; i++) {
        free(s->columns[i].name);
        free(s->columns[i].query);
        free(s->columns[i].value);
    }
    free(s->voice_names);
    free(s->score_names);
    free(s->columns);
    free(s->label);
}
