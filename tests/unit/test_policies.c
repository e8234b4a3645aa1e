/* test_policies.c - every built-in policy through its requirements, by number, on fake_engine.c; then all of them
 * through 400 worlds in which anything may fail: each must end, once, with a text that was not taken back. */
#include "policies/policies.def"
#include "tests/check.h"
#include "tests/unit/fake_engine.h"

#define X(id, room) extern const struct duo_policy duo_policy_##id;
DUO_POLICIES(X)
#undef X

static struct fake_script s;

static void quiet(void) { s = fake_script(); }

static void set(const char *key, const char *value)
{
    int i = 0;

    while (s.params[i].key && strcmp(s.params[i].key, key) != 0) i++;
    s.params[i].key = key;
    s.params[i].value = value;
}

static void fails(duo_place at, int from, enum duo_failure why, int shown_first)
{
    s.place[at].fails_from = from;
    s.place[at].why = why;
    s.place[at].shown_first = shown_first;
}

static void check_run(const struct duo_policy *p, const char *log, int line)
{
    fake_run(p, &s);
    if (strcmp(fake.log, log) != 0 || fake.broken[0]) printf("%s, line %d: \"%s\" %s\n", p->name, line, fake.log, fake.broken);
    CHECK_TEXT(fake.log, log);
    CHECK_TEXT(fake.broken, "");
}

/* One run with the script as it stands: its calls. */
#define RUN(id, log) check_run(&duo_policy_##id, log, __LINE__)

/* init alone is refused, and says `part`. */
#define REFUSED(id, part) do { CHECK(fake_init(&duo_policy_##id, &s) != 0); CHECK_HAS(fake.refusal, part); } while (0)

static void edge_only(void)
{
    quiet();
    RUN(edge_only, "w0! A");                                 /* (1) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    fails(DUO_DEVICE, 1, DUO_NO_POWER, 0);
    RUN(edge_only, "w0! G");                                 /* (2) */
    CHECK_TEXT(fake.why, "no power");
}

static void cloud_only(void)
{
    quiet();
    RUN(cloud_only, "w1! A");                                /* (1) */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    set("at", "third");
    RUN(cloud_only, "w3! A");
    quiet();
    set("patience", "0.05");
    RUN(cloud_only, "w1!~ G");                               /* (2): the first token is there after 0.06 s */
    CHECK_TEXT(fake.why, "late");
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 7);
    RUN(cloud_only, "w1!~ G");
    CHECK_INT(fake.shown.n, 7);
    CHECK_TEXT(fake.why, "unreachable");
}

static void cloud_small(void)
{
    quiet();
    RUN(cloud_small, "w2! A");                               /* (1) (2) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    set("at", "third");
    RUN(cloud_small, "w3! A");
    quiet();
    s.no_small = true;
    REFUSED(cloud_small, "at: no place is called small");    /* (2) */
    quiet();
    fails(2, 1, DUO_REFUSED, 0);
    RUN(cloud_small, "w2! G");                               /* (3) */
    CHECK_TEXT(fake.why, "refused");
}

/* What all routers share: the other place answers when the chosen one fails, unless something was shown. */
static void second_try(const struct duo_policy *p, const char *before, bool strong)
{
    char log[64];

    fails(strong ? DUO_CLOUD : DUO_DEVICE, 1, DUO_UNREACHABLE, 0);
    snprintf(log, sizeof log, "%s%s A", before, strong ? "w1! w0!" : "w0! w1!");
    check_run(p, log, __LINE__);
    fails(strong ? DUO_CLOUD : DUO_DEVICE, 1, DUO_UNREACHABLE, 3);
    snprintf(log, sizeof log, "%s%s G", before, strong ? "w1!" : "w0!");
    check_run(p, log, __LINE__);
    CHECK_TEXT(fake.why, "unreachable");
    fails(strong ? DUO_CLOUD : DUO_DEVICE, 1, DUO_UNREACHABLE, 0);
    fails(strong ? DUO_DEVICE : DUO_CLOUD, 1, DUO_NO_MEMORY, 0);
    snprintf(log, sizeof log, "%s%s G", before, strong ? "w1! w0!" : "w0! w1!");
    check_run(p, log, __LINE__);
    CHECK_TEXT(fake.why, "no memory");
    s.place[0].fails_from = s.place[1].fails_from = 0;
    if (!strong) return;
    set("patience", "0.05");
    snprintf(log, sizeof log, "%sw1!~ w0! A", before);
    check_run(p, log, __LINE__);
}

