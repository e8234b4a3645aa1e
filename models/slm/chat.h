/* chat.h - a conversation as the text that a model was trained on.
 *
 * (1) The layout is recognised from the markers in tokenizer.chat_template; the template itself is not run.  One that
 *     is not recognised is an error that says so.
 * (2) A system text that the template puts where none is given (SmolLM2, Qwen 2) is put.
 * (3) Only the layout's own markers become special tokens: contents can't forge a turn. */
#ifndef DUO_SLM_CHAT_H
#define DUO_SLM_CHAT_H

#include "models/slm/tokenizer.h"

#define DUO_CHATS(X) X(NONE, "none") X(CHATML, "chatml") X(LLAMA3, "llama-3") X(GEMMA, "gemma") X(ZEPHYR, "zephyr")
enum duo_chat {
#define X(name, text) DUO_CHAT_##name,
    DUO_CHATS(X)
#undef X
};

struct duo_message { const char *role, *text; };    /* role: system, user, assistant */

struct duo_chat_form { enum duo_chat form; char *system; };    /* system: the template's own, or NULL; free with duo_chat_free */

/* DUO_CHAT_NONE with DUO_OK: the file has no template. */
enum duo_status duo_chat_read(struct duo_chat_form *, const struct duo_gguf *, struct duo_err *);
void            duo_chat_free(struct duo_chat_form *);
const char     *duo_chat_name(enum duo_chat);

/* The conversation, and the beginning of the assistant's turn, as ids (with BOS where the model wants it) and, when
 * `text` is not NULL, appended to it as text (without BOS).  With DUO_CHAT_NONE: the texts of the messages, a line each. */
enum duo_status duo_chat_encode(const struct duo_chat_form *, const struct duo_tokenizer *, const struct duo_message *, size_t n,
                                struct duo_ids *, struct duo_bytes *text, struct duo_err *);

#endif
