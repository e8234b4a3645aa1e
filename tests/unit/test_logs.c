/* test_logs.c - what programs of others leave: lm-evaluation-harness, vllm bench serve, LiteLLM, OpenTelemetry, and tables of
 * one's own (traces/requests, traces/outcomes/{gather,lm_eval,logs,columns}.c, by requirement), as outcomes and as arrivals.
 * The files are small, by hand, and true to the programs' formats; each is cut short at every byte, too. */
#include <stdlib.h>
#include <unistd.h>

#include "models/answers/answers.h"
#include "tests/check.h"
#include "traces/arrivals/arrivals.h"
#include "traces/outcomes/outcomes.h"

static char paths[3][64];
static struct duo_err err;
static struct duo_outcomes o;
static struct duo_arrivals *arrivals;
static struct duo_trace_count count;

static char *write_n(int which, const char *text, size_t n)
{
    FILE *f = fopen(paths[which], "wb");
    if (!f || fwrite(text, 1, n, f) != n) abort();
    fclose(f);
    return paths[which];
}

static char *file(int which, const char *text) { return write_n(which, text, strlen(text)); }

static enum duo_status join(struct duo_outcome_source from)
{
    err = (struct duo_err){ 0 };
    return duo_outcomes_join(&o, &from, &err);
}

static void refused(struct duo_outcome_source from, int line, const char *part)
{
    CHECK_INT(join(from), DUO_BAD_INPUT);
    CHECK_HAS(err.text, part);
    CHECK_INT(err.line, line);
    CHECK(strchr(err.text, '\n') == NULL && o.n == 0 && o.id == NULL);
}

static double value(enum duo_measure m, int row, int voice) { return o.value[m] ? o.value[m][row * o.n_voices + voice] : NAN; }

static int row_of(const char *id)
{
    for (int i = 0; i < o.n; i++)
        if (strcmp(o.id[i], id) == 0) return i;
    return -1;
}

static int lines_in(const char *text, size_t n)               /* that are whole */
{
    int lines = 0;
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    return lines;
}

/* ---- lm-evaluation-harness ---- */

/* A generated answer, as evaluation_tracker.py writes it: arguments by name, resps as text. */
#define SAMPLE(id, prompt, answer, filter, metric, value, hash)                                                                         \
    "{\"doc_id\": " id ", \"doc\": {\"question\": \"how many?\", \"answer\": \"#### 4\"}, \"target\": \"4\", "                               \
    "\"arguments\": {\"gen_args_0\": {\"arg_0\": \"" prompt "\", \"arg_1\": {\"until\": [\"Q:\"], \"do_sample\": false}}}, "                 \
    "\"resps\": [[\"" answer "\"]], \"filtered_resps\": [\"4\"], \"filter\": \"" filter "\", \"metrics\": [\"" metric "\"], "               \
    "\"doc_hash\": \"" hash "\", \"prompt_hash\": \"p\", \"target_hash\": \"t\", \"" metric "\": " value "}\n"
#define STRICT(id, answer, value, hash)   SAMPLE(id, "How many?", answer, "strict-match", "exact_match", value, hash)
#define FLEXIBLE(id, answer, value, hash) SAMPLE(id, "How many?", answer, "flexible-extract", "exact_match", value, hash)

static const char small[] = STRICT("0", "four", "1.0", "aa") STRICT("1", "f\\u00fcnf!", "0.0", "bb") STRICT("2", "six", "1.0", "cc");
static const char big[]   = STRICT("1", "5", "1.0", "bb") STRICT("0", "4, of course", "1.0", "aa") STRICT("3", "7", "1.0", "dd");

static struct duo_outcome_file two[2];

static struct duo_outcome_source pair_of(const char *a, const char *b, const char *metric)
{
    two[0] = (struct duo_outcome_file){ (char *)(uintptr_t)"small", file(0, a) };
    two[1] = (struct duo_outcome_file){ (char *)(uintptr_t)"big", file(1, b) };
    return (struct duo_outcome_source){ .n_files = 2, .files = two, .metric = metric };
}

static void harness(void)
{
    CHECK_INT(join(pair_of(small, big, NULL)), DUO_OK);
    CHECK_TEXT(o.format, "lm_eval");
    CHECK_INT(o.n, 2);                                        /* (1): aa and bb are in both */
    CHECK(o.read == 4 && o.emitted == 2 && o.dropped == 2);
    CHECK_TEXT(o.id[0], "aa");
    CHECK_TEXT(o.voices[1], "big");
    CHECK_NEAR(value(DUO_M_QUALITY, 1, 0), 0, 0);             /* (3): bb: small wrong, big right */
    CHECK_NEAR(value(DUO_M_QUALITY, 1, 1), 1, 0);
    CHECK_NEAR(value(DUO_M_CHARS, 0, 1), 12, 0);              /* (4): "4, of course" */
    CHECK_NEAR(value(DUO_M_CHARS, 1, 0), 5, 0);               /* (4): letters, not bytes */
    CHECK_NEAR(o.prompt_chars[0], 9, 0);
    CHECK_TEXT(o.features[0], "prompt_chars");
    CHECK_HAS(o.note, "2 of 4 documents");                    /* what does not join: counted and named */
    CHECK_HAS(o.note, "1 not by small, the first dd (line 3)");
    CHECK_HAS(o.note, "1 not by big, the first cc (line 3)");
    duo_outcomes_free(&o);
}

