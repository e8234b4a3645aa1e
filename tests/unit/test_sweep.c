/* test_sweep.c - sim/sweep.h (1)..(7), sim/child.h (1)..(3), sim/ledger.h (1)..(4), with runs that are told how to
 * behave: the policy's name is what its run does. */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/sweep.h"
#include "tests/check.h"

static bool have_simgrid = true;
static int  entered;                             /* in a child: the round that it is in; in the parent 0 */
static int  checked;                             /* calls of duo_run_check */
static char folder[64];

/* ---- the run that is tested with ---- */

bool        duo_net_has_simgrid(void) { return have_simgrid; }
const char *duo_net_version(enum duo_net_kind kind) { return kind == DUO_NET_SIMGRID ? "simgrid 0" : "fluid"; }

static bool does(const struct duo_run_spec *spec, const char *what)
{
    return strcmp(spec->scenario->policies[spec->policy].use, what) == 0;
}

enum duo_status duo_run_check(const struct duo_run_spec *spec, char *warnings, size_t n, struct duo_err *err)
{
    checked++;
    snprintf(warnings, n, "warning: of the test\n");
    if (does(spec, "refused")) return duo_fail(err, DUO_BAD_INPUT, "refused: by name");
    return DUO_OK;
}

static struct duo_row_request request_row(int64_t id, uint64_t seed)
{
    struct duo_row_request row = { .id = id, .session = DUO_NONE, .reason = DUO_NONE, .quality = NAN };
    row.arrived = 0.1 * (double)id;
    row.e2e     = (double)seed + (double)id / 1024;
    row.query   = -id;
    return row;
}

static enum duo_status end_row(const struct duo_run_spec *spec, struct duo_rows *rows, int64_t requests, struct duo_err *err)
{
    struct duo_row_run row;
    duo_row_run_init(&row);
    strcpy(row.name, "name of it");
    strcpy(row.net, duo_net_version(spec->net));
    row.cheats   = 0;
    row.requests = row.answered = requests;
    row.cloud_calls = (int64_t)spec->seed;
    row.itl_p99     = spec->mix_share;
    row.seconds     = INFINITY;
    return duo_rows_end(rows, &row, err);
}

static void write_requests(const struct duo_run_spec *spec, struct duo_rows *rows, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        struct duo_row_request row = request_row(i, spec->seed);
        duo_rows_request(rows, &row);
    }
}

static enum duo_status run_nan(const struct duo_run_spec *spec, struct duo_rows *rows, struct duo_err *err)
{
    struct duo_row_request row;
    for (const struct duo_column *c = duo_tables[DUO_TABLE_request].columns; c < duo_tables[DUO_TABLE_request].columns + duo_tables[DUO_TABLE_request].n; c++) {
        if (c->kind == 'R') memcpy((char *)&row + c->offset, &(double){ NAN }, sizeof(double));
        else memcpy((char *)&row + c->offset, &(int64_t){ DUO_NONE }, sizeof(int64_t));
    }
    duo_rows_request(rows, &row);
    struct duo_row_link link = { .capacity = NAN, .bytes = 7 };
    duo_rows_link(rows, &link);                                                     /* its name is empty */
    struct duo_row_reason reason = { .id = 3, .requests = INT64_MAX };
    memset(reason.text, 'x', sizeof reason.text);
    memcpy(reason.text + 253, "\xe2\x82\xac", 3);                                   /* cut in a letter */
    duo_rows_reason(rows, &reason);
    return end_row(spec, rows, 1, err);
}

static volatile int *volatile wild = (volatile int *)16;

static void in_policy(const struct duo_run_spec *spec, const char *what)
{
    struct duo_watch *watch = spec->watch;
    strcpy(watch->policy, "of_watch");
    watch->calls += 1;
    watch->in_policy = 1;
    if (strcmp(what, "segv") == 0) *wild = 1;
    if (strcmp(what, "exit") == 0) exit(7);
    for (volatile unsigned i = 0; ; i++) {}
}

