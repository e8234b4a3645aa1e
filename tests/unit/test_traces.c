/* test_traces.c - arrivals (process.c, azure.c, csv.c, mooncake.c, arrivals.c) and capacities (mahimahi.c, pensieve.c,
 * capacity.c) by requirement number.  With DUOSIM_DATA: the sums and means that the data's own README files state. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"
#include "traces/arrivals/arrivals.h"
#include "traces/network/capacity.h"

static char path[64] = "";

static const char *file(const char *text)
{
    FILE *f;

    if (!*path) snprintf(path, sizeof path, "/tmp/duosim-traces-%ld", (long)getpid());
    if (!(f = fopen(path, "wb"))) abort();
    fputs(text, f);
    fclose(f);
    return path;
}

static struct duo_err err;
static struct duo_trace_count count;

static struct duo_arrivals *read_as(const char *text, const char *format, double scale, int64_t requests)
{
    struct duo_arrivals *a;

    err = (struct duo_err){ 0 };
    return duo_arrivals_trace(&a, file(text), format, scale, requests, &count, &err) == DUO_OK ? a : NULL;
}

static struct duo_arrival pop(struct duo_arrivals *a)
{
    struct duo_arrival x = { .at = NAN };

    if (a && !duo_arrivals_next(a, &x)) x.at = NAN;
    return x;
}

static void expect(struct duo_arrivals *a, double at, int prompt, int output)
{
    struct duo_arrival x = pop(a);

    CHECK_NEAR(x.at, at, 1e-9);
    CHECK_INT(x.prompt_tokens, prompt);
    CHECK_INT(x.output_tokens, output);
}

static void refused(const char *text, const char *format, int line, int column, const char *part)
{
    struct duo_arrivals *a = read_as(text, format, 1, 0);

    CHECK(a == NULL);
    duo_arrivals_free(a);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK_INT(err.line, line);
    CHECK_INT(err.column, column);
    CHECK_HAS(err.text, part);
}

#define HEAD "TIMESTAMP,ContextTokens,GeneratedTokens\n"

static void azure(void)
{
    struct duo_arrivals *a = read_as("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"         /* azure (1) (2): 2023, CRLF */
                                     "2023-11-16 23:59:59.6805900,374,44\r\n2023-11-17 00:00:00.0000001,5,6", NULL, 1, 0);
    expect(a, 0, 374, 44);
    expect(a, 0.3194101, 5, 6);
    CHECK(isnan(pop(a).at));
    duo_arrivals_free(a);

    a = read_as(HEAD "2024-02-28 23:59:59+00:00,1,2\n2024-02-29 00:00:00.009930+00:00,3,4\n"    /* 2024: no fraction; leap day */
                     "2024-03-01 02:00:00+02:00,5,6\n", "azure", 1, 0);
    expect(a, 0, 1, 2);
    expect(a, 1.00993, 3, 4);
    expect(a, 86401, 5, 6);
    duo_arrivals_free(a);

    a = read_as("\xEF\xBB\xBFTIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-15T12:00:00.269Z,2,7,8\n2024-10-15T12:00:01Z,0,9,10\n", NULL, 1, 0);
    expect(a, 0, 7, 8);                                                                     /* 2025 */
    expect(a, 0.731, 9, 10);
    duo_arrivals_free(a);

    a = read_as(HEAD "2024-01-01 00:00:00,0,2\n2024-01-01 00:00:01,3,0\n2024-01-01 00:00:02,0,9\n2024-01-01 00:00:03,5,6\n", NULL, 1, 0);    /* azure (4) */
    CHECK_INT(count.read, 4);
    CHECK_INT(count.emitted, 1);
    CHECK_INT(count.n_dropped, 2);
    CHECK_TEXT(count.dropped[0].why, "no prompt tokens");
    CHECK_INT(count.dropped[0].rows, 2);
    CHECK_INT(count.dropped[1].rows, 1);
    expect(a, 0, 5, 6);                                                                     /* arrivals (1) */
    duo_arrivals_free(a);

    refused(HEAD "2024-01-01 00:00:00,1,2\n2024-02-30 00:00:00,1,2\n", NULL, 3, 1, "expected a date");     /* azure (3) */
    refused(HEAD "2023-02-29 00:00:00,1,2\n", NULL, 2, 1, "expected a date");
    refused(HEAD "2024-01-01 00:60:00,1,2\n", NULL, 2, 1, "expected a date");
    refused(HEAD "2024-01-01 00:00:00.,1,2\n", NULL, 2, 1, "expected a date");
    refused(HEAD "2024-01-01 00:00:00.1234567890,1,2\n", NULL, 2, 1, "expected a date");
    refused(HEAD "2024-01-01 00:00:00 UTC,1,2\n", NULL, 2, 1, "expected a date");
    refused(HEAD "2024-01-01 00:00:00,1.5,2\n", NULL, 2, 21, "whole number");
    refused(HEAD "2024-01-01 00:00:00,-1,2\n", NULL, 2, 21, "whole number");
    refused(HEAD "2024-01-01 00:00:00,1,nan\n", NULL, 2, 23, "number");
    refused(HEAD "2024-01-01 00:00:00,1\n", NULL, 2, 0, "2 cells");
    refused("TIMESTAMP,ContextTokens\n2024-01-01 00:00:00,1\n", NULL, 1, 0, "GeneratedTokens");
    refused(HEAD, NULL, 0, 0, "no request");
    refused("", NULL, 1, 0, "empty");
}

