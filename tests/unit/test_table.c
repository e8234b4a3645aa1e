/* test_table.c - what people and programs read: table.h, sentences.h, plot.h, on a small database by hand. */
#include "analysis/table.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/plot.h"
#include "analysis/sentences.h"
#include "tests/check.h"
#include "tests/unit/results.h"

static struct duo_summary_row row(const char *variant, const char *label, const char *policy, double quality, double cloud,
                                  double e2e, double dollars)
{
    struct duo_summary_row r = { .seeds = 3 };
    snprintf(r.variant, 64, "%s", variant);
    snprintf(r.label, 64, "%s", label);
    snprintf(r.policy, 64, "%s", policy);
    strcpy(r.net, "simgrid 3.32");
    strcpy(r.answers, "recorded pairs.csv");
    strcpy(r.dollars_regime, "API list price, 2025");
    strcpy(r.provenance_time, "fitted");
    strcpy(r.provenance_energy, "assumed");
    strcpy(r.provenance_money, "documented");
    strcpy(r.provenance_quality, "recorded");
    strcpy(r.rests_on, "cloud: op (vllm): fitted; phone: layer (phone): assumed");
    strcpy(r.domain, strcmp(label, "edge_only") == 0 ? "inside: phone: edge_decode (median error 12 %)"
                                                     : "outside: cloud: no gate covers tensor-parallel 8 on h100-sxm | inside: phone: edge_decode (median error 12 %)");
    for (int m = 0; m < DUO_N_METRICS; m++) r.value[m] = r.low[m] = r.high[m] = NAN;
    r.value[DUO_M_requests] = r.value[DUO_M_answered] = 1500;
    r.value[DUO_M_failed] = r.value[DUO_M_pending] = 0;
    r.value[DUO_M_quality] = quality, r.low[DUO_M_quality] = quality - 0.02, r.high[DUO_M_quality] = quality + 0.015;
    r.value[DUO_M_cloud_share] = cloud;
    r.value[DUO_M_e2e_p50] = r.value[DUO_M_e2e_mean] = e2e;
    r.value[DUO_M_ttft_p50] = 0.0384;
    r.value[DUO_M_ttft_p99] = 123.4;
    r.value[DUO_M_joules_device_radio] = 12;
    r.value[DUO_M_dollars] = dollars;
    return r;
}

static struct duo_pair_row pair(const char *variant, const char *a, const char *b, enum duo_metric m, double d, double half)
{
    struct duo_pair_row p = { .metric = (int)m, .difference = d, .low = d - half, .high = d + half };
    snprintf(p.variant, 64, "%s", variant);
    snprintf(p.a, 64, "%s", a);
    snprintf(p.b, 64, "%s", b);
    return p;
}

enum { ROWS = 6, PAIRS = 6 };

static struct duo_summary_row rows[ROWS];
static struct duo_pair_row    pairs[PAIRS];
static struct duo_variant_facts variants[2];
static struct duo_failed_run  failed[1];

static struct duo_summary world(void)
{
    rows[0] = row("wifi", "edge_only", "edge_only", 0.5, 0, 2, 0);
    rows[1] = row("wifi", "cloud_only", "cloud_only", 0.8, 1, 1, 0.0002);
    rows[2] = row("wifi", "c8, \"fast\"", "cascade", 0.75, 0.4, 1.5, 0.00008);
    rows[3] = row("wifi", "oracle", "oracle", 0.9, 0.4, 1.4, 0.0001);
    rows[3].cheats = true;
    rows[4] = row("lte", "edge_only", "edge_only", 0.5, 0, 2, 0);
    rows[5] = row("lte", "cloud_only", "cloud_only", NAN, 1, 3, 0.0002);
    rows[5].low[DUO_M_quality] = rows[5].high[DUO_M_quality] = NAN;
    rows[5].value[DUO_M_failed] = 1.0 / 3;
    rows[5].failed_runs = 1;
    rows[2].value[DUO_M_gain_over_mix] = 0.13, rows[2].low[DUO_M_gain_over_mix] = 0.1, rows[2].high[DUO_M_gain_over_mix] = 0.16;
    pairs[0] = pair("wifi", "edge_only", "cloud_only", DUO_M_e2e_p50, 1, 0.1);
    pairs[1] = pair("lte", "edge_only", "cloud_only", DUO_M_e2e_p50, -1, 0.1);
    pairs[2] = pair("wifi", "edge_only", "cloud_only", DUO_M_dollars, -0.0002, 0.00001);
    pairs[3] = pair("lte", "edge_only", "cloud_only", DUO_M_dollars, 0.0001, 0.001);       /* says nothing */
    pairs[4] = pair("wifi", "cloud_only", "c8, \"fast\"", DUO_M_quality, 0.05, 0.01);
    pairs[5] = pair("wifi", "oracle", "cloud_only", DUO_M_e2e_p50, 1, 0.1);
    variants[0] = (struct duo_variant_facts){ .variant = "wifi", .rtt = 0.03 };
    variants[1] = (struct duo_variant_facts){ .variant = "lte", .rtt = 0.09 };
    failed[0] = (struct duo_failed_run){ .variant = "lte", .label = "cloud_only", .seed = 3, .reason = "policy cloud_only: killed" };
    return (struct duo_summary){ .n = ROWS, .rows = rows, .n_by_seed = 2, .by_seed = rows, .n_pairs = PAIRS, .pairs = pairs,
                                 .n_variants = 2, .variants = variants, .n_failed = 1, .failed = failed };
}

