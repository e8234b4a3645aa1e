/* record.c - one question after another: what each voice answers, what drafters think of it (recording.h). */
#include "models/answers/recording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/grained.h"
#include "models/answers/recording_file.h"
#include "sim/base/json.h"
#include "sim/base/rng.h"

enum { RANK_CAP = 255, MOST_VOICES = 32, MOST_SAMPLES = 64 };

struct recorder {
    const struct duo_record_spec *spec;
    struct duo_tasks              tasks;
    struct duo_recording_file     file;
    struct duo_utterance          answer[MOST_VOICES];        /* to the question at hand */
    int32_t                      *before;                     /* ids of the prompt before it */
    int                           n_before;
};

static struct duo_voice *voice(const struct recorder *r, int v) { return r->spec->voices[v]; }

/* ---- bytes of blobs: little endian on every machine */

struct bytes { unsigned char *at; size_t n, room; };

static void put_byte(struct bytes *b, unsigned x)
{
    if (b->n == b->room) b->at = duo_grow(b->at, b->room = b->room ? 2 * b->room : 256, 1);
    b->at[b->n++] = (unsigned char)x;
}

static void put_grain(struct bytes *b, uint16_t x)
{
    put_byte(b, x & 255u);
    put_byte(b, x >> 8);
}

static void put_numbers(struct bytes *b, const struct duo_grained *x, int n)
{
    for (int i = 0; i < n; i++) put_grain(b, x[i].probability), put_grain(b, x[i].margin), put_grain(b, x[i].entropy);
}

static struct duo_cell cell_of(const struct bytes *b) { return duo_bytes_cell(b->at ? b->at : (const void *)"", b->n); }

/* ---- the rows of a question */

static double graded(const struct duo_task *t, const struct duo_utterance *u) { return u->text ? duo_task_grade(t, u->text) : (double)NAN; }

static struct duo_cell told(int n) { return n < 0 ? (struct duo_cell){ .kind = DUO_CELL_NULL } : duo_whole_cell(n); }

static enum duo_status put_query(struct recorder *r, int q, int tokens, int shared, struct duo_err *err)
{
    static const char *const splits[] = { "train", "calibration", "test", NULL }, *const gradings[] = { "exact", "parts", "slots", "contains" };
    const struct duo_task *t = &r->tasks.at[q];
    bool texts = r->spec->texts;
    const struct duo_cell cells[] = { duo_whole_cell(q), duo_text_cell(t->id), duo_text_cell(t->family && *t->family ? t->family : NULL),
        told(t->difficulty ? t->difficulty : -1), duo_text_cell(splits[t->split]), duo_text_cell(gradings[t->grading]),
        duo_text_cell(texts ? t->prompt : NULL), duo_text_cell(texts ? t->reference : NULL), told(tokens), duo_whole_cell((int64_t)strlen(t->prompt)),
        told(t->session), told(t->session < 0 ? -1 : t->turn), told(t->session < 0 ? -1 : shared) };

    return duo_recording_put(&r->file, DUO_RECORDING_query, cells, err);
}

/* What is asked first of every voice; and what its prompt has in common with the one before (grained.h (5)). */
static enum duo_status ask(struct recorder *r, int q, bool record, struct duo_err *err)
{
    const struct duo_task *t = &r->tasks.at[q];
    int tokens = -1, shared = 0;

    for (int v = 0; v < (record ? r->spec->n_voices : 1); v++) {
        const int32_t *ids = NULL;
        int n = -1;
        DUO_TRY(voice(r, v)->kind->ask(voice(r, v), t->prompt, &n, &ids, err));
        if (v) continue;
        tokens = n;
        if (!ids) continue;
        if (q && t->session >= 0 && r->tasks.at[q - 1].session == t->session) shared = duo_grained_shared(r->before, r->n_before, ids, n);
        r->before = duo_grow(r->before, (size_t)n + 1, sizeof *r->before);
        memcpy(r->before, ids, (size_t)n * sizeof *ids);
        r->n_before = n;
    }
    return record ? put_query(r, q, tokens, shared, err) : DUO_OK;
}

