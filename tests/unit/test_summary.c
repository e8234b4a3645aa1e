/* test_summary.c - analysis/summary.h by its numbers, and expect.h, on rows written by hand. */
#include "analysis/summary.h"

#include <stdlib.h>

#include "analysis/expect.h"
#include "sim/base/rng.h"
#include "tests/check.h"
#include "tests/unit/results.h"

static struct duo_row_request request(int64_t id, double quality, double weak, double strong, int cloud, double e2e)
{
    return (struct duo_row_request){ .id = id, .query = id, .session = DUO_NONE, .reason = DUO_NONE, .prompt_tokens = 10,
        .answer_tokens = 5, .quality = quality, .quality_weak = weak, .quality_strong = strong, .cloud = cloud, .ttft = e2e / 4,
        .tpot = e2e / 8, .e2e = e2e, .joules_device = 2, .joules_radio = 1, .joules_cloud = 10.0 * cloud, .dollars = 0.001 * cloud,
        .bytes_up = 100, .bytes_down = 200, .wasted_joules = 0 };
}

static struct duo_summary summarize(sqlite3 *db, const struct duo_variant_facts *facts, int n)
{
    struct duo_summary s;
    struct duo_err err = { 0 };
    CHECK_INT(duo_summary_write(db, facts, n, &err), DUO_OK);
    CHECK_INT(duo_summary_read(&s, db, &err), DUO_OK);
    CHECK_TEXT(err.text, "");
    return s;
}

static double at(const struct duo_summary *s, const char *label, enum duo_metric m) { return duo_summary_find(s, "", label)->value[m]; }

/* Six requests, one of which failed, one is pending, one came in the warm-up: every value by hand. (1) (2) (3) (4) */
static void by_hand(void)
{
    sqlite3 *db = results_open(":memory:");
    sqlite3_stmt *kept = NULL;
    struct duo_row_run run = results_run("", 0, "mine", "cascade", 1);
    run.requests = 5, run.dollars_reserved = 1;                       /* (7): of five requests after the warm-up */
    results_add_run(db, 1, &run);
    struct duo_row_request r[6] = {
        request(0, 0, 0, 1, 0, 1), request(1, 1, 0, 1, 1, 2), request(2, 0.5, 0.5, 0.5, 0, 3), request(3, 1, 0, 1, 1, 4),
        request(4, NAN, 1, 1, 0, NAN), request(5, 1, 1, 1, 1, 5),
    };
    r[3].status = 1, r[3].e2e = r[3].ttft = r[3].tpot = NAN;          /* failed; what it had written doesn't count */
    r[4].status = 2, r[4].ttft = 0.1;                                 /* pending; it had shown something */
    r[5].status = 3;                                                  /* in the warm-up */
    r[0].tpot = NAN;                                                  /* one token */
    for (int i = 0; i < 6; i++) results_add_request(db, &kept, 1, &r[i]);
    sqlite3_finalize(kept);
    const struct duo_variant_facts facts = { .variant = "", .slo_ttft = 0.6, .slo_e2e = INFINITY, .slo_tpot = 0.3, .rtt = 0.05 };
    struct duo_summary s = summarize(db, &facts, 1);
    CHECK_INT(s.n, 1);
    CHECK_INT(s.rows[0].seeds, 1);
    CHECK_NEAR(at(&s, "mine", DUO_M_requests), 5, 0);
    CHECK_NEAR(at(&s, "mine", DUO_M_answered), 3, 0);
    CHECK_NEAR(at(&s, "mine", DUO_M_failed), 1, 0);
    CHECK_NEAR(at(&s, "mine", DUO_M_pending), 1, 0);
    CHECK_NEAR(at(&s, "mine", DUO_M_quality), 1.5 / 5, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_quality_answered), 0.5, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_cloud_share), 0.4, 1e-15);
    /* mix: 0.6 x 1.5 / 5 + 0.4 x 4.5 / 5 = 0.54; the oracle's two calls gain 1 each of 3: (1.5 + 2) / 5 = 0.7 */
    CHECK_NEAR(at(&s, "mine", DUO_M_gain_over_mix), 0.3 - 0.54, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_oracle_share), (0.3 - 0.54) / (0.7 - 0.54), 1e-12);
    CHECK_NEAR(at(&s, "mine", DUO_M_ttft_mean), 0.5, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_tpot_mean), (0.25 + 0.375) / 2, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_e2e_mean), 2, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_e2e_p50), 2, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_e2e_p99), 2.98, 1e-12);           /* k = 1.98 between 2 and 3 */
    CHECK_NEAR(at(&s, "mine", DUO_M_itl_p50), 0.03, 0);
    CHECK_NEAR(at(&s, "mine", DUO_M_joules_device_radio), 3, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_joules_cloud), 4, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_dollars), 0.0004 + 1.0 / 5, 1e-15);
    CHECK_NEAR(at(&s, "mine", DUO_M_slo_ttft), 0.4, 1e-15);           /* 0.25 and 0.5 of five */
    CHECK(isnan(at(&s, "mine", DUO_M_slo_e2e)));                      /* no limit */
    CHECK_NEAR(at(&s, "mine", DUO_M_slo_tpot), 0.4, 1e-15);           /* the one token has no gap; 0.25 */
    CHECK_NEAR(at(&s, "mine", DUO_M_slo_share), 0.4, 1e-15);
    CHECK_INT(s.n_by_seed, 1);
    CHECK_NEAR(s.by_seed[0].value[DUO_M_e2e_p99], 2.98, 1e-12);
    CHECK_NEAR(s.variants[0].rtt, 0.05, 0);
    duo_summary_free(&s);
    sqlite3_close(db);
}

