/* test_executed.c - models/answers/executed.c: texts are what the models would write, by hand through the speaker; requirements
 * by number. */
#include "models/answers/grained.h"
#include "models/answers/speaker.h"
#include "models/slm/make.h"
#include "tests/check.h"
#include "tests/unit/text_laws.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { SMALL, LARGE, LOSSY, VOICES, QUERIES = 3 };
#ifdef __SANITIZE_ADDRESS__
enum { ASKED = 1 };                              /* kernels under a sanitizer are sixty times slower */
#else
enum { ASKED = QUERIES };
#endif

static char folder[] = "/tmp/duosim-executed-XXXXXX", paths[VOICES][128], tasks[128];
static const char *const names[VOICES] = { "small", "large", "lossy" };
static const char *const prompts[QUERIES] = { "the first of some questions\n", "another one, with 3 numbers: 17 and 4\n", "x\n" };
static struct duo_speaker *hand;                 /* the same models, asked without answers between */

static void set_up(void)
{
    static const struct { const char *like, *mix; } models[VOICES] = { { "tiny-qwen2", "q8_0" }, { "tiny-qwen3", "q8_0" }, { "tiny-qwen3", "q4_0" } };
    struct duo_speaker_spec spec = { .n_voices = VOICES, .chat = true };
    struct duo_err err = { 0 };
    FILE *file;

    CHECK(mkdtemp(folder) != NULL);
    for (int v = 0; v < VOICES; v++) {
        snprintf(paths[v], sizeof paths[v], "%s/%s.gguf", folder, names[v]);
        CHECK_INT(duo_model_make(models[v].like, models[v].mix, 7, paths[v], NULL, &err), DUO_OK);
        spec.names[v] = names[v], spec.paths[v] = paths[v];
    }
    CHECK_INT(duo_speaker_open(&hand, &spec, &err), DUO_OK);
    snprintf(tasks, sizeof tasks, "%s/tasks.jsonl", folder);
    file = fopen(tasks, "w");
    fprintf(file, "{\"id\": \"one\", \"prompt\": \"the first of some questions\\n\", \"reference\": \"1\", \"split\": \"test\"}\n");
    fprintf(file, "{\"id\": \"two\", \"prompt\": \"another one, with 3 numbers: 17 and 4\\n\", \"reference\": \"2\", \"split\": \"test\"}\n");
    fprintf(file, "{\"id\": \"three\", \"prompt\": \"x\\n\", \"reference\": \"3\", \"split\": \"calibration\"}\n");
    fclose(file);
    if (err.status) printf("%s: %s\n", err.file, err.text);
}

static struct duo_executed_spec spec_of(struct duo_executed_voice voices[VOICES])
{
    for (int v = 0; v < VOICES; v++) voices[v] = (struct duo_executed_voice){ names[v], paths[v] };
    return (struct duo_executed_spec){ .n_voices = VOICES, .voices = voices, .tasks = tasks };
}

static struct duo_answers *open_answers(void)
{
    struct duo_executed_voice voices[VOICES];
    struct duo_executed_spec spec = spec_of(voices);
    struct duo_answers *a = NULL;
    struct duo_err err = { 0 };

    CHECK_INT(duo_answers_executed(&a, &spec, &err), DUO_OK);
    if (!a) printf("%s: %s\n", err.file, err.text), exit(check_done());
    return a;
}

/* ---------------------------------------------------------------- by hand */

struct text { int32_t ids[1200]; int prompt, n; };           /* the prompt, then the answer so far: n */

static struct text begin(int q)
{
    struct text t = { .n = 0 };
    int32_t *ids;

    t.prompt = duo_speaker_encode(hand, 0, prompts[q], &ids);
    memcpy(t.ids, ids, (size_t)t.prompt * sizeof *ids);
    free(ids);
    return t;
}

/* Returns whether it ended. */
static bool go_on(struct text *t, int voice, struct duo_say how)
{
    struct duo_said said;
    struct duo_err err = { 0 };

    if (how.tokens == 0 || how.tokens > DUO_ANSWER_TOKENS - t->n) how.tokens = DUO_ANSWER_TOKENS - t->n;
    CHECK_INT(duo_speaker_say(hand, voice, t->ids, t->prompt + t->n, &how, &said, &err), DUO_OK);
    memcpy(t->ids + t->prompt + t->n, said.ids, (size_t)said.n * sizeof *said.ids);
    t->n += said.n;
    return said.ended || t->n == DUO_ANSWER_TOKENS;
}

