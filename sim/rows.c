/* rows.c - rows as bytes, from the child that simulates to the parent that keeps them.
 *
 * (1) A row is a tag (the table's number) and its columns in order.  Whole numbers: zigzag, plus one so that
 *     DUO_NONE is the single byte 0, seven bits a byte.  Reals: the eight bytes of the double.  Texts: length, bytes.
 * (2) After the run's row comes the end mark: a tag, the length of that row, four letters.  So a file can be told to
 *     be whole, and the run's row be read, from its last nine bytes.
 * (3) A failed write is kept until duo_rows_end, which says so.
 * (4) The reader believes nothing: any bytes give rows, "more are needed" or "no rows". */
#include "sim/rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMN(kind, column, text) { (#kind)[0], #column, text, offsetof(struct ROW, column) },
#define ROW duo_row_run
static const struct duo_column run_columns[] = { DUO_RUN_COLUMNS(COLUMN) };
#undef ROW
#define ROW duo_row_request
static const struct duo_column request_columns[] = { DUO_REQUEST_COLUMNS(COLUMN) };
#undef ROW
#define ROW duo_row_link
static const struct duo_column link_columns[] = { DUO_LINK_COLUMNS(COLUMN) };
#undef ROW
#define ROW duo_row_server
static const struct duo_column server_columns[] = { DUO_SERVER_COLUMNS(COLUMN) };
#undef ROW
#define ROW duo_row_device
static const struct duo_column device_columns[] = { DUO_DEVICE_COLUMNS(COLUMN) };
#undef ROW
#define ROW duo_row_reason
static const struct duo_column reason_columns[] = { DUO_REASON_COLUMNS(COLUMN) };
#undef ROW

const struct duo_table duo_tables[DUO_TABLE_END] = {
#define X(table, columns) [DUO_TABLE_##table] = { #table, (int)(sizeof table##_columns / sizeof *table##_columns), table##_columns },
    DUO_TABLES(X)
#undef X
};

#define X(table, columns) _Static_assert(sizeof table##_columns / sizeof *table##_columns <= DUO_MAX_COLUMNS, #table);
DUO_TABLES(X)
#undef X

enum {
    MAX_TEXT  = 255,
    MAX_ROW   = 1 + DUO_MAX_COLUMNS * (2 + MAX_TEXT),
    BUFFER    = 1 << 17,
    MARK_SIZE = 9
};
static const char mark_letters[4] = { 'D', 'U', 'O', 'E' };

/* ---- the child's side ---- */

struct duo_rows {
    int            fd, error;             /* errno of the first failed write */
    size_t         used;
    unsigned char  buffer[BUFFER];
};

struct duo_rows *duo_rows_new(int fd)
{
    struct duo_rows *rows = duo_new(1, sizeof *rows);
    rows->fd = fd;
    return rows;
}

static void flush(struct duo_rows *rows)
{
    size_t done = 0;
    while (done < rows->used && !rows->error) {
        ssize_t n = write(rows->fd, rows->buffer + done, rows->used - done);
        if (n >= 0)              done += (size_t)n;
        else if (errno != EINTR) rows->error = errno;
    }
    rows->used = 0;
}

static unsigned char *put_number(unsigned char *to, uint64_t bits)
{
    for (; bits >= 0x80; bits >>= 7) *to++ = (unsigned char)(bits | 0x80);
    *to++ = (unsigned char)bits;
    return to;
}