/* (2) One unknown amount makes the mean unknown; what is known stays. */
static void unknown(void)
{
    sqlite3 *db = results_open(":memory:");
    sqlite3_stmt *kept = NULL;
    struct duo_row_run run = results_run("", 0, "mine", "mine", 1);
    results_add_run(db, 1, &run);
    for (int i = 0; i < 20; i++) {
        struct duo_row_request r = request(i, i % 2, NAN, NAN, 1, 1 + i);
        if (i == 7) r.dollars = NAN, r.quality = NAN;
        results_add_request(db, &kept, 1, &r);
    }
    sqlite3_finalize(kept);
    struct duo_summary s = summarize(db, NULL, 0);
    const struct duo_summary_row *r = &s.rows[0];
    static const enum duo_metric not_known[] = { DUO_M_quality, DUO_M_dollars, DUO_M_gain_over_mix, DUO_M_oracle_share, DUO_M_slo_share };
    for (int i = 0; i < 5; i++) CHECK(isnan(r->value[not_known[i]]) && isnan(r->low[not_known[i]]));
    CHECK_NEAR(r->value[DUO_M_quality_answered], 9.0 / 19, 1e-15);
    CHECK_NEAR(r->value[DUO_M_joules_cloud], 10, 1e-15);
    CHECK(r->low[DUO_M_e2e_mean] < 10.5 && 10.5 < r->high[DUO_M_e2e_mean]);
    CHECK(isnan(r->low[DUO_M_itl_p50]));                              /* of one run, there is no interval */
    duo_summary_free(&s);
    sqlite3_close(db);
}

/* A world: `labels` policies, each a second slower than the one before; `seeds` seeds of `n` requests that differ
 * much.  Of label 1, the run of `missing` failed.  `order`: rows of requests run by run, or mixed. */
struct world { int labels, seeds, n, missing; bool mixed, same_questions, cheats; };

static sqlite3 *make(const struct world *w)
{
    sqlite3 *db = results_open(":memory:");
    sqlite3_stmt *kept = NULL;
    int64_t id = 0;
    results_run_sql(db, "BEGIN");
    for (int l = 0; l < w->labels; l++)
        for (int s = 1; s <= w->seeds; s++) {
            char label[16];
            snprintf(label, sizeof label, "p%d", l);
            struct duo_row_run run = results_run("", l, label, label, s);
            run.requests = w->n;
            run.cheats = w->cheats && l == 0;
            if (l == 1 && s == w->missing) strcpy(run.state, "failed"), strcpy(run.reason, "policy p1: returned NaN");
            results_add_run(db, ++id, &run);
        }
    for (int k = 0; k < w->n * (int)id; k++) {
        int run = w->mixed ? k % (int)id : k / w->n, i = w->mixed ? k / (int)id : k % w->n;
        int l = run / w->seeds, s = run % w->seeds + 1;
        uint64_t day = w->same_questions ? 1 : (uint64_t)s;
        double strong = duo_draw(day, "strong", (uint64_t)i) < 0.8, weak = duo_draw(day, "weak", (uint64_t)i) < 0.4;
        int    cloud = l == 0 ? 0 : l == 1 ? 1 : duo_draw((uint64_t)s, "cloud", (uint64_t)i) < 0.5;
        struct duo_row_request r = request(i, cloud ? strong : weak, weak, strong, cloud, 1 + l + 9 * duo_draw((uint64_t)s, "e2e", (uint64_t)i));
        if (l == 1 && s == w->missing && i > 3) continue;
        results_add_request(db, &kept, run + 1, &r);
    }
    sqlite3_finalize(kept);
    results_run_sql(db, "COMMIT");
    return db;
}

