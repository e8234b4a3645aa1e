/* law_transport.c - what a transport adds to a lone request, against arithmetic, on both networks.
 *
 * Each run is compared with the same run without: request by request, the difference is the closed form.
 * (1) Connections: the round trips of the protocol, cold, resumed and after idle time.
 * (2) The first window: P trip - (2^P - 1) W / rate (Kurose, Ross), upwards; it stays grown while the connection works.
 * (3) Losses: their mean over many requests.
 * (4) Round trips: laws have their mean and variance; a trace is read at the message's date.
 * (5) The device's own queue: one after the other, or all together.
 * (6) A radio: the promotion's delay, and joules that are the integral over its states. */
#include "tests/engine.h"

static const char BASE[] =
    "name: transport\n"
    "seed: 1\n"
    "arrivals: { process: uniform, rate: 0.01/s, requests: 3 }\n"
    "devices: { count: 1, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0 }\n"
    "cells: { up: 8 Mbit/s, down: 16 Mbit/s, rtt: 40 ms }\n"
    "places:\n"
    "  - { name: cloud, site: cloud, hardware: a100-80g, model: llama-3.1-8b, quant: f16, replicas: 1, batch: 32, budget: 2048 }\n"
    "answers:\n"
    "  synthetic:\n"
    "    voices: { weak: { length: 50 }, strong: { length: 50 } }\n"
    "    prompt_tokens: 100\n"
    "    prompt_bytes: 99700 B\n"                          /* with the message's 300: 0.1 s on the way up */
    "    train: 0 %\n"
    "  roles: { device: weak, cloud: strong }\n"
    "policies: [ cloud_only ]\n";

enum { MOST = 8 };
static enum duo_net_kind net;

static struct engine_out go(const char *const *set)
{
    int n = 0;
    struct engine_out o;

    while (set && set[n]) n++;
    o = engine_run(BASE, set, n, "cloud_only", 1, net);
    if (o.status != DUO_OK) printf("%s:%d: %s\n", o.err.file, o.err.line, o.err.text);
    CHECK_INT(o.status, DUO_OK);
    return o;
}

/* TTFT and E2E of request i are later than in the plain run by so much. */
static void later(const char *const *set, const char *const *plain, int n, const double *want)
{
    struct engine_out a = go(plain), b = go(set);

    CHECK_INT(a.n, b.n);
    for (int i = 0; i < n && i < a.n && i < b.n; i++) {
        CHECK_NEAR(b.request[i].ttft - a.request[i].ttft, want[i], 1e-9);
        CHECK_NEAR(b.request[i].e2e - a.request[i].e2e, want[i], 1e-9);
        CHECK_NEAR(b.request[i].bytes_up, a.request[i].bytes_up, 0);
    }
    engine_free(&a), engine_free(&b);
}
#define LATER(n, want, ...) later((const char *const[]){ __VA_ARGS__, NULL }, NULL, n, (const double[])want)
#define OF(...) { __VA_ARGS__ }

static void connections(void)                              /* (1) */
{
    const double trip = 0.040;

    LATER(3, OF(1 * trip, 0, 0), "transport.protocol=tcp");
    LATER(3, OF(2 * trip, 0, 0), "transport.protocol=tls1.3");
    LATER(3, OF(3 * trip, 0, 0), "transport.protocol=tls1.2");
    LATER(3, OF(1 * trip, 0, 0), "transport.protocol=quic");
    LATER(3, OF(0, 0, 0), "transport.protocol=quic", "transport.first=resumed");
    LATER(3, OF(2 * trip, 1 * trip, 1 * trip), "transport.protocol=tls1.3", "transport.idle=30 s");
    LATER(3, OF(3 * trip, 3 * trip, 3 * trip), "transport.protocol=tls1.2", "transport.idle=30 s", "transport.again=cold");
    LATER(3, OF(0, 2 * trip, 2 * trip), "transport.protocol=tls1.2", "transport.idle=30 s", "transport.first=warm");
    LATER(3, OF(5 * trip, 0, 0), "transport.trips=5");
    LATER(3, OF(0, 0, 0), "transport.protocol=none", "transport.idle=30 s");
}

static double waits(double bytes, double rate, double trip, double window)     /* Kurose, Ross */
{
    double q = 0, k = 1, p;

    while (window * exp2(q) / rate < trip) q++;
    while (window * (exp2(k) - 1) < bytes) k++;
    p = fmin(q, k - 1);
    return p * trip - (exp2(p) - 1) * window / rate;
}

static void windows(void)                                  /* (2) */
{
    double w = waits(1e5, 1e6, 0.040, 14600), other = waits(1e5, 1e6, 0.040, 4 * 1000.0), first = waits(1e5, 1e6, 0.200, 14600);

    CHECK_NEAR(w, 0.0254 + 0.0108, 1e-12);                 /* after 14.6 kB and 29.2 kB; 58.4 kB last longer than the trip */
    LATER(3, OF(w, w, w), "transport.window=10");
    LATER(3, OF(other, other, other), "transport.window=4", "transport.segment=1000 B");
    /* grown: 100 kB in windows of 14.6 leave it at 4 of them, and 58.4 kB last more than 40 ms */
    LATER(3, OF(w, 0, 0), "transport.window=10", "transport.timeout=1000 s");
    /* at a trip of 200 ms even 4 windows don't last: what is left of it */
    later((const char *const[]){ "cells.rtt=200 ms", "transport.window=10", "transport.timeout=1000 s", NULL }, (const char *const[]){ "cells.rtt=200 ms", NULL },
          2, (const double[]){ first, waits(1e5, 1e6, 0.200, 4 * 14600) });
}

