#include "lab/mill.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/own.h"
#include "base/span.h"
#include "lab/mill_cert.h"

void mill_x509_own(X509 **x)
{
    X509_free(*x);
}

static void own_extension(X509_EXTENSION **e)
{
    X509_EXTENSION_free(*e);
}

static void own_octets(ASN1_OCTET_STRING **o)
{
    ASN1_OCTET_STRING_free(*o);
}

static void own_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

const EVP_MD *mill_digest_for(const EVP_PKEY *key, enum mill_digest digest)
{
    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    switch (digest) {
    case MILL_SHA384:
        return EVP_sha384();
    case MILL_SHA512:
        return EVP_sha512();
    case MILL_SHA1:
        return EVP_sha1();
    case MILL_MD5:
        return EVP_md5();
    case MILL_SHA256:
        break;
    }
    return EVP_sha256();
}

ASN1_TIME *mill_time(struct mw_wall t)
{
    return ASN1_TIME_set(NULL, (time_t)t.s);
}

/* ---------------------------------------------------------------- subject ---- */

/* One attribute: "CN=some text", a backslash keeps the next character from meaning anything. */
static int name_attribute(X509_NAME *name, struct mw_span part)
{
    char type[32], value[512];
    size_t n = 0, i = 0;

    while (i < part.len && part.data[i] != '=')
        i++;
    if (i == part.len || i >= sizeof(type))
        return -EINVAL;
    memcpy(type, part.data, i);
    type[i++] = '\0';
    for (; i < part.len; i++) {
        if (part.data[i] == '\\' && i + 1 < part.len)
            i++;
        if (n == sizeof(value))
            return -EINVAL;
        value[n++] = (char)part.data[i];
    }
    /* loc 0 puts it first: RFC 4514 text starts with the last of the sequence. */
    return X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (unsigned char *)value, (int)n,
                                      0, 0) > 0
               ? 0
               : -EINVAL;
}

static int name_fill(X509_NAME *name, const char *text)
{
    struct mw_span rest = span_str(text);

    while (rest.len > 0) {
        size_t end = 0;
        int r;

        while (end < rest.len && rest.data[end] != ',')
            end += rest.data[end] == '\\' ? 2 : 1;
        r = name_attribute(name, span_trim(span_cut(rest, 0, end)));
        if (r < 0)
            return r;
        rest = span_cut(rest, end + 1, SIZE_MAX);
    }
    return 0;
}

/* ------------------------------------------------------------- extensions ---- */

static bool dropped(const struct mill_spec *spec, const ASN1_OBJECT *oid)
{
    char text[80];

    return spec->drop != NULL && OBJ_obj2txt(text, sizeof(text), oid, 1) > 0 &&
           strcmp(text, spec->drop) == 0;
}

/* One that spec->extra brings itself is not made twice. */
static bool replaced(const struct mill_spec *spec, const ASN1_OBJECT *oid)
{
    char text[80];

    if (OBJ_obj2txt(text, sizeof(text), oid, 1) <= 0)
        return false;
    for (size_t i = 0; i < spec->n_extra; i++)
        if (strcmp(spec->extra[i].oid, text) == 0)
            return true;
    return false;
}

static int extension_put(X509 *x, const struct mill_spec *spec, X509_EXTENSION *made)
{
    CLEANUP(own_extension) X509_EXTENSION *e = made;

    if (e == NULL)
        return -EINVAL;
    if (dropped(spec, X509_EXTENSION_get_object(e)) ||
        replaced(spec, X509_EXTENSION_get_object(e)))
        return 0;
    return X509_add_ext(x, e, -1) > 0 ? 0 : -ENOMEM;
}

/* An extension in OpenSSL's words. */
static int extension_words(X509 *x, const struct mill_spec *spec, int nid, const char *format,
                           ...) PRINTF_LIKE(4, 5);
