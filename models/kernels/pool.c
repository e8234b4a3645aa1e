/* pool.c - threads that take the next piece of work when they have time.
 *
 * (1) Work is announced by one word: a generation and how many pieces are still free. A thread owns a piece when it counts that word down;
 *     it then knows that what it read about the work is that generation's, since a generation ends only with its last piece.
 * (2) Nobody waits for a thread that took nothing: a thread that the system has put aside delays nobody.
 * (3) Waiting is a short spin, then sleep. A spin that did not help is shorter the next time, so that threads do not burn
 *     the time that a neighbour, or the thread they wait for, could use. */
#include "models/kernels/inside.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPIN_MIN = 50, SPIN_MAX = 4000, LINE = 64 };

struct worker {
    _Alignas(LINE) struct duo_counts counts;
    struct duo_pool *pool;
    void            *scratch;
    size_t           room;
    pthread_t        id;
    int              number, spin;
};

struct duo_pool {
    _Alignas(LINE) _Atomic uint64_t ticket;      /* generation << 32 | free pieces (1) */
    _Alignas(LINE) _Atomic uint32_t left;        /* pieces not done */
    _Alignas(LINE) _Atomic int sleepers;
    _Atomic int master_sleeps;
    _Atomic bool stop;
    void (*_Atomic task)(void *arg, size_t i, int thread);
    void *_Atomic arg;
    _Atomic uint32_t n;
    pthread_mutex_t mutex;
    pthread_cond_t  work, done;
    int             threads;
    struct worker  *workers;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Pieces of the generation in `ticket`, until there are none. */
static void take(struct duo_pool *p, uint64_t ticket, int thread)
{
    const uint64_t generation = ticket >> 32;
    for (;;) {
        void (*task)(void *, size_t, int) = atomic_load_explicit(&p->task, memory_order_relaxed);
        void *arg  = atomic_load_explicit(&p->arg, memory_order_relaxed);
        uint32_t n = atomic_load_explicit(&p->n, memory_order_relaxed);
        if (ticket >> 32 != generation || (uint32_t)ticket == 0) return;
        if (!atomic_compare_exchange_weak_explicit(&p->ticket, &ticket, ticket - 1, memory_order_acq_rel, memory_order_acquire)) continue;
        task(arg, n - (uint32_t)ticket, thread);
        if (atomic_fetch_sub_explicit(&p->left, 1, memory_order_seq_cst) == 1 && atomic_load(&p->master_sleeps)) {
            pthread_mutex_lock(&p->mutex);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->mutex);
        }
        ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
    }
}

static void adapt(struct worker *w, bool helped)
{
    w->spin = helped ? w->spin * 2 : w->spin / 2;
    if (w->spin > SPIN_MAX) w->spin = SPIN_MAX;
    if (w->spin < SPIN_MIN) w->spin = SPIN_MIN;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct duo_pool *p = w->pool;
    uint64_t seen = 0;               /* the generation that was looked at last */
    while (!atomic_load(&p->stop)) {
        uint64_t ticket = 0;
        bool found = false;
        for (int i = 0; i < w->spin && !found; i++) {
            ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
            found  = ticket >> 32 != seen;
            if (!found) relax();
        }
        adapt(w, found);
        if (!found) {
            pthread_mutex_lock(&p->mutex);
            atomic_fetch_add(&p->sleepers, 1);
            while ((ticket = atomic_load(&p->ticket)) >> 32 == seen && !atomic_load(&p->stop)) pthread_cond_wait(&p->work, &p->mutex);
            atomic_fetch_sub(&p->sleepers, 1);
            pthread_mutex_unlock(&p->mutex);
        }
        seen = ticket >> 32;
        take(p, ticket, w->number);
    }
    return NULL;
}

