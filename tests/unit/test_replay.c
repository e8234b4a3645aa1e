/* test_replay.c - what was recorded and what is executed are the same (models/answers/recording.h (4)): two models answer, are
 * recorded, and every step that a policy may ask for is asked of both. */
#include "models/answers/recording.h"
#include "models/answers/path.h"
#include "models/answers/voices.h"
#include "models/slm/make.h"
#include "sim/share.h"
#include "tests/check.h"

#include <stdlib.h>
#include <unistd.h>

enum { EDGE, CLOUD, VOICES, SAMPLES = 5 };

static char folder[] = "/tmp/duosim-replay-XXXXXX";
static struct duo_answers *executed, *recorded;
static int compared;
static bool edge_votes = true;                   /* a layer that only drafts does not */

/* A text, as each of them names it. */
struct twin { struct duo_text_path executed, recorded; };

static bool same(double a, double b) { return (isnan(a) && isnan(b)) || (!(a < b) && !(a > b)); }

/* A voice's number in the recording. */
static int there(int voice) { return duo_answers_voice(recorded, executed->voices[voice]); }

static struct twin none(int q) { return (struct twin){ duo_path_empty(q), duo_path_empty(q) }; }

static struct twin write_on(const struct twin *from, struct duo_ask ask, const char *what)
{
    struct duo_written x, y;
    struct duo_ask other = ask;

    ask.from = &from->executed, other.from = &from->recorded, other.voice = there(ask.voice);
    executed->kind->write(executed, &ask, &x);
    recorded->kind->write(recorded, &other, &y);
    bool good = x.tokens == y.tokens && x.path.ended == y.path.ended && same(x.certainty.mean, y.certainty.mean) && same(x.certainty.min, y.certainty.min)
             && same(x.certainty.last, y.certainty.last) && same(x.certainty.margin, y.certainty.margin) && same(x.certainty.entropy, y.certainty.entropy);
    CHECK(good);
    if (!good)
        printf("  query %d, voice %d %s: %d of %d tokens behind %d: executed %d%s (mean %.6g), recorded %d%s (mean %.6g)\n", from->executed.query, ask.voice, what, x.tokens, ask.tokens,
               duo_path_tokens(&from->executed), x.tokens, x.path.ended ? " ended" : "", x.certainty.mean, y.tokens, y.path.ended ? " ended" : "", y.certainty.mean);
    compared++;
    return (struct twin){ x.path, y.path };
}

static struct twin verify(const struct twin *base, const struct twin *draft, int voice, int *accepted)
{
    struct duo_verified x, y;

    executed->kind->verify(executed, voice, &base->executed, &draft->executed, &x);
    recorded->kind->verify(recorded, there(voice), &base->recorded, &draft->recorded, &y);
    CHECK_INT(y.accepted, x.accepted);
    CHECK_INT(y.path.ended, x.path.ended);
    CHECK_INT(duo_path_tokens(&y.path), duo_path_tokens(&x.path));
    compared++;
    *accepted = x.accepted;
    return (struct twin){ x.path, y.path };
}

static void meet(const struct twin *a, const struct twin *b)
{
    int x = executed->kind->common(executed, &a->executed, &b->executed), y = recorded->kind->common(recorded, &a->recorded, &b->recorded);

    CHECK_INT(y, x);
    compared++;
}

static void grade(const struct twin *t)
{
    const char *why = NULL;

    CHECK_NEAR(recorded->kind->grade(recorded, &t->recorded, &why), executed->kind->grade(executed, &t->executed, &why), 0);
    compared++;
}

/* The voices by themselves, in one piece and in several, and where they stop for doubt. */
static void alone(int q)
{
    for (int v = 0; v < VOICES; v++) {
        struct twin t = none(q), whole = write_on(&t, (struct duo_ask){ .voice = v }, "alone"), other;
        CHECK_INT(recorded->kind->length(recorded, q, there(v)), executed->kind->length(executed, q, v));
        grade(&whole);
        while (!t.executed.ended && duo_path_tokens(&t.executed) < 300) t = write_on(&t, (struct duo_ask){ .voice = v, .tokens = 5, .stop_below = .6 }, "in pieces");
        meet(&t, &whole);
        other = none(q);
        other = write_on(&other, (struct duo_ask){ .voice = 1 - v }, "the other");
        meet(&other, &whole);
    }
}

