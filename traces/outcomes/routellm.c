/* routellm.c - RouteLLM's GSM8K (Ong et al. 2024): two models per question, by the names "weak" and "strong".  Rows on its
 * list of contaminated questions are dropped, as in every number that was published. */
#include "traces/outcomes/table.h"

static bool is(const struct duo_csv *csv)
{
    return duo_csv_find(csv, "weak_correct") >= 0 || duo_csv_find(csv, "strong_correct") >= 0;
}

static enum duo_status map(const struct duo_csv *csv, struct duo_table *t, struct duo_err *err)
{
    static const struct { const char *column, *voice; size_t letters; enum duo_measure measure; } columns[] = {
        { "weak_correct",        "weak",   4, DUO_M_QUALITY }, { "strong_correct",        "strong", 6, DUO_M_QUALITY },
        { "weak_response_chars", "weak",   4, DUO_M_CHARS },   { "strong_response_chars", "strong", 6, DUO_M_CHARS },
    };
    int column;

    DUO_TRY(duo_table_need(csv, t, "qid", DUO_F_ID, err));
    DUO_TRY(duo_table_need(csv, t, "contaminated", DUO_F_DROP, err));
    DUO_TRY(duo_csv_need(csv, "prompt_chars", &column, err));
    duo_table_feature(t, column, "prompt_chars");
    t->field[column].kind = DUO_F_PROMPT_CHARS;
    column = duo_csv_find(csv, "prompt_words");
    if (column >= 0) duo_table_feature(t, column, "prompt_words");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        DUO_TRY(duo_csv_need(csv, columns[i].column, &column, err));
        duo_table_measure(t, column, duo_table_voice(t, columns[i].voice, columns[i].letters), columns[i].measure);
    }
    return DUO_OK;
}

const struct duo_outcome_format duo_outcomes_routellm = {
    .name = "routellm", .about = "RouteLLM's GSM8K: qid, contaminated, prompt_chars, weak_correct, strong_correct, *_response_chars",
    .is = is, .map = map, .why_dropped = "contaminated" };
