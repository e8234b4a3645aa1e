/* test_endpoint.c - requirements of models/answers/endpoint.h, http.h and voice_url.h, against a server of its own
 * (endpoint_stub.py): a toy model whose numbers are arithmetic, in four dialects, and all the ways to break. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "models/answers/grained.h"
#include "models/answers/http.h"
#include "models/answers/voice_url.h"
#include "tests/check.h"

static const char question[] = "12+3=?\n", answer[] = "ok: ?=3+21.";
enum { LENGTH = 11, RAW = 0, CHAT = 1 };              /* of the answer without its end */

static int port;
static pid_t stub;
static int stub_stdin;
static char noted[600];

/* Started by us, ends with its stdin, and is waited for by its own id. */
static bool start(void)
{
    int in[2], out[2];
    char path[4096], line[32] = "";
    snprintf(path, sizeof path, "%s/tests/unit/endpoint_stub.py", getenv("DUOSIM_SOURCE") ? getenv("DUOSIM_SOURCE") : ".");
    if (pipe(in) != 0 || pipe(out) != 0) return false;
    stub = fork();
    if (stub == 0) {
        dup2(in[0], 0), dup2(out[1], 1);
        close(in[1]), close(out[0]);
        execlp("python3", "python3", path, (char *)NULL);
        _exit(127);
    }
    close(in[0]), close(out[1]);
    stub_stdin = in[1];
    for (size_t n = 0; n + 1 < sizeof line && read(out[0], line + n, 1) == 1 && line[n] != '\n'; n++) { }
    close(out[0]);
    port = atoi(line);
    return port > 0;
}

static void stop(void)
{
    close(stub_stdin);
    kill(stub, SIGTERM);
    waitpid(stub, NULL, 0);
}

