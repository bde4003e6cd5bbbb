#include "check/check.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "check/ask.h"
#include "check/exit.h"
#include "check/json.h"
#include "check/output.h"
#include "check/policy.h"
#include "check/report.h"
#include "check/run.h"
#include "check/state.h"

static const char usage[] =
    "usage: midwatch check [options] HOST[:PORT]...\n"
    "       midwatch check [options] -            (a list on standard input)\n"
    "\n"
    "Says who can read the connection to a server, why an app warns about it, and what\n"
    "to do. Nothing but a TLS handshake is sent to it. HOST may be a URL; IPv6 addresses\n"
    "with a port take brackets.\n";

static const char usage_end[] =
    "\n"
    "Every option except --ask, --at, --chain, --config, --help and --reason may stand in\n"
    "the config file, without dashes: timeout = 5s; controls = [www.debian.org];\n"
    "\n"
    "exit: 0 private; 1 findings; 2 the command makes no sense; 3 could not be tested.\n"
    "Of several hosts the worst counts: 2, then 1, then 3, then 0.\n";

static int check_help(void)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(64 << 10);
    struct layout l = layout_for(stdout, COLOUR_NEVER, &out);

    buf_str(&out, usage);
    args_help(&out, check_args, n_check_args, l.width);
    buf_str(&out, usage_end);
    if (buf_error(&out) == 0)
        fwrite(out.data, 1, out.len, stdout);
    return 0;
}

static int check_failed(int rc, const struct buf *error)
{
    const char *why = error->len > 0 ? (const char *)error->data
                      : rc < 0       ? strerror(-rc)
                                     : "it did not work";

    fprintf(stderr, "midwatch check: %s\n", why);
    return CHECK_USAGE;
}

/* The questions, if anybody is there.  Says yes to all asked: the exit status may be 0. */
static int check_ask(struct output *out, const char *folder, int exit, struct buf *error)
{
    size_t accepted;
    int rc;

    if (exit == CHECK_PRIVATE)
        return exit;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        fputs("midwatch check: --ask needs a terminal on standard input and error; nobody was "
              "asked\n",
              stderr);
        return exit;
    }
    if (out->ask.refused > 0)
        fputs("There are findings that nobody should accept; they are not asked about.\n", stderr);
    if (folder == NULL) {
        fputs("midwatch check: no place to remember an answer; give --state DIR\n", stderr);
        return exit;
    }
    rc = ask_all(&out->ask, stdin, stderr, folder, &accepted, error);
    if (rc != 0)
        return check_failed(rc, error);
    return accepted == out->odd ? CHECK_PRIVATE : exit;
}

/* Where fetched revocation lists are kept for the next run; made if need be.  NULL: nowhere, and
 * they are fetched each time.  The caller frees it. */
static char *cache_folder(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(4096);

    if (cache != NULL && cache[0] == '/')
        buf_printf(&path, "%s/midwatch", cache);
    else if (home != NULL && home[0] == '/')
        buf_printf(&path, "%s/.cache/midwatch", home);
    if (path.len == 0 || buf_error(&path) != 0 ||
        file_make_folders((const char *)path.data) != 0)
        return NULL;
    return buf_steal(&path);
}

static int check_run(const struct check_options *o, const struct mw_policy *policy,
                     const char *folder, struct buf *error)
{
    CLEANUP(output_deinit) struct output out;
    bool fetches = o->set.chain == NULL && !o->set.no_network_evidence;
    CLEANUP(own_free) char *cache = fetches ? cache_folder() : NULL;
    struct run run = {
        .options = o,
        .policy = policy,
        .cache_folder = cache,
        .on_result = output_on_result,
        .context = &out,
    };
    struct run_end end;
    int rc;

    output_init(&out, o);
    rc = o->set.chain != NULL ? run_offline(&run, &end, error) : run_network(&run, &end, error);
    if (rc == 0)
        rc = output_end(&out, &end, error);
    if (rc != 0)
        return check_failed(rc, error);
    if (end.signal != 0)
        return exit_worse(out.exit, CHECK_UNTESTED);
    return o->set.ask ? check_ask(&out, folder, out.exit, error) : out.exit;
}

static int check_with(const struct check_options *o, struct buf *error)
{
    CLEANUP(policy_freep) struct mw_policy *policy = NULL;
    CLEANUP(store_closep) struct store *remembered = NULL;
    CLEANUP(own_free) char *folder = state_folder(o->set.state);
    char why[256] = "";
    int rc = 0;

    if (folder != NULL)
        rc = state_open_existing(&remembered, folder, why);
    if (rc != 0) {
        buf_str(error, why);
        return check_failed(rc, error);
    }
    rc = policy_make(&policy, o, remembered, error);
    if (rc != 0)
        return check_failed(rc, error);
    return check_run(o, policy, folder, error);
}

int check_command(int argc, char **argv)
{
    CLEANUP(options_deinit) struct check_options o = { 0 };
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(16 << 10);
    int rc = options_read(&o, argc, argv, &error);

    if (rc != 0)
        return check_failed(rc, &error);
    if (o.set.help)
        return check_help();
    signal(SIGPIPE, SIG_IGN);
    return check_with(&o, &error);
}