static char *dump(sqlite3 *db)
{
    char  *text = NULL;
    size_t n = 0;
    FILE  *out = open_memstream(&text, &n);
    static const char *const all[] = { "SELECT * FROM metric", "SELECT * FROM paired", "SELECT * FROM metric_seed", "SELECT * FROM v_summary" };
    for (int i = 0; i < 4; i++) {
        sqlite3_stmt *s;
        sqlite3_prepare_v2(db, all[i], -1, &s, NULL);
        while (sqlite3_step(s) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(s); c++) fprintf(out, "%s|", (const char *)sqlite3_column_text(s, c));
        sqlite3_finalize(s);
    }
    fclose(out);
    return text;
}

/* (5) (6) Pairs; the same bytes twice and from rows in another order. */
static void pairs(void)
{
    struct world w = { .labels = 3, .seeds = 3, .n = 120 };
    sqlite3 *db = make(&w);
    struct duo_summary s = summarize(db, NULL, 0);
    struct duo_pair_row p, q;
    const struct duo_summary_row *a = duo_summary_find(&s, "", "p0"), *b = duo_summary_find(&s, "", "p1");
    CHECK(duo_summary_pair(&s, "", "p1", "p0", DUO_M_e2e_mean, &p));
    CHECK(duo_summary_pair(&s, "", "p0", "p1", DUO_M_e2e_mean, &q));
    CHECK_NEAR(p.difference, 1, 1e-12);
    CHECK_NEAR(q.difference, -p.difference, 0);
    CHECK_NEAR(q.low, -p.high, 0);
    CHECK(p.low > 0.999 && p.high < 1.001);              /* every request is 1 s slower: the pair knows, ... */
    CHECK(a->high[DUO_M_e2e_mean] - a->low[DUO_M_e2e_mean] > 0.3);    /* ... each alone does not */
    CHECK(duo_summary_pair(&s, "", "p1", "p0", DUO_M_e2e_p99, &p));
    CHECK_NEAR(p.difference, b->value[DUO_M_e2e_p99] - a->value[DUO_M_e2e_p99], 1e-12);
    CHECK(p.high - p.low < 1e-9);
    CHECK(!duo_summary_pair(&s, "", "p1", "p0", DUO_M_bytes_up, &p));
    CHECK(!duo_summary_pair(&s, "", "p1", "nobody", DUO_M_quality, &p));
    duo_summary_free(&s);

    char *first = dump(db);
    struct duo_err err = { 0 };
    CHECK_INT(duo_summary_write(db, NULL, 0, &err), DUO_OK);
    char *second = dump(db);
    CHECK(strcmp(first, second) == 0);
    sqlite3_close(db);
    w.mixed = true;
    db = make(&w);
    CHECK_INT(duo_summary_write(db, NULL, 0, &err), DUO_OK);
    char *third = dump(db);
    CHECK(strcmp(first, third) == 0);
    free(first), free(second), free(third);
    sqlite3_close(db);
}

/* (6) A run that failed: its label has the others, the pair only seeds that both have. */
static void failed_run(void)
{
    struct world w = { .labels = 2, .seeds = 3, .n = 100, .missing = 2 };
    sqlite3 *db = make(&w);
    struct duo_summary s = summarize(db, NULL, 0);
    struct duo_pair_row p;
    const struct duo_summary_row *b = duo_summary_find(&s, "", "p1");
    CHECK_INT(b->seeds, 2);
    CHECK_INT(b->failed_runs, 1);
    CHECK_NEAR(b->value[DUO_M_requests], 100, 0);
    CHECK_INT(s.n_by_seed, 5);
    CHECK_INT(s.n_failed, 1);
    CHECK_TEXT(s.failed[0].reason, "policy p1: returned NaN");
    CHECK(duo_summary_pair(&s, "", "p1", "p0", DUO_M_e2e_mean, &p));
    CHECK_NEAR(p.difference, 1, 1e-12);                  /* not the difference of both rows, who had other days */
    CHECK(fabs(b->value[DUO_M_e2e_mean] - duo_summary_find(&s, "", "p0")->value[DUO_M_e2e_mean] - 1) > 1e-6);
    duo_summary_free(&s);
    sqlite3_close(db);
}

