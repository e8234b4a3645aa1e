/* test_speaker.c - models/answers/speaker.h against stepping by hand through models/slm/transformer.h, and memo.h. */
#include "models/answers/grained.h"
#include "models/answers/memo.h"
#include "models/answers/speaker.h"
#include "models/slm/chat.h"
#include "models/slm/make.h"
#include "models/slm/transformer.h"
#include "sim/base/rng.h"
#include "tests/check.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL, LARGE, LOSSY, EARLY, VOICES, PROMPTS = 3, LONG = 24 };
#ifdef __SANITIZE_ADDRESS__
enum { TRIED = 1 };                              /* kernels under a sanitizer are sixty times slower */
#else
enum { TRIED = PROMPTS };
#endif

static char folder[] = "/tmp/duosim-speaker-XXXXXX", paths[VOICES][128];
static const struct { const char *name, *like, *mix; } voices[VOICES] = {
    { "small", "tiny-qwen2", "q8_0" }, { "large", "tiny-qwen3", "q8_0" }, { "lossy", "tiny-qwen3", "q4_0" }, { "early", "tiny-qwen3", "q8_0" } };
static const char *const prompts[PROMPTS] = { "the first of some questions", "another one, with 3 numbers: 17 and 4", "x" };

static void make_models(void)
{
    struct duo_err err = { 0 };
    for (int v = 0; v < VOICES; v++) {
        snprintf(paths[v], sizeof paths[v], "%s/%s-%s.gguf", folder, voices[v].like, voices[v].mix);
        if (v != EARLY) CHECK_INT(duo_model_make(voices[v].like, voices[v].mix, 7, paths[v], NULL, &err), DUO_OK);
        else strcat(paths[v], "@2");
    }
    if (err.status) printf("%s\n", err.text);
}

static struct duo_speaker *open_with(int threads, int64_t memory)
{
    struct duo_speaker_spec spec = { .n_voices = VOICES, .threads = threads, .memory = memory };
    struct duo_speaker *s = NULL;
    struct duo_err err = { 0 };
    for (int v = 0; v < VOICES; v++) spec.names[v] = voices[v].name, spec.paths[v] = paths[v];
    CHECK_INT(duo_speaker_open(&s, &spec, &err), DUO_OK);
    if (!s) printf("%s: %s\n", err.file, err.text), exit(check_done());
    return s;
}

/* ---------------------------------------------------------------- by hand: one model, one token at a time, nothing remembered */

struct hand { struct duo_model *model; struct duo_context *context; struct duo_tokenizer *tokenizer; float *logits, *left; int vocabulary, width; };

static struct hand hand_open(int voice)
{
    struct hand h = { 0 };
    struct duo_err err = { 0 };
    char path[128];
    snprintf(path, sizeof path, "%s", paths[voice]);
    if (strchr(path, '@')) *strchr(path, '@') = 0;
    CHECK_INT(duo_model_open(&h.model, path, NULL, &err), DUO_OK);
    CHECK_INT(duo_tokenizer_new(&h.tokenizer, duo_model_gguf(h.model), &err), DUO_OK);
    CHECK_INT(duo_context_new(&h.context, h.model, NULL, &(struct duo_context_spec){ .capacity = 600, .cache = DUO_FORMAT_F16 }, &err), DUO_OK);
    h.vocabulary = duo_model_shape(h.model)->vocabulary, h.width = duo_model_shape(h.model)->width;
    h.logits = duo_new((size_t)h.vocabulary, sizeof *h.logits);
    h.left   = duo_new((size_t)h.width, sizeof *h.left);
    return h;
}

static void hand_close(struct hand *h)
{
    duo_context_free(h->context);
    duo_tokenizer_free(h->tokenizer);
    duo_model_free(h->model);
    free(h->logits);
    free(h->left);
}

struct spy { int layer, width; float *to; };

static void spy_on(void *user, int layer, size_t first, size_t n, const float *state)
{
    struct spy *s = user;
    (void)first;
    if (layer == s->layer) memcpy(s->to, state + (n - 1) * (size_t)s->width, (size_t)s->width * sizeof *state);
}

/* The logits behind ids[0 .. n), all run anew; the state behind `layer` of the last one. */
static void hand_look(struct hand *h, const int32_t *ids, int n, int layer)
{
    struct spy spy = { layer, h->width, h->left };
    struct duo_layer_view view = { spy_on, &spy };
    struct duo_err err = { 0 };
    duo_context_cut(h->context, 0);
    CHECK_INT(duo_context_run(h->context, ids, (size_t)n, DUO_LOGITS_LAST, h->logits, layer ? &view : NULL, &err), DUO_OK);
}

