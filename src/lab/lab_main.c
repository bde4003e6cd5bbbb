/*
 * `midwatch lab`: the command line of the lab.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "lab/box.h"
#include "lab/list.h"

enum { EXIT_USAGE = 2, EXIT_FAILED = 3, ERROR_TEXT = 256, LIST_MAX = 4 << 20 };

struct lab_arguments {
    struct lab_options lab;
    const char *ready_file, *write;
    int64_t for_s;
    bool list, json;
};

static const char usage_text[] =
    "midwatch lab: every broken TLS in a box, on this computer only.\n"
    "\n"
    "usage: midwatch lab [options]            serve until Ctrl-C\n"
    "       midwatch lab --list [--json]      what it can do, and what a client should find\n"
    "\n"
    "  --listen ADDR:PORT   where the cases are (127.0.0.1:0; 0 takes a free port)\n"
    "  --http ADDR:PORT     where CRLs, OCSP and issuers are (127.0.0.1:0)\n"
    "  --state DIR          write roots.pem, local-roots.pem, ct-logs.json, crls.pem, hosts, pins\n"
    "                       and lab.json there (a fresh folder below /tmp)\n"
    "  --echo               answer the exporter echo (docs/echo.md)\n"
    "  --for SECONDS        stop after that long\n"
    "  --ready-file FILE    written once all doors are open\n"
    "  --list               the cases; with --state of a running lab, its ports are filled in\n"
    "  --json               the list for programs\n"
    "  --write DIR          do not serve: write every case's chain there, as PEM files\n"
    "  --help               this text\n";

/* 0 to go on, else the exit status plus one. */
static int arguments_read(struct lab_arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "listen", required_argument, NULL, 'l' }, { "http", required_argument, NULL, 'h' },
        { "state", required_argument, NULL, 's' },  { "echo", no_argument, NULL, 'e' },
        { "for", required_argument, NULL, 'f' },    { "ready-file", required_argument, NULL, 'r' },
        { "list", no_argument, NULL, 'L' },         { "json", no_argument, NULL, 'j' },
        { "write", required_argument, NULL, 'w' },  { "help", no_argument, NULL, '?' + 1 },
        { NULL, 0, NULL, 0 },
    };
    int o;

    optind = 1;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'l':
            a->lab.listen = optarg;
            break;
        case 'h':
            a->lab.http = optarg;
            break;
        case 's':
            a->lab.folder = optarg;
            break;
        case 'e':
            a->lab.echo = true;
            break;
        case 'f':
            if (text_number(span_str(optarg), 1, INT_MAX, &a->for_s) < 0) {
                fprintf(stderr, "lab: --for takes a number of seconds, not \"%s\"\n", optarg);
                return EXIT_USAGE + 1;
            }
            break;
        case 'r':
            a->ready_file = optarg;
            break;
        case 'L':
            a->list = true;
            break;
        case 'j':
            a->json = true;
            break;
        case 'w':
            a->write = optarg;
            break;
        case '?' + 1:
            fputs(usage_text, stdout);
            return 1;
        default:
            fputs("lab: midwatch lab --help lists the options\n", stderr);
            return EXIT_USAGE + 1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "lab: what is \"%s\"?  midwatch lab --help lists the options\n",
                argv[optind]);
        return EXIT_USAGE + 1;
    }
    return 0;
}

static int list_run(const struct lab_arguments *a)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIST_MAX);
    char error[ERROR_TEXT] = "lab: out of memory";
    int r = a->json ? list_json(&out, a->lab.folder, error) : list_text(&out);

    if (r < 0) {
        fprintf(stderr, "%s\n", error);
        return EXIT_FAILED;
    }
    return fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? 0
                                                                                   : EXIT_FAILED;
}

/* ------------------------------------------------------------------ --write ---- */

