#include "check/output.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/built.h"
#include "base/clock.h"
#include "base/file.h"
#include "check/exit.h"
#include "check/json.h"
#include "check/report.h"

enum {
    OUTPUT_TEXT_BYTES = 64 << 20,       /* one host, with --certs --pem and all */
    OUTPUT_DETAILS_BYTES = 8 << 20,
    OUTPUT_HTML_BYTES = 128 << 20,
};

void output_init(struct output *out, const struct check_options *o)
{
    *out = (struct output){
        .options = o,
        .text = BUF_INIT(OUTPUT_TEXT_BYTES),
        .details = BUF_INIT(OUTPUT_DETAILS_BYTES),
        .html = BUF_INIT(OUTPUT_HTML_BYTES),
        .table = o->targets.n > 1 && !o->set.json && !o->set.unattended,
    };
    out->layout = layout_for(stdout, o->colour, &out->text);
    junit_init(&out->junit);
    progress_init(&out->progress, o->targets.n);
    if (o->set.html != NULL)
        html_begin(&out->html, o->at_set ? o->at : wall_now(), o->targets.n);
    progress_show(&out->progress);
}

void output_deinit(struct output *out)
{
    buf_deinit(&out->text);
    buf_deinit(&out->details);
    buf_deinit(&out->html);
    junit_deinit(&out->junit);
    ask_deinit(&out->ask);
}

static void output_fail(struct output *out, int rc)
{
    if (out->error == 0 && rc < 0)
        out->error = rc;
}

/* Prints what `text` holds and empties it. */
static void output_flush(struct output *out)
{
    progress_hide(&out->progress);
    output_fail(out, buf_error(&out->text));
    if (out->text.len > 0 && (fwrite(out->text.data, 1, out->text.len, stdout) != out->text.len ||
                              fflush(stdout) != 0))
        output_fail(out, -errno);
    buf_truncate(&out->text, 0);
}

static struct report_options report_options(const struct check_settings *set)
{
    return (struct report_options){
        .quiet = set->quiet, .verbose = set->verbose, .certs = set->certs, .pem = set->pem
    };
}

/* "refused HOST:PORT CODE" or "private HOST:PORT": a line that a script can split. */
static void output_unattended(struct output *out, const struct run_result *r)
{
    const char *why = NULL;

    if (mw_may_proceed_unattended(r->v, &why)) {
        buf_str(&out->text, "private ");
        report_host(&out->text, r->v);
    } else {
        buf_str(&out->text, "refused ");
        report_host(&out->text, r->v);
        buf_printf(&out->text, " %s", why != NULL ? why : "not-judged");
    }
    buf_str(&out->text, "\n");
}

/* Many hosts: the line now, the report of what is not private at the end. */
static void output_table(struct output *out, const struct run_result *r)
{
    const struct report_options options = report_options(&out->options->set);
    struct layout l = out->layout;

    output_fail(out, report_line(&out->layout, r->ev, r->v));
    if (options.quiet || out->details_cut ||
        (r->v->outcome == MW_PRIVATE && !options.verbose && !options.certs && !options.pem))
        return;
    l.out = &out->details;
    buf_str(&out->details, "\n");
    if (report_text(&l, &options, r->ev, r->v) == -ENOMEM)
        output_fail(out, -ENOMEM);
    out->details_cut = buf_error(&out->details) != 0;
}

static void output_judged(struct output *out, const struct run_result *r, int exit)
{
    const struct check_settings *set = &out->options->set;
    const struct report_options options = report_options(set);

    if (set->json) {
        struct json_options json = { .pem = set->pem, .unattended = set->unattended, .exit = exit };

        output_fail(out, json_result(&out->text, &json, r));
    } else if (set->unattended) {
        output_unattended(out, r);
    } else if (out->table) {
        output_table(out, r);
    } else {
        output_fail(out, report_text(&out->layout, &options, r->ev, r->v));
    }
    if (set->html != NULL)
        html_verdict(&out->html, r->ev, r->v);
    if (set->junit != NULL)
        junit_case(&out->junit, r->v, r->seconds);
    if (set->ask)
        output_fail(out, ask_prepare(&out->ask, out->options, r->ev, r->v));
}

