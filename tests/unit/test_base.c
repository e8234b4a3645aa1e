/* test_base.c - errors, random streams, units, tables, JSON. */
#include <gsl/gsl_cdf.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/base/csv.h"
#include "sim/base/err.h"
#include "sim/base/json.h"
#include "sim/base/rng.h"
#include "sim/base/units.h"
#include "tests/check.h"

static void test_err(void)
{
    struct duo_err e = { 0 };
    CHECK_INT(duo_fail(&e, DUO_BAD_INPUT, "first %d", 1), DUO_BAD_INPUT);
    CHECK_INT(duo_fail_at(&e, DUO_RUN_FAILED, "x", 1, 1, "second"), DUO_RUN_FAILED);
    CHECK_TEXT(e.text, "first 1");
    CHECK_INT(e.status, DUO_BAD_INPUT);
    CHECK_INT(duo_fail(NULL, DUO_BAD_INPUT, "nobody listens"), DUO_BAD_INPUT);

    char name[400];
    memset(name, 'a', sizeof name);
    strcpy(name + 390, "tail.yaml");
    e = (struct duo_err){ 0 };
    duo_fail_at(&e, DUO_BAD_INPUT, name, 3, 7, "no \"such\" key");
    CHECK_INT(strlen(e.file), 255);
    CHECK_HAS(e.file, "tail.yaml");

    char  *text;
    size_t n;
    FILE  *f = open_memstream(&text, &n);
    strcpy(e.file, "a.yaml");
    duo_err_print(f, &e, false);
    e.column = 0;
    duo_err_print(f, &e, false);
    e.file[0] = '\0', e.line = 0;
    duo_err_print(f, &e, false);
    fflush(f);
    CHECK_TEXT(text, "a.yaml:3:7: no \"such\" key\na.yaml:3: no \"such\" key\nno \"such\" key\n");
    rewind(f);
    duo_err_print(f, &e, true);
    fclose(f);
    CHECK_TEXT(text, "{\n  \"error\": {\n    \"file\": null,\n    \"line\": null,\n    \"column\": null,\n"
                     "    \"message\": \"no \\\"such\\\" key\"\n  }\n}\n");
    free(text);
}

