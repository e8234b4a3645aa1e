/* yaml_tree.c - libyaml's events to a tree, and back; requirements in yaml_tree.h. */
#include "sim/yaml_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

enum { MAX_DEPTH = 32, MAX_NODES = 20000, MAX_BYTES = 4 << 20 };

/* ---- errors -------------------------------------------------------------------------------------- */

static enum duo_status bad_at(const char *file, const char *setting, int line, int column, struct duo_err *err,
                              const char *fmt, va_list args)
{
    char text[480], place[256];
    vsnprintf(text, sizeof text, fmt, args);
    if (!setting) return duo_fail_at(err, DUO_BAD_INPUT, file, line, column, "%s", text);
    snprintf(place, sizeof place, "--set %s", setting);
    return duo_fail_at(err, DUO_BAD_INPUT, place, 0, 0, "%s", text);
}

enum duo_status duo_tree_bad(const struct duo_node *node, const char *file, struct duo_err *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    enum duo_status status = bad_at(file, node->setting, node->line, node->column, err, fmt, args);
    va_end(args);
    return status;
}

enum duo_status duo_tree_bad_key(const struct duo_node *node, const char *file, struct duo_err *err, const char *fmt, ...)
{
    bool keyed = node->key != NULL && node->key_line > 0;
    va_list args;
    va_start(args, fmt);
    enum duo_status status = bad_at(file, node->setting, keyed ? node->key_line : node->line,
                                    keyed ? node->key_column : node->column, err, fmt, args);
    va_end(args);
    return status;
}

/* ---- nodes --------------------------------------------------------------------------------------- */

struct duo_node *duo_tree_new(const char *text)
{
    struct duo_node *node = duo_new(1, sizeof *node);
    node->kind = text ? DUO_NODE_SCALAR : DUO_NODE_MAP;
    node->text = duo_copy(text);
    return node;
}

void duo_tree_free(struct duo_node *node)
{
    if (!node) return;
    for (int i = 0; i < node->n; i++) duo_tree_free(node->child[i]);
    free(node->child);
    free(node->key);
    free(node->text);
    free(node);
}

static void append(struct duo_node *parent, struct duo_node *child)
{
    if ((parent->n & (parent->n - 1)) == 0)              /* a power of two is full */
        parent->child = duo_grow(parent->child, parent->n ? 2 * (size_t)parent->n : 1, sizeof *parent->child);
    parent->child[parent->n++] = child;
}

struct duo_node *duo_tree_copy(const struct duo_node *from)
{
    struct duo_node *node = duo_new(1, sizeof *node);
    *node = *from;
    node->key = duo_copy(from->key);
    node->text = duo_copy(from->text);
    node->n = 0;
    node->child = NULL;
    for (int i = 0; i < from->n; i++) append(node, duo_tree_copy(from->child[i]));
    return node;
}

struct duo_node *duo_tree_find(const struct duo_node *map, const char *key)
{
    if (!map || map->kind != DUO_NODE_MAP) return NULL;
    for (int i = 0; i < map->n; i++)
        if (strcmp(map->child[i]->key, key) == 0) return map->child[i];
    return NULL;
}

void duo_tree_put(struct duo_node *map, const char *key, struct duo_node *value)
{
    char *copy = duo_copy(key);
    free(value->key);
    value->key = copy;
    append(map, value);
}

bool duo_tree_drop(struct duo_node *map, const char *key)
{
    for (int i = 0; i < map->n; i++) {
        if (strcmp(map->child[i]->key, key) != 0) continue;
        duo_tree_free(map->child[i]);
        memmove(map->child + i, map->child + i + 1, (size_t)(map->n - i - 1) * sizeof *map->child);
        map->n--;
        /* keep append's rule: room for the next power of two */
        map->child = duo_grow(map->child, map->n ? 2 * (size_t)map->n : 1, sizeof *map->child);
        return true;
    }
    return false;
}

/* ---- reading ------------------------------------------------------------------------------------- */

struct builder {
    yaml_parser_t   parser;
    yaml_event_t    event;
    bool            live;                                /* event holds something */
    const char     *file, *text;
    int             nodes;
    struct duo_err *err;
};