static void all_traces(void)
{
    struct duo_arrivals *a = read_as("at,prompt_tokens\n12,1\n10,2\n11,3\n10,4\n11.5,\n", NULL, 2, 4);

    CHECK_INT(count.read, 5);                                                                /* arrivals (4) */
    CHECK_INT(count.emitted, 4);
    CHECK_INT(count.dropped[0].rows, 1);
    CHECK_INT(count.inversions, 2);                                                          /* (2) */
    expect(a, 0, 2, 0);
    expect(a, 0, 4, 0);                                                                      /* (2): stable */
    expect(a, 0.5, 3, 0);                                                                    /* (3) */
    expect(a, 0.75, 0, 0);                                                                   /* csv (2) */
    CHECK(isnan(pop(a).at));
    duo_arrivals_free(a);

    a = read_as("session,turn,output_tokens,at\n7,2,9,-5\n,,,-4.5\n", "csv", 1, 0);           /* csv (1) (2) */
    {
        struct duo_arrival x = pop(a);
        CHECK_NEAR(x.at, 0, 0);
        CHECK_INT(x.session, 7);
        CHECK_INT(x.turn, 2);
        CHECK_INT(x.output_tokens, 9);
        x = pop(a);
        CHECK_INT(x.session, -1);
        CHECK_NEAR(x.at, 0.5, 0);
    }
    duo_arrivals_free(a);
    refused("at\n1\nsoon\n", NULL, 3, 1, "number");                                          /* csv (3) */
    refused("at,turn\n1,0.5\n", NULL, 2, 3, "whole number");
    refused("when,what\n1,2\n", NULL, 1, 1, "no known header");                              /* arrivals (5) */
    refused("at\n1\n", "azur", 0, 0, "did you mean azure");
    refused("at\n1\n", "azure", 1, 0, "TIMESTAMP");

    err = (struct duo_err){ 0 };
    CHECK_INT(duo_arrivals_trace(&a, "/nowhere/at/all.csv", NULL, 1, 0, NULL, &err), DUO_BAD_INPUT);
    CHECK_TEXT(err.file, "/nowhere/at/all.csv");
}

#define MOON(ms, in, out, ids) "{\"timestamp\": " ms ", \"input_length\": " in ", \"output_length\": " out ", \"hash_ids\": [" ids "]}\n"

