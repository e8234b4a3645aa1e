/* memo.h - results kept by key, in memory that a process shares with the children it forks afterwards.
 *
 * (1) What is found under a key was put under exactly that key; keys are compared whole, not by their hash.
 * (2) Put again, a key's newer value is found.
 * (3) When the memory is full, all is forgotten: what is asked for again is computed again.
 * (4) A process that dies while it is at it harms nobody: all is forgotten then, too. */
#ifndef DUO_ANSWERS_MEMO_H
#define DUO_ANSWERS_MEMO_H

#include <stddef.h>

struct duo_memo;

struct duo_memo *duo_memo_new(size_t bytes);      /* address space; memory as it is filled.  NULL: there is none */
void             duo_memo_free(struct duo_memo *);

/* A copy of the value, valid until the next call; NULL: not there. */
const void *duo_memo_get(struct duo_memo *, const void *key, size_t n, size_t *bytes);
void        duo_memo_put(struct duo_memo *, const void *key, size_t n, const void *value, size_t bytes);

#endif
