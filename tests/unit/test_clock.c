/* test_clock.c - requirements (1)-(4) of sim/clock.h, the last test against a naive list. */
#include <stdlib.h>

#include "sim/base/rng.h"
#include "sim/clock.h"
#include "tests/check.h"

static struct duo_clock *clock_;
static char              heard[64];

struct bell { struct duo_alarm alarm; char letter; struct bell *other; double again; };

static void ring(void *owner)
{
    struct bell *b = owner;
    size_t n = strlen(heard);
    heard[n] = b->letter, heard[n + 1] = '\0';
}

static void ring_and_cancel(void *owner)
{
    struct bell *b = owner;
    ring(b);
    duo_clock_cancel(clock_, &b->other->alarm);
}

static void ring_and_move(void *owner)
{
    struct bell *b = owner;
    ring(b);
    duo_clock_set(clock_, &b->other->alarm, b->again, ring, b->other);
}

static void drain(void) { while (duo_clock_head(clock_) < INFINITY) duo_clock_ring(clock_); }

static void start(struct bell *bells)
{
    clock_ = duo_clock_new();
    heard[0] = '\0';
    for (int i = 0; i < 5; i++) bells[i] = (struct bell){ .letter = (char)('a' + i) };
}

static void set(struct bell *b, double at) { duo_clock_set(clock_, &b->alarm, at, ring, b); }

static void test_order(void)
{
    struct bell b[5];
    start(b);
    CHECK(isinf(duo_clock_head(clock_)));
    set(&b[0], 3), set(&b[1], 1), set(&b[2], 2), set(&b[3], 1), set(&b[4], 2);
    CHECK_NEAR(duo_clock_head(clock_), 1, 0);
    drain();
    CHECK_TEXT(heard, "bdcea");    /* dates, ties by sequence */
    CHECK_NEAR(duo_clock_now(clock_), 3, 0);
    CHECK_INT(duo_clock_events(clock_), 5);
    duo_clock_free(clock_);

    start(b);    /* (2): moving gives a new sequence, even to the same date */
    set(&b[0], 1), set(&b[1], 1), set(&b[2], 1), set(&b[0], 1), set(&b[2], 0.5);
    duo_clock_cancel(clock_, &b[3].alarm);    /* never set */
    drain();
    CHECK_TEXT(heard, "cba");
    duo_clock_free(clock_);
}

static void test_inside(void)
{
    struct bell b[5];
    start(b);    /* (3) */
    b[0].other = &b[1], b[2].other = &b[2], b[2].again = 4, b[3].other = &b[4], b[3].again = 2.5;
    duo_clock_set(clock_, &b[0].alarm, 1, ring_and_cancel, &b[0]);
    set(&b[1], 1), set(&b[4], 9);
    duo_clock_set(clock_, &b[2].alarm, 2, ring_and_move, &b[2]);
    duo_clock_set(clock_, &b[3].alarm, 2, ring_and_move, &b[3]);
    drain();
    CHECK_TEXT(heard, "acdec");
    duo_clock_free(clock_);

    start(b);    /* (3): cancelling itself while it rings is nothing; (4): the past rings now */
    b[0].other = &b[0], b[1].other = &b[2], b[1].again = -7;
    duo_clock_set(clock_, &b[0].alarm, 1, ring_and_cancel, &b[0]);
    duo_clock_set(clock_, &b[1].alarm, 2, ring_and_move, &b[1]);
    set(&b[3], 2);
    drain();
    CHECK_TEXT(heard, "abdc");
    CHECK_NEAR(duo_clock_now(clock_), 2, 0);
    duo_clock_advance(clock_, 5);
    duo_clock_advance(clock_, 4);
    CHECK_NEAR(duo_clock_now(clock_), 5, 0);
    set(&b[0], 1);
    CHECK_NEAR(duo_clock_head(clock_), 5, 0);
    duo_clock_ring(clock_);
    CHECK_NEAR(duo_clock_now(clock_), 5, 0);
    duo_clock_free(clock_);
}

enum { ALARMS = 300, STEPS = 100000 };
static int rang;
static void note(void *owner) { rang = *(int *)owner; }

/* 100,000 random settings, moves, cancels and rings; dates from a coarse grid, so that ties are many. */
static void test_random(void)
{
    static struct duo_alarm alarms[ALARMS];
    static struct { double at; int sequence; } list[ALARMS];    /* sequence 0: not set */
    static int numbers[ALARMS];
    struct duo_rng r;
    duo_rng_init(&r, 5, "clock", 0);
    clock_ = duo_clock_new();
    int sequence = 0, wrong = 0, rings = 0;
    for (int step = 0; step < STEPS; step++) {
        int i = (int)(duo_rng_unit(&r) * ALARMS), what = (int)(duo_rng_unit(&r) * 10);
        double now = duo_clock_now(clock_);
        numbers[i] = i;
        if (what < 5) {
            double at = now - 2 + floor(duo_rng_unit(&r) * 40);
            duo_clock_set(clock_, &alarms[i], at, note, &numbers[i]);
            list[i].at = at < now ? now : at;
            list[i].sequence = ++sequence;
        } else if (what < 7) {
            duo_clock_cancel(clock_, &alarms[i]);
            list[i].sequence = 0;
        } else {
            int first = -1;
            for (int k = 0; k < ALARMS; k++)
                if (list[k].sequence && (first < 0 || list[k].at < list[first].at ||
                                         (list[k].at == list[first].at && list[k].sequence < list[first].sequence))) first = k;
            wrong += duo_clock_head(clock_) != (first < 0 ? INFINITY : list[first].at);
            if (first < 0) continue;
            rang = -1;
            duo_clock_ring(clock_);
            rings++;
            wrong += rang != first || duo_clock_now(clock_) != list[first].at || alarms[first].place != 0;
            list[first].sequence = 0;
        }
    }
    CHECK_INT(wrong, 0);
    CHECK(rings > STEPS / 5);
    CHECK_INT(duo_clock_events(clock_), rings);
    duo_clock_free(clock_);
}

int main(void)
{
    test_order();
    test_inside();
    test_random();
    return check_done();
}
