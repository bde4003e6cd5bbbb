/*
 * Certificates for hosts that a measurement has never met, each with a key of its own.
 *
 * usage: gate_certs CA.pem CA.key FOLDER COUNT
 * Writes FOLDER/h1.example.test.pem … , certificate and key in one file.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static void die(const char *what)
{
    fprintf(stderr, "gate_certs: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static FILE *file(const char *name, const char *mode)
{
    FILE *f = fopen(name, mode);

    if (f == NULL)
        die(name);
    return f;
}

static void extension(X509 *x, X509 *ca, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *e;

    X509V3_set_ctx(&context, ca, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (e == NULL || X509_add_ext(x, e, -1) != 1)
        die("an extension");
    X509_EXTENSION_free(e);
}

static void make(X509 *ca, EVP_PKEY *ca_key, const char *folder, long i)
{
    char host[64], name[80], path[600];
    X509 *x = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_NAME *subject = X509_NAME_new();
    FILE *f;

    snprintf(host, sizeof(host), "h%ld.example.test", i);
    snprintf(name, sizeof(name), "DNS:%s", host);
    snprintf(path, sizeof(path), "%s/%s.pem", folder, host);
    if (x == NULL || key == NULL || subject == NULL || X509_set_version(x, 2) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1000000 + i) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(x), -86400) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(x), 60L * 86400) == NULL ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (unsigned char *)host, -1, -1,
                                   0) != 1 ||
        X509_set_subject_name(x, subject) != 1 ||
        X509_set_issuer_name(x, X509_get_subject_name(ca)) != 1 || X509_set_pubkey(x, key) != 1)
        die("a certificate");
    extension(x, ca, NID_subject_alt_name, name);
    extension(x, ca, NID_ext_key_usage, "serverAuth");
    extension(x, ca, NID_key_usage, "critical,digitalSignature");
    extension(x, ca, NID_basic_constraints, "critical,CA:FALSE");
    extension(x, ca, NID_subject_key_identifier, "hash");
    extension(x, ca, NID_authority_key_identifier, "keyid");
    if (X509_sign(x, ca_key, EVP_sha256()) == 0)
        die("a signature");
    f = file(path, "w");
    if (PEM_write_X509(f, x) != 1 ||
        PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(f) != 0)
        die(path);
    X509_NAME_free(subject);
    X509_free(x);
    EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
    FILE *f;
    X509 *ca;
    EVP_PKEY *key;
    int64_t count = 0;

    if (argc != 5) {
        fputs("usage: gate_certs CA.pem CA.key FOLDER COUNT\n", stderr);
        return 2;
    }
    f = file(argv[1], "r");
    ca = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    f = file(argv[2], "r");
    key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    if (ca == NULL || key == NULL)
        die("the CA cannot be read");
    if (text_number(span_str(argv[4]), 1, INT32_MAX, &count) != 0)
        die("COUNT is not a number");
    for (long i = 1; i <= count; i++)
        make(ca, key, argv[3], i);
    X509_free(ca);
    EVP_PKEY_free(key);
    return 0;
}