static void random_(void)
{
    quiet();
    s.chance[0] = 0.3;
    set("share", "0.3");
    RUN(random, "w0! A");                                    /* (1): below, not at */
    set("share", "0.31");
    RUN(random, "w1! A");
    second_try(&duo_policy_random, "", true);                /* (2) */
    quiet();
    s.chance[0] = 0;
    set("share", "0");
    RUN(random, "w0! A");
    second_try(&duo_policy_random, "", false);
    quiet();
    s.chance[0] = 0.999999;
    set("share", "1");
    set("strong", "third");
    RUN(random, "w3! A");
    set("share", "1.1");
    REFUSED(random, "share");
}

static void prompt_length(void)
{
    quiet();
    s.quantile = 100;
    set("share", "0.3");
    RUN(prompt_length, "w0! A");                             /* (1): 100 is not more than 100 */
    CHECK_NEAR(fake.asked_q, 0.7, 1e-12);                    /* (2) */
    CHECK_TEXT(fake.asked_signal, "prompt_tokens");
    s.prompt_tokens = 101;
    RUN(prompt_length, "w1! A");
    second_try(&duo_policy_prompt_length, "", true);         /* (4) */
    quiet();
    set("share", "0");
    s.prompt_tokens = 1000000;
    RUN(prompt_length, "w0! A");                             /* (3) */
    set("share", "1");
    s.prompt_tokens = 0;
    RUN(prompt_length, "w1! A");                             /* (3) */
    quiet();
    set("above", "99");
    RUN(prompt_length, "w1! A");
    CHECK(isnan(fake.asked_q));
    set("share", "0.5");
    REFUSED(prompt_length, "share: give either");
}

static void threshold_router(void)
{
    quiet();
    RUN(threshold_router, "s0 w0! A");                       /* (1) (2): 0.5 is not above 0.5 */
    CHECK_TEXT(fake.asked_signal, "router");
    CHECK_NEAR(fake.asked_q, 0.5, 0);                        /* (3) */
    s.score = 0.51;
    RUN(threshold_router, "s0 w1! A");
    second_try(&duo_policy_threshold_router, "s0 ", true);   /* (5) */
    quiet();
    s.score = NAN;
    RUN(threshold_router, "s0 w0! A");                       /* (4) */
    s.scorer_fails = true;
    RUN(threshold_router, "s0 w0! A");                       /* (4) */
    set("share", "1");
    RUN(threshold_router, "s0 w1! A");                       /* (4) */
    quiet();
    s.score = 1e9;
    set("share", "0");
    RUN(threshold_router, "s0 w0! A");                       /* (3) */
    quiet();
    s.score = -1e9;
    set("share", "100e-2");
    RUN(threshold_router, "s0 w1! A");                       /* (3) */
    quiet();
    set("threshold", "0.2");
    set("score", "other");
    set("at", "cloud");
    RUN(threshold_router, "s1 w1! A");                       /* (3) */
    set("share", "0.5");
    REFUSED(threshold_router, "share: give either");
    quiet();
    set("scores", "mine.csv");
    set("column", "p");
    RUN(threshold_router, "s0 w0! A");                       /* (1) */
    CHECK_TEXT(fake.asked_signal, "mine.csv");
    set("score", "other");
    REFUSED(threshold_router, "scores: give either");
    quiet();
    set("score", "nobody");
    REFUSED(threshold_router, "score: no such score");
}

static void decisions(void)
{
    quiet();
    REFUSED(decisions, "file: name the file");
    set("file", "mine.csv");
    set("column", "where");
    s.score = 3;
    RUN(decisions, "s0 w3! A");                              /* (1) (2) */
    s.score = NAN;
    RUN(decisions, "s0 G");                                  /* (3) */
    CHECK_TEXT(fake.why, "no decision for this query");
    s.score = 4;
    RUN(decisions, "s0 G");
    s.score = -1;
    RUN(decisions, "s0 G");
    set("default", "small");
    RUN(decisions, "s0 w2! A");                              /* (3) */
    s.score = 1;
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    RUN(decisions, "s0 w1! w2! A");                          /* (4) */
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 1);
    RUN(decisions, "s0 w1! G");
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    fails(2, 1, DUO_UNREACHABLE, 0);
    RUN(decisions, "s0 w1! w2! G");
    s.scorer_fails = true;
    RUN(decisions, "s0 w2! G");
}