static int extension_words(X509 *x, const struct mill_spec *spec, int nid, const char *format,
                           ...)
{
    CLEANUP(buf_deinit) struct buf words = BUF_INIT(65536);
    X509V3_CTX ctx;
    va_list args;

    va_start(args, format);
    buf_vprintf(&words, format, args);
    va_end(args);
    if (buf_error(&words) < 0)
        return buf_error(&words);
    X509V3_set_ctx(&ctx, NULL, x, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    return extension_put(x, spec, X509V3_EXT_nconf_nid(NULL, &ctx, nid, (char *)words.data));
}

/* An extension whose content is given as DER. */
static X509_EXTENSION *extension_raw(ASN1_OBJECT *oid, bool critical, struct mw_span value)
{
    CLEANUP(own_octets) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

    if (oid == NULL || octets == NULL || value.len > INT_MAX ||
        ASN1_OCTET_STRING_set(octets, value.data, (int)value.len) <= 0)
        return NULL;
    return X509_EXTENSION_create_by_OBJ(NULL, oid, critical, octets);
}

static GENERAL_NAME *general_name(struct mw_span item)
{
    static const struct {
        const char *prefix;
        int type;
    } kinds[] = {
        { "DNS:", GEN_DNS },
        { "IP:", GEN_IPADD },
        { "email:", GEN_EMAIL },
        { "URI:", GEN_URI },
    };
    CLEANUP(own_free) char *value = NULL;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct mw_span prefix = span_str(kinds[i].prefix);

        if (!span_eq(span_cut(item, 0, prefix.len), prefix))
            continue;
        value = span_dup(span_cut(item, prefix.len, SIZE_MAX));
        if (value == NULL)
            return NULL;
        return a2i_GENERAL_NAME(NULL, NULL, NULL, kinds[i].type, value, 0);
    }
    return NULL;
}

