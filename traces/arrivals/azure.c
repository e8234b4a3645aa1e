/* azure.c - the Azure LLM inference traces (github.com/Azure/AzurePublicDataset; Patel et al. 2024, Splitwise).
 *
 * (1) Columns TIMESTAMP, ContextTokens, GeneratedTokens, by name; the 2025 file's NumImages is not used.
 * (2) TIMESTAMP: YYYY-MM-DD, a blank or T, HH:MM:SS, up to nine digits of fraction (none where it is zero),
 *     optionally Z or an offset as in +02:00.  2023: seven digits, no zone; 2024: six and +00:00; 2025: T, three and Z.
 * (3) A date that is none, a count that is not a whole number: refused with line and column.
 * (4) A row without prompt or without output tokens is dropped and counted. */
#include "traces/arrivals/importer.h"
#include "traces/date.h"

enum duo_status duo_arrivals_azure(struct duo_csv *csv, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    int when, prompt, output, more;
    struct duo_date first = { 0, 0 }, date;

    DUO_TRY(duo_csv_need(csv, "TIMESTAMP", &when, err));                      /* (1) */
    DUO_TRY(duo_csv_need(csv, "ContextTokens", &prompt, err));
    DUO_TRY(duo_csv_need(csv, "GeneratedTokens", &output, err));
    while ((more = duo_csv_next(csv, err)) > 0) {
        struct duo_arrival a = { .session = -1 };

        count->read++;
        if (!duo_date_read(duo_csv_cell(csv, when), &date))
            return duo_csv_bad(csv, when, err, "expected a date like 2023-11-16 18:15:46.6805900; got \"%s\"", duo_csv_cell(csv, when));
        DUO_TRY(duo_arrival_whole(csv, prompt, &a.prompt_tokens, err));       /* (3) */
        DUO_TRY(duo_arrival_whole(csv, output, &a.output_tokens, err));
        if (count->read == 1) first = date;
        if (a.prompt_tokens == 0)      { duo_arrival_drop(count, "no prompt tokens", 1); continue; }    /* (4) */
        if (a.output_tokens == 0)      { duo_arrival_drop(count, "no output tokens", 1); continue; }
        a.at = (double)(date.seconds - first.seconds) + (double)(date.nanos - first.nanos) * 1e-9;
        duo_arrival_add(rows, a);
    }
    return more < 0 ? DUO_BAD_INPUT : DUO_OK;
}
