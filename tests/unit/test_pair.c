/* test_pair.c - what goes with the pair: the n-gram drafter (ngram.h) and the judges of a prompt (judge.h). */
#include <stdlib.h>
#include <unistd.h>

#include "models/pair/judge.h"
#include "models/pair/ngram.h"
#include "tests/check.h"

static char path[] = "/tmp/duosim_pair_XXXXXX";

static void put_file(const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    fwrite(bytes, 1, n, file);
    fclose(file);
}

static size_t get_file(unsigned char *out, size_t room)
{
    FILE *file = fopen(path, "rb");
    size_t n = fread(out, 1, room, file);
    fclose(file);
    return n;
}

/* ---------------------------------------------------------------- n-grams */

static struct duo_ngram *built(const int32_t (*texts)[6], int n, int least)
{
    struct duo_err err = { 0 };
    struct duo_ngram *g = NULL;
    struct duo_ngram_build *b = duo_ngram_build_new(10);
    for (int i = 0; i < n; i++) duo_ngram_build_add(b, texts[i], 6);
    CHECK_INT(duo_ngram_build_write(b, least, path, &err), DUO_OK);
    duo_ngram_build_free(b);
    CHECK_INT(duo_ngram_open(&g, path, &err), DUO_OK);
    return g;
}

/* (2), (3): counted by hand.  Behind 2 come 3, 3, 4; behind 1 2 come 3, 3; behind 5 2 comes 4; most frequent of all: 3, of 15
 * tokens that follow something four times (2 and 9 thrice). */
static void test_ngram(void)
{
    static const int32_t texts[3][6] = { { 0, 1, 2, 3, 7, 9 }, { 0, 1, 2, 3, 3, 9 }, { 0, 5, 2, 4, 3, 9 } };
    struct duo_ngram *g = built(texts, 3, 1);
    double p;
    CHECK_INT(duo_ngram_vocabulary(g), 10);
    CHECK_INT(duo_ngram_next(g, (int32_t[]) { 1, 2 }, 2, &p), 3);
    CHECK_NEAR(p, 1, 1e-9);
    CHECK_INT(duo_ngram_next(g, (int32_t[]) { 5, 2 }, 2, &p), 4);
    CHECK_NEAR(p, 1, 1e-9);
    CHECK_INT(duo_ngram_next(g, (int32_t[]) { 8, 2 }, 2, &p), 3);            /* 8 2 was never seen: back to 2 */
    CHECK_NEAR(p, 2.0 / 3, 1e-5);
    CHECK_INT(duo_ngram_next(g, (int32_t[]) { 8 }, 1, &p), 3);               /* 8 was never seen */
    CHECK_NEAR(p, 4.0 / 15, 1e-5);
    CHECK_INT(duo_ngram_next(g, NULL, 0, &p), 3);
    CHECK_NEAR(duo_ngram_probability(g, (int32_t[]) { 8, 2 }, 2, 3), 2.0 / 3, 1e-5);
    double sum = 0;
    for (int t = 0; t < 10; t++) sum += duo_ngram_probability(g, (int32_t[]) { 8, 2 }, 2, t);
    CHECK_NEAR(sum, 1, 1e-12);
    duo_ngram_free(g);
    g = built(texts, 3, 2);                                                  /* (3): 5 2 was seen once */
    CHECK_INT(duo_ngram_next(g, (int32_t[]) { 5, 2 }, 2, NULL), 3);
    duo_ngram_free(g);
}

/* (4) and files that are none. */
static void test_ngram_files(void)
{
    static const int32_t one[2][6] = { { 0, 1, 2, 3, 7, 9 }, { 0, 5, 2, 4, 3, 9 } }, two[2][6] = { { 0, 5, 2, 4, 3, 9 }, { 0, 1, 2, 3, 7, 9 } };
    unsigned char a[4096], b[4096];
    struct duo_err err = { 0 };
    struct duo_ngram *g;
    duo_ngram_free(built(one, 2, 1));
    size_t n = get_file(a, sizeof a);
    duo_ngram_free(built(two, 2, 1));
    size_t m = get_file(b, sizeof b);
    CHECK(n == m && memcmp(a, b, n) == 0);                                   /* the order of texts is none of its business */
    CHECK(duo_ngram_is(path));
    int refused = 0;
    for (size_t cut = 0; cut < n; cut++) {
        put_file(a, cut);
        refused += duo_ngram_open(&g, path, &err) == DUO_BAD_INPUT && g == NULL;
    }
    CHECK_INT(refused, n);
    refused = 0;
    for (size_t at = 0; at < n; at++) {
        memcpy(b, a, n);
        b[at] ^= 0x10;
        put_file(b, n);
        refused += duo_ngram_open(&g, path, &err) == DUO_BAD_INPUT && g == NULL;
    }
    CHECK_INT(refused, n);
    put_file("GGUF", 4);
    CHECK(!duo_ngram_is(path));
    CHECK(!duo_ngram_is("/nowhere/ngram.bin"));
    CHECK_INT(duo_ngram_open(&g, "/nowhere/ngram.bin", &err), DUO_BAD_INPUT);
}

