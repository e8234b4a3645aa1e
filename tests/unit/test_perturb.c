/* test_perturb.c - analysis/perturb.h (1)..(6) on draws made by hand, beside tables of others and counting by brute force;
 * sim/draws.h (1)..(3), sim/perturb.h (1), (2) and sim/sweep.h (7) on a scenario whose order hangs on one constant. */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/perturb.h"
#include "analysis/summary.h"
#include "sim/base/rng.h"
#include "sim/perturb.h"
#include "sim/share.h"
#include "tests/check.h"
#include "tests/unit/results.h"

static double number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    double value = NAN;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) printf("%s: %s\n", sql, sqlite3_errmsg(db));
    if (s && sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) value = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    return value;
}

/* Rows of a query, reals to the last bit.  To be freed. */
static char *rows_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fprintf(out, "%s", sqlite3_errmsg(db));
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            const char *cell = (const char *)sqlite3_column_text(s, i);
            if (sqlite3_column_type(s, i) == SQLITE_FLOAT) fprintf(out, "%a|", sqlite3_column_double(s, i));
            else fprintf(out, "%s|", cell ? cell : "NULL");
        }
        fputc('\n', out);
    }
    sqlite3_finalize(s);
    fclose(out);
    return text;
}

static char *printed(sqlite3 *db)
{
    char *text;
    size_t size;
    struct duo_err err = { 0 };
    FILE *out = open_memstream(&text, &size);
    CHECK_INT(duo_perturb_print(out, db, NULL, &err), DUO_OK);
    fclose(out);
    return text;
}

/* ---- by hand ---- */

enum { DRAWS = 400, CONSTANTS = 10 };

/* A and B with one request each: 2 s and 2.2 s.  B has an unanswered request, too, which no mean of times counts. */
static sqlite3 *open_by_hand(void)
{
    sqlite3 *db = results_open(":memory:");
    sqlite3_stmt *kept = NULL;
    struct duo_err err = { 0 };
    for (int i = 0; i < 2; i++) {
        struct duo_row_run run = results_run("", i, i ? "B" : "A", "policy", 1);
        struct duo_row_request r = { .quality = 0.5, .e2e = i ? 2.2 : 2, .joules_device = i ? 1 : 3, .dollars = 0.001, .session = DUO_NONE, .reason = DUO_NONE };
        results_add_run(db, i + 1, &run);
        results_add_request(db, &kept, i + 1, &r);
        r.id = 1, r.status = 1, r.e2e = NAN;
        if (i) results_add_request(db, &kept, i + 1, &r);
    }
    sqlite3_finalize(kept);
    CHECK_INT(duo_perturb_open(db, &err), DUO_OK);
    for (int c = 0; c < CONSTANTS; c++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", c);
        struct duo_perturb_constant constant = { name, c ? "assumed" : "fitted", 1, 0.7, 1.4 };
        CHECK_INT(duo_perturb_add_constant(db, &constant, &err), DUO_OK);
    }
    return db;
}

static double factor_of(int draw, int c)
{
    char name[16];
    snprintf(name, sizeof name, "c%d", c);
    return 0.7 * pow(2, duo_draw((uint64_t)draw, name, 0));
}

static void add_draw(sqlite3 *db, int draw, double a, double b, int failed)
{
    struct duo_err err = { 0 };
    struct duo_perturb_means m = { .variant = "", .label = "A", .draw = draw, .mean = { a, 3, 0.001, 0.5 } };
    for (int c = 0; c < CONSTANTS; c++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", c);
        duo_perturb_add_drawn(db, draw, name, factor_of(draw, c), &err);
    }
    CHECK_INT(duo_perturb_add_means(db, &m, &err), DUO_OK);
    m.label = "B", m.mean[DUO_P_e2e_mean] = b, m.mean[DUO_P_joules] = 0.5, m.mean[DUO_P_dollars] = 0.001, m.mean[DUO_P_quality] = 0.25;
    if (failed)
        for (int i = 0; i < DUO_N_PERTURBED; i++) m.mean[i] = NAN;
    m.failed_runs = failed, m.reason = failed ? "it does not fit" : NULL;
    CHECK_INT(duo_perturb_add_means(db, &m, &err), DUO_OK);
}

