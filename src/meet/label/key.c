/* What public keys do, with a label (RFC 9420 5.1.2, 5.1.3).  Signing and HPKE take their content
 * in one piece: label<V>, content<V> are put together, on the stack when they are short. */
#include <errno.h>
#include <stdlib.h>

#include "meet/label/label.h"
#include "meet/wire/vector.h"

#define VERSION "MLS 1.0 "

enum { PREFIX = sizeof(VERSION) - 1, VECTOR_MAX = (1 << 30) - 1, SHORT = 1024 };

/* SignContent and EncryptContext, which are the same.  Message content before it is encrypted is
 * signed too: so it is wiped. */
struct labelled {
    uint8_t room[SHORT];
    uint8_t *at;                /* room, or on the heap */
    size_t len;
};

static void labelled_wipe(struct labelled *l)
{
    if (l->at != NULL)
        secret_clear(l->at, l->len);
    if (l->at != l->room)
        free(l->at);
}

static uint8_t *put(uint8_t *to, struct mw_span s)
{
    if (s.len > 0)
        memcpy(to, s.data, s.len);
    return to + s.len;
}

static int labelled_make(struct labelled *l, const char *label, struct mw_span content)
{
    struct mw_span name = span_str(label);
    size_t len = PREFIX + name.len;
    uint8_t *to;

    if (name.len > VECTOR_MAX - PREFIX || content.len > VECTOR_MAX)
        return CRYPT_E_LENGTH;
    l->len = vector_header(len) + len + vector_header(content.len) + content.len;
    l->at = l->len <= sizeof(l->room) ? l->room : malloc(l->len);
    if (l->at == NULL)
        return -ENOMEM;
    to = l->at;
    to += vector_header_put(to, len);
    to = put(put(to, SPAN_LIT(VERSION)), name);
    to += vector_header_put(to, content.len);
    put(to, content);
    return 0;
}

static struct mw_span labelled_span(const struct labelled *l)
{
    return span_of(l->at, l->len);
}

int label_sign(struct suited s, struct mw_span key, const char *label, struct mw_span content,
               uint8_t *signature, size_t *len)
{
    CLEANUP(labelled_wipe) struct labelled LEFT_UNSET l;
    int r;

    l.at = NULL;
    *len = 0;
    r = labelled_make(&l, label, content);
    if (r == 0)
        r = crypt_sign(s.crypto, s.suite->signer, key, labelled_span(&l), signature, len);
    return r;
}

int label_verify(struct suited s, struct mw_span key, const char *label, struct mw_span content,
                 struct mw_span signature)
{
    CLEANUP(labelled_wipe) struct labelled LEFT_UNSET l;
    int r;

    l.at = NULL;
    r = labelled_make(&l, label, content);
    if (r == 0)
        r = crypt_verify(s.crypto, s.suite->signer, key, labelled_span(&l), signature);
    return r;
}

int label_common(struct suited s, const char *label, struct mw_span context,
                 struct hpke_common *out)
{
    CLEANUP(labelled_wipe) struct labelled LEFT_UNSET l;
    int r;

    l.at = NULL;
    r = labelled_make(&l, label, context);
    return r != 0 ? r : hpke_common_make(out, s.crypto, s.suite->hpke, labelled_span(&l));
}

int label_seal_common(struct suited s, struct mw_random random, struct mw_span point,
                      const struct hpke_common *common, struct mw_span plain, uint8_t *enc,
                      uint8_t *sealed)
{
    const struct mw_span none = { NULL, 0 };
    int r = hpke_seal_common(s.crypto, s.suite->hpke, random, point, common, none, plain, enc,
                             sealed);

    if (r != 0) {
        secret_clear(enc, s.suite->npk);
        secret_clear(sealed, plain.len + CRYPT_TAG);
    }
    return r;
}

int label_seal(struct suited s, struct mw_random random, struct mw_span point, const char *label,
               struct mw_span context, struct mw_span plain, uint8_t *enc, uint8_t *sealed)
{
    struct hpke_common common;
    int r = label_common(s, label, context, &common);

    if (r == 0)
        return label_seal_common(s, random, point, &common, plain, enc, sealed);
    secret_clear(enc, s.suite->npk);
    secret_clear(sealed, plain.len + CRYPT_TAG);
    return r;
}

int label_open(struct suited s, struct mw_span scalar, struct mw_span point, const char *label,
               struct mw_span context, struct mw_span enc, struct mw_span sealed, uint8_t *out)
{
    CLEANUP(labelled_wipe) struct labelled LEFT_UNSET l;
    const struct mw_span none = { NULL, 0 };
    int r;

    l.at = NULL;
    r = labelled_make(&l, label, context);
    if (r == 0)
        r = hpke_open(s.crypto, s.suite->hpke, scalar, point, enc, labelled_span(&l), none, sealed,
                      out);
    if (r != 0 && sealed.len > CRYPT_TAG)
        secret_clear(out, sealed.len - CRYPT_TAG);
    return r;
}