static double width(sqlite3 *db, enum duo_metric m)
{
    struct duo_summary s = summarize(db, NULL, 0);
    double w = s.rows[0].high[m] - s.rows[0].low[m];
    duo_summary_free(&s);
    sqlite3_close(db);
    return w;
}

/* (5) The same 200 questions for each of 4 seeds are 200 questions and not 800: half the width is lost. */
static void same_questions(void)
{
    struct world w = { .labels = 1, .seeds = 4, .n = 200 }, same = w;
    same.same_questions = true;
    double apart = width(make(&w), DUO_M_quality), once = width(make(&same), DUO_M_quality);
    CHECK_NEAR(once / apart, 2, 0.6);
    CHECK_NEAR(once, 2 * 1.96 * sqrt(0.4 * 0.6 / 200), 0.03);         /* of a share of 200 */
}

/* (5) Above 20,000 rows: groups; the intervals are those of the theory. */
static void large(void)
{
    struct world w = { .labels = 1, .seeds = 1, .n = 30000 };
    sqlite3 *db = make(&w);
    struct duo_summary s = summarize(db, NULL, 0);
    const struct duo_summary_row *r = &s.rows[0];
    double n = 30000;
    /* uniform from 1 to 10: sd 9 / sqrt(12); the median's 9 / (2 sqrt(n)); p99's 9 sqrt(0.99 x 0.01 / n) */
    CHECK_NEAR((r->high[DUO_M_e2e_mean] - r->low[DUO_M_e2e_mean]) / (3.92 * 9 / sqrt(12 * n)), 1, 0.12);
    CHECK_NEAR((r->high[DUO_M_e2e_p50] - r->low[DUO_M_e2e_p50]) / (3.92 * 9 / 2 / sqrt(n)), 1, 0.12);
    CHECK_NEAR((r->high[DUO_M_e2e_p99] - r->low[DUO_M_e2e_p99]) / (3.92 * 9 * sqrt(0.0099 / n)), 1, 0.15);
    CHECK_NEAR(r->value[DUO_M_e2e_p99], 9.91, 0.03);
    CHECK(r->low[DUO_M_e2e_p99] < r->value[DUO_M_e2e_p99] && r->value[DUO_M_e2e_p99] < r->high[DUO_M_e2e_p99]);
    duo_summary_free(&s);
    sqlite3_close(db);
}

static int count(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) return -1;
    int n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int(s, 0) : -1;
    sqlite3_finalize(s);
    return n;
}

static void views(void)
{
    struct world w = { .labels = 3, .seeds = 2, .n = 60, .cheats = true };
    sqlite3 *db = make(&w);
    const struct duo_variant_facts facts = { .variant = "", .slo_ttft = NAN, .slo_e2e = 6, .slo_tpot = NAN, .rtt = NAN };
    struct duo_summary s = summarize(db, &facts, 1);
    CHECK_INT(count(db, "SELECT count(*) FROM v_summary WHERE low_quality < quality AND quality < high_quality"), 3);
    CHECK_INT(count(db, "SELECT count(*) FROM v_curve"), 12);
    CHECK_INT(count(db, "SELECT count(*) FROM v_pareto WHERE cheats"), 0);
    CHECK_INT(count(db, "SELECT count(*) FROM v_pareto WHERE axis = 'e2e_p50' AND label = 'p1'"), 1);     /* faster, better than p2 */
    CHECK_INT(count(db, "SELECT count(*) FROM v_paired WHERE name = 'e2e_mean'"), 6);
    CHECK_INT(count(db, "SELECT count(*) FROM v_paired WHERE name = 'e2e_mean' AND shown AND difference > 0"), 3);
    CHECK_INT(count(db, "SELECT count(*) FROM v_slo WHERE limit_e2e = 6 AND limit_ttft IS NULL AND slo_share = slo_e2e"), 3);
    duo_summary_free(&s);
    sqlite3_close(db);
}