static void test_nearest(void)
{
    static const char *const words[] = { "arrivals", "answers", "policies", "cells", "seed", "places" };
    static const struct { const char *word, *nearest; } rows[] = {
        { "arivals", "arrivals" }, { "arrivlas", "arrivals" }, { "cell", "cells" }, { "sede", "seed" },
        { "plcaes", "places" }, { "policy", NULL }, { "zzzz", NULL }, { "", NULL }, { "seed", "seed" }, { "x", NULL },
        { "polices", "policies" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = duo_nearest(rows[i].word, words, 6);
        CHECK_TEXT(got ? got : "none", rows[i].nearest ? rows[i].nearest : "none");
    }
    CHECK(duo_nearest("seed", NULL, 0) == NULL);
}

static void test_quantities(void)
{
    static const struct { const char *text; enum duo_dimension d; double want; } good[] = {
        { "4", DUO_DIM_NUMBER, 4 }, { "-2.5e-3", DUO_DIM_NUMBER, -2.5e-3 }, { ".5", DUO_DIM_NUMBER, .5 },
        { "64", DUO_DIM_COUNT, 64 }, { "1e6", DUO_DIM_COUNT, 1e6 }, { "0", DUO_DIM_COUNT, 0 },
        { "0.3", DUO_DIM_SHARE, .3 }, { "30 %", DUO_DIM_SHARE, .3 }, { "70 %", DUO_DIM_SHARE, .7 }, { "35 ms", DUO_DIM_TIME, .035 }, { "100%", DUO_DIM_SHARE, 1 },
        { "40 ms", DUO_DIM_TIME, .04 }, { " 40ms ", DUO_DIM_TIME, .04 }, { "2 h", DUO_DIM_TIME, 7200 },
        { "1.5 min", DUO_DIM_TIME, 90 }, { "3 us", DUO_DIM_TIME, 3e-6 }, { "3 \u00b5s", DUO_DIM_TIME, 3e-6 },
        { "1 d", DUO_DIM_TIME, 86400 }, { "0", DUO_DIM_TIME, 0 }, { "-0", DUO_DIM_TIME, 0 }, { "inf", DUO_DIM_TIME, INFINITY },
        { "1 GB", DUO_DIM_BYTES, 1e9 }, { "1 GiB", DUO_DIM_BYTES, 0x1p30 }, { "16 kB", DUO_DIM_BYTES, 16e3 },
        { "2 Mbit/s", DUO_DIM_SPEED, 250e3 }, { "2 MB/s", DUO_DIM_SPEED, 2e6 }, { "20 Mbps", DUO_DIM_SPEED, 2.5e6 },
        { "inf", DUO_DIM_SPEED, INFINITY }, { "15 Wh", DUO_DIM_ENERGY, 54e3 }, { "1 kWh", DUO_DIM_ENERGY, 3.6e6 },
        { "250 mJ", DUO_DIM_ENERGY, .25 }, { "inf", DUO_DIM_ENERGY, INFINITY }, { "5 W", DUO_DIM_POWER, 5 },
        { "40/s", DUO_DIM_RATE, 40 }, { "40 /s", DUO_DIM_RATE, 40 }, { "6/min", DUO_DIM_RATE, .1 }, { "2 Hz", DUO_DIM_RATE, 2 },
        { "$0.15", DUO_DIM_MONEY, .15 }, { "0.15 $", DUO_DIM_MONEY, .15 }, { "2 USD", DUO_DIM_MONEY, 2 },
        { "$0.15/Mtok", DUO_DIM_MONEY_PER_TOKEN, .15e-6 }, { "$2/ktok", DUO_DIM_MONEY_PER_TOKEN, 2e-3 },
        { "$2.50/h", DUO_DIM_MONEY_PER_TIME, 2.5 / 3600 }, { "0", DUO_DIM_MONEY_PER_TIME, 0 },
    };
    static const struct { const char *text; enum duo_dimension d; } bad[] = {
        { "", DUO_DIM_NUMBER }, { "nan", DUO_DIM_NUMBER }, { "NaN", DUO_DIM_TIME }, { "nan s", DUO_DIM_TIME },
        { "0x10", DUO_DIM_NUMBER }, { "1e999", DUO_DIM_NUMBER }, { "4 s", DUO_DIM_NUMBER }, { "inf", DUO_DIM_NUMBER },
        { "four", DUO_DIM_NUMBER }, { "1,5", DUO_DIM_NUMBER }, { "1.5.2", DUO_DIM_NUMBER }, { "--1", DUO_DIM_NUMBER },
        { "1.5", DUO_DIM_COUNT }, { "-1", DUO_DIM_COUNT }, { "1e300", DUO_DIM_COUNT },
        { "1.2", DUO_DIM_SHARE }, { "120 %", DUO_DIM_SHARE }, { "-0.1", DUO_DIM_SHARE },
        { "3 Mbit/s", DUO_DIM_TIME }, { "40", DUO_DIM_TIME }, { "-40 ms", DUO_DIM_TIME }, { "40 m", DUO_DIM_TIME },
        { "40 ms x", DUO_DIM_TIME }, { "40 MS", DUO_DIM_TIME }, { "infinite", DUO_DIM_TIME }, { "-inf", DUO_DIM_TIME },
        { "1e308 d", DUO_DIM_TIME }, { "1 Gbit", DUO_DIM_BYTES }, { "1 GB/s", DUO_DIM_BYTES }, { "inf", DUO_DIM_BYTES },
        { "2 MB", DUO_DIM_SPEED }, { "5 W", DUO_DIM_ENERGY }, { "5 J", DUO_DIM_POWER }, { "40", DUO_DIM_RATE },
        { "0.15", DUO_DIM_MONEY }, { "$", DUO_DIM_MONEY }, { "$-1", DUO_DIM_MONEY }, { "0.15/Mtok", DUO_DIM_MONEY_PER_TOKEN },
        { "$0.15", DUO_DIM_MONEY_PER_TOKEN }, { "$2/h", DUO_DIM_MONEY_PER_TOKEN }, { "$2/Mtok", DUO_DIM_MONEY_PER_TIME },
    };
    double x;
    char   why[200];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int ok = duo_quantity(good[i].text, good[i].d, &x, why, sizeof why);
        CHECK_INT(ok, 0);
        if (ok == 0 && isinf(good[i].want)) CHECK(isinf(x));
        else if (ok == 0)                   CHECK(x >= good[i].want && x <= good[i].want);           /* exact */
        else                                printf("  %s: %s\n", good[i].text, why);
        CHECK(ok != 0 || !signbit(x) || good[i].want < 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!check_one(duo_quantity(bad[i].text, bad[i].d, &x, why, sizeof why) == -1, __FILE__, __LINE__, bad[i].text))
            printf(" was accepted as %g\n", x);
        CHECK_HAS(why, ", like ");
    }
    duo_quantity("3 Mbit/s", DUO_DIM_TIME, &x, why, sizeof why);
    CHECK_TEXT(why, "a time, like 40 ms; got 3 Mbit/s");
    CHECK_INT(duo_quantity("bad", DUO_DIM_TIME, &x, NULL, 0), -1);
}

