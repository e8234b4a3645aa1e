/* Recordings (models/answers/recording.h by its requirements): what is written, what comes back, what is refused.  The models are those of
 * fake_voices.h, asked again word by word for comparison. */
#include "models/answers/recording.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/answers/grained.h"
#include "models/answers/path.h"
#include "tests/check.h"
#include "tests/unit/fake_voices.h"
#include "tests/unit/text_laws.h"

enum { QUESTIONS = 12, AHEAD = 16 };

static char dir[64], tasks[96], out[96];
static struct fake fakes[3];
static struct duo_voice *voices[3];
static double router(void *self, const char *prompt, const float *state, int width)
{
    (void)self;
    CHECK(width == (state ? FAKE_WIDTH : 0));
    return (double)strlen(prompt) / 100;
}
static const struct duo_record_score scores[] = { { "router", "89ab", router, NULL } };

static const char *in(const char *name)
{
    static char path[4][128];
    static int i;

    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", dir, name);
    return path[i];
}

static void write_tasks(void)
{
    FILE *f = fopen(tasks, "w");

    for (int i = 0; i < QUESTIONS; i++)
        fprintf(f, "{\"id\":\"q%d\",\"prompt\":\"What comes %s %d?\\n\",\"reference\":\"3\",\"grading\":\"contains\"%s}\n", i, i % 4 == 2 ? "then behind" : "behind", i * 7,
                i % 4 == 1 ? ",\"session\":5,\"turn\":0" : i % 4 == 2 ? ",\"session\":5,\"turn\":1" : i % 4 == 3 ? ",\"split\":\"calibration\"" : "");
    fclose(f);
}

static struct duo_record_spec spec_of(const char *to)
{
    fakes[0] = fake_voice(&fake_model, "edge", 11, .25);
    fakes[1] = fake_voice(&fake_drafter, "ngram", 12, .5);
    fakes[2] = fake_voice(&fake_model, "cloud", 13, .1);
    for (int i = 0; i < 3; i++) voices[i] = &fakes[i].v;
    return (struct duo_record_spec){ .tasks = tasks, .n_voices = 3, .voices = voices, .drafters = 3, .n_scores = 1, .scores = scores, .ahead = AHEAD, .samples = 5,
                                     .temperature = .7, .texts = true, .embeddings = true, .out = to };
}

static void record(const struct duo_record_spec *s)
{
    struct duo_err err = { 0 };

    if (!check_one(duo_record(s, &err) == DUO_OK, __FILE__, __LINE__, "it records")) {
        printf(": %s: %s\n", err.file, err.text);
        exit(check_done());
    }
}

static char *all_of(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;

    *n = 0;
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*n + 1);
    CHECK(fread(bytes, 1, *n, f) == *n);
    fclose(f);
    return bytes;
}

static void check_same(const char *a, const char *b)
{
    size_t n, m;
    char *x = all_of(a, &n), *y = all_of(b, &m);

    CHECK_INT(n, m);
    CHECK(x && y && n == m && memcmp(x, y, n) == 0);
    free(x);
    free(y);
}

/* ---- the same bytes (1), also after a stop (7) */

static bool stop_at_five(void *user, int64_t done, int64_t all)
{
    CHECK_INT(all, QUESTIONS);
    ++*(int *)user;
    return done < 5;
}

