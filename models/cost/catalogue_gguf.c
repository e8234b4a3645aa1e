/* catalogue_gguf.c - a model's row from the header of a GGUF file: its architecture, and the bits a weight that its tensors have.
 *
 * (1) Keys are those of the file's own architecture ("llama.block_count"); one that is needed and missing is refused by name.
 * (2) bits = 8 x bytes of the layers' tensors over their numbers, head_bits the same of the head alone; products run at the rate of most weights' format: 16 bit for halves, 8 bit
 *     for quantized ones.  Its quant is what the file calls them, for constants of a runtime by quant.
 * (3) A file that is a part of several is refused: its tensors are not the model's.
 * (4) Layers that attend to all among windowed ones: every 2nd of Gemma 2 and gpt-oss, every 6th of Gemma 3, or as the file says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/catalogue_inside.h"
#include "models/slm/gguf.h"

struct source { const struct duo_catalogue *all; const struct duo_gguf *file; struct duo_row *row; char arch[48]; struct duo_err *err; };

static void put(struct duo_row *r, int key, double value, const char *why)
{
    r->value[key] = (struct duo_value){ .value = value, .given = value, .low = value, .high = value, .status = DUO_MEASURED,
                                        .unit = duo_copy(duo_keys[key].unit), .source = duo_copy(why) };
}

/* A key of the architecture; of one with a number for each layer the largest is taken. */
static enum duo_status number(struct source *s, const char *key, bool needed, int to)
{
    char name[128];
    const struct duo_gguf_value *v;
    int64_t value = 0;

    snprintf(name, sizeof name, "%s.%s", s->arch, key);
    v = duo_gguf_find(s->file, name);
    if (v && v->type == DUO_GGUF_ARRAY) {
        struct duo_gguf_array list = v->array;
        struct duo_gguf_value item;
        while (duo_gguf_next(&list, &item)) {
            int64_t own = item.type == DUO_GGUF_I32 || item.type == DUO_GGUF_I64 ? item.i : item.type == DUO_GGUF_U32 || item.type == DUO_GGUF_U64 ? (int64_t)item.u : 0;
            if (own > value) value = own;
        }
    } else {
        DUO_TRY(duo_gguf_whole(s->file, name, needed, 0, 1 << 30, &value, s->err));
    }
    if (v) put(s->row, to, (double)value, name);
    return DUO_OK;
}

static bool any_tensor(const struct duo_gguf *g, const char *part)
{
    for (int i = 0; i < duo_gguf_tensors(g); i++)
        if (strstr(duo_gguf_tensor(g, i)->name, part)) return true;
    return false;
}

/* (2) */
static void weigh(struct source *s)
{
    struct { double bytes, numbers; } layers = { 0, 0 }, head = { 0, 0 };
    double numbers = 0, halves = 0;
    const char *name_of_head = s->row->value[DUO_KEY_tied].value != 0 ? "token_embd.weight" : "output.weight";

    for (int i = 0; i < duo_gguf_tensors(s->file); i++) {
        const struct duo_gguf_tensor *t = duo_gguf_tensor(s->file, i);
        double n = (double)t->n[0] * (double)t->n[1] * (double)t->n[2] * (double)t->n[3];
        numbers += n;
        if (strncmp(t->name, "blk.", 4) == 0) layers.bytes += (double)t->bytes, layers.numbers += n;
        if (strcmp(t->name, name_of_head) == 0) head.bytes += (double)t->bytes, head.numbers += n;
        if (8 * (double)t->bytes >= 16 * n) halves += n;
    }
    if (layers.numbers == 0) layers = head;
    put(s->row, DUO_KEY_bits, 8 * layers.bytes / layers.numbers, "bytes of the layers' tensors over their numbers");
    put(s->row, DUO_KEY_head_bits, 8 * head.bytes / head.numbers, name_of_head);
    put(s->row, DUO_KEY_parameters, numbers, "numbers of the tensors");
    put(s->row, DUO_KEY_kv_bits, 16, "as usual");
    s->row->value[DUO_KEY_kv_bits].status = DUO_DOCUMENTED;
    char quant[16];
    duo_gguf_quant(s->file, quant);
    const struct duo_row *known = duo_catalogue_find(s->all, DUO_QUANTS, quant);
    s->row->quant = known ? duo_copy(known->name) : NULL;
    s->row->activation = duo_copy(halves > numbers / 2 ? "fp16" : "int8");
}