/* (1) to (5): a = 2 c3 against 2.2: A is faster while c3 < 1.1, in ln(1.1 / 0.7) / ln 2 of the draws. */
static void one_constant_decides(void)
{
    sqlite3 *db = open_by_hand();
    struct duo_err err = { 0 };
    CHECK_NEAR(number(db, "SELECT e2e_mean FROM perturb WHERE label = 'B'"), 2.2, 1e-15);                  /* (1) */
    CHECK_NEAR(number(db, "SELECT joules FROM perturb WHERE label = 'B'"), 1, 1e-15);
    CHECK_NEAR(number(db, "SELECT quality FROM perturb WHERE label = 'B'"), 0.25, 1e-15);
    int held = 0;
    for (int d = 1; d <= DRAWS; d++) {
        add_draw(db, d, 2 * factor_of(d, 3), 2.2, 0);
        held += factor_of(d, 3) < 1.1;
    }
    char **names;
    int n;
    CHECK_INT(duo_perturb_suspects(db, 8, &names, &n, &err), DUO_OK);                                       /* (5) */
    CHECK_INT(n, 1);
    CHECK_TEXT(n ? names[0] : "", "c3");
    for (int high = 0; high < 2; high++) {
        struct duo_perturb_means m = { "", "A", DRAWS + 1 + high, "c3", high ? "high" : "low", { high ? 2.8 : 1.4, 3, 0.001, 0.5 }, 0, NULL };
        CHECK_INT(duo_perturb_add_means(db, &m, &err), DUO_OK);
        m.label = "B", m.mean[0] = 2.2, m.mean[1] = 0.5, m.mean[3] = 0.25;
        CHECK_INT(duo_perturb_add_means(db, &m, &err), DUO_OK);
    }
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
    CHECK_INT(duo_perturb_rank(db, &err), DUO_OK);
    CHECK_NEAR(number(db, "SELECT held FROM ranking WHERE name = 'e2e_mean'"), held, 0);
    double low = number(db, "SELECT low FROM ranking WHERE name = 'e2e_mean'"), high = number(db, "SELECT high FROM ranking WHERE name = 'e2e_mean'");
    double due = log(1.1 / 0.7) / log(2);
    printf("held in %.4f of the draws [%.4f, %.4f]; in closed form %.4f\n", (double)held / DRAWS, low, high, due);
    CHECK(low <= due && due <= high);                                                                       /* (3) */
    CHECK_NEAR(number(db, "SELECT constant = 'c3' FROM ranking WHERE name = 'e2e_mean'"), 1, 0);            /* (4) */
    CHECK_NEAR(number(db, "SELECT separation FROM ranking WHERE name = 'e2e_mean'"), 1, 1e-12);
    CHECK_NEAR(number(db, "SELECT alone_low FROM ranking WHERE name = 'e2e_mean'"), 0, 0);
    CHECK_NEAR(number(db, "SELECT alone_high FROM ranking WHERE name = 'e2e_mean'"), 1, 0);
    CHECK_NEAR(number(db, "SELECT relation = '=' AND held = draws FROM ranking WHERE name = 'dollars'"), 1, 0);       /* (2) */
    CHECK_NEAR(number(db, "SELECT share FROM v_ranking WHERE name = 'joules' AND label = 'B' AND relation = '<'"), 1, 0);
    char *text = printed(db);
    CHECK_HAS(text, "perturbed: 400 draws of 10 constants (9 assumed, 1 fitted), each log-uniform in its interval (uniform from 0)");
    CHECK_HAS(text, "A < B in E2E mean: c3 (assumed, 1 in [0.7, 1.4]), separates by 1.00; alone it flips the order at its high end");
    CHECK(!strstr(text, "quality"));                                /* nothing moved it */
    free(text);
    sqlite3_close(db);
}