static uint64_t zigzag(int64_t value)
{
    return (((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0)) + 1;
}

static int64_t unzigzag(uint64_t bits)
{
    bits -= 1;
    return (int64_t)((bits >> 1) ^ (bits & 1 ? UINT64_MAX : 0));
}

/* Returns the bytes that the row took. */
static size_t put_row(struct duo_rows *rows, enum duo_table_id id, const void *row)
{
    if (BUFFER - rows->used < MAX_ROW) flush(rows);
    const struct duo_table *table = &duo_tables[id];
    unsigned char *start = rows->buffer + rows->used, *to = start;
    *to++ = (unsigned char)id;
    for (const struct duo_column *c = table->columns; c < table->columns + table->n; c++) {
        const char *field = (const char *)row + c->offset;
        if (c->kind == 'I') {
            int64_t value;
            memcpy(&value, field, sizeof value);
            to = put_number(to, zigzag(value));
        } else if (c->kind == 'R') {
            memcpy(to, field, sizeof(double));
            to += sizeof(double);
        } else {
            size_t length = strnlen(field, MAX_TEXT);
            to = put_number(to, length);
            memcpy(to, field, length);
            to += length;
        }
    }
    rows->used += (size_t)(to - start);
    return (size_t)(to - start);
}

void duo_rows_request(struct duo_rows *r, const struct duo_row_request *row) { put_row(r, DUO_TABLE_request, row); }
void duo_rows_link   (struct duo_rows *r, const struct duo_row_link *row)    { put_row(r, DUO_TABLE_link, row); }
void duo_rows_server (struct duo_rows *r, const struct duo_row_server *row)  { put_row(r, DUO_TABLE_server, row); }
void duo_rows_device (struct duo_rows *r, const struct duo_row_device *row)  { put_row(r, DUO_TABLE_device, row); }
void duo_rows_reason (struct duo_rows *r, const struct duo_row_reason *row)  { put_row(r, DUO_TABLE_reason, row); }

enum duo_status duo_rows_end(struct duo_rows *rows, const struct duo_row_run *run, struct duo_err *err)
{
    uint32_t length = (uint32_t)put_row(rows, DUO_TABLE_run, run);
    flush(rows);
    rows->buffer[0] = DUO_TABLE_END;                                                        /* (2) */
    memcpy(rows->buffer + 1, &length, sizeof length);
    memcpy(rows->buffer + 5, mark_letters, sizeof mark_letters);
    rows->used = MARK_SIZE;
    flush(rows);
    int error = rows->error;
    free(rows);
    if (!error) return DUO_OK;
    return duo_fail(err, DUO_NO_RESOURCES, "the rows of a run could not be written: %s", strerror(error));  /* (3) */
}

void duo_row_run_init(struct duo_row_run *row)
{
    memset(row, 0, sizeof *row);
    for (const struct duo_column *c = run_columns; c < run_columns + duo_tables[DUO_TABLE_run].n; c++) {
        char *field = (char *)row + c->offset;
        if (c->kind == 'I') memcpy(field, &(int64_t){ DUO_NONE }, sizeof(int64_t));
        if (c->kind == 'R') memcpy(field, &(double){ (double)NAN }, sizeof(double));
    }
}

/* ---- the parent's side ---- */

/* Bytes taken; 0: more are needed; -1: too long for a number. */
static int get_number(const unsigned char *at, const unsigned char *end, uint64_t *bits)
{
    *bits = 0;
    for (int i = 0; i < 10; i++) {
        if (at + i == end) return 0;
        *bits |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] < 0x80) return i + 1;
    }
    return -1;
}

static long get_mark(const unsigned char *at, const unsigned char *end)
{
    if (end - at < MARK_SIZE) return 0;
    return memcmp(at + 5, mark_letters, sizeof mark_letters) == 0 ? MARK_SIZE : -1;
}

long duo_row_read(const unsigned char *at, const unsigned char *end, enum duo_table_id *id, struct duo_cell *cells)
{
    if (at == end) return 0;
    if (*at > DUO_TABLE_END) return -1;
    *id = (enum duo_table_id)*at;
    if (*id == DUO_TABLE_END) return get_mark(at, end);

    const struct duo_table *table = &duo_tables[*id];
    const unsigned char *from = at + 1;
    for (int i = 0; i < table->n; i++) {
        char kind = table->columns[i].kind;
        if (kind == 'R') {
            if (end - from < (long)sizeof(double)) return 0;
            memcpy(&cells[i].real, from, sizeof(double));
            from += sizeof(double);
            continue;
        }
        uint64_t bits;
        int took = get_number(from, end, &bits);
        if (took <= 0) return took;
        from += took;
        if (kind == 'I') {
            cells[i].whole = unzigzag(bits);
            continue;
        }
        if (bits > MAX_TEXT) return -1;
        if ((uint64_t)(end - from) < bits) return 0;
        cells[i].text   = (const char *)from;
        cells[i].length = (int)bits;
        from += bits;
    }
    return from - at;
}

void duo_row_fill(struct duo_row_run *row, const struct duo_cell *cells)
{
    memset(row, 0, sizeof *row);
    for (int i = 0; i < duo_tables[DUO_TABLE_run].n; i++) {
        char *field = (char *)row + run_columns[i].offset;
        switch (run_columns[i].kind) {
        case 'I': memcpy(field, &cells[i].whole, sizeof(int64_t)); break;
        case 'R': memcpy(field, &cells[i].real, sizeof(double)); break;
        default:  memcpy(field, cells[i].text, (size_t)cells[i].length); break;
        }
    }
}

bool duo_rows_last(int fd, struct duo_row_run *row)
{
    unsigned char   mark[MARK_SIZE], bytes[MAX_ROW];
    struct duo_cell cells[DUO_MAX_COLUMNS];
    enum duo_table_id id;
    uint32_t length;
    struct stat status;
    if (fstat(fd, &status) != 0) return false;
    off_t size = status.st_size;
    if (size < MARK_SIZE || pread(fd, mark, MARK_SIZE, size - MARK_SIZE) != MARK_SIZE) return false;
    if (mark[0] != DUO_TABLE_END || get_mark(mark, mark + MARK_SIZE) != MARK_SIZE) return false;
    memcpy(&length, mark + 1, sizeof length);
    if (length > sizeof bytes || (off_t)length > size - MARK_SIZE) return false;
    if (pread(fd, bytes, length, size - MARK_SIZE - (off_t)length) != (ssize_t)length) return false;
    if (duo_row_read(bytes, bytes + length, &id, cells) != (long)length || id != DUO_TABLE_run) return false;
    duo_row_fill(row, cells);
    return true;
}
