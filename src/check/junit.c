#include "check/junit.h"

#include "base/clock.h"

enum { JUNIT_BYTES = 256 << 20 };

void junit_init(struct junit *j)
{
    *j = (struct junit){ .cases = BUF_INIT(JUNIT_BYTES) };
}

void junit_deinit(struct junit *j)
{
    buf_deinit(&j->cases);
}

/* XML 1.0 allows no control characters, escaped or not; verdicts hold none. */
static void xml(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        default:
            buf_u8(out, (uint8_t)((unsigned char)*text < 0x20 ? ' ' : *text));
        }
    }
}

static void case_open(struct junit *j, const struct mw_verdict *v, double seconds)
{
    buf_str(&j->cases, "  <testcase classname=\"midwatch.check\" name=\"");
    xml(&j->cases, v->host);
    buf_printf(&j->cases, ":%u\" time=\"%.3f\"", v->port, seconds);
}

/* The errors and warnings, or everything where there are none of them. */
static void findings(struct buf *out, const struct mw_verdict *v, const char *element)
{
    enum mw_severity least = MW_NOTE;

    for (size_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].severity >= MW_WARNING)
            least = MW_WARNING;
    for (size_t i = 0; i < v->n_findings; i++) {
        const struct mw_finding *f = &v->findings[i];
        const struct mw_code_info *info = mw_code_info(f->code);

        if (f->severity < least)
            continue;
        buf_printf(out, "    <%s type=\"%s\" message=\"", element, info->code);
        xml(out, info->title);
        buf_str(out, "\">");
        xml(out, f->evidence != NULL ? f->evidence : "");
        buf_printf(out, "</%s>\n", element);
    }
}

void junit_case(struct junit *j, const struct mw_verdict *v, double seconds)
{
    const char *element = v->outcome == MW_UNREACHABLE ? "error" : "failure";
    size_t before;

    j->n++;
    case_open(j, v, seconds);
    if (v->outcome == MW_PRIVATE) {
        buf_str(&j->cases, "/>\n");
        return;
    }
    *(v->outcome == MW_UNREACHABLE ? &j->errors : &j->failures) += 1;
    buf_str(&j->cases, ">\n");
    before = j->cases.len;
    findings(&j->cases, v, element);
    if (j->cases.len == before)
        buf_printf(&j->cases, "    <%s type=\"%s\" message=\"the verdict is %s\"/>\n", element,
                   mw_outcome_name(v->outcome), mw_outcome_name(v->outcome));
    buf_str(&j->cases, "  </testcase>\n");
}

void junit_write(const struct junit *j, struct mw_wall at, struct buf *out)
{
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<testsuite name=\"midwatch check\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\""
               " timestamp=\"",
               j->n, j->failures, j->errors);
    wall_format(out, at);
    buf_str(out, "\">\n");
    buf_add(out, buf_span(&j->cases));
    buf_str(out, "</testsuite>\n");
}
