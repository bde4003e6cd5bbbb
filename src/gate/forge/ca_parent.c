/*
 * What the parent asks of the CA.
 */
#include <errno.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/text.h"
#include "gate/forge/ca.h"

int ca_ensure(const struct gate_config *c, struct buf *error)
{
    struct ca_place place = ca_place_of(c);

    return ca_tend_apart(&place, CA_KEEP, wall_now(), error);
}

static int load_made(struct ca *out, const struct gate_config *c, struct buf *error)
{
    struct ca_place place = ca_place_of(c);
    int r = ca_load_certs(out, &place, error);

    for (int part = 0; part < CA_PARTS && r == 0; part++)
        if (out->members[part].cert == NULL) {
            buf_printf(error, "%s/%s.pem: there is no such file; run: midwatch gate ca init",
                       place.folder, ca_part_file((enum ca_part)part));
            ca_deinit(out);
            r = -ENOENT;
        }
    return r;
}

int ca_root(const struct gate_config *c, struct buf *der, struct buf *error)
{
    struct ca ca;
    int r = load_made(&ca, c, error);

    if (r < 0)
        return r;
    buf_add(der, ca.members[CA_ROOT].cert->der);
    ca_deinit(&ca);
    return buf_error(der);
}

void ca_write_pem(struct buf *out, struct mw_span der)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    struct mw_span rest;

    text_base64(&text, der);
    if (buf_error(&text) < 0)
        out->error = buf_error(&text);
    buf_str(out, "-----BEGIN CERTIFICATE-----\n");
    for (rest = buf_span(&text); rest.len > 0; rest = span_cut(rest, 64, SIZE_MAX)) {
        buf_add(out, span_cut(rest, 0, 64));
        buf_str(out, "\n");
    }
    buf_str(out, "-----END CERTIFICATE-----\n");
}

int ca_own(const struct gate_config *c, struct buf *pem, struct buf *error)
{
    struct mw_wall now = wall_now();
    struct ca ca;
    int r = load_made(&ca, c, error);

    if (r < 0)
        return r;
    for (int part = 0; part < CA_PARTS; part++)
        ca_write_pem(pem, ca.members[part].cert->der);
    for (size_t i = 0; i < ca.n_retired; i++)
        if (ca.retired[i]->not_after.s >= now.s)
            ca_write_pem(pem, ca.retired[i]->der);
    ca_deinit(&ca);
    return buf_error(pem);
}

int ca_stamp(const struct gate_config *c, uint8_t sha256[32], struct buf *error)
{
    uint8_t each[CA_PARTS][32];
    struct ca ca;
    int r = load_made(&ca, c, error);

    if (r < 0)
        return r;
    for (int part = 0; part < CA_PARTS; part++)
        memcpy(each[part], ca.members[part].cert->sha256, sizeof(each[part]));
    ca_deinit(&ca);
    return EVP_Digest(each, sizeof(each), sha256, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}