static void test_stop_and_go_on(void)
{
    struct duo_record_spec s = spec_of(in("stopped.db"));
    struct duo_err err = { 0 };
    int calls = 0;

    s.go_on = stop_at_five, s.user = &calls;
    CHECK_INT(duo_record(&s, &err), DUO_RUN_FAILED);
    CHECK_HAS(err.text, "5 of 12 questions are kept in");
    CHECK_INT(calls, 5);
    CHECK(access(s.out, F_OK) != 0 && access(in("stopped.db.part"), F_OK) == 0);
    s.go_on = NULL, err = (struct duo_err){ 0 };
    CHECK_INT(duo_record(&s, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "--resume goes on");

    s.resume = true, s.samples = 3, err = (struct duo_err){ 0 };
    CHECK_INT(duo_record(&s, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "was recorded with samples 5, not 3");
    s.samples = 5, fakes[2].v.digest = "4567", err = (struct duo_err){ 0 };
    CHECK_INT(duo_record(&s, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "a voice cloud whose digest is 0123, not 4567");
    fakes[2].v.digest = "0123", s.n_voices = 2, s.drafters = 1, err = (struct duo_err){ 0 };
    CHECK_INT(duo_record(&s, &err), DUO_BAD_INPUT);

    s = spec_of(in("stopped.db"));
    s.resume = true, fakes[0].fails_at = 40, err = (struct duo_err){ 0 };
    CHECK_INT(duo_record(&s, &err), DUO_RUN_FAILED);          /* a model that fails mid-way */
    CHECK_HAS(err.text, "edge: gave up (question q");
    CHECK_HAS(err.text, "--resume goes on");
    fakes[0].fails_at = 0;
    record(&s);
    check_same(s.out, out);
    CHECK(access(in("stopped.db.part"), F_OK) != 0 && access(in("stopped.db.part-journal"), F_OK) != 0);
    CHECK(access(in("stopped.db.whole"), F_OK) != 0 && access(in("stopped.db.whole-journal"), F_OK) != 0);
}

static bool die_at_seven(void *user, int64_t done, int64_t all)
{
    (void)user, (void)all;
    if (done == 7) kill(getpid(), SIGKILL);
    return true;
}

static void test_killed(void)
{
    struct duo_record_spec s = spec_of(in("killed.db"));
    pid_t child = fork();
    int how;

    if (child == 0) {
        s.go_on = die_at_seven;
        duo_record(&s, NULL);
        _exit(1);
    }
    waitpid(child, &how, 0);
    CHECK(WIFSIGNALED(how));
    s.resume = true;
    record(&s);
    check_same(s.out, out);
}

static void test_bytes(void)
{
    struct duo_record_spec s = spec_of(in("again.db"));

    record(&s);
    check_same(s.out, out);
    record(&s);                                               /* over what is there */
    check_same(s.out, out);
}

/* ---- what it holds: columns by SQL */

static double sql(const char *path, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *s = NULL;
    double x = NAN;

    CHECK_INT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (check_one(sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK, __FILE__, __LINE__, text) && sqlite3_step(s) == SQLITE_ROW
        && sqlite3_column_type(s, 0) != SQLITE_NULL) x = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return x;
}

static void test_rows(void)
{
    CHECK_NEAR(sql(out, "SELECT count(*) FROM query"), QUESTIONS, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM answer"), 3 * QUESTIONS, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM answer WHERE length(numbers) <> 6 * tokens OR tokens < 1 OR text IS NULL"), 0, 0);
    CHECK_NEAR(sql(out, "SELECT max(tokens) FROM answer WHERE voice = 1") <= DUO_DRAFTER_TOKENS, 1, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM exits"), 2 * QUESTIONS, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM rank"), 2 * QUESTIONS, 0);           /* edge and ngram, for cloud */
    CHECK_NEAR(sql(out, "SELECT count(*) FROM rank JOIN answer a ON a.query = rank.query AND a.voice = verifier WHERE length(ranks) <> tokens"), 0, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM rank WHERE instr(hex(ranks), '00') % 2 = 1"), 0, 0);      /* ranks >= 1 */
    CHECK_NEAR(sql(out, "SELECT count(*) FROM vote WHERE samples <> 5 OR share < 0.2 OR share > 1 OR tokens < 1"), 0, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM vote"), 2 * QUESTIONS, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM embedding WHERE length(vector) = 8"), 2 * QUESTIONS, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM score WHERE name = 'router'"), QUESTIONS, 0);
    CHECK_NEAR(sql(out, "SELECT shared > 1 AND shared < prompt_tokens FROM query WHERE query = 2"), 1, 0);
    CHECK_NEAR(sql(out, "SELECT shared FROM query WHERE query = 1"), 0, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM query WHERE split IS NULL OR split = 'test'"), QUESTIONS - QUESTIONS / 4, 0);
    CHECK_NEAR(sql(out, "SELECT value FROM meta WHERE key = 'version'"), DUO_RECORDING_VERSION, 0);
    CHECK_NEAR(sql(out, "SELECT count(*) FROM v_answer WHERE voice = 'cloud'"), QUESTIONS, 0);
}

/* ---- what comes back, against the models asked word by word */

static struct duo_answers *load(const char *path)
{
    struct duo_answers *a;
    struct duo_err err = { 0 };

    if (!check_one(duo_answers_recording(&a, path, .5, &err) == DUO_OK, __FILE__, __LINE__, "it is read")) {
        printf(": %s: %s\n", err.file, err.text);
        exit(check_done());
    }
    return a;
}

static void ask_again(int q)
{
    char prompt[80];
    const int32_t *ids;
    int n;

    snprintf(prompt, sizeof prompt, "What comes %s %d?\n", q % 4 == 2 ? "then behind" : "behind", q * 7);
    for (int v = 0; v < 3; v++) fake_ask(voices[v], prompt, &n, &ids, NULL);
}

static void check_certainty(const struct duo_certainty *c, const struct duo_grained *x, int n)
{
    double mean = 0, min = 1, margin = 0, entropy = 0;

    for (int i = 0; i < n; i++) {
        mean += x[i].probability, margin += x[i].margin, entropy += x[i].entropy;
        min = fmin(min, x[i].probability / (double)DUO_GRID);
    }
    CHECK_NEAR(c->mean, mean / n / DUO_GRID, 1e-12);
    CHECK_NEAR(c->margin, margin / n / DUO_GRID, 1e-12);
    CHECK_NEAR(c->entropy, entropy / n / DUO_GRID, 1e-12);
    CHECK_NEAR(c->min, min, 0);
    CHECK_NEAR(c->last, x[n - 1].probability / (double)DUO_GRID, 0);
    CHECK(c->mean >= 0 && c->mean <= 1 && c->min <= c->mean);
}

static int broken, ended_behind;              /* drafts that disagree half-way; that end of themselves behind that */

/* A draft of k tokens from position p of the verifier's own answer: written, and verified. */
static void check_draft(const struct duo_answers *a, int q, int drafter, const struct duo_utterance *cloud, int p, int k)
{
    struct duo_text_path base = duo_path_of(q, 2, p, p == cloud->n);
    struct duo_ask ask = { .voice = drafter, .from = &base, .tokens = k };
    struct duo_written w;
    struct duo_verified v;
    struct duo_utterance draft;
    struct duo_say how = { .tokens = k };
    int accepted = 0;

    fake_say(voices[drafter], cloud, p, &how, &draft, NULL);
    a->kind->write(a, &ask, &w);
    CHECK_INT(w.tokens, draft.n);
    CHECK_INT(w.path.ended, draft.ended);
    check_certainty(&w.certainty, draft.numbers, draft.n);
    while (accepted < draft.n && p + accepted < cloud->n && draft.ids[accepted] == cloud->ids[p + accepted]) accepted++;
    a->kind->verify(a, 2, &base, &w.path, &v);
    CHECK_INT(v.accepted, accepted);
    CHECK_INT(duo_path_tokens(&v.path), p + accepted + (p + accepted < cloud->n));
    CHECK_INT(v.path.ended, duo_path_tokens(&v.path) == cloud->n && cloud->ended);

    broken += accepted > 0 && accepted < draft.n;
    ended_behind += accepted < draft.n && draft.ended && draft.n - accepted > 1;
    ask.stop_below = .4;                                      /* where it stops for doubt */
    int stop = 0;
    while (stop < draft.n && draft.numbers[stop].probability / (double)DUO_GRID >= .4) stop++;
    a->kind->write(a, &ask, &w);
    CHECK_INT(w.tokens, stop < draft.n ? stop + 1 : draft.n);
    fake_forget(voices[drafter], &draft);
}

static void check_exits(const struct duo_answers *a, int q, const struct duo_utterance *cloud)
{
    struct duo_left left[FAKE_MOST * (FAKE_LAYERS - 1)];
    struct duo_text_path none = duo_path_empty(q);
    struct duo_written w;
    const char *why = "";
    bool changed = false;

    fake_exits(voices[2], cloud, left, NULL);
    for (int i = 0; i < cloud->n; i++) {
        struct duo_left l = left[i * (FAKE_LAYERS - 1) + 1];
        bool leaves = l.probability / (double)DUO_GRID > (double).5f;
        CHECK_INT(a->kind->exits(a, &none, 2, i, 16, 32, .5), leaves);         /* half of 32 layers is 2 of 4 */
        changed |= leaves && l.choice != cloud->ids[i];
    }
    a->kind->write(a, &(struct duo_ask){ .voice = 2, .from = &none, .exit_layer = 16, .layers = 32, .exit_above = .5 }, &w);
    CHECK_INT(w.tokens, cloud->n);
    CHECK(isnan(w.certainty.mean));
    CHECK_INT(isnan(a->kind->grade(a, &w.path, &why)), changed);
    if (changed) CHECK_HAS(why, "an early exit changed a token");
}

static void test_replay(void)
{
    struct duo_answers *a = load(out);

    CHECK_INT(a->n_queries, QUESTIONS);
    CHECK_INT(a->n_voices, 3);
    CHECK_INT(a->caps, DUO_CAP_OUTCOME | DUO_CAP_LENGTH | DUO_CAP_CONFIDENCE | DUO_CAP_AGREEMENT | DUO_CAP_EXITS | DUO_CAP_SCORES);
    CHECK_TEXT(a->quality_status, "recorded");
    spec_of("unused");
    for (int q = 0; q < QUESTIONS; q++) {
        struct duo_query query;
        struct duo_utterance own[3];
        a->kind->query(a, q, &query);
        CHECK_INT(query.session, q % 4 == 1 || q % 4 == 2 ? 5 : -1);
        CHECK_INT(query.prompt_tokens, 1 + 21 + (q % 4 == 2 ? 5 : 0) + (q * 7 > 9));
        if (q % 4 == 3) CHECK(query.train);
        ask_again(q);
        CHECK_NEAR(a->kind->score(a, q, duo_answers_score(a, "router")), query.prompt_bytes / 100, 1e-12);
        for (int v = 0; v < 3; v++) {
            struct duo_text_path none = duo_path_empty(q);
            struct duo_say how = { .tokens = v == 1 ? DUO_DRAFTER_TOKENS : DUO_ANSWER_TOKENS };
            struct duo_written w;
            const char *why;
            fake_say(voices[v], NULL, 0, &how, &own[v], NULL);
            a->kind->write(a, &(struct duo_ask){ .voice = v, .from = &none }, &w);
            CHECK_INT(w.tokens, own[v].n);
            CHECK(w.path.ended);
            check_certainty(&w.certainty, own[v].numbers, own[v].n);
            CHECK_NEAR(a->kind->grade(a, &w.path, &why), strchr(own[v].text, '3') != NULL, 0);
        }
        for (int p = 1; p < own[2].n; p++)
            for (int k = 1; k <= 8; k++)
                for (int d = 0; d < 2; d++) check_draft(a, q, d, &own[2], p, k);
        check_exits(a, q, &own[2]);
        for (int v = 0; v < 3; v++) fake_forget(voices[v], &own[v]);
    }
    CHECK(broken > 100 && ended_behind > 20);
    printf("%d drafts disagree half-way, %d end behind a disagreement\n", broken, ended_behind);
    law_texts(a, QUESTIONS, 3);
    duo_answers_free(a);
}

static int elected;                            /* winners that are not the voice's own answer */

static int common(const struct duo_utterance *a, const struct duo_utterance *b)
{
    int n = 0;

    while (n < a->n && n < b->n && a->ids[n] == b->ids[n]) n++;
    return n;
}

/* The winner's text, word by word beside the own answers. */
static void check_winner(const struct duo_answers *a, int q, const struct duo_written *w, const struct duo_utterance *said, int most)
{
    const struct duo_utterance *winner = NULL;
    const char *why;

    for (int i = 0; i < 5 && !winner; i++) {
        int n = 0;
        for (int k = 0; k < 5; k++) n += strcmp(said[i].text, said[k].text) == 0;
        if (n == most) winner = &said[i];
    }
    CHECK_INT(w->tokens, winner->n);
    CHECK(w->path.ended);
    CHECK_NEAR(a->kind->grade(a, &w->path, &why), strchr(winner->text, '3') != NULL, 0);
    for (int v = 0; v < 3; v++) {
        struct duo_utterance own;
        struct duo_text_path path, none = duo_path_empty(q);
        struct duo_written x;
        fake_say(voices[v], NULL, 0, &(struct duo_say){ .tokens = v == 1 ? DUO_DRAFTER_TOKENS : DUO_ANSWER_TOKENS }, &own, NULL);
        a->kind->write(a, &(struct duo_ask){ .voice = v, .from = &none }, &x);
        path = x.path;
        if (v == 0 && common(winner, &own) < own.n) {
            elected++;
            CHECK(isnan(w->certainty.mean));
        }
        if (v == 0 || v == 2) CHECK_INT(a->kind->common(a, &w->path, &path), common(winner, &own));
        CHECK_INT(a->kind->common(a, &path, &w->path), a->kind->common(a, &w->path, &path));
        duo_path_cut(&path, 2);
        CHECK(a->kind->common(a, &w->path, &path) <= 2);
        fake_forget(voices[v], &own);
    }
    CHECK_INT(a->kind->common(a, &w->path, &w->path), w->tokens);
}

static void test_votes(void)
{
    struct duo_answers *a = load(out);

    spec_of("unused");
    for (int q = 0; q < QUESTIONS; q++) {
        struct duo_text_path none = duo_path_empty(q);
        struct duo_written w;
        struct duo_utterance said[5];
        int most = 0;
        ask_again(q);
        for (int i = 0; i < 5; i++) fake_say(voices[0], NULL, 0, &(struct duo_say){ .tokens = DUO_ANSWER_TOKENS, .temperature = .7, .seed = (uint64_t)i + 1 }, &said[i], NULL);
        for (int i = 0; i < 5; i++) {
            int n = 0;
            for (int k = 0; k < 5; k++) n += strcmp(said[i].text, said[k].text) == 0;
            most = n > most ? n : most;
        }
        a->kind->write(a, &(struct duo_ask){ .voice = 0, .from = &none, .samples = 5, .temperature = .7 }, &w);
        CHECK_NEAR(w.agreement, most / 5., 1e-12);
        check_winner(a, q, &w, said, most);
        a->kind->write(a, &(struct duo_ask){ .voice = 0, .from = &none, .samples = 4, .temperature = .7 }, &w);
        CHECK(isnan(w.agreement));                            /* (4): nobody recorded four */
        for (int i = 0; i < 5; i++) fake_forget(voices[0], &said[i]);
    }
    CHECK(elected > 2);
    duo_answers_free(a);
}

/* ---- what a voice can't tell stays unknown (5) */

static enum duo_status plain_say(struct duo_voice *v, const struct duo_utterance *behind, int keep, const struct duo_say *how, struct duo_utterance *u, struct duo_err *err)
{
    enum duo_status status = fake_say(v, behind, keep, how, u, err);

    u->numbers = NULL, u->ids = NULL;
    return status;
}

static enum duo_status cant_judge(struct duo_voice *v, const struct duo_utterance *answer, struct duo_judged *x, struct duo_err *err)
{
    (void)answer, (void)x;
    return duo_fail(err, DUO_FELL_SHORT, "%s: has no numbers of a prompt", v->name);
}

static void test_unknown(void)
{
    static const struct duo_voice_kind plain = { .name = "url", .ask = fake_ask, .say = plain_say, .forget = fake_forget, .drafts = fake_drafts, .judge = cant_judge,
                                                 .free = fake_free };
    struct duo_record_spec s = spec_of(in("plain.db"));
    struct duo_text_path none = duo_path_empty(0);
    struct duo_answers *a;
    struct duo_written w;

    for (int i = 0; i < 3; i++) voices[i]->kind = &plain, voices[i]->quant = NULL, voices[i]->layers = voices[i]->width = 0;
    record(&s);
    CHECK_NEAR(sql(s.out, "SELECT count(*) FROM answer WHERE numbers IS NULL"), 3 * QUESTIONS, 0);
    CHECK_NEAR(sql(s.out, "SELECT count(*) FROM rank"), 0, 0);
    CHECK_NEAR(sql(s.out, "SELECT count(*) FROM voice WHERE layers IS NULL AND quant IS NULL"), 3, 0);
    a = load(s.out);
    CHECK_INT(a->caps, DUO_CAP_OUTCOME | DUO_CAP_LENGTH | DUO_CAP_SCORES);
    a->kind->write(a, &(struct duo_ask){ .voice = 0, .from = &none }, &w);
    CHECK(isnan(w.certainty.mean) && isnan(w.certainty.min) && isnan(w.agreement));
    duo_answers_free(a);
}

/* ---- what is no recording, or none of ours (6) */

static void refused(const char *path, const char *what)
{
    struct duo_answers *a = NULL;
    struct duo_err err = { 0 };

    CHECK_INT(duo_answers_recording(&a, path, 0, &err), DUO_BAD_INPUT);
    CHECK(a == NULL);
    CHECK_HAS(err.text, what);
}

static const char *changed(const char *name, const char *text)
{
    const char *path = in(name);
    size_t n;
    char *bytes = all_of(out, &n);
    FILE *f = fopen(path, "wb");
    sqlite3 *db;

    CHECK(f && fwrite(bytes, 1, n, f) == n);
    fclose(f);
    free(bytes);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    return path;
}

static void test_bad(void)
{
    const char *path = changed("short.db", "PRAGMA user_version = 1");
    size_t n;

    free(all_of(path, &n));
    CHECK(duo_recording_is(out) && !duo_recording_is(tasks) && !duo_recording_is(in("none.db")));
    CHECK_INT(truncate(path, (off_t)(n / 2)), 0);
    refused(path, "malformed");
    refused(in("none.db"), "No such file");
    refused(tasks, "is no recording");
    refused(changed("version.db", "PRAGMA user_version = 2"), "is a recording of version 2; this program reads version 1");
    refused(changed("other.db", "PRAGMA application_id = 5"), "is a database, but no recording");
    refused(changed("table.db", "DROP TABLE rank"), "it has no table rank");
    refused(changed("fewer.db", "DELETE FROM query WHERE query = 11"), "it holds 11 of 12 questions");
    refused(changed("gap.db", "DELETE FROM query WHERE query = 3"), "question 3");
    refused(changed("answer.db", "DELETE FROM answer WHERE query = 3 AND voice = 2"), "voice cloud has no answer to question 3");
    refused(changed("numbers.db", "UPDATE answer SET numbers = x'0011' WHERE query = 3 AND voice = 2"), "bytes of numbers");
    refused(changed("ranks.db", "UPDATE rank SET ranks = x'01' WHERE query = 3"), "ranks for an answer");
    refused(changed("ahead.db", "UPDATE rank SET ahead = x'ff01' WHERE query = 3 AND drafter = 0"), "what was drafted");
    refused(changed("exits.db", "UPDATE exits SET same = NULL WHERE query = 3"), "exits of question 3");
}

/* ---- what recorded and executed share (grained.h) */

static void test_grained(void)
{
    static const struct duo_grained x[] = { { 65534, 0, 100 }, { 0, 0, 300 }, { 32767, DUO_GRID_UNKNOWN, 200 } };
    const char *const texts[] = { "a b", "c", " a b\n", "c ", "c" };
    struct duo_certainty c = duo_grained_certainty(x, 1, x + 1, 2);
    double share;

    CHECK_NEAR(c.mean, .5, 1e-12);
    CHECK_NEAR(c.min, 0, 0);
    CHECK_NEAR(c.last, .5, 1e-12);
    CHECK_NEAR(c.margin, 0, 0);
    CHECK_NEAR(c.entropy, 200 / 65534., 1e-12);
    CHECK(isnan(duo_grained_certainty(NULL, 0, NULL, 0).mean));
    CHECK_INT(duo_grained_unsure(x, 3, .5), 1);
    CHECK_INT(duo_grained_layer(40, 80, 4), 2);
    CHECK_INT(duo_grained_layer(1, 80, 4), 1);
    CHECK_INT(duo_grained_layer(79, 80, 4), 3);
    CHECK_INT(duo_grained_layer(12, 24, 2), 1);
    CHECK_INT(duo_grained_layer(12, 24, 1), 0);
    CHECK(duo_grained_leaves(65534, .999) && !duo_grained_leaves(65534, 1));
    CHECK_INT(duo_grained_vote(texts, 5, &share), 1);
    CHECK_NEAR(share, .6, 1e-12);
    CHECK_INT(duo_grained_vote(texts, 3, &share), 0);
    CHECK_INT(duo_grained_shared((const int32_t[]){ 1, 5, 6 }, 3, (const int32_t[]){ 1, 5, 7, 8 }, 4), 2);
    CHECK_INT(duo_grained_shared((const int32_t[]){ 1, 5 }, 2, (const int32_t[]){ 1, 6 }, 2), 0);
    CHECK(duo_grained_train(DUO_TASK_CALIBRATION, "x", 0) && !duo_grained_train(DUO_TASK_TEST, "x", 1) && duo_grained_train(DUO_TASK_NO_SPLIT, "x", 1));
}

int main(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_recording.%d", (int)getpid());
    snprintf(tasks, sizeof tasks, "%s/tasks.jsonl", dir);
    snprintf(out, sizeof out, "%s/recorded.db", dir);
    if (mkdir(dir, 0700) != 0) return 1;
    write_tasks();
    struct duo_record_spec s = spec_of(out);
    record(&s);
    test_bytes();
    test_stop_and_go_on();
    test_killed();
    test_rows();
    test_replay();
    test_votes();
    test_unknown();
    test_bad();
    test_grained();
    char clean[100];
    snprintf(clean, sizeof clean, "rm -rf '%s'", dir);
    if (system(clean) != 0) return 1;
    return check_done();
}