/* Calls of 5 ms each, as often as takes half a second: four times the limit of one. */
static void many_calls(struct duo_watch *watch)
{
    for (clock_t start = clock(); clock() - start < CLOCKS_PER_SEC / 2; ) {
        watch->calls += 1;
        watch->in_policy = 1;
        for (clock_t call = clock(); clock() - call < CLOCKS_PER_SEC / 200; ) {}
        watch->in_policy = 0;
    }
}

enum duo_status duo_run(const struct duo_run_spec *spec, struct duo_rows *rows, bool *too_many, struct duo_err *err)
{
    assert(spec->net != DUO_NET_AUTO && spec->watch);
    write_requests(spec, rows, 5);
    if (does(spec, "nan"))     return run_nan(spec, rows, err);
    if (does(spec, "segv"))    in_policy(spec, "segv");
    if (does(spec, "exit"))    in_policy(spec, "exit");
    if (does(spec, "loop"))    in_policy(spec, "loop");
    if (does(spec, "brief"))   many_calls(spec->watch);
    if (does(spec, "no_room")) exit(DUO_NO_RESOURCES);
    if (does(spec, "silent"))  return DUO_OK;                                       /* without its last row */
    if (does(spec, "sleep"))   sleep(30);
    if (does(spec, "slow"))    usleep(100000 / (unsigned)spec->seed);               /* later seeds end sooner */
    if (does(spec, "many"))    write_requests(spec, rows, spec->seed == 1 ? 100000 : 1000);
    if (does(spec, "abort")) {
        fprintf(stderr, "first line\nwhat it said\n");
        abort();
    }
    if (does(spec, "error")) {
        strcpy(spec->watch->policy, "error");
        enum duo_status status = end_row(spec, rows, 5, err);
        return status != DUO_OK ? status : duo_fail(err, DUO_RUN_FAILED, "policy error: %0300d", 1);
    }
    if (does(spec, "garbage")) {
        write_requests(spec, rows, 3000);                                           /* more than a buffer */
        if (write(*(int *)(void *)rows, "\377garbage", 8) != 8) abort();            /* a struct duo_rows opens with it */
    }
    if (does(spec, "after")) {
        int fd = *(int *)(void *)rows;
        enum duo_status status = end_row(spec, rows, 5, err);
        if (write(fd, "\0", 1) != 1) abort();
        return status;
    }
    if (does(spec, "later") && entered) in_policy(spec, "exit");
    if (does(spec, "crowded") && entered == 2 && spec->stop_above > 0) {
        *too_many = true;
        return DUO_OK;
    }
    if (does(spec, "busy") && spec->stop_above > 0) {
        *too_many = spec->stop_above == 77;
        return DUO_OK;
    }
    return end_row(spec, rows, does(spec, "none") ? 0 : 5, err);
}

/* ---- plans ---- */

static struct duo_policy_spec policies[32];
static int                    n_policies;
static uint64_t               seeds[] = { 1, 2, 3 };
static struct duo_scenario    scenarios[2];
static struct duo_plan        plan;

static void add(const char *use, const char *of)
{
    policies[n_policies++] = (struct duo_policy_spec){ .use = (char *)(uintptr_t)use, .label = (char *)(uintptr_t)use,
                                                       .of = (char *)(uintptr_t)of, .seat = -1 };
}

/* Every policy with `n_seeds` seeds in so many variants; then the list of policies is empty again. */
static struct duo_sweep_spec make(int n_seeds, int n_variants, int jobs, const char *out)
{
    static char names[2][8] = { "", "other" }, text[] = "name: test\n", file[] = "test.yaml", label[] = "the label";
    static struct duo_policy_spec kept[32];
    memcpy(kept, policies, sizeof kept);
    if (strcmp(kept[0].use, "fine") == 0) kept[0].label = label;
    for (int v = 0; v < n_variants; v++)
        scenarios[v] = (struct duo_scenario){ .file = file, .variant = names[v], .text = text, .seeds = seeds, .n_seeds = n_seeds,
                                              .policies = kept, .n_policies = n_policies, .fluid_above = 77 };
    plan = (struct duo_plan){ n_variants, scenarios };
    n_policies = 0;
    return (struct duo_sweep_spec){ .plan = &plan, .out = out, .jobs = jobs, .call_limit = 0.1 };
}