/* No requests, no runs, not a database of results: no crash, nothing made up. */
static void empty(void)
{
    sqlite3 *db = results_open(":memory:");
    struct duo_summary s = summarize(db, NULL, 0);
    CHECK_INT(s.n, 0);
    duo_summary_free(&s);
    struct duo_row_run run = results_run("", 0, "mine", "mine", 1);
    results_add_run(db, 1, &run);
    s = summarize(db, NULL, 0);
    CHECK_NEAR(at(&s, "mine", DUO_M_requests), 0, 0);
    CHECK(isnan(at(&s, "mine", DUO_M_quality)));
    CHECK(isnan(at(&s, "mine", DUO_M_e2e_p50)));
    duo_summary_free(&s);
    sqlite3_close(db);
    struct duo_err err = { 0 };
    sqlite3_open(":memory:", &db);
    CHECK_INT(duo_summary_read(&s, db, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "no results of duosim");
    CHECK_INT(duo_summary_write(db, NULL, 0, &(struct duo_err){ 0 }), DUO_BAD_INPUT);
    CHECK_INT(count(db, "SELECT count(*) FROM sqlite_master"), 0);    /* nothing half-done */
    duo_summary_free(&s);
    sqlite3_close(db);
}

static enum duo_expect_result expect(const struct duo_summary *s, struct duo_expectation e, char text[256])
{
    struct duo_err err = { 0 };
    enum duo_expect_result result = DUO_EXPECT_UNKNOWN;
    text[0] = 0;
    if (duo_expect_check(s, &e, &result, text, 256, &err) != DUO_OK) snprintf(text, 256, "%.255s", err.text);
    return result;
}

static void expectations(void)
{
    struct world w = { .labels = 3, .seeds = 3, .n = 50, .missing = 2 };
    char text[256];
    sqlite3 *db = make(&w);
    struct duo_summary s = summarize(db, NULL, 0);
    s.rows[0].value[DUO_M_quality] = 0.5;                /* values that the test knows */
    s.rows[1].value[DUO_M_quality] = 0.75;
    CHECK_INT(expect(&s, (struct duo_expectation){ .column = "failed", .op = DUO_EXPECT_EQ }, text), DUO_EXPECT_HELD);
    CHECK_INT(expect(&s, (struct duo_expectation){ .label = "p1", .column = "quality", .op = DUO_EXPECT_GE, .other_label = "p0", .factor = 1 }, text), DUO_EXPECT_HELD);
    CHECK_TEXT(text, "p1.quality is 0.75, expected >= 0.5 (p0.quality)");
    CHECK_INT(expect(&s, (struct duo_expectation){ .label = "p0", .column = "quality", .op = DUO_EXPECT_GT, .other_label = "p1", .factor = 0.8 }, text), DUO_EXPECT_NOT);
    CHECK_TEXT(text, "p0.quality is 0.5, expected > 0.6 (0.8 x p1.quality)");
    CHECK_INT(expect(&s, (struct duo_expectation){ .label = "p0", .column = "quality", .op = DUO_EXPECT_BETWEEN, .low = 0.1, .high = 0.4 }, text), DUO_EXPECT_NOT);
    CHECK_TEXT(text, "p0.quality is 0.5, expected 0.1 .. 0.4");
    CHECK_INT(expect(&s, (struct duo_expectation){ .label = "p0", .column = "quality", .op = DUO_EXPECT_LT, .low = 0.5 }, text), DUO_EXPECT_NOT);
    CHECK_INT(expect(&s, (struct duo_expectation){ .label = "p0", .column = "quality", .op = DUO_EXPECT_LE, .low = 0.5 }, text), DUO_EXPECT_HELD);
    CHECK_INT(expect(&s, (struct duo_expectation){ .column = "failed_runs", .op = DUO_EXPECT_EQ }, text), DUO_EXPECT_NOT);
    CHECK_TEXT(text, "p1.failed_runs is 1, expected = 0");
    CHECK_INT(expect(&s, (struct duo_expectation){ .column = "slo_share", .op = DUO_EXPECT_GE }, text), DUO_EXPECT_UNKNOWN);
    CHECK_HAS(text, "not known");
    expect(&s, (struct duo_expectation){ .label = "p00", .column = "quality" }, text);
    CHECK_TEXT(text, "no policy is labelled p00 (did you mean p0?)");
    expect(&s, (struct duo_expectation){ .column = "qualty" }, text);
    CHECK_TEXT(text, "no column qualty (did you mean quality?)");
    expect(&s, (struct duo_expectation){ .column = "quality", .variant = "lte" }, text);
    CHECK_TEXT(text, "no variant is named lte");
    expect(&s, (struct duo_expectation){ .column = "net" }, text);
    CHECK_HAS(text, "is a text");
    duo_summary_free(&s);
    sqlite3_close(db);
}

int main(void)
{
    by_hand();
    unknown();
    pairs();
    failed_run();
    same_questions();
    large();
    views();
    empty();
    expectations();
    return check_done();
}
