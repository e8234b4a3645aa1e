/* accepts.c - accept lists of recorded speculative decoding, as ranks (outcomes.h (3)).  Columns: query_id (or
 * question_id, id); accept_lengths, the tokens that each verify step added, the model's own included, separated by
 * spaces; or ranks, one number a position of the verifier's text (0: not known).  Optional: turn_steps and
 * turn_new_tokens, one number a turn, checked; draft_lengths, one a step; prompt_tokens, prompt_chars, one a turn or
 * one for all, shared out evenly.
 *
 * (1) A draft that ran out censors the position behind it.  Where draft_lengths is missing, steps of the file's longest
 *     length count as such: the recorder's limit.
 * (2) The last token of a turn is censored, too: nobody recorded whether the draft had it.
 * (3) Censored positions are read as disagreements: then drafting without limit takes the recorded steps, and shorter
 *     drafts are accepted at least as often in truth. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "traces/outcomes/table.h"

struct columns { int id, lengths, ranks, steps, tokens, drafts, prompt_tokens, prompt_chars; };
struct items { int n, room; int *at; };

static bool is(const struct duo_csv *csv) { return duo_csv_find(csv, "accept_lengths") >= 0 || duo_csv_find(csv, "ranks") >= 0; }

const struct duo_outcome_format duo_outcomes_accepts = {
    .name = "accepts", .about = "accept lists of speculative decoding: question_id, accept_lengths (or ranks), turn_steps, ...", .is = is };

static enum duo_status find_columns(const struct duo_csv *csv, struct columns *c, struct duo_err *err)
{
    static const char *const ids[] = { "question_id", "id" };

    c->id = duo_csv_find(csv, "query_id");
    for (size_t i = 0; i < sizeof ids / sizeof *ids && c->id < 0; i++) c->id = duo_csv_find(csv, ids[i]);
    if (c->id < 0) DUO_TRY(duo_csv_need(csv, "query_id", &c->id, err));
    c->ranks = duo_csv_find(csv, "ranks");
    c->lengths = -1;
    if (c->ranks < 0) DUO_TRY(duo_csv_need(csv, "accept_lengths", &c->lengths, err));
    c->steps         = duo_csv_find(csv, "turn_steps");
    c->tokens        = duo_csv_find(csv, "turn_new_tokens");
    c->drafts        = duo_csv_find(csv, "draft_lengths");
    c->prompt_tokens = duo_csv_find(csv, "prompt_tokens");
    c->prompt_chars  = duo_csv_find(csv, "prompt_chars");
    return DUO_OK;
}

/* "3 1 2": whole numbers from `low`; column -1: none. */
static enum duo_status read_items(const struct duo_csv *csv, int column, int low, struct items *out, struct duo_err *err)
{
    const char *text = column < 0 ? "" : duo_csv_cell(csv, column);

    for (out->n = 0; *(text += strspn(text, " "));) {
        size_t length = strcspn(text, " "), digits = strspn(text, "0123456789");
        int value = digits == length && digits < 9 ? atoi(text) : -1;
        if (value < low) return duo_csv_bad(csv, column, err, "item %d: a whole number from %d was expected, got \"%.*s\"", out->n + 1, low,
                                            length > 60 ? 60 : (int)length, text);
        if (out->n == out->room) out->at = duo_grow(out->at, (size_t)(out->room = 2 * out->room + 16), sizeof *out->at);
        out->at[out->n++] = value;
        text += length;
    }
    return column >= 0 && !out->n ? duo_csv_bad(csv, column, err, "the list is empty") : DUO_OK;
}

static double share_of(const struct items *items, int turn, int turns)
{
    return items->n == 0 ? NAN : items->n == 1 ? (double)items->at[0] / turns : items->at[turn];
}