static void statistics(const char *const *set, const char *const *plain, double *mean, double *sd, int *n)
{
    struct engine_out a = go(plain), b = go(set);
    double sum = 0, squares = 0;

    *n = a.n;
    for (int i = 0; i < a.n; i++) {
        double d = b.request[i].ttft - a.request[i].ttft;
        sum += d, squares += d * d;
    }
    *mean = sum / a.n, *sd = sqrt(squares / a.n - *mean * *mean);
    engine_free(&a), engine_free(&b);
}

#define MANY "arrivals.requests=4000", "arrivals.rate=0.02/s", "answers.synthetic.voices.strong.length=1"

static void losses(void)                                   /* (3) */
{
    const double p = 0.02, trip = 0.040, timeout = 0.3, segments = ceil(1e5 / 1460);
    const char *const plain[] = { MANY, NULL }, *const lossy[] = { MANY, "cells.loss=2 %", "transport.timeout=300 ms", NULL };
    double up = (1 - pow(1 - p, segments - 3)) * trip + (1 - pow(1 - p, 3)) * timeout / (1 - 2 * p), down = p * timeout / (1 - 2 * p), mean, sd;
    int n;

    statistics(lossy, plain, &mean, &sd, &n);
    printf("losses: %.3f ms a request, by arithmetic %.3f\n", 1e3 * mean, 1e3 * (up + down));
    CHECK_INT(n, 4000);
    CHECK_NEAR(mean, up + down, 4 * sd / sqrt(n));
}

static void round_trips(void)                              /* (4) */
{
    const char *const plain[] = { MANY, NULL };
    const char *const uniform[] = { MANY, "cells.rtt=uniform(20 ms, 60 ms)", NULL }, *const lognormal[] = { MANY, "cells.rtt=lognormal(40 ms, 0.5)", NULL };
    char file[] = "/tmp/duosim-rtt-XXXXXX", set[80];
    FILE *f = fdopen(mkstemp(file), "w");
    double mean, sd;
    int n;

    statistics(uniform, plain, &mean, &sd, &n);            /* half a trip up, half of another one down */
    CHECK_NEAR(mean, 0, 4 * sd / sqrt(n));
    CHECK_NEAR(sd, 0.040 / sqrt(12) / sqrt(2), 0.0003);
    statistics(lognormal, plain, &mean, &sd, &n);
    CHECK_NEAR(mean, 0, 4 * sd / sqrt(n));
    CHECK_NEAR(sd, 0.5 * 0.040 / sqrt(2), 0.001);
    fprintf(f, "at,rtt\n0,80\n50,60\n100,40\n");           /* a period of 150 s; requests at 100, 200, 300 s, or at 0, 100, 200 */
    fclose(f);
    snprintf(set, sizeof set, "cells.rtt={trace: %s}", file);
    struct engine_out a = go(NULL);
    static const double trips[] = { 0.080, 0.060, 0.040 };
    double want[3];
    for (int i = 0; i < 3; i++) want[i] = trips[(int)(fmod(a.request[i].arrived, 150) / 50)] - 0.040;
    engine_free(&a);
    LATER(3, OF(want[0], want[1], want[2]), set);
    unlink(file);
}

static void queues(void)                                   /* (5) */
{
    const char *const fifo[] = { "arrivals={process: at_once, requests: 3}", "answers.synthetic.voices.strong.length=1", "answers.synthetic.prompt_bytes=999700 B",
                                 "transport.queue=fifo", NULL };
    const char *const alone[] = { "arrivals.requests=1", "answers.synthetic.voices.strong.length=1", "answers.synthetic.prompt_bytes=999700 B", NULL };
    const char *const shared[] = { fifo[0], fifo[1], fifo[2], NULL };
    struct engine_out one = go(alone), a = go(fifo), b = go(shared);

    for (int i = 0; i < 3; i++) {
        CHECK_NEAR(a.request[i].ttft, one.request[0].ttft + i * 1.0, 1e-9);    /* a megabyte at a megabyte a second each */
        CHECK(b.request[i].ttft >= 3);                     /* all three share to the end */
    }
    engine_free(&one), engine_free(&a), engine_free(&b);
}

static void radios(void)                                   /* (6) */
{
    struct engine_out plain = go(NULL), o = go((const char *const[]){ "cells.radio=lte", NULL });
    struct duo_radio r;
    struct duo_err err = { 0 };

    CHECK_INT(duo_radio_find(engine_catalogue, "lte", NULL, 0, &r, &err), DUO_OK);
    for (int i = 0; i < 3; i++) {
        const struct duo_row_request *q = &o.request[i], *p = &plain.request[i];
        /* up, a tail until the stream begins, the stream until its last token is written, a tail */
        double id = 4, chunk = 2 * (300 + id) / 2e6, up = 0.1, first = p->ttft - 0.020 - chunk - up - 0.020, stream = p->e2e - (p->ttft - chunk - 0.020) - 0.020;
        double want = r.promotion_watts * r.promotion_seconds + r.active_watts * (up + stream) + r.tail_watts * (0.020 + first + r.tail_seconds) +
                      q->bytes_up * r.joules_byte_up + q->bytes_down * r.joules_byte_down;
        CHECK_NEAR(q->ttft - p->ttft, r.promotion_seconds, 1e-9);
        CHECK_NEAR(q->joules_radio, want, 1e-6 * want);
    }
    CHECK_TEXT(o.run.provenance_energy, "assumed");
    engine_free(&plain), engine_free(&o);
}

int main(void)
{
    for (net = duo_net_has_simgrid() ? DUO_NET_SIMGRID : DUO_NET_FLUID;; net = DUO_NET_FLUID) {
        connections();
        windows();
        losses();
        round_trips();
        queues();
        radios();
        if (net == DUO_NET_FLUID) break;
    }
    if (!duo_net_has_simgrid()) CHECK_SKIP("built without SimGrid");
    return check_done();
}
