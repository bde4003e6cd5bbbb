#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "lab/mill.h"

enum { POOL_MOST = 3 };

/* How each kind is made.  RSA is generated from as many primes as OpenSSL takes for the size:
 * the public key looks the same and is found many times sooner. */
static const struct recipe {
    int type, curve, bits, primes;
    bool explicit_curve;
    int pooled;                 /* 0: so quick that every caller gets a fresh one */
} recipes[] = {
    [MILL_P256] = { .type = EVP_PKEY_EC, .curve = NID_X9_62_prime256v1 },
    [MILL_P384] = { .type = EVP_PKEY_EC, .curve = NID_secp384r1 },
    [MILL_P521] = { .type = EVP_PKEY_EC, .curve = NID_secp521r1 },
    [MILL_P192] = { .type = EVP_PKEY_EC, .curve = NID_X9_62_prime192v1 },
    [MILL_P256_EXPLICIT] = { .type = EVP_PKEY_EC,
                             .curve = NID_X9_62_prime256v1,
                             .explicit_curve = true },
    [MILL_ED25519] = { .type = EVP_PKEY_ED25519 },
    [MILL_RSA2048] = { .type = EVP_PKEY_RSA, .bits = 2048, .primes = 3, .pooled = POOL_MOST },
    [MILL_RSA3072] = { .type = EVP_PKEY_RSA, .bits = 3072, .primes = 3, .pooled = 2 },
    [MILL_RSA4096] = { .type = EVP_PKEY_RSA, .bits = 4096, .primes = 4, .pooled = 2 },
    [MILL_RSA8192] = { .type = EVP_PKEY_RSA, .bits = 8192, .primes = 5, .pooled = 1 },
    [MILL_RSA1024] = { .type = EVP_PKEY_RSA, .bits = 1024, .primes = 2, .pooled = POOL_MOST },
    [MILL_RSA512] = { .type = EVP_PKEY_RSA, .bits = 512, .primes = 2, .pooled = POOL_MOST },
    [MILL_RSA2052] = { .type = EVP_PKEY_RSA, .bits = 2052, .primes = 3, .pooled = 2 },
    [MILL_DSA2048] = { .type = EVP_PKEY_DSA, .pooled = 1 },
};

/* The one piece of the project that outlives its callers: slow keys, kept until the process
 * ends so that every test of a program shares them.  Behind its own lock. */
static struct {
    pthread_mutex_t lock;
    struct {
        EVP_PKEY *keys[POOL_MOST];
        int n, next;
    } of[ARRAY_LEN(recipes)];
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void own_ctx(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static void own_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

/* The domain of RFC 5114 section 2.3 instead of a fresh one, which would take seconds. */
static EVP_PKEY *dsa_parameters(void)
{
    CLEANUP(own_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
    CLEANUP(own_ctx) EVP_PKEY_CTX *dsa = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    CLEANUP(own_key) EVP_PKEY *group = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *p = NULL, *q = NULL, *g = NULL;
    EVP_PKEY *out = NULL;
    OSSL_PARAM name[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "dh_2048_256" }, 0),
        OSSL_PARAM_construct_end(),
    };

    if (ctx != NULL && dsa != NULL && build != NULL && EVP_PKEY_paramgen_init(ctx) > 0 &&
        EVP_PKEY_CTX_set_params(ctx, name) > 0 && EVP_PKEY_paramgen(ctx, &group) > 0 &&
        EVP_PKEY_get_bn_param(group, OSSL_PKEY_PARAM_FFC_P, &p) > 0 &&
        EVP_PKEY_get_bn_param(group, OSSL_PKEY_PARAM_FFC_Q, &q) > 0 &&
        EVP_PKEY_get_bn_param(group, OSSL_PKEY_PARAM_FFC_G, &g) > 0 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) > 0 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_Q, q) > 0 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) > 0)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params != NULL && EVP_PKEY_fromdata_init(dsa) > 0 &&
        EVP_PKEY_fromdata(dsa, &out, EVP_PKEY_KEY_PARAMETERS, params) <= 0)
        out = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(p);
    BN_free(q);
    BN_free(g);
    return out;
}