static uint16_t grain(double x) { return (uint16_t)lrint(x * DUO_GRID); }

static int hand_say(struct hand *h, const int32_t *prompt, int n, const struct duo_say *how, int32_t *out, struct duo_grained *numbers)
{
    struct duo_sampler sampler = { 0 };
    int32_t text[700];
    int m = 0;
    memcpy(text, prompt, (size_t)n * sizeof *text);
    while (m < how->tokens) {
        struct duo_sampling sampling = { .temperature = how->temperature, .seed = how->seed };
        struct duo_token_numbers x;
        int id;
        hand_look(h, text, n + m, how->exit_layer);
        id = duo_sample(&sampler, &sampling, h->logits, h->vocabulary, (uint64_t)(n + m));
        x  = duo_numbers(&sampler, h->logits, h->vocabulary, id);
        if (how->exit_layer) {
            struct duo_exit e = duo_context_exit(h->context, h->left);
            if (grain((double)e.numbers.probability) / (double)DUO_GRID > (double)(float)how->exit_above) id = e.token, x = e.numbers;
        }
        numbers[m] = (struct duo_grained){ grain((double)x.probability), grain((double)x.margin), grain((double)x.entropy) };
        text[n + m] = out[m] = id;
        m++;
        if (duo_token_ends(h->tokenizer, id)) break;
    }
    duo_sampler_free(&sampler);
    return m;
}

static bool near(uint16_t a, uint16_t b) { return a - b <= 1 && b - a <= 1; }        /* float or double before rounding */

static void test_say(struct duo_speaker *s)                                  /* (1) (3) (4) (5) */
{
    static const struct duo_say how[] = {
        { .tokens = LONG }, { .tokens = LONG, .temperature = 0.8, .seed = 5 }, { .tokens = LONG, .exit_layer = 1, .exit_above = 0.05 },
        { .tokens = LONG, .exit_layer = 2, .exit_above = 0.02 } };
    for (int v = 0; v < EARLY; v++) {
        struct hand h = hand_open(v);
        for (int p = 0; p < TRIED; p++)
            for (size_t k = 0; k < sizeof how / sizeof *how; k++) {
                int32_t *ids, want[LONG];
                struct duo_grained numbers[LONG];
                struct duo_said said;
                struct duo_err err = { 0 };
                int n = duo_speaker_encode(s, v, prompts[p], &ids), m = hand_say(&h, ids, n, &how[k], want, numbers), same = 0, close = 0;
                CHECK_INT(duo_speaker_say(s, v, ids, n, &how[k], &said, &err), DUO_OK);
                CHECK_INT(said.n, m);
                for (int i = 0; i < m && i < said.n; i++) {
                    same += said.ids[i] == want[i];
                    close += near(said.numbers[i].probability, numbers[i].probability) && near(said.numbers[i].margin, numbers[i].margin)
                          && near(said.numbers[i].entropy, numbers[i].entropy);
                }
                CHECK_INT(same, m);
                CHECK_INT(close, m);
                free(ids);
            }
        hand_close(&h);
    }
}

/* ---------------------------------------------------------------- (1) (2): pure */

static uint64_t digest(struct duo_speaker *s, int voice, int prompt, int from, int tokens, double stop)
{
    int32_t *ids, text[600];
    struct duo_said said;
    struct duo_err err = { 0 };
    int n = duo_speaker_encode(s, voice, prompts[prompt], &ids);
    uint64_t d;
    memcpy(text, ids, (size_t)n * sizeof *ids);
    for (int i = 0; i < from; i++) text[n + i] = (prompt * 31 + i * 7) % 900;
    CHECK_INT(duo_speaker_say(s, voice, text, n + from, &(struct duo_say){ .tokens = tokens, .stop_below = stop }, &said, &err), DUO_OK);
    d = duo_hash_bytes((uint64_t)said.n * 2 + said.ended, said.ids, (size_t)said.n * sizeof *said.ids);
    for (int i = 0; i < said.n; i++) d = duo_hash(d, "numbers", (uint64_t)said.numbers[i].probability << 32 | (uint64_t)said.numbers[i].margin << 16 | said.numbers[i].entropy);
    free(ids);
    return d;
}

