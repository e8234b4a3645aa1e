/* house.c - see house.h; requirements cited by number. */
#include "models/answers/house.h"

#include <stdlib.h>
#include <string.h>

#include "models/answers/grained.h"

static struct duo_house *houses;                 /* (1): those that are open in this process */

/* ---- opening */

static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool is_it(const struct duo_house *h, const struct duo_executed_spec *s)
{
    bool same = h->n_voices == s->n_voices && same_text(h->tasks_path, s->tasks) && h->seed == s->task_seed && h->asked == s->n
             && !(h->train_share < s->train_share) && !(h->train_share > s->train_share);

    same = same && h->n_scores == s->n_scores;
    for (int i = 0; same && i < s->n_voices; i++) same = same_text(h->names[i], s->voices[i].name) && same_text(h->paths[i], s->voices[i].path);
    for (int i = 0; same && i < s->n_scores; i++) same = same_text(h->score_names[i], s->scores[i].name) && same_text(h->score_paths[i], s->scores[i].path);
    return same;
}

static enum duo_status open_speaker(struct duo_house *h, struct duo_err *err)
{
    struct duo_speaker_spec spec = { .n_voices = h->n_voices, .chat = true };

    if (h->n_voices < 1 || h->n_voices > DUO_SPEAKER_VOICES)
        return duo_fail(err, DUO_BAD_INPUT, "executed: from 1 to %d voices are expected, not %d", DUO_SPEAKER_VOICES, h->n_voices);
    for (int i = 0; i < h->n_voices; i++) spec.names[i] = h->names[i], spec.paths[i] = h->paths[i];
    return duo_speaker_open(&h->speaker, &spec, err);
}

static enum duo_status encode(struct duo_house *h, int q, struct duo_err *err)
{
    const struct duo_task *t = &h->tasks.at[q];

    for (int v = 0; v < h->n_voices; v++) {
        struct duo_prompt *p = &h->prompt[(size_t)q * (size_t)h->n_voices + (size_t)v];
        int context = duo_speaker_context(h->speaker, v);
        p->n = duo_speaker_encode(h->speaker, v, t->prompt, &p->ids);
        if (p->n == 0) return duo_fail_at(err, DUO_BAD_INPUT, h->tasks_path ? h->tasks_path : "", 0, 0, "task %s: its prompt is empty", t->id);
        if (p->n >= context)
            return duo_fail_at(err, DUO_BAD_INPUT, h->tasks_path ? h->tasks_path : "", 0, 0,
                               "task %s: its prompt of %d tokens leaves no room for an answer in the context of %s, which is %d", t->id, p->n, h->names[v], context);
    }
    return DUO_OK;
}

static void describe(struct duo_house *h, int q)
{
    const struct duo_task *t = &h->tasks.at[q];
    const struct duo_prompt *p = duo_house_prompt(h, q, 0), *before = q > 0 ? duo_house_prompt(h, q - 1, 0) : NULL;
    bool later = q > 0 && t->session >= 0 && t->turn > 0 && h->tasks.at[q - 1].session == t->session;

    h->query[q] = (struct duo_query){
        .index = q, .name = t->id, .prompt_tokens = p->n, .prompt_bytes = (double)strlen(t->prompt), .session = t->session, .turn = t->turn,
        .shared = later ? duo_grained_shared(before->ids, before->n, p->ids, p->n) : 0, .train = duo_grained_train(t->split, t->id, h->train_share) };
}

static enum duo_status furnish(struct duo_house *h, struct duo_err *err)
{
    size_t cells;

    DUO_TRY(open_speaker(h, err));
    for (int i = 0; i < h->n_scores; i++) DUO_TRY(duo_score_open(&h->scores[i], h->score_paths[i], err));
    DUO_TRY(duo_grained_tasks(&h->tasks, h->tasks_path, h->seed, h->asked, err));
    cells     = (size_t)h->tasks.n * (size_t)h->n_voices;
    h->query  = duo_new((size_t)h->tasks.n + 1, sizeof *h->query);
    h->prompt = duo_new(cells + 1, sizeof *h->prompt);
    h->own    = duo_new(cells + 1, sizeof *h->own);
    h->score  = duo_new((size_t)h->tasks.n * (size_t)h->n_scores + 1, sizeof *h->score);
    h->scored = duo_new((size_t)h->tasks.n * (size_t)h->n_scores + 1, sizeof *h->scored);
    for (int q = 0; q < h->tasks.n; q++) {
        DUO_TRY(encode(h, q, err));
        describe(h, q);
    }
    return DUO_OK;
}

static void tear_down(struct duo_house *h)
{
    size_t cells = (size_t)h->tasks.n * (size_t)h->n_voices;

    for (size_t i = 0; h->prompt && i < cells; i++) free(h->prompt[i].ids);
    for (size_t i = 0; h->own && i < cells; i++) free(h->own[i].ids), free(h->own[i].numbers);
    for (int i = 0; i < h->n_voices; i++) free(h->names[i]), free(h->paths[i]);
    for (int i = 0; i < h->n_scores; i++) free(h->score_names[i]), free(h->score_paths[i]), duo_score_free(h->scores[i]);
    free(h->score_names), free(h->score_paths), free(h->scores), free(h->score), free(h->scored);
    duo_tasks_free(&h->tasks);
    duo_speaker_free(h->speaker);
    free(h->query), free(h->prompt), free(h->own), free(h->names), free(h->paths), free(h->tasks_path);
    free(h);
}

