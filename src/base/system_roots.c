#include "base/system_roots.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"

int system_roots_read(struct buf *pem, const char **from)
{
    const char *const places[] = {
        getenv("SSL_CERT_FILE"),                            /* OpenSSL's own switch */
        "/etc/ssl/certs/ca-certificates.crt",               /* Debian, Arch, Gentoo */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
        "/etc/pki/tls/certs/ca-bundle.crt",                 /* the older of these */
        "/etc/ssl/ca-bundle.pem",                           /* SUSE */
        "/etc/ssl/cert.pem",                                /* Alpine, OpenBSD, macOS */
        "/usr/local/share/certs/ca-root-nss.crt",           /* FreeBSD */
        "/usr/local/etc/ssl/cert.pem",                      /* FreeBSD, the older */
    };

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int r = places[i] != NULL && places[i][0] != '\0' ? file_read(places[i], pem) : -ENOENT;

        if (r == -ENOENT)
            continue;
        *from = places[i];
        return r;
    }
    return -ENOENT;
}