static void harness_filters(void)                             /* (2) */
{
    static const char a[] = STRICT("0", "x", "0", "aa") FLEXIBLE("0", "x", "1", "aa"), b[] = FLEXIBLE("0", "y", "0.5", "aa") STRICT("0", "y", "0.25", "aa");

    CHECK_INT(join(pair_of(a, b, "exact_match,flexible-extract")), DUO_OK);
    CHECK_NEAR(value(DUO_M_QUALITY, 0, 0), 1, 0);
    CHECK_NEAR(value(DUO_M_QUALITY, 0, 1), .5, 0);
    duo_outcomes_free(&o);
    CHECK_INT(join(pair_of(a, b, "exact_match,strict-match")), DUO_OK);
    CHECK_NEAR(value(DUO_M_QUALITY, 0, 1), .25, 0);
    duo_outcomes_free(&o);
    refused(pair_of(a, b, NULL), 2, "two filters, \"strict-match\" and \"flexible-extract\"");
    refused(pair_of(a, b, "exact_match"), 2, "metric: exact_match,strict-match");
    refused(pair_of(a, b, "exact_match,strict"), 0, "no line of the filter \"strict\"");
}

static void harness_kinds(void)
{
    /* Multiple choice: nothing was written; older versions wrote arguments as lists. */
    static const char choice[] =
        "{\"doc_id\": 0, \"doc\": {\"goal\": \"x\"}, \"target\": \"1\", \"arguments\": {\"gen_args_0\": {\"arg_0\": \"Question\", \"arg_1\": \" yes\"}, "
        "\"gen_args_1\": {\"arg_0\": \"Question\", \"arg_1\": \" no\"}}, \"resps\": [[[\"-3.5\", \"False\"]], [[\"-1.25\", \"True\"]]], "
        "\"filtered_resps\": [[\"-3.5\", \"False\"], [\"-1.25\", \"True\"]], \"filter\": \"none\", \"metrics\": [\"acc\", \"acc_norm\"], \"doc_hash\": \"aa\", "
        "\"prompt_hash\": \"p\", \"target_hash\": \"t\", \"acc\": 1.0, \"acc_norm\": 0.0}\n";
    static const char old[] = "{\"doc_id\": 0, \"doc\": {}, \"target\": \"4\", \"arguments\": [[\"Questions\", {\"until\": []}]], \"resps\": [[\"ab\"]], "
                              "\"filtered_resps\": [\"ab\"], \"doc_hash\": \"aa\", \"acc\": true, \"perplexity\": NaN}\n";

    CHECK_INT(join(pair_of(choice, old, "acc")), DUO_OK);
    CHECK_NEAR(value(DUO_M_CHARS, 0, 0), NAN, 0);
    CHECK_NEAR(value(DUO_M_CHARS, 0, 1), 2, 0);
    CHECK_NEAR(value(DUO_M_QUALITY, 0, 1), 1, 0);
    CHECK_HAS(o.note, "the prompts of 1 differ in length");
    duo_outcomes_free(&o);
    refused(pair_of(choice, choice, NULL), 1, "which metric?  metric: takes one of acc, acc_norm");
    refused(pair_of(choice, choice, "acc_nrm"), 1, "did you mean \"acc_norm\"?");
    refused(pair_of(choice, choice, "f1"), 1, "there are: acc, acc_norm");
    refused(pair_of(old, old, "perplexity"), 1, "got none");
}

