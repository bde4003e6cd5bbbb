/*
 * Keys in a token, by way of OpenSSL's ENGINE "pkcs11" (libp11).  ENGINEs are deprecated since
 * OpenSSL 3.0 in favour of providers, but no PKCS#11 provider is packaged for the systems we
 * support: this one file keeps to the old interface, nothing else may.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <unistd.h>

#include "gate/forge/keyholder.h"
#include "gate/forge/vault.h"

enum { PIN_MAX = 256 };

/* What the engine says last is what is wrong; its own words, for the log. */
static int fail(struct buf *error, const char *what, const char *on)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    buf_printf(error, "ca.pkcs11: %s%s%s (%s)", what, *on != '\0' ? " " : "", on,
               reason != NULL ? reason : "no reason given");
    ERR_clear_error();
    return -EIO;
}

static int pin_set(ENGINE *e, const char *file, struct buf *error)
{
    CLEANUP(vault_wipe) struct buf pin = BUF_INIT(PIN_MAX);
    int r;

    if (file == NULL)
        return 0;
    r = vault_read_secret(file, &pin, error);
    if (r < 0)
        return r;
    return ENGINE_ctrl_cmd_string(e, "PIN", (const char *)pin.data, 0) == 1
               ? 0
               : fail(error, "the engine takes no PIN", "");
}

int pkcs11_open(EVP_PKEY **out, const struct keyholder_place *place, struct buf *error)
{
    ENGINE *e = ENGINE_by_id("pkcs11");
    EVP_PKEY *key = NULL;
    int r;

    if (place->module != NULL && access(place->module, R_OK) < 0) {
        ENGINE_free(e);
        return fail(error, "cannot read the token's module", place->module);
    }
    if (e == NULL)
        return fail(error, "OpenSSL has no engine for tokens; install libengine-pkcs11-openssl",
                    "");
    if (place->module != NULL && ENGINE_ctrl_cmd_string(e, "MODULE_PATH", place->module, 0) != 1)
        r = fail(error, "the engine takes no module", place->module);
    else if (ENGINE_init(e) != 1)
        r = fail(error, "cannot start the token's module",
                 place->module != NULL ? place->module : "");
    else {
        r = pin_set(e, place->pin_file, error);
        if (r == 0)
            key = ENGINE_load_private_key(e, place->uri, NULL, NULL);
        if (r == 0 && key == NULL)
            r = fail(error, "no such token or private key, or a wrong PIN:", place->uri);
        ENGINE_finish(e);       /* the key keeps it alive */
    }
    ENGINE_free(e);
    if (r == 0)
        *out = key;
    return r;
}