static const char *path(const char *name)
{
    static char room[128];
    snprintf(room, sizeof room, "%s/%s", folder, name);
    return room;
}

/* ---- what is left ---- */

static int files(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    assert(dir);
    for (struct dirent *entry; (entry = readdir(dir)); ) n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return n;
}

static sqlite3 *open_db(const char *file)
{
    sqlite3 *db;
    int code = sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL);
    assert(code == SQLITE_OK);
    return db;
}

/* The rows of a query, '|' between columns, ';' behind rows; reals to the last bit if `exact`.  To be freed. */
static char *rows_of(sqlite3 *db, const char *sql, bool exact)
{
    sqlite3_stmt *statement;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) fprintf(out, "%s", sqlite3_errmsg(db));
    while (statement && sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            bool bits = exact && sqlite3_column_type(statement, i) == SQLITE_FLOAT;
            double real = bits ? sqlite3_column_double(statement, i) : 0;
            const char *cell = bits ? "" : (const char *)sqlite3_column_text(statement, i);
            fprintf(out, "%s", i ? "|" : "");
            if (bits) fprintf(out, "%a", real);
            else fputs(cell ? cell : "NULL", out);
        }
        fprintf(out, ";");
    }
    sqlite3_finalize(statement);
    fclose(out);
    return text;
}

static char *query(sqlite3 *db, const char *sql) { return rows_of(db, sql, false); }

static void check_query(int line, sqlite3 *db, const char *sql, const char *want)
{
    char *got = query(db, sql);
    if (!check_one(strcmp(got, want) == 0, __FILE__, line, sql)) printf(": got %s want %s\n", got, want);
    free(got);
}
#define CHECK_QUERY(db, sql, want) check_query(__LINE__, db, sql, want)

/* All tables but host, sorted. */
static char *dump(const char *file)
{
    sqlite3 *db = open_db(file);
    char *tables = query(db, "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'host' ORDER BY name");
    char *text, *names = query(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'host' ORDER BY name"), *rest = names;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "%s\n", tables);
    for (char *name; (name = strtok_r(rest, ";", &rest)); ) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2%s", name, strcmp(name, "request") == 0 ? ", 3, 9" : "");
        char *rows = rows_of(db, sql, true);
        fprintf(out, "%s: %s\n", name, rows);
        free(rows);
    }
    fclose(out);
    free(tables);
    free(names);
    sqlite3_close(db);
    return text;
}

/* ---- tests ---- */

