/* names.h - texts numbered in the order in which they come, found by hashing. */
#ifndef DUO_BASE_NAMES_H
#define DUO_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct duo_names { int n, room; char **name; size_t slots; int32_t *slot; };     /* zeroed: empty; name[]: [n], its own */

int  duo_names_find(const struct duo_names *, const char *name);                 /* -1: not there */
int  duo_names_add (struct duo_names *, const char *name);                       /* the number of an old or new one (then n - 1) */
void duo_names_free(struct duo_names *);

#endif
