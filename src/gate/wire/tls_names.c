#include "gate/wire/tls_names.h"

#include <stdio.h>

#include "base/compiler.h"

struct number_name {
    uint16_t number;
    const char *name;
};

const char *version_digits(uint16_t version)
{
    switch (version) {
    case 0x0300:
        return "3.0";
    case 0x0301:
        return "1.0";
    case 0x0302:
        return "1.1";
    case 0x0303:
        return "1.2";
    case 0x0304:
        return "1.3";
    default:
        return NULL;
    }
}

static void name_of(const struct number_name *names, size_t n, uint16_t number,
                    char text[NAME_TEXT])
{
    text[0] = '\0';
    if (number == 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (names[i].number == number) {
            snprintf(text, NAME_TEXT, "%s", names[i].name);
            return;
        }
    snprintf(text, NAME_TEXT, "0x%04x", number);
}

void suite_name(uint16_t suite, char text[NAME_TEXT])
{
    static const struct number_name names[] = {
        { 0x1301, "TLS_AES_128_GCM_SHA256" },
        { 0x1302, "TLS_AES_256_GCM_SHA384" },
        { 0x1303, "TLS_CHACHA20_POLY1305_SHA256" },
        { 0x1304, "TLS_AES_128_CCM_SHA256" },
        { 0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
        { 0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
        { 0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
        { 0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
        { 0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
        { 0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
        { 0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256" },
        { 0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384" },
        { 0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" },
        { 0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384" },
        { 0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
        { 0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" },
        { 0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384" },
        { 0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" },
        { 0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384" },
        { 0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
        { 0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
        { 0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA" },
        { 0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" },
        { 0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA" },
        { 0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA" },
        { 0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256" },
        { 0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256" },
    };

    name_of(names, ARRAY_LEN(names), suite, text);
}

void group_name(uint16_t group, char text[NAME_TEXT])
{
    static const struct number_name names[] = {
        { 23, "secp256r1" },   { 24, "secp384r1" },         { 25, "secp521r1" },
        { 29, "x25519" },      { 30, "x448" },              { 256, "ffdhe2048" },
        { 257, "ffdhe3072" },  { 258, "ffdhe4096" },        { 4587, "SecP256r1MLKEM768" },
        { 4588, "X25519MLKEM768" }, { 4589, "SecP384r1MLKEM1024" },
    };

    name_of(names, ARRAY_LEN(names), group, text);
}

void signature_name(uint16_t scheme, char text[NAME_TEXT])
{
    static const struct number_name names[] = {
        { 0x0201, "rsa_pkcs1_sha1" },         { 0x0203, "ecdsa_sha1" },
        { 0x0401, "rsa_pkcs1_sha256" },       { 0x0501, "rsa_pkcs1_sha384" },
        { 0x0601, "rsa_pkcs1_sha512" },       { 0x0403, "ecdsa_secp256r1_sha256" },
        { 0x0503, "ecdsa_secp384r1_sha384" }, { 0x0603, "ecdsa_secp521r1_sha512" },
        { 0x0804, "rsa_pss_rsae_sha256" },    { 0x0805, "rsa_pss_rsae_sha384" },
        { 0x0806, "rsa_pss_rsae_sha512" },    { 0x0807, "ed25519" },
        { 0x0808, "ed448" },                  { 0x0809, "rsa_pss_pss_sha256" },
        { 0x080a, "rsa_pss_pss_sha384" },     { 0x080b, "rsa_pss_pss_sha512" },
    };

    name_of(names, ARRAY_LEN(names), scheme, text);
}