static void test_show_quantities(void)
{
    static const struct { double value; enum duo_dimension d; const char *want; } rows[] = {
        { .03821, DUO_DIM_TIME, "38.2 ms" }, { 40, DUO_DIM_TIME, "40 s" }, { 0.99999, DUO_DIM_TIME, "1 s" },
        { 7200, DUO_DIM_TIME, "2 h" }, { 0, DUO_DIM_TIME, "0 s" }, { NAN, DUO_DIM_TIME, "unknown" },
        { INFINITY, DUO_DIM_SPEED, "inf" }, { 250e3, DUO_DIM_SPEED, "2 Mbit/s" }, { 999.6e3, DUO_DIM_BYTES, "1 MB" },
        { 1e9, DUO_DIM_BYTES, "1 GB" }, { 40, DUO_DIM_RATE, "40/s" }, { .3, DUO_DIM_SHARE, "30 %" },
        { 54e3, DUO_DIM_ENERGY, "54 kJ" }, { .15, DUO_DIM_MONEY, "$0.15" }, { 2.5, DUO_DIM_MONEY, "$2.50" },
        { .15e-6, DUO_DIM_MONEY_PER_TOKEN, "$0.15/Mtok" }, { 2.5 / 3600, DUO_DIM_MONEY_PER_TIME, "$2.50/h" },
        { 123456, DUO_DIM_COUNT, "123456" }, { 5, DUO_DIM_POWER, "5 W" }, { 12345, DUO_DIM_NUMBER, "12345" },
        { .00123456, DUO_DIM_NUMBER, "0.00123" }, { -2.5, DUO_DIM_NUMBER, "-2.5" }, { 9.999, DUO_DIM_NUMBER, "10" },
    };
    char text[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duo_show_quantity(rows[i].value, rows[i].d, text, sizeof text);
        CHECK_TEXT(text, rows[i].want);
    }
}

static void test_json(void)
{
    char  *out;
    size_t n;
    FILE  *f = open_memstream(&out, &n);
    struct duo_json j;
    duo_json_init(&j, f);
    duo_json_open(&j, '[');
    duo_json_open(&j, '{');
    duo_json_key(&j, "a\"b");
    duo_json_number(&j, 0.1);
    duo_json_key(&j, "none");
    duo_json_number(&j, NAN);
    duo_json_key(&j, "text");
    duo_json_text(&j, "tab\t\x01 \\ \xC3\xA9 \xFF \xC0\x80 \xED\xA0\x80");
    duo_json_key(&j, "empty");
    duo_json_open(&j, '[');
    duo_json_close(&j);
    duo_json_close(&j);
    duo_json_bool(&j, true);
    duo_json_null(&j);
    duo_json_text(&j, NULL);
    duo_json_close(&j);
    duo_json_end(&j);
    fclose(f);
    CHECK_TEXT(out, "[\n  {\n    \"a\\\"b\": 0.1,\n    \"none\": null,\n    \"text\": \"tab\\t\\u0001 \\\\ \xC3\xA9 \\ufffd "
                    "\\ufffd\\ufffd \\ufffd\\ufffd\\ufffd\",\n    \"empty\": []\n  },\n  true,\n  null,\n  null\n]\n");
    free(out);
}