/* Three threads, a memory that holds next to nothing, and the other way round: the same. */
static void test_pure(void)
{
    enum { ASKED = 20 * TRIED };
    struct duo_speaker *one = open_with(1, 0), *forgetful = open_with(3, 1);
    struct { int voice, prompt, from, tokens; double stop; uint64_t said; } x[ASKED];
    struct duo_rng r;
    int different = 0;
    duo_rng_init(&r, 3, "test.pure", 0);
    for (int i = 0; i < ASKED; i++) {
        x[i].voice = (int)(duo_rng_bits(&r) % VOICES), x[i].prompt = (int)(duo_rng_bits(&r) % PROMPTS), x[i].from = (int)(duo_rng_bits(&r) % 6);
        x[i].tokens = (int)(duo_rng_bits(&r) % 30), x[i].stop = duo_rng_bits(&r) % 3 ? 0 : 0.03;
        x[i].said = digest(one, x[i].voice, x[i].prompt, x[i].from, x[i].tokens, x[i].stop);
    }
    for (int i = ASKED - 1; i >= 0; i--) different += digest(forgetful, x[i].voice, x[i].prompt, x[i].from, x[i].tokens, x[i].stop) != x[i].said;
    CHECK_INT(different, 0);
    duo_speaker_free(one);
    duo_speaker_free(forgetful);
}

/* ---------------------------------------------------------------- ranks */

static int32_t *own_text(struct duo_speaker *s, int voice, int prompt, int *n, int *m)
{
    int32_t *ids;
    struct duo_said said;
    struct duo_err err = { 0 };
    *n = duo_speaker_encode(s, voice, prompts[prompt], &ids);
    CHECK_INT(duo_speaker_say(s, voice, ids, *n, &(struct duo_say){ .tokens = LONG }, &said, &err), DUO_OK);
    ids = duo_grow(ids, (size_t)(*n + said.n), sizeof *ids);
    memcpy(ids + *n, said.ids, (size_t)said.n * sizeof *ids);
    *m = said.n;
    return ids;
}

/* What ranks say of drafts of every length, and what stepping says: the drafter writes, the verifier's text is compared. */
static void test_ranks(struct duo_speaker *s, int drafter, int verifier)
{
    int agreed = 0;
    for (int p = 0; p < TRIED; p++) {
        int n, m;
        int32_t *ids = own_text(s, verifier, p, &n, &m);
        struct duo_judged drafted[LONG], own[LONG];
        struct duo_err err = { 0 };
        CHECK_INT(duo_speaker_judge(s, drafter, ids, n, m, drafted, &err), DUO_OK);
        CHECK_INT(duo_speaker_judge(s, verifier, ids, n, m, own, &err), DUO_OK);
        for (int i = 0; i < m; i++) {
            CHECK_INT(own[i].rank, 1);                   /* its own choice, and its own number */
            CHECK_INT(own[i].choice, ids[n + i]);
            CHECK_INT(own[i].probability, own[i].numbers.probability);
            CHECK(drafted[i].rank >= 1 && (drafted[i].rank == 1) == (drafted[i].choice == ids[n + i]));
            CHECK(drafted[i].probability <= drafted[i].numbers.probability);
            agreed += drafted[i].rank == 1;
        }
        for (int length = 1; length <= 9; length += 2)
            for (int at = 0; at + length <= m; at += 5) {
                struct duo_said said;
                int by_rank = 0, stepped = 0;
                CHECK_INT(duo_speaker_say(s, drafter, ids, n + at, &(struct duo_say){ .tokens = length }, &said, &err), DUO_OK);
                while (stepped < said.n && said.ids[stepped] == ids[n + at + stepped]) stepped++;
                while (by_rank < length && drafted[at + by_rank].rank == 1) by_rank++;
                CHECK_INT(by_rank, stepped);
                for (int i = 0; i < stepped; i++) CHECK(memcmp(&said.numbers[i], &drafted[at + i].numbers, sizeof said.numbers[i]) == 0);
            }
        free(ids);
    }
    printf("  %s drafts for %s: %d of %d agree\n", voices[drafter].name, voices[verifier].name, agreed, PROMPTS * LONG);
}

/* ---------------------------------------------------------------- exits, acceptance, embeddings, fusion */