static char *print(const struct duo_summary *s, struct duo_table_spec spec, struct duo_err *err)
{
    char  *text = NULL;
    size_t n = 0;
    FILE  *out = open_memstream(&text, &n);
    duo_table_print(out, s, &spec, err);
    fclose(out);
    return text;
}

/* (1) Golden: checked by eye against the rows above. */
static void text_table(void)
{
    static const char want[] =
        "answers: recorded pairs.csv | times: fitted | energy: assumed | money: documented (API list price, 2025) | network: simgrid 3.32\n"
        "times rest on: cloud: op (vllm): fitted; phone: layer (phone): assumed\n"
        "validated: phone: edge_decode (median error 12 %)\n"
        "outside every validated domain: cloud: no gate covers tensor-parallel 8 on h100-sxm\n"
        "\n"
        "label                  quality^r  cloud share %  TTFT p50 s^f  TTFT p99 s^f  E2E p50 s^f  E2E p99 s^f  J device+radio^a  $ per 1,000^d  failed\n"
        "----------------------------------------------------------------------------------------------------------------------------------------------\n"
        "wifi\n"
        "edge_only   0.500 [0.480, 0.515]            0.0        0.0384           123         2.00            -              12.0              0       0\n"
        "cloud_only  0.800 [0.780, 0.815]          100.0        0.0384           123         1.00            -              12.0          0.200       0\n"
        "c8, \"fast\"  0.750 [0.730, 0.765]           40.0        0.0384           123         1.50            -              12.0         0.0800       0\n"
        "oracle*     0.900 [0.880, 0.915]           40.0        0.0384           123         1.40            -              12.0          0.100       0\n"
        "\n"
        "lte\n"
        "edge_only   0.500 [0.480, 0.515]            0.0        0.0384           123         2.00            -              12.0              0       0\n"
        "cloud_only                     -          100.0        0.0384           123         3.00            -              12.0          0.200    0.33\n"
        "\n"
        "* knows the truth: no deployed policy can do that\n"
        "^a assumed, ^f fitted, ^d documented, ^r recorded: the weakest of what a column rests on (measured > recorded > documented > fitted > assumed)\n"
        "Quality, shares, J and $ are over all requests that arrived, failed and pending ones with quality 0; times over the answered.\n"
        "[low, high]: 95 %, two-level bootstrap (seeds, then sessions or questions), 3 seeds.\n"
        "run failed: lte: cloud_only, seed 3: policy cloud_only: killed\n";
    struct duo_summary s = world();
    struct duo_err err = { 0 };
    char *text = print(&s, (struct duo_table_spec){ 0 }, &err);
    CHECK_TEXT(text, want);
    free(text);
    for (int i = 0; i < ROWS; i++) strcpy(rows[i].answers, "synthetic"), strcpy(rows[i].provenance_quality, "assumed");
    text = print(&s, (struct duo_table_spec){ .columns = "label, quality", .variant = "wifi" }, &err);
    CHECK_HAS(text, "answers: synthetic | ");
    CHECK_HAS(text, "edge_only   (0.500 [0.480, 0.515])\n");
    CHECK_HAS(text, "no real model's answers");
    CHECK(!strstr(text, "lte"));
    free(text);
    text = print(&s, (struct duo_table_spec){ .by_seed = true }, &err);
    CHECK_HAS(text, "seed  label");
    CHECK_HAS(text, "(0.500)");
    CHECK_TEXT(err.text, "");
    free(text);
}