static void test_show_double(void)
{
    static const struct { double x; const char *want; } rows[] = {
        { 0, "0" }, { -0.0, "-0" }, { 0.1, "0.1" }, { 1e20, "1e20" }, { 1e-5, "1e-5" }, { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" }, { 1e6, "1000000" }, { 5e-324, "5e-324" }, { 1.7976931348623157e308, "1.7976931348623157e308" },
        { 0x1p-44, "5.684341886080802e-14" },    /* the 16 digits nearest to it, ...801, miss it */
        { -2.5e-100, "-2.5e-100" }, { 100, "100" },
    };
    char text[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duo_show_double(rows[i].x, text);
        CHECK_TEXT(text, rows[i].want);
    }
    struct duo_rng r;
    duo_rng_init(&r, 1, "doubles", 0);
    int wrong = 0, longer = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = duo_rng_bits(&r);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        duo_show_double(x, text);
        wrong += strtod(text, NULL) != x;
        /* With one digit less it would not read back. */
        char fewer[40];
        int  digits = 0;
        for (const char *p = text; *p && *p != 'e'; p++) digits += *p >= '0' && *p <= '9' && (digits || *p != '0');
        if (digits > 15) longer += (snprintf(fewer, sizeof fewer, "%.*e", digits - 2, x), strtod(fewer, NULL) == x);
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(longer, 0);
}

/* Vigna's splitmix64.c started at 1234567; xoroshiro128plusplus.c started at {1, 2} (the values that the Rust crate
 * rand_xoshiro tests against the reference implementation). */
static void test_rng_reference(void)
{
    static const uint64_t split[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                      4593380528125082431u, 16408922859458223821u };
    static const uint64_t xoro[]  = { 393217u, 669327710093319u, 1732421326133921491u, 11394790081659126983u,
                                      9555452776773192676u, 3586421180005889563u, 1691397964866707553u,
                                      10735626796753111697u, 15216282715349408991u, 14247243556711267923u };
    for (uint64_t i = 0; i < 5; i++) CHECK(duo_mix(1234567 + i * 0x9E3779B97F4A7C15u) == split[i]);
    struct duo_rng r;
    duo_rng_init(&r, 0, "", 0);
    r.state[0] = 1, r.state[1] = 2;
    for (int i = 0; i < 10; i++) CHECK(duo_rng_bits(&r) == xoro[i]);

    gsl_rng *g = gsl_rng_alloc(duo_rng_type);    /* the same, through GSL */
    gsl_rng_set(g, 1234567);
    uint64_t state[2];
    memcpy(state, g->state, sizeof state);
    CHECK(state[0] == split[0] && state[1] == split[1]);
    gsl_rng_free(g);
}

/* Chi-square over 256 boxes of 2^20 draws, of every byte of the 64 bits, and of hashes in a row. */
static double chi(const uint64_t *boxes, double n)
{
    double x = 0, want = n / 256;
    for (int i = 0; i < 256; i++) x += ((double)boxes[i] - want) * ((double)boxes[i] - want) / want;
    return gsl_cdf_chisq_Q(x, 255);
}

static void test_rng_uniform(void)
{
    static uint64_t boxes[8][256], hashes[256], units[256], seeds[256];
    struct duo_rng r;
    duo_rng_init(&r, 42, "uniform", 0);
    const int n = 1 << 20;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        uint64_t bits = duo_rng_bits(&r);
        for (int b = 0; b < 8; b++) boxes[b][bits >> (8 * b) & 255]++;
        hashes[duo_hash(7, "request", (uint64_t)i) >> 56]++;
        seeds[duo_hash((uint64_t)i, "request", 0) & 255]++;
        double u = gsl_rng_uniform(&r.gsl);
        if (u < 0 || u >= 1) CHECK(false);
        units[(int)(u * 256)]++;
        sum += u;
    }
    for (int b = 0; b < 8; b++) CHECK(chi(boxes[b], n) > 1e-4);
    CHECK(chi(hashes, n) > 1e-4);
    CHECK(chi(seeds, n) > 1e-4);
    CHECK(chi(units, n) > 1e-4);
    CHECK_NEAR(sum / n, 0.5, 5 * sqrt(1.0 / 12 / n));
    CHECK(duo_unit(UINT64_MAX) < 1);
}

