/* table.h - the summary as a table: for reading, for papers, for programs.
 *
 * (1) text, markdown, latex, html: three digits, times in s, shares in %, dollars per 1,000 requests; "-" is not
 *     known; a star marks rows that know the truth; quality stands in brackets while nobody's real model gave
 *     it.  Above: what is real.  Below: what the numbers are over, and the runs that failed, with their reason.
 * (2) csv, json: all digits, SI units, a request each; empty and null are not known.  Without a choice of
 *     columns they have the keys of the man page in its order, each mean followed by its low_ and high_.
 * (3) By seed: one row a run, without intervals.
 * (4) Behind each column's title stands a mark, the first letter of the weakest status of what its numbers rest on in
 *     any row (^a assumed ... ^m measured); below the table a legend.  Counts and bytes have none.
 * (5) text: above the table, what the times rest on, and whether validation gates cover what worked (run.domain). */
#ifndef DUO_ANALYSIS_TABLE_H
#define DUO_ANALYSIS_TABLE_H

#include <stdio.h>

#include "analysis/summary.h"

#define DUO_TABLE_FORMATS(X) X(TEXT, text) X(MARKDOWN, markdown) X(CSV, csv) X(JSON, json) X(LATEX, latex) X(HTML, html)
enum duo_table_format {
#define DUO_TABLE_FORMAT(name, word) DUO_TABLE_##name,
    DUO_TABLE_FORMATS(DUO_TABLE_FORMAT)
#undef DUO_TABLE_FORMAT
    DUO_TABLE_FORMAT_END
};

/* By name ("text", ...). */
enum duo_status duo_table_format_find(const char *name, enum duo_table_format *, struct duo_err *);

struct duo_table_spec {
    enum duo_table_format format;
    const char *columns;                                 /* "label,quality,e2e_p50"; NULL: the usual ones */
    const char *variant;                                 /* that one alone; NULL: all */
    sqlite3    *rankings;                                /* JSON: rows get their rankings under perturbation from here; NULL: none */
    bool        by_seed, intervals;                      /* intervals: of every column, not of quality alone */
};

enum duo_status duo_table_print(FILE *, const struct duo_summary *, const struct duo_table_spec *, struct duo_err *);

/* A view or table of the database as it is: v_pareto, v_paired, link, server, ... */
enum duo_status duo_table_view(FILE *, sqlite3 *, const char *view, enum duo_table_format, struct duo_err *);

/* "answers: synthetic | times: assumed | ...": one line without its newline. */
void duo_table_provenance(FILE *, const struct duo_summary *);

/* Every name that `columns` may hold, with what it is. */
void duo_table_columns(FILE *);

#endif