static enum duo_status put_answer(struct recorder *r, int q, int v, struct duo_err *err)
{
    struct duo_utterance *u = &r->answer[v];
    struct duo_say greedy = { .tokens = voice(r, v)->kind->only_drafts ? DUO_DRAFTER_TOKENS : DUO_ANSWER_TOKENS };
    struct bytes numbers = { 0 };
    enum duo_status status;

    DUO_TRY(voice(r, v)->kind->say(voice(r, v), NULL, 0, &greedy, u, err));
    if (u->numbers && u->n > 0) put_numbers(&numbers, u->numbers, u->n);
    const struct duo_cell cells[] = { duo_whole_cell(q), duo_whole_cell(v), duo_real_cell(graded(&r->tasks.at[q], u)), told(u->n), told(u->thinking),
        duo_whole_cell(u->ended), duo_text_cell(r->spec->texts ? u->text : NULL), duo_bytes_cell(numbers.at, numbers.n) };
    status = duo_recording_put(&r->file, DUO_RECORDING_answer, cells, err);
    free(numbers.at);
    return status;
}

static enum duo_status put_exits(struct recorder *r, int q, int v, struct duo_err *err)
{
    const struct duo_utterance *u = &r->answer[v];
    int rows = voice(r, v)->layers - 1;
    struct duo_left *left;
    struct bytes same = { 0 }, probability = { 0 };
    enum duo_status status;

    if (!voice(r, v)->kind->exits || rows < 1 || u->n < 1 || !u->ids) return DUO_OK;
    left = duo_new((size_t)u->n * (size_t)rows, sizeof *left);
    status = voice(r, v)->kind->exits(voice(r, v), u, left, err);
    for (int i = 0; status == DUO_OK && i < u->n * rows; i++) {
        if (i % 8 == 0) put_byte(&same, 0);
        if (left[i].choice == u->ids[i / rows]) same.at[i / 8] |= (unsigned char)(1u << i % 8);
        put_grain(&probability, left[i].probability);
    }
    const struct duo_cell cells[] = { duo_whole_cell(q), duo_whole_cell(v), cell_of(&same), cell_of(&probability) };
    if (status == DUO_OK) status = duo_recording_put(&r->file, DUO_RECORDING_exits, cells, err);
    free(left);
    free(same.at);
    free(probability.at);
    return status;
}

/* ---- drafters */

/* What the drafter writes behind each disagreement but the first token's, which is its own answer.  *known: it can say so. */
static enum duo_status write_behind(struct recorder *r, int drafter, int verifier, const struct duo_judged *judged, struct bytes *out, bool *known,
                                    struct duo_err *err)
{
    const struct duo_utterance *u = &r->answer[verifier];
    struct duo_voice *d = voice(r, drafter);

    for (int i = 1; i < u->n && *known; i++) {
        struct duo_say how = { .tokens = r->spec->ahead };
        struct duo_utterance behind = { 0 };
        enum duo_status status;
        if (judged[i].rank == 1) continue;
        status = d->kind->say(d, u, i, &how, &behind, err);
        if (status == DUO_FELL_SHORT) {
            *known = false, *err = (struct duo_err){ 0 };
            break;
        }
        DUO_TRY(status);
        if (behind.ids && judged[i].choice >= 0 && (behind.n < 1 || behind.ids[0] != judged[i].choice))
            status = duo_fail(err, DUO_RUN_FAILED, "%s says another token than it chose when it judged %s at position %d", d->name, voice(r, verifier)->name, i);
        put_byte(out, behind.n > 0 ? (unsigned)behind.n : 0);
        put_byte(out, behind.ended);
        for (int k = 0; k < behind.n; k++) {
            const struct duo_grained unknown = { DUO_GRID_UNKNOWN, DUO_GRID_UNKNOWN, DUO_GRID_UNKNOWN };
            put_numbers(out, behind.numbers ? &behind.numbers[k] : &unknown, 1);
        }
        d->kind->forget(d, &behind);
        DUO_TRY(status);
    }
    return DUO_OK;
}