static void cascade(void)
{
    static const char *const signals[] = { "mean", "min", "last", "margin", "entropy" };

    quiet();
    RUN(cascade, "w0 A");                                    /* (1) (2) */
    CHECK(isnan(fake.first_shown));
    s.place[0].confidence.mean = 0.79;
    RUN(cascade, "w0 w1!~ A");                               /* (4) */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    s.place[0].confidence.mean = NAN;
    RUN(cascade, "w0 w1!~ A");                               /* (2) */
    set("floor", "0");
    RUN(cascade, "w0 A");                                    /* (2) */
    set("floor", "1");
    s.place[0].confidence.mean = 1;
    RUN(cascade, "w0 w1!~ A");                               /* (2) */
    for (int i = 0; i < 5; i++) {                            /* (2): only the named one decides */
        quiet();
        set("signal", signals[i]);
        s.place[0].confidence = (struct duo_confidence){ 0, 0, 0, 0, 1 };
        RUN(cascade, "w0 w1!~ A");
        *(double *[]){ &s.place[0].confidence.mean, &s.place[0].confidence.min, &s.place[0].confidence.last,
                       &s.place[0].confidence.margin, &s.place[0].confidence.entropy }[i] = i == 4 ? 0.2 : 0.8;
        RUN(cascade, "w0 A");
    }
    quiet();
    set("signal", "mode");
    REFUSED(cascade, "signal: expected");
    quiet();
    set("via_floor", "0.5");
    REFUSED(cascade, "via_floor: there is no middle tier");
    set("via", "third");
    s.place[0].confidence.mean = 0.1;
    RUN(cascade, "w0 w3~ A");                                /* (3) */
    CHECK(fake_is_own(fake.answer, 3));
    s.place[3].confidence.mean = 0.4;
    RUN(cascade, "w0 w3~ w1!~ A");                           /* (4) */
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    RUN(cascade, "w0 w3~ w1!~ A");                           /* (5): the middle one's answer */
    CHECK(fake_is_own(fake.answer, 3));
    fails(3, 1, DUO_UNREACHABLE, 0);
    RUN(cascade, "w0 w3~ w1!~ A");                           /* (5): the weak one's */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 5);
    s.agree = 0;
    RUN(cascade, "w0 w3~ w1!~ G");                           /* (5): five other tokens are on the screen */
    CHECK_TEXT(fake.why, "unreachable");
    s.agree = 1;
    RUN(cascade, "w0 w3~ w1!~ A");                           /* (5): five tokens that fit */
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    fails(DUO_DEVICE, 1, DUO_NO_MEMORY, 0);
    RUN(cascade, "w0 w3~ w1!~ G");                           /* (5) */
    s.place[1].fails_from = s.place[3].fails_from = 0;
    s.place[3].first = 11;
    s.place[3].confidence.mean = 1;
    RUN(cascade, "w0 w3~ w1!~ A");                           /* (5): patience is 10 s */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
}

