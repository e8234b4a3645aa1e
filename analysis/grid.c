/* grid.c - see grid.h. */
#include "analysis/grid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void duo_grid_init(struct duo_grid *g, int n_columns)
{
    *g = (struct duo_grid){ .n_columns = n_columns, .head = duo_new((size_t)n_columns + 1, sizeof *g->head),
                            .left = duo_new((size_t)n_columns + 1, sizeof *g->left) };
}

void duo_grid_head(struct duo_grid *g, int column, const char *text, bool left)
{
    assert(column < g->n_columns);
    g->head[column] = duo_copy(text);
    g->left[column] = left;
}

void duo_grid_row(struct duo_grid *g)
{
    size_t width = (size_t)g->n_columns, n = (size_t)g->n_rows;
    g->cells = duo_grow(g->cells, (n + 1) * width + 1, sizeof *g->cells);
    g->section = duo_grow(g->section, n + 1, sizeof *g->section);
    for (size_t i = 0; i < width; i++) g->cells[n * width + i] = NULL;
    g->section[n] = NULL;
    g->n_rows++;
}

void duo_grid_set(struct duo_grid *g, int column, const char *text)
{
    char **cell = &g->cells[(size_t)(g->n_rows - 1) * (size_t)g->n_columns + (size_t)column];
    free(*cell);
    *cell = duo_copy(text);
}

void duo_grid_section(struct duo_grid *g, const char *text) { g->section[g->n_rows - 1] = duo_copy(text); }

void duo_grid_note(struct duo_grid *g, const char *text) { g->note = *text ? duo_copy(text) : NULL; }

void duo_grid_free(struct duo_grid *g)
{
    for (int i = 0; i < g->n_columns; i++) free(g->head[i]);
    for (int i = 0; i < g->n_columns * g->n_rows; i++) free(g->cells[i]);
    for (int i = 0; i < g->n_rows; i++) free(g->section[i]);
    free(g->head), free(g->left), free(g->cells), free(g->section), free(g->note);
}

static const char *cell(const struct duo_grid *g, int row, int column)
{
    const char *text = row < 0 ? g->head[column] : g->cells[(size_t)row * (size_t)g->n_columns + (size_t)column];
    return text ? text : "";
}

/* Columns on the screen: bytes that begin a letter of UTF-8. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void text_row(FILE *out, const struct duo_grid *g, int row, const int *width)
{
    for (int c = 0; c < g->n_columns; c++) {
        const char *text = cell(g, row, c);
        int pad = width[c] - width_of(text);
        if (c) fputs("  ", out);
        if (g->left[c]) {
            fputs(text, out);
            if (c + 1 < g->n_columns) fprintf(out, "%*s", pad, "");
        } else {
            fprintf(out, "%*s%s", pad, "", text);
        }
    }
    putc('\n', out);
}

static void print_text(FILE *out, const struct duo_grid *g)
{
    int *width = duo_new((size_t)g->n_columns + 1, sizeof *width), total = 0;
    for (int c = 0; c < g->n_columns; c++) {
        for (int r = -1; r < g->n_rows; r++) {
            int w = width_of(cell(g, r, c));
            if (w > width[c]) width[c] = w;
        }
        total += width[c] + (c ? 2 : 0);
    }
    text_row(out, g, -1, width);
    for (int i = 0; i < total; i++) putc('-', out);
    putc('\n', out);
    for (int r = 0; r < g->n_rows; r++) {
        if (g->section[r]) fprintf(out, "%s%s\n", r ? "\n" : "", g->section[r]);
        text_row(out, g, r, width);
    }
    free(width);
}

static void escaped(FILE *out, const char *text, enum duo_table_format format)
{
    for (; *text; text++) {
        const char *as = NULL;
        switch (format) {
        case DUO_TABLE_MARKDOWN:
            as = *text == '|' ? "\\|" : *text == '*' ? "\\*" : *text == '_' ? "\\_" : *text == '<' ? "&lt;" : NULL;
            break;
        case DUO_TABLE_HTML:
            as = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '&' ? "&amp;" : *text == '"' ? "&quot;" : NULL;
            break;
        case DUO_TABLE_LATEX:
            if (strchr("_%$&#{}", *text)) putc('\\', out);
            else as = *text == '\\' ? "\\textbackslash{}" : *text == '~' ? "\\textasciitilde{}" : *text == '^' ? "\\textasciicircum{}"
                    : *text == '[' ? "{[}" : NULL;
            break;
        default: break;
        }
        if (as) fputs(as, out);
        else    putc(*text, out);
    }
}

/* A head or a note: "^a" at a word's end is a mark. */
static void marked(FILE *out, const char *text, enum duo_table_format format)
{
    const char *mark = text, *from = text;
    while ((mark = strchr(mark, '^'))) {
        bool is_mark = mark[1] >= 'a' && mark[1] <= 'z' && (mark[2] == 0 || mark[2] == ' ');
        if (!is_mark) { mark++; continue; }
        char *before = duo_copy(from);
        before[mark - from] = 0;
        escaped(out, before, format);
        free(before);
        fprintf(out, format == DUO_TABLE_LATEX ? "\\textsuperscript{%c}" : "<sup>%c</sup>", mark[1]);
        from = mark += 2;
    }
    escaped(out, from, format);
}

