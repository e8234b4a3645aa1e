/* test_transport.c - connections against a sender that is stepped segment by segment (sim/connection.h, by requirement),
 * and traces of round trips (traces/network/rtt.h). */
#include <stdlib.h>
#include <unistd.h>

#include "sim/base/rng.h"
#include "sim/connection.h"
#include "tests/check.h"
#include "traces/network/rtt.h"

static void trips(void)                                    /* (1): the handshakes of the RFCs, message by message */
{
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_TCP, DUO_OPEN_COLD), 1, 0);                   /* SYN, SYN ACK; data */
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_TLS13, DUO_OPEN_COLD), 1 + 1, 0);             /* hello, hello .. finished; data */
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_TLS13, DUO_OPEN_RESUMED), 1 + 0, 0);          /* early data with the hello */
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_TLS12, DUO_OPEN_COLD), 1 + 2, 0);
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_TLS12, DUO_OPEN_RESUMED), 1 + 1, 0);
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_QUIC, DUO_OPEN_COLD), 1, 0);
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_QUIC, DUO_OPEN_RESUMED), 0, 0);
    CHECK_NEAR(duo_connection_trips(DUO_PROTOCOL_TLS12, DUO_OPEN_WARM), 0, 0);
}

/* A sender by segments: sends while the window has room, each segment takes 1 / rate on the link; its acknowledgment comes
 * `trip` after its first bit is out and lets two more go.  When the last has been sent, less the time on the link alone. */
static double by_segments(int segments, double rate, double trip, int window)
{
    double *out = malloc((size_t)segments * sizeof *out), link = 0;      /* when each left; when the link is free */
    int acknowledged = 0;

    for (int i = 0; i < segments; i++) {
        double may = 0;
        while (i >= window + 2 * acknowledged) may = out[acknowledged++] + trip;       /* in flight: window + acknowledged, moved on by as many */
        out[i] = fmax(link, may);
        link = out[i] + 1 / rate;
    }
    free(out);
    return link - segments / rate;
}

static void slow_start(void)                               /* (2) */
{
    for (uint64_t k = 0; k < 400; k++) {
        int n = 1 + (int)exp(9 * duo_draw(1, "n", k)), window = 1 + (int)(20 * duo_draw(1, "w", k));
        double rate = exp(2 + 10 * duo_draw(1, "r", k)), trip = 0.3 * duo_draw(1, "t", k), wait = duo_connection_wait(n, rate, trip, window);
        CHECK_NEAR(wait, by_segments(n, rate, trip, window), 1e-9 + 12 / rate);        /* a segment's time a round: it is no fluid */
        /* Kurose, Ross: P = min(Q, K - 1) waits, P trip - (2^P - 1) W / rate */
        double q = 0, whole = 1, p;
        while (window * ldexp(1, (int)q) / rate < trip) q++;
        while (window * (ldexp(1, (int)whole) - 1) < n) whole++;
        p = fmin(q, whole - 1);
        CHECK_NEAR(wait, p * trip - (ldexp(1, (int)p) - 1) * window / rate, 1e-9 * (1 + p));
    }
    CHECK_NEAR(duo_connection_wait(14600, 1e6, 0.1, 14600), 0, 0);                             /* it fits */
    CHECK_NEAR(duo_connection_wait(100000, INFINITY, 0.1, 14600), 0.2, 1e-12);                 /* 10, 20, 40 segments: two waits */
    CHECK_NEAR(duo_connection_wait(0, NAN, 0.1, 14600), 0, 0);
    CHECK_INT(duo_connection_grown(300, 14600, 0), 0);                                         /* (3) */
    CHECK_INT(duo_connection_grown(14600, 14600, 0), 1);
    CHECK_INT(duo_connection_grown(100000, 14600, 0), 2);                                      /* 7.8 windows: past 4, not yet 8 */
    CHECK_INT(duo_connection_grown(1e300, 14600, 40), 40);
}