/* rows.c (1), (2), (4): extremes come back, a row that is cut short asks for more, other bytes never crash. */
static void test_rows(void)
{
    char name[] = "/tmp/rows.XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    static const int64_t wholes[] = { 0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN + 1, DUO_NONE };
    struct duo_rows *rows = duo_rows_new(fd);
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        struct duo_row_reason row = { .id = wholes[i], .requests = -5 };
        snprintf(row.text, sizeof row.text, "%*s", (int)i * 28, "x");
        duo_rows_reason(rows, &row);
    }
    struct duo_row_run run;
    struct duo_err err = { 0 };
    duo_row_run_init(&run);
    run.seed = 17;
    CHECK_INT(duo_rows_end(rows, &run, &err), DUO_OK);

    static unsigned char bytes[1 << 16];
    ssize_t size = pread(fd, bytes, sizeof bytes, 0);
    const unsigned char *at = bytes, *end = bytes + size;
    struct duo_cell cells[DUO_MAX_COLUMNS];
    enum duo_table_id id;
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        long took = duo_row_read(at, end, &id, cells);
        CHECK_INT(id, DUO_TABLE_reason);
        CHECK(cells[0].whole == wholes[i] && cells[2].whole == -5);
        CHECK_INT(cells[1].length, i ? i * 28 : 1);
        int cut_wrong = 0;
        for (long cut = 0; cut < took; cut++) cut_wrong += duo_row_read(at, at + cut, &id, cells) != 0;
        CHECK_INT(cut_wrong, 0);
        at += took;
    }
    struct duo_row_run back;
    CHECK(duo_rows_last(fd, &back));
    CHECK_INT(back.seed, 17);
    CHECK_INT(back.requests, DUO_NONE);
    CHECK(isnan(back.seconds));
    CHECK(ftruncate(fd, size - 1) == 0 && !duo_rows_last(fd, &back));
    close(fd);

    uint64_t state = 1;
    for (int round = 0; round < 20000; round++) {
        unsigned char noise[300];
        size_t n = (size_t)round % sizeof noise;
        for (size_t i = 0; i < n; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            noise[i] = (unsigned char)(state >> 56);
        }
        if (n) noise[0] %= DUO_TABLE_END + 2;
        unsigned char *exact = malloc(n + 1);
        assert(exact);
        memcpy(exact + 1, noise, n);
        long took = duo_row_read(exact + 1, exact + 1 + n, &id, cells);
        if (took < -1 || took > (long)n) CHECK(0);
        free(exact);
    }
}

static enum duo_status make_metric(sqlite3 *db, void *arg, struct duo_err *err)
{
    if (arg) return duo_fail(err, DUO_FELL_SHORT, "the finish says no");
    sqlite3_exec(db, "CREATE TABLE metric AS SELECT run, count(*) AS n FROM request GROUP BY run", NULL, NULL, NULL);
    return DUO_OK;
}

