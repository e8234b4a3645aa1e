/* date.h - a date as logs write it. */
#ifndef DUO_TRACES_DATE_H
#define DUO_TRACES_DATE_H

#include <stdbool.h>
#include <stdint.h>

struct duo_date { int64_t seconds; int32_t nanos; };       /* since 1970-01-01T00:00:00Z */

/* YYYY-MM-DD, a blank or T, HH:MM:SS, up to nine digits of fraction behind a point, optionally Z or an offset as in +02:00
 * (none: UTC), and nothing behind it.  false: it is none. */
bool duo_date_read(const char *text, struct duo_date *);

#endif