/* (4): two constants decide; the separation of the stronger, counted by pairs.  (3): a label that failed in 40 draws. */
static void two_constants_and_failures(void)
{
    sqlite3 *db = open_by_hand();
    struct duo_err err = { 0 };
    int held = 0, told = 0;
    double more = 0, pairs = 0;
    for (int d = 1; d <= DRAWS; d++) add_draw(db, d, 2 * factor_of(d, 5), 2.2 * sqrt(factor_of(d, 7)), d % 10 == 0);
#define HOLDS(d) (2 * factor_of(d, 5) < 2.2 * sqrt(factor_of(d, 7)))
    for (int d = 1; d <= DRAWS; d++)
        if (d % 10) told++, held += HOLDS(d);
    for (int d = 1; d <= DRAWS; d++)
        for (int e = 1; e <= DRAWS; e++)
            if (d % 10 && e % 10 && HOLDS(d) && !HOLDS(e)) pairs++, more += factor_of(d, 5) < factor_of(e, 5);
    CHECK_INT(duo_perturb_rank(db, &err), DUO_OK);
    CHECK_NEAR(number(db, "SELECT untold FROM ranking WHERE name = 'e2e_mean'"), 40, 0);
    CHECK_NEAR(number(db, "SELECT held FROM ranking WHERE name = 'e2e_mean'"), held, 0);
    CHECK_NEAR(number(db, "SELECT held FROM ranking WHERE name = 'joules'"), told, 0);
    CHECK_NEAR(number(db, "SELECT constant = 'c5' FROM ranking WHERE name = 'e2e_mean'"), 1, 0);
    CHECK_NEAR(number(db, "SELECT separation FROM ranking WHERE name = 'e2e_mean'"), fabs(2 * more / pairs - 1), 1e-12);
    char *text = printed(db);
    CHECK_HAS(text, "B failed in 40 of 400 draws, where no order is told; draw 10: it does not fit");
    free(text);
    sqlite3_close(db);
}

/* (3): binom.test() of R gives [0.2719578, 0.7280422] for 10 of 20; 1 - 0.025^(1/20) for all of 20.  (4): what rests on no
 * constant names none. */
static void intervals(void)
{
    struct duo_err err = { 0 };
    for (int all = 0; all < 2; all++) {
        sqlite3 *db = open_by_hand();
        for (int d = 1; d <= 20; d++) add_draw(db, d, d % 2 || all ? 2 : 3, 2.2, 0);
        CHECK_INT(duo_perturb_rank(db, &err), DUO_OK);
        CHECK_NEAR(number(db, "SELECT low FROM ranking WHERE name = 'e2e_mean'"), all ? pow(0.025, 0.05) : 0.2719578, 5e-8);
        CHECK_NEAR(number(db, "SELECT high FROM ranking WHERE name = 'e2e_mean'"), all ? 1 : 0.7280422, 5e-8);
        CHECK_NEAR(number(db, "SELECT count(constant) FROM ranking"), 0, 0);
        char *text = printed(db);
        CHECK((strstr(text, "1 order flips in some draws (10 of 20 at most), and no constant stands out") != NULL) == !all);
        free(text);
        sqlite3_close(db);
    }
}

/* ---- runs ---- */

/* Two APIs with the same speed and price.  The near one takes 1 s (assumed: 0.7 to 1.4) to its first token, the far one
 * nothing, 1.1 s further away: near is faster by 1.1 s - first_token, whatever else is drawn. */
static const char SCENARIO[] =
    "name: perturb\n"
    "seed: 1..2\n"
    "arrivals: { process: uniform, rate: 0.05/s, requests: 6 }\n"
    "devices: { count: 3, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0 }\n"
    "cells: { up: 100 Mbit/s, down: 100 Mbit/s, rtt: 20 ms, joules_up: 1e-7, joules_down: 1e-7 }\n"
    "places:\n"
    "  - { name: cloud, site: api, model: gpt-4-1106-preview, cost: { first_token: 1 s } }\n"
    "  - { name: far, site: api, model: gpt-4-1106-preview, rtt: 1.1 s, cost: { first_token: 0 s } }\n"
    "answers:\n"
    "  synthetic: { voices: { v: { length: 20 } }, prompt_tokens: 50 }\n"
    "  roles: { device: v, cloud: v, far: v }\n"
    "policies: [ { use: cloud_only, as: near }, { use: cloud_only, as: far, at: far } ]\n";

static struct duo_catalogue *catalogue;

struct results { const struct duo_plan *plan; };

static enum duo_status finish(sqlite3 *db, void *arg, struct duo_err *err)
{
    (void)arg;
    DUO_TRY(duo_summary_write(db, NULL, 0, err));
    return duo_perturb_rank(db, err);
}