/* What one stream draws never moves another, and names, indices and seeds all tell streams apart. */
static void test_rng_streams(void)
{
    struct duo_rng a, b, again;
    duo_rng_init(&a, 1, "a", 0);
    duo_rng_init(&b, 1, "b", 0);
    double one[100], other[100];
    for (int i = 0; i < 100; i++) one[i] = duo_rng_unit(&a), other[i] = duo_rng_unit(&b);
    duo_rng_init(&b, 1, "b", 0);
    for (int i = 0; i < 100; i++) CHECK(other[i] == duo_rng_unit(&b));
    duo_rng_init(&again, 1, "a", 0);
    for (int i = 0; i < 100; i++) CHECK(one[i] == duo_rng_unit(&again));
    CHECK(duo_hash(1, "a", 0) != duo_hash(1, "a", 1));
    CHECK(duo_hash(1, "a", 0) != duo_hash(2, "a", 0));
    CHECK(duo_hash(1, "a", 0) != duo_hash(1, "b", 0));
    CHECK(duo_hash_bytes(1, "ab", 1) != duo_hash_bytes(1, "ab", 2));
    double r = 0;
    for (uint64_t i = 0; i < 10000; i++) r += (duo_draw(1, "x", i) - .5) * (duo_draw(1, "y", i) - .5);
    CHECK(fabs(r / 10000 * 12) < 0.05);    /* correlation: 5 sigma */
}

