/* csv.c - arrivals in the plainest form: a table of one's own.
 *
 * (1) Column `at`: seconds from any origin; where they are not in order, they are put in order, as in every trace.
 * (2) Columns prompt_tokens, output_tokens, session, turn where they are; an empty cell is "not in the trace".
 * (3) A date that is no number, a count that is not a whole number: refused with line and column. */
#include "traces/arrivals/importer.h"

static enum duo_status optional(const struct duo_csv *csv, int column, int *out, struct duo_err *err)
{
    if (column < 0 || duo_csv_cell(csv, column)[0] == '\0') return DUO_OK;    /* (2) */
    return duo_arrival_whole(csv, column, out, err);
}

enum duo_status duo_arrivals_csv(struct duo_csv *csv, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    int at, more;
    int prompt = duo_csv_find(csv, "prompt_tokens"), output = duo_csv_find(csv, "output_tokens");
    int session = duo_csv_find(csv, "session"), turn = duo_csv_find(csv, "turn");

    DUO_TRY(duo_csv_need(csv, "at", &at, err));                               /* (1) */
    while ((more = duo_csv_next(csv, err)) > 0) {
        struct duo_arrival a = { .session = -1 };

        count->read++;
        DUO_TRY(duo_csv_number(csv, at, &a.at, err));                         /* (3) */
        if (!(a.at >= -1e15 && a.at <= 1e15)) return duo_csv_bad(csv, at, err, "expected a date in seconds; got \"%s\"", duo_csv_cell(csv, at));
        DUO_TRY(optional(csv, prompt, &a.prompt_tokens, err));
        DUO_TRY(optional(csv, output, &a.output_tokens, err));
        DUO_TRY(optional(csv, session, &a.session, err));
        DUO_TRY(optional(csv, turn, &a.turn, err));
        duo_arrival_add(rows, a);
    }
    return more < 0 ? DUO_BAD_INPUT : DUO_OK;
}