static void wrong(void)
{
    struct duo_summary s = world();
    struct duo_err err = { 0 };
    enum duo_table_format f;
    free(print(&s, (struct duo_table_spec){ .columns = "label,e2e_p05" }, &err));
    CHECK_TEXT(err.text, "no column e2e_p05 (did you mean e2e_p50?)");
    err = (struct duo_err){ 0 };
    free(print(&s, (struct duo_table_spec){ .columns = "low_failed" }, &err));
    CHECK_HAS(err.text, "no column low_failed");
    err = (struct duo_err){ 0 };
    free(print(&s, (struct duo_table_spec){ .variant = "5g" }, &err));
    CHECK_TEXT(err.text, "no variant 5g in these results");
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_table_format_find("xml", &f, &err), DUO_BAD_INPUT);
    CHECK_INT(duo_table_format_find("latex", &f, &err), DUO_OK);
    CHECK_INT(f, DUO_TABLE_LATEX);
}

/* Feed `text` to python3; skipped where there is none. */
static void python(const char *text, const char *code, const char *what)
{
    char command[2048];
    static int there = -1;
    if (there < 0) there = system("python3 -c 'import json, csv' >/dev/null 2>&1") == 0;
    if (!there) { CHECK_SKIP("no python3"); return; }
    snprintf(command, sizeof command, "python3 -c '%s'", code);
    FILE *in = popen(command, "w");
    fputs(text, in);
    int status = pclose(in);
    if (status) printf("%s:\n%s\n", what, text);
    CHECK_INT(WEXITSTATUS(status), 0);
}

/* (2) The keys of the man page, in their order. */
static void for_programs(void)
{
    static const char keys[] =
        "import json,sys\n"
        "rows=json.load(sys.stdin)\n"
        "want=\"variant policy label params cheats seeds requests answered failed pending quality quality_answered gain_over_mix oracle_share"
        " cloud_share ttft_mean ttft_p50 ttft_p99 tpot_mean itl_p50 e2e_mean e2e_p50 e2e_p99 joules_device joules_radio joules_cloud dollars"
        " dollars_regime bytes_up bytes_down wasted_tokens wasted_joules slo_share net answers provenance_time provenance_energy"
        " provenance_money provenance_quality grams rests_on domain\".split()\n"
        "for r in rows:\n"
        " k=list(r)\n"
        " assert [x for x in k if not x.startswith((\"low_\",\"high_\")) and x!=\"seed\"]==want, k\n"
        " for x in want[10:33]: assert x==\"dollars_regime\" or (\"low_\"+x in k and \"high_\"+x in k), x\n"
        "assert rows[0][\"quality\"]==0.5 and rows[0][\"e2e_p99\"] is None and rows[3][\"cheats\" ] is True if len(rows)==6 else \"seed\" in rows[0]\n"
        "assert len(rows) in (2,6)\n";
    static const char cells[] =
        "import csv,sys\n"
        "rows=list(csv.DictReader(sys.stdin))\n"
        "assert len(rows)==6 and rows[2][\"label\"]==\"c8, \\\"fast\\\"\" and rows[0][\"e2e_p99\"]==\"\" and float(rows[2][\"dollars\"])==8e-05\n"
        "assert all(None not in r and None not in r.values() for r in rows)\n";
    static const char xml[] =
        "import sys,xml.dom.minidom as m\n"
        "assert len(m.parse(sys.stdin).getElementsByTagName(\"tr\"))==7\n";
    struct duo_summary s = world();
    struct duo_err err = { 0 };
    char *text = print(&s, (struct duo_table_spec){ .format = DUO_TABLE_JSON }, &err);
    python(text, keys, "json");
    free(text);
    text = print(&s, (struct duo_table_spec){ .format = DUO_TABLE_JSON, .by_seed = true }, &err);
    python(text, keys, "json by seed");
    free(text);
    text = print(&s, (struct duo_table_spec){ .format = DUO_TABLE_CSV }, &err);
    python(text, cells, "csv");
    free(text);
    text = print(&s, (struct duo_table_spec){ .format = DUO_TABLE_HTML }, &err);
    python(text, xml, "html");
    free(text);
    text = print(&s, (struct duo_table_spec){ .format = DUO_TABLE_MARKDOWN, .columns = "label,e2e_p50,dollars" }, &err);
    CHECK_HAS(text, "| variant | label | E2E p50 s<sup>f</sup> | $ per 1,000<sup>d</sup> |\n|:---|:---|---:|---:|\n| wifi | edge\\_only | 2.00 | 0 |\n");
    CHECK_HAS(text, "| wifi | oracle\\* | 1.40 | 0.100 |\n");
    CHECK_HAS(text, "\n<sup>f</sup> fitted, <sup>d</sup> documented: the weakest");
    free(text);
    text = print(&s, (struct duo_table_spec){ .format = DUO_TABLE_LATEX, .columns = "label,dollars,cloud_share" }, &err);
    CHECK_HAS(text, "\\footnotesize \\textsuperscript{d} documented: the weakest");
    CHECK_HAS(text, "variant & label & \\$ per 1,000\\textsuperscript{d} & cloud share \\% \\\\\n");
    CHECK_HAS(text, "wifi & cloud\\_only & 0.200 & 100.0 \\\\\n");
    free(text);
    CHECK_TEXT(err.text, "");
}