/* (1), (3): whatever a run does, the rest goes on; the same bytes from one worker and from four. */
static void test_all_sorts(void)
{
    static const char *const sorts[] = { "fine", "mix", "slow", "nan", "segv", "abort", "loop", "exit", "silent", "error", "garbage", "after", "many" };
    char *dumps[2];
    struct duo_err err = { 0 };
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof sorts / sizeof *sorts; k++) add(sorts[k], NULL);
        policies[0].n_params = 2;
        policies[0].params = (struct duo_param[]){ { .key = (char []){ "floor" }, .value = (char []){ "0.75" } },
                                                   { .key = (char []){ "weak" },  .value = (char []){ "edge" } } };
        struct duo_sweep_spec spec = make(2, 2, i ? 4 : 1, i ? path("four.db") : path("one.db"));
        spec.finish = make_metric;
        err = (struct duo_err){ 0 };
        CHECK_INT(duo_sweep(&spec, &err), DUO_RUN_FAILED);
        CHECK_INT(files(), i + 1);
        dumps[i] = dump(spec.out);
    }
    CHECK_HAS(err.text, "32 of 52 runs failed; the first: segv, seed 1: policy of_watch: crashed (SIGSEGV)");
    CHECK(strcmp(dumps[0], dumps[1]) == 0);
    CHECK(strlen(dumps[0]) > 1000000);
    free(dumps[0]);
    free(dumps[1]);

    sqlite3 *db = open_db(path("four.db"));
    CHECK_QUERY(db, "SELECT group_concat(id || variant || label || seed, ' ') FROM (SELECT * FROM run ORDER BY id LIMIT 4)",
                "1the label1 2the label2 3mix1 4mix2;");
    CHECK_QUERY(db, "SELECT min(id), max(id), count(*), count(DISTINCT policy) FROM run WHERE variant = 'other'", "27|52|26|13;");
    CHECK_QUERY(db, "SELECT label, state, count(*) FROM run GROUP BY policy, state ORDER BY policy",
                "the label|done|4;mix|done|4;slow|done|4;nan|done|4;segv|failed|4;abort|failed|4;loop|failed|4;exit|failed|4;"
                "silent|failed|4;error|failed|4;garbage|failed|4;after|failed|4;many|done|4;");
    CHECK_QUERY(db, "SELECT reason FROM run WHERE variant = '' AND seed = 2 AND policy BETWEEN 3 AND 8",
                "NULL;policy of_watch: crashed (SIGSEGV);run crashed (SIGABRT): what it said;"
                "policy of_watch: a call took more than 0.1 s of CPU time;policy of_watch: left with exit code 7;"
                "run ended before its last row;");
    CHECK_QUERY(db, "SELECT reason FROM run WHERE variant = '' AND seed = 2 AND policy IN (10, 11)",
                "run left rows that cannot be read;run left rows that cannot be read;");
    CHECK_QUERY(db, "SELECT length(reason), substr(reason, 1, 15), name, net, cheats, requests, seconds FROM run WHERE label = 'error' AND id < 26 AND seed = 1",
                "314|policy error: 0|name of it|simgrid 0|0|NULL|NULL;");
    CHECK_QUERY(db, "SELECT name, net, cheats, requests, answered, itl_p50 FROM run WHERE label = 'segv' AND id < 26 AND seed = 1",
                "segv|simgrid 0|NULL|NULL|NULL|NULL;");
    CHECK_QUERY(db, "SELECT label, count(r.run), sum(r.e2e) = count(*) * seed + count(*) / 5 * 10.0 / 1024 FROM run LEFT JOIN request r ON r.run = run.id"
                    " WHERE run.id < 27 AND seed = 2 AND policy NOT IN (3, 12) GROUP BY run.id",
                "the label|5|1;mix|5|1;slow|5|1;segv|0|NULL;abort|0|NULL;loop|0|NULL;exit|0|NULL;silent|0|NULL;error|0|NULL;garbage|0|NULL;after|0|NULL;");
    CHECK_QUERY(db, "SELECT count(*), sum(id), sum(query), count(session), count(quality), typeof(min(arrived)) FROM request WHERE run = 51",
                "100005|4999950010|-4999950010|0|0|real;");
    CHECK_QUERY(db, "SELECT n FROM metric WHERE run = 51", "100005;");
    CHECK_QUERY(db, "SELECT params, length(params) FROM run WHERE id < 4", "floor=0.75, weak=edge|21;floor=0.75, weak=edge|21;|0;");
    CHECK_QUERY(db, "SELECT seconds, events FROM run WHERE id = 1", "Inf|NULL;");
    CHECK_QUERY(db, "SELECT variant, text FROM scenario ORDER BY variant", "|name: test\n;other|name: test\n;");
    CHECK_QUERY(db, "SELECT count(*) > 5 AND min(length(value)) > 0 FROM host", "1;");
    CHECK_QUERY(db, "PRAGMA integrity_check", "ok;");
    sqlite3_close(db);
    unlink(path("one.db"));
}

/* Nothing unknown is a zero. */
static void test_unknown(void)
{
    sqlite3 *db = open_db(path("four.db"));
    char *run = query(db, "SELECT min(id) FROM run WHERE label = 'nan'");
    char sql[4096] = "SELECT 0";
    for (int i = 0; i < duo_tables[DUO_TABLE_request].n; i++)
        snprintf(sql + strlen(sql), sizeof sql - strlen(sql), " + (%s IS NOT NULL)", duo_tables[DUO_TABLE_request].columns[i].name);
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), " FROM request WHERE run = %d ORDER BY rowid DESC LIMIT 1", atoi(run));
    CHECK_QUERY(db, sql, "0;");
    snprintf(sql, sizeof sql, "SELECT name, capacity, bytes FROM link WHERE run = %d", atoi(run));
    CHECK_QUERY(db, sql, "NULL|NULL|7.0;");
    snprintf(sql, sizeof sql, "SELECT id, length(text), requests FROM reason WHERE run = %d", atoi(run));
    CHECK_QUERY(db, sql, "3|253|9223372036854775807;");
    free(run);
    sqlite3_close(db);
    unlink(path("four.db"));
}

