/* capacity.h - how much a link carries over time, from traces; one importer a file.
 * rate[i] B/s holds from at[i] (at[0] = 0) to at[i + 1], the last one to `period`; then it starts again.
 * Every row is accounted for. */
#ifndef DUO_TRACES_CAPACITY_H
#define DUO_TRACES_CAPACITY_H

#include <stdint.h>

#include "sim/base/err.h"

struct duo_capacity {
    int     n;
    double *at, *rate;
    double  period;                   /* s */
    double  mean;                     /* B/s over the period */
    int64_t read, emitted;            /* rows of the file; rows that became capacity (the rest was refused: an error) */
};

/* format NULL: found from the content.  `bin`: s that packet opportunities (Mahimahi) are counted over; 0: 0.1. Equal neighbours
 * are merged. */
enum duo_status duo_capacity_read(struct duo_capacity *, const char *path, const char *format, double bin, struct duo_err *);
void            duo_capacity_free(struct duo_capacity *);
int             duo_capacity_formats(const char *const **names, const char *const **about);

#endif