static char *say(const struct duo_summary *s, int *n)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out = open_memstream(&text, &size);
    *n = duo_sentences_print(out, s);
    fclose(out);
    return text;
}

/* sentences.h (1) (3) (4): 0.75 of 0.8 is 94 %, from 92.5 to 95; who is faster swaps, who is cheaper isn't shown; the
 * oracle is left out. */
static void sentences(void)
{
    struct duo_summary s = world();
    int n;
    char *text = say(&s, &n);
    CHECK_TEXT(text,
        "wifi: c8, \"fast\" keeps 94 % [92, 95] of cloud_only's quality for 40 % of its calls, 0.130 [0.100, 0.160] above the mix at that share.\n"
        "wifi: cloud_only is faster than edge_only (median E2E: 1 s against 2 s); lte: the other way round (3 s against 2 s).\n");
    CHECK_INT(n, 2);
    free(text);
    for (int i = 0; i < ROWS; i++) strcpy(rows[i].answers, "synthetic"), strcpy(rows[i].provenance_quality, "assumed");
    text = say(&s, &n);
    CHECK(!strstr(text, "quality"));
    CHECK_INT(n, 1);
    free(text);
    pairs[1].high = 0.1;
    text = say(&s, &n);
    CHECK_TEXT(text, "no difference shown\n");
    CHECK_INT(n, 0);
    free(text);
}

/* (2) 11 rounds, 0.4 s slower at 90 ms: each ms of round trip makes 10 ms, so they are even at 50 ms. */
static void round_trip(void)
{
    struct duo_summary s = world();
    int n;
    strcpy(rows[4].policy, "draft_verify"), strcpy(rows[4].label, "dv");
    rows[4].value[DUO_M_rounds] = 11;
    pairs[0] = pair("lte", "dv", "cloud_only", DUO_M_e2e_mean, 0.4, 0.1);
    char *text = say(&s, &n);
    CHECK_HAS(text, "lte: dv is slower than cloud_only above a round trip of about 50 ms [40 ms, 60 ms] (now 90 ms, where it is slower; "
                    "by arithmetic: 11.0 round trips an answer against one, queues as they are).\n");
    free(text);
    pairs[0] = pair("lte", "dv", "cloud_only", DUO_M_e2e_mean, 2, 0.1);
    text = say(&s, &n);
    CHECK_HAS(text, "would be without any round trip (now 90 ms");
    free(text);
    pairs[0].low = -0.1;
    text = say(&s, &n);
    CHECK(!strstr(text, "round trip"));
    free(text);
}

static sqlite3 *small_database(void)
{
    sqlite3 *db = results_open(":memory:");
    sqlite3_stmt *kept = NULL;
    static const char *const labels[] = { "edge_only", "cloud_only", "c's_8" };
    for (int v = 0; v < 2; v++)
        for (int l = 0; l < 3; l++) {
            struct duo_row_run run = results_run(v ? "lte" : "wifi", l, labels[l], labels[l], 1);
            strcpy(run.provenance_quality, "assumed");
            results_add_run(db, 3 * v + l + 1, &run);
            for (int i = 0; i < 50; i++) {
                struct duo_row_request r = { .id = i, .query = i, .session = DUO_NONE, .reason = DUO_NONE, .quality = (i * (l + 3)) % 7 / 7.0,
                    .cloud = l > 0, .ttft = 0.1 * (l + 1) + 0.01 * i, .tpot = 0.1, .e2e = 1 + l + v * 2 * l + 0.1 * i, .dollars = l * 1e-4 };
                results_add_request(db, &kept, 3 * v + l + 1, &r);
            }
        }
    sqlite3_finalize(kept);
    struct duo_err err = { 0 };
    CHECK_INT(duo_summary_write(db, NULL, 0, &err), DUO_OK);
    return db;
}

