/*
 * What the handshake settled on: versions, ciphers and key exchange that no longer protect.
 * Source: RFC 8996 (TLS 1.0 and 1.1), RFC 7465 (RC4), RFC 9325 (recommendations), RFC 8446
 *         section 4.1.3 (the downgrade mark); numbers from the IANA TLS Cipher Suites registry.
 */
#include "trust/judge.h"

enum weakness { SOUND, NO_ENCRYPTION, NO_AUTHENTICATION, EXPORT, SINGLE_DES, RC4, TRIPLE_DES };

static const char *const weakness_text[] = {
    [NO_ENCRYPTION] = "no encryption at all",
    [NO_AUTHENTICATION] = "nobody proves who they are",
    [EXPORT] = "kept weak on purpose in the 1990s",
    [SINGLE_DES] = "DES, broken since 1998",
    [RC4] = "RC4, whose bytes can be guessed",
    [TRIPLE_DES] = "3DES, which leaks after much traffic",
};

/* Suites in use somewhere that have a name without telling words, by number: from .. to. */
static const struct {
    uint16_t from, to;
    enum weakness weakness;
} by_number[] = {
    {0x0001,  0x0002, NO_ENCRYPTION    },
    { 0x0003, 0x0003, EXPORT           },
    { 0x0004, 0x0005, RC4              },
    { 0x0006, 0x0006, EXPORT           },
    { 0x0008, 0x0008, EXPORT           },
    { 0x0009, 0x0009, SINGLE_DES       },
    { 0x000a, 0x000a, TRIPLE_DES       },
    { 0x000b, 0x000b, EXPORT           },
    { 0x000c, 0x000c, SINGLE_DES       },
    { 0x000d, 0x000d, TRIPLE_DES       },
    { 0x000e, 0x000e, EXPORT           },
    { 0x000f, 0x000f, SINGLE_DES       },
    { 0x0010, 0x0010, TRIPLE_DES       },
    { 0x0011, 0x0011, EXPORT           },
    { 0x0012, 0x0012, SINGLE_DES       },
    { 0x0013, 0x0013, TRIPLE_DES       },
    { 0x0014, 0x0014, EXPORT           },
    { 0x0015, 0x0015, SINGLE_DES       },
    { 0x0016, 0x0016, TRIPLE_DES       },
    { 0x0017, 0x001b, NO_AUTHENTICATION},
    { 0x002c, 0x002e, NO_ENCRYPTION    },
    { 0x0034, 0x0034, NO_AUTHENTICATION},
    { 0x003a, 0x003b, NO_AUTHENTICATION},
    { 0x006c, 0x006d, NO_AUTHENTICATION},
    { 0x00a6, 0x00a7, NO_AUTHENTICATION},
    { 0xc001, 0xc001, NO_ENCRYPTION    },
    { 0xc002, 0xc002, RC4              },
    { 0xc003, 0xc003, TRIPLE_DES       },
    { 0xc006, 0xc006, NO_ENCRYPTION    },
    { 0xc007, 0xc007, RC4              },
    { 0xc008, 0xc008, TRIPLE_DES       },
    { 0xc00b, 0xc00b, NO_ENCRYPTION    },
    { 0xc00c, 0xc00c, RC4              },
    { 0xc00d, 0xc00d, TRIPLE_DES       },
    { 0xc010, 0xc010, NO_ENCRYPTION    },
    { 0xc011, 0xc011, RC4              },
    { 0xc012, 0xc012, TRIPLE_DES       },
    { 0xc015, 0xc019, NO_AUTHENTICATION},
};

/* Key transport under the server's own RSA key: no forward secrecy. */
static const struct {
    uint16_t from, to;
} static_rsa[] = {
    {0x0001,  0x0002},
    { 0x0004, 0x0005},
    { 0x000a, 0x000a},
    { 0x002f, 0x002f},
    { 0x0035, 0x0035},
    { 0x003b, 0x003d},
    { 0x0041, 0x0041},
    { 0x0084, 0x0084},
    { 0x0096, 0x0096},
    { 0x009c, 0x009d},
    { 0xc050, 0xc051},
    { 0xc09c, 0xc09d},
    { 0xc0a0, 0xc0a1},
};

