/* attachments.c - images, sound and documents: the tokens they become and the encoder's work.
 *
 * Where a model's row says nothing: an image is 576 tokens and 0.38 TFLOP (CLIP ViT-L/14 at 336 pixels: 24 x 24 patches, 304 M
 * weights; LLaVA-1.5, Liu et al. 2023, arXiv:2310.03744); sound at 32 kbit/s is 25 tokens/s, 2.6 GFLOP each (Whisper's encoder,
 * 637 M weights, two of its frames a token; Radford et al. 2022, arXiv:2212.04356); a document has 4 bytes a token. */
#include <math.h>

#include "models/cost/basis.h"

/* Not taken: what a request without an attachment costs does not rest on them. */
static double known(const struct duo_basis *b, enum duo_key k, double otherwise) { return isnan(b->v[k].value) ? otherwise : b->v[k].value; }

void duo_attachments_set(struct duo_attachments *a, const struct duo_basis *b)
{
    *a = (struct duo_attachments){
        .image_tokens   = known(b, DUO_KEY_image_tokens, 576), .image_flop = known(b, DUO_KEY_image_flop, 3.8e11),
        .audio_bytes    = known(b, DUO_KEY_audio_bytes, 160),  .audio_flop = known(b, DUO_KEY_audio_flop, 2.6e9),
        .document_bytes = known(b, DUO_KEY_document_bytes, 4),
    };
}

int duo_attachments_tokens(const struct duo_attachments *a, enum duo_attachment_kind kind, double bytes, double *flop)
{
    double tokens = 0;

    *flop = 0;
    if (kind == DUO_IMAGE)    tokens = a->image_tokens, *flop = a->image_flop;
    if (kind == DUO_AUDIO)    tokens = ceil(bytes / a->audio_bytes), *flop = tokens * a->audio_flop;
    if (kind == DUO_DOCUMENT) tokens = ceil(bytes / a->document_bytes);
    return (int)tokens;
}