static void hedged(void)
{
    quiet();
    RUN(hedged, "w0 w1 c A");                                /* (1) (2) (3): the device is faster */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    CHECK_NEAR(fake.now, 0.02 + 0.02 * (fake.texts[fake.answer].n - 1), 1e-9);
    s.place[0].confidence.mean = NAN;
    RUN(hedged, "w0 w1 A");                                  /* (2): the device doubts, the cloud comes */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    set("floor", "0");
    RUN(hedged, "w0 w1 c A");                                /* (2) */
    set("floor", "0.8");
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    RUN(hedged, "w0 w1 A");                                  /* (5) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    s.place[1].fails_after = 100;
    RUN(hedged, "w0 w1 A");                                  /* (5): the cloud fails when the weak one is long over */
    CHECK_NEAR(fake.now, 100, 0);
    fails(DUO_DEVICE, 1, DUO_NO_POWER, 0);
    RUN(hedged, "w0 w1 G");                                  /* (5) */
    CHECK_TEXT(fake.why, "unreachable");
    s.place[1].fails_from = 0;
    RUN(hedged, "w0 w1 A");
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    quiet();
    s.place[0].token = 0.2;
    RUN(hedged, "w0 w1 c A");                                /* (3): the cloud is faster */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    quiet();
    s.place[0].confidence.mean = 0;
    s.place[1].first = 9;
    set("patience", "5");
    RUN(hedged, "w0 w1~ A");                                 /* (5) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    CHECK_NEAR(fake.now, 5, 0);
    quiet();
    set("delay", "100");
    RUN(hedged, "w0 z A");                                   /* (4) */
    s.place[0].confidence.mean = 0;
    RUN(hedged, "w0 z w1 A");                                /* (4) */
    CHECK(fake.now < 100);
    fails(DUO_DEVICE, 1, DUO_NO_MEMORY, 0);
    RUN(hedged, "w0 z w1 A");                                /* (4) */
    quiet();
    s.place[0].token = 1;
    set("delay", "2");
    RUN(hedged, "w0 z w1 c A");                              /* (4) */
    CHECK_NEAR(fake.now, 2.06 + 59 * 0.05, 1e-9);
}

static void draft_verify(void)
{
    const double a = 0.8, want = (1 - pow(a, 5)) / (1 - a);  /* tokens a round: Leviathan et al. 2023, eq. 1 */
    int tokens = 0, rounds = 0;

    for (unsigned seed = 1; seed <= 300; seed++) {
        quiet();
        s.seed = seed;
        s.length = 200;
        fake_run(&duo_policy_draft_verify, &s);
        CHECK_TEXT(fake.broken, "");
        CHECK(fake_is_own(fake.answer, DUO_CLOUD));          /* (1) (3) */
        tokens += fake.texts[fake.answer].n, rounds += fake.rounds;
    }
    CHECK_NEAR(tokens / (double)rounds / want, 1, 0.02);     /* (1) */
    quiet();
    s.agree = 1;
    s.length = 10;
    RUN(draft_verify, "w0+4 v1 w0+4@5 v1 A");                /* (1) (2): 4 + 1, then 4 + its end */
    CHECK_NEAR(fake.first_shown, 0.02 + 3 * 0.02 + 0.11, 1e-9);
    s.length = 1;
    RUN(draft_verify, "w0+4 v1 A");
    s.length = 10;
    s.agree = 0;
    set("draft", "1");
    RUN(draft_verify, "w0+1 v1 w0+1@1 v1 w0+1@2 v1 w0+1@3 v1 w0+1@4 v1 w0+1@5 v1 w0+1@6 v1 w0+1@7 v1 w0+1@8 v1 w0+1@9 v1 A");
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    set("draft", "2.5");
    REFUSED(draft_verify, "draft: expected a whole number");
    quiet();
    set("fallback", "cloud");
    REFUSED(draft_verify, "fallback: expected none or edge");

    quiet();
    s.agree = 1;
    s.length = 12;
    fails(DUO_DEVICE, 2, DUO_NO_MEMORY, 0);
    RUN(draft_verify, "w0+4 v1 w0+4@5 w1!@5 A");             /* (4) */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    fails(DUO_CLOUD, 2, DUO_UNREACHABLE, 0);
    RUN(draft_verify, "w0+4 v1 w0+4@5 w1!@5 G");
    s.place[0].fails_from = 0;
    RUN(draft_verify, "w0+4 v1 w0+4@5 v1 G");                /* (5) */
    CHECK_TEXT(fake.why, "unreachable");
    set("fallback", "edge");
    RUN(draft_verify, "w0+4 v1 w0+4@5 v1 G");                /* (5): five tokens were shown */
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    s.agree = 0.5;
    RUN(draft_verify, "w0+4 v1 w0!@4 A");                    /* (5) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    s.length = 3;
    s.agree = 1;
    RUN(draft_verify, "w0+4 v1 A");                          /* (5): the draft was all there is */
    fails(DUO_DEVICE, 2, DUO_NO_POWER, 0);
    s.length = 12;
    RUN(draft_verify, "w0+4 v1 w0!@4 G");
}