static enum duo_status architecture(struct source *s)
{
    static const struct { const char *key; bool needed; int to; } keys[] = {
        { "block_count", true, DUO_KEY_layers }, { "embedding_length", true, DUO_KEY_width }, { "attention.head_count", true, DUO_KEY_heads },
        { "attention.head_count_kv", false, DUO_KEY_kv_heads }, { "attention.key_length", false, DUO_KEY_head_dim },
        { "feed_forward_length", false, DUO_KEY_ffn }, { "context_length", true, DUO_KEY_context }, { "expert_count", false, DUO_KEY_experts },
        { "expert_used_count", false, DUO_KEY_active_experts }, { "expert_feed_forward_length", false, DUO_KEY_expert_ffn },
        { "expert_shared_feed_forward_length", false, DUO_KEY_shared_ffn }, { "leading_dense_block_count", false, DUO_KEY_dense_layers },
        { "attention.sliding_window", false, DUO_KEY_window }, { "attention.sliding_window_pattern", false, DUO_KEY_period },
    };
    static const struct { const char *arch; double period; } periods[] = { { "gemma2", 2 }, { "gemma3", 6 }, { "gpt-oss", 2 } };
    const struct duo_gguf_tensor *embedding = duo_gguf_tensor_named(s->file, "token_embd.weight"), *positions = duo_gguf_tensor_named(s->file, "position_embd.weight");
    struct duo_value *v = s->row->value;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) DUO_TRY(number(s, keys[i].key, keys[i].needed, keys[i].to));
    if (!embedding) return duo_fail_at(s->err, DUO_BAD_INPUT, duo_gguf_path(s->file), 0, 0, "no token_embd.weight in it: not a whole language model");
    put(s->row, DUO_KEY_vocabulary, (double)embedding->n[1], "rows of token_embd.weight");
    put(s->row, DUO_KEY_tied, duo_gguf_tensor_named(s->file, "output.weight") == NULL, "output.weight is there or not");
    put(s->row, DUO_KEY_gated, any_tensor(s->file, "ffn_gate") || strcmp(s->arch, "phi3") == 0, "ffn_gate is there or not");
    put(s->row, DUO_KEY_positions, positions ? (double)positions->n[1] : 0, "rows of position_embd.weight");
    if (isnan(v[DUO_KEY_kv_heads].value)) put(s->row, DUO_KEY_kv_heads, v[DUO_KEY_heads].value, "as many as query heads");
    if (!(v[DUO_KEY_heads].value > 0 && v[DUO_KEY_kv_heads].value > 0 && v[DUO_KEY_layers].value > 0 && v[DUO_KEY_width].value > 0))
        return duo_fail_at(s->err, DUO_BAD_INPUT, duo_gguf_path(s->file), 0, 0, "its layers, width or heads are 0");
    if (isnan(v[DUO_KEY_head_dim].value)) put(s->row, DUO_KEY_head_dim, floor(v[DUO_KEY_width].value / v[DUO_KEY_heads].value), "width over heads");
    if (v[DUO_KEY_experts].value > 0 && isnan(v[DUO_KEY_expert_ffn].value)) put(s->row, DUO_KEY_expert_ffn, v[DUO_KEY_ffn].value, "feed_forward_length");
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++)
        if (v[DUO_KEY_window].value > 0 && isnan(v[DUO_KEY_period].value) && strcmp(s->arch, periods[i].arch) == 0)
            put(s->row, DUO_KEY_period, periods[i].period, "of this architecture");
    return DUO_OK;
}

static enum duo_status fill(struct source *s)
{
    struct duo_gguf_text arch, title = { "", 0 };
    int64_t parts = 1;

    DUO_TRY(duo_gguf_whole(s->file, "split.count", false, 0, 1 << 16, &parts, s->err));
    if (parts > 1) return duo_fail_at(s->err, DUO_BAD_INPUT, duo_gguf_path(s->file), 0, 0, "one of %d parts of a model: only a whole file can stand for one", (int)parts);    /* (3) */
    DUO_TRY(duo_gguf_words(s->file, "general.architecture", true, &arch, s->err));
    DUO_TRY(duo_gguf_words(s->file, "general.name", false, &title, s->err));
    snprintf(s->arch, sizeof s->arch, "%.*s", (int)arch.n, arch.at);
    s->row->title = duo_copy(s->arch);
    s->row->aliases = duo_copy("");
    s->row->source = duo_copy("the header of the file");
    s->row->date = duo_copy("");
    DUO_TRY(architecture(s));
    weigh(s);
    duo_row_standards(s->row);
    return DUO_OK;
}

struct duo_row *duo_row_from_gguf(struct duo_catalogue *all, const char *path, struct duo_err *err)
{
    struct duo_err own = { 0 };
    struct source s = { .all = all, .err = err ? err : &own };
    struct duo_gguf *file;
    enum duo_status status;

    if (duo_gguf_open(&file, path, s.err) != DUO_OK) return NULL;
    s.file = file;
    s.row = duo_row_new(all, DUO_MODELS, path);
    status = fill(&s);
    duo_gguf_close(file);
    if (status == DUO_OK) return s.row;
    duo_row_drop(all, DUO_MODELS);
    return NULL;
}
