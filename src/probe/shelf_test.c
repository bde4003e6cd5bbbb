#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lab/mill.h"
#include "probe/serving.h"
#include "probe/shelf.h"

struct fixture {
    uv_loop_t loop;
    struct dns *dns;
    struct shelf *shelf;
    struct serving server;
    struct serving_route route;
    struct serving_routes routes;
    char url[128], folder[64], file[512];
    struct mill_cert *ca;
    struct buf crl;
    struct mw_wall now;
    unsigned told;
    const struct shelf_item *items[8];
};

static void shelf_open(struct fixture *f, bool kept)
{
    assert_int_equal(shelf_new(&f->shelf, &f->loop, f->dns, kept ? f->folder : NULL, 5000,
                               1 << 20),
                     0);
}

static void fixture_init(struct fixture *f)
{
    static const char *const nobody[] = { "127.0.0.1:9" };
    const struct dns_options options = { .servers = nobody, .n_servers = 1, .hosts_file = "" };
    struct mill_spec spec = { .subject = "CN=CA", .ca = true };
    EVP_PKEY *key;

    memset(f, 0, sizeof *f);
    f->now = wall_now();
    spec.not_before.s = f->now.s - 86400;
    spec.not_after.s = f->now.s + 86400;
    f->crl = (struct buf)BUF_INIT(1 << 16);
    assert_int_equal(mill_key_new(&key, MILL_P256, false), 0);
    assert_int_equal(mill_issue(&f->ca, &spec, key, NULL), 0);
    EVP_PKEY_free(key);
    assert_int_equal(mill_crl(&f->crl, f->ca, NULL, 0, f->now,
                              (struct mw_wall){ f->now.s + 3600 }),
                     0);
    f->route.path = "/x";
    f->route.status = 200;
    f->route.body = buf_span(&f->crl);
    f->routes.items = &f->route;
    f->routes.n = 1;
    snprintf(f->folder, sizeof f->folder, "/tmp/mw-shelf-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(dns_new(&f->dns, &f->loop, &options, NULL), 0);
    serving_tcp(&f->server, serving_http, &f->routes);
    serving_url(&f->server, "/x", f->url);
    shelf_open(f, true);
}

static void release_all(struct fixture *f)
{
    for (unsigned i = 0; i < f->told; i++)
        shelf_release(f->shelf, f->items[i]);
    f->told = 0;
}

/* The one file in the folder; false: none. */
static bool folder_file(struct fixture *f)
{
    DIR *folder = opendir(f->folder);
    const struct dirent *entry;
    bool found = false;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        assert_false(found);
        found = true;
        snprintf(f->file, sizeof f->file, "%s/%s", f->folder, entry->d_name);
    }
    closedir(folder);
    return found;
}

static void fixture_deinit(struct fixture *f)
{
    release_all(f);
    shelf_free(f->shelf);
    dns_free(f->dns);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    serving_stop(&f->server);
    if (folder_file(f))
        unlink(f->file);
    rmdir(f->folder);
    mill_cert_free(f->ca);
    buf_deinit(&f->crl);
}

static void on_item(void *context, const struct shelf_item *item)
{
    struct fixture *f = context;

    f->items[f->told++] = item;
}

static struct shelf_wait *ask(struct fixture *f, enum shelf_kind kind)
{
    const struct shelf_item *item;
    struct shelf_wait *wait;

    assert_int_equal(shelf_get(f->shelf, kind, f->url, true, f->now, &item, &wait, on_item, f),
                     0);
    if (item != NULL)
        f->items[f->told++] = item;
    return wait;
}

static void get(struct fixture *f, enum shelf_kind kind)
{
    unsigned before = f->told;

    ask(f, kind);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->told, before + 1);
}

static void many_share_one_fetch(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (int i = 0; i < 5; i++)
        assert_non_null(ask(&f, SHELF_CRL));
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(f.told, 5);
    assert_null(ask(&f, SHELF_CRL));    /* at once now */
    assert_int_equal(f.told, 6);
    for (int i = 0; i < 6; i++) {
        assert_null(f.items[i]->why);
        assert_true(span_eq(f.items[i]->parts[0], buf_span(&f.crl)));
    }
    assert_int_equal(f.server.served, 1);
    assert_int_equal(shelf_fetches(f.shelf), 1);
    fixture_deinit(&f);
}

static void who_leaves_is_not_told(void **state)
{
    struct fixture f;
    struct shelf_wait *first;

    (void)state;
    fixture_init(&f);
    first = ask(&f, SHELF_CRL);
    ask(&f, SHELF_CRL);
    shelf_cancel(first);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(f.told, 1);
    fixture_deinit(&f);
}

static void a_crl_outlives_the_run(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    get(&f, SHELF_CRL);
    assert_false(f.items[0]->from_folder);
    assert_true(folder_file(&f));
    release_all(&f);
    shelf_free(f.shelf);
    shelf_open(&f, true);
    get(&f, SHELF_CRL);
    assert_true(f.items[0]->from_folder);
    assert_true(span_eq(f.items[0]->parts[0], buf_span(&f.crl)));
    assert_int_equal(f.server.served, 1);
    fixture_deinit(&f);
}