static void parallel_draft(void)
{
    static const double tokens[] = { 0.005, 0.02, 0.1 }, passes[] = { 0.03, 0.11, 0.5 };

    for (unsigned seed = 1; seed <= 200; seed++)
        for (int i = 0; i < 9; i++) {
            double serial;
            int rounds;

            quiet();
            s.seed = seed;
            s.place[0].first = s.place[0].token = tokens[i / 3];
            s.pass = passes[i % 3];
            fake_run(&duo_policy_draft_verify, &s);
            serial = fake.now, rounds = fake.rounds;
            fake_run(&duo_policy_parallel_draft, &s);
            CHECK_TEXT(fake.broken, "");
            CHECK(fake_is_own(fake.answer, DUO_CLOUD));      /* (4) */
            CHECK(fake.now <= serial + 1e-9);                /* (3): never behind */
            CHECK_INT(fake.rounds, rounds);
        }
    quiet();
    s.agree = 1;
    s.length = 11;
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w0+4@5 v1 w0+1@9 w0+4@10 v1 A");     /* (1) (2) (3): 5, 5 and the end */
    CHECK_NEAR(fake.now, 4 * 0.02 + 3 * 0.11, 1e-9);         /* drafting is hidden behind the passes */
    s.pass = 0.05;
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w0+4@5 v1 w0+1@9 w0+4@10 v1 A");     /* (3): the guess was right, its draft goes on */
    CHECK_NEAR(fake.now, 0.08 + 0.10 + 0.05 + 0.05, 1e-9);
    s.pass = 0.11;
    s.agree = 0;
    s.length = 3;
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w0+4@5 w0+4@1 v1 w0+1@5 w0+4@6 w0+4@2 v1 w0+1@6 w0+4@7 A");        /* (3) */
    s.pass = 0.09;
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w0+4@5 c w0+4@1 v1 w0+1@5 w0+4@6 c w0+4@2 v1 w0+1@6 w0+4@7 A");    /* (3) */
    quiet();
    s.agree = 1;
    s.length = 20;
    s.pass = 0.001;
    RUN(parallel_draft, "w0+4 v1 w0+1@4 c w0+4@5 v1 w0+1@9 c w0+4@10 v1 w0+1@14 c w0+4@15 v1 w0+1@19 A");  /* (3): no guess yet */

    quiet();
    s.agree = 1;
    s.length = 20;
    fails(DUO_DEVICE, 2, DUO_NO_MEMORY, 0);
    RUN(parallel_draft, "w0+4 v1 w0+1@4 c w0+4@5 w1!@5 A");  /* (5): cancelled before it failed, then failed */
    s.place[0].fails_after = 0.01;
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w1!@5 A");           /* (5): failed while verifying */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    fails(DUO_DEVICE, 1, DUO_NO_MEMORY, 0);
    RUN(parallel_draft, "w0+4 w1! A");
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    RUN(parallel_draft, "w0+4 w1! G");
    s.place[0].fails_from = 0;
    s.place[1].fails_after = 0.05;
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w0+4@5 G");          /* (6) */
    set("fallback", "edge");
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w0+4@5 c w0!@4 A");  /* (6) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    s.length = 3;
    RUN(parallel_draft, "w0+4 v1 A");                        /* (6): the draft was all there is */
    s.length = 20;
    fails(DUO_CLOUD, 2, DUO_UNREACHABLE, 0);
    RUN(parallel_draft, "w0+4 v1 w0+1@4 w0+4@5 v1 w0+1@9 w0+4@10 G");        /* (6): five tokens were shown */
}

static void layer_split(void)
{
    quiet();
    RUN(layer_split, "w[0<16,2]! A");                        /* (1) (2) (3) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    s.no_small = true;
    RUN(layer_split, "w[0<16,1]! A");                        /* (3) */
    set("cut", "31");
    set("rest", "third");
    RUN(layer_split, "w[0<31,3]! A");
    set("cut", "32");
    RUN(layer_split, "w0! A");                               /* (2) */
    set("cut", "1.5");
    REFUSED(layer_split, "cut: expected a whole number");
    quiet();
    set("patience", "0.01");
    RUN(layer_split, "w[0<16,2]!~ G");                       /* (4) */
    fails(2, 1, DUO_UNREACHABLE, 4);
    RUN(layer_split, "w[0<16,2]!~ G");
    CHECK_TEXT(fake.why, "unreachable");
}

