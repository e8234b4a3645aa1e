/* recording_file.h - a recording's tables, and how rows get into them: while it is recorded, and at its end.
 *
 * (1) FILE.part takes rows one question a transaction; a program that is killed leaves whole questions.
 * (2) The finished file is written at once, in order, with every setting that SQLite would else choose itself, and without
 *     the number of the SQLite that wrote it: its bytes depend on its rows alone.
 * (3) FILE.part is gone on with when its tables `meta` and `voice` hold what they would hold now; else the first difference
 *     is named. */
#ifndef DUO_MODELS_RECORDING_FILE_H
#define DUO_MODELS_RECORDING_FILE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"

/* X(table, columns with types, how many, order) */
#define DUO_RECORDING_TABLES(X)                                                                                                        \
    X(meta,  "key TEXT PRIMARY KEY, value TEXT", 2, "key")                                                                             \
    X(voice, "voice INTEGER PRIMARY KEY, name TEXT, kind TEXT, digest TEXT, quant TEXT, layers INTEGER, width INTEGER,"                \
             " vocabulary INTEGER", 8, "voice")                                                                                        \
    X(query, "query INTEGER PRIMARY KEY, name TEXT, family TEXT, difficulty INTEGER, split TEXT, grading TEXT, prompt TEXT,"           \
             " reference TEXT, prompt_tokens INTEGER, prompt_bytes INTEGER, session INTEGER, turn INTEGER, shared INTEGER", 13, "query") \
    X(answer, "query INTEGER, voice INTEGER, quality REAL, tokens INTEGER, thinking INTEGER, ended INTEGER, text TEXT, numbers BLOB",  \
      8, "query, voice")                                                                                                               \
    X(exits, "query INTEGER, voice INTEGER, same BLOB, probability BLOB", 4, "query, voice")                                           \
    X(rank,  "query INTEGER, drafter INTEGER, verifier INTEGER, ranks BLOB, accept BLOB, numbers BLOB, ahead BLOB", 7,                 \
      "query, drafter, verifier")                                                                                                      \
    X(vote,  "query INTEGER, voice INTEGER, samples INTEGER, temperature REAL, share REAL, draw INTEGER, own INTEGER, tokens INTEGER,"  \
             " quality REAL, alike BLOB", 10,                                                                                          \
      "query, voice")                                                                                                                  \
    X(score, "query INTEGER, name TEXT, value REAL", 3, "query, name")                                                                 \
    X(embedding, "query INTEGER, voice INTEGER, scale REAL, vector BLOB", 4, "query, voice")

enum duo_recording_table {
#define X(name, columns, n, order) DUO_RECORDING_##name,
    DUO_RECORDING_TABLES(X)
#undef X
    DUO_RECORDING_TABLES_N
};

enum { DUO_RECORDING_ID = 0x44554f52, DUO_RECORDING_COLUMNS = 13 };      /* "DUOR": SQLite's application_id */

struct duo_cell {                            /* one value; a real that is NAN is NULL */
    enum { DUO_CELL_NULL, DUO_CELL_WHOLE, DUO_CELL_REAL, DUO_CELL_TEXT, DUO_CELL_BYTES } kind;
    int64_t     whole;
    double      real;
    const void *at;                          /* text or bytes, until the row is put; a text that is NULL is NULL */
    size_t      n;
};
static inline struct duo_cell duo_whole_cell(int64_t x)                     { return (struct duo_cell){ .kind = DUO_CELL_WHOLE, .whole = x }; }
static inline struct duo_cell duo_real_cell (double x)                      { return (struct duo_cell){ .kind = DUO_CELL_REAL, .real = x }; }
static inline struct duo_cell duo_text_cell (const char *x)                 { return (struct duo_cell){ .kind = x ? DUO_CELL_TEXT : DUO_CELL_NULL, .at = x }; }
static inline struct duo_cell duo_bytes_cell(const void *x, size_t n)       { return (struct duo_cell){ .kind = x ? DUO_CELL_BYTES : DUO_CELL_NULL, .at = x, .n = n }; }

struct duo_row { enum duo_recording_table table; struct duo_cell cell[DUO_RECORDING_COLUMNS]; };     /* of meta and voice */

struct duo_recording_file {
    const char   *out;
    char         *part;
    sqlite3      *db;
    sqlite3_stmt *insert[DUO_RECORDING_TABLES_N];
    int64_t       done;                      /* questions */
};

/* `rows`: all of meta and voice. */
enum duo_status duo_recording_begin(struct duo_recording_file *, const char *out, bool resume, const struct duo_row *rows, int n, struct duo_err *);
enum duo_status duo_recording_question(struct duo_recording_file *, bool begin, struct duo_err *);     /* its first row; behind its last */
enum duo_status duo_recording_put(struct duo_recording_file *, enum duo_recording_table, const struct duo_cell *, struct duo_err *);
enum duo_status duo_recording_finish(struct duo_recording_file *, struct duo_err *);
void            duo_recording_close(struct duo_recording_file *);             /* FILE.part stays as it is */

enum duo_status duo_recording_failed(sqlite3 *, const char *path, struct duo_err *);     /* SQLite's last error in words */

#endif