/* Drafts of a length, drafted ahead while they are verified as parallel_draft does, all texts of a question against each other. */
static void drafting(int q, int length, bool ahead)
{
    enum { KEPT = 12 };
    struct twin text = none(q), seen[KEPT], own = none(q);
    int n = 0, accepted;

    own = write_on(&own, (struct duo_ask){ .voice = CLOUD }, "own");
    for (int round = 0; round < 300 && !text.executed.ended; round++) {
        struct twin draft = write_on(&text, (struct duo_ask){ .voice = EDGE, .tokens = length }, "drafts"), guess = draft, more = draft;
        if (ahead && !draft.executed.ended) guess = write_on(&draft, (struct duo_ask){ .voice = EDGE, .tokens = 1 }, "guesses");
        if (ahead && !guess.executed.ended) more = write_on(&guess, (struct duo_ask){ .voice = EDGE, .tokens = length }, "drafts ahead");
        text = verify(&text, &draft, CLOUD, &accepted);
        meet(&guess, &text), meet(&more, &text), meet(&draft, &more), meet(&text, &own);
        for (int i = 0; i < n; i++) meet(&seen[i], &text), meet(&seen[i], &draft), meet(&more, &seen[i]);
        seen[n < KEPT ? n++ : round % KEPT] = draft;
    }
    CHECK(text.executed.ended);
    grade(&text);
}

/* Votes: whose text wins, by how much, and what it is worth. */
static void voting(int q)
{
    for (int v = edge_votes ? EDGE : CLOUD; v < VOICES; v++) {
        struct twin t = none(q), own = write_on(&t, (struct duo_ask){ .voice = v }, "own");
        struct duo_ask ask = { .voice = v, .from = &t.executed, .samples = SAMPLES, .temperature = .7 };
        struct duo_written x, y;
        struct twin won;
        executed->kind->write(executed, &ask, &x);
        ask.voice = there(v), ask.from = &t.recorded;
        recorded->kind->write(recorded, &ask, &y);
        CHECK_INT(y.tokens, x.tokens);
        CHECK_INT(y.path.ended, x.path.ended);
        CHECK_NEAR(y.agreement, x.agreement, 0);
        CHECK_NEAR(y.certainty.mean, x.certainty.mean, 0);
        won = (struct twin){ x.path, y.path };
        grade(&won);
        meet(&won, &own), meet(&own, &won);
    }
}

/* Tokens that leave early without becoming others; behind the first that does, a recording knows nothing. */
static void leaving(int q)
{
    static const double above[] = { .5, .9, .99 };

    for (int i = 0; i < 3; i++) {
        struct duo_ask ask = { .voice = CLOUD, .exit_layer = 12, .layers = 24, .exit_above = above[i] };
        struct twin t = none(q), own = write_on(&t, (struct duo_ask){ .voice = CLOUD }, "own");
        struct duo_written x;
        const char *why = NULL;
        ask.from = &t.executed;
        executed->kind->write(executed, &ask, &x);
        if (duo_path_tokens(&x.path) != duo_path_tokens(&own.executed) || executed->kind->common(executed, &x.path, &own.executed) < x.tokens) {
            struct duo_written y;
            ask.from = &t.recorded, ask.voice = there(CLOUD);
            recorded->kind->write(recorded, &ask, &y);
            CHECK(isnan(recorded->kind->grade(recorded, &y.path, &why)) && why);
            continue;
        }
        t = write_on(&t, ask, "leaves early");
        for (int p = 0; p < duo_path_tokens(&t.executed); p++)
            CHECK_INT(recorded->kind->exits(recorded, &t.recorded, there(CLOUD), p, 12, 24, above[i]), executed->kind->exits(executed, &t.executed, CLOUD, p, 12, 24, above[i]));
        meet(&t, &own);
        grade(&t);
    }
}