static void mooncake(void)
{
    struct duo_arrivals *a = read_as(MOON("3000", "700", "9", "4, 5") "\n" MOON("500", "512", "0", "7") " { \"more\": {\"a\": [1, {}, \"\\\"}\"], \"b\": null},"
                                     "\"hash_ids\":[4294967295],\"output_length\":2,\"input_length\":1,\"timestamp\":1500 }", NULL, 1, 0);
    struct duo_arrival x;

    CHECK(a != NULL);
    if (a) {
        CHECK_INT(count.read, 3); CHECK_INT(count.emitted, 2); CHECK_INT(count.inversions, 1);              /* (1), (4) */
        CHECK_TEXT(count.dropped[0].why, "no output tokens");
        CHECK_INT(duo_arrivals_id_tokens(a), 512);
        x = pop(a);
        CHECK_NEAR(x.at, 0, 0); CHECK_INT(x.prompt_tokens, 1); CHECK_INT(x.n_ids, 1); CHECK_INT(x.ids[0], 4294967295);
        x = pop(a);
        CHECK_NEAR(x.at, 1.5, 0); CHECK_INT(x.output_tokens, 9); CHECK_INT(x.n_ids, 2); CHECK_INT(x.ids[0], 4); CHECK_INT(x.ids[1], 5);
        CHECK_INT(x.session, -1);
    }
    duo_arrivals_free(a);
    refused(MOON("1", "5", "1", "1") "{\"timestamp\": 1}\n", NULL, 2, 1, "expected the keys timestamp");     /* (2) */
    refused(MOON("1", "5", "1", "1, 2"), NULL, 1, 1, "as many hash_ids");
    refused(MOON("1", "600", "1", "1, 1"), NULL, 1, 76, "twice");
    refused(MOON("1", "600", "1", "1, -1"), NULL, 1, 75, "an id");
    refused(MOON("1", "1.5", "1", "1"), NULL, 1, 34, "tokens");
    refused(MOON("1", "5", "1", "1") "[1]\n", NULL, 2, 1, "a JSON object");
    refused("{\"timestamp\": 1", NULL, 1, 16, ", or }");
    refused("{\"chat_id\": 159, \"timestamp\": 0.3}\n", NULL, 1, 12, "Qwen-Bailian");                         /* (3) */
    refused("at\n1\n", "mooncake", 1, 1, "a JSON object");
}

/* Mean and variance of the gaps of n draws; the standard error of the mean is cv / (rate sqrt(n)). */
static void gaps(enum duo_arrival_kind kind, double rate, double cv, uint64_t seed, double *mean, double *got_cv)
{
    enum { N = 200000 };
    struct duo_arrivals *a = duo_arrivals_process(kind, rate, cv, N, seed);
    double last = 0, sum = 0, squares = 0;
    struct duo_arrival x;
    int n = 0;

    for (; duo_arrivals_next(a, &x); n++, last = x.at) sum += x.at - last, squares += (x.at - last) * (x.at - last);
    CHECK_INT(n, N);
    duo_arrivals_free(a);
    *mean = sum / N;
    *got_cv = sqrt(fmax(squares / N - *mean * *mean, 0)) / *mean;
}