struct ranked { struct bytes ranks, accept, numbers, ahead; bool accepts, behind; };

static enum duo_status weigh(struct recorder *r, int drafter, int verifier, struct duo_judged *judged, uint16_t *accept, struct ranked *x, struct duo_err *err)
{
    const struct duo_utterance *u = &r->answer[verifier];
    struct duo_voice *d = voice(r, drafter);
    enum duo_status status;

    DUO_TRY(d->kind->judge(d, u, judged, err));
    for (int i = 0; i < u->n; i++) {
        put_byte(&x->ranks, judged[i].rank > RANK_CAP ? RANK_CAP : (unsigned)judged[i].rank);
        put_numbers(&x->numbers, &judged[i].numbers, 1);
    }
    if (d->kind->accept) {
        status = d->kind->accept(d, voice(r, verifier), u, accept, err);
        x->accepts = status == DUO_OK;
        if (status == DUO_FELL_SHORT) *err = (struct duo_err){ 0 };
        else DUO_TRY(status);
        for (int i = 0; x->accepts && i < u->n; i++) put_grain(&x->accept, accept[i]);
    }
    x->behind = true;
    return write_behind(r, drafter, verifier, judged, &x->ahead, &x->behind, err);
}

static enum duo_status put_rank(struct recorder *r, int q, int drafter, int verifier, struct duo_err *err)
{
    const struct duo_utterance *u = &r->answer[verifier];
    struct ranked x = { 0 };
    enum duo_status status;
    struct duo_judged *judged;
    uint16_t *accept;

    if (u->n < 1) return DUO_OK;
    judged = duo_new((size_t)u->n, sizeof *judged);
    accept = duo_new((size_t)u->n, sizeof *accept);
    status = weigh(r, drafter, verifier, judged, accept, &x, err);
    const struct duo_cell cells[] = { duo_whole_cell(q), duo_whole_cell(drafter), duo_whole_cell(verifier), cell_of(&x.ranks),
        x.accepts ? cell_of(&x.accept) : (struct duo_cell){ .kind = DUO_CELL_NULL }, cell_of(&x.numbers),
        x.behind ? cell_of(&x.ahead) : (struct duo_cell){ .kind = DUO_CELL_NULL } };
    if (status == DUO_OK) status = duo_recording_put(&r->file, DUO_RECORDING_rank, cells, err);
    else if (status == DUO_FELL_SHORT) *err = (struct duo_err){ 0 }, status = DUO_OK;        /* voices.h (1) */
    free(judged);
    free(accept);
    free(x.ranks.at);
    free(x.accept.at);
    free(x.numbers.at);
    free(x.ahead.at);
    return status;
}

static bool drafts(const struct duo_record_spec *s, int drafter, int verifier)
{
    const struct duo_voice_kind *k = s->voices[drafter]->kind;

    return s->drafters >> drafter & 1u && !(s->drafters >> verifier & 1u) && k->judge && k->drafts && k->judge == s->voices[verifier]->kind->judge &&
           k->drafts(s->voices[drafter], s->voices[verifier]);
}

/* ---- votes, embeddings, scores */

/* Do their ids mean the same? */
static bool comparable(struct duo_voice *a, struct duo_voice *b)
{
    const struct duo_voice_kind *k = a->kind, *l = b->kind;

    return a == b || (k->judge && k->judge == l->judge && ((k->drafts && k->drafts(a, b)) || (l->drafts && l->drafts(b, a))));
}

/* Leading tokens that a text has in common with each voice's own answer, a byte each. */
static void compare(const struct recorder *r, int v, const struct duo_utterance *u, struct bytes *alike)
{
    for (int w = 0; w < r->spec->n_voices; w++) {
        const struct duo_utterance *other = &r->answer[w];
        int n = 0;
        if (u->ids && other->ids && comparable(voice(r, v), voice(r, w)))
            while (n < u->n && n < other->n && n < RANK_CAP && u->ids[n] == other->ids[n]) n++;
        put_byte(alike, (unsigned)n);
    }
}