static void any_view(void)
{
    sqlite3 *db = small_database();
    struct duo_err err = { 0 };
    static const char *const views[] = { "v_summary", "v_curve", "v_pareto", "v_paired", "v_slo", "run" };
    for (int i = 0; i < 6; i++)
        for (int f = 0; f < DUO_TABLE_FORMAT_END; f++) {
            char  *text = NULL;
            size_t n = 0;
            FILE  *out = open_memstream(&text, &n);
            CHECK_INT(duo_table_view(out, db, views[i], (enum duo_table_format)f, &err), DUO_OK);
            fclose(out);
            CHECK_HAS(text, f == DUO_TABLE_LATEX || f == DUO_TABLE_MARKDOWN ? "edge\\_only" : "edge_only");
            if (f == DUO_TABLE_JSON && i == 3) python(text, "import json,sys; assert len(json.load(sys.stdin))>0", views[i]);
            free(text);
        }
    CHECK_INT(duo_table_view(stdout, db, "v_parto", DUO_TABLE_TEXT, &err), DUO_BAD_INPUT);
    CHECK_TEXT(err.text, "no view v_parto (did you mean v_pareto?)");
    sqlite3_close(db);
}

static char *slurp(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in) return NULL;
    char  *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, in);
    fclose(in);
    text[n] = 0;
    return text;
}

/* plot.h (1) (2) (3) */
static void figures(void)
{
    const char *source = getenv("DUOSIM_SOURCE");
    char folder[1024], path[64], *words = NULL;
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s/analysis/figures", source ? source : ".");
    snprintf(path, sizeof path, "/tmp/test_table.%ld.svg", (long)getpid());
    sqlite3 *db = small_database();
    static const char *const names[] = { "tradeoff", "latency" };
    bool gnuplot = system("gnuplot --version >/dev/null 2>&1") == 0;
    for (int i = 0; i < 2; i++) {
        struct duo_plot_spec spec = { .figure = names[i], .folder = folder, .out = path };
        struct duo_err err = { 0 };
        bool drawn = false;
        if (!gnuplot) { CHECK_SKIP("no gnuplot"); continue; }
        CHECK_INT(duo_plot(db, &spec, stdout, &drawn, &err), DUO_OK);
        CHECK_TEXT(err.text, "");
        CHECK(drawn);
        char *first = slurp(path);
        CHECK_HAS(first, "</svg>");
        CHECK_HAS(first, "cloud_only");
        CHECK_HAS(first, "c's_8");
        if (i == 0) CHECK_HAS(first, "quality (synthetic answers)");
        CHECK_INT(duo_plot(db, &spec, stdout, &drawn, &err), DUO_OK);
        char *second = slurp(path);
        CHECK(first && second && strcmp(first, second) == 0);
        free(first), free(second);
        unlink(path);
    }
    char *paths = duo_copy(getenv("PATH"));
    setenv("PATH", "/nowhere", 1);
    FILE *out = open_memstream(&words, &n);
    struct duo_err err = { 0 };
    bool drawn = true;
    CHECK_INT(duo_plot(db, &(struct duo_plot_spec){ .figure = "tradeoff", .folder = folder, .out = path }, out, &drawn, &err), DUO_OK);
    fclose(out);
    setenv("PATH", paths ? paths : "", 1);
    free(paths);
    CHECK(!drawn);
    CHECK_HAS(words, "gnuplot is not installed: tradeoff as text");
    CHECK_HAS(words, "$ per 1,000 requests");
    CHECK_HAS(words, "b  cloud_only");
    CHECK(access(path, F_OK) != 0);
    free(words);

    CHECK_INT(duo_plot(db, &(struct duo_plot_spec){ .figure = "trade", .folder = folder, .out = path }, stdout, &drawn, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "no figure trade");
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_plot(db, &(struct duo_plot_spec){ .figure = "tradeoff", .folder = folder, .out = "/nowhere/x.svg" }, stdout, &drawn, &err), DUO_BAD_INPUT);
    CHECK(!drawn);
    sqlite3_close(db);
}

int main(void)
{
    text_table();
    wrong();
    for_programs();
    sentences();
    round_trip();
    any_view();
    figures();
    return check_done();
}