static void output_unjudged(struct output *out, const struct run_result *r)
{
    const struct check_settings *set = &out->options->set;
    struct json_options json = { .unattended = set->unattended, .exit = CHECK_USAGE };

    if (set->json)
        output_fail(out, json_result(&out->text, &json, r));
    else if (set->unattended)
        buf_printf(&out->text, "refused %s not-judged\n", r->target->typed);
    output_flush(out);
    if (!set->json)
        fprintf(stderr, "midwatch check: %s: %s\n", r->target->typed, r->error);
}

void output_on_result(void *context, const struct run_result *r)
{
    struct output *out = context;
    bool is_private = r->v != NULL && r->v->outcome == MW_PRIVATE;
    int exit = r->v != NULL ? exit_of_verdict(r->v, out->options->set.exit_class) : CHECK_USAGE;

    out->done++;
    out->counts[r->v != NULL ? r->v->outcome : MW_UNJUDGED]++;
    if (out->options->set.ask && r->v != NULL && mw_attended_action(r->v) == MW_PROCEED)
        exit = CHECK_PRIVATE;       /* everything wrong was accepted before */
    out->odd += exit != CHECK_PRIVATE;
    out->exit = exit_worse(out->exit, exit);
    if (r->v != NULL)
        output_judged(out, r, exit);
    else
        output_unjudged(out, r);
    output_flush(out);
    progress_step(&out->progress, !is_private);
    progress_show(&out->progress);
}

static void output_summary(struct output *out)
{
    bool first = true;

    buf_printf(&out->text, "\n%zu of %zu checked:", out->done, out->options->targets.n);
    for (int o = MW_UNJUDGED; o <= MW_UNREACHABLE; o++) {
        if (out->counts[o] == 0)
            continue;
        buf_printf(&out->text, "%s %zu %s", first ? "" : ",", out->counts[o],
                   o == MW_UNJUDGED ? "not judged" : mw_outcome_name((enum mw_outcome)o));
        first = false;
    }
    buf_str(&out->text, "\n");
}

static int file_write(const char *option, const char *path, struct buf *bytes, struct buf *error)
{
    int rc = buf_error(bytes);

    if (rc == 0)
        rc = file_replace(path, buf_span(bytes), 0644);
    if (rc == 0)
        return 0;
    buf_printf(error, "%s %s: %s", option, path,
               rc == -EMSGSIZE ? "too large; check fewer hosts at once" : strerror(-rc));
    return CHECK_USAGE;
}

static int output_files(struct output *out, struct buf *error)
{
    const struct check_settings *set = &out->options->set;
    int rc = 0;

    if (set->html != NULL) {
        html_end(&out->html, built_version());
        rc = file_write("--html", set->html, &out->html, error);
    }
    if (rc == 0 && set->junit != NULL) {
        CLEANUP(buf_deinit) struct buf xml = BUF_INIT(OUTPUT_HTML_BYTES);

        junit_write(&out->junit, out->options->at_set ? out->options->at : wall_now(), &xml);
        rc = file_write("--junit", set->junit, &xml, error);
    }
    return rc;
}

int output_end(struct output *out, const struct run_end *end, struct buf *error)
{
    if (out->table) {
        if (out->details_cut)
            buf_str(&out->text, "\nThere is more to say than fits; check fewer hosts for details, "
                                "or use --json.\n");
        else if (out->details.len > 0)
            buf_add(&out->text, buf_span(&out->details));
        output_summary(out);
    }
    output_flush(out);
    if (end->signal != 0)
        fprintf(stderr, "midwatch check: stopped after %zu of %zu\n", end->done,
                out->options->targets.n);
    return out->error != 0 ? out->error : output_files(out, error);
}