static bool is_own(const struct duo_utterance *u, const struct duo_utterance *own)
{
    if (u->n != own->n || u->ended != own->ended) return false;
    return u->ids && own->ids ? memcmp(u->ids, own->ids, (size_t)u->n * sizeof *u->ids) == 0 : u->text && own->text && strcmp(u->text, own->text) == 0;
}

static enum duo_status put_vote(struct recorder *r, int q, int v, struct duo_err *err)
{
    struct duo_utterance said[MOST_SAMPLES] = { { 0 } };
    const char *texts[MOST_SAMPLES];
    const struct duo_record_spec *s = r->spec;
    enum duo_status status = DUO_OK;
    double share;
    int n = 0, best;

    if (!s->samples || voice(r, v)->kind->only_drafts) return DUO_OK;
    for (; n < s->samples && status == DUO_OK; n++) {
        struct duo_say how = { .tokens = DUO_ANSWER_TOKENS, .temperature = s->temperature, .seed = (uint64_t)n + 1 };
        status = voice(r, v)->kind->say(voice(r, v), NULL, 0, &how, &said[n], err);
        texts[n] = said[n].text ? said[n].text : "";
    }
    if (status == DUO_OK) {
        best = duo_grained_vote(texts, n, &share);
        struct bytes alike = { 0 };
        compare(r, v, &said[best], &alike);
        const struct duo_cell cells[] = { duo_whole_cell(q), duo_whole_cell(v), duo_whole_cell(n), duo_real_cell(s->temperature), duo_real_cell(share),
            duo_whole_cell(best + 1), duo_whole_cell(is_own(&said[best], &r->answer[v])), told(said[best].n),
            duo_real_cell(graded(&r->tasks.at[q], &said[best])), cell_of(&alike) };
        status = duo_recording_put(&r->file, DUO_RECORDING_vote, cells, err);
        free(alike.at);
    }
    for (int i = 0; i < n; i++) voice(r, v)->kind->forget(voice(r, v), &said[i]);
    return status;
}

static enum duo_status put_embedding(struct recorder *r, int q, int v, struct duo_err *err)
{
    struct duo_voice *of = voice(r, v);
    struct bytes vector = { 0 };
    enum duo_status status;
    float *x, most = 0;
    double scale;

    if (!r->spec->embeddings || !of->kind->embed || of->width < 1) return DUO_OK;
    x = duo_new((size_t)of->width, sizeof *x);
    status = of->kind->embed(of, x, err);
    for (int i = 0; i < of->width; i++) most = fmaxf(most, fabsf(x[i]));
    scale = most > 0 ? (double)most / 127 : 1;
    for (int i = 0; i < of->width; i++) put_byte(&vector, (unsigned)(int)nearbyint((double)x[i] / scale) & 255u);
    const struct duo_cell cells[] = { duo_whole_cell(q), duo_whole_cell(v), duo_real_cell(scale), cell_of(&vector) };
    if (status == DUO_OK) status = duo_recording_put(&r->file, DUO_RECORDING_embedding, cells, err);
    free(vector.at);
    free(x);
    return status;
}

static enum duo_status put_scores(struct recorder *r, int q, struct duo_err *err)
{
    struct duo_voice *first = voice(r, 0);
    bool looks = first->kind->embed && first->width > 0;
    float *state = looks && r->spec->n_scores ? duo_new((size_t)first->width, sizeof *state) : NULL;
    enum duo_status status = state ? first->kind->embed(first, state, err) : DUO_OK;

    for (int i = 0; i < r->spec->n_scores && status == DUO_OK; i++) {
        const struct duo_record_score *s = &r->spec->scores[i];
        const struct duo_cell cells[] = { duo_whole_cell(q), duo_text_cell(s->name), duo_real_cell(s->of(s->self, r->tasks.at[q].prompt, state, first->width)) };
        status = duo_recording_put(&r->file, DUO_RECORDING_score, cells, err);
    }
    free(state);
    return status;
}

/* ---- a question, and all of them */

