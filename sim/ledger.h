/* ledger.h - the result database while it is written: SQLite behind the tables of sim/rows.h.
 *
 * (1) All happens in one transaction in a temporary file beside the target; duo_ledger_close renames it.
 * (2) The tables are those of DUO_TABLES, each with a first column `run` (in table run: `id`), and scenario, host and
 *     description.
 * (3) The rows of one run at a time are pulled from a file that may still be growing; a run that failed leaves its
 *     own row and nothing else.
 * (4) What SQLite or the disk refuses is DUO_NO_RESOURCES; a target that can't be one is DUO_BAD_INPUT. */
#ifndef DUO_SIM_LEDGER_H
#define DUO_SIM_LEDGER_H

#include "sim/rows.h"

struct sqlite3;
struct duo_ledger;

enum duo_status duo_ledger_open(struct duo_ledger **, const char *target, struct duo_err *);
void            duo_ledger_drop(struct duo_ledger *);           /* nothing is left behind; NULL: nothing to do */

/* A file for a child's rows in the target's folder, without a name: it goes with its last descriptor. */
enum duo_status duo_ledger_scratch(const struct duo_ledger *, int *fd, struct duo_err *);

enum duo_status duo_ledger_scenario(struct duo_ledger *, const char *variant, const char *text, struct duo_err *);
enum duo_status duo_ledger_host(struct duo_ledger *, const char *name, const char *value, struct duo_err *);

/* One run: begin, pull until the child has ended and *more is false, end. */
enum duo_status duo_ledger_begin(struct duo_ledger *, int64_t run, int fd, struct duo_err *);
enum duo_status duo_ledger_pull(struct duo_ledger *, bool *more, struct duo_err *);      /* at most a megabyte */
/* What is wrong with the rows pulled so far if the child has ended; NULL: they are complete, and *row is the run's. */
const char     *duo_ledger_fault(const struct duo_ledger *, const struct duo_row_run **row);
/* `params` and `reason` stand for the row's, in full length.  reason NULL: keep the rows; else drop them. */
enum duo_status duo_ledger_end(struct duo_ledger *, const struct duo_row_run *, const char *params, const char *reason,
                               struct duo_err *);

struct sqlite3 *duo_ledger_handle(struct duo_ledger *);
enum duo_status duo_ledger_commit(struct duo_ledger *, struct duo_err *);
/* After the commit: rename and free. */
enum duo_status duo_ledger_close(struct duo_ledger *, struct duo_err *);

#endif
