#include "probe/dnsfacts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/dnsrecord.h"

struct dnsfacts_job {
    struct dns *dns;
    struct dns_question *caa, *https; /* under way */
    char host[256];
    const char *at; /* the part of host asked for, climbing */
    unsigned climbed;
    int64_t limit_ms;
    struct arena *arena;
    struct dnsfacts facts;
    dnsfacts_fn *on_done;
    void *context;
};

static void caa_ask(struct dnsfacts_job *job);

static void finish_if_done(struct dnsfacts_job *job)
{
    if (job->caa != NULL || job->https != NULL)
        return;
    job->on_done(job->context, &job->facts);
    free(job);
}

static enum mw_seen caa_take(struct dnsfacts_job *job, const struct dns_records *answer)
{
    size_t n = answer->n < DNSFACTS_MAX_CAA ? answer->n : DNSFACTS_MAX_CAA;
    struct mw_caa *caa = arena_calloc(job->arena, n, sizeof *caa);

    if (caa == NULL)
        return MW_COULD_NOT_LOOK;
    for (size_t i = 0; i < n; i++) {
        int rc = dnsrecord_caa(&caa[job->facts.n_caa], answer->items[i], job->arena);

        if (rc < 0)
            return MW_COULD_NOT_LOOK;
        /* One that cannot be read allows nothing; leaving it out must not allow more, so it
         * stays as a property nobody knows, marked critical (RFC 8659 section 4.1). */
        if (rc > 0)
            caa[job->facts.n_caa] = (struct mw_caa){ 0x80, "malformed", "" };
        job->facts.n_caa++;
    }
    job->facts.caa = caa;
    return MW_SEEN_YES;
}

static void caa_on_answer(void *context, const struct dns_records *answer)
{
    struct dnsfacts_job *job = context;

    job->caa = NULL;
    switch (answer->state) {
    case DNS_OK:
        job->facts.caa_looked = caa_take(job, answer);
        break;
    case DNS_NO_DATA:
    case DNS_NO_NAME: {
        const char *parent = strchr(job->at, '.');

        job->at = parent != NULL && parent[1] != '\0' ? parent + 1 : NULL;
        if (job->at == NULL) /* at the top: nobody restricts issuance */
            job->facts.caa_looked = MW_SEEN_YES;
        else
            caa_ask(job);
        break;
    }
    case DNS_NO_ANSWER:
    case DNS_SERVER_FAILED:
    case DNS_BAD_ANSWER:
    case DNS_BAD_NAME:
        job->facts.caa_looked = MW_COULD_NOT_LOOK;
        break;
    }
    finish_if_done(job);
}

/* Sets job->caa, or says that it could not look. */
static void caa_ask(struct dnsfacts_job *job)
{
    if (job->climbed++ >= DNSFACTS_MAX_CLIMB ||
        dns_ask(job->dns, job->at, DNS_TYPE_CAA, job->limit_ms, caa_on_answer, job, &job->caa) !=
            0) {
        job->caa = NULL;
        job->facts.caa_looked = MW_COULD_NOT_LOOK;
    }
}

static void https_on_answer(void *context, const struct dns_records *answer)
{
    struct dnsfacts_job *job = context;

    job->https = NULL;
    job->facts.ech_advertised = MW_COULD_NOT_LOOK;
    if (answer->state == DNS_NO_DATA || answer->state == DNS_NO_NAME)
        job->facts.ech_advertised = MW_SEEN_NO;
    if (answer->state == DNS_OK) {
        job->facts.ech_advertised = MW_SEEN_NO;
        for (size_t i = 0; i < answer->n; i++) {
            bool has_ech;

            if (dnsrecord_https(&has_ech, answer->items[i]) == 0 && has_ech)
                job->facts.ech_advertised = MW_SEEN_YES;
        }
    }
    finish_if_done(job);
}

static void https_ask(struct dnsfacts_job *job, uint16_t port)
{
    char name[sizeof job->host + 32];

    if (port == 443)
        snprintf(name, sizeof name, "%s", job->host);
    else
        snprintf(name, sizeof name, "_%u._https.%s", (unsigned)port, job->host);
    if (dns_ask(job->dns, name, DNS_TYPE_HTTPS, job->limit_ms, https_on_answer, job, &job->https) !=
        0) {
        job->https = NULL;
        job->facts.ech_advertised = MW_COULD_NOT_LOOK;
    }
}

int dnsfacts_begin(struct dnsfacts_job **out, struct dns *dns, const char *host, uint16_t port,
                   int64_t limit_ms, struct arena *arena, dnsfacts_fn *on_done, void *context)
{
    struct dnsfacts_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return -ENOMEM;
    *job = (struct dnsfacts_job){
        .dns = dns, .limit_ms = limit_ms, .arena = arena, .on_done = on_done, .context = context
    };
    if ((size_t)snprintf(job->host, sizeof job->host, "%s", host) >= sizeof job->host) {
        free(job);
        return -EINVAL;
    }
    job->at = job->host;
    caa_ask(job);
    https_ask(job, port);
    if (job->caa == NULL && job->https == NULL) {
        free(job);
        return -EIO; /* nothing could even be asked */
    }
    *out = job;
    return 0;
}

void dnsfacts_cancel(struct dnsfacts_job *job)
{
    if (job == NULL)
        return;
    dns_cancel(job->caa);
    dns_cancel(job->https);
    free(job);
}
