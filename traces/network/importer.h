/* importer.h - what an importer of capacities uses.  This room only. */
#ifndef DUO_TRACES_NETWORK_IMPORTER_H
#define DUO_TRACES_NETWORK_IMPORTER_H

#include <stdio.h>

#include "traces/network/capacity.h"

/* Line by line: LF or CRLF, an optional last newline.  1: a line; 0: the end; -1: *err is filled. */
struct duo_lines { FILE *in; const char *path; char *text; size_t room; int line; };
int duo_lines_next(struct duo_lines *, struct duo_err *);

void duo_capacity_add(struct duo_capacity *, double at, double rate);    /* merges equal neighbours */

/* Fills everything from the first line on. */
typedef enum duo_status duo_capacity_importer(struct duo_lines *, double bin, struct duo_capacity *, struct duo_err *);

duo_capacity_importer duo_capacity_mahimahi, duo_capacity_pensieve;

#endif
