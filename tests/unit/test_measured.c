/* test_measured.c - measured.c: exact at its points, straight between them, honest beyond; and the files that it refuses.
 * Beside closed forms of a table that is a plane by construction. */
#include <stdlib.h>
#include <unistd.h>

#include "models/cost/estimate.h"
#include "tests/check.h"

static struct duo_catalogue *catalogue;
static struct duo_err err;
static char path[] = "/tmp/duo_measured_XXXXXX";

#define HEAD "model,hardware,quant,runtime,phase,batch,tokens,context,seconds,joules,date,source\n"
#define ROW  "llama-3.2-1b,h100-sxm,f16,,"

static void write_table(const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f) abort();
    fputs(text, f);
    fclose(f);
}

static struct duo_cost *make(int sequences, bool measured)
{
    struct duo_cost *c = NULL;
    struct duo_cost_spec spec = { .model = "llama-3.2-1b", .hardware = "h100-sxm", .quant = "f16", .measured = measured ? path : NULL,
                                  .sequences = sequences, .budget = 512, .file = "s.yaml", .line = 7 };
    err = (struct duo_err){ 0 };
    duo_cost_new(&c, catalogue, &spec, &err);
    return c;
}

/* Decode: seconds = 1 ms + 0.1 ms batch + 1 us context + 10 ns batch context, joules ten times that; prefill: 2 ms + 10 us tokens + 1 us context. */
static double decode(double batch, double context) { return 1e-3 + 1e-4 * batch + 1e-6 * context + 1e-8 * batch * context; }
static double prefill(double tokens, double context) { return 2e-3 + 1e-5 * tokens + 1e-6 * context; }

static void write_planes(void)
{
    static const double batches[] = { 1, 2, 8 }, contexts[] = { 0, 1000, 4000 }, tokens[] = { 1, 100, 600 };
    char text[8000] = HEAD;

    for (int i = 0; i < 9; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, ROW "decode,%g,1,%g,%.17g,%.17g,2026-11,me\n" ROW "prefill,1,%g,%g,%.17g,,2026-11,me\n", batches[i / 3],
                 contexts[i % 3], decode(batches[i / 3], contexts[i % 3]), 10 * decode(batches[i / 3], contexts[i % 3]), tokens[i / 3], contexts[i % 3],
                 prefill(tokens[i / 3], contexts[i % 3]));
    }
    write_table(text);
}

static struct duo_price ask(const struct duo_cost *c, double items, double fresh, double cached)
{
    struct duo_growth growth;
    struct duo_load l = c->kind->item(c, fresh, cached, 0, c->facts.layers, 1, &growth), all = { 0 };

    for (int i = 0; i < (int)items; i++)
        all.items += l.items, all.tokens += l.tokens, all.context += l.context, all.pairs += l.pairs, all.logits += l.logits;
    return c->kind->price(c, &all, 0, c->facts.layers);
}

/* (1), (2), (5) */
static void test_inside(void)
{
    write_planes();
    struct duo_cost *c = make(1, true), *below = make(1, false);
    static const double at[][2] = { { 1, 0 }, { 1, 1000 }, { 2, 4000 }, { 8, 1000 }, { 1, 500 }, { 5, 2500 }, { 7, 10 } };

    CHECK(c && below);
    if (!c || !below) return;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct duo_price p = ask(c, at[i][0], 1, at[i][1]);
        CHECK_NEAR(p.seconds, decode(at[i][0], at[i][1]), 1e-15);
        CHECK_NEAR(p.joules, 10 * decode(at[i][0], at[i][1]), 1e-14);
        CHECK_NEAR(p.per_context * at[i][0] * 16, 1e-6 + 1e-8 * at[i][0], 1e-16);      /* every sequence one further */
    }
    CHECK_NEAR(ask(c, 1, 100, 1000).seconds, prefill(100, 1000), 1e-15);
    CHECK_NEAR(ask(c, 1, 333, 1234).seconds, prefill(333, 1234), 1e-15);
    struct duo_price p = ask(c, 1, 333, 1234), q = ask(below, 1, 333, 1234);
    CHECK_NEAR(p.joules / p.seconds, q.joules / q.seconds, 1e-9 * q.joules / q.seconds);      /* no joules measured: the model's watts */
    c->kind->free(c), below->kind->free(below);
}