struct duo_pool *duo_pool_new(int threads)
{
    if (threads < 1) threads = 1;
    if (threads > DUO_MAX_THREADS) threads = DUO_MAX_THREADS;
    struct duo_pool *p = aligned_alloc(LINE, sizeof *p);
    struct worker *workers = aligned_alloc(LINE, sizeof *workers * (size_t)threads);
    if (p == NULL || workers == NULL) {
        fprintf(stderr, "duosim: out of memory\n");
        exit(DUO_NO_RESOURCES);
    }
    *p = (struct duo_pool){.workers = workers};
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    for (int i = 0; i < threads; i++) workers[i] = (struct worker){.pool = p, .number = i, .spin = SPIN_MAX};
    /* A system that gives fewer threads than asked for: we go on with those. */
    for (p->threads = 1; p->threads < threads; p->threads++)
        if (pthread_create(&workers[p->threads].id, NULL, work, &workers[p->threads]) != 0) break;
    return p;
}

void duo_pool_free(struct duo_pool *p)
{
    if (p == NULL) return;
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->stop, true);
    atomic_fetch_add(&p->ticket, (uint64_t)1 << 32);         /* whoever spins looks up */
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (int i = 1; i < p->threads; i++) pthread_join(p->workers[i].id, NULL);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    for (int i = 0; i < p->threads; i++) free(p->workers[i].scratch);
    free(p->workers);
    free(p);
}

int duo_pool_threads(const struct duo_pool *p)
{
    return p ? p->threads : 1;
}

static void wait_for_rest(struct duo_pool *p)
{
    struct worker *self = &p->workers[0];
    for (int i = 0; i < self->spin; i++) {
        if (atomic_load_explicit(&p->left, memory_order_acquire) == 0) {
            adapt(self, true);
            return;
        }
        relax();
    }
    adapt(self, false);
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->master_sleeps, 1);
    while (atomic_load(&p->left) != 0) pthread_cond_wait(&p->done, &p->mutex);
    atomic_store(&p->master_sleeps, 0);
    pthread_mutex_unlock(&p->mutex);
}

void duo_pool_each(struct duo_pool *p, size_t n, void (*task)(void *arg, size_t i, int thread), void *arg)
{
    if (p == NULL || p->threads == 1 || n <= 1 || n > UINT32_MAX) {
        for (size_t i = 0; i < n; i++) task(arg, i, 0);
        return;
    }
    uint64_t generation = (atomic_load_explicit(&p->ticket, memory_order_relaxed) >> 32) + 1;
    /* No piece is free here, so nobody uses these; who reads them now cannot take one with them (1). */
    atomic_store_explicit(&p->task, task, memory_order_relaxed);
    atomic_store_explicit(&p->arg, arg, memory_order_relaxed);
    atomic_store_explicit(&p->n, (uint32_t)n, memory_order_relaxed);
    atomic_store_explicit(&p->left, (uint32_t)n, memory_order_relaxed);
    atomic_store(&p->ticket, generation << 32 | n);
    if (atomic_load(&p->sleepers)) {
        pthread_mutex_lock(&p->mutex);
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->mutex);
    }
    take(p, generation << 32 | n, 0);
    wait_for_rest(p);
    p->workers[0].counts.barriers++;
}

struct duo_counts duo_pool_counts(const struct duo_pool *p)
{
    struct duo_counts sum = {0};
    for (int i = 0; p && i < p->threads; i++) {
        const struct duo_counts *c = &p->workers[i].counts;
        sum.weight_bytes += c->weight_bytes, sum.weight_macs += c->weight_macs, sum.products += c->products;
        sum.cache_bytes  += c->cache_bytes,  sum.cache_macs  += c->cache_macs,  sum.barriers += c->barriers;
    }
    return sum;
}

void duo_pool_clear(struct duo_pool *p)
{
    for (int i = 0; p && i < p->threads; i++) p->workers[i].counts = (struct duo_counts){0};
}

struct duo_counts *duo_pool_counter(struct duo_pool *p, int thread)
{
    static _Thread_local struct duo_counts nobody;
    return p ? &p->workers[thread].counts : &nobody;
}

void *duo_pool_scratch(struct duo_pool *p, int thread, size_t bytes)
{
    struct worker *w = &p->workers[thread];
    if (bytes > w->room) {
        free(w->scratch);
        w->scratch = duo_aligned(bytes);
        w->room    = bytes;
        if (w->scratch == NULL) {
            fprintf(stderr, "duosim: out of memory\n");
            exit(DUO_NO_RESOURCES);
        }
    }
    return w->scratch;
}