static void early_exit(void)
{
    quiet();
    RUN(early_exit, "w[0<16/0.8,2]! A");                     /* (1) (2) (3) (5) (6) */
    s.no_small = true;
    set("sure", "0");
    RUN(early_exit, "w[0<16,1]! A");                         /* (4) (6) */
    set("sure", "1");
    RUN(early_exit, "w[0<16,1]! A");                         /* (4) */
    set("cut", "40");
    RUN(early_exit, "w0! A");                                /* (5) */
    set("sure", "1.2");
    REFUSED(early_exit, "sure");
    quiet();
    fails(2, 1, DUO_NO_MEMORY, 0);
    RUN(early_exit, "w[0<16/0.8,2]! G");                     /* (7) */
}

static void truth(double weak, double strong) { s.place[0].quality = weak, s.place[1].quality = strong; }

static void oracles(void)
{
    quiet();
    RUN(oracle, "w0! A");                                    /* (1): a tie */
    second_try(&duo_policy_oracle, "", false);               /* (2) */
    truth(0.4, 0.5);
    RUN(oracle, "w1! A");
    second_try(&duo_policy_oracle, "", true);                /* (2) */
    quiet();
    truth(0.4, NAN);
    RUN(oracle, "w0! A");
    truth(NAN, 1);
    RUN(oracle, "w0! A");

    quiet();
    truth(0, 1);
    s.chance[0] = 0.79, s.chance[1] = 0.99;
    RUN(noisy_oracle, "w1! A");                              /* (1) */
    truth(1, 0);
    RUN(noisy_oracle, "w0! A");
    s.chance[0] = 0.8, s.chance[1] = 0.49;
    RUN(noisy_oracle, "w1! A");                              /* (2) */
    s.chance[1] = 0.5;
    RUN(noisy_oracle, "w0! A");
    set("share", "1");
    second_try(&duo_policy_noisy_oracle, "", true);          /* (3) */
    set("p", "1");
    s.chance[0] = 0.999;
    RUN(noisy_oracle, "w0! A");

    quiet();
    RUN(perfect_cascade, "w0 A");                            /* (1) (2) */
    CHECK(isnan(fake.first_shown));
    truth(0.4, 0.5);
    RUN(perfect_cascade, "w0 w1! A");                        /* (3) */
    fails(DUO_CLOUD, 1, DUO_LATE, 0);
    RUN(perfect_cascade, "w0 w1! A");                        /* (4) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 9);
    s.agree = 0;
    RUN(perfect_cascade, "w0 w1! G");                        /* (4) */
    fails(DUO_DEVICE, 1, DUO_NO_MEMORY, 0);
    s.place[1].fails_from = 0;
    truth(1, 0);
    RUN(perfect_cascade, "w0 w1! A");                        /* (4) */

    quiet();
    truth(0.4, 0.5);
    RUN(worst, "w0! A");                                     /* (1) */
    truth(0.5, 0.4);
    RUN(worst, "w1! A");
    truth(0.5, 0.5);
    RUN(worst, "w1! A");                                     /* (2) */
    s.place[0].price = 2, s.place[1].price = 1;
    RUN(worst, "w0! A");
    truth(NAN, 0.5);
    s.place[0].price = NAN;
    RUN(worst, "w1! A");
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    RUN(worst, "w1! G");                                     /* (3) */
}