static void harness_traps(void)                               /* (1) (3) (5) */
{
    static const struct { const char *text, *metric, *want; int line; } table[] = {
        { "", NULL, "no samples: the file is empty", 0 },
        { "doc_id,acc\n1,1\n", NULL, "no JSON", 1 },
        { "[1]\n", NULL, "expected a sample", 1 },
        { "{\"doc_id\": 0, \"doc\": {}, \"acc\": 1}\n", "acc", "older versions of the harness wrote none", 1 },
        { "{\"acc\": 1}\n", "acc", "expected samples of lm-evaluation-harness", 1 },
        { STRICT("0", "x", "37.5", "aa"), NULL, "exact_match: expected a number from 0 to 1 as a quality; got 37.5", 1 },
        { STRICT("0", "x", "1", "aa") STRICT("1", "x", "NaN", "bb"), NULL, "got none", 2 },
        { STRICT("0", "x", "[1, 2]", "aa"), NULL, "got a list", 1 },
        { STRICT("0", "x", "\"1\"", "aa"), NULL, "got text", 1 },
        { STRICT("0", "x", "1", "aa"), ",", "expected METRIC or METRIC,FILTER", 0 },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct duo_outcome_source from = pair_of(table[i].text, small, table[i].metric);
        from.format = "lm_eval";
        refused(from, table[i].line, table[i].want);
    }
    CHECK_INT(join(pair_of(STRICT("0", "x", "0", "aa") STRICT("7", "x", "1", "aa"), small, NULL)), DUO_OK);    /* a document twice in its task */
    CHECK_INT(o.n, 1);
    CHECK_NEAR(value(DUO_M_QUALITY, 0, 0), 0, 0);
    CHECK_HAS(o.note, "1 more were there a second time, the first in line 2");
    duo_outcomes_free(&o);
    refused(pair_of(small, STRICT("0", "x", "1", "zz"), NULL), 0, "nothing joins: 4 of 4 documents");
    refused((struct duo_outcome_source){ .n_files = 1, .files = (struct duo_outcome_file[]){ { NULL, file(0, small) } } }, 0, "recorded: { NAME: FILE, NAME: FILE }");
}

static void harness_cut(void)                                 /* at every byte: refused, or what is whole, never less */
{
    for (size_t cut = 0; cut <= sizeof small - 1; cut++) {
        struct duo_outcome_source from = pair_of(small, small, NULL);
        int whole;
        from.format = "lm_eval";
        write_n(1, small, cut);
        whole = lines_in(small, cut) + (cut > 0 && small[cut - 1] != '\n' && small[cut] == '\n');
        if (join(from) == DUO_OK) {
            CHECK_INT(o.n, whole);
            CHECK_INT(o.dropped, 3 - whole);
            CHECK(whole == 3 || *o.note);
            CHECK(cut == 0 || small[cut - 1] == '\n' || small[cut] == '\n');
            duo_outcomes_free(&o);
        } else {
            CHECK(err.text[0] && o.n == 0);
        }
    }
}

/* ---- logs of requests ---- */

static const char vllm[] =
    "{\"date\": \"20261121-120000\", \"endpoint_type\": \"vllm\", \"backend\": \"vllm\", \"label\": \"vllm\", \"model_id\": \"Qwen/Qwen3-32B\", \"tokenizer_id\": \"Qwen/Qwen3-32B\", "
    "\"num_prompts\": 4, \"request_rate\": \"inf\", \"burstiness\": 1.0, \"max_concurrency\": null, \"duration\": 3.5, \"completed\": 3, \"failed\": 1, "
    "\"total_input_tokens\": 60, \"total_output_tokens\": 33, \"request_throughput\": 1.1, \"request_goodput\": null, \"output_throughput\": NaN, "
    "\"input_lens\": [10, 20, 30, 40], \"output_lens\": [11, 0, 5, 17], \"ttfts\": [0.1, 0.0, 0.2, 0.1], \"itls\": [[0.01, 0.02], [], [0.5], [0.1]], "
    "\"start_times\": [1000.5, 1000.75, 1002.0, 1001.0], \"generated_texts\": [\"a ] }\", \"\", \"\\\"NaN\", \"d\"], \"errors\": [\"\", \"Traceback: 503\", \"\", \"\"], "
    "\"mean_ttft_ms\": 133.0}";

static const char litellm[] =
    "{\"id\": \"chatcmpl-1\", \"trace_id\": \"t-1\", \"call_type\": \"acompletion\", \"cache_hit\": null, \"status\": \"success\", \"startTime\": 1763726400.25, \"endTime\": 1763726402.5, "
    "\"completionStartTime\": 1763726400.75, \"model\": \"gpt-4o\", \"model_group\": \"gpt-4o\", \"prompt_tokens\": 120, \"completion_tokens\": 40, \"total_tokens\": 160, "
    "\"response_cost\": 0.0007, \"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"metadata\": {}}\n"
    "{\"id\": \"chatcmpl-2\", \"trace_id\": \"t-2\", \"call_type\": \"acompletion\", \"status\": \"failure\", \"startTime\": 1763726401.0, \"prompt_tokens\": 0, \"completion_tokens\": 0, "
    "\"model\": \"gpt-4o\", \"error_str\": \"429\"}\n"
    "{\"standard_logging_object\": {\"id\": \"chatcmpl-3\", \"session_id\": \"s\", \"call_type\": \"completion\", \"status\": \"success\", \"startTime\": 1763726403.25, \"prompt_tokens\": 300, "
    "\"completion_tokens\": 7, \"model\": \"gpt-4o-mini\"}}\n"
    "{\"id\": \"emb-4\", \"trace_id\": \"t-4\", \"call_type\": \"aembedding\", \"status\": \"success\", \"startTime\": 1763726404.0, \"prompt_tokens\": 9, \"completion_tokens\": 0, \"model\": \"ada\"}\n"
    /* a row of LiteLLM_SpendLogs: dates as text; earlier than the ones before it */
    "{\"request_id\": \"chatcmpl-5\", \"call_type\": \"acompletion\", \"spend\": 0.01, \"total_tokens\": 30, \"prompt_tokens\": 25, \"completion_tokens\": 5, "
    "\"startTime\": \"2025-11-21T12:00:01.250000+00:00\", \"endTime\": \"2025-11-21T12:00:02Z\", \"model\": \"gpt-4o\", \"session_id\": \"s\", \"status\": null}\n";