/* What OpenSSL's name of a suite gives away, for those that the numbers do not list. */
static enum weakness weakness_by_name(const char *name)
{
    static const struct {
        const char *part;
        enum weakness weakness;
    } parts[] = {
        {"NULL",      NO_ENCRYPTION    },
        { "ADH",      NO_AUTHENTICATION},
        { "AECDH",    NO_AUTHENTICATION},
        { "EXP-",     EXPORT           },
        { "RC4",      RC4              },
        { "DES-CBC3", TRIPLE_DES       },
        { "3DES",     TRIPLE_DES       },
        { "DES-CBC-", SINGLE_DES       },
    };

    for (size_t i = 0; name != NULL && i < ARRAY_LEN(parts); i++)
        if (strstr(name, parts[i].part) != NULL)
            return parts[i].weakness;
    return SOUND;
}

static enum weakness weakness_of(const struct mw_parameters *tls)
{
    for (size_t i = 0; i < ARRAY_LEN(by_number); i++)
        if (tls->cipher_suite >= by_number[i].from && tls->cipher_suite <= by_number[i].to)
            return by_number[i].weakness;
    return weakness_by_name(tls->cipher_name);
}

static const char *version_name(uint16_t version)
{
    switch (version) {
    case 0x0002:
        return "SSL 2";
    case 0x0300:
        return "SSL 3";
    case 0x0301:
        return "TLS 1.0";
    case 0x0302:
        return "TLS 1.1";
    default:
        return "an unknown version";
    }
}

static const char *cipher_text(const struct mw_parameters *tls)
{
    return tls->cipher_name != NULL ? tls->cipher_name : "the cipher suite";
}

static bool is_static_rsa(uint16_t suite)
{
    for (size_t i = 0; i < ARRAY_LEN(static_rsa); i++)
        if (suite >= static_rsa[i].from && suite <= static_rsa[i].to)
            return true;
    return false;
}

/* 1024 bits and less can be broken by those with means; below 2048 is out of date. */
static void exchange_judge(struct judge *j, const struct mw_parameters *tls)
{
    struct mw_finding *f = NULL;

    if (tls->dh_bits > 0 && tls->dh_bits < 2048)
        f = judge_add(j, MW_TLS_WEAK_KEY_EXCHANGE, -1, "Diffie-Hellman with %u bits",
                      (unsigned)tls->dh_bits);
    if (f != NULL && tls->dh_bits > 1024)
        f->severity = MW_WARNING;
    if (tls->version > 0x0303 || tls->dh_bits > 0 || !is_static_rsa(tls->cipher_suite))
        return;
    f = judge_add(j, MW_TLS_WEAK_KEY_EXCHANGE, -1,
                  "%s: RSA key transport, so a stolen key opens recorded traffic",
                  cipher_text(tls));
    if (f != NULL)
        f->severity = MW_WARNING;
}

int parameters_judge(struct judge *j)
{
    const struct mw_parameters *tls = &j->ev->tls;
    enum weakness weakness;

    if (j->ev->reach != MW_REACH_HANDSHAKE)
        return 0;
    if (tls->version != 0 && tls->version < 0x0303)
        judge_add(j, MW_TLS_OLD_VERSION, -1, "%s was agreed", version_name(tls->version));
    weakness = weakness_of(tls);
    if (weakness != SOUND)
        judge_add(j, MW_TLS_WEAK_CIPHER, -1, "%s: %s", cipher_text(tls), weakness_text[weakness]);
    exchange_judge(j, tls);
    if (tls->downgrade_mark == MW_SEEN_YES)
        judge_add(j, MW_TLS_DOWNGRADED, -1,
                  "the server's random bytes carry the mark of RFC 8446 section 4.1.3");
    return 0;
}