static sqlite3 *perturbed(const char *yaml, const char *const *set, int n_set, int draws, int jobs, enum duo_status *status)
{
    char file[] = "/tmp/duosim-perturb-XXXXXX", out[64];
    int fd = mkstemp(file);
    struct duo_plan plan;
    struct duo_perturb p;
    struct duo_err err = { 0 };
    sqlite3 *db = NULL;
    snprintf(out, sizeof out, "%s.db", file);
    if (write(fd, yaml, strlen(yaml)) < 0) abort();
    close(fd);
    *status = duo_plan_read(&plan, file, set, n_set, &err);
    unlink(file);
    if (*status == DUO_OK) {
        duo_perturb_init(&p, &plan, catalogue, draws);
        struct duo_sweep_spec spec = { .plan = &plan, .catalogue = catalogue, .out = out, .jobs = jobs, .net = DUO_NET_FLUID, .finish = finish, .rounds = &p.rounds };
        *status = duo_sweep(&spec, &err);
        duo_perturb_free(&p);
        duo_plan_free(&plan);
    }
    if (*status != DUO_OK) printf("%s:%d: %s\n", err.file, err.line, err.text);
    if (sqlite3_open_v2(out, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) printf("%s: %s\n", out, sqlite3_errmsg(db));
    unlink(out);
    return db;
}

#define NEAR_FAR " WHERE a = 'near' AND name = 'e2e_mean'"

static void break_even(void)
{
    enum duo_status status;
    const char *set[] = { "seed=1" };
    sqlite3 *db = perturbed(SCENARIO, set, 1, 150, 2, &status);
    CHECK_INT(status, DUO_OK);
    double near = number(db, "SELECT value_a FROM ranking" NEAR_FAR), far = number(db, "SELECT value_b FROM ranking" NEAR_FAR);
    printf("near %.6f s, far %.6f s: %.6f apart\n", near, far, far - near);
    CHECK_NEAR(far - near, 0.1, 1e-9);
    double low = number(db, "SELECT low FROM ranking" NEAR_FAR), high = number(db, "SELECT high FROM ranking" NEAR_FAR);
    double share = number(db, "SELECT held * 1.0 / draws FROM ranking" NEAR_FAR), due = log(1.1 / 0.7) / log(2);
    printf("held in %.4f of the draws [%.4f, %.4f]; in closed form %.4f\n", share, low, high, due);
    CHECK(low <= due && due <= high);
    char *constant = rows_of(db, "SELECT constant, separation, alone_low, alone_high FROM ranking" NEAR_FAR);
    CHECK_TEXT(constant, "scenario/places.cloud.cost.first_token|0x1p+0|0|1|\n");
    free(constant);
    /* In every draw the means are as far apart as its first_token says. */
    CHECK_NEAR(number(db, "SELECT max(abs(1.1 - f.value - (y.e2e_mean - x.e2e_mean))) FROM perturb x JOIN perturb y ON y.draw = x.draw"
                          " AND y.label = 'far' JOIN drawn f ON f.draw = x.draw AND f.constant = 'scenario/places.cloud.cost.first_token'"
                          " WHERE x.label = 'near' AND x.draw > 0"), 0, 1e-9);
    /* draws.h (2), (3). */
    CHECK_NEAR(number(db, "SELECT min(value) >= 0.7 AND max(value) <= 1.4 AND min(value) < 0.72 AND max(value) > 1.37 FROM drawn"
                          " WHERE constant = 'scenario/places.cloud.cost.first_token'"), 1, 0);
    CHECK_NEAR(number(db, "SELECT avg(d.value * d.value < c.low * c.high) FROM drawn d JOIN constant c ON c.name = d.constant WHERE c.low > 0"), 0.5, 0.03);
    CHECK_NEAR(number(db, "SELECT count(*) FROM constant WHERE status NOT IN ('assumed', 'fitted')"), 0, 0);
    CHECK_NEAR(number(db, "SELECT count(*) FROM constant WHERE name LIKE '%dollars_in' OR name LIKE '%far.cost%'"), 0, 0);
    CHECK_NEAR(number(db, "SELECT count(*) FROM constant WHERE name LIKE '%joules_up'"), 1, 0);
    CHECK_NEAR(number(db, "SELECT max(dollars) - min(dollars) FROM perturb"), 0, 0);       /* a documented price */
    CHECK_NEAR(number(db, "SELECT count(*) FROM run"), 2, 0);                              /* sweep.h (7): draws leave no rows */
    CHECK_NEAR(number(db, "SELECT count(*) FROM perturb"), 2 * (1 + 150 + 2), 0);
    sqlite3_close(db);
}

/* Same bytes for any number of workers. */
static void any_workers(void)
{
    static const char *const queries[] = { "SELECT * FROM perturb", "SELECT * FROM drawn", "SELECT * FROM constant", "SELECT * FROM ranking" };
    enum duo_status status;
    sqlite3 *one = perturbed(SCENARIO, NULL, 0, 16, 1, &status), *four = perturbed(SCENARIO, NULL, 0, 16, 4, &status);
    sqlite3 *fewer = perturbed(SCENARIO, NULL, 0, 8, 4, &status);
    for (int i = 0; i < 4; i++) {
        char *a = rows_of(one, queries[i]), *b = rows_of(four, queries[i]);
        CHECK(strlen(a) > 40);
        CHECK_TEXT(a, b);
        free(a), free(b);
    }
    /* The first draws are the same, however many follow. */
    char *a = rows_of(one, "SELECT * FROM perturb WHERE draw <= 8"), *b = rows_of(fewer, "SELECT * FROM perturb WHERE draw <= 8");
    CHECK_TEXT(a, b);
    free(a), free(b);
    sqlite3_close(one), sqlite3_close(four), sqlite3_close(fewer);
}

/* The least memory that the model fits into, to 2 %. */
static double least_memory(void)
{
    for (double bytes = 1e8; bytes < 1e11; bytes *= 1.02) {
        struct duo_constant over = { .key = "memory", .value = bytes };
        struct duo_cost_spec spec = { .model = "llama-3.2-1b", .hardware = "snapdragon-8-gen-3", .quant = "q4_0", .n_over = 1, .over = &over };
        struct duo_cost *cost;
        struct duo_err err = { 0 };
        if (duo_cost_new(&cost, catalogue, &spec, &err) != DUO_OK) continue;
        cost->kind->free(cost);
        return bytes;
    }
    return NAN;
}

/* A device whose memory is assumed, and with its low values too small for the model: those draws say so. */
static void some_draws_fail(void)
{
    enum duo_status status;
    char memory[80];
    snprintf(memory, sizeof memory, "devices.cost={memory: %.0f B}", 1.1 * least_memory());
    const char *set[] = { memory, "policies=[{use: cloud_only, as: near}, edge_only]" };
    sqlite3 *db = perturbed(SCENARIO, set, 2, 30, 2, &status);
    CHECK_INT(status, DUO_OK);
    double failed = number(db, "SELECT count(*) FROM perturb WHERE label = 'edge_only' AND alone IS NULL AND failed_runs = 2");
    CHECK(failed > 3 && failed < 27);
    CHECK_NEAR(number(db, "SELECT untold FROM ranking WHERE name = 'e2e_mean'"), failed, 0);
    CHECK_NEAR(number(db, "SELECT count(*) FROM perturb WHERE failed_runs > 0 AND (e2e_mean IS NOT NULL OR reason IS NULL)"), 0, 0);
    char *text = printed(db);
    CHECK_HAS(text, "edge_only failed in ");
    CHECK_HAS(text, "where no order is told");
    free(text);
    /* It is the memory: those that failed had less of it. */
    CHECK(number(db, "SELECT avg(iif(p.failed_runs > 0, d.value, NULL)) < avg(iif(p.failed_runs = 0, d.value, NULL)) FROM drawn d JOIN perturb p"
                     " ON p.draw = d.draw AND p.label = 'edge_only' WHERE d.constant = 'scenario/devices.device.cost.memory'") == 1);
    sqlite3_close(db);
}

int main(void)
{
    struct duo_err err = { 0 };
    char dir[4096];
    one_constant_decides();
    two_constants_and_failures();
    intervals();
    if (duo_share_dir(DUO_SHARE_CATALOGUE, dir, sizeof dir, &err) || duo_catalogue_open(&catalogue, dir, &err)) return duo_err_print(stdout, &err, false), 1;
    break_even();
    any_workers();
    some_draws_fail();
    duo_catalogue_free(catalogue);
    return check_done();
}