#define SPAN(span, start, attributes, tail)                                                                                              \
    "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"" span "\",\"parentSpanId\":\"\",\"name\":\"chat gpt-4o\",\"kind\":3,"            \
    "\"startTimeUnixNano\":" start ",\"endTimeUnixNano\":\"1763726402000000000\",\"attributes\":[" attributes "],\"status\":{" tail "}}"
#define TEXT(key, value)  "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define INT(key, value)   "{\"key\":\"" key "\",\"value\":{\"intValue\":" value "}}"
#define SPANS(list)       "{\"resourceSpans\":[{\"resource\":{\"attributes\":[" TEXT("service.name", "shop") "]},\"scopeSpans\":[{\"scope\":{},\"spans\":[" list "]}]}]}\n"
#define USAGE(in, out)    INT("gen_ai.usage.input_tokens", in) "," INT("gen_ai.usage.output_tokens", out)
#define CHAT              TEXT("gen_ai.operation.name", "chat") "," TEXT("gen_ai.request.model", "gpt-4o") ","

static const char otel[] =
    SPANS(SPAN("eee19b7ec3c1b174", "\"1763726400000000321\"", CHAT TEXT("gen_ai.conversation.id", "conv_1") "," USAGE("\"52\"", "\"47\""), "") ","
          SPAN("eee19b7ec3c1b175", "\"1763726400500000321\"", TEXT("http.request.method", "POST"), ""))
    SPANS(SPAN("eee19b7ec3c1b176", "\"1763726402000000321\"", CHAT TEXT("gen_ai.conversation.id", "conv_1") "," USAGE("97", "52"), "\"code\":1"))
    SPANS(SPAN("eee19b7ec3c1b177", "\"1763726403000000321\"", CHAT TEXT("error.type", "timeout"), "\"code\":2"))
    SPANS(SPAN("eee19b7ec3c1b178", "\"1763726404000000321\"", TEXT("gen_ai.operation.name", "embeddings") "," INT("gen_ai.usage.input_tokens", "\"9\""), "") ","
          SPAN("eee19b7ec3c1b179", "\"1763726404500000321\"", TEXT("gen_ai.operation.name", "invoke_agent") "," USAGE("\"500\"", "\"500\""), "") ","
          SPAN("eee19b7ec3c1b17a", "\"1763726405000000321\"", TEXT("gen_ai.system", "openai") "," INT("gen_ai.usage.prompt_tokens", "\"8\"") ","
               INT("gen_ai.usage.completion_tokens", "\"3\""), ""));

static bool arrive(const char *format, int64_t requests)
{
    err = (struct duo_err){ 0 };
    return duo_arrivals_trace(&arrivals, paths[0], format, 1, requests, &count, &err) == DUO_OK;
}

static void next_is(double at, int prompt, int output, int session, int turn)
{
    struct duo_arrival a = { .at = NAN };

    CHECK(duo_arrivals_next(arrivals, &a));
    CHECK_NEAR(a.at, at, 1e-6);
    CHECK_INT(a.prompt_tokens, prompt);
    CHECK_INT(a.output_tokens, output);
    CHECK_INT(a.session, session);
    CHECK_INT(a.turn, turn);
}

static void dropped_is(const char *why, int rows)
{
    for (int i = 0; i < count.n_dropped; i++)
        if (strcmp(count.dropped[i].why, why) == 0) {
            CHECK_INT(count.dropped[i].rows, rows);
            return;
        }
    CHECK_TEXT("dropped", why);
}

static void logs_as_arrivals(void)
{
    file(0, vllm);
    CHECK(arrive(NULL, 0));                                   /* vllm (1): found, in order of date */
    CHECK(count.read == 4 && count.emitted == 3 && count.inversions == 1);
    dropped_is("failed", 1);
    next_is(0, 10, 11, -1, 0);
    next_is(.5, 40, 17, -1, 0);
    next_is(1.5, 30, 5, -1, 0);
    duo_arrivals_free(arrivals);

    file(0, litellm);
    CHECK(arrive(NULL, 0));                                   /* litellm (1) to (3) */
    CHECK(count.read == 5 && count.emitted == 3 && count.inversions == 1);
    dropped_is("failed", 1);
    dropped_is("another call than a completion", 1);
    next_is(0, 120, 40, 0, 0);
    next_is(1, 25, 5, 1, 0);                                  /* 12:00:01.25 is 1763726401.25 */
    next_is(3, 300, 7, 1, 1);
    duo_arrivals_free(arrivals);

    file(0, otel);
    CHECK(arrive(NULL, 0));                                   /* otel (1) to (3) */
    CHECK(count.read == 7 && count.emitted == 3);
    dropped_is("failed", 1);
    dropped_is("no span of generative AI", 1);
    dropped_is("another operation than a chat or completion", 2);
    next_is(0, 52, 47, 0, 0);
    next_is(2, 97, 52, 0, 1);
    next_is(5, 8, 3, -1, 0);
    duo_arrivals_free(arrivals);
}