/* Two paths have in common what the texts made by hand have. */
static void same(const struct duo_answers *a, const struct duo_text_path *x, const struct duo_text_path *y, const struct text *s, const struct text *t)
{
    int i = 0;

    while (i < s->n && i < t->n && s->ids[s->prompt + i] == t->ids[t->prompt + i]) i++;
    if (x->ended && s->n == i && !(y->ended && t->n == i)) i--;
    else if (y->ended && t->n == i && !(x->ended && s->n == i)) i--;
    CHECK_INT(a->kind->common(a, x, y), i);
}

/* ---------------------------------------------------------------- texts */

static void test_own(const struct duo_answers *a)
{
    for (int q = 0; q < ASKED; q++) {
        struct duo_query query;
        a->kind->query(a, q, &query);
        CHECK_INT(query.train, q == 2);
        CHECK_NEAR(query.prompt_bytes, (double)strlen(prompts[q]), 0);
        for (int v = 0; v < VOICES; v++) {
            struct text t = begin(q);
            struct duo_text_path from = duo_path_empty(q), own;
            struct duo_written w;
            const char *why = NULL;
            bool ended = go_on(&t, v, (struct duo_say){ .tokens = 0 });
            CHECK_INT(query.prompt_tokens, t.prompt);
            CHECK(ended);
            CHECK_INT(a->kind->length(a, q, v), t.n);
            a->kind->write(a, &(struct duo_ask){ .voice = v, .from = &from }, &w);
            own = duo_path_of(q, v, t.n, true);
            CHECK(duo_path_equal(&w.path, &own));
            CHECK(w.certainty.mean > 0 && w.certainty.mean <= 1 && w.certainty.min <= w.certainty.mean);
            CHECK_NEAR(a->kind->grade(a, &w.path, &why), 0, 0);      /* random weights know nothing */
        }
    }
}

/* Voices by turns, a few tokens each, some with exits and at temperatures: (1) to (5), beyond DUO_MAX_SEGMENTS. */
static void test_walks(const struct duo_answers *a)
{
    enum { TEXTS = 6, STEPS = 30 };
    struct duo_rng r;
    int long_ones = 0, own = 0;

    duo_rng_init(&r, 5, "test.walks", 0);
    for (int q = 0; q < ASKED; q++) {
        struct text made[TEXTS];
        struct duo_text_path path[TEXTS];
        for (int k = 0; k < TEXTS; k++) {
            int voice = -1;
            made[k] = begin(q), path[k] = duo_path_empty(q);
            for (int i = 0; i < STEPS && !path[k].ended; i++) {
                struct duo_ask ask = { .from = &path[k], .tokens = 1 + (int)(duo_rng_bits(&r) % 3), .sample = i };
                struct duo_say how = { .tokens = ask.tokens };
                struct duo_written w;
                int kind = (int)(duo_rng_bits(&r) % 6);
                voice = k == 0 ? 0 : (voice + 1 + (int)(duo_rng_bits(&r) % (VOICES - 1))) % VOICES;
                ask.voice = voice;
                if (kind == 0) ask.exit_layer = 16, ask.layers = 32, ask.exit_above = .02, how.exit_layer = 2, how.exit_above = (double)(float).02;
                if (kind == 1) ask.stop_below = how.stop_below = .05;
                a->kind->write(a, &ask, &w);
                bool ended = go_on(&made[k], voice, how);
                CHECK_INT(w.tokens, made[k].n - duo_path_tokens(&path[k]));
                CHECK_INT(w.path.ended, ended);
                path[k] = w.path;
                long_ones += path[k].segment[0].voice == DUO_VOICE_KEPT;
                own += path[k].n == 1;
            }
        }
        for (int k = 0; k < TEXTS; k++)
            for (int j = 0; j < TEXTS; j++) same(a, &path[k], &path[j], &made[k], &made[j]);
        for (int k = 0; k < TEXTS; k++)                      /* cut anywhere */
            for (int n = 0; n < made[k].n; n += 4) {
                struct duo_text_path cut = path[k];
                struct text less = made[k];
                duo_path_cut(&cut, n);
                less.n = n;
                same(a, &cut, &path[(k + 1) % TEXTS], &less, &made[(k + 1) % TEXTS]);
            }
    }
    printf("  %d texts kept whole, %d named as one voice's own\n", long_ones, own);
    CHECK(long_ones > 0 && own > 0);
}

