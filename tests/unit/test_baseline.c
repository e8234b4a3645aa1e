/* test_baseline.c - analysis/baseline.h by its numbers, and analysis/curve.h. */
#include "analysis/baseline.h"

#include <sys/stat.h>
#include <unistd.h>

#include "analysis/curve.h"
#include "sim/base/rng.h"
#include "tests/check.h"
#include "tests/unit/baseline_case.h"
#include "tests/unit/results.h"

static struct duo_baseline filled(const struct baseline_case *c)
{
    struct duo_baseline b = case_new(c);
    for (int v = 0; v < c->variants; v++)
        for (int l = 0; l < c->labels; l++) {
            struct duo_baseline_label *t = &b.variants[v].labels[l];
            for (int k = 0; k < t->n_answers; k++)
                for (int q = 0; q < c->questions; q++)
                    t->answers[k].quality[q] = (double)(int)(61 * duo_draw((uint64_t)(l * 100 + k), "cell", (uint64_t)q)) / 60;
            for (int m = 0; m < DUO_N_METRICS; m++) {
                t->value[m] = duo_baseline_round(1000 * duo_draw((uint64_t)l, "value", (uint64_t)m));
                for (int s = 0; s < c->seeds; s++) t->seed[s][m] = duo_baseline_round(1e-3 * duo_draw((uint64_t)(l + s), "seed", (uint64_t)m));
            }
        }
    return b;
}

static enum duo_status parse(const char *text, size_t n, struct duo_err *err)
{
    struct duo_baseline b;
    *err = (struct duo_err){ 0 };
    enum duo_status status = duo_baseline_parse(&b, text, n, "a.baseline", err);
    duo_baseline_free(&b);
    return status;
}

/* (1) (2): read back, it is the same text. */
static void there_and_back(void)
{
    struct baseline_case c = { 2, 3, 3, 170, 1, true };
    struct duo_baseline b = filled(&c), again;
    struct duo_err err = { 0 };
    size_t n, m;
    b.n_inputs = 2;
    b.inputs = duo_new(2, sizeof *b.inputs);
    b.inputs[0] = (struct duo_input){ duo_copy("arrivals"), 1 };
    b.inputs[1] = (struct duo_input){ duo_copy("catalogue hardware/h100-sxm"), UINT64_MAX };
    b.variants[0].labels[1].cheats = true;
    free(b.variants[0].labels[1].params);
    b.variants[0].labels[1].params = duo_copy("floor=0.65, as=x");
    b.variants[0].labels[2].value[DUO_M_dollars] = NAN;
    b.variants[1].labels[0].answers[0].quality[5] = NAN;
    b.variants[1].asked[169] = 400;                      /* a gap */
    b.variants[1].labels[2].answers[2].answered = duo_new(171, sizeof(double));
    char *text = duo_baseline_text(&b, &n);
    CHECK_INT(duo_baseline_parse(&again, text, n, "a.baseline", &err), DUO_OK);
    CHECK_TEXT(err.text, "");
    char *other = duo_baseline_text(&again, &m);
    CHECK_INT(m, n);
    CHECK_TEXT(other, text);
    CHECK_HAS(text, "asked 0-168 400\n");
    CHECK(again.variants[0].labels[1].cheats && isnan(again.variants[0].labels[2].value[DUO_M_dollars]));
    CHECK(isnan(again.variants[1].labels[0].answers[0].quality[5]));
    CHECK_NEAR(again.variants[1].labels[0].answers[0].quality[6], b.variants[1].labels[0].answers[0].quality[6], 0);
    size_t longest = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n") + 1) longest = strcspn(p, "\n") > longest ? strcspn(p, "\n") : longest;
    CHECK(longest <= 100);
    free(other);
    free(text);
    duo_baseline_free(&again);
    duo_baseline_free(&b);
}

/* (2): cut at any byte, changed at any byte. */
static void damaged(void)
{
    struct baseline_case c = { 1, 2, 2, 90, 1, false };
    struct duo_baseline b = filled(&c);
    struct duo_err err;
    size_t n;
    char *text = duo_baseline_text(&b, &n);
    int whole = 0, silent = 0, unplaced = 0, lines = 0;
    for (size_t i = 0; i < n; i++) {
        whole += parse(text, i, &err) != DUO_BAD_INPUT;
        unplaced += err.line < 1;
        lines += strchr(err.text, '\n') != NULL;
    }
    CHECK_INT(whole, 0);
    CHECK_INT(unplaced, 0);
    CHECK_INT(lines, 0);
    unplaced = 0;
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        for (int k = 0; k < 3; k++) {
            text[i] = "7 \n"[k];
            if (text[i] == was) continue;
            silent += parse(text, n, &err) != DUO_BAD_INPUT;
            unplaced += err.line < 1;
        }
        text[i] = was;
    }
    CHECK_INT(silent, 0);
    CHECK_INT(unplaced, 0);
    CHECK_INT(parse(text, n, &err), DUO_OK);
    free(text);
    duo_baseline_free(&b);
}