static void test(int q)
{
    static const int lengths[] = { 1, 2, 4, 7 };      /* twice and one more: within what is kept behind a disagreement */
    struct duo_query x, y;

    executed->kind->query(executed, q, &x);
    recorded->kind->query(recorded, q, &y);
    CHECK_TEXT(x.name, y.name);
    CHECK(x.prompt_tokens == y.prompt_tokens && x.train == y.train && x.session == y.session && x.turn == y.turn && x.shared == y.shared);
    CHECK_NEAR(x.prompt_bytes, y.prompt_bytes, 0);
    alone(q);
    leaving(q);
    voting(q);
    for (int i = 0; i < 4; i++) drafting(q, lengths[i], false), drafting(q, lengths[i], true);
}

/* The pair that ships, or else a model with random weights and its own first layers. */
static int choose(char path[VOICES][4200])
{
    struct duo_err err = { 0 };

    if (duo_share_file(DUO_SHARE_PAIR, "edge-q8_0.gguf", path[EDGE], 4096, &err) == DUO_OK && duo_share_file(DUO_SHARE_PAIR, "cloud-q8_0.gguf", path[CLOUD], 4096, &err) == DUO_OK)
        return 60;
    CHECK_SKIP("the pair is not there: a model with random weights answers");
    snprintf(path[CLOUD], 4096, "%s/cloud.gguf", folder);
    snprintf(path[EDGE], 4096, "%s/cloud.gguf@2", folder);
    edge_votes = false;
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_model_make("tiny-qwen3", "q8_0", 7, path[CLOUD], NULL, &err), DUO_OK);
    return 2;
}

static bool record(const char *out, char path[VOICES][4200], int n)
{
    struct duo_speaker_spec speaker = { .n_voices = VOICES, .names = { "edge", "cloud" }, .paths = { path[EDGE], path[CLOUD] }, .chat = true };
    struct duo_voice *voices[VOICES];
    struct duo_err err = { 0 };
    enum duo_status status = duo_voices_speak(voices, &speaker, &err);
    struct duo_record_spec spec = { .seed = 1, .n = n, .n_voices = VOICES, .voices = voices, .drafters = 1u << EDGE, .ahead = DUO_RECORDING_AHEAD,
                                     .samples = SAMPLES, .temperature = .7, .out = out };

    if (status == DUO_OK) status = duo_record(&spec, &err);
    for (int i = 0; i < VOICES && status == DUO_OK; i++) voices[i]->kind->free(voices[i]);
    if (status) printf("%s: %s\n", err.file, err.text);
    return status == DUO_OK;
}

int main(void)
{
    static char path[VOICES][4200];
    char file[160];
    struct duo_err err = { 0 };
    int n;

    CHECK(mkdtemp(folder) != NULL);
    n = choose(path);
    snprintf(file, sizeof file, "%s/recording.db", folder);
    struct duo_executed_voice voices[] = { { "edge", path[EDGE] }, { "cloud", path[CLOUD] } };
    struct duo_executed_spec spec = { .n_voices = VOICES, .voices = voices, .n = n, .task_seed = 1 };
    CHECK(record(file, path, n));
    CHECK_INT(duo_answers_executed(&executed, &spec, &err), DUO_OK);
    CHECK_INT(duo_answers_recording(&recorded, file, 0, &err), DUO_OK);
    if (err.status || !executed || !recorded) return printf("%s: %s\n", err.file, err.text), check_done();
    CHECK_INT(executed->n_queries, recorded->n_queries);
    for (int q = 0; q < executed->n_queries; q++) test(q);
    printf("  %d questions, %d times asked of both\n", executed->n_queries, compared);
    duo_answers_free(executed);
    duo_answers_free(recorded);
    unlink(file);
    if (!strstr(path[EDGE], "q8_0")) unlink(path[CLOUD]);
    rmdir(folder);
    return check_done();
}