/* Ranks of the turn's steps [from, from + steps). */
static void to_ranks(struct duo_accept_list *list, const int *added, const int *drafted)
{
    int at = 0;

    for (int i = 0; i < list->steps; i++) list->tokens += added[i];
    list->rank = duo_new((size_t)list->tokens, 1);
    memset(list->rank, DUO_RANK_AGREES, (size_t)list->tokens);
    for (int i = 0; i < list->steps; i++) {
        bool ran_out = drafted && drafted[i] == added[i] - 1;
        list->rank[(at += added[i]) - 1] = ran_out ? DUO_RANK_CENSORED : DUO_RANK_OTHER;              /* (1) */
        list->censored += ran_out && i < list->steps - 1;
    }
    list->rank[list->tokens - 1] = DUO_RANK_CENSORED;                                                  /* (2) */
}

struct row { struct items main, steps, tokens, drafts, prompt_tokens, prompt_chars; };

static enum duo_status add_turns(const struct duo_csv *csv, const struct columns *c, const struct row *row, struct duo_accepts *out, struct duo_err *err)
{
    int turns = row->steps.n ? row->steps.n : c->ranks >= 0 && row->tokens.n ? row->tokens.n : 1, from = 0;

    if ((row->tokens.n && row->tokens.n != turns) || (row->prompt_tokens.n > 1 && row->prompt_tokens.n != turns)
        || (row->prompt_chars.n > 1 && row->prompt_chars.n != turns))
        return duo_csv_bad(csv, c->id, err, "the lists of this row have not the same number of turns (%d)", turns);
    if (c->drafts >= 0 && c->lengths >= 0 && row->drafts.n != row->main.n)
        return duo_csv_bad(csv, c->drafts, err, "%d drafts where accept_lengths has %d steps", row->drafts.n, row->main.n);
    for (int i = 0; i < row->drafts.n; i++)
        if (row->drafts.at[i] < row->main.at[i] - 1)
            return duo_csv_bad(csv, c->drafts, err, "item %d: %d tokens were accepted of a draft of %d", i + 1, row->main.at[i] - 1, row->drafts.at[i]);
    for (int t = 0; t < turns; t++) {
        struct duo_accept_list *list;
        int n = turns == 1 ? row->main.n : c->ranks >= 0 ? row->tokens.at[t] : row->steps.at[t];
        if (n < 1 || from + n > row->main.n || (t == turns - 1 && from + n != row->main.n))
            return duo_csv_bad(csv, c->ranks >= 0 ? c->ranks : c->lengths, err, "%d items, but the turns have other numbers of them", row->main.n);
        out->list = duo_grow(out->list, (size_t)out->n + 1, sizeof *out->list);
        list  = &out->list[out->n++];
        *list = (struct duo_accept_list){ .id = duo_copy(duo_csv_cell(csv, c->id)), .line = duo_csv_line(csv), .turn = t, .turns = turns,
                                          .prompt_tokens = share_of(&row->prompt_tokens, t, turns), .prompt_chars = share_of(&row->prompt_chars, t, turns) };
        if (c->ranks >= 0) {
            list->tokens = n;
            list->rank   = duo_new((size_t)n, 1);
            for (int i = 0; i < n; i++) {
                list->rank[i] = (unsigned char)(row->main.at[from + i] > 255 ? 255 : row->main.at[from + i]);
                list->censored += !list->rank[i] && i < n - 1;
            }
        } else {
            list->steps = n;
            to_ranks(list, row->main.at + from, row->drafts.n ? row->drafts.at + from : NULL);
        }
        if (row->tokens.n && row->tokens.at[t] != list->tokens)
            return duo_csv_bad(csv, c->tokens, err, "turn %d has %d tokens here, and %d by its steps", t + 1, row->tokens.at[t], list->tokens);
        from += n;
    }
    return DUO_OK;
}