static void print_markdown(FILE *out, const struct duo_grid *g)
{
    for (int r = -1; r < g->n_rows; r++) {
        for (int c = 0; c < g->n_columns; c++) {
            fputs(c ? " | " : "| ", out);
            (r < 0 ? marked : escaped)(out, cell(g, r, c), DUO_TABLE_MARKDOWN);
        }
        fputs(" |\n", out);
        for (int c = 0; r < 0 && c < g->n_columns; c++) fputs(g->left[c] ? "|:---" : "|---:", out);
        if (r < 0) fputs("|\n", out);
    }
    if (!g->note) return;
    putc('\n', out);
    marked(out, g->note, DUO_TABLE_MARKDOWN);
    putc('\n', out);
}

static void print_html(FILE *out, const struct duo_grid *g)
{
    fputs("<table>\n", out);
    if (g->note) {
        fputs("<caption style=\"caption-side:bottom; text-align:left\">", out);
        marked(out, g->note, DUO_TABLE_HTML);
        fputs("</caption>\n", out);
    }
    for (int r = -1; r < g->n_rows; r++) {
        fputs(r < 0 ? "<thead><tr>" : "<tr>", out);
        for (int c = 0; c < g->n_columns; c++) {
            const char *tag = r < 0 ? "th" : "td";
            fprintf(out, "<%s style=\"text-align:%s\">", tag, g->left[c] ? "left" : "right");
            (r < 0 ? marked : escaped)(out, cell(g, r, c), DUO_TABLE_HTML);
            fprintf(out, "</%s>", tag);
        }
        fputs(r < 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n", out);
    }
    fputs("</tbody>\n</table>\n", out);
}

static void print_latex(FILE *out, const struct duo_grid *g)
{
    fputs("\\begin{tabular}{", out);
    for (int c = 0; c < g->n_columns; c++) putc(g->left[c] ? 'l' : 'r', out);
    fputs("}\n\\hline\n", out);
    for (int r = -1; r < g->n_rows; r++) {
        for (int c = 0; c < g->n_columns; c++) {
            if (c) fputs(" & ", out);
            (r < 0 ? marked : escaped)(out, cell(g, r, c), DUO_TABLE_LATEX);
        }
        fputs(r < 0 ? " \\\\\n\\hline\n" : " \\\\\n", out);
    }
    fputs("\\hline\n\\end{tabular}\n", out);
    if (!g->note) return;
    fputs("\\par\\smallskip\\footnotesize ", out);
    marked(out, g->note, DUO_TABLE_LATEX);
    putc('\n', out);
}

static void print_csv(FILE *out, const struct duo_grid *g)
{
    for (int r = -1; r < g->n_rows; r++)
        for (int c = 0; c < g->n_columns; c++) {
            const char *text = cell(g, r, c);
            bool quote = strpbrk(text, ",\"\r\n") != NULL;
            if (c) putc(',', out);
            if (quote) putc('"', out);
            for (; *text; text++) {
                if (*text == '"') putc('"', out);
                putc(*text, out);
            }
            if (quote) putc('"', out);
            if (c + 1 == g->n_columns) putc('\n', out);
        }
}

void duo_grid_print(FILE *out, const struct duo_grid *g, enum duo_table_format format)
{
    switch (format) {
    case DUO_TABLE_TEXT:     print_text(out, g);     break;
    case DUO_TABLE_MARKDOWN: print_markdown(out, g); break;
    case DUO_TABLE_CSV:      print_csv(out, g);      break;
    case DUO_TABLE_LATEX:    print_latex(out, g);    break;
    case DUO_TABLE_HTML:     print_html(out, g);     break;
    default:                 assert(format != DUO_TABLE_JSON);
    }
}