static void one(const char *text) { two[0] = (struct duo_outcome_file){ NULL, file(0, text) }; }

static const struct duo_outcome_source single = { .n_files = 1, .files = two };

static void logs_as_outcomes(void)
{
    one(litellm);
    CHECK_INT(join(single), DUO_OK);
    CHECK_TEXT(o.format, "litellm");
    CHECK(o.n == 3 && o.n_voices == 1 && o.value[DUO_M_QUALITY] == NULL);
    CHECK_TEXT(o.voices[0], "logged");
    CHECK_NEAR(o.prompt_tokens[row_of("chatcmpl-3")], 300, 0);
    CHECK_NEAR(value(DUO_M_TOKENS, row_of("chatcmpl-5"), 0), 5, 0);
    CHECK_HAS(o.note, "2 of 5 requests are none: 1 failed, 1 another call than a completion");
    CHECK_HAS(o.note, "2 models read as one voice, logged: gpt-4o, gpt-4o-mini");
    duo_outcomes_free(&o);

    one(otel);
    CHECK_INT(join(single), DUO_OK);
    CHECK_INT(o.n, 3);
    CHECK_NEAR(value(DUO_M_TOKENS, row_of("5b8efff798038103d269b633813fc60c/eee19b7ec3c1b176"), 0), 52, 0);
    duo_outcomes_free(&o);

    {                                                         /* two benchmarks of the same prompts, a voice each */
        struct duo_outcome_source from = pair_of(vllm, "{\"tokenizer_id\": \"x\", \"input_lens\": [10, 20, 31], \"output_lens\": [3, 4, 5], \"errors\": [\"\", \"\", \"\"]}", NULL);
        CHECK_INT(join(from), DUO_OK);
        CHECK_INT(o.n, 2);                                    /* prompts 0 and 2; 1 failed in the first, 3 is not in the second */
        CHECK_TEXT(o.voices[1], "big");
        CHECK_NEAR(value(DUO_M_TOKENS, row_of("2"), 1), 5, 0);
        CHECK_HAS(o.note, "1 of 7 requests are none: 1 failed");
        CHECK_HAS(o.note, "1 not by small, the first 1");
        CHECK_HAS(o.note, "1 not by big, the first 3");
        CHECK_HAS(o.note, "the prompts of 1 differ in length");
        duo_outcomes_free(&o);
    }
}

