/* Tables of outcomes and accept lists (traces/outcomes/outcomes.h): small files by hand, bad ones, and, where DUOSIM_DATA
 * points to them, what the recorded files are known to say. */
#include "traces/outcomes/outcomes.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"

static char path[64];

static const char *file(const char *text)
{
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f) fclose(f);
    return path;
}

static double value(const struct duo_outcomes *o, enum duo_measure m, int row, int voice) { return o->value[m][row * o->n_voices + voice]; }

static void our_own(void)
{
    struct duo_outcomes o;
    struct duo_err err = { 0 };

    CHECK_INT(duo_outcomes_read(&o, file("query_id,prompt_tokens,small|score,small|tokens,big|score,big|tokens,small|confidence,f:words,s:router,split,big|cost\n"
                                         "a,12,0.5,7,1,20,0.25,3,0.9,train,0.001\n"
                                         "b,1,0,1,1,2,,4,,test,\n"), NULL, &err), DUO_OK);
    CHECK_TEXT(o.format, "duosim");
    CHECK_INT(o.n, 2);
    CHECK(o.read == 2 && o.emitted == 2 && o.dropped == 0);
    CHECK_INT(o.n_voices, 2);
    CHECK_TEXT(o.voices[0], "small");
    CHECK_TEXT(o.voices[1], "big");
    CHECK_TEXT(o.features[0], "words");
    CHECK_TEXT(o.scores[0], "router");
    CHECK_NEAR(value(&o, DUO_M_QUALITY, 0, 0), .5, 0);
    CHECK_NEAR(value(&o, DUO_M_TOKENS, 1, 1), 2, 0);
    CHECK_NEAR(value(&o, DUO_M_CONFIDENCE, 0, 0), .25, 0);
    CHECK_NEAR(value(&o, DUO_M_CONFIDENCE, 0, 1), NAN, 0);    /* (2): big has no such column */
    CHECK_NEAR(value(&o, DUO_M_CONFIDENCE, 1, 0), NAN, 0);    /* (2): an empty cell */
    CHECK_NEAR(value(&o, DUO_M_COST, 0, 1), .001, 0);
    CHECK_NEAR(o.score[1], NAN, 0);
    CHECK_NEAR(o.feature[1], 4, 0);
    CHECK(o.split[0] == 1 && o.split[1] == 0 && o.value[DUO_M_CHARS] == NULL);
    duo_outcomes_free(&o);
}

static void formats_of_others(void)
{
    struct duo_outcomes o;
    struct duo_err err = { 0 };

    CHECK_INT(duo_outcomes_read(&o, file("sample_id,eval_name,prompt_chars,m-7b|score,m-7b|cost,m-7b|resp_chars,g-4|score,g-4|cost,g-4|resp_chars,oracle_model_to_route_to\r\n"
                                         "mmlu.1,mmlu,291,0.0,2.19e-05,7,1.0,0.00074,5,g-4\r\n"), NULL, &err), DUO_OK);
    CHECK_TEXT(o.format, "routerbench");
    CHECK_TEXT(o.voices[1], "g-4");
    CHECK_NEAR(value(&o, DUO_M_COST, 0, 0), 2.19e-5, 0);
    CHECK_NEAR(value(&o, DUO_M_CHARS, 0, 1), 5, 0);
    CHECK_NEAR(o.prompt_chars[0], 291, 0);
    CHECK_TEXT(o.features[0], "prompt_chars");
    duo_outcomes_free(&o);

    CHECK_INT(duo_outcomes_read(&o, file("qid,contaminated,prompt_chars,prompt_words,weak_correct,strong_correct,weak_response_chars,strong_response_chars\n"
                                         "g-0,1,280,52,1,1,233,262\ng-1,0,121,25,0,1,228,301\n"), "routellm", &err), DUO_OK);
    CHECK_INT(o.n, 1);
    CHECK(o.read == 2 && o.emitted == 1 && o.dropped == 1);
    CHECK_TEXT(o.why, "contaminated");
    CHECK_TEXT(o.id[0], "g-1");
    CHECK_NEAR(value(&o, DUO_M_QUALITY, 0, 1), 1, 0);
    CHECK_INT(o.n_features, 2);
    CHECK_NEAR(o.feature[1], 25, 0);
    duo_outcomes_free(&o);

    CHECK_INT(duo_outcomes_read(&o, file("qid,task,prompt_chars,codegemma-7b,qwen2.5-7b\nt-0,,779,0.0,0.25\n"), NULL, &err), DUO_OK);
    CHECK_TEXT(o.format, "llmrouter");
    CHECK_TEXT(o.voices[1], "qwen2.5-7b");
    CHECK_NEAR(value(&o, DUO_M_QUALITY, 0, 1), .25, 0);
    duo_outcomes_free(&o);
}