static int mark_line  (yaml_mark_t m) { return m.line   < 1000000000 ? (int)m.line + 1   : 0; }
static int mark_column(yaml_mark_t m) { return m.column < 1000000000 ? (int)m.column + 1 : 0; }

static enum duo_status bad_event(struct builder *b, const char *why)
{
    return duo_fail_at(b->err, DUO_BAD_INPUT, b->file, mark_line(b->event.start_mark), mark_column(b->event.start_mark),
                       "%s", why);
}

static enum duo_status next_event(struct builder *b)
{
    if (b->live) yaml_event_delete(&b->event);
    b->live = false;
    if (yaml_parser_parse(&b->parser, &b->event)) {
        b->live = true;
        return DUO_OK;
    }
    const yaml_parser_t *p = &b->parser;
    if (p->error == YAML_MEMORY_ERROR) return duo_fail(b->err, DUO_NO_RESOURCES, "out of memory");
    if (p->error == YAML_READER_ERROR) {                 /* it has an offset instead of a mark */
        int line = 1, column = 1;
        for (size_t i = 0; i < p->problem_offset && b->text[i]; i++) {
            column++;
            if (b->text[i] == '\n') line++, column = 1;
        }
        return duo_fail_at(b->err, DUO_BAD_INPUT, b->file, line, column, "not YAML: %s", p->problem);
    }
    bool context = p->context && p->context[0];
    return duo_fail_at(b->err, DUO_BAD_INPUT, b->file, mark_line(p->problem_mark), mark_column(p->problem_mark),
                       "not YAML: %s%s%s", context ? p->context : "", context ? ", " : "",
                       p->problem ? p->problem : "syntax error");
}

static bool unquoted(const yaml_event_t *e) { return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE; }

static bool looks_null(const char *text)
{
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
           strcmp(text, "NULL") == 0;
}

static int open_brackets(const char *text)
{
    int n = 0;
    for (; *text; text++) n += *text == '(' ? 1 : *text == ')' ? -1 : 0;
    return n;
}

static enum duo_status take(struct builder *, struct duo_node **, int depth);

static enum duo_status take_scalar(struct builder *b, struct duo_node *node)
{
    const char *value = (const char *)b->event.data.scalar.value;
    if (memchr(value, 0, b->event.data.scalar.length)) return bad_event(b, "a zero byte is no text");
    node->text = duo_copy(value);
    node->null = unquoted(&b->event) && looks_null(value);
    return DUO_OK;
}

/* One `key: value`; the key's event is the current one. */
static enum duo_status take_pair(struct builder *b, struct duo_node *map, int depth, bool *joinable)
{
    if (b->event.type != YAML_SCALAR_EVENT) return bad_event(b, "a key must be a word");
    const char *text = (const char *)b->event.data.scalar.value;
    if (memchr(text, 0, b->event.data.scalar.length)) return bad_event(b, "a zero byte is no text");
    if (!*text) return bad_event(b, "a key is empty");
    if (strcmp(text, "<<") == 0 && unquoted(&b->event)) return bad_event(b, "<<: merging is not supported: write it out");

    int line = mark_line(b->event.start_mark), column = mark_column(b->event.start_mark);
    bool plain = unquoted(&b->event);
    char *key = duo_copy(text);
    struct duo_node *value = NULL, *before = map->n ? map->child[map->n - 1] : NULL;
    enum duo_status status = next_event(b);
    bool plain_value = status == DUO_OK && b->event.type == YAML_SCALAR_EVENT && unquoted(&b->event);
    if (status == DUO_OK) status = take(b, &value, depth + 1);
    if (status != DUO_OK) {
        free(key);
        return status;
    }
    if (*joinable && plain && value->null && !*value->text) {        /* (2): `uniform(20` then `180)` */
        size_t n = strlen(before->text) + strlen(key) + 3;
        char *joined = duo_new(n, 1);
        snprintf(joined, n, "%s, %s", before->text, key);
        free(before->text);
        before->text = joined;
        *joinable = open_brackets(joined) > 0;
        free(key);
        duo_tree_free(value);
        return DUO_OK;
    }
    const struct duo_node *twin = duo_tree_find(map, key);
    value->key = key;
    value->key_line = line;
    value->key_column = column;
    append(map, value);
    if (twin)
        return duo_tree_bad_key(value, b->file, b->err, "%s: given twice (first in line %d)", key, twin->key_line);
    *joinable = plain_value && open_brackets(value->text) > 0;
    return DUO_OK;
}