static void log_traps(void)
{
    static const struct { const char *format, *text, *want; int line; } table[] = {
        { "litellm", "{\"id\": \"a\", \"prompt_tokens\": 1, \"completion_tokens\": 1}\n", "no startTime", 1 },
        { "litellm", "{\"id\": \"a\", \"startTime\": \"yesterday\", \"completion_tokens\": 1}\n", "expected a date like", 1 },
        { "litellm", "{\"id\": \"a\", \"startTime\": 1763726400250, \"completion_tokens\": 1}\n", "expected seconds since 1970", 1 },
        { "litellm", "{\"id\": \"a\", \"startTime\": 1, \"prompt_tokens\": 1.5, \"completion_tokens\": 1}\n", "prompt_tokens: expected a whole number", 1 },
        { "litellm", "{\"id\": \"a\", \"startTime\": 1, \"prompt_tokens\": 1, \"completion_tokens\": -1}\n", "completion_tokens: expected a whole number", 1 },
        { "litellm", "{\"startTime\": 1, \"prompt_tokens\": 1, \"completion_tokens\": 1}\n", "neither id nor request_id", 1 },
        { "litellm", "[]\n", "expected a JSON object a line", 1 },
        { "litellm", "{\"id\": \"a\", \"startTime\": 1, \"prompt_tokens\": null, \"completion_tokens\": 1}\n", "1 read, none kept; the first reason: no token counts", 0 },
        { "litellm", otel, "expected LiteLLM's request log (format litellm); this looks like OpenTelemetry spans as lines of OTLP's JSON: format: otel", 1 },
        { "otel", litellm, "format: litellm", 1 },
        { "vllm", litellm, "format: litellm", 1 },
        { "otel", "{\"resourceLogs\": []}\n", "export spans", 1 },
        { "otel", "{\"spans\": []}\n", "no resourceSpans", 1 },
        { "otel", SPANS(SPAN("a", "1.5", "", "")), "startTimeUnixNano", 1 },
        { "otel", SPANS(SPAN("a", "\"17637264000000003x\"", "", "")), "startTimeUnixNano", 1 },
        { "otel", SPANS(SPAN("a", "\"1\"", USAGE("\"many\"", "\"1\""), "")), "gen_ai.usage.input_tokens: expected an intValue", 1 },
        { "otel", SPANS(SPAN("a", "\"1\"", "{\"value\":{}}", "")), "an attribute has no key", 1 },
        { "otel", SPANS(SPAN("a", "\"1\"", CHAT "{\"key\":\"x\",\"value\":{}}", "")), "none kept; the first reason: no token counts", 0 },
        { "vllm", "{\"tokenizer_id\": \"x\", \"request_throughput\": 1, \"completed\": 3}", "no input_lens: vllm bench serve writes it with --save-detailed", 0 },
        { "vllm", "{\"input_lens\": [1, 2], \"output_lens\": [1], \"errors\": []}", "output_lens has 1 items, input_lens 2", 0 },
        { "vllm", "{\"input_lens\": [1, 2.5], \"output_lens\": [1, 1]}", "input_lens: item 1: expected a whole number", 0 },
        { "vllm", "{\"input_lens\": 3, \"output_lens\": [1]}", "input_lens: expected a list", 0 },
        { "vllm", "{\"input_lens\": [1], \"output_lens\": [1], \"start_times\": [\"now\"]}", "start_times: item 0: expected seconds", 0 },
        { "vllm", "{\"input_lens\": [1], \"output_lens\": [1]}\n{\"input_lens\": [1], \"output_lens\": [1]}", "end of file expected", 2 },
        { "vllm", "[{\"input_lens\": [1], \"output_lens\": [1]}]", "expected one JSON object", 1 },
        { "vllm", "{\"input_lens\": [1], \"output_lens\": [1], \"errors\": [\"503\"]}", "none kept; the first reason: failed", 0 },
        { "vlm", vllm, "did you mean \"vllm\"?", 0 },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct duo_outcome_source from = single;
        from.format = table[i].format;
        one(table[i].text);
        refused(from, table[i].line, table[i].want);
        CHECK(!arrive(table[i].format, 0));                   /* and the same as arrivals */
        CHECK(err.text[0]);
    }
    file(0, "{\"input_lens\": [1], \"output_lens\": [1]}");
    CHECK(!arrive("vllm", 0));
    CHECK_HAS(err.text, "no start_times");
    file(0, "{\"input_lens\": [1, 1], \"output_lens\": [1, 1], \"start_times\": [5, 5.5], \"queue_times\": [0, 0.25]}");
    CHECK(arrive("vllm", 0));                                 /* vllm (1): what the client held back */
    next_is(0, 1, 1, -1, 0);
    next_is(.25, 1, 1, -1, 0);
    duo_arrivals_free(arrivals);
    one("{\"some\": \"thing\"}\n");
    refused(single, 1, "JSON of no format that is known");
    one(vllm);
    refused((struct duo_outcome_source){ .n_files = 1, .files = two, .metric = "acc" }, 0, "metric is for format lm_eval");
}

static void log_cut(const char *format, const char *text)
{
    size_t n = strlen(text);
    bool lines = strchr(text, '\n') != NULL;

    for (size_t cut = 0; cut < n; cut++) {
        int64_t whole = lines_in(text, cut), all = 0;
        one(text);
        write_n(0, text, cut);
        if (arrive(format, 0)) {
            CHECK(lines && (text[cut - 1] == '\n' || text[cut] == '\n'));
            CHECK(count.read == count.emitted + (count.n_dropped ? count.read - count.emitted : 0) && count.read >= whole);
            all = count.emitted;
            duo_arrivals_free(arrivals);
            struct duo_outcome_source from = single;
            from.format = format;
            CHECK_INT(join(from), DUO_OK);
            CHECK_INT(o.n, all);                              /* both ways of reading keep the same */
            duo_outcomes_free(&o);
        } else {
            CHECK(err.text[0]);
        }
    }
}

/* ---- a table of one's own ---- */

static struct duo_outcome_column columns[12];

/* "query=id model=m score=acc" */
static struct duo_outcome_source table_of(const char *text, const char *what)
{
    static char copy[300];
    struct duo_outcome_source from = { .n_files = 1, .files = two, .columns = columns };
    char *rest = copy;

    one(text);
    snprintf(copy, sizeof copy, "%s", what);
    for (char *word; (word = strsep(&rest, " "));) {
        char *is = strchr(word, '=');
        *is = 0;
        columns[from.n_columns++] = (struct duo_outcome_column){ word, is + 1 };
    }
    return from;
}