/* (3): beyond the grid the model times measured / model at its edge; without a jump there; and the status says so. */
static void test_beyond(void)
{
    write_planes();
    struct duo_cost *c = make(1, true), *below = make(1, false);
    double ratio;

    CHECK(c && below);
    if (!c || !below) return;
    ratio = decode(8, 1000) / ask(below, 8, 1, 1000).seconds;
    CHECK_NEAR(ask(c, 32, 1, 1000).seconds, ratio * ask(below, 32, 1, 1000).seconds, 1e-15);
    CHECK_NEAR(ask(c, 32, 1, 1000).per_context, ratio * ask(below, 32, 1, 1000).per_context, 1e-20);
    ratio = decode(2, 4000) / ask(below, 2, 1, 4000).seconds;
    CHECK_NEAR(ask(c, 2, 1, 9000).seconds, ratio * ask(below, 2, 1, 9000).seconds, 1e-15);
    CHECK_NEAR(ask(c, 2, 1, 4000.0).seconds, decode(2, 4000), 1e-15);
    CHECK(c->facts.time >= DUO_FITTED);
    CHECK_HAS(c->facts.rests_on, "where it reaches (measured); beyond");
    struct duo_load half = { .items = 1, .tokens = 8, .context = 8 * 101, .pairs = 8 * 101 };
    CHECK_NEAR(c->kind->price(c, &half, 0, 8).seconds, below->kind->price(below, &half, 0, 8).seconds * decode(1, 100) / ask(below, 1, 1, 100).seconds, 1e-12);
    c->kind->free(c), below->kind->free(below);

    write_table(HEAD ROW "decode,1,1,0,0.01,,2026,me\n" ROW "decode,1,1,131071,0.02,,2026,me\n" ROW "prefill,1,1,0,0.01,,2026,me\n"
                ROW "prefill,1,512,0,0.02,,2026,me\n" ROW "prefill,1,1,131071,0.03,,2026,me\n" ROW "prefill,1,512,131071,0.04,,2026,me\n");
    c = make(1, true);                                          /* all that one sequence at a time can ask */
    CHECK(c != NULL);
    if (!c) return;
    CHECK_INT(c->facts.time, DUO_MEASURED);
    CHECK_HAS(c->facts.rests_on, "measured");
    c->kind->free(c);
    c = make(4, true);
    CHECK(c && c->facts.time >= DUO_FITTED);
    if (c) c->kind->free(c);
}

/* (4) */
static void test_outside(void)
{
    struct duo_estimate e;

    write_planes();
    struct duo_cost *c = make(8, true);
    CHECK(c != NULL);
    if (!c) return;
    CHECK_INT(duo_measured_holds(c, 4, 1, 200, &err), DUO_OK);
    CHECK_INT(duo_measured_holds(c, 16, 1, 200, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "decode of batch 16, 1 tokens, context 200 is outside the measured table of llama-3.2-1b on h100-sxm: batch 1 to 8, context 0 to 4000");
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_estimate(c, 500, 11, 2, 512, &e, &err), DUO_OK);
    CHECK_NEAR(e.prefill_s, prefill(500, 0), 1e-12);
    CHECK_NEAR(e.itl_s, decode(2, 504.5), 1e-12);               /* 500 to 509 positions before the step */
    CHECK_INT(duo_estimate(c, 700, 11, 2, 1024, &e, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "prefill of batch 1, 700 tokens");
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_estimate(c, 500, 4000, 2, 512, &e, &err), DUO_BAD_INPUT);
    c->kind->free(c);
}

static void refused(const char *text, int line, const char *part)
{
    write_table(text);
    struct duo_cost *c = make(1, true);
    CHECK(c == NULL);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK_INT(err.line, line);
    CHECK_HAS(err.text, part);
    if (c) c->kind->free(c);
}

static void test_refusals(void)
{
    refused("model,hardware\n", 1, "quant");
    refused(HEAD "llama-3.1-8b,h100-sxm,f16,,decode,1,1,0,0.01,,2026,me\n", 0, "no row is of llama-3.2-1b on h100-sxm, f16");
    CHECK_HAS(err.text, "the first is of llama-3.1-8b");
    refused(HEAD ROW "verify,1,1,0,0.01,,2026,me\n", 2, "expected decode or prefill, got 'verify'");
    refused(HEAD ROW "decode,1,1,0,fast,,2026,me\n", 2, "seconds");
    refused(HEAD ROW "decode,1,1,0,0,,2026,me\n", 2, "is 0, expected at least");
    refused(HEAD ROW "decode,1,3,0,0.01,,2026,me\n", 2, "1 token a sequence");
    refused(HEAD ROW "prefill,2,3,0,0.01,,2026,me\n", 2, "batch 1");
    refused(HEAD ROW "decode,1,1,0,0.01,,2026,me\n" ROW "decode,1,1,0,0.02,,2026,me\n", 3, "in line 2 already");
    refused(HEAD ROW "decode,1,1,0,0.01,,2026,me\n" ROW "decode,2,1,9,0.02,,2026,me\n", 0, "the grid of phase decode has a hole: batch 1, context 9 is missing");
    refused(HEAD ROW "decode,1,1,0,0.01,1,2026,me\n" ROW "decode,2,1,0,0.02,,2026,me\n", 0, "joules are in 1 of 2 rows");
    unlink(path);
    CHECK(make(1, true) == NULL);
    CHECK_INT(err.status, DUO_BAD_INPUT);
}

int main(void)
{
    char dir[4096];
    const char *root = getenv("DUOSIM_SOURCE");
    int file = mkstemp(path);

    if (file < 0) abort();
    close(file);
    snprintf(dir, sizeof dir, "%s/models/catalogue", root ? root : ".");
    if (duo_catalogue_open(&catalogue, dir, &err) != DUO_OK) {
        duo_err_print(stdout, &err, false);
        CHECK(catalogue != NULL);
        return check_done();
    }
    test_inside();
    test_beyond();
    test_outside();
    test_refusals();
    duo_catalogue_free(catalogue);
    return check_done();
}