/* The node that begins with the current event, to its last event. */
static enum duo_status take(struct builder *b, struct duo_node **out, int depth)
{
    const yaml_event_t *e = &b->event;
    if (e->type == YAML_ALIAS_EVENT) return bad_event(b, "aliases (*) are not supported: write it out");
    const yaml_char_t *anchor = e->type == YAML_SCALAR_EVENT         ? e->data.scalar.anchor
                              : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.anchor
                                                                     : e->data.mapping_start.anchor;
    const yaml_char_t *tag = e->type == YAML_SCALAR_EVENT         ? e->data.scalar.tag
                           : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.tag
                                                                  : e->data.mapping_start.tag;
    if (anchor) return bad_event(b, "anchors (&) are not supported: write it out");
    if (tag) return bad_event(b, "tags (!) are not supported");
    if (depth > MAX_DEPTH) return bad_event(b, "nested too deeply");
    if (++b->nodes > MAX_NODES) return bad_event(b, "too many values for a scenario");

    struct duo_node *node = duo_new(1, sizeof *node);
    node->line = mark_line(e->start_mark);
    node->column = mark_column(e->start_mark);
    enum duo_status status = DUO_OK;
    bool joinable = false;
    if (e->type == YAML_SCALAR_EVENT) {
        status = take_scalar(b, node);
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        node->kind = DUO_NODE_LIST;
        while ((status = next_event(b)) == DUO_OK && e->type != YAML_SEQUENCE_END_EVENT) {
            struct duo_node *item = NULL;
            if ((status = take(b, &item, depth + 1)) != DUO_OK) break;
            append(node, item);
        }
    } else {
        node->kind = DUO_NODE_MAP;
        while ((status = next_event(b)) == DUO_OK && e->type != YAML_MAPPING_END_EVENT)
            if ((status = take_pair(b, node, depth, &joinable)) != DUO_OK) break;
    }
    if (status != DUO_OK) duo_tree_free(node);
    else *out = node;
    return status;
}

static enum duo_status take_document(struct builder *b, struct duo_node **out)
{
    DUO_TRY(next_event(b));                              /* stream start */
    DUO_TRY(next_event(b));
    if (b->event.type == YAML_STREAM_END_EVENT) return duo_fail_at(b->err, DUO_BAD_INPUT, b->file, 1, 1, "the file is empty");
    DUO_TRY(next_event(b));
    DUO_TRY(take(b, out, 0));
    DUO_TRY(next_event(b));                              /* document end */
    DUO_TRY(next_event(b));
    if (b->event.type != YAML_STREAM_END_EVENT) return bad_event(b, "a second document (---) begins here: one a file");
    return DUO_OK;
}

enum duo_status duo_tree_parse(struct duo_node **out, const char *text, size_t n, const char *file, struct duo_err *err)
{
    struct builder b = { .file = file, .text = text, .err = err };
    *out = NULL;
    if (!yaml_parser_initialize(&b.parser)) return duo_fail(err, DUO_NO_RESOURCES, "out of memory");
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, n);
    enum duo_status status = take_document(&b, out);
    if (b.live) yaml_event_delete(&b.event);
    yaml_parser_delete(&b.parser);
    if (status != DUO_OK) {
        duo_tree_free(*out);
        *out = NULL;
    }
    return status;
}