static enum duo_status all_of(struct recorder *r, int q, struct duo_err *err)
{
    const struct duo_record_spec *s = r->spec;

    DUO_TRY(ask(r, q, true, err));
    for (int v = 0; v < s->n_voices; v++) {
        DUO_TRY(put_answer(r, q, v, err));
        DUO_TRY(put_exits(r, q, v, err));
    }
    for (int d = 0; d < s->n_voices; d++)
        for (int v = d + 1; v < s->n_voices; v++)
            if (drafts(s, d, v)) DUO_TRY(put_rank(r, q, d, v, err));
    for (int v = 0; v < s->n_voices; v++) {
        DUO_TRY(put_vote(r, q, v, err));
        DUO_TRY(put_embedding(r, q, v, err));
    }
    return put_scores(r, q, err);
}

/* What went wrong, and with which question; how much is kept. */
static void explain(struct recorder *r, struct duo_err *err)
{
    char text[sizeof err->text];
    long long done = r->file.done, all = r->tasks.n;

    snprintf(text, sizeof text, "%s", err->text);
    snprintf(err->text, sizeof err->text, "%.280s (question %.60s; %lld of %lld are kept in %.80s, --resume goes on)", text, r->tasks.at[done].id, done, all,
             r->file.part);
}

static enum duo_status all_questions(struct recorder *r, struct duo_err *err)
{
    const struct duo_record_spec *s = r->spec;
    struct duo_err why = { 0 };

    if (r->file.done > 0 && r->file.done < r->tasks.n) DUO_TRY(ask(r, (int)r->file.done - 1, false, err));
    while (r->file.done < r->tasks.n) {
        int q = (int)r->file.done;
        enum duo_status status = duo_recording_question(&r->file, true, &why);
        if (status == DUO_OK) status = all_of(r, q, &why);
        if (status == DUO_OK) status = duo_recording_question(&r->file, false, &why);
        for (int v = 0; v < s->n_voices; v++)
            if (r->answer[v].own) voice(r, v)->kind->forget(voice(r, v), &r->answer[v]);
        if (status != DUO_OK) {
            explain(r, &why);
            if (err) *err = why;
            return status;
        }
        if (s->go_on && !s->go_on(s->user, r->file.done, r->tasks.n) && r->file.done < r->tasks.n)
            return duo_fail(err, DUO_RUN_FAILED, "stopped: %lld of %d questions are kept in %s; --resume goes on with it", (long long)r->file.done, r->tasks.n, r->file.part);
    }
    return DUO_OK;
}

/* ---- what a recording says of itself */

enum { META = 12 };

struct about { struct duo_row row[META + MOST_VOICES]; int n; char text[META][64], drafters[256], scores[512]; };

static void about(struct about *a, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void about(struct about *a, const char *key, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    vsnprintf(a->text[a->n], sizeof a->text[a->n], fmt, list);
    va_end(list);
    a->row[a->n] = (struct duo_row){ DUO_RECORDING_meta, { duo_text_cell(key), duo_text_cell(a->text[a->n]) } };
    a->n++;
}

/* Of all that a task says, as it is printed. */
static uint64_t digest(const struct duo_tasks *tasks)
{
    uint64_t sum = 0;

    for (int i = 0; i < tasks->n; i++) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        if (!f) continue;
        duo_task_print(f, &tasks->at[i]);
        fclose(f);
        sum = duo_hash_bytes(sum, text, n);
        free(text);
    }
    return sum;
}