static char *write_file(const char *text)
{
    static char path[64];
    strcpy(path, "/tmp/duo_csv_XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) perror(path);
    close(fd);
    return path;
}

static void test_csv(void)
{
    struct duo_err  e = { 0 };
    struct duo_csv *c;
    const char *path = write_file("\xEF\xBB\xBFname,note,x\r\n\r\na,\"b,\"\"c\"\"\r\nd\",1.5\r\n\n\"\",,2e3\r\nlast, ,-1");
    CHECK_INT(duo_csv_open(&c, path, ',', &e), DUO_OK);
    CHECK_INT(duo_csv_columns(c), 3);
    CHECK_TEXT(duo_csv_name(c, 0), "name");
    CHECK_INT(duo_csv_find(c, "x"), 2);
    CHECK_INT(duo_csv_find(c, "y"), -1);
    double x;
    CHECK_INT(duo_csv_next(c, &e), 1);
    CHECK_INT(duo_csv_line(c), 3);
    CHECK_TEXT(duo_csv_cell(c, 1), "b,\"c\"\r\nd");
    CHECK_INT(duo_csv_number(c, 2, &x, &e), DUO_OK);
    CHECK_NEAR(x, 1.5, 0);
    CHECK_INT(duo_csv_next(c, &e), 1);
    CHECK_INT(duo_csv_line(c), 6);
    CHECK_TEXT(duo_csv_cell(c, 0), "");
    CHECK_INT(duo_csv_number(c, 2, &x, &e), DUO_OK);
    CHECK_NEAR(x, 2000, 0);
    CHECK_INT(duo_csv_next(c, &e), 1);
    CHECK_TEXT(duo_csv_cell(c, 2), "-1");
    CHECK_TEXT(duo_csv_cell(c, 1), " ");
    CHECK_INT(e.status, DUO_OK);
    int column;
    CHECK_INT(duo_csv_number(c, 1, &x, &e), DUO_BAD_INPUT);
    CHECK_INT(e.line, 7);
    CHECK_INT(e.column, 6);
    CHECK_HAS(e.text, "column \"note\"");
    e = (struct duo_err){ 0 };
    CHECK_INT(duo_csv_need(c, "nmae", &column, &e), DUO_BAD_INPUT);
    CHECK_HAS(e.text, "did you mean \"name\"?");
    CHECK_TEXT(e.file, path);
    e = (struct duo_err){ 0 };
    CHECK_INT(duo_csv_next(c, &e), 0);
    CHECK_INT(e.status, DUO_OK);
    duo_csv_close(c);
    unlink(path);
}

static void test_csv_bad(void)
{
    static const struct { const char *text, *why; int line, column; } rows[] = {
        { "", "no header", 1, 0 }, { "\n\n", "no header", 1, 0 },
        { "a,b\n1,2\n3\n", "1 cell where the header has 2", 3, 0 },
        { "a,b\n1,2,3\n", "3 cells where the header has 2", 2, 0 },
        { "a,b\n1,\"2\n3,4\n", "a quote that is never closed", 2, 3 },
        { "a,b\n1,\"2\"x\n", "text after a closing quote", 2, 6 },
        { "a,b\n1,nan\n", "column \"b\": a number was expected, got \"nan\"", 2, 3 },
        { "a,b\n1,0x1\n", "a number was expected", 2, 3 }, { "a,b\n1,1 2\n", "a number was expected", 2, 3 },
        { "a,b\n1,\n", "a number was expected", 2, 3 }, { "a,b\n1,1e999\n", "a number was expected", 2, 3 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo_err  e = { 0 };
        struct duo_csv *c;
        double x;
        const char *path = write_file(rows[i].text);
        if (duo_csv_open(&c, path, ',', &e) == DUO_OK) {
            int got;
            while ((got = duo_csv_next(c, &e)) == 1 && duo_csv_number(c, 1, &x, &e) == DUO_OK) { }
            CHECK(got != 0);
        } else CHECK(c == NULL);
        duo_csv_close(c);
        CHECK_INT(e.status, DUO_BAD_INPUT);
        CHECK_TEXT(e.file, path);
        CHECK_INT(e.line, rows[i].line);
        CHECK_INT(e.column, rows[i].column);
        CHECK_HAS(e.text, rows[i].why);
        unlink(path);
    }
    struct duo_err  e = { 0 };
    struct duo_csv *c;
    CHECK_INT(duo_csv_open(&c, "/no/such/file.csv", ',', &e), DUO_BAD_INPUT);
    CHECK_HAS(e.text, "No such file");
    e = (struct duo_err){ 0 };
    CHECK_INT(duo_csv_open(&c, "/tmp", ',', &e), DUO_BAD_INPUT);
    CHECK_HAS(e.text, "directory");
}

/* Numbers are read and written with a point whatever the locale says. */
static void test_locale(void)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        CHECK_SKIP("no locale with a decimal comma is installed");
        return;
    }
    double x;
    char   text[64], why[200];
    CHECK_INT(duo_quantity("1.5 s", DUO_DIM_TIME, &x, why, sizeof why), 0);
    CHECK_NEAR(x, 1.5, 0);
    CHECK_INT(duo_quantity("1,5 s", DUO_DIM_TIME, &x, why, sizeof why), -1);
    duo_show_quantity(.0015, DUO_DIM_TIME, text, sizeof text);
    CHECK_TEXT(text, "1.5 ms");
    duo_show_double(.25, text);
    CHECK_TEXT(text, "0.25");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    test_err();
    test_nearest();
    test_quantities();
    test_show_quantities();
    test_json();
    test_show_double();
    test_rng_reference();
    test_rng_uniform();
    test_rng_streams();
    test_csv();
    test_csv_bad();
    test_locale();
    return check_done();
}
