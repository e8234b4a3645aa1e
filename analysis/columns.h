/* columns.h - the columns of a summary row by name.  For this room's own files. */
#ifndef DUO_ANALYSIS_COLUMNS_H
#define DUO_ANALYSIS_COLUMNS_H

#include "analysis/summary.h"

enum duo_column_kind { DUO_COLUMN_TEXT, DUO_COLUMN_CHEATS, DUO_COLUMN_SEEDS, DUO_COLUMN_FAILED_RUNS, DUO_COLUMN_SEED, DUO_COLUMN_METRIC };
enum duo_column_part { DUO_PART_VALUE, DUO_PART_LOW, DUO_PART_HIGH };

struct duo_column_ref {
    enum duo_column_kind kind;
    enum duo_column_part part;
    int    metric;
    size_t offset;                                       /* of a text in struct duo_summary_row */
    char   name[48];
};

enum duo_status duo_column_find(const char *name, struct duo_column_ref *, struct duo_err *);
/* NAN for a text, and what is not known. */
double          duo_column_number(const struct duo_summary_row *, const struct duo_column_ref *);
const char     *duo_column_text(const struct duo_summary_row *, const struct duo_column_ref *);   /* NULL: a number */

#endif