static void bad_tables(void)                                  /* (1) */
{
    static const struct { const char *text, *format, *want; int line, column; } table[] = {
        { "", NULL, "empty", 1, 0 },
        { "query_id,prompt_tokens,a|score\n", NULL, "no rows", 1, 0 },
        { "qid,contaminated,prompt_chars,weak_correct,strong_correct,weak_response_chars,strong_response_chars\nx,1,2,1,1,3,4\n", NULL, "left out", 1, 0 },
        { "foo,bar\n1,2\n", NULL, "no format that is known", 1, 0 },
        { "query_id,prompt_tokens,a|score\nx,1,1\n", "routerbnch", "did you mean \"routerbench\"?", 0, 0 },
        { "query_id,prompt_tokens,a|score\nx,1,abc\n", NULL, "column \"a|score\": a number was expected, got \"abc\"", 2, 5 },
        { "query_id,prompt_tokens,a|score\nx,1,\n", NULL, "column \"a|score\"", 2, 5 },
        { "query_id,prompt_tokens,a|score\nx,1,1\ny,1,1.5\n", NULL, "from 0 to 1", 3, 5 },
        { "query_id,prompt_tokens,a|score\nx,1,nan\n", NULL, "a number was expected", 2, 5 },
        { "query_id,prompt_tokens,a|score\nx,1\n", NULL, "2 cells", 2, 0 },
        { "query_id,prompt_tokens,a|score\nx,1,1\ny,1,1\nx,2,0\n", NULL, "\"x\" is there twice: before in line 2", 4, 0 },
        { "query_id,prompt_tokens,a|score,b|tokens\nx,1,1,4\n", NULL, "no column \"b|score\"", 1, 0 },
        { "query_id,prompt_tokens,a|score,a|token\nx,1,1,4\n", NULL, "did you mean \"tokens\"?", 1, 32 },
        { "query_id,prompt_token,a|score\nx,1,1\n", NULL, "did you mean \"prompt_tokens\"?", 1, 10 },
        { "query_id,a|score\nx,1\n", NULL, "neither \"prompt_tokens\"", 1, 1 },
        { "queryid,prompt_tokens,a|score\nx,1,1\n", NULL, "did you mean \"queryid\"?", 1, 0 },
        { "query_id,prompt_tokens,a|score,split\nx,1,1,val\n", NULL, "\"train\" or \"test\"", 2, 7 },
        { "query_id,prompt_tokens,a|score,words\nx,1,1,3\n", NULL, "f:words", 1, 32 },
        { "query_id,prompt_tokens,a|score\n,1,1\n", NULL, "id is missing", 2, 1 },
        { "sample_id,eval_name,prompt_chars,a|score,a|cost\nx,m,3,1,0\n", NULL, "no column \"a|resp_chars\"", 1, 0 },
        { "qid,contaminated,prompt_chars,weak_correct,weak_response_chars,strong_response_chars\nx,0,2,1,3,4\n", NULL, "no column \"strong_correct\"", 1, 0 },
        { "qid,task,prompt_chars\nx,t,4\n", NULL, "no model's column", 1, 1 },
        { "question_id,accept_lengths\n1,2 2\n", NULL, "hold no outcomes", 0, 0 },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct duo_outcomes o;
        struct duo_err err = { 0 };
        CHECK_INT(duo_outcomes_read(&o, file(table[i].text), table[i].format, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, table[i].want);
        CHECK_INT(err.line, table[i].line);
        if (table[i].column) CHECK_INT(err.column, table[i].column);
        if (err.line) CHECK_TEXT(err.file, path);
        CHECK(o.n == 0 && o.id == NULL);
    }
    {
        struct duo_outcomes o;
        struct duo_err err = { 0 };
        CHECK_INT(duo_outcomes_read(&o, "/nowhere/at/all.csv", NULL, &err), DUO_BAD_INPUT);
        CHECK_TEXT(err.file, "/nowhere/at/all.csv");
    }
}

static void ranks_are(const struct duo_accept_list *list, const char *want)    /* one digit a position */
{
    char got[100] = "";
    for (int i = 0; i < list->tokens && i < 99; i++) got[i] = (char)('0' + list->rank[i]);
    CHECK_TEXT(got, want);
}

static void accept_lists(void)                                /* (3) */
{
    struct duo_accepts a;
    struct duo_err err = { 0 };

    CHECK_INT(duo_accepts_read(&a, file("question_id,category,turn_steps,turn_new_tokens,turn_wall_s,accept_lengths,prompt_chars\n"
                                        "81,writing,3 1,6 2,1.5 2.5,1 3 2 2,100\n"
                                        "82,writing,2,5,1.5,4 1,60\n"), &err), DUO_OK);
    CHECK_INT(a.n, 3);
    CHECK(a.read == 2 && a.emitted == 2);
    ranks_are(&a.list[0], "211210");                          /* 1 | 3 = two agreements, one not | 2, its end not known */
    ranks_are(&a.list[1], "10");
    ranks_are(&a.list[2], "11100");                           /* 4 is the file's longest: the draft may have run out */
    CHECK(a.list[0].turn == 0 && a.list[1].turn == 1 && a.list[0].turns == 2 && a.list[2].turns == 1);
    CHECK_TEXT(a.list[1].id, "81");
    CHECK_INT(a.list[0].steps, 3);
    CHECK_INT(a.list[0].censored, 0);
    CHECK_INT(a.list[2].censored, 1);
    CHECK_NEAR(a.list[0].prompt_chars, 50, 0);
    duo_accepts_free(&a);

    CHECK_INT(duo_accepts_read(&a, file("id,accept_lengths,draft_lengths\nx,3 4 1 2,2 8 0 5\n"), &err), DUO_OK);
    ranks_are(&a.list[0], "1101112010");                      /* 3 of a draft of 2, 1 of a draft of 0: ran out */
    CHECK_INT(a.list[0].censored, 2);
    duo_accepts_free(&a);

    CHECK_INT(duo_accepts_read(&a, file("query_id,ranks\nx,1 1 7 1 0 900 1\n"), &err), DUO_OK);
    CHECK_INT(a.list[0].tokens, 7);
    CHECK_INT(a.list[0].rank[2], 7);
    CHECK_INT(a.list[0].rank[5], 255);
    CHECK_INT(a.list[0].censored, 1);
    duo_accepts_free(&a);
}

static void bad_accept_lists(void)
{
    static const struct { const char *text, *want; int line, column; } table[] = {
        { "question_id,accept_lengths\n", "no rows", 1, 0 },
        { "question_id,accept_length\n1,2\n", "did you mean \"accept_length\"?", 1, 0 },
        { "question,accept_lengths\n1,2\n", "no column \"query_id\"", 1, 0 },
        { "question_id,accept_lengths\n1,2 x 3\n", "item 2: a whole number from 1 was expected, got \"x\"", 2, 3 },
        { "question_id,accept_lengths\n1,2 0\n", "item 2", 2, 3 },
        { "question_id,accept_lengths\n1,\n", "the list is empty", 2, 3 },
        { "question_id,accept_lengths\n,3\n", "id is missing", 2, 1 },
        { "question_id,accept_lengths\n1,3\n1,3\n", "\"1\" is there twice: before in line 2", 3, 0 },
        { "question_id,turn_steps,accept_lengths\n1,1 1,3\n", "other numbers", 2, 7 },
        { "question_id,turn_steps,accept_lengths\n1,1 1,3 1 1\n", "other numbers", 2, 7 },
        { "question_id,turn_steps,turn_new_tokens,accept_lengths\n1,1,4,3\n", "turn 1 has 4 tokens here, and 3 by its steps", 2, 5 },
        { "question_id,accept_lengths,draft_lengths\n1,3 1,1 1\n", "2 tokens were accepted of a draft of 1", 2, 7 },
        { "question_id,accept_lengths,draft_lengths\n1,3 1,4\n", "1 drafts where", 2, 7 },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct duo_accepts a;
        struct duo_err err = { 0 };
        CHECK_INT(duo_accepts_read(&a, file(table[i].text), &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, table[i].want);
        CHECK_INT(err.line, table[i].line);
        if (table[i].column) CHECK_INT(err.column, table[i].column);
        CHECK(a.n == 0);
    }
}

static double mean(const struct duo_outcomes *o, const char *voice, const char *other)    /* of the better one, with another */
{
    double sum = 0;
    int v = 0, w = 0;

    while (v < o->n_voices - 1 && strcmp(o->voices[v], voice) != 0) v++;
    while (w < o->n_voices - 1 && strcmp(o->voices[w], other) != 0) w++;
    for (int i = 0; i < o->n; i++) sum += fmax(value(o, DUO_M_QUALITY, i, v), value(o, DUO_M_QUALITY, i, w));
    return sum / o->n;
}

/* What these files say, counted by others: RouteLLM's published 1,307 questions, RouterBench's and Spec-Bench's READMEs. */
static void recorded_files(const char *root)
{
    struct duo_outcomes o;
    struct duo_accepts a;
    struct duo_err err = { 0 };
    char name[512];
    double tokens = 0, steps = 0, longest = 0;

    snprintf(name, sizeof name, "%s/routellm_gsm8k/outcomes.csv", root);
    if (access(name, R_OK) != 0) {
        CHECK_SKIP("DUOSIM_DATA has no routellm_gsm8k");
        return;
    }
    CHECK_INT(duo_outcomes_read(&o, name, NULL, &err), DUO_OK);
    CHECK(o.read == 1319 && o.dropped == 12 && o.n == 1307);
    CHECK_NEAR(mean(&o, "weak", "weak"), .6373, 5e-5);
    CHECK_NEAR(mean(&o, "strong", "strong"), .8577, 5e-5);
    CHECK_NEAR(mean(&o, "weak", "strong"), .9296, 5e-5);
    duo_outcomes_free(&o);

    snprintf(name, sizeof name, "%s/routerbench_sample365/outcomes.csv", root);
    CHECK_INT(duo_outcomes_read(&o, name, NULL, &err), DUO_OK);
    CHECK(o.n == 365 && o.n_voices == 11 && o.dropped == 0);
    CHECK_NEAR(mean(&o, "mixtral-8x7b-chat", "mixtral-8x7b-chat"), .5596, 5e-5);
    CHECK_NEAR(mean(&o, "gpt-4-1106-preview", "gpt-4-1106-preview"), .7815, 5e-5);
    CHECK_NEAR(mean(&o, "mixtral-8x7b-chat", "gpt-4-1106-preview"), .8178, 5e-5);
    duo_outcomes_free(&o);

    snprintf(name, sizeof name, "%s/llmrouter_test500/outcomes.csv", root);
    CHECK_INT(duo_outcomes_read(&o, name, NULL, &err), DUO_OK);
    CHECK(o.n == 500 && o.n_voices == 9);
    duo_outcomes_free(&o);

    snprintf(name, sizeof name, "%s/specbench_sps68m/accept_lengths.csv", root);
    CHECK_INT(duo_accepts_read(&a, name, &err), DUO_OK);
    CHECK(a.read == 480 && a.n == 560);                       /* 80 of them have two turns */
    for (int i = 0; i < a.n; i++) {
        tokens += a.list[i].tokens, steps += a.list[i].steps;
        longest += a.list[i].censored;
    }
    CHECK_NEAR(steps, 36581, 0);
    CHECK_NEAR(tokens / steps, 2.5024, 5e-5);
    CHECK(longest > 150 && longest <= 189);                   /* 189 steps of 21 tokens; a turn's last one is not counted */
    duo_accepts_free(&a);
}

int main(void)
{
    const char *root = getenv("DUOSIM_DATA"), *temporary = getenv("TMPDIR");
    const char *const *names, *const *about;

    snprintf(path, sizeof path, "%s/duosim_outcomes_XXXXXX", temporary && strlen(temporary) < 30 ? temporary : "/tmp");
    close(mkstemp(path));
    CHECK_INT(duo_outcome_formats(&names, &about), 10);
    CHECK_TEXT(names[0], "duosim");
    our_own();
    formats_of_others();
    bad_tables();
    accept_lists();
    bad_accept_lists();
    unlink(path);
    if (root && *root) recorded_files(root);
    else               CHECK_SKIP("DUOSIM_DATA is not set: recorded files are not looked at");
    return check_done();
}