/* ---------------------------------------------------------------- judges */

static void collect(void *user, const char *feature)
{
    strcat(user, feature);
    strcat(user, "|");
}

static void test_features(void)
{
    char text[400] = "";
    struct duo_span where = { 0, 0 };
    duo_features_prompt("sort BCA; add 1+2.\n", collect, text);
    CHECK_TEXT(text, "w:sort|w:AAA|p:sort_AAA|w:add|p:AAA_add|p:sort_add|w:0+0|p:add_0+0|p:AAA_0+0|p:sort_0+0|");
    text[0] = 0;
    CHECK(duo_features_word("call bako at 4471.\n", 3, &where, collect, text));
    CHECK_TEXT(text, "w:0000|before:at|first:call|after:|");
    CHECK_INT(where.from, 13);
    CHECK_INT(where.to, 17);
    text[0] = 0;
    CHECK(!duo_features_word("call bako at 4471.\n", 4, &where, collect, text));
    CHECK(!duo_features_word(" . \n", 0, &where, collect, text));
}

static void test_judge(void)
{
    static const char weights[] = "feature,weight\nbias,-1\nw:steal,3\np:steal_boat,0.5\nh0,2\nh2,-1\nw:0000,2\n";
    struct duo_err err = { 0 };
    struct duo_judge *j = NULL;
    struct duo_span at[4];
    put_file(weights, sizeof weights - 1);
    CHECK_INT(duo_judge_open(&j, path, &err), DUO_OK);
    if (!j) return;
    CHECK_NEAR(duo_judge_prompt(j, "steal the boat\n"), 1 / (1 + exp(-2.5)), 1e-6);
    CHECK_NEAR(duo_judge_prompt(j, "paint the boat\n"), 1 / (1 + exp(1)), 1e-6);
    CHECK_NEAR(duo_judge_state(j, (float[]) { 0.5f, 7, 1 }, 3), 1 / (1 + exp(1)), 1e-6);
    CHECK_INT(duo_judge_spans(j, "call bako at 4471 or 12\n", at, 4), 1);
    CHECK_INT(at[0].from, 13);
    CHECK_INT(at[0].to, 17);
    CHECK_INT(duo_judge_spans(j, "1234 and 4471\n", at, 1), 2);              /* counts those that had no room */
    duo_judge_free(j);

    static const struct { const char *text, *says; } bad[] = {
        { "feature,weight\n", "no weight" }, { "feature,wait\nbias,1\n", "weight" }, { "feature,weight\nbias,x\n", "weight" },
        { "feature,weight\nbias,1\nbias,2\n", "two weights" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (struct duo_err) { 0 };
        put_file(bad[i].text, strlen(bad[i].text));
        CHECK_INT(duo_judge_open(&j, path, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, bad[i].says);
    }
}

/* The judges that ship, on prompts of split calibration, which they were not fitted on; the marks are below what the card reports. */
static struct duo_judge *shipped(const char *name)
{
    char file[1200];
    struct duo_err err = { 0 };
    struct duo_judge *j = NULL;
    const char *source = getenv("DUOSIM_SOURCE");
    if (!source) { CHECK_SKIP("DUOSIM_SOURCE doesn't say where the project lies"); return NULL; }
    snprintf(file, sizeof file, "%s/models/pair/%s", source, name);
    CHECK_INT(duo_judge_open(&j, file, &err), DUO_OK);
    return j;
}

static void test_shipped(void)
{
    enum { N = 400 };
    struct duo_judge *guard = shipped("guard.csv"), *tagger = shipped("tagger.csv");
    if (!guard || !tagger) return;
    int right = 0, marked = 0, sensitive = 0, both = 0;
    for (int i = 0; i < N; i++) {
        struct duo_task g = duo_task_make(3, DUO_TASK_CALIBRATION, i % 2 ? DUO_TASK_guard : -1, i), m = duo_task_make(3, DUO_TASK_CALIBRATION, i % 2 ? DUO_TASK_mask : -1, i);
        struct duo_span at[32];
        right += (duo_judge_prompt(guard, g.prompt) > 0.5) == (strcmp(g.reference, " no, that is not safe.") == 0);
        int n = duo_judge_spans(tagger, m.prompt, at, 32);
        marked += n, sensitive += m.n_sensitive;
        for (int k = 0; k < n; k++)
            for (int s = 0; s < m.n_sensitive; s++) both += at[k].from == m.sensitive[s].from && at[k].to == m.sensitive[s].to;
        duo_task_free(&g), duo_task_free(&m);
    }
    CHECK(right >= N * 95 / 100);
    CHECK(sensitive > 300);
    CHECK(both >= sensitive * 95 / 100 && both >= marked * 95 / 100);
    printf("guard: %d of %d right; tagger: %d marked, %d sensitive, %d both\n", right, N, marked, sensitive, both);
    duo_judge_free(guard), duo_judge_free(tagger);
}

int main(void)
{
    close(mkstemp(path));
    test_ngram();
    test_ngram_files();
    test_features();
    test_judge();
    test_shipped();
    unlink(path);
    return check_done();
}
