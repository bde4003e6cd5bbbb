#include "gate/forge/certificate.h"

#include <errno.h>
#include <openssl/rand.h>

#include "gate/forge/der_write.h"

/* The content octets of the object identifiers 2.5.29.x. */
enum { OID_SKI = 14, OID_KEY_USAGE = 15, OID_SAN = 17, OID_BASIC = 19, OID_AKI = 35, OID_EKU = 37 };

/* extnValue is open afterwards; close with extension_close(). */
struct extension {
    size_t whole, value;
};

static struct extension extension_open(struct buf *out, uint8_t last_arc, bool critical)
{
    struct extension e = { .whole = der_open(out, DER_SEQUENCE) };

    der_put(out, DER_OID, span_of(((const uint8_t[]){ 0x55, 0x1d, last_arc }), 3));
    if (critical)
        der_put(out, DER_BOOLEAN, SPAN_LIT("\xff"));
    e.value = der_open(out, DER_OCTET_STRING);
    return e;
}

static void extension_close(struct buf *out, struct extension e)
{
    der_close(out, e.value);
    der_close(out, e.whole);
}

struct mw_span certificate_server_auth(void)
{
    /* SEQUENCE { id-kp-serverAuth } */
    static const uint8_t purposes[] = { 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
                                        0x01, 0x05, 0x05, 0x07, 0x03, 0x01 };

    return span_of(purposes, sizeof(purposes));
}

int certificate_key_id(uint8_t id[20], struct mw_span spki)
{
    uint8_t hash[32];
    bool ok;
    struct reader r = { .rest = der_unwrap(spki, DER_SEQUENCE, &ok) };
    struct mw_span bits;

    (void)der_expect(&r, DER_SEQUENCE);
    bits = der_expect(&r, DER_BIT_STRING);
    if (!ok || !read_done(&r) || bits.len < 2)
        return -EINVAL;
    /* The first octet counts unused bits, and is no part of the value. */
    if (EVP_Digest(bits.data + 1, bits.len - 1, hash, NULL, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    memcpy(id, hash, 20);
    return 0;
}

static int key_ids_put(struct buf *out, const struct certificate_plan *plan)
{
    struct extension e;
    uint8_t id[20];
    size_t mark;
    int r = certificate_key_id(id, plan->spki);

    if (r < 0)
        return r;
    e = extension_open(out, OID_SKI, false);
    der_put(out, DER_OCTET_STRING, span_of(id, sizeof(id)));
    extension_close(out, e);
    if (plan->authority_key_id.len == 0)
        return 0;
    e = extension_open(out, OID_AKI, false);
    mark = der_open(out, DER_SEQUENCE);
    der_put(out, DER_CONTEXT(0), plan->authority_key_id);
    der_close(out, mark);
    extension_close(out, e);
    return 0;
}

/* RFC 5280 4.2.1.9: FALSE is the default, and DER leaves defaults out. */
static void basic_put(struct buf *out, const struct certificate_plan *plan)
{
    struct extension e = extension_open(out, OID_BASIC, true);
    size_t mark = der_open(out, DER_SEQUENCE);

    if (plan->ca)
        der_put(out, DER_BOOLEAN, SPAN_LIT("\xff"));
    if (plan->ca && plan->path_len >= 0)
        der_put_integer(out, span_of(((const uint8_t[]){ (uint8_t)plan->path_len }), 1));
    der_close(out, mark);
    extension_close(out, e);
}

/* RFC 5280 4.2.1.3: bit 0 digitalSignature, 2 keyEncipherment, 5 keyCertSign, 6 cRLSign; the
 * first octet counts the unused bits. */
static void usage_put(struct buf *out, const struct certificate_plan *plan)
{
    static const uint8_t ca[] = { 1, 0x06 }, sign[] = { 7, 0x80 }, both[] = { 5, 0xa0 };
    struct extension e = extension_open(out, OID_KEY_USAGE, true);
    const uint8_t *bits = plan->ca ? ca : plan->key_encipherment ? both : sign;

    der_put(out, DER_BIT_STRING, span_of(bits, 2));
    extension_close(out, e);
}

static int extensions_put(struct buf *out, const struct certificate_plan *plan)
{
    size_t outer = der_open(out, DER_CONTEXT_CONSTRUCTED(3));
    size_t list = der_open(out, DER_SEQUENCE);
    struct extension e;
    int r = key_ids_put(out, plan);

    basic_put(out, plan);
    usage_put(out, plan);
    if (plan->purposes.len > 0) {
        e = extension_open(out, OID_EKU, false);
        buf_add(out, plan->purposes);
        extension_close(out, e);
    }
    if (plan->names.len > 0) {
        e = extension_open(out, OID_SAN, plan->names_critical);
        buf_add(out, plan->names);
        extension_close(out, e);
    }
    der_close(out, list);
    der_close(out, outer);
    return r;
}

static int serial_put(struct buf *out)
{
    uint8_t serial[16];

    if (RAND_bytes(serial, sizeof(serial)) != 1)
        return -EIO;
    /* Positive, and always of the same length. */
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    der_put_integer(out, span_of(serial, sizeof(serial)));
    return 0;
}

static int tbs_put(struct buf *out, const struct certificate_plan *plan,
                   const struct signer *signer)
{
    size_t whole = der_open(out, DER_SEQUENCE), mark = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    int r;

    der_put_integer(out, SPAN_LIT("\x02"));     /* v3 */
    der_close(out, mark);
    r = serial_put(out);
    if (r < 0)
        return r;
    buf_add(out, signer_algorithm(signer));
    buf_add(out, plan->issuer);
    mark = der_open(out, DER_SEQUENCE);
    der_put_time(out, plan->not_before);
    der_put_time(out, plan->not_after);
    der_close(out, mark);
    buf_add(out, plan->subject);
    buf_add(out, plan->spki);
    r = extensions_put(out, plan);
    der_close(out, whole);
    return r < 0 ? r : buf_error(out);
}

int certificate_make(struct buf *der, const struct certificate_plan *plan,
                     const struct signer *signer)
{
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(CERTIFICATE_MAX);
    size_t whole, bits;
    int r = tbs_put(&tbs, plan, signer);

    if (r < 0)
        return r;
    whole = der_open(der, DER_SEQUENCE);
    buf_add(der, buf_span(&tbs));
    buf_add(der, signer_algorithm(signer));
    bits = der_open(der, DER_BIT_STRING);
    buf_u8(der, 0);             /* no unused bits */
    r = signer_sign(signer, buf_span(&tbs), der);
    der_close(der, bits);
    der_close(der, whole);
    return r < 0 ? r : buf_error(der);
}