static void note(void *user, const char *text)
{
    (void)user;
    snprintf(noted, sizeof noted, "%s", text);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *address(const char *kind)
{
    static char text[8][128];
    static int at;
    at = (at + 1) % 8;
    snprintf(text[at], sizeof text[at], "http://127.0.0.1:%d/%s/v1", port, kind);
    return text[at];
}

static struct duo_endpoint_spec spec(const char *url, bool chat)
{
    return (struct duo_endpoint_spec) { .url = url, .chat = chat, .reply_s = 20, .backoff_s = 0.05, .note = note };
}

static struct duo_endpoint *opened(const char *kind, bool chat)
{
    struct duo_endpoint *e;
    struct duo_endpoint_spec s = spec(address(kind), chat);
    struct duo_err err = { 0 };
    if (duo_endpoint_open(&e, &s, &err) != DUO_OK) {
        CHECK_TEXT(err.text, "");
        exit(check_done());
    }
    return e;
}

/* What opening says that is wrong. */
static enum duo_status refuse(struct duo_endpoint_spec s, struct duo_err *err)
{
    struct duo_endpoint *e;
    *err = (struct duo_err) { 0 };
    enum duo_status status = duo_endpoint_open(&e, &s, err);
    duo_endpoint_free(e);
    return status;
}

/* Open, ask once, close: how it ends. */
static enum duo_status once(struct duo_endpoint_spec s, struct duo_heard *heard, struct duo_err *err)
{
    struct duo_endpoint *e;
    *err = (struct duo_err) { 0 };
    *heard = (struct duo_heard) { 0 };
    enum duo_status status = duo_endpoint_open(&e, &s, err);
    if (status == DUO_OK) status = duo_endpoint_say(e, question, &(struct duo_hear) { .tokens = 40 }, heard, err);
    duo_endpoint_free(e);
    return status;
}

static void heard_of(struct duo_endpoint *e, const char *prompt, int tokens, struct duo_heard *heard)
{
    struct duo_err err = { 0 };
    *heard = (struct duo_heard) { .text = NULL };
    CHECK_INT(duo_endpoint_say(e, prompt, &(struct duo_hear) { .tokens = tokens }, heard, &err), DUO_OK);
    CHECK_TEXT(err.text, "");
}

/* ---------------------------------------------------------------- requirements */

/* (1) who it is, and which model */
static void test_opening(void)
{
    static const struct { const char *kind, *server; } kinds[] = { { "llama", "llama.cpp" }, { "vllm", "vllm" }, { "openai", "openai" }, { "ollama", "ollama" }, { "python", "llama-cpp-python" } };
    struct duo_err err;
    for (int i = 0; i < 5; i++) {
        struct duo_endpoint *e = opened(kinds[i].kind, RAW);
        CHECK_TEXT(duo_endpoint_server_name(e), kinds[i].server);
        CHECK_TEXT(duo_endpoint_model(e), "big");
        CHECK_INT(duo_endpoint_vocabulary(e), i == 0 ? 259 : -1);
        duo_endpoint_free(e);
    }
    CHECK_INT(refuse(spec(address("two-openai"), RAW), &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "#MODEL; there is big, small");
    struct duo_endpoint_spec s = spec("https://user:secret@example.org/v1", RAW);
    CHECK_INT(refuse(s, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "no names and passwords");
    CHECK(!strstr(err.text, "secret"));
    CHECK_INT(refuse(spec("ftp://example.org", RAW), &err), DUO_BAD_INPUT);
    CHECK_INT(refuse(spec("http://", RAW), &err), DUO_BAD_INPUT);
    CHECK_INT(refuse(spec("http://127.0.0.1:1/v1?x=1", RAW), &err), DUO_BAD_INPUT);
    s = spec(address("openai"), RAW);
    s.server = "vlm";
    CHECK_INT(refuse(s, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "did you mean vllm?");
    CHECK(duo_endpoint_is("https://x") && !duo_endpoint_is("model.gguf"));
}

/* (2), (3), (4): one answer whichever the server; what it does not tell is unknown */
static void test_answers(void)
{
    static const char *const kinds[] = { "llama", "vllm", "openai", "ollama", "python", "bare" };
    for (int chat = RAW; chat <= CHAT; chat++)
        for (int i = 0; i < 6; i++) {
            struct duo_endpoint *e = opened(kinds[i], chat);
            struct duo_heard h;
            bool ids = i < 2, listed = i < 5 || chat;
            heard_of(e, question, 40, &h);
            CHECK_TEXT(h.text, answer);
            CHECK(h.ended);
            CHECK_INT(h.n, listed ? LENGTH + 1 : 0);
            CHECK_INT(h.tokens, listed ? LENGTH + 1 : LENGTH);                   /* as many as the server counts */
            CHECK_INT(h.prompt_tokens, 1 + (int)strlen(question) + (chat ? 14 : 0) - (chat && i == 1 ? 1 : 0));
            CHECK_INT(h.thinking, chat && !ids && i != 3 ? -1 : 0);
            for (int t = 0; t < h.n; t++) {
                bool told = ids || t < LENGTH;
                CHECK_NEAR(h.at[t].probability, told ? 0.6 : NAN, 1e-9);         /* the stub's arithmetic */
                CHECK_NEAR(h.at[t].margin, told ? 0.4 : NAN, 1e-9);
                CHECK_NEAR(h.at[t].entropy, NAN, 0);
                CHECK_INT(h.at[t].id, !ids ? -1 : t < LENGTH ? answer[t] : 2);
            }
            duo_heard_free(&h);
            heard_of(e, question, 5, &h);                                        /* cut off */
            CHECK_TEXT(h.text, "ok: ?");
            CHECK(!h.ended);
            CHECK_INT(h.tokens, 5);
            duo_heard_free(&h);
            duo_endpoint_free(e);
        }
}

/* (2) sampled: by seed, and the same in both that take token ids */
static void test_samples(void)
{
    struct duo_endpoint *a = opened("llama", RAW), *b = opened("vllm", RAW);
    struct duo_err err = { 0 };
    int differ = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct duo_heard x, y;
        struct duo_hear hear = { .tokens = 12, .temperature = 1, .seed = seed };
        CHECK_INT(duo_endpoint_say(a, question, &hear, &x, &err), DUO_OK);
        CHECK_INT(duo_endpoint_say(b, question, &hear, &y, &err), DUO_OK);
        CHECK_TEXT(x.text, y.text);
        differ += strcmp(x.text, answer) != 0;
        duo_heard_free(&x), duo_heard_free(&y);
    }
    CHECK(differ > 0);
    duo_endpoint_free(a), duo_endpoint_free(b);
}

/* The rank that "small" gives to position i of an answer, by the stub's rule. */
static int rank_at(int i) { return i == 6 ? 8 : i % 5 == 2 ? 2 : i % 5 == 4 ? 3 : 1; }
static double share_at(int rank) { return rank == 1 ? 0.6 : rank == 2 ? 0.2 : rank == 3 ? 0.1 : 0.2 * (93 - (rank - 4)) / (93 * 94.0); }

static struct duo_endpoint *small(const char *kind, bool chat)
{
    struct duo_endpoint *e;
    struct duo_endpoint_spec s = spec(address(kind), chat);
    struct duo_err err = { 0 };
    s.model = "small";
    CHECK_INT(duo_endpoint_open(&e, &s, &err), DUO_OK);
    return e;
}

/* (5) ranks against the rule: prompt logprobs, steps and echo tell the same as far as they tell */
static void test_ranks(void)
{
    static const char *const kinds[] = { "llama", "vllm", "python" };
    static const char *const prompts[] = { "12+3=?\n", "12+34=?\n" };              /* the 2nd one's end stands where it isn't the first choice */
    for (int i = 0; i < 3; i++)
        for (int p = 0; p < 2; p++) {
            struct duo_endpoint *e = small(kinds[i], RAW), *big = opened(i < 2 && p ? kinds[1 - i] : kinds[i], RAW);
            struct duo_err err = { 0 };
            struct duo_heard h;
            struct duo_weighed w[64];
            CHECK_INT(duo_endpoint_same_words(e, big, &err), DUO_OK);
            CHECK_TEXT(err.text, "");
            heard_of(big, prompts[p], 40, &h);
            CHECK_INT(duo_endpoint_weigh(e, prompts[p], &h, w, &err), DUO_OK);
            CHECK_TEXT(err.text, "");
            CHECK_INT(h.n, LENGTH + 1 + p);
            for (int t = 0; t < h.n; t++) {
                int rank = rank_at(t);
                bool end = i == 2 && t == h.n - 1;
                CHECK_INT(w[t].rank, i == 2 && (rank > 5 || (end && rank > 1)) ? DUO_RANK_BEYOND : rank);
                CHECK_NEAR(w[t].probability, end ? NAN : share_at(rank), 1e-9);
                CHECK_NEAR(w[t].choice, end ? NAN : 0.6, 1e-9);
                CHECK_NEAR(w[t].margin, end ? NAN : 0.4, 1e-9);
            }
            duo_heard_free(&h);
            duo_endpoint_free(e), duo_endpoint_free(big);
        }
}

/* What is written behind another's tokens. */
static void test_behind(void)
{
    static const char *const kinds[] = { "llama", "vllm" };
    for (int i = 0; i < 2; i++) {
        struct duo_endpoint *e = small(kinds[i], RAW), *big = opened(kinds[i], RAW);
        struct duo_err err = { 0 };
        struct duo_heard h, b;
        heard_of(big, question, 40, &h);
        CHECK_INT(duo_endpoint_say_behind(e, question, &h, 2, &(struct duo_hear) { .tokens = 4 }, &b, &err), DUO_OK);
        CHECK_TEXT(b.text, "x x=");                                              /* wrong at positions 2 and 4 */
        duo_heard_free(&b), duo_heard_free(&h);
        duo_endpoint_free(e), duo_endpoint_free(big);
    }
}

/* (5) refused in words */
static void test_other_vocabularies(void)
{
    static const struct { const char *drafter, *verifier; bool chat; const char *why; } cases[] = {
        { "vllm", "other-vllm", RAW, "one token has the id" },
        { "llama", "other-llama", RAW, "one token has the id" },
        { "llama", "openai", RAW, "gives no token ids" },
        { "ollama", "ollama", RAW, "neither token ids nor" },
        { "openai", "openai", CHAT, "chat completions tell nothing" },
        { "echoless", "openai", RAW, "at the same time is not supported" },
        { "shifted", "openai", RAW, "its own choice at token 0 ranks" },
    };
    for (int i = 0; i < 7; i++) {
        struct duo_endpoint *d = opened(cases[i].drafter, cases[i].chat), *v = opened(cases[i].verifier, cases[i].chat);
        struct duo_err err = { 0 };
        CHECK_INT(duo_endpoint_same_words(d, v, &err), DUO_FELL_SHORT);
        CHECK_HAS(err.text, cases[i].why);
        duo_endpoint_free(d), duo_endpoint_free(v);
    }
    /* Question by question: an answer that this server would cut otherwise. */
    struct duo_endpoint *d = opened("openai", RAW);
    struct duo_heard_token pieces[] = { { .id = -1, .piece = (char[]) { "ok" } }, { .id = -1, .piece = (char[]) { ":" } } };
    struct duo_heard two = { .text = (char[]) { "ok:" }, .n = 2, .tokens = 2, .at = pieces };
    struct duo_weighed w[2];
    struct duo_err err = { 0 };
    CHECK_INT(duo_endpoint_weigh(d, question, &two, w, &err), DUO_FELL_SHORT);
    CHECK_HAS(err.text, "token 0 of the answer is \"o\" here, \"ok\" where");
    duo_endpoint_free(d);
}

/* ---------------------------------------------------------------- what goes wrong (http.h) */

static void broken(const char *kind, enum duo_status status, const char *words)
{
    struct duo_heard h;
    struct duo_err err;
    struct duo_endpoint_spec s = spec(address(kind), RAW);
    s.reply_s = 0.4, s.tries = 3;
    CHECK_INT(once(s, &h, &err), status);
    CHECK_HAS(err.text, words);
    CHECK_HAS(err.file, kind);
    CHECK(!strchr(err.text, '\n'));
}

static void test_failures(void)
{
    broken("slow", DUO_RUN_FAILED, "no whole reply in time");
    broken("cut", DUO_RUN_FAILED, "cut off");
    broken("garbage", DUO_RUN_FAILED, "broken in line 1, column 2");
    broken("deep", DUO_RUN_FAILED, "no JSON");
    broken("empty", DUO_RUN_FAILED, "has no \"choices\"");
    broken("numbers", DUO_RUN_FAILED, "a log-probability of 0.7");
    broken("500", DUO_RUN_FAILED, "HTTP 500: the model");
    broken("401", DUO_BAD_INPUT, "HTTP 401: no such key");
    broken("nothing", DUO_BAD_INPUT, "HTTP 404: no such page");
    broken("redirect", DUO_RUN_FAILED, "points to http://127.0.0.1:9/elsewhere; redirects aren't followed");
    broken("patience", DUO_RUN_FAILED, "HTTP 429, asked 3 times: slowly");       /* (2) */
    broken("later", DUO_RUN_FAILED, "HTTP 429: tomorrow");                       /* a day is longer than we wait */
}

/* A port on which nobody listens: bound, then let go. */
static void test_down(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    char url[64];
    struct duo_err err;
    CHECK(bind(s, (struct sockaddr *)&a, n) == 0 && getsockname(s, (struct sockaddr *)&a, &n) == 0);
    close(s);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(a.sin_port));
    CHECK_INT(refuse(spec(url, RAW), &err), DUO_RUN_FAILED);
    CHECK_HAS(err.text, "no reply: ");
    CHECK_HAS(err.file, "/v1/models");
}

/* (2) of http.h: after Retry-After, and after a wait of our own */
static void test_waiting(void)
{
    struct duo_heard h;
    struct duo_err err;
    double from = now();
    noted[0] = 0;
    CHECK_INT(once(spec(address("limit"), RAW), &h, &err), DUO_OK);
    double took = now() - from;
    CHECK(took >= 1 && took < 15);
    CHECK_TEXT(h.text, "whole");
    CHECK_INT(h.tokens, 2);
    CHECK_INT(h.prompt_tokens, -1);
    CHECK_HAS(noted, "HTTP 503; once more in 0.1 s");
    duo_heard_free(&h);
}

/* (6): it reaches its server, and no message */
static void test_key(void)
{
    struct duo_heard h;
    struct duo_err err;
    struct duo_http *http;
    const char *reply;
    size_t n;
    setenv("DUOSIM_TEST_KEY", "sk-0123456789", 1);
    struct duo_endpoint_spec s = spec(address("leak"), RAW);
    s.key_variable = "DUOSIM_TEST_KEY";
    CHECK_INT(once(s, &h, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "HTTP 403: bad key Bearer *************");
    CHECK(!strstr(err.text, "0123"));
    err = (struct duo_err) { 0 };
    CHECK_INT(duo_http_open(&http, &(struct duo_http_spec) { .key = "sk-0123456789" }, &err), DUO_OK);
    CHECK_INT(duo_http_ask(http, address("count/leak"), NULL, &reply, &n, &err), DUO_OK);
    CHECK_HAS(reply, "\"key\": \"Bearer sk-0123456789\"");
    duo_http_free(http);
    setenv("DUOSIM_TEST_KEY", "a\r\nX-Other: b", 1);
    CHECK_INT(once(s, &h, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "a character that no key has");
}

/* ---------------------------------------------------------------- as a voice (voice_url.h) */

static void test_voice(void)
{
    struct duo_voice *edge, *cloud, *apart;
    struct duo_endpoint_spec e = spec(address("llama"), RAW), c = spec(address("vllm"), RAW), o = spec(address("other-vllm"), RAW);
    struct duo_err err = { 0 };
    struct duo_utterance said, behind;
    struct duo_judged judged[64];
    const int32_t *ids;
    int tokens;
    e.model = "small";
    CHECK_INT(duo_voice_url(&edge, "edge", &e, &err), DUO_OK);
    CHECK_INT(duo_voice_url(&cloud, "cloud", &c, &err), DUO_OK);
    CHECK_INT(duo_voice_url(&apart, "apart", &o, &err), DUO_OK);
    CHECK_TEXT(edge->digest, "llama.cpp:small");
    CHECK_INT(edge->kind->ask(edge, question, &tokens, &ids, &err), DUO_OK);
    CHECK_INT(cloud->kind->ask(cloud, question, &tokens, &ids, &err), DUO_OK);
    CHECK_INT(tokens, 1 + (int)strlen(question));
    CHECK_INT(ids[1], '1');
    CHECK(edge->kind->drafts(edge, cloud));
    CHECK(!edge->kind->drafts(edge, apart));
    CHECK_INT(duo_voice_url_drafts(edge, apart, &err), DUO_FELL_SHORT);
    CHECK_HAS(err.text, "the vocabularies differ");
    err = (struct duo_err) { 0 };
    CHECK_INT(cloud->kind->say(cloud, NULL, 0, &(struct duo_say) { .tokens = 40 }, &said, &err), DUO_OK);
    CHECK_TEXT(said.text, answer);
    CHECK_INT(said.n, LENGTH + 1);
    CHECK_INT(said.ids[0], 'o');
    CHECK_INT(said.numbers[0].probability, 39320);                               /* 0.6 * 65534, to the nearest */
    CHECK_INT(said.numbers[0].entropy, DUO_GRID_UNKNOWN);
    CHECK_INT(edge->kind->judge(edge, &said, judged, &err), DUO_OK);
    for (int t = 0; t < said.n; t++) CHECK_INT(judged[t].rank, rank_at(t));
    CHECK_INT(edge->kind->say(edge, &said, 2, &(struct duo_say) { .tokens = 3 }, &behind, &err), DUO_OK);
    CHECK_TEXT(behind.text, "x x");
    edge->kind->forget(edge, &behind);
    cloud->kind->forget(cloud, &said);
    edge->kind->free(edge), cloud->kind->free(cloud), apart->kind->free(apart);
    CHECK_TEXT(err.text, "");
}

/* A server that takes no ids counts the prompt only with an answer: asked once for both. */
static void test_counted(void)
{
    struct duo_voice *v;
    struct duo_endpoint_spec s = spec(address("python"), CHAT);
    struct duo_err err = { 0 };
    struct duo_utterance said;
    const int32_t *ids;
    int tokens;
    CHECK_INT(duo_voice_url(&v, "cloud", &s, &err), DUO_OK);
    CHECK_INT(v->kind->ask(v, question, &tokens, &ids, &err), DUO_OK);
    CHECK_INT(tokens, 1 + (int)strlen(question) + 14);
    CHECK(!ids);
    CHECK_INT(v->kind->say(v, NULL, 0, &(struct duo_say) { .tokens = DUO_ANSWER_TOKENS }, &said, &err), DUO_OK);
    CHECK_TEXT(said.text, answer);
    CHECK(!said.ids);
    v->kind->forget(v, &said);
    CHECK_INT(v->kind->say(v, NULL, 0, &(struct duo_say) { .tokens = DUO_ANSWER_TOKENS }, &said, &err), DUO_OK);
    CHECK_TEXT(said.text, answer);
    v->kind->forget(v, &said);
    CHECK_INT(v->kind->say(v, &said, 1, &(struct duo_say) { .tokens = 3, .exit_layer = 1 }, &said, &err), DUO_FELL_SHORT);
    v->kind->free(v);
}

int main(void)
{
    struct duo_http *http;
    struct duo_err err = { 0 };
    if (duo_http_open(&http, &(struct duo_http_spec) { 0 }, &err) != DUO_OK) {
        CHECK_SKIP(err.text);
        return check_done();
    }
    duo_http_free(http);
    setenv("http_proxy", "http://127.0.0.1:9", 1);                               /* (1) of http.h: not for us */
    if (!start()) {
        CHECK_SKIP("python3 can't be run: no server to ask");
        return check_done();
    }
    test_opening();
    test_answers();
    test_samples();
    test_ranks();
    test_behind();
    test_other_vocabularies();
    test_failures();
    test_down();
    test_waiting();
    test_key();
    test_voice();
    test_counted();
    stop();
    return check_done();
}