/* The factors of the one shared RSA-8192 key.  Finding an own one takes seconds, in which a lab
 * would answer nobody; that everybody can know this one harms nobody, since whatever the mill
 * signs it with is trusted nowhere. */
static const char *const rsa8192_primes[] = {
    "CDCD51A77D143566D8ECA3A9C1214D79794A66A3540933038191024F9CB963AAE699D727F82C62DE5A46"
    "20F941506EDCBEF54F0F7C6A9BB7B3BEA1C381EED4CBB4273605E908EC2AA3A3480420D71CF0EF45A0A2"
    "2DC3DD3A4320A5952257C72F860FA293FDF737C5287CE076F8C42884F8104C5783DDB704F71B3F987AE0"
    "9C691D36EE673CAC9FF574AD554856085DC3EB8F228D8B1AB600CDF84EF29F116E50A6A8DBAB7D39844A"
    "6AC62BCCA092BE645009C83385F4CC9073F800D39EE798540DE6EBDB6DFD16FB149644682AB76B921E97"
    "1313F91F83593E12B9244910C62F847A85FF403BBEFABAFAEACBF9F59D27E4728D5C6F43F8CE51577E64"
    "EB368D05",
    "D2E265EE0EFFB56084A0DD05329B348973494E05B88F3A007546B79FAD186513AEF8C9AB790653A52900"
    "EAAF69CF9EA1523DC8055B4476794DB495AC232C953043F20EA795A28E20FFA35C24F326086BA1A1BC72"
    "06BE518958CE3A539A517DF2C3A4664AF48CA23CED94ACCBC2CF0C3118D48B703EF91D80CC9B902F3839"
    "6F6FE2F520E438B8C0E69B3D1A4A75BCE3C578640389AAA036B8F68D2DFEEE731700911A2140840D61F2"
    "B2C41579F5162F854AFD4CD5AECBE5612426350E687DCC90D7100B7D4EB35AF2DE0935FF34124C482193"
    "C87860034040C29ECC56FA487AFB953DD0B7C12B986E17AEE9A3E05E5D7AAEBCF65D4B8624AC98471B2B"
    "48134517",
    "EFA496FD7B9014CECBCA1AE75710F64F1542E6ECFA698776C227058A8558677A06FA616483D8A25F7617"
    "689FFFBD601090DFB81EFB9F4246D447EEB77C76C149AC59321CE4BB244E0B6498131C669B9477AA99E0"
    "02C89834007E52A6EC06CBE50DAC7BB21AE2253C469EE1A625CB259ED56A4FA20466A08974216EDF87E0"
    "0409448A60FD7BDC1ED8397337499B12224D7D28EBF918519243378F2C0F529E68E45B2F1CBFED87825B"
    "25D883888A8B2276EB121299F4ED506A41F08D8C49FDF50E7A29174BEB04D2ECE35A5C304084578DD780"
    "15CE4C568E2978ABB8D0342DF54BFA4031D3ADE11104778E3D7DC4D2832A99AFE2068C697D738A28B895"
    "89B52E37",
    "E4CB4ECFF1DC70BE20A19B6D0888DA80A5ACF0C5FF553D6E1B90C3231E2AF5089D51129A2365D63DC447"
    "84FB5C80B58E220C1957B0C47F3C52CFB9A48AEA169327B2F6337C4DC713F773629F7A50F1A97DEF948D"
    "F80E6DABAAB247448933D6A9F439E8D746970227D00BE4EEAE8433CB85A2CFFB79CFE103BE4E2DA3B74C"
    "7E4C269DE5ED0F9DE6AC4DEF3F0A514DFD8E7CF04A186DA2886B56424D8EEC3509744EA818BF8E168DCB"
    "21B1CB0C8425556B3E55EC6B74AA25A69DB5D3ACE08313C8FD16FC6CA638FB6A1E4D6EAD95BE0DB4A2F5"
    "7E3245C2BEF50933F2562974FE05A1599FC3CFB600DEACEEAE5430E2FF59FABBB616AD5F425864887C6D"
    "A174B87D",
};