static void processes(void)
{
    static const double cvs[] = { 0.5, 1, 2, 4 };
    struct duo_arrivals *a, *b;
    struct duo_arrival x, y;
    double mean, cv;

    gaps(DUO_POISSON, 40, 0, 1, &mean, &cv);                                 /* process (1): 4.5 standard errors */
    CHECK_NEAR(mean * 40, 1, 0.01);
    CHECK_NEAR(cv, 1, 0.02);
    for (size_t i = 0; i < sizeof cvs / sizeof *cvs; i++) {                  /* (2) */
        gaps(DUO_GAMMA, 5, cvs[i], 7, &mean, &cv);
        CHECK_NEAR(mean * 5, 1, 0.01 * cvs[i]);
        CHECK_NEAR(cv / cvs[i], 1, 0.03);
    }
    gaps(DUO_GAMMA, 5, 0, 7, &mean, &cv);
    CHECK_NEAR(cv, 0, 1e-4);
    a = duo_arrivals_process(DUO_UNIFORM_GAPS, 8, 0, 3, 1);                  /* (3) */
    for (int k = 1; k <= 3; k++) CHECK_NEAR(pop(a).at, k / 8.0, 0);
    CHECK(isnan(pop(a).at));
    duo_arrivals_free(a);
    a = duo_arrivals_process(DUO_AT_ONCE, 0, 0, 2, 1);                       /* (4) */
    CHECK_NEAR(pop(a).at, 0, 0);
    CHECK_NEAR(pop(a).at, 0, 0);
    CHECK(isnan(pop(a).at));
    duo_arrivals_free(a);
    a = duo_arrivals_process(DUO_POISSON, 3, 0, 10, 99);                     /* (5) */
    b = duo_arrivals_process(DUO_POISSON, 3, 0, 1000, 99);
    while (duo_arrivals_next(a, &x)) {
        CHECK(duo_arrivals_next(b, &y));
        CHECK_NEAR(x.at, y.at, 0);
        CHECK_INT(x.session, -1);
        CHECK_INT(x.prompt_tokens, 0);
    }
    duo_arrivals_free(a);
    duo_arrivals_free(b);
    a = duo_arrivals_process(DUO_POISSON, 3, 0, 0, 99);
    CHECK(!duo_arrivals_next(a, &x));
    duo_arrivals_free(a);
}

/* ---- capacities ---- */

static struct duo_capacity cap;

static bool capacity(const char *text, const char *format, double bin)
{
    err = (struct duo_err){ 0 };
    return duo_capacity_read(&cap, file(text), format, bin, &err) == DUO_OK;
}

static void step(int i, double at, double rate)
{
    CHECK(i < cap.n);
    if (i >= cap.n) return;
    CHECK_NEAR(cap.at[i], at, 1e-12);
    CHECK_NEAR(cap.rate[i], rate, 1e-9);
}

static double carried(void)
{
    double bytes = 0;

    for (int i = 0; i < cap.n; i++) bytes += cap.rate[i] * ((i + 1 < cap.n ? cap.at[i + 1] : cap.period) - cap.at[i]);
    return bytes;
}

static void no_capacity(const char *text, const char *format, int line, int column, const char *part)
{
    CHECK(!capacity(text, format, 0));
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK_INT(err.line, line);
    CHECK_INT(err.column, column);
    CHECK_HAS(err.text, part);
    CHECK(cap.at == NULL);
}

static void mahimahi(void)
{
    /* mahimahi (3): 0, 1, 100 in (0, 0.1]; 101, 101, 200 next; nothing in two; 450, 450, 450 in (0.4, 0.45]. */
    CHECK(capacity("0\r\n1\r\n100\r\n101\r\n101\r\n200\r\n450\r\n450\r\n450", NULL, 0));
    CHECK_INT(cap.n, 3);                                                     /* equal neighbours are one */
    step(0, 0, 45000);
    step(1, 0.2, 0);
    step(2, 0.4, 90000);
    CHECK_NEAR(cap.period, 0.45, 1e-12);                                     /* (2) */
    CHECK_NEAR(cap.mean, 9 * 1500 / 0.45, 1e-9);
    CHECK_NEAR(carried(), 9 * 1500, 1e-6);
    CHECK_INT(cap.read, 9);
    CHECK_INT(cap.emitted, 9);
    duo_capacity_free(&cap);
    CHECK(capacity("300\n600\n", "mahimahi", 0.3));                          /* (3): the bin's end belongs to it */
    CHECK_INT(cap.n, 1);
    step(0, 0, 5000);
    duo_capacity_free(&cap);
    CHECK(capacity("5\n", NULL, 10));                                        /* a bin longer than the trace */
    step(0, 0, 300000);
    duo_capacity_free(&cap);

    no_capacity("", NULL, 1, 1, "empty");                                    /* capacity (2) */
    no_capacity("1\n\n2\n", NULL, 2, 1, "whole number");                     /* mahimahi (4) */
    no_capacity("1\n2 \n", NULL, 2, 2, "whole number");
    no_capacity("1\n-2\n", NULL, 2, 1, "whole number");
    no_capacity("1\n1.5\n", NULL, 2, 2, "whole number");
    no_capacity("5\n7\n6\n", NULL, 3, 1, "6 after 7");
    no_capacity("0\n0\n", NULL, 2, 1, "above 0");                            /* (2) */
    no_capacity("99999999999999999999\n", NULL, 1, 14, "whole number");
    no_capacity("1\n", "mahimhai", 0, 0, "did you mean mahimahi");           /* capacity (1) */
    no_capacity("a b c\n", NULL, 1, 1, "no known capacity trace");
}