/* Whatever is drafted, and however long: the text is the verifier's own. */
static void test_drafts(const struct duo_answers *a, int drafter)
{
    for (int q = 0; q < ASKED; q++)
        for (int length = 2 + 2 * q; length <= 2 + 2 * q; length++) {
            struct duo_text_path text = duo_path_empty(q), own = duo_path_of(q, LARGE, a->kind->length(a, q, LARGE), true);
            int rounds = 0, accepted = 0;
            while (!text.ended && rounds < 600) {
                struct duo_written w;
                struct duo_verified v;
                struct text t = begin(q), before;
                a->kind->write(a, &(struct duo_ask){ .voice = drafter, .from = &text, .tokens = length, .plain = true }, &w);
                a->kind->verify(a, LARGE, &text, &w.path, &v);
                t.n = 0;
                go_on(&t, LARGE, (struct duo_say){ .tokens = duo_path_tokens(&text) ? duo_path_tokens(&text) : 1 });
                if (!duo_path_tokens(&text)) t.n = 0;
                before = t;
                go_on(&t, drafter, (struct duo_say){ .tokens = length });
                go_on(&before, LARGE, (struct duo_say){ .tokens = length });
                int agree = duo_path_tokens(&text);
                while (agree < t.n && agree < before.n && t.ids[t.prompt + agree] == before.ids[before.prompt + agree]) agree++;
                CHECK_INT(v.accepted, agree - duo_path_tokens(&text));
                CHECK_INT(v.path.n, 1);
                CHECK_INT(v.path.segment[0].voice, LARGE);
                text = v.path;
                rounds++, accepted += v.accepted;
            }
            CHECK(duo_path_equal(&text, &own));
            printf("  %s drafts %d for %s: %d rounds, %d accepted\n", names[drafter], length, names[LARGE], rounds, accepted);
        }
}

/* A token that leaves early is what the exit head says; what it says is what was written. */
static void test_exits(const struct duo_answers *a)
{
    int leaving = 0, tokens = 0;

    for (int q = 0; q < QUERIES; q++) {
        struct duo_text_path from = duo_path_empty(q);
        struct duo_written w;
        struct text t = begin(q);
        struct duo_left left[64];
        struct duo_err err = { 0 };
        a->kind->write(a, &(struct duo_ask){ .voice = LARGE, .from = &from, .tokens = 30, .exit_layer = 8, .layers = 24, .exit_above = .9 }, &w);
        go_on(&t, LARGE, (struct duo_say){ .tokens = 30, .exit_layer = 1, .exit_above = (double)(float).9 });
        CHECK_INT(duo_speaker_exits(hand, LARGE, t.ids, t.prompt, t.n, left, &err), DUO_OK);
        CHECK(isnan(w.certainty.mean));                      /* (6) */
        for (int i = 0; i < t.n; i++) {
            bool leaves = a->kind->exits(a, &w.path, LARGE, i, 8, 24, .9);
            CHECK_INT(leaves, duo_grain(left[2 * i].probability) > (double)(float).9);
            if (leaves) CHECK_INT(left[2 * i].choice, t.ids[t.prompt + i]);
            leaving += leaves, tokens++;
        }
    }
    printf("  %d of %d tokens leave behind layer 1 of 3\n", leaving, tokens);
    CHECK(leaving > 0 && leaving < tokens && !a->failure);
}