/* (1): without draft_lengths, the longest step of the file ran out. */
static void censor_longest(struct duo_accepts *a, int longest)
{
    for (int k = 0; k < a->n && longest > 1; k++) {
        struct duo_accept_list *list = &a->list[k];
        for (int i = 0, run = 0; i < list->tokens; i++) {
            run = list->rank[i] == DUO_RANK_AGREES ? run + 1 : 0;
            if (run == longest - 1 && i + 1 < list->tokens - 1) list->rank[i + 1] = DUO_RANK_CENSORED, list->censored++;
        }
    }
}

static enum duo_status read_rows(struct duo_csv *csv, const struct columns *c, struct row *row, struct duo_accepts *out, struct duo_err *err)
{
    int got, longest = 0;

    while ((got = duo_csv_next(csv, err)) == 1) {
        if (!*duo_csv_cell(csv, c->id)) return duo_csv_bad(csv, c->id, err, "the query's id is missing");
        DUO_TRY(read_items(csv, c->ranks >= 0 ? c->ranks : c->lengths, c->ranks >= 0 ? 0 : 1, &row->main, err));
        DUO_TRY(read_items(csv, c->steps, 1, &row->steps, err));
        DUO_TRY(read_items(csv, c->tokens, 1, &row->tokens, err));
        DUO_TRY(read_items(csv, c->drafts, 0, &row->drafts, err));
        DUO_TRY(read_items(csv, c->prompt_tokens, 1, &row->prompt_tokens, err));
        DUO_TRY(read_items(csv, c->prompt_chars, 1, &row->prompt_chars, err));
        for (int i = 0; c->lengths >= 0 && i < row->main.n; i++)
            if (row->main.at[i] > longest) longest = row->main.at[i];
        DUO_TRY(add_turns(csv, c, row, out, err));
        out->read++, out->emitted++;
    }
    if (got < 0) return DUO_BAD_INPUT;
    if (c->lengths >= 0 && c->drafts < 0) censor_longest(out, longest);
    return DUO_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct duo_accept_list *const *x = a, *const *y = b;
    int order = strcmp((*x)->id, (*y)->id);
    return order ? order : (*x)->line != (*y)->line ? (*x)->line - (*y)->line : (*x)->turn - (*y)->turn;
}

static enum duo_status refuse_twins(const struct duo_accepts *a, const char *path, struct duo_err *err)
{
    const struct duo_accept_list **all = duo_new((size_t)a->n + 1, sizeof *all), *twin = NULL;
    int first = 0;

    for (int i = 0; i < a->n; i++) all[i] = &a->list[i];
    qsort(all, (size_t)a->n, sizeof *all, by_id);
    for (int i = 1; i < a->n && !twin; i++)
        if (strcmp(all[i]->id, all[i - 1]->id) == 0 && all[i]->line != all[i - 1]->line) twin = all[i], first = all[i - 1]->line;
    free(all);
    return twin ? duo_fail_at(err, DUO_BAD_INPUT, path, twin->line, 0, "query \"%s\" is there twice: before in line %d", twin->id, first) : DUO_OK;
}

enum duo_status duo_accepts_read(struct duo_accepts *out, const char *path, struct duo_err *err)
{
    struct row row = { 0 };
    struct columns columns;
    struct duo_csv *csv;
    enum duo_status status;

    *out = (struct duo_accepts){ 0 };
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    status = find_columns(csv, &columns, err);
    if (status == DUO_OK) status = read_rows(csv, &columns, &row, out, err);
    if (status == DUO_OK && !out->n) status = duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "no rows below the header");
    if (status == DUO_OK) status = refuse_twins(out, path, err);
    free(row.main.at);
    free(row.steps.at);
    free(row.tokens.at);
    free(row.drafts.at);
    free(row.prompt_tokens.at);
    free(row.prompt_chars.at);
    duo_csv_close(csv);
    if (status != DUO_OK) duo_accepts_free(out);
    return status;
}

void duo_accepts_free(struct duo_accepts *a)
{
    for (int i = 0; i < a->n; i++) {
        free(a->list[i].id);
        free(a->list[i].rank);
    }
    free(a->list);
    *a = (struct duo_accepts){ 0 };
}