static void pensieve(void)
{
    CHECK(capacity("10 9\n11.5\t8\r\n12 0\n14 0\n15 4\n", NULL, 0));         /* pensieve (1) (2) */
    CHECK_INT(cap.n, 3);
    step(0, 0, 1e6);
    step(1, 1.5, 0);
    step(2, 4, 5e5);
    CHECK_NEAR(cap.period, 5, 1e-12);
    CHECK_NEAR(cap.mean, 4e5, 1e-6);
    CHECK_NEAR(carried(), 2e6, 1e-6);
    duo_capacity_free(&cap);
    no_capacity("0 1\n0 2\n", NULL, 2, 1, "increase");                       /* (1) */
    no_capacity("0 1\n1 -2\n", NULL, 2, 1, "negative");
    no_capacity("0 1\n1 fast\n", NULL, 2, 3, "Mbit/s");                      /* (3) */
    no_capacity("0 1\n1 nan\n", NULL, 2, 3, "Mbit/s");
    no_capacity("0 1\n1 2 3\n", NULL, 2, 5, "two numbers");
    no_capacity("0 1\n1\n", NULL, 2, 2, "Mbit/s");
    no_capacity("0 1\n", NULL, 1, 1, "two rows");
    no_capacity("0 1\n1 0\n", NULL, 2, 1, "never carries");
}

/* ---- what others measured ---- */

static const char *data(const char *name, char *out, size_t n)
{
    const char *root = getenv("DUOSIM_DATA");

    if (!root || !*root) return NULL;
    snprintf(out, n, "%s/%s", root, name);
    if (access(out, R_OK) == 0) return out;
    snprintf(out, n, "%s/data/%s", root, name);
    return access(out, R_OK) == 0 ? out : NULL;
}

static void azure_data(void)     /* figures: the README of azure-llm-2023-conv */
{
    char name[512];
    const char *from = data("azure-llm-2023-conv/AzureLLMInferenceTrace_conv.csv", name, sizeof name);
    struct duo_arrivals *a = NULL;
    struct duo_arrival x = { 0 };
    double prompt = 0, output = 0, last = 0;

    if (!from) { CHECK_SKIP("no azure-llm-2023-conv below DUOSIM_DATA"); return; }
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_arrivals_trace(&a, from, NULL, 1, 0, &count, &err), DUO_OK);
    while (a && duo_arrivals_next(a, &x)) prompt += x.prompt_tokens, output += x.output_tokens, last = x.at;
    CHECK_INT(count.read, 19366);
    CHECK_INT(count.emitted, 19366);
    CHECK_INT(count.inversions, 0);
    CHECK_NEAR(prompt, 22361870, 0);
    CHECK_NEAR(output, 4088665, 0);
    CHECK_NEAR(last, 3501.721937, 1e-6);         /* 18:15:46.6805900 to 19:14:08.4025270 */
    CHECK_NEAR(19366 / last, 5.5304, 5e-5);
    duo_arrivals_free(a);
}