/* (4): the winner is the most frequent text of draws with the seeds 1, 2, ...; its certainty is known when it is the own one. */
static void test_votes(const struct duo_answers *a)
{
    for (int q = 0; q < ASKED; q++) {
        struct duo_text_path from = duo_path_empty(q);
        struct duo_written w, again, other;
        struct text draw[5], winner;
        char *texts[5];
        double share;
        int best;
        for (int i = 0; i < 5; i++) {
            draw[i] = begin(q);
            go_on(&draw[i], SMALL, (struct duo_say){ .tokens = 2, .temperature = (double).3f, .seed = (uint64_t)i + 1 });
            texts[i] = duo_speaker_decode(hand, SMALL, draw[i].ids + draw[i].prompt, draw[i].n);
        }
        best = duo_grained_vote((const char *const *)texts, 5, &share);
        winner = draw[best];
        a->kind->write(a, &(struct duo_ask){ .voice = SMALL, .from = &from, .tokens = 2, .temperature = (double).3f, .samples = 5 }, &w);
        a->kind->write(a, &(struct duo_ask){ .voice = SMALL, .from = &from, .tokens = 2, .temperature = (double).3f, .samples = 5, .sample = 9 }, &again);
        CHECK_NEAR(w.agreement, share, 0);
        same(a, &w.path, &again.path, &winner, &winner);
        for (int i = 0; i < 5; i++) free(texts[i]);
        a->kind->write(a, &(struct duo_ask){ .voice = SMALL, .from = &from, .tokens = 20, .temperature = 1.5, .sample = 1 }, &w);
        a->kind->write(a, &(struct duo_ask){ .voice = SMALL, .from = &from, .tokens = 20, .temperature = 1.5, .sample = 1 }, &again);
        a->kind->write(a, &(struct duo_ask){ .voice = SMALL, .from = &from, .tokens = 20, .temperature = 1.5, .sample = 2 }, &other);
        CHECK_INT(a->kind->common(a, &w.path, &again.path), 20);
        CHECK(a->kind->common(a, &w.path, &other.path) < 20);
        CHECK(w.certainty.mean > 0 && isnan(w.agreement));
    }
}

/* ---------------------------------------------------------------- what is refused */

static void refused(const char *small, const char *file, enum duo_status want, const char *says)
{
    struct duo_executed_voice voices[] = { { "small", small }, { "large", paths[LARGE] } };
    struct duo_executed_spec spec = { .n_voices = 2, .voices = voices, .tasks = file };
    struct duo_answers *a = NULL;
    struct duo_err err = { 0 };

    CHECK_INT(duo_answers_executed(&a, &spec, &err), want);
    CHECK(a == NULL);
    CHECK_HAS(err.text, says);
}

static void test_bad(void)
{
    char other[160], file[160];
    struct duo_err err = { 0 };
    FILE *out;

    snprintf(other, sizeof other, "%s/other.gguf", folder);
    CHECK_INT(duo_model_make("tiny-llama", "q8_0", 7, other, NULL, &err), DUO_OK);
    refused(other, tasks, DUO_BAD_INPUT, "a draft can't be verified");
    refused("/nowhere/small.gguf", tasks, DUO_BAD_INPUT, "");
    refused(paths[SMALL], "/nowhere/tasks.jsonl", DUO_BAD_INPUT, "");
    snprintf(file, sizeof file, "%s/long.jsonl", folder);
    out = fopen(file, "w");
    fprintf(out, "{\"id\": \"endless\", \"reference\": \"1\", \"prompt\": \"");
    for (int i = 0; i < 3000; i++) fprintf(out, "%d ", i);
    fprintf(out, "\"}\n");
    fclose(out);
    refused(paths[SMALL], file, DUO_BAD_INPUT, "task endless: its prompt of");
    unlink(other);
    unlink(file);
}

int main(void)
{
    struct duo_answers *a, *b;

    set_up();
    a = open_answers();
    b = open_answers();                                      /* shares what is open */
    test_own(a);
    test_walks(a);
    test_drafts(a, SMALL);
    test_drafts(b, LOSSY);
    test_exits(a);
    test_votes(a);
    law_texts(b, 1, 1);
    CHECK(!a->failure && !b->failure);
    duo_answers_free(a);
    CHECK_INT(b->kind->length(b, 1, LARGE), b->kind->length(b, 1, LARGE));
    duo_answers_free(b);
    test_bad();
    duo_speaker_free(hand);
    for (int v = 0; v < VOICES; v++) unlink(paths[v]);
    unlink(tasks);
    rmdir(folder);
    return check_done();
}