static void describe(struct about *a, const struct duo_record_spec *s, const struct duo_tasks *tasks)
{
    char number[32];
    size_t at = 0;

    duo_show_double(s->temperature, number);
    about(a, "ahead", "%d", s->ahead);
    about(a, "answer_tokens", "%d", DUO_ANSWER_TOKENS);
    for (int v = 0; v < s->n_voices; v++)
        if (s->drafters >> v & 1u && at < sizeof a->drafters)
            at += (size_t)snprintf(a->drafters + at, sizeof a->drafters - at, "%s%s", at ? " " : "", s->voices[v]->name);
    about(a, "drafters", "%s", "");
    a->row[a->n - 1].cell[1] = duo_text_cell(a->drafters);
    about(a, "embeddings", "%s", s->embeddings ? "yes" : "no");
    about(a, "questions", "%d", tasks->n);
    about(a, "samples", "%d", s->samples);
    at = 0;
    for (int i = 0; i < s->n_scores && at < sizeof a->scores; i++)
        at += (size_t)snprintf(a->scores + at, sizeof a->scores - at, "%s%s %s", i ? ", " : "", s->scores[i].name, s->scores[i].digest);
    about(a, "scores", "%s", "");
    a->row[a->n - 1].cell[1] = duo_text_cell(a->scores);
    about(a, "source", "%s", s->tasks ? "a file" : "the project's own tasks");
    about(a, "tasks", "%016llx", (unsigned long long)digest(tasks));
    about(a, "temperature", "%s", number);
    about(a, "texts", "%s", s->texts ? "yes" : "no");
    about(a, "version", "%d", DUO_RECORDING_VERSION);
    for (int v = 0; v < s->n_voices; v++) {
        const struct duo_voice *x = s->voices[v];
        a->row[a->n++] = (struct duo_row){ DUO_RECORDING_voice, { duo_whole_cell(v), duo_text_cell(x->name), duo_text_cell(x->kind->name), duo_text_cell(x->digest),
            duo_text_cell(x->quant), told(x->layers ? x->layers : -1), told(x->width ? x->width : -1), told(x->vocabulary ? x->vocabulary : -1) } };
    }
}

static enum duo_status check(const struct duo_record_spec *s, const struct duo_tasks *tasks, struct duo_err *err)
{
    if (tasks->n < 1) return duo_fail(err, DUO_BAD_INPUT, "record: %s has no questions", s->tasks ? s->tasks : "the list");
    if (s->n_voices < 1 || s->n_voices > MOST_VOICES) return duo_fail(err, DUO_BAD_INPUT, "record: 1 to %d voices, got %d", MOST_VOICES, s->n_voices);
    if (s->ahead < 1 || s->ahead > 255) return duo_fail(err, DUO_BAD_INPUT, "record: ahead: 1 to 255 tokens, got %d", s->ahead);
    if (s->samples < 0 || s->samples > MOST_SAMPLES) return duo_fail(err, DUO_BAD_INPUT, "record: samples: 0 to %d, got %d", MOST_SAMPLES, s->samples);
    for (int v = 0; v < s->n_voices; v++)
        for (int w = 0; w < v; w++)
            if (strcmp(s->voices[v]->name, s->voices[w]->name) == 0) return duo_fail(err, DUO_BAD_INPUT, "record: two voices are called %s", s->voices[v]->name);
    return DUO_OK;
}

static enum duo_status finish(struct recorder *r, struct duo_err *err)
{
    struct duo_err why = { 0 };
    enum duo_status status = duo_recording_finish(&r->file, &why);
    char text[sizeof why.text];

    if (status == DUO_OK) return status;
    snprintf(text, sizeof text, "%s", why.text);
    snprintf(why.text, sizeof why.text, "%.300s (all questions are kept in %.120s; --resume goes on)", text, r->file.part);
    if (err) *err = why;
    return status;
}

enum duo_status duo_record(const struct duo_record_spec *spec, struct duo_err *err)
{
    struct recorder r = { .spec = spec };
    struct about a = { .n = 0 };
    enum duo_status status = duo_grained_tasks(&r.tasks, spec->tasks, spec->seed, spec->n, err);

    if (status == DUO_OK) status = check(spec, &r.tasks, err);
    if (status == DUO_OK) {
        describe(&a, spec, &r.tasks);
        status = duo_recording_begin(&r.file, spec->out, spec->resume, a.row, a.n, err);
    }
    if (status == DUO_OK) {
        status = all_questions(&r, err);
        if (status == DUO_OK) status = finish(&r, err);
        duo_recording_close(&r.file);
    }
    free(r.before);
    duo_tasks_free(&r.tasks);
    return status;
}