static void mooncake_data(void)  /* figures: the README of mooncake */
{
    char name[512];
    const char *from = data("mooncake/conversation_trace_first1800s.jsonl", name, sizeof name);
    struct duo_arrivals *a = NULL;
    struct duo_arrival x = { 0 };
    double input = 0, output = 0, last = 0, reused = 0, blocks = 0, leading = 0;
    static bool seen[1 << 20];
    int distinct = 0;

    if (!from) { CHECK_SKIP("no mooncake below DUOSIM_DATA"); return; }
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_arrivals_trace(&a, from, NULL, 1, 0, &count, &err), DUO_OK);
    while (a && duo_arrivals_next(a, &x)) {
        int n = 0;
        input += x.prompt_tokens, output += x.output_tokens, last = x.at, blocks += x.n_ids;
        while (n < x.n_ids && seen[x.ids[n] & 0xFFFFF]) n++;
        leading += n, reused += n * 512 < x.prompt_tokens ? n * 512 : x.prompt_tokens;
        for (int i = 0; i < x.n_ids; i++) distinct += !seen[x.ids[i] & 0xFFFFF], seen[x.ids[i] & 0xFFFFF] = true;
    }
    CHECK_INT(count.read, 5719);
    CHECK_INT(count.emitted, 5719);
    CHECK_INT(count.inversions, 0);
    CHECK_NEAR(input / 5719, 12870.1, 0.05);
    CHECK_NEAR(output / 5719, 345.7, 0.05);
    CHECK_NEAR(last, 1797, 0);
    CHECK_INT(distinct, 96534);
    CHECK_NEAR(leading / blocks, 0.340903, 5e-7);
    CHECK_NEAR(reused / input, 0.347198, 5e-7);
    duo_arrivals_free(a);
}

static void mahimahi_data(void)  /* figures: the README of net-mahimahi-lte */
{
    static const struct { const char *name; int packets; double seconds, mbit; } files[] = {
        { "net-mahimahi-lte/Verizon-LTE-short.up",        69367,  140.0, 5.946 },
        { "net-mahimahi-lte/Verizon-LTE-short.down",      58655,  140.0, 5.028 },
        { "net-mahimahi-lte/ATT-LTE-driving.up",          70336, 1012.5, 0.834 },
        { "net-mahimahi-lte/ATT-LTE-driving-2016.up",     19101,  120.0, 1.910 },
        { "net-mahimahi-lte/ATT-LTE-driving-2016.down",   45604,  120.0, 4.560 },
    };
    char name[512];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *from = data(files[i].name, name, sizeof name);

        if (!from) { CHECK_SKIP("no net-mahimahi-lte below DUOSIM_DATA"); return; }
        err = (struct duo_err){ 0 };
        CHECK_INT(duo_capacity_read(&cap, from, NULL, 0, &err), DUO_OK);
        CHECK_INT(cap.read, files[i].packets);
        CHECK_NEAR(cap.period, files[i].seconds, 0.05);
        CHECK_NEAR(cap.mean * 8e-6, files[i].mbit, 0.0005);
        CHECK_NEAR(carried(), files[i].packets * 1500.0, 1e-3);
        duo_capacity_free(&cap);
    }
}

int main(void)
{
    const char *const *names, *const *about;

    azure();
    all_traces();
    processes();
    mahimahi();
    pensieve();
    mooncake();
    azure_data();
    mooncake_data();
    mahimahi_data();
    CHECK_INT(duo_arrival_formats(&names, &about), 6);
    CHECK_TEXT(names[0], "azure");
    CHECK_INT(duo_capacity_formats(&names, &about), 2);
    CHECK_TEXT(names[0], "mahimahi");
    if (*path) unlink(path);
    return check_done();
}