static bool rsa8192_numbers(BIGNUM *n, BIGNUM *e, BIGNUM *d)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *phi = BN_new(), *p = NULL;
    bool ok = ctx != NULL && phi != NULL && BN_one(n) > 0 && BN_one(phi) > 0 &&
              BN_set_word(e, RSA_F4) > 0;

    for (size_t i = 0; ok && i < ARRAY_LEN(rsa8192_primes); i++)
        ok = BN_hex2bn(&p, rsa8192_primes[i]) > 0 && BN_mul(n, n, p, ctx) > 0 &&
             BN_sub_word(p, 1) > 0 && BN_mul(phi, phi, p, ctx) > 0;
    ok = ok && BN_mod_inverse(d, e, phi, ctx) != NULL;
    BN_free(p);
    BN_free(phi);
    BN_CTX_free(ctx);
    return ok;
}

static EVP_PKEY *rsa8192_known(void)
{
    CLEANUP(own_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *n = BN_new(), *e = BN_new(), *d = BN_new();
    EVP_PKEY *out = NULL;

    if (build != NULL && n != NULL && e != NULL && d != NULL && rsa8192_numbers(n, e, d) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) > 0 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) > 0 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d) > 0)
        params = OSSL_PARAM_BLD_to_param(build);
    if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) > 0 &&
        EVP_PKEY_fromdata(ctx, &out, EVP_PKEY_KEYPAIR, params) <= 0)
        out = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    BN_free(d);
    return out;
}

static EVP_PKEY *key_generate(const struct recipe *r)
{
    CLEANUP(own_key) EVP_PKEY *domain = r->type == EVP_PKEY_DSA ? dsa_parameters() : NULL;
    CLEANUP(own_ctx) EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *key = NULL;

    if (r->type == EVP_PKEY_DSA && domain == NULL)
        return NULL;
    ctx = domain != NULL ? EVP_PKEY_CTX_new(domain, NULL) : EVP_PKEY_CTX_new_id(r->type, NULL);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) <= 0)
        return NULL;
    if (r->curve != 0 && EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, r->curve) <= 0)
        return NULL;
    if (r->explicit_curve && EVP_PKEY_CTX_set_ec_param_enc(ctx, OPENSSL_EC_EXPLICIT_CURVE) <= 0)
        return NULL;
    if (r->bits != 0 && (EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, r->bits) <= 0 ||
                         EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, r->primes) <= 0))
        return NULL;
    return EVP_PKEY_keygen(ctx, &key) > 0 ? key : NULL;
}

/* A key from the pool, in turn; made while there is room for another. */
static EVP_PKEY *key_pooled(enum mill_key kind)
{
    EVP_PKEY *key = NULL;

    pthread_mutex_lock(&pool.lock);
    if (pool.of[kind].n < recipes[kind].pooled) {
        key = kind == MILL_RSA8192 ? rsa8192_known() : key_generate(&recipes[kind]);
        if (key != NULL)
            pool.of[kind].keys[pool.of[kind].n++] = key;
    } else {
        key = pool.of[kind].keys[pool.of[kind].next];
        pool.of[kind].next = (pool.of[kind].next + 1) % pool.of[kind].n;
    }
    if (key != NULL)
        EVP_PKEY_up_ref(key);
    pthread_mutex_unlock(&pool.lock);
    return key;
}

int mill_key_new(EVP_PKEY **out, enum mill_key kind, bool fresh)
{
    EVP_PKEY *key;

    if ((size_t)kind >= ARRAY_LEN(recipes))
        return -EINVAL;
    key = fresh || recipes[kind].pooled == 0 ? key_generate(&recipes[kind]) : key_pooled(kind);
    if (key == NULL)
        return -ENOMEM;
    *out = key;
    return 0;
}