enum duo_status duo_tree_read(struct duo_node **out, const char *file, struct duo_err *err)
{
    *out = NULL;
    struct stat st;
    FILE *in = fopen(file, "rb");
    if (!in && errno == ENOENT) return duo_fail_at(err, DUO_BAD_INPUT, file, 0, 0, "no such file");
    if (!in) return duo_fail_at(err, DUO_BAD_INPUT, file, 0, 0, "can't be opened: %s", strerror(errno));
    if (fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(in);
        return duo_fail_at(err, DUO_BAD_INPUT, file, 0, 0, "is a folder, not a scenario");
    }
    size_t n = 0, room = 1 << 14, got;
    char *text = duo_new(room + 1, 1);
    while ((got = fread(text + n, 1, room - n, in)) > 0 && n <= MAX_BYTES) {
        n += got;
        if (n == room) text = duo_grow(text, 2 * room + 1, 1), room *= 2;
    }
    text[n] = 0;
    int broken = ferror(in);
    fclose(in);
    enum duo_status status;
    if (broken) status = duo_fail_at(err, DUO_BAD_INPUT, file, 0, 0, "can't be read: %s", strerror(EIO));
    else if (n > MAX_BYTES) status = duo_fail_at(err, DUO_BAD_INPUT, file, 0, 0, "is larger than a scenario may be (4 MiB)");
    else status = duo_tree_parse(out, text, n, file, err);
    free(text);
    return status;
}

bool duo_tree_is_text(const char *text)
{
    yaml_event_t e;
    if (!yaml_scalar_event_initialize(&e, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, YAML_ANY_SCALAR_STYLE)) return false;
    yaml_event_delete(&e);
    return true;
}

/* ---- writing (4) --------------------------------------------------------------------------------- */

struct text { char *bytes; size_t n, room; };

static int collect(void *to, unsigned char *from, size_t n)
{
    struct text *t = to;
    if (t->n + n + 1 > t->room) {
        t->room = 2 * (t->n + n + 1);
        t->bytes = duo_grow(t->bytes, t->room, 1);
    }
    memcpy(t->bytes + t->n, from, n);
    t->n += n;
    t->bytes[t->n] = 0;
    return 1;
}

/* What isn't printable ASCII is written with escapes, so that no line folding can touch it. */
static yaml_scalar_style_t style_of(const char *text, bool null)
{
    if (!null && looks_null(text)) return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    for (const char *c = text; *c; c++)
        if (*c < 32 || *c > 126) return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return YAML_ANY_SCALAR_STYLE;
}

static void emit_scalar(yaml_emitter_t *to, const char *text, bool null)
{
    yaml_event_t e;
    int utf8 = yaml_scalar_event_initialize(&e, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, style_of(text, null));
    assert(utf8 && "a tree holds UTF-8 only");
    if (utf8) yaml_emitter_emit(to, &e);
}

static void emit(yaml_emitter_t *to, const struct duo_node *node)
{
    yaml_event_t e;
    if (node->kind == DUO_NODE_SCALAR) {
        emit_scalar(to, node->null ? "~" : node->text, node->null);
        return;
    }
    bool map = node->kind == DUO_NODE_MAP;
    if (map) yaml_mapping_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    else     yaml_sequence_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    yaml_emitter_emit(to, &e);
    for (int i = 0; i < node->n; i++) {
        if (map) emit_scalar(to, node->child[i]->key, false);
        emit(to, node->child[i]);
    }
    if (map) yaml_mapping_end_event_initialize(&e);
    else     yaml_sequence_end_event_initialize(&e);
    yaml_emitter_emit(to, &e);
}

char *duo_tree_text(const struct duo_node *node)
{
    struct text out = { .bytes = duo_new(1, 1), .room = 1 };
    yaml_emitter_t to;
    yaml_event_t e;
    yaml_emitter_initialize(&to);
    yaml_emitter_set_output(&to, collect, &out);
    yaml_emitter_set_width(&to, -1);
    yaml_emitter_set_unicode(&to, 0);
    yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING);
    yaml_emitter_emit(&to, &e);
    yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1);
    yaml_emitter_emit(&to, &e);
    emit(&to, node);
    yaml_document_end_event_initialize(&e, 1);
    yaml_emitter_emit(&to, &e);
    yaml_stream_end_event_initialize(&e);
    yaml_emitter_emit(&to, &e);
    yaml_emitter_delete(&to);
    return out.bytes;
}