enum duo_status duo_house_open(struct duo_house **out, const struct duo_executed_spec *s, struct duo_err *err)
{
    struct duo_house *h = houses;
    enum duo_status status;

    *out = NULL;
    while (h && !is_it(h, s)) h = h->next;
    if (h) {
        h->users++;
        *out = h;
        return DUO_OK;
    }
    h  = duo_new(1, sizeof *h);
    *h = (struct duo_house){ .users = 1, .n_voices = s->n_voices, .tasks_path = duo_copy(s->tasks), .seed = s->task_seed, .asked = s->n,
                             .train_share = s->train_share, .names = duo_new((size_t)s->n_voices + 1, sizeof *h->names),
                             .paths = duo_new((size_t)s->n_voices + 1, sizeof *h->paths) };
    for (int i = 0; i < s->n_voices; i++) h->names[i] = duo_copy(s->voices[i].name), h->paths[i] = duo_copy(s->voices[i].path);
    h->n_scores    = s->n_scores;
    h->score_names = duo_new((size_t)s->n_scores + 1, sizeof *h->score_names);
    h->score_paths = duo_new((size_t)s->n_scores + 1, sizeof *h->score_paths);
    h->scores      = duo_new((size_t)s->n_scores + 1, sizeof(struct duo_score *));
    for (int i = 0; i < s->n_scores; i++) h->score_names[i] = duo_copy(s->scores[i].name), h->score_paths[i] = duo_copy(s->scores[i].path);
    status = furnish(h, err);
    if (status) {
        tear_down(h);
        return status;
    }
    h->next = houses;
    houses  = h;
    *out    = h;
    return DUO_OK;
}

void duo_house_leave(struct duo_house *h)
{
    struct duo_house **at = &houses;

    if (!h || --h->users > 0) return;
    while (*at != h) at = &(*at)->next;
    *at = h->next;
    tear_down(h);
}

/* ---- answers */

int duo_house_most(const struct duo_house *h, int query)                                      /* (2) */
{
    int most = DUO_ANSWER_TOKENS;

    for (int v = 0; v < h->n_voices; v++) {
        int room = duo_speaker_context(h->speaker, v) - duo_house_prompt(h, query, v)->n;
        if (room < most) most = room;
    }
    return most;
}

enum duo_status duo_house_own(struct duo_house *h, int query, int voice, const struct duo_own **out, struct duo_err *err)
{
    struct duo_own *own = &h->own[(size_t)query * (size_t)h->n_voices + (size_t)voice];
    const struct duo_prompt *p = duo_house_prompt(h, query, voice);
    struct duo_said said = { .n = 1, .ids = (const int32_t[]){ 0 }, .numbers = &(const struct duo_grained){ 0 } };     /* (3) */
    enum duo_status status = DUO_OK;
    int most = duo_house_most(h, query);

    *out = own;
    if (own->n) return DUO_OK;
    if (duo_speaker_only_drafts(h->speaker, voice) && most > DUO_DRAFTER_TOKENS) most = DUO_DRAFTER_TOKENS;
    status = duo_speaker_say(h->speaker, voice, p->ids, p->n, &(struct duo_say){ .tokens = most }, &said, err);
    own->n       = said.n;
    own->ids     = duo_new((size_t)said.n, sizeof *own->ids);
    own->numbers = duo_new((size_t)said.n, sizeof *own->numbers);
    memcpy(own->ids, said.ids, (size_t)said.n * sizeof *own->ids);
    memcpy(own->numbers, said.numbers, (size_t)said.n * sizeof *own->numbers);
    return status;
}

enum duo_status duo_house_score(struct duo_house *h, int query, int score, double *out, struct duo_err *err)
{
    size_t at = (size_t)query * (size_t)h->n_scores + (size_t)score;
    const struct duo_prompt *p = duo_house_prompt(h, query, 0);
    int width = duo_speaker_width(h->speaker, 0);
    float *state;
    enum duo_status status;

    *out = h->score[at];
    if (h->scored[at]) return DUO_OK;
    state  = duo_new((size_t)width + 1, sizeof *state);
    status = width ? duo_speaker_embed(h->speaker, 0, p->ids, p->n, state, err) : DUO_OK;
    if (status == DUO_OK) *out = h->score[at] = duo_score_of(h->scores[score], h->tasks.at[query].prompt, width ? state : NULL, width), h->scored[at] = true;
    free(state);
    return status;
}

double duo_house_grade(struct duo_house *h, int query, int voice, const int32_t *ids, int n)
{
    struct duo_own *own = &h->own[(size_t)query * (size_t)h->n_voices + (size_t)voice];
    bool is_own = own->n == n && n > 0 && memcmp(own->ids, ids, (size_t)n * sizeof *ids) == 0;
    char *text;
    double quality;

    if (is_own && own->graded) return own->quality;
    text    = duo_speaker_decode(h->speaker, voice, ids, n);
    quality = duo_task_grade(&h->tasks.at[query], text);
    free(text);
    if (is_own) own->quality = quality, own->graded = true;
    return quality;
}