static void long_table(void)                                  /* columns (1) (3) (4) (5) */
{
    static const char what[] = "query=id model=m score=acc prompt_tokens=pt tokens=out split=part f:hard=h s:router=r";

    CHECK_INT(join(table_of("id;m;pt;acc;out;part;h;r;free\nq1;small;12;True;7;train;1;0.25;x\nq2;big;5;0.5;9;test;2;;x\nq1;big;12;0.75;;train;1;0.25;x\n"
                            "q2;small;6;false;3;test;2;;x\nq3;small;6;0;3;test;2;;x\n", what)), DUO_OK);
    CHECK_TEXT(o.format, "csv");
    CHECK_INT(o.n, 2);
    CHECK_TEXT(o.voices[0], "small");
    CHECK_NEAR(value(DUO_M_QUALITY, row_of("q1"), 0), 1, 0);
    CHECK_NEAR(value(DUO_M_QUALITY, row_of("q2"), 0), 0, 0);
    CHECK_NEAR(value(DUO_M_QUALITY, row_of("q2"), 1), .5, 0);
    CHECK_NEAR(value(DUO_M_TOKENS, row_of("q1"), 1), NAN, 0);
    CHECK_NEAR(value(DUO_M_TOKENS, row_of("q1"), 0), 7, 0);
    CHECK(o.split[0] == 1 && o.split[1] == 0);
    CHECK_TEXT(o.features[0], "hard");
    CHECK_TEXT(o.scores[0], "router");
    CHECK_NEAR(o.feature[1], 2, 0);
    CHECK_NEAR(o.score[0], .25, 0);
    CHECK_NEAR(o.score[1], NAN, 0);
    CHECK_NEAR(o.prompt_tokens[row_of("q2")], 5, 0);
    CHECK_HAS(o.note, "1 of 3 queries were not answered by every model and are left out: 1 not by big, the first q3 (line 6)");
    CHECK_HAS(o.note, "the prompts of 1 differ in length");
    duo_outcomes_free(&o);
}

static void wide_table(void)                                  /* columns (2) (3) (5) */
{
    CHECK_INT(join(table_of("\"id\"\tsmall_acc\tbig_acc\tsmall_len\tbig_len\tpt\nq1\t0.5\t1\t10\t20\t7\nq2\t0\t1\t\t21\t8\n",
                            "query=id score=NAME_acc tokens=NAME_len prompt_tokens=pt")), DUO_OK);
    CHECK_INT(o.n, 2);
    CHECK_TEXT(o.voices[1], "big");
    CHECK_NEAR(value(DUO_M_QUALITY, 0, 0), .5, 0);
    CHECK_NEAR(value(DUO_M_TOKENS, 1, 1), 21, 0);
    CHECK_NEAR(value(DUO_M_TOKENS, 1, 0), NAN, 0);
    CHECK_NEAR(o.prompt_tokens[1], 8, 0);
    CHECK_TEXT(o.note, "");
    duo_outcomes_free(&o);
    CHECK_INT(join(table_of("id,pt,m-7b,g-4\nq1,7,0,1\n", "query=id score=NAME prompt_tokens=pt")), DUO_OK);    /* every other column */
    CHECK_INT(o.n_voices, 2);
    CHECK_TEXT(o.voices[0], "m-7b");
    duo_outcomes_free(&o);
    CHECK_INT(join(table_of("id,pt,a,b\nq1,7,5,6\n", "query=id tokens=NAME prompt_tokens=pt")), DUO_OK);        /* (4): lengths alone */
    CHECK(o.value[DUO_M_QUALITY] == NULL);
    duo_outcomes_free(&o);
}