static void a_torn_file_is_fetched_anew(void **state)
{
    struct fixture f;
    CLEANUP(buf_deinit) struct buf file = BUF_INIT(1 << 20);

    (void)state;
    fixture_init(&f);
    get(&f, SHELF_CRL);
    assert_true(folder_file(&f));
    assert_int_equal(file_read(f.file, &file), 0);
    for (int torn = 0; torn < 3; torn++) {
        struct mw_span bytes = buf_span(&file);

        switch (torn) {
        case 0:  bytes.len -= 1; break;
        case 1:  bytes.len = 0; break;
        default: file.data[file.len - 1] ^= 1; break;
        }
        assert_int_equal(file_replace(f.file, bytes, 0600), 0);
        release_all(&f);
        shelf_free(f.shelf);
        shelf_open(&f, true);
        get(&f, SHELF_CRL);
        assert_null(f.items[0]->why);
        assert_false(f.items[0]->from_folder);
        assert_int_equal(f.server.served, 2 + torn);
    }
    fixture_deinit(&f);
}

static void a_crl_past_its_time_is_fetched_anew(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    get(&f, SHELF_CRL);
    release_all(&f);
    shelf_free(f.shelf);
    shelf_open(&f, true);
    f.now.s += 3600;                    /* nextUpdate */
    get(&f, SHELF_CRL);
    assert_false(f.items[0]->from_folder);
    assert_int_equal(f.server.served, 2);
    fixture_deinit(&f);
}

static void failures_say_why_and_are_not_repeated(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.route.status = 503;
    get(&f, SHELF_CRL);
    assert_string_equal(f.items[0]->why, "HTTP status 503");
    assert_null(ask(&f, SHELF_CRL));
    assert_string_equal(f.items[1]->why, "HTTP status 503");
    assert_int_equal(f.server.served, 1);
    f.route.status = 200;
    f.route.body = SPAN_LIT("<html>sign in</html>");
    get(&f, SHELF_ISSUER);
    assert_string_equal(f.items[2]->why, "what came is no certificate");
    assert_false(folder_file(&f));
    fixture_deinit(&f);
}

static void what_nobody_uses_is_kept_while_there_is_room(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    release_all(&f);
    shelf_free(f.shelf);
    shelf_open(&f, false);
    f.route.body = mill_cert_der(f.ca);
    for (int i = 0; i < 3; i++) {
        get(&f, SHELF_ISSUER);
        release_all(&f);
    }
    assert_int_equal(f.server.served, 1);
    fixture_deinit(&f);
}

/* A program that runs for long asks again: after its time, at a list's nextUpdate, and sooner
 * for what did not come.  What is still in somebody's hands stays readable meanwhile. */
static void what_is_old_is_fetched_anew(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    release_all(&f);
    shelf_free(f.shelf);
    shelf_open(&f, false);
    shelf_refresh(f.shelf, 7200, 60);
    get(&f, SHELF_CRL);
    assert_int_equal(f.items[0]->next_update.s, f.now.s + 3600);
    f.now.s += 3599;
    assert_null(ask(&f, SHELF_CRL));
    assert_int_equal(f.server.served, 1);
    f.now.s += 1;                       /* nextUpdate, before the two hours */
    get(&f, SHELF_CRL);
    assert_int_equal(f.server.served, 2);
    assert_true(span_eq(f.items[0]->parts[0], buf_span(&f.crl)));
    f.now.s += 59;                      /* a list that came old counts as one that did not */
    assert_null(ask(&f, SHELF_CRL));
    f.now.s += 1;
    get(&f, SHELF_CRL);
    assert_int_equal(f.server.served, 3);
    release_all(&f);

    f.route.status = 503;
    get(&f, SHELF_ISSUER);
    f.now.s += 59;
    assert_null(ask(&f, SHELF_ISSUER));
    release_all(&f);
    f.now.s += 1;
    f.route.status = 200;
    f.route.body = mill_cert_der(f.ca);
    get(&f, SHELF_ISSUER);
    assert_null(f.items[f.told - 1]->why);
    f.now.s += 7199;
    assert_null(ask(&f, SHELF_ISSUER));
    assert_int_equal(f.server.served, 5);
    f.now.s -= 7200;                    /* a clock set back: when it was is not known any more */
    get(&f, SHELF_ISSUER);
    assert_int_equal(f.server.served, 6);
    fixture_deinit(&f);
}

/* URLs are an origin's to choose: as many as it likes do not stay for ever. */
static void failures_are_bounded(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.route.status = 503;
    for (int i = 0; i < SHELF_KEEP_ITEMS + 10; i++) {
        snprintf(f.url, sizeof f.url, "http://127.0.0.1:9/%d", i);
        get(&f, SHELF_ISSUER);
        release_all(&f);
    }
    assert_null(ask(&f, SHELF_ISSUER)); /* the last is still known … */
    release_all(&f);
    snprintf(f.url, sizeof f.url, "http://127.0.0.1:9/0");
    get(&f, SHELF_ISSUER);              /* … the first is not */
    assert_int_equal(shelf_fetches(f.shelf), SHELF_KEEP_ITEMS + 11);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_share_one_fetch),
        cmocka_unit_test(who_leaves_is_not_told),
        cmocka_unit_test(a_crl_outlives_the_run),
        cmocka_unit_test(a_torn_file_is_fetched_anew),
        cmocka_unit_test(a_crl_past_its_time_is_fetched_anew),
        cmocka_unit_test(failures_say_why_and_are_not_repeated),
        cmocka_unit_test(what_nobody_uses_is_kept_while_there_is_room),
        cmocka_unit_test(what_is_old_is_fetched_anew),
        cmocka_unit_test(failures_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