/* (4), the mix named before its base and after it, more runs than may run ahead. */
static void test_mix(void)
{
    static uint64_t many[32];
    for (size_t i = 0; i < 32; i++) many[i] = i % 4 + 1;
    struct duo_err err = { 0 };
    add("mix", "slow");
    add("slow", NULL);
    add("late mix", "slow");
    add("segv", NULL);
    add("orphan", "segv");
    add("none", NULL);
    add("of none", "none");
    struct duo_sweep_spec spec = make(3, 1, 2, path("mix.db"));
    scenarios[0].seeds   = many;
    scenarios[0].n_seeds = 32;
    CHECK_INT(duo_sweep(&spec, &err), DUO_RUN_FAILED);
    sqlite3 *db = open_db(spec.out);
    CHECK_QUERY(db, "SELECT label, seed, itl_p99, count(*) FROM run WHERE policy < 3 GROUP BY policy, seed ORDER BY policy, seed",
                "mix|1|0.2|8;mix|2|0.4|8;mix|3|0.6|8;mix|4|0.8|8;slow|1|NULL|8;slow|2|NULL|8;slow|3|NULL|8;slow|4|NULL|8;"
                "late mix|1|0.2|8;late mix|2|0.4|8;late mix|3|0.6|8;late mix|4|0.8|8;");
    CHECK_QUERY(db, "SELECT DISTINCT label, reason, params FROM run WHERE policy IN (4, 6)",
                "orphan|the run of segv, whose cloud share it takes, failed|of=segv;"
                "of none|NULL|of=none;");                          /* of a run without requests: a share of 0 */
    sqlite3_close(db);
    unlink(path("mix.db"));

    err = (struct duo_err){ 0 };
    add("slow", NULL);
    add("mix", "slwo");
    spec = make(1, 1, 1, path("mix.db"));
    CHECK_INT(duo_sweep(&spec, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "did you mean slow?");
    err = (struct duo_err){ 0 };
    add("mix", "other");
    add("other", "mix");
    spec = make(1, 1, 1, path("mix.db"));
    CHECK_INT(duo_sweep(&spec, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "is a mix itself");
    CHECK_INT(files(), 0);
}

/* child.h (2) is about one call. */
static void test_brief(void)
{
    struct duo_err err = { 0 };
    add("brief", NULL);
    struct duo_sweep_spec spec = make(2, 1, 2, path("brief.db"));
    CHECK_INT(duo_sweep(&spec, &err), DUO_OK);
    unlink(path("brief.db"));
}

/* (5) */
static void test_auto(void)
{
    static const struct { enum duo_net_kind net; bool simgrid, busy; const char *want; } cases[] = {
        { DUO_NET_AUTO, true, true, "fluid" }, { DUO_NET_AUTO, true, false, "simgrid 0" }, { DUO_NET_AUTO, false, true, "fluid" },
        { DUO_NET_SIMGRID, true, true, "simgrid 0" }, { DUO_NET_FLUID, true, true, "fluid" }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct duo_err err = { 0 };
        char want[64];
        add("fine", NULL);
        add("slow", NULL);
        add(cases[i].busy ? "busy" : "fine", NULL);
        add("slow", NULL);
        struct duo_sweep_spec spec = make(3, 2, 2, path("auto.db"));
        spec.net     = cases[i].net;
        have_simgrid = cases[i].simgrid;
        CHECK_INT(duo_sweep(&spec, &err), DUO_OK);
        sqlite3 *db = open_db(spec.out);
        snprintf(want, sizeof want, "%s|24|120;", cases[i].want);
        CHECK_QUERY(db, "SELECT net, count(*), (SELECT count(*) FROM request) FROM run GROUP BY net", want);
        sqlite3_close(db);
    }
    struct duo_err err = { 0 };
    add("fine", NULL);
    struct duo_sweep_spec spec = make(1, 1, 1, path("auto.db"));
    spec.net     = DUO_NET_SIMGRID;
    have_simgrid = false;
    CHECK_INT(duo_sweep(&spec, &err), DUO_BAD_INPUT);
    have_simgrid = true;
    unlink(path("auto.db"));
    CHECK_INT(files(), 0);
}

/* (6): refused before any run, and nothing but a database is replaced. */
static void test_refused(void)
{
    static const struct { const char *out, *words; } cases[] = {
        { "", "is a folder" }, { "none/x.db", "No such file" }, { "text/x.db", "Not a directory" }, { "text", "is no database" }, { "new/", "folder's name" }
    };
    FILE *text = fopen(path("text"), "w");
    assert(text);
    fprintf(text, "not a database, but dear to somebody\n");
    fclose(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct duo_err err = { 0 };
        add("sleep", NULL);
        struct duo_sweep_spec spec = make(3, 1, 2, path(cases[i].out));
        CHECK_INT(duo_sweep(&spec, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, cases[i].words);
    }
    CHECK_INT(files(), 1);
    unlink(path("text"));

    struct duo_err err = { 0 };
    add("fine", NULL);
    add("refused", NULL);
    struct duo_sweep_spec spec = make(3, 2, 2, path("x.db"));
    checked = 0;
    CHECK_INT(duo_sweep(&spec, &err), DUO_BAD_INPUT);
    CHECK_TEXT(err.text, "refused: by name");
    CHECK_INT(checked, 2);                                     /* once a policy, not a seed */

    err = (struct duo_err){ 0 };
    add("fine", NULL);
    spec = make(3, 1, 2, path("x.db"));
    spec.finish     = make_metric;
    spec.finish_arg = &err;
    CHECK_INT(duo_sweep(&spec, &err), DUO_FELL_SHORT);
    CHECK_INT(files(), 0);
}

/* In a process of its own: a limit on the size of files, a signal after so many seconds (0: none). */
static int sweep_apart(struct duo_sweep_spec spec, rlim_t limit, int signal_number, int *lives)
{
    int ends[2];
    if (pipe(ends) != 0) abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct duo_err err = { 0 };
        close(ends[0]);
        if (limit) setrlimit(RLIMIT_FSIZE, &(struct rlimit){ limit, limit });
        enum duo_status status = duo_sweep(&spec, &err);
        duo_err_print(stdout, &err, false);
        fflush(stdout);
        _exit((int)status);
    }
    close(ends[1]);
    if (signal_number) usleep(300000), kill(pid, signal_number);
    int status;
    waitpid(pid, &status, 0);
    *lives = poll(&(struct pollfd){ .fd = ends[0], .events = POLLIN }, 1, 2000) == 0;     /* nobody holds the other end */
    close(ends[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* (6): the disk is full for a child, for the database, for memory; an interruption. */
static void test_full(void)
{
    static const struct { const char *use; int times; rlim_t limit; int signal, want; } cases[] = {
        { "many", 1, 1 << 20, 0, DUO_NO_RESOURCES }, { "many", 4, 15 << 20, 0, DUO_NO_RESOURCES }, { "many", 4, 60 << 20, 0, DUO_OK },
        { "no_room", 2, 0, 0, DUO_NO_RESOURCES }, { "sleep", 3, 0, SIGINT, 130 }, { "sleep", 3, 0, SIGTERM, 130 }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int lives;
        for (int k = 0; k < cases[i].times; k++) add(cases[i].use, NULL);
        struct duo_sweep_spec spec = make(1, 1, 2, path("full.db"));
        CHECK_INT(sweep_apart(spec, cases[i].limit, cases[i].signal, &lives), cases[i].want);
        CHECK_INT(files(), cases[i].want == DUO_OK);
        CHECK_INT(lives, 0);
        unlink(path("full.db"));
    }
}

/* ---- rounds ---- */

static char told[4096];                          /* what was handed over */
static int  asked;

static void enter_round(void *arg, int round)
{
    CHECK(arg == told);
    entered = round;
    for (int i = 0; i < scenarios[0].n_seeds; i++) seeds[i] += 100u * (unsigned)round;         /* the child's own */
}

static enum duo_status take_round(struct sqlite3 *db, void *arg, const struct duo_round_run *run, struct duo_err *err)
{
    struct duo_row_run row = { 0 };
    (void)arg, (void)err;
    CHECK(db != NULL && entered == 0);
    CHECK((run->rows >= 0) == (run->why == NULL));
    if (run->rows >= 0) CHECK(duo_rows_last(run->rows, &row));
    snprintf(told + strlen(told), sizeof told - strlen(told), "%d.%d.%d.%d%s%.9s;", run->round, run->variant, run->policy, run->seed,
             run->why ? ":" : "", run->why ? run->why : "");
    return DUO_OK;
}

static enum duo_status one_more(struct sqlite3 *db, void *arg, int *n, struct duo_err *err)
{
    (void)db, (void)arg, (void)err;
    asked++;
    *n = 1;
    return DUO_OK;
}

/* (7): every round after the plan's own, in order, whatever the number of workers; a failure in one is told and is none of
 * the sweep's; nothing of it is in the database; with too many flows all of it again. */
static void test_rounds(void)
{
    static const struct duo_rounds rounds = { .n = 2, .most = 3, .arg = told, .enter = enter_round, .take = take_round, .more = one_more };
    static const char want[] = "1.0.0.0;1.0.0.1;1.0.1.0:policy of;1.0.1.1:policy of;2.0.0.0;2.0.0.1;2.0.1.0:policy of;2.0.1.1:policy of;"
                               "3.0.0.0;3.0.0.1;3.0.1.0:policy of;3.0.1.1:policy of;";
    for (int jobs = 1; jobs <= 4; jobs += 3) {
        struct duo_err err = { 0 };
        add("fine", NULL);
        add("later", NULL);
        struct duo_sweep_spec spec = make(2, 1, jobs, path("rounds.db"));
        spec.rounds = &rounds;
        *told = 0, asked = 0;
        CHECK_INT(duo_sweep(&spec, &err), DUO_OK);
        CHECK_TEXT(told, want);
        CHECK_INT(asked, 1);
        sqlite3 *db = open_db(path("rounds.db"));
        CHECK_QUERY(db, "SELECT count(*), min(state), max(seed) FROM run", "4|done|2;");
        CHECK_QUERY(db, "SELECT count(*) FROM request", "20;");
        sqlite3_close(db);
        unlink(path("rounds.db"));
    }
    struct duo_err err = { 0 };
    add("crowded", NULL);
    struct duo_sweep_spec spec = make(1, 1, 2, path("rounds.db"));
    spec.rounds = &rounds;
    *told = 0, asked = 0, have_simgrid = true;
    CHECK_INT(duo_sweep(&spec, &err), DUO_OK);
    const char *last = strstr(told, "1.0.0.0;2.0.0.0;3.0.0.0;");
    CHECK(last && strlen(last) == 24);
    sqlite3 *db = open_db(path("rounds.db"));
    CHECK_QUERY(db, "SELECT count(*), net FROM run", "1|fluid;");
    sqlite3_close(db);
    unlink(path("rounds.db"));
}

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/sweep.XXXXXX");
    if (!mkdtemp(folder)) return 1;
    test_rows();
    test_all_sorts();
    test_unknown();
    test_mix();
    test_brief();
    test_auto();
    test_rounds();
    test_refused();
    test_full();
    rmdir(folder);
    return check_done();
}