static void test_exits(struct duo_speaker *s)
{
    for (int p = 0; p < TRIED; p++) {
        int n, m;
        int32_t *ids = own_text(s, LARGE, p, &n, &m);
        int layers = duo_speaker_layers(s, LARGE);
        struct duo_left left[LONG * 8];
        struct duo_judged early[LONG];
        struct duo_err err = { 0 };
        CHECK_INT(layers, 3);
        CHECK_INT(duo_speaker_layers(s, EARLY), 2);
        CHECK_INT(duo_speaker_exits(s, LARGE, ids, n, m, left, &err), DUO_OK);
        CHECK_INT(duo_speaker_judge(s, EARLY, ids, n, m, early, &err), DUO_OK);     /* FILE@2 is the head behind layer 2 */
        for (int i = 0; i < m; i++) {
            CHECK_INT(left[i * (layers - 1) + 1].choice, early[i].choice);
            CHECK_INT(left[i * (layers - 1) + 1].probability, early[i].numbers.probability);
        }
        free(ids);
    }
    CHECK(strncmp(duo_speaker_digest(s, EARLY), duo_speaker_digest(s, LARGE), 32) == 0);
    CHECK_TEXT(duo_speaker_digest(s, EARLY) + 32, "@2");
    CHECK(strcmp(duo_speaker_digest(s, LARGE), duo_speaker_digest(s, LOSSY)) != 0);
}

static void probabilities(struct hand *h, const int32_t *ids, int n, double *p)
{
    double sum = 0, most = -1e30;
    hand_look(h, ids, n, 0);
    for (int i = 0; i < h->vocabulary; i++) most = fmax(most, (double)h->logits[i]);
    for (int i = 0; i < h->vocabulary; i++) sum += p[i] = exp((double)h->logits[i] - most);
    for (int i = 0; i < h->vocabulary; i++) p[i] /= sum;
}

static void test_accept(struct duo_speaker *s)
{
    struct hand small = hand_open(SMALL), large = hand_open(LARGE);
    double *p = duo_new((size_t)small.vocabulary, sizeof *p), *q = duo_new((size_t)small.vocabulary, sizeof *q);
    uint16_t got[LONG], self[LONG];
    struct duo_err err = { 0 };
    int n, m;
    int32_t *ids = own_text(s, LARGE, 1, &n, &m);
    CHECK_INT(duo_speaker_accept(s, SMALL, LARGE, ids, n, m, got, &err), DUO_OK);
    CHECK_INT(duo_speaker_accept(s, LARGE, LARGE, ids, n, m, self, &err), DUO_OK);
    for (int i = 0; i < m; i++) {
        double both = 0;
        CHECK(self[i] >= DUO_GRID - 1);
        probabilities(&small, ids, n + i, p), probabilities(&large, ids, n + i, q);
        for (int k = 0; k < small.vocabulary; k++) both += fmin(p[k], q[k]);
        CHECK_NEAR(duo_grain(got[i]), both, 1e-4);
    }
    free(ids), free(p), free(q);
    hand_close(&small), hand_close(&large);
}

static void test_embed(struct duo_speaker *s)
{
    struct hand h = hand_open(LARGE);
    int32_t *ids;
    int n = duo_speaker_encode(s, LARGE, prompts[1], &ids), width = duo_speaker_width(s, LARGE);
    float *got = duo_new((size_t)width, sizeof *got);
    double *want = duo_new((size_t)width, sizeof *want);
    struct duo_err err = { 0 };
    CHECK_INT(width, h.width);
    CHECK_INT(duo_speaker_embed(s, LARGE, ids, n, got, &err), DUO_OK);
    for (int i = 1; i <= n; i++) {
        hand_look(&h, ids, i, 3);
        for (int k = 0; k < width; k++) want[k] += (double)h.left[k] / n;
    }
    for (int k = 0; k < width; k++) CHECK_NEAR((double)got[k], want[k], 1e-5);
    free(ids), free(got), free(want);
    hand_close(&h);
}

/* The largest weighted mean of log-probabilities, by hand; one voice alone is that voice. */
static void test_fuse(struct duo_speaker *s)
{
    static const int both[] = { SMALL, LARGE };
    static const double weights[] = { 0.4, 0.6 }, alone[] = { 0, 1 };
    struct hand small = hand_open(SMALL), large = hand_open(LARGE);
    double *p = duo_new((size_t)small.vocabulary, sizeof *p), *q = duo_new((size_t)small.vocabulary, sizeof *q);
    struct duo_err err = { 0 };
    struct duo_said said;
    int n, m, others = 0;
    int32_t *own = own_text(s, LARGE, 0, &n, &m), text[200];
    CHECK_INT(duo_speaker_fuse(s, 2, both, alone, own, n, m, &said, &err), DUO_OK);
    CHECK_INT(said.n, m);
    CHECK(memcmp(said.ids, own + n, (size_t)m * sizeof *own) == 0);
    CHECK_INT(duo_speaker_fuse(s, 2, both, weights, own, n, 20, &said, &err), DUO_OK);
    CHECK_INT(said.n, 20);
    memcpy(text, own, (size_t)n * sizeof *own);
    for (int i = 0; i < said.n; i++) {
        int best = 0;
        double most = -1e30;
        probabilities(&small, text, n + i, p), probabilities(&large, text, n + i, q);
        for (int k = 0; k < small.vocabulary; k++)
            if (0.4 * log(p[k]) + 0.6 * log(q[k]) > most) most = 0.4 * log(p[k]) + 0.6 * log(q[k]), best = k;
        CHECK_INT(said.ids[i], best);
        others += said.ids[i] != own[n + i];
        text[n + i] = said.ids[i];
    }
    CHECK(others > 0);
    free(own), free(p), free(q);
    hand_close(&small), hand_close(&large);
}