static void losses(void)                                   /* (4) */
{
    static const double of[][2] = { { 1, 0.01 }, { 3, 0.1 }, { 4, 0.05 }, { 50, 0.005 }, { 1000, 0.001 } };
    const double trip = 0.08, timeout = 0.2;

    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double n = of[i][0], p = of[i][1], sum = 0, squares = 0, middle = 1 - pow(1 - p, fmax(0, n - 3)), last = 1 - pow(1 - p, fmin(3, n));
        double want = middle * trip + last * timeout / (1 - 2 * p);                            /* 1 + 2 p + 4 p^2 ... */
        enum { DRAWS = 400000 };
        for (uint64_t k = 0; k < DRAWS; k++) {
            double d = duo_connection_loss(n, p, trip, timeout, duo_draw(i, "middle", k), duo_draw(i, "last", k));
            sum += d, squares += d * d;
        }
        CHECK_NEAR(sum / DRAWS, want, 4 * sqrt((squares / DRAWS - sum / DRAWS * sum / DRAWS) / DRAWS));
    }
    CHECK_NEAR(duo_connection_loss(100, 0.01, trip, timeout, 0.9999, 0.9999), 0, 0);
    CHECK_NEAR(duo_connection_loss(100, 0.01, trip, timeout, 0, 0.9999), trip, 0);
    CHECK_NEAR(duo_connection_loss(3, 0.01, trip, timeout, 0, 0.01), timeout, 0);              /* no middle; one of three, once */
    CHECK_NEAR(duo_connection_loss(1, 0.01, trip, timeout, 0.5, 0.00005), 3 * timeout, 0);     /* and again: 1 + 2 */
}

static enum duo_status read_text(const char *text, struct duo_rtt_trace *t, struct duo_err *err)
{
    char file[] = "/tmp/duosim-rtt-XXXXXX";
    int fd = mkstemp(file);
    enum duo_status status;

    if (write(fd, text, strlen(text)) < 0) abort();
    close(fd);
    *err = (struct duo_err){ 0 };
    status = duo_rtt_read(t, file, err);
    unlink(file);
    return status;
}

static void pings(void)
{
    struct duo_rtt_trace t;
    struct duo_err err;
    const char *data = getenv("DUOSIM_DATA");
    char path[1000];

    CHECK_INT(read_text("time,rtt\n100,40\n101,-\n102,60\n104,20\n", &t, &err), DUO_OK);
    CHECK_INT(t.read, 4);
    CHECK_INT(t.emitted, 3);
    CHECK_INT(t.dropped, 1);
    CHECK_NEAR(t.period, 6, 1e-12);                        /* 4 s and a mean gap */
    CHECK_NEAR(t.mean, (0.040 * 2 + 0.060 * 2 + 0.020 * 2) / 6, 1e-15);
    CHECK_NEAR(duo_rtt_at(&t, 0), 0.040, 1e-15);
    CHECK_NEAR(duo_rtt_at(&t, 1.999), 0.040, 1e-15);
    CHECK_NEAR(duo_rtt_at(&t, 2), 0.060, 1e-15);
    CHECK_NEAR(duo_rtt_at(&t, 5.9), 0.020, 1e-15);
    CHECK_NEAR(duo_rtt_at(&t, 6 * 1000 + 3), 0.060, 1e-15);
    duo_rtt_free(&t);
    static const struct { const char *text, *says; int line, column; } bad[] = {
        { "time,ttl\n1,40\n", "rtt", 1, 0 },          { "when,rtt\n1,40\n", "a column of seconds", 1, 0 },
        { "time,rtt\n1,40\n2,-5\n", "more than 0", 3, 3 }, { "time,rtt\n2,40\n2,50\n", "must increase", 3, 1 },
        { "time,rtt\n1,fast\n", "fast", 2, 3 },       { "time,rtt\n1,40\n2,\n", "at least two", 0, 0 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(read_text(bad[i].text, &t, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, bad[i].says);
        CHECK_INT(err.line, bad[i].line);
        if (bad[i].column) CHECK_INT(err.column, bad[i].column);
    }
    snprintf(path, sizeof path, "%s/data/net-starlink/ping_isl.csv", data ? data : "");
    if (!data || access(path, R_OK) != 0) { CHECK_SKIP("no net-starlink below DUOSIM_DATA"); return; }
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_rtt_read(&t, path, &err), DUO_OK);
    CHECK_INT(t.read, 5000);
    printf("starlink: %lld pings over %.1f s, mean %.1f ms\n", (long long)t.emitted, t.period, 1e3 * t.mean);
    CHECK(t.mean > 0.1 && t.mean < 0.2);                   /* its README: over inter-satellite links */
    duo_rtt_free(&t);
}

int main(void)
{
    trips();
    slow_start();
    losses();
    pings();
    return check_done();
}