static int names_put(X509 *x, const struct mill_spec *spec)
{
    CLEANUP(own_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
    struct mw_span rest = span_str(spec->names), item;

    if (names == NULL)
        return -ENOMEM;
    while (span_field(&rest, ',', &item)) {
        GENERAL_NAME *name = general_name(span_trim(item));

        if (name == NULL)
            return -EINVAL;
        if (sk_GENERAL_NAME_push(names, name) <= 0) {
            GENERAL_NAME_free(name);
            return -ENOMEM;
        }
    }
    return extension_put(x, spec,
                         X509V3_EXT_i2d(NID_subject_alt_name, spec->names_critical, names));
}

/* RFC 5280 4.2.1.2 method 1. */
static int key_id(const X509 *x, unsigned char id[EVP_MAX_MD_SIZE], unsigned *len)
{
    return X509_pubkey_digest(x, EVP_sha1(), id, len) > 0 ? 0 : -EINVAL;
}

static int key_ids_put(X509 *x, const struct mill_spec *spec, const struct mill_cert *issuer)
{
    unsigned char id[EVP_MAX_MD_SIZE];
    const ASN1_OCTET_STRING *theirs;
    AUTHORITY_KEYID *authority;
    X509_EXTENSION *made = NULL;
    unsigned len = 0;
    int r;

    r = extension_words(x, spec, NID_subject_key_identifier, "hash");
    if (r < 0 || issuer == NULL)
        return r;
    authority = AUTHORITY_KEYID_new();
    if (authority == NULL || (authority->keyid = ASN1_OCTET_STRING_new()) == NULL) {
        AUTHORITY_KEYID_free(authority);
        return -ENOMEM;
    }
    theirs = X509_get0_subject_key_id(issuer->x509);
    if (theirs != NULL)
        r = ASN1_OCTET_STRING_set(authority->keyid, ASN1_STRING_get0_data(theirs),
                                  ASN1_STRING_length(theirs));
    else if (key_id(issuer->x509, id, &len) == 0)
        r = ASN1_OCTET_STRING_set(authority->keyid, id, (int)len);
    if (r > 0)
        made = X509V3_EXT_i2d(NID_authority_key_identifier, 0, authority);
    AUTHORITY_KEYID_free(authority);
    return extension_put(x, spec, made);
}

static int usages_put(X509 *x, const struct mill_spec *spec, const EVP_PKEY *key)
{
    const char *usage = spec->key_usage, *purpose = spec->ext_key_usage;
    int r = 0;

    if (usage == NULL && spec->ca)
        usage = "digitalSignature,keyCertSign,cRLSign";
    else if (usage == NULL)
        usage = EVP_PKEY_is_a(key, "RSA") ? "digitalSignature,keyEncipherment"
                                          : "digitalSignature";
    if (purpose == NULL)
        purpose = spec->ca ? "" : "serverAuth";
    if (!spec->no_basic_constraints && spec->ca && spec->path_len > 0)
        r = extension_words(x, spec, NID_basic_constraints, "critical,CA:TRUE,pathlen:%d",
                            spec->path_len - 1);
    else if (!spec->no_basic_constraints)
        r = extension_words(x, spec, NID_basic_constraints, "critical,CA:%s",
                            spec->ca ? "TRUE" : "FALSE");
    if (r == 0 && *usage != '\0')
        r = extension_words(x, spec, NID_key_usage, "critical,%s", usage);
    if (r == 0 && *purpose != '\0')
        r = extension_words(x, spec, NID_ext_key_usage, "%s", purpose);
    return r;
}

static int pointers_put(X509 *x, const struct mill_spec *spec)
{
    const char *aia = spec->aia_issuer_url, *ocsp = spec->ocsp_url;
    int r = 0;

    if (aia != NULL || ocsp != NULL)
        r = extension_words(x, spec, NID_info_access, "%s%s%s%s%s",
                            ocsp != NULL ? "OCSP;URI:" : "", ocsp != NULL ? ocsp : "",
                            aia != NULL && ocsp != NULL ? "," : "",
                            aia != NULL ? "caIssuers;URI:" : "", aia != NULL ? aia : "");
    if (r == 0 && spec->crl_url != NULL)
        r = extension_words(x, spec, NID_crl_distribution_points, "URI:%s", spec->crl_url);
    if (r == 0 && spec->must_staple)
        r = extension_words(x, spec, NID_tlsfeature, "status_request");
    return r;
}

static int extras_put(X509 *x, const struct mill_spec *spec)
{
    for (size_t i = 0; i < spec->n_extra; i++) {
        const struct mill_extension *e = &spec->extra[i];
        ASN1_OBJECT *oid = OBJ_txt2obj(e->oid, 1);
        CLEANUP(own_extension)
        X509_EXTENSION *made = extension_raw(oid, e->critical, e->value);

        ASN1_OBJECT_free(oid);
        if (made == NULL)
            return -EINVAL;
        if (X509_add_ext(x, made, -1) <= 0)
            return -ENOMEM;
    }
    return 0;
}

static int extensions_put(X509 *x, const struct mill_spec *spec, const EVP_PKEY *key,
                          const struct mill_cert *issuer)
{
    int r = usages_put(x, spec, key);

    if (r == 0 && !spec->no_key_ids)
        r = key_ids_put(x, spec, issuer);
    if (r == 0 && spec->names != NULL)
        r = names_put(x, spec);
    if (r == 0 && spec->name_constraints != NULL)
        r = extension_words(x, spec, NID_name_constraints, "critical,%s",
                            spec->name_constraints);
    if (r == 0)
        r = pointers_put(x, spec);
    if (r == 0)
        r = extras_put(x, spec);
    return r;
}

/* ------------------------------------------------------------ certificate ---- */

static int serial_set(X509 *x, const uint8_t *bytes, size_t len)
{
    BIGNUM *n = BN_bin2bn(bytes, (int)len, NULL);
    ASN1_INTEGER *serial = n != NULL ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
    int r = serial != NULL && X509_set_serialNumber(x, serial) > 0 ? 0 : -ENOMEM;

    ASN1_INTEGER_free(serial);
    BN_free(n);
    return r;
}

/* From a hash of all the rest: unlike certificates differ, and a certificate has the serial of
 * its precertificate. */
static int serial_derive(X509 *x)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned char *tbs = NULL;
    unsigned len = 0;
    int n, r;

    r = serial_set(x, (const uint8_t *)"\x01", 1);
    if (r < 0)
        return r;
    n = i2d_re_X509_tbs(x, &tbs);
    if (n <= 0)
        return -ENOMEM;
    r = EVP_Digest(tbs, (size_t)n, hash, &len, EVP_sha256(), NULL) > 0 ? 0 : -ENOMEM;
    OPENSSL_free(tbs);
    hash[0] = (hash[0] & 0x7f) | 0x40;
    return r < 0 ? r : serial_set(x, hash, 16);
}

static int times_set(X509 *x, const struct mill_spec *spec)
{
    ASN1_TIME *from = mill_time(spec->not_before), *to = mill_time(spec->not_after);
    int r = from != NULL && to != NULL && X509_set1_notBefore(x, from) > 0 &&
                    X509_set1_notAfter(x, to) > 0
                ? 0
                : -EINVAL;

    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return r;
}

/* The signature algorithm is part of what is signed, so it is set by a first signing; the one
 * that counts comes last. */
static int algorithm_set(X509 *x, EVP_PKEY *signer, enum mill_digest digest)
{
    return X509_sign(x, signer, mill_digest_for(signer, digest)) > 0 ? 0 : -EINVAL;
}