static void template(void)
{
    quiet();
    RUN(TEMPLATE, "w0+8 w0!@8 A");                           /* (1) (2) */
    CHECK(fake_is_own(fake.answer, DUO_DEVICE));
    s.length = 5;
    s.agree = 1;
    RUN(TEMPLATE, "w0+8 A");
    quiet();
    s.place[0].confidence.mean = NAN;
    RUN(TEMPLATE, "w0+8 w1!~ A");                            /* (3) */
    CHECK(fake_is_own(fake.answer, DUO_CLOUD));
    s.link_down = true;
    RUN(TEMPLATE, "w0+8 w0!@8 A");                           /* (2) */
    s.link_down = false;
    s.place[1].first = 6;
    RUN(TEMPLATE, "w0+8 w1!~ w0!@8 A");                      /* (4): patience is 5 s */
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 2);
    RUN(TEMPLATE, "w0+8 w1!~ G");                            /* (4) */
    fails(DUO_CLOUD, 1, DUO_UNREACHABLE, 0);
    fails(DUO_DEVICE, 2, DUO_NO_POWER, 0);
    RUN(TEMPLATE, "w0+8 w1!~ w0!@8 G");                      /* (4) */
    fails(DUO_DEVICE, 1, DUO_NO_MEMORY, 0);
    RUN(TEMPLATE, "w0+8 w1!~ G");                            /* (4) */
    s.place[1].fails_from = 0, s.place[1].first = 0.1;
    RUN(TEMPLATE, "w0+8 w1!~ A");                            /* (4) */
    set("probe", "2.5");
    REFUSED(TEMPLATE, "probe: expected a whole number");
}

static unsigned state;
static unsigned draw(unsigned n) { state = state * 1664525u + 1013904223u; return (state >> 10) % n; }

static void anything(const struct duo_policy *p, bool speculative)
{
    static const char *const shares[] = { "0", "0.3", "1" };

    for (unsigned seed = 1; seed <= 400; seed++) {
        quiet();
        state = seed;
        s.seed = seed;
        s.length = 1 + (int)draw(40);
        s.agree = draw(11) / 10.0;
        s.chance[0] = draw(100) / 100.0, s.chance[1] = draw(100) / 100.0;
        s.score = draw(4) ? draw(6) - 1.0 : NAN;
        s.scorer_fails = draw(5) == 0;
        s.link_down = draw(3) == 0;
        for (int i = 0; i < FAKE_PLACES; i++) {
            s.place[i].confidence.mean = draw(4) ? draw(101) / 100.0 : NAN;
            s.place[i].quality = draw(4) ? draw(101) / 100.0 : NAN;
            s.place[i].token = (1 + draw(100)) / 1000.0;
            s.place[i].first = (1 + draw(100)) / (draw(5) ? 1000.0 : 1.0);
            if (draw(2)) fails(i, 1 + (int)draw(4), (enum duo_failure)(1 + draw(5)), (int)draw(3));
            s.place[i].fails_after = draw(1000) / 500.0;
        }
        s.pass = (1 + draw(300)) / 1000.0;
        if (p == &duo_policy_decisions) set("file", "mine.csv");
        else if (p == &duo_policy_threshold_router || p == &duo_policy_random) set("share", shares[draw(3)]);
        else if (p == &duo_policy_cascade && draw(2)) set("via", "third");
        else if (p == &duo_policy_hedged && draw(2)) set("delay", "0.3");
        else if (speculative && draw(2)) set("fallback", "edge");
        fake_run(p, &s);
        if (fake.broken[0]) printf("%s, seed %u: %s: %s\n", p->name, seed, fake.broken, fake.log);
        CHECK_TEXT(fake.broken, "");
        CHECK(fake.done);
        if (fake.answer)
            CHECK(fake_is_own(fake.answer, DUO_DEVICE) || fake_is_own(fake.answer, DUO_CLOUD) || fake_is_own(fake.answer, 3));
        else
            CHECK(fake.why[0] != '\0');
    }
}

static void declared(const struct duo_policy *p, const char *name, const char *room)
{
    CHECK_TEXT(p->name, name);
    CHECK_INT(p->abi, DUO_POLICY_ABI);
    CHECK_INT(p->size, sizeof *p);
    CHECK(p->about && strlen(p->about) > 10 && strlen(p->about) < 90);
    CHECK(((p->needs & DUO_TRUTH) != 0) == (strcmp(room, "oracle") == 0));
    anything(p, strcmp(room, "speculation") == 0);
}

int main(void)
{
    edge_only();
    cloud_only();
    cloud_small();
    random_();
    prompt_length();
    threshold_router();
    decisions();
    cascade();
    hedged();
    draft_verify();
    parallel_draft();
    layer_split();
    early_exit();
    oracles();
    template();
#define X(id, room) declared(&duo_policy_##id, #id, room);
    DUO_POLICIES(X)
#undef X
    return check_done();
}
