/* memo.c - see memo.h; requirements cited by number. */
#include "models/answers/memo.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/base/err.h"
#include "sim/base/rng.h"

enum { BUCKETS = 1 << 16 };

struct entry { uint64_t next, hash; uint32_t key, value; };      /* bytes of both, which follow, each from a multiple of 8 on */

struct shared {
    pthread_mutex_t lock;
    uint64_t        used;
    uint64_t        first[BUCKETS];      /* places of entries, newest first; 0: none */
};

struct duo_memo {
    struct shared *shared;
    size_t         bytes;
    char          *copy;                 /* this process's own */
    size_t         room;
};

static uint64_t up8(uint64_t n) { return (n + 7) & ~(uint64_t)7; }
static uint64_t begin(void) { return up8(sizeof(struct shared)); }
static struct entry *at(const struct duo_memo *m, uint64_t place) { return (struct entry *)((char *)m->shared + place); }
static char *key_of(struct entry *e) { return (char *)(e + 1); }
static char *value_of(struct entry *e) { return key_of(e) + up8(e->key); }

static uint64_t hash_of(const void *key, size_t n)
{
    const char *bytes = key;
    uint64_t h = n;

    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, n - i < 8 ? n - i : 8);
        h = duo_mix(h ^ word);
    }
    return h;
}

static void forget(struct shared *s)
{
    memset(s->first, 0, sizeof s->first);
    s->used = begin();
}

struct duo_memo *duo_memo_new(size_t bytes)
{
    struct duo_memo *m = duo_new(1, sizeof *m);
    pthread_mutexattr_t how;

    m->bytes  = bytes > 2 * begin() ? bytes : 2 * begin();
    m->shared = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->shared == MAP_FAILED) {
        free(m);
        return NULL;
    }
    pthread_mutexattr_init(&how);
    pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&m->shared->lock, &how);
    pthread_mutexattr_destroy(&how);
    forget(m->shared);
    return m;
}

void duo_memo_free(struct duo_memo *m)
{
    if (!m) return;
    munmap(m->shared, m->bytes);         /* others may still use theirs: the lock is not destroyed */
    free(m->copy);
    free(m);
}

static void lock(struct shared *s)
{
    if (pthread_mutex_lock(&s->lock) != EOWNERDEAD) return;
    pthread_mutex_consistent(&s->lock);
    forget(s);                                                                                /* (4) */
}

static struct entry *find(const struct duo_memo *m, uint64_t hash, const void *key, size_t n)
{
    struct entry *e;

    for (uint64_t place = m->shared->first[hash % BUCKETS]; place; place = e->next) {         /* (2) */
        e = at(m, place);
        if (e->hash == hash && e->key == n && memcmp(key_of(e), key, n) == 0) return e;       /* (1) */
    }
    return NULL;
}

const void *duo_memo_get(struct duo_memo *m, const void *key, size_t n, size_t *bytes)
{
    struct entry *e;

    lock(m->shared);
    e = find(m, hash_of(key, n), key, n);
    if (e) {
        if (e->value > m->room) m->copy = duo_grow(m->copy, m->room = 2 * (size_t)e->value, 1);
        memcpy(m->copy, value_of(e), *bytes = e->value);
    }
    pthread_mutex_unlock(&m->shared->lock);
    return e ? m->copy : NULL;
}

void duo_memo_put(struct duo_memo *m, const void *key, size_t n, const void *value, size_t bytes)
{
    uint64_t hash = hash_of(key, n), size = sizeof(struct entry) + up8(n) + up8(bytes);
    struct entry *e;

    if (size > m->bytes - begin() || n > UINT32_MAX || bytes > UINT32_MAX) return;
    lock(m->shared);
    if (m->shared->used + size > m->bytes) forget(m->shared);                                 /* (3) */
    e  = at(m, m->shared->used);
    *e = (struct entry){ m->shared->first[hash % BUCKETS], hash, (uint32_t)n, (uint32_t)bytes };
    memcpy(key_of(e), key, n);
    memcpy(value_of(e), value, bytes);
    m->shared->first[hash % BUCKETS] = m->shared->used;
    m->shared->used += size;
    pthread_mutex_unlock(&m->shared->lock);
}
