/* importer.h - what an importer of arrivals fills.  This room only. */
#ifndef DUO_TRACES_ARRIVALS_IMPORTER_H
#define DUO_TRACES_ARRIVALS_IMPORTER_H

#include <stdio.h>

#include "sim/base/csv.h"
#include "traces/arrivals/arrivals.h"

struct duo_arrival_rows {
    int64_t n, room;
    struct duo_arrival *row;
    int64_t n_ids, ids_room;           /* ids of all rows, one row's behind the other's; row.ids is set in the end */
    uint32_t *ids;
    int id_tokens;
    int n_sessions;                    /* > 0: arrivals.c numbers the turns of sessions 0 .. n - 1 by date */
};

void duo_arrival_add (struct duo_arrival_rows *, struct duo_arrival);      /* its n_ids are those added last */
void duo_arrival_id  (struct duo_arrival_rows *, uint32_t);
void duo_arrival_drop(struct duo_trace_count *, const char *why, int64_t rows);    /* `why`: static text */

/* A cell that must hold a whole number from 0 to 1e9. */
enum duo_status duo_arrival_whole(const struct duo_csv *, int column, int *out, struct duo_err *);

/* All rows of a table whose header was read: dates in s from any origin, in the order of the file; counts `read`
 * and what it drops. */
typedef enum duo_status duo_arrival_importer(struct duo_csv *, struct duo_arrival_rows *, struct duo_trace_count *, struct duo_err *);

/* The same for a file that is no table. */
typedef enum duo_status duo_arrival_reader(FILE *, const char *path, struct duo_arrival_rows *, struct duo_trace_count *, struct duo_err *);

duo_arrival_importer duo_arrivals_azure, duo_arrivals_csv;
duo_arrival_reader   duo_arrivals_mooncake, duo_arrivals_vllm, duo_arrivals_litellm, duo_arrivals_otel;

#endif