static void table_traps(void)                                 /* columns (6), and what is not there */
{
    static const struct { const char *text, *what, *want; int line; } table[] = {
        { "id,m,acc\nq,a,1\n", "model=m score=acc", "query is missing", 0 },
        { "id,m,acc\nq,a,1\n", "query=idd model=m score=acc", "no column \"idd\" (did you mean \"id\"?)", 1 },
        { "id,m,acc\nq,a,1\n", "query=id model=m score=ac", "did you mean \"acc\"?", 1 },
        { "id,m,acc\nq,a,1\nq,a,0\n", "query=id model=m score=acc", "query \"q\" has a second row of model \"a\": before in line 2", 3 },
        { "id,a,b\nq,1,1\nq,1,0\n", "query=id score=NAME", "there twice: before in line 2; a row a model?", 3 },
        { "id,m,acc\nq,a,1\nq,,1\n", "query=id model=m score=acc", "the model's name is missing", 3 },
        { "id,m,acc\n,a,1\n", "query=id model=m score=acc", "the query's id is missing", 2 },
        { "id,m,acc\nq,a,\n", "query=id model=m score=acc", "a number was expected", 2 },
        { "id,m,acc\nq,a,55\n", "query=id model=m score=acc", "from 0 to 1 was expected, got 55", 2 },
        { "id,m,acc\nq,a,TRUE\n", "query=id model=m score=acc", "a number was expected, got \"TRUE\"", 2 },
        { "id,m,acc,n\nq,a,1,0\n", "query=id model=m score=acc tokens=n", "from 1 to 1e+09", 2 },
        { "id,m,acc,s\nq,a,1,val\n", "query=id model=m score=acc split=s", "\"train\" or \"test\"", 2 },
        { "id,m,acc\n", "query=id model=m score=acc", "no rows", 1 },
        { "", "query=id model=m score=acc", "the file is empty", 1 },
        { "id,acc\nq,1\n", "query=id score=acc", "columns: score: acc: whose?", 1 },
        { "id,pt\nq,1\n", "query=id prompt_tokens=pt", "whose answers are they?", 1 },
        { "id,a_acc\nq,1\n", "query=id score=NAME_f1", "no column is called like NAME_f1", 1 },
        { "id,a_acc,b_acc,a_len\nq,1,1,2\n", "query=id score=NAME_acc tokens=NAME_len", "no column \"b_len\"", 1 },
        { "id,m,acc\nq,a,1\nr,b,1\n", "query=id model=m score=acc", "nothing joins: 2 of 2 queries", 0 },
        { "id,m,acc\nq,a,1\n", "query=id model=m score=acc quality=acc", "unknown key quality", 0 },
        { "id,m,acc\nq,a\n", "query=id model=m score=acc", "2 cells where the header has 3", 2 },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) refused(table_of(table[i].text, table[i].what), table[i].line, table[i].want);
    one("id,m\nq,a\n");
    refused((struct duo_outcome_source){ .n_files = 1, .files = two, .format = "csv" }, 0, "format csv needs columns");
    refused((struct duo_outcome_source){ .n_files = 1, .files = two, .format = "duosim", .columns = columns, .n_columns = 1 }, 0, "columns are for format csv");
    {
        struct duo_outcome_source from = pair_of("query_id,prompt_tokens,a|score\nx,1,1\n", "query_id,prompt_tokens,b|score\nx,1,1\n", NULL);
        refused(from, 0, "format duosim is one file");
    }
}

static void table_cut(void)
{
    static const char text[] = "id,m,acc\nq1,a,0.5\nq1,b,1\nq2,a,1\nq2,b,0.25\n";

    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        struct duo_outcome_source from = table_of(text, "query=id model=m score=acc");
        write_n(0, text, cut);
        if (join(from) == DUO_OK) {
            CHECK_INT(o.read, o.n + o.dropped);
            CHECK(o.n == 2 || *o.note || cut < 28);           /* a last cell cut short may still be a number: CSV has no end mark */
            duo_outcomes_free(&o);
        } else {
            CHECK(err.text[0]);
        }
    }
}

/* ---- as answers ---- */

static void as_answers(void)
{
    struct duo_outcome_source from = pair_of(small, big, NULL);
    struct duo_recorded_spec spec = { .path = from.files[0].path, .n_files = 2, .files = from.files, .chars_per_token = 4, .train_share = 0 };
    struct duo_answers *a;
    struct duo_query q;

    err = (struct duo_err){ 0 };
    CHECK_INT(duo_answers_recorded(&a, &spec, &err), DUO_OK);
    CHECK_INT(a->n_queries, 2);
    CHECK_TEXT(a->quality_status, "recorded");
    CHECK_HAS(a->note, "2 of 4 documents");
    CHECK_HAS(a->label, ", ");
    a->kind->query(a, 0, &q);
    CHECK_INT(q.prompt_tokens, 3);                            /* 9 characters, 4 a token */
    CHECK_INT(a->kind->length(a, 0, 1), 3);
    duo_answers_free(a);

    one(litellm);
    spec = (struct duo_recorded_spec){ .path = paths[0] };
    CHECK_INT(duo_answers_recorded(&a, &spec, &err), DUO_OK);
    CHECK_TEXT(a->quality_status, "unknown");
    CHECK(!(a->caps & DUO_CAP_OUTCOME) && (a->caps & DUO_CAP_LENGTH));
    {
        struct duo_text_path own = { .query = 0, .n = 1, .ended = true, .segment = { { .voice = 0, .from = 0, .to = 40 } } };
        const char *why = NULL;
        CHECK_NEAR(a->kind->grade(a, &own, &why), NAN, 0);
        CHECK_HAS(why, "no outcome of this answer was recorded");
    }
    duo_answers_free(a);
}

int main(void)
{
    for (int i = 0; i < 3; i++) snprintf(paths[i], sizeof paths[i], "/tmp/duosim-logs-%ld-%d", (long)getpid(), i);
    harness();
    harness_filters();
    harness_kinds();
    harness_traps();
    harness_cut();
    logs_as_arrivals();
    logs_as_outcomes();
    log_traps();
    log_cut("vllm", vllm);
    log_cut("litellm", litellm);
    log_cut("otel", otel);
    long_table();
    wide_table();
    table_traps();
    table_cut();
    as_answers();
    for (int i = 0; i < 3; i++) unlink(paths[i]);
    return check_done();
}