/* Replaces the first `from` of the text. */
static char *edited(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    size_t room = strlen(text) + strlen(to) + 1;
    char *out = duo_new(room, 1);
    if (at) snprintf(out, room, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void words(void)
{
    static const struct { const char *from, *to, *said; int line; } cases[] = {
        { "duosim baseline 1", "duosim baseline 2", "another format", 1 },
        { "duosim baseline 1", "# My notes", "is no baseline of duosim", 1 },
        { "scenario mine", "scenery mine", "expected a line \"scenario ...\"", 2 },
        { "sampling 1 0000000000000007", "sampling one", "sampling VERSION HASH", 4 },
        { "seeds 1 2", "seeds 1 two", "expected seeds", 6 },
        { "asked 0-89", "asked 0-89 40", "ascending", 7 },
        { "metric failed", "metric fooled", "no metric is called fooled", 12 },
        { "metric failed", "metric answered", "metric answered is there twice", 12 },
        { "\nblock all", "\nblock 3", "expected \"block all\"", 0 },
        { "\nlabel p1", "\nlabel p0", "label p0 is there twice", 0 },
        { "\nlabel p1", "\n<<<<<<< mine", "expected the next label", 0 },
        { "metric quality ", "metric quality 1", "don't add up", 0 },
        { "\nend ", "\nand ", "cut short", 0 },
    };
    struct baseline_case c = { 1, 2, 2, 90, 1, false };
    struct duo_baseline b = filled(&c);
    struct duo_err err;
    size_t n;
    char *text = duo_baseline_text(&b, &n);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *other = edited(text, cases[i].from, cases[i].to);
        CHECK_INT(parse(other, strlen(other), &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, cases[i].said);
        CHECK_TEXT(err.file, "a.baseline");
        if (cases[i].line) CHECK_INT(err.line, cases[i].line);
        free(other);
    }
    CHECK_INT(parse("", 0, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "is no baseline");
    CHECK_INT(parse("a\0b", 3, &err), DUO_BAD_INPUT);
    free(text);
    duo_baseline_free(&b);
}

/* Ten policies, 2,000 questions, three seeds; and one flip moves few lines. */
static void size_and_diff(void)
{
    struct baseline_case shared = { 1, 10, 3, 2000, 1, false }, own = { 1, 10, 3, 667, 1, true };
    struct duo_baseline b = filled(&shared), o = filled(&own);
    size_t n, m, k;
    char *before = duo_baseline_text(&b, &n), *synthetic = duo_baseline_text(&o, &m);
    printf("ten policies, 2,000 questions, three seeds: %zu bytes; 667 questions of each seed's own: %zu bytes\n", n, m);
    CHECK(n <= 200000 && m <= 200000);
    b.variants[0].labels[4].answers[0].quality[1234] = b.variants[0].labels[4].answers[0].quality[1234] < 0.5 ? 1 : 0;
    char *after = duo_baseline_text(&b, &k), *p = before, *q = after;
    int moved = 0;
    while (*p && *q) {
        size_t x = strcspn(p, "\n"), y = strcspn(q, "\n");
        moved += x != y || memcmp(p, q, x) != 0;
        p += x + 1, q += y + 1;
    }
    CHECK_INT(moved, 2);                                 /* its line, and the last one */
    free(after), free(before), free(synthetic);
    duo_baseline_free(&b);
    duo_baseline_free(&o);
}

/* (3) (4) from a database: six requests of two seeds by hand. */
static void from_results(void)
{
    sqlite3 *db = results_open(":memory:");
    sqlite3_stmt *kept = NULL;
    static const struct { int run, query, status; double quality; } rows[] = {
        { 1, 3, 0, 1 }, { 1, 5, 0, 0.5 }, { 1, 7, 1, NAN }, { 1, 9, 3, 1 }, { 2, 3, 0, 0 }, { 2, 5, 0, 1 }, { 2, 7, 0, 0.1 } };
    for (int seed = 1; seed <= 2; seed++) {
        struct duo_row_run run = results_run("", 0, "mine", "/home/x/mine.so", seed);
        run.requests = 3;
        results_add_run(db, seed, &run);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo_row_request r = { .id = (int64_t)i, .query = rows[i].query, .session = DUO_NONE, .reason = DUO_NONE, .quality = rows[i].quality,
                                     .status = rows[i].status, .ttft = NAN, .tpot = NAN, .e2e = 1.0 / 3, .quality_weak = NAN, .quality_strong = NAN };
        results_add_request(db, &kept, rows[i].run, &r);
    }
    sqlite3_finalize(kept);
    struct duo_err err = { 0 };
    struct duo_baseline b;
    const struct duo_input inputs[] = { { (char *)(uintptr_t)"b", 2 }, { (char *)(uintptr_t)"a", 1 } };
    CHECK_INT(duo_summary_write(db, NULL, 0, &err), DUO_OK);
    CHECK_INT(duo_baseline_make(&b, db, "mine", "by hand", inputs, 2, &err), DUO_OK);
    CHECK_TEXT(err.text, "");
    CHECK_TEXT(b.inputs[0].name, "a");
    CHECK_INT(b.n_variants, 1);
    CHECK_INT(b.variants[0].n_asked, 3);                 /* 9 came in the warm-up */
    CHECK_INT(b.variants[0].asked[2], 7);
    const struct duo_baseline_label *l = &b.variants[0].labels[0];
    CHECK_TEXT(l->policy, "mine.so");
    CHECK_INT(l->n_answers, 1);                          /* recorded: shared */
    CHECK_NEAR(l->answers[0].quality[0], 0.5, 0);
    CHECK_NEAR(l->answers[0].quality[1], 0.75, 0);
    CHECK_NEAR(l->answers[0].quality[2], 0.05, 1e-15);   /* failed: 0; and 0.1 */
    CHECK_NEAR(l->answers[0].answered[2], 0.1, 1e-15);
    CHECK_NEAR(l->value[DUO_M_quality], duo_baseline_round(2.6 / 6), 0);
    CHECK_NEAR(l->value[DUO_M_e2e_mean], 0.333333333, 0);
    CHECK_NEAR(l->seed[1][DUO_M_quality], duo_baseline_round(1.1 / 3), 0);
    CHECK_NEAR(l->seed[0][DUO_M_failed], 1, 0);
    CHECK(isnan(l->value[DUO_M_ttft_p50]));
    duo_baseline_free(&b);
    sqlite3_close(db);
}

/* (5) */
static void saved(void)
{
    char path[] = "/tmp/duosim_baseline_XXXXXX", file[64];
    struct baseline_case c = { 1, 1, 1, 5, 1, false };
    struct duo_baseline b = filled(&c), again;
    struct duo_err err = { 0 };
    struct stat s;
    CHECK(mkdtemp(path) != NULL);
    snprintf(file, sizeof file, "%s/x.baseline", path);
    CHECK_INT(duo_baseline_save(&b, file, &err), DUO_OK);
    CHECK_INT(duo_baseline_save(&b, file, &err), DUO_OK);            /* over the old one */
    CHECK_INT(duo_baseline_read(&again, file, &err), DUO_OK);
    CHECK(duo_baseline_is(file));
    CHECK_NEAR(again.variants[0].labels[0].value[0], b.variants[0].labels[0].value[0], 0);
    duo_baseline_free(&again);
    unlink(file);
    CHECK_INT(rmdir(path), 0);                           /* nothing was left beside it */
    CHECK(stat(path, &s) != 0);
    CHECK_INT(duo_baseline_save(&b, file, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "No such file");
    CHECK(!duo_baseline_is(file));
    duo_baseline_free(&b);
}

/* curve.h, by arithmetic. */
static void curves(void)
{
    const struct duo_point p[] = { { 1, 0.8 }, { 0, 0.5 }, { 1.5, 0.6 }, { 2, 0.9 }, { 3, 0.85 } };
    double w[5];
    CHECK_NEAR(duo_curve_area(p, 5, 0, 2, w), (0.65 + 0.85) / 2, 1e-15);     /* (1): the third lies below, the last is no better */
    CHECK_NEAR(w[0], 0.5, 1e-15);                        /* (4): half of both lines */
    CHECK_NEAR(w[1], 0.25, 1e-15);
    CHECK_NEAR(w[2], 0, 0);
    CHECK_NEAR(w[3], 0.25, 1e-15);
    CHECK_NEAR(w[4], 0, 0);
    CHECK_NEAR(duo_curve_area(p, 5, 0, 4, NULL), (2 * 0.75 + 2 * 0.9) / 4, 1e-15);   /* (2): flat beyond the best */
    CHECK_NEAR(duo_curve_area(p, 5, -2, 2, NULL), 2 * 0.75 / 4, 1e-15);              /* (2): nothing below the cheapest */
    CHECK_NEAR(duo_curve_area(p, 5, 0.5, 1.5, NULL), ((0.65 + 0.8) / 2 + (0.8 + 0.85) / 2) / 2, 1e-15);
    CHECK_NEAR(duo_curve_area(p, 5, 5, 6, NULL), 0.9, 1e-15);
    CHECK_NEAR(duo_curve_area(p, 1, 0, 2, NULL), 0.4, 1e-15);                        /* one point: a step */
    const struct duo_point dip[] = { { 0, 0.5 }, { 1, 0.52 }, { 2, 0.9 } };          /* the middle lies below the line */
    CHECK_NEAR(duo_curve_area(dip, 3, 0, 2, w), 0.7, 1e-15);
    CHECK_NEAR(w[1], 0, 0);
    CHECK(isnan(duo_curve_area(p, 0, 0, 1, NULL)));
    CHECK(isnan(duo_curve_area(p, 5, 1, 1, NULL)));
    const struct duo_point unknown[] = { { 0, 0.5 }, { NAN, 0.6 } };
    CHECK(isnan(duo_curve_area(unknown, 2, 0, 1, NULL)));
}

int main(void)
{
    there_and_back();
    damaged();
    words();
    size_and_diff();
    from_results();
    saved();
    curves();
    return check_done();
}