/* ---------------------------------------------------------------- what is refused */

static void refused(const char *a, const char *b, bool apart, enum duo_status want, const char *says)
{
    struct duo_speaker_spec spec = { .n_voices = 2, .names = { "a", "b" }, .paths = { a, b }, .apart = apart };
    struct duo_speaker *s = NULL;
    struct duo_err err = { 0 };
    CHECK_INT(duo_speaker_open(&s, &spec, &err), want);
    if (want == DUO_OK) duo_speaker_free(s);
    else CHECK_HAS(err.text, says);
}

static void test_bad(void)
{
    char other[160], layer[160];
    struct duo_err err = { 0 };
    snprintf(other, sizeof other, "%s/other.gguf", folder);
    snprintf(layer, sizeof layer, "%s@3", paths[SMALL]);
    CHECK_INT(duo_model_make("tiny-llama", "q8_0", 7, other, NULL, &err), DUO_OK);
    refused(paths[SMALL], other, false, DUO_BAD_INPUT, "a draft can't be verified");
    refused(paths[SMALL], other, true, DUO_OK, "");
    refused(paths[SMALL], "/nowhere/model.gguf", false, DUO_BAD_INPUT, "");
    refused(paths[SMALL], layer, false, DUO_BAD_INPUT, "the model has 3 layers: one from 1 to 2 is expected behind @");
}

/* ---------------------------------------------------------------- memo.h */

static void test_memo(void)
{
    struct duo_memo *m = duo_memo_new(1 << 21);
    size_t n = 0;
    int forgotten = 0, status = 0;
    CHECK(!duo_memo_get(m, "key", 3, &n));
    duo_memo_put(m, "key", 3, "value", 6);
    CHECK_TEXT(duo_memo_get(m, "key", 3, &n), "value");
    CHECK_INT(n, 6);
    CHECK(!duo_memo_get(m, "ke", 2, &n) && !duo_memo_get(m, "keyy", 4, &n));                /* (1) */
    duo_memo_put(m, "key", 3, "newer", 6);
    CHECK_TEXT(duo_memo_get(m, "key", 3, &n), "newer");                                     /* (2) */
    fflush(NULL);
    if (fork() == 0) {                                                                      /* shared */
        duo_memo_put(m, "child", 5, "was here", 9);
        _exit(0);
    }
    wait(&status);
    CHECK_TEXT(duo_memo_get(m, "child", 5, &n), "was here");
    for (int i = 0; i < 40000; i++) {                                                       /* (3): each is right, or gone */
        const int *found;
        duo_memo_put(m, &i, sizeof i, &(int[]){ i, -i }, 2 * sizeof i);
        found = duo_memo_get(m, &i, sizeof i, &n);
        CHECK(found && found[1] == -i);
        int before = i / 2;
        found = duo_memo_get(m, &before, sizeof before, &n);
        if (!found) forgotten++;
        else if (found[1] != -before) CHECK(false);
    }
    CHECK(forgotten > 0);
    duo_memo_free(m);
}

int main(void)
{
    CHECK(mkdtemp(folder) != NULL);
    make_models();
    struct duo_speaker *s = open_with(1, 0);
    test_memo();
    test_say(s);
    test_pure();
    test_ranks(s, SMALL, LARGE);
    test_ranks(s, LOSSY, LARGE);
    test_ranks(s, EARLY, LARGE);
    test_exits(s);
    test_accept(s);
    test_embed(s);
    test_fuse(s);
    test_bad();
    duo_speaker_free(s);
    for (int v = 0; v < EARLY; v++) unlink(paths[v]);
    char other[160];
    snprintf(other, sizeof other, "%s/other.gguf", folder);
    unlink(other);
    rmdir(folder);
    return check_done();
}
