/* voice_url.h - a model behind a server as a voice that can be recorded (voices.h, endpoint.h).
 *
 * (1) Its digest names the kind of server and the model, never the address: a recording may be shown to anybody.
 * (2) It drafts for voices of its own kind alone: ids of what runs here and of what a server runs can't be trusted to be the
 *     same.
 * (3) Early exits, acceptance of sampled drafts, embeddings: no server tells them. */
#ifndef DUO_MODELS_VOICE_URL_H
#define DUO_MODELS_VOICE_URL_H

#include "models/answers/endpoint.h"
#include "models/answers/voices.h"

/* *out is freed by its kind's free(), after a failure, too.  `name` is copied. */
enum duo_status duo_voice_url(struct duo_voice **out, const char *name, const struct duo_endpoint_spec *, struct duo_err *);

/* DUO_FELL_SHORT: the first can't judge what the second says, and why. */
enum duo_status duo_voice_url_drafts(struct duo_voice *drafter, struct duo_voice *verifier, struct duo_err *);

#endif
