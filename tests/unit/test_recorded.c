/* Recorded answers, what is filled in on top of them, scores that are joined, quantiles (models/answers: recorded.c, fill.c,
 * join.c by their requirements). */
#include "models/answers/answers.h"
#include "models/answers/path.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/text_laws.h"

static char path[2][64];

static const char *file(int which, const char *text)
{
    FILE *f = fopen(path[which], "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f) fclose(f);
    return path[which];
}

static struct duo_answers *load(struct duo_recorded_spec spec)
{
    struct duo_answers *a;
    struct duo_err err = { 0 };
    if (!check_one(duo_answers_recorded(&a, &spec, &err) == DUO_OK, __FILE__, __LINE__, "recorded answers are read")) {
        printf(": %s:%d: %s\n", err.file, err.line, err.text);
        exit(check_done());
    }
    return a;
}

static struct duo_written wrote(const struct duo_answers *a, int voice, const struct duo_text_path *from, int tokens)
{
    struct duo_written w;
    a->kind->write(a, &(struct duo_ask){ .voice = voice, .from = from, .tokens = tokens }, &w);
    return w;
}

static struct duo_verified verify(const struct duo_answers *a, int voice, const struct duo_text_path *base, const struct duo_text_path *draft)
{
    struct duo_verified v;
    a->kind->verify(a, voice, base, draft, &v);
    return v;
}

static double grade(const struct duo_answers *a, const struct duo_text_path *p, const char **why)
{
    *why = "";
    return a->kind->grade(a, p, why);
}

static const char OUTCOMES[] =
    "query_id,prompt_tokens,prompt_chars,small|score,small|tokens,small|confidence,big|score,big|tokens,f:words,s:mf,split\n"
    "a,12,50,0,7,.25,1,9,3,.5,train\n"
    "b,3,10,1,4,.75,.5,6,2,.25,test\n"
    "c,5,20,1,1,,0,2,1,,train\n";
static const char ACCEPTS[] = "query_id,accept_lengths,draft_lengths\na,1 3 4,9 9 9\nc,2 1,3 3\nb,1 1 2 2,5 5 5 1\n";

static void outcomes(void)
{
    struct duo_answers *a = load((struct duo_recorded_spec){ .path = file(0, OUTCOMES) });
    struct duo_text_path from = duo_path_empty(0), fused = duo_path_of(0, 0, 3, false);
    struct duo_written w = wrote(a, 0, &from, 0), part = wrote(a, 0, &from, 3);
    struct duo_query q;
    const char *why;

    CHECK_INT(a->n_queries, 3);
    CHECK_INT(a->caps, DUO_CAP_OUTCOME | DUO_CAP_LENGTH | DUO_CAP_CONFIDENCE | DUO_CAP_SCORES);
    CHECK_INT(duo_answers_voice(a, "big"), 1);
    CHECK_INT(duo_answers_voice(a, "bog"), -1);
    a->kind->query(a, 1, &q);
    CHECK_TEXT(q.name, "b");
    CHECK(q.prompt_tokens == 3 && !q.train && q.session == -1 && q.max_tokens == 0);
    CHECK_NEAR(q.prompt_bytes, 10, 0);                        /* (6) */
    CHECK_NEAR(q.features[1], 2, 0);                          /* after prompt_chars */
    CHECK_INT(w.tokens, 7);
    CHECK(w.path.ended && w.path.n == 1);
    CHECK_NEAR(w.certainty.mean, .25, 0);
    CHECK_NEAR(w.certainty.margin, NAN, 0);
    CHECK_NEAR(part.certainty.mean, NAN, 0);                  /* (3) */
    CHECK_INT(wrote(a, 0, &part.path, 0).tokens, 4);
    CHECK_NEAR(grade(a, &w.path, &why), 0, 0);
    CHECK_NEAR(grade(a, &part.path, &why), NAN, 0);           /* (1) */
    CHECK_HAS(why, "not complete");
    fused = wrote(a, 1, &fused, 0).path;
    CHECK(fused.n == 2 && fused.ended && duo_path_tokens(&fused) == 9);
    CHECK_NEAR(grade(a, &fused, &why), NAN, 0);
    CHECK_HAS(why, "nobody recorded");
    CHECK_NEAR(a->kind->score(a, 1, 0), .25, 0);
    CHECK_NEAR(a->kind->score(a, 2, 0), NAN, 0);
    CHECK_INT(verify(a, 1, &from, &part.path).accepted, 0);   /* no agreement is known */
    CHECK_TEXT(a->quality_status, "recorded");
    duo_answers_free(a);
}

static void lengths(void)                                     /* (2) */
{
    static const char table[] = "query_id,prompt_chars,a|score,a|chars,b|score\nx,9,1,17,0\n";
    struct duo_answers *a;
    struct duo_err err = { 0 };
    struct duo_query q;

    CHECK_INT(duo_answers_recorded(&a, &(struct duo_recorded_spec){ .path = file(0, table) }, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "tokens: chars/4");
    CHECK_INT(err.line, 2);
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_answers_recorded(&a, &(struct duo_recorded_spec){ .path = path[0], .chars_per_token = 4 }, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "the answer of b");
    CHECK(a == NULL);
    a = load((struct duo_recorded_spec){ .path = path[0], .chars_per_token = 4, .default_tokens = 33 });
    a->kind->query(a, 0, &q);
    CHECK_INT(q.prompt_tokens, 3);
    CHECK_INT(a->kind->length(a, 0, 0), 5);
    CHECK_INT(a->kind->length(a, 0, 1), 33);
    duo_answers_free(a);
    a = load((struct duo_recorded_spec){ .path = path[0], .chars_per_token = 4, .default_tokens = -1 });
    CHECK(!(a->caps & DUO_CAP_LENGTH));
    {
        struct duo_synthetic_voice voice = { "any", 0, .75, .7, .3, { DUO_FIXED, 44, 0 }, { DUO_FIXED, 0, 0 } };
        const char *why;
        struct duo_text_path from = duo_path_empty(0), text;
        a = duo_answers_fill(a, DUO_CAP_LENGTH, &(struct duo_synthetic_spec){ .n_voices = 1, .voices = &voice });
        CHECK_INT(a->kind->length(a, 0, 0), 5);
        CHECK_INT(a->kind->length(a, 0, 1), 44);
        text = wrote(a, 1, &from, 0).path;
        CHECK_INT(duo_path_tokens(&text), 44);
        CHECK_NEAR(grade(a, &text, &why), 0, 0);
    }
    duo_answers_free(a);
}

/* a: ranks 2 | 1 1 2 | 1 1 1 0; by hand. */
static void agreement(void)                                   /* (5), joined */
{
    struct duo_recorded_spec spec = { .accepts_drafter = "small", .accepts_verifier = "big" };
    struct duo_answers *a;
    struct duo_text_path from = duo_path_empty(0), at, draft, own;
    struct duo_verified v;
    const char *why;

    spec.path = file(0, OUTCOMES), spec.accepts = file(1, ACCEPTS);
    a = load(spec);
    CHECK(a->caps & DUO_CAP_AGREEMENT);
    CHECK_TEXT(a->signal_status, "recorded");                 /* only ends are censored: b's last draft ran out at the end */
    CHECK_INT(a->kind->length(a, 0, 1), 8);                   /* the list's own count */
    draft = wrote(a, 0, &from, 4).path;
    v = verify(a, 1, &from, &draft);
    CHECK_INT(v.accepted, 0);
    at = v.path;
    CHECK(at.n == 1 && at.segment[0].voice == 1 && at.segment[0].to == 1);
    draft = wrote(a, 0, &at, 1).path;                         /* a shorter draft than was recorded: agrees */
    v = verify(a, 1, &at, &draft);
    CHECK_INT(v.accepted, 1);
    CHECK_INT(duo_path_tokens(&v.path), 3);
    draft = wrote(a, 0, &at, 5).path;
    v = verify(a, 1, &at, &draft);
    CHECK_INT(v.accepted, 2);
    CHECK_INT(duo_path_tokens(&v.path), 4);
    CHECK_INT(a->kind->common(a, &draft, &v.path), 3);
    own = wrote(a, 1, &draft, 0).path;                        /* it disagreed at 3: off the record */
    CHECK_NEAR(grade(a, &own, &why), NAN, 0);
    at = draft;                                               /* [big 0..1)[small 1..6), big goes on, small drafts: nobody knows */
    duo_path_append(&at, (struct duo_segment){ .voice = 1 }, 7);
    draft = at;
    duo_path_append(&draft, (struct duo_segment){ .voice = 0 }, 9);
    CHECK_INT(verify(a, 1, &at, &draft).accepted, 0);         /* source.h (5) */
    own = v.path;
    draft = wrote(a, 0, &own, 3).path;                        /* three agreements, then the end */
    v = verify(a, 1, &own, &draft);
    CHECK_INT(v.accepted, 3);
    CHECK(v.path.ended && v.path.n == 1);
    CHECK_NEAR(grade(a, &v.path, &why), 1, 0);
    draft = duo_path_of(0, 1, 4, false);
    duo_path_append(&draft, (struct duo_segment){ .voice = 0 }, 7);
    own = wrote(a, 1, &draft, 0).path;                        /* big goes on behind what agreed: its own answer */
    CHECK(own.n == 1);
    CHECK_NEAR(grade(a, &own, &why), 1, 0);
    duo_answers_free(a);
}

static void agreement_refused(void)
{
    static const struct { const char *accepts, *drafter, *verifier, *want; } table[] = {
        { ACCEPTS, "smal", "big", "did you mean \"small\"?" },
        { ACCEPTS, "small", NULL, "verifier is missing" },
        { ACCEPTS, "big", "big", "the same model" },
        { "query_id,accept_lengths\na,1\nzz,2\nyy,3\n", "small", "big", "2 accept lists are for queries" },
        { "query_id,accept_lengths\na,1\n", "small", "big", "no accept list for query \"b\"" },
        { "query_id,accept_lengths\na,1.5\n", "small", "big", "item 1" },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct duo_answers *a;
        struct duo_err err = { 0 };
        struct duo_recorded_spec spec = { .accepts_drafter = table[i].drafter, .accepts_verifier = table[i].verifier };
        spec.path = file(0, OUTCOMES), spec.accepts = file(1, table[i].accepts);
        CHECK_INT(duo_answers_recorded(&a, &spec, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, table[i].want);
        CHECK(a == NULL);
    }
}

static int replay(const struct duo_answers *a, int query, int draft, double *tokens)
{
    struct duo_text_path p = duo_path_empty(query);
    int rounds = 0;

    for (; !p.ended; rounds++) {
        struct duo_text_path d = wrote(a, 0, &p, draft).path;
        p = verify(a, 1, &p, &d).path;
    }
    CHECK(p.n == 1 && p.segment[0].voice == 1 && duo_path_tokens(&p) == a->kind->length(a, query, 1));
    *tokens += duo_path_tokens(&p);
    return rounds;
}

static void accept_lists_alone(void)                          /* (5), by themselves */
{
    struct duo_answers *a;
    struct duo_err err = { 0 };
    struct duo_query q;
    double tokens = 0;
    const char *why;
    struct duo_text_path p;
    struct duo_recorded_spec spec = { .path = file(0, "question_id,turn_steps,accept_lengths\n81,3 1,1 3 2 2\n82,2,4 1\n") };

    CHECK_INT(duo_answers_recorded(&a, &spec, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "the prompt in tokens was not recorded");
    spec.default_tokens = 50;
    a = load(spec);
    CHECK_INT(a->n_queries, 3);
    CHECK_INT(a->caps, DUO_CAP_LENGTH | DUO_CAP_AGREEMENT);
    CHECK_TEXT(a->signal_status, "fitted");                   /* the 4 is the file's longest: censored */
    CHECK_TEXT(a->voices[0], "drafter");
    a->kind->query(a, 1, &q);
    CHECK_TEXT(q.name, "81/2");
    CHECK(q.session == 0 && q.turn == 1 && q.shared == 56 && q.prompt_tokens == 106);
    a->kind->query(a, 2, &q);
    CHECK_TEXT(q.name, "82");
    CHECK(q.session == -1 && q.prompt_tokens == 50);
    CHECK_INT(replay(a, 0, 0, &tokens), 3);
    CHECK_INT(replay(a, 1, 0, &tokens), 1);
    CHECK_INT(replay(a, 2, 0, &tokens), 2);
    CHECK_INT(replay(a, 2, 1, &tokens), 3);                   /* 4 1 by pieces of 1 + 1: 2 2 1 */
    p = duo_path_of(0, 1, 6, true);
    CHECK_NEAR(grade(a, &p, &why), NAN, 0);
    CHECK_HAS(why, "no outcome");
    duo_answers_free(a);
}

static void filled(void)
{
    static struct duo_synthetic_voice voice = { "any", 0, .8, .6, .2, { DUO_FIXED, 44, 0 }, { DUO_FIXED, 0, 0 } };
    struct duo_synthetic_spec spec = { .n_voices = 1, .voices = &voice, .slope = 1, .exit_floor = .4, .exit_harm = .5, .router_auc = .7 };
    struct duo_answers *a = load((struct duo_recorded_spec){ .path = file(0, OUTCOMES) });
    struct duo_text_path from = duo_path_empty(0);
    struct duo_written w, left;
    const char *why;

    a = duo_answers_fill(a, DUO_CAP_CONFIDENCE | DUO_CAP_AGREEMENT | DUO_CAP_EXITS | DUO_CAP_SCORES, &spec);
    a->seed = 5;
    CHECK_NEAR(wrote(a, 0, &from, 0).certainty.mean, .25, 0); /* fill.c (1): what is recorded stays */
    CHECK_INT(a->n_scores, 2);
    CHECK_TEXT(a->scores[1], "router");
    CHECK_NEAR(a->kind->score(a, 1, 0), .25, 0);
    CHECK(a->kind->score(a, 1, 1) > 0 && a->kind->score(a, 1, 1) < 1);
    CHECK_TEXT(a->signal_status, "assumed");
    CHECK_TEXT(a->quality_status, "assumed");                 /* (3) */
    a->kind->write(a, &(struct duo_ask){ .voice = 1, .from = &from, .exit_layer = 2, .layers = 32, .exit_above = .1 }, &left);
    w.path = left.path;
    {
        struct duo_text_path whole = wrote(a, 1, &from, 0).path;
        CHECK(a->kind->common(a, &w.path, &whole) < 9);
        CHECK_NEAR(grade(a, &whole, &why), 1, 0);
        CHECK(grade(a, &w.path, &why) < 1 && grade(a, &w.path, &why) > 0);
        CHECK_NEAR(fmod(log2(grade(a, &w.path, &why)), 1), 0, 1e-12);      /* a power of exit_harm */
    }
    duo_answers_free(a);
    a = load((struct duo_recorded_spec){ .path = path[0] });
    a->kind->write(a, &(struct duo_ask){ .voice = 1, .from = &from, .exit_layer = 2, .layers = 32, .exit_above = .1 }, &left);
    CHECK_NEAR(grade(a, &left.path, &why), NAN, 0);           /* exits that nobody recorded */
    CHECK_HAS(why, "leaving early");
    duo_answers_free(a);
}

static void filled_confidence_has_its_auc(void)               /* fill.c (1), (2) */
{
    static struct duo_synthetic_voice voice = { "any", 0, .8, .6, .2, { DUO_FIXED, 44, 0 }, { DUO_FIXED, 0, 0 } };
    struct duo_synthetic_spec spec = { .n_voices = 1, .voices = &voice, .slope = 1 };
    struct duo_answers *a;
    FILE *f = fopen(path[0], "w");
    double above = 0, pairs = 0, first = 0;
    static double mean[1000];

    CHECK(f != NULL);
    if (!f) return;
    fputs("query_id,prompt_tokens,better|score,better|tokens,worse|score,worse|tokens\n", f);
    for (int i = 0; i < 1000; i++) fprintf(f, "q%d,10,%d,20,%d,20\n", i, i % 3 > 0, i % 2);
    fclose(f);
    a = load((struct duo_recorded_spec){ .path = path[0] });
    a = duo_answers_fill(a, DUO_CAP_CONFIDENCE | DUO_CAP_AGREEMENT, &spec);
    a->seed = 11;
    for (int i = 0; i < 1000; i++) {
        struct duo_text_path from = duo_path_empty(i), other = duo_path_of(i, 0, 1, false), draft;
        mean[i] = wrote(a, 0, &from, 0).certainty.mean;
        draft = wrote(a, 1, &from, 1).path;
        first += a->kind->common(a, &draft, &other);
        other = duo_path_of(i, 0, 19, false);                 /* "worse" drafts for "better", though listed behind it */
        CHECK(wrote(a, 1, &other, 5).tokens == 5 || wrote(a, 1, &other, 5).path.ended);
    }
    CHECK_NEAR(first / 1000, .6, .06);
    for (int i = 0; i < 1000; i++)
        for (int k = 0; k < 1000; k++)
            if (i % 3 && k % 3 == 0) pairs++, above += mean[i] > mean[k];
    CHECK_NEAR(above / pairs, .8, .045);
    duo_answers_free(a);
}

static void random_texts(void)
{
    static struct duo_synthetic_voice voice = { "any", 0, .8, .9, .2, { DUO_FIXED, 44, 0 }, { DUO_FIXED, 0, 0 } };
    struct duo_synthetic_spec fill = { .n_voices = 1, .voices = &voice, .slope = 1, .exit_floor = .4, .exit_harm = .5 };
    struct duo_recorded_spec spec = { .accepts_drafter = "small", .accepts_verifier = "big" };
    struct duo_answers *a;

    spec.path = file(0, "query_id,prompt_tokens,small|score,small|tokens,other|score,other|tokens,big|score,big|tokens\n"
                        "a,1,1,20,.2,20,0,9\nb,1,.5,8,.3,9,.25,9\nc,1,.5,11,.3,20,.25,11\n");
    spec.accepts = file(1, "query_id,accept_lengths\na,3 1 7 9\nb,12\nc,11\n");
    a = load(spec);
    law_texts(a, 3, 1);
    a = duo_answers_fill(a, DUO_CAP_EXITS, &fill);            /* recorded agreement, declared exits */
    law_texts(a, 3, 2);
    duo_answers_free(a);
    spec.accepts = NULL;
    spec.path = file(0, "query_id,prompt_tokens,small|score,small|tokens,big|score,big|tokens\na,1,1,20,0,9\nb,1,.5,8,.25,9\nc,1,.5,11,.25,11\n");
    a = duo_answers_fill(load(spec), DUO_CAP_EXITS | DUO_CAP_CONFIDENCE | DUO_CAP_AGREEMENT, &fill);
    for (uint64_t seed = 0; seed < 30; seed++) a->seed = seed, law_texts(a, 3, seed);
    duo_answers_free(a);
}

static void joined(void)
{
    static const char *const places[] = { "device", "cloud" };
    struct duo_answers *a = load((struct duo_recorded_spec){ .path = file(0, OUTCOMES) });
    struct duo_err err = { 0 };
    int unmatched, s;
    double x;

    CHECK_INT(duo_answers_join(&a, "mine", file(1, "id,note,p\nc,x,3.5\na,y,-1\n"), "p", NULL, 0, &unmatched, &err), DUO_OK);
    CHECK_INT(unmatched, 1);
    s = duo_answers_score(a, "mine");
    CHECK_INT(s, 1);
    CHECK_NEAR(a->kind->score(a, 0, s), -1, 0);
    CHECK_NEAR(a->kind->score(a, 1, s), NAN, 0);
    CHECK_NEAR(a->kind->score(a, 2, s), 3.5, 0);
    CHECK_NEAR(a->kind->score(a, 0, 0), .5, 0);
    CHECK_INT(duo_answers_join(&a, "where", file(1, "query_id,place\na,cloud\nb,device\nc,cloud\n"), NULL, places, 2, &unmatched, &err), DUO_OK);
    CHECK_INT(unmatched, 0);
    CHECK_NEAR(a->kind->score(a, 0, duo_answers_score(a, "where")), 1, 0);
    CHECK_NEAR(a->kind->score(a, 1, duo_answers_score(a, "where")), 0, 0);
    {
        static const struct { const char *text, *column, *want; int line, names; } bad[] = {
            { "id,p\na,1\nzz,2\nyy,3\n", NULL, "2 rows are for queries that the answers have not; the first: \"zz\"", 3, 0 },
            { "id,p\na,x\n", NULL, "column \"p\": a number was expected", 2, 0 },
            { "id,p\na,1\na,2\n", NULL, "there twice: before in line 2", 3, 0 },
            { "id,score\na,1\n", "scor", "did you mean \"score\"?", 1, 0 },
            { "query,p\na,1\n", NULL, "no column \"query_id\"", 1, 0 },
            { "id,p\n", NULL, "no rows", 1, 0 },
            { "id\na\n", NULL, "no column follows", 1, 0 },
            { "id,p\na,clod\n", NULL, "\"clod\" is no place (did you mean \"cloud\"?)", 2, 2 },
        };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            struct duo_err e = { 0 };
            CHECK_INT(duo_answers_join(&a, "bad", file(1, bad[i].text), bad[i].column, bad[i].names ? places : NULL, bad[i].names, &unmatched, &e), DUO_BAD_INPUT);
            CHECK_HAS(e.text, bad[i].want);
            CHECK_INT(e.line, bad[i].line);
        }
        CHECK_INT(duo_answers_score(a, "bad"), -1);
        CHECK_INT(duo_answers_join(&a, "mf", path[1], NULL, NULL, 0, &unmatched, &err), DUO_BAD_INPUT);
    }
    CHECK_INT(duo_answers_quantile(a, "prompt_tokens", .5, &x, &err), DUO_OK);
    CHECK_NEAR(x, 5, 0);                                      /* train: 12 and 5 */
    CHECK_INT(duo_answers_quantile(a, "words", 1, &x, &err), DUO_OK);
    CHECK_NEAR(x, 3, 0);
    CHECK_INT(duo_answers_quantile(a, "mf", 1, &x, &err), DUO_OK);
    CHECK_NEAR(x, .5, 0);                                     /* c's is not known */
    CHECK_INT(duo_answers_quantile(a, "mf", 0, &x, &err), DUO_OK);
    CHECK(isinf(x) && x < 0);
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_answers_quantile(a, "promt_tokens", .5, &x, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "did you mean \"prompt_tokens\"?");
    duo_answers_free(a);
}

static void quantiles_of_many(void)
{
    static struct duo_synthetic_voice voice = { "any", 0, .8, .6, .2, { DUO_FIXED, 44, 0 }, { DUO_FIXED, 0, 0 } };
    struct duo_synthetic_spec spec = { .n_voices = 1, .voices = &voice, .slope = 1, .prompt_tokens = { DUO_UNIFORM, 1, 1000 }, .train_share = .5 };
    struct duo_answers *a = duo_answers_synthetic(&spec);
    struct duo_err err = { 0 };
    int unmatched;
    double x, y;

    CHECK_INT(duo_answers_quantile(a, "prompt_tokens", .3, &x, &err), DUO_OK);
    CHECK_NEAR(x, 300, 35);
    CHECK_INT(duo_answers_quantile(a, "prompt_tokens", .9, &y, &err), DUO_OK);
    CHECK_NEAR(y, 900, 25);
    CHECK_INT(duo_answers_join(&a, "mine", file(1, "id,p\n12,5\n3,7\n"), NULL, NULL, 0, &unmatched, &err), DUO_OK);
    CHECK_NEAR(a->kind->score(a, 12, 0), 5, 0);
    CHECK_NEAR(a->kind->score(a, 13, 0), NAN, 0);
    duo_answers_free(a);
    spec.train_share = 0;
    a = duo_answers_synthetic(&spec);
    CHECK_INT(duo_answers_quantile(a, "prompt_tokens", .3, &x, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "no train split");
    duo_answers_free(a);
}

/* Spec-Bench, Vicuna-68M for Vicuna-7B: replayed without a limit on drafts, the recorded steps to the last one. */
static void recorded_files(const char *root)
{
    char name[512];
    struct duo_answers *a;
    double tokens = 0, steps = 0, four = 0, unused = 0, train = 0;
    struct duo_query q;

    snprintf(name, sizeof name, "%s/specbench_sps68m/accept_lengths.csv", root);
    if (access(name, R_OK) != 0) {
        CHECK_SKIP("DUOSIM_DATA has no specbench_sps68m");
        return;
    }
    a = load((struct duo_recorded_spec){ .path = name, .default_tokens = 64, .train_share = .3 });
    for (int i = 0; i < a->n_queries; i++) {
        steps += replay(a, i, 0, &tokens);
        four  += replay(a, i, 4, &unused);
        a->kind->query(a, i, &q);
        train += q.train;
    }
    CHECK_NEAR(steps, 36581, 0);
    CHECK_NEAR(tokens / steps, 2.5024, 5e-5);
    CHECK(four > steps && four < 1.3 * steps);
    CHECK_NEAR(train / a->n_queries, .3, .06);
    duo_answers_free(a);

    snprintf(name, sizeof name, "%s/routerbench_sample365/outcomes.csv", root);
    a = load((struct duo_recorded_spec){ .path = name, .chars_per_token = 4, .train_share = .3 });
    {
        int weak = duo_answers_voice(a, "mixtral-8x7b-chat");
        double sum = 0;
        const char *why;
        for (int i = 0; i < a->n_queries; i++) {
            struct duo_text_path from = duo_path_empty(i), text = wrote(a, weak, &from, 0).path;
            sum += grade(a, &text, &why);
        }
        CHECK_NEAR(sum / a->n_queries, .5596, 5e-5);
    }
    duo_answers_free(a);
}

int main(void)
{
    const char *root = getenv("DUOSIM_DATA"), *temporary = getenv("TMPDIR");

    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/duosim_recorded_XXXXXX", temporary && strlen(temporary) < 30 ? temporary : "/tmp");
        close(mkstemp(path[i]));
    }
    outcomes();
    lengths();
    agreement();
    agreement_refused();
    accept_lists_alone();
    filled();
    filled_confidence_has_its_auc();
    random_texts();
    joined();
    quantiles_of_many();
    for (int i = 0; i < 2; i++) unlink(path[i]);
    if (root && *root) recorded_files(root);
    else               CHECK_SKIP("DUOSIM_DATA is not set: recorded files are not replayed");
    return check_done();
}