int mill_unsigned(X509 **out, const struct mill_spec *spec, EVP_PKEY *key,
                  const struct mill_cert *issuer)
{
    CLEANUP(mill_x509_own) X509 *x = X509_new();
    EVP_PKEY *signer = issuer != NULL ? issuer->key : key;
    int r;

    if (x == NULL || X509_set_pubkey(x, key) <= 0 ||
        X509_set_version(x, spec->version == 1 ? X509_VERSION_1 : X509_VERSION_3) <= 0)
        return -ENOMEM;
    r = name_fill(X509_get_subject_name(x), spec->subject != NULL ? spec->subject : "");
    if (r < 0)
        return r;
    if (X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer->x509)
                                               : X509_get_subject_name(x)) <= 0)
        return -ENOMEM;
    r = times_set(x, spec);
    if (r == 0 && spec->version != 1)
        r = extensions_put(x, spec, key, issuer);
    if (r == 0)
        r = algorithm_set(x, signer, spec->digest);
    if (r == 0)
        r = spec->serial.len > 0 ? serial_set(x, spec->serial.data, spec->serial.len)
                                 : serial_derive(x);
    if (r < 0)
        return r;
    *out = own_steal(&x);
    return 0;
}

static int scts_put(X509 *x, struct mw_span list)
{
    CLEANUP(own_octets) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    CLEANUP(own_extension) X509_EXTENSION *made = NULL;
    unsigned char *der = NULL;
    int n;

    if (octets == NULL || ASN1_OCTET_STRING_set(octets, list.data, (int)list.len) <= 0)
        return -ENOMEM;
    n = i2d_ASN1_OCTET_STRING(octets, &der);
    if (n <= 0)
        return -ENOMEM;
    made = extension_raw(OBJ_nid2obj(NID_ct_precert_scts), false, span_of(der, (size_t)n));
    OPENSSL_free(der);
    return made != NULL && X509_add_ext(x, made, -1) > 0 ? 0 : -ENOMEM;
}

static void signature_break(X509 *x)
{
    const ASN1_BIT_STRING *signature = NULL;
    const X509_ALGOR *algorithm = NULL;

    X509_get0_signature(&signature, &algorithm, x);
    if (signature != NULL && signature->length > 0)
        signature->data[signature->length - 1] ^= 1;
}

static int cert_new(struct mill_cert **out, const X509 *x, EVP_PKEY *key)
{
    struct mill_cert *c = calloc(1, sizeof(*c));
    const unsigned char *at;
    int n;

    if (c == NULL)
        return -ENOMEM;
    n = i2d_X509(x, &c->der);
    if (n > 0) {
        at = c->der;
        c->der_len = (size_t)n;
        c->x509 = d2i_X509(NULL, &at, n);
    }
    if (c->x509 == NULL) {
        mill_cert_free(c);
        return -ENOMEM;
    }
    EVP_PKEY_up_ref(key);
    c->key = key;
    *out = c;
    return 0;
}

int mill_issue(struct mill_cert **out, const struct mill_spec *spec, EVP_PKEY *key,
               const struct mill_cert *issuer)
{
    CLEANUP(mill_x509_own) X509 *x = NULL;
    EVP_PKEY *signer = issuer != NULL ? issuer->key : key;
    int r = mill_unsigned(&x, spec, key, issuer);

    if (r == 0 && spec->sct_list.len > 0 && spec->version != 1)
        r = scts_put(x, spec->sct_list);
    if (r == 0 && X509_sign(x, signer, mill_digest_for(signer, spec->digest)) <= 0)
        r = -EINVAL;
    /* What went wrong is in our return value; OpenSSL's queue must not leak into a handshake. */
    ERR_clear_error();
    if (r < 0)
        return r;
    if (spec->wrong_signature)
        signature_break(x);
    return cert_new(out, x, key);
}

void mill_cert_free(struct mill_cert *c)
{
    if (c == NULL)
        return;
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    OPENSSL_free(c->der);
    free(c);
}

X509 *mill_cert_x509(const struct mill_cert *c)
{
    return c->x509;
}

EVP_PKEY *mill_cert_key(const struct mill_cert *c)
{
    return c->key;
}

struct mw_span mill_cert_der(const struct mill_cert *c)
{
    return span_of(c->der, c->der_len);
}

void mill_cert_pem(const struct mill_cert *c, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n = 0;

    if (bio != NULL && PEM_write_bio_X509(bio, c->x509) > 0)
        n = BIO_get_mem_data(bio, &text);
    if (n > 0)
        buf_add(out, span_of(text, (size_t)n));
    else
        out->error = -ENOMEM;
    BIO_free(bio);
}