static int chain_write(struct lab *lab, size_t i, const char *folder)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(16 << 20);
    char path[PATH_MAX];
    int r = site_ready(&lab->sites[i], lab->pki);

    if (r < 0)
        return r;
    for (size_t k = 0; k < lab->sites[i].n_sent; k++)
        mill_cert_pem(lab->sites[i].sent[k], &pem);
    if (snprintf(path, sizeof(path), "%s/%s.pem", folder, case_at(i)->name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    return buf_error(&pem) < 0 ? buf_error(&pem) : file_replace(path, buf_span(&pem), 0644);
}

/* The doors are not opened: the addresses in these certificates lead nowhere. */
static int write_run(const struct lab_arguments *a)
{
    struct lab_options options = { .folder = a->write };
    char error[ERROR_TEXT] = "";
    struct lab *lab = NULL;
    uv_loop_t loop;
    int r = uv_loop_init(&loop);

    if (r == 0)
        r = lab_new(&lab, &loop, &options, error);
    if (r == 0) {
        snprintf(lab->http, sizeof(lab->http), "http://127.0.0.1:1");
        r = lab_write(lab, error);
    }
    for (size_t i = 0; r == 0 && i < case_count(); i++)
        r = chain_write(lab, i, a->write);
    if (r < 0)
        fprintf(stderr, "%s\n", error[0] != '\0' ? error : strerror(-r));
    lab_free(lab);
    uv_loop_close(&loop);
    return r < 0 ? EXIT_FAILED : 0;
}

/* -------------------------------------------------------------------- serve ---- */

struct running {
    uv_loop_t loop;
    uv_signal_t interrupted, terminated;
    uv_timer_t end;
    struct lab *lab;
};

static void running_stop(struct running *run)
{
    if (uv_is_closing((uv_handle_t *)&run->end))
        return;
    lab_stop(run->lab);
    uv_close((uv_handle_t *)&run->interrupted, NULL);
    uv_close((uv_handle_t *)&run->terminated, NULL);
    uv_close((uv_handle_t *)&run->end, NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    running_stop(signal->data);
}

static void on_end(uv_timer_t *timer)
{
    running_stop(timer->data);
}

static void running_watch(struct running *run, int64_t for_s)
{
    uv_signal_init(&run->loop, &run->interrupted);
    uv_signal_init(&run->loop, &run->terminated);
    uv_timer_init(&run->loop, &run->end);
    run->interrupted.data = run->terminated.data = run->end.data = run;
    uv_signal_start(&run->interrupted, on_signal, SIGINT);
    uv_signal_start(&run->terminated, on_signal, SIGTERM);
    if (for_s > 0)
        uv_timer_start(&run->end, on_end, (uint64_t)for_s * 1000, 0);
}

static void welcome(const struct running *run)
{
    const char *dir = run->lab->options.folder;
    unsigned tls = lab_port(run->lab, DOOR_TLS);

    printf("The lab is open: %zu cases at 127.0.0.1:%u, one server name each.\n\n", case_count(),
           tls);
    printf("  a good one   midwatch check --roots %s/roots.pem \\\n"
           "                 --connect 127.0.0.1:%u good.lab.test\n",
           dir, tls);
    printf("  an expired   midwatch check --roots %s/roots.pem \\\n"
           "                 --connect 127.0.0.1:%u expired.lab.test\n",
           dir, tls);
    printf("  any client   curl --cacert %s/roots.pem \\\n"
           "                 --connect-to ::127.0.0.1:%u https://wrong-host.lab.test/\n",
           dir, tls);
    printf("  inspected    midwatch check --roots %s/roots.pem "
           "--local-roots %s/local-roots.pem \\\n"
           "                 --connect 127.0.0.1:%u good.lab.test\n",
           dir, dir, (unsigned)lab_port(run->lab, DOOR_INTERCEPT));
    printf("\n  all cases    midwatch lab --list            (--json --state %s)\n", dir);
    printf("  proxies      127.0.0.1:%u passes bytes, 127.0.0.1:%u re-signs (CONNECT, SOCKS5)\n",
           (unsigned)lab_port(run->lab, DOOR_PROXY), (unsigned)lab_port(run->lab, DOOR_INTERCEPT));
    printf("  files        %s\n\nCtrl-C closes it.\n", dir);
    fflush(stdout);
}

static int serve(struct running *run, const struct lab_arguments *a, char *error)
{
    int r = lab_new(&run->lab, &run->loop, &a->lab, error);

    if (r < 0)
        return r;
    running_watch(run, a->for_s);
    r = lab_start(run->lab, error);
    if (r == 0 && a->ready_file != NULL) {
        r = file_replace(a->ready_file, span_str("ready\n"), 0644);
        if (r < 0)
            snprintf(error, ERROR_TEXT, "lab: %s: %s", a->ready_file, strerror(-r));
    }
    if (r == 0)
        welcome(run);
    else
        running_stop(run);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    return r;
}

static int serve_run(struct lab_arguments a)
{
    char folder[] = "/tmp/midwatch-lab.XXXXXX", absolute[PATH_MAX];
    char error[ERROR_TEXT] = "lab: out of memory";
    struct running run = { .lab = NULL };
    int r;

    if (a.lab.folder == NULL && (a.lab.folder = mkdtemp(folder)) == NULL) {
        fprintf(stderr, "lab: %s: %s; name a folder with --state\n", folder, strerror(errno));
        return EXIT_FAILED;
    }
    if (file_make_folders(a.lab.folder) == 0 && realpath(a.lab.folder, absolute) != NULL)
        a.lab.folder = absolute;
    /* A client that leaves in the middle is no reason to end. */
    signal(SIGPIPE, SIG_IGN);
    r = uv_loop_init(&run.loop);
    if (r == 0) {
        r = serve(&run, &a, error);
        uv_loop_close(&run.loop);
    }
    lab_free(run.lab);
    if (r < 0)
        fprintf(stderr, "%s\n", error);
    return r < 0 ? EXIT_FAILED : 0;
}

int lab_command(int argc, char **argv)
{
    struct lab_arguments a = { .for_s = 0 };
    int r = arguments_read(&a, argc, argv);

    if (r != 0)
        return r - 1;
    if (a.list)
        return list_run(&a);
    return a.write != NULL ? write_run(&a) : serve_run(a);
}
