#include "gate/control/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/built.h"

/* One counter of the page, as data. */
struct metric {
    const char *field, *name, *labels, *help, *type;
    size_t offset;
};

static const struct metric metrics[] = {
#define METRIC_COUNTER(field, name, labels, help)                                                  \
    { #field, name, labels, help, "counter", offsetof(struct gate_counters, field) },
#define METRIC_GAUGE(field, name, labels, help)                                                    \
    { #field, name, labels, help, "gauge", offsetof(struct gate_counters, field) },
    GATE_COUNTERS(METRIC_COUNTER, METRIC_GAUGE)
#undef METRIC_COUNTER
#undef METRIC_GAUGE
};

static uint64_t value_in(const struct gate_counters *c, const struct metric *m)
{
    const _Atomic uint64_t *at = (const void *)((const char *)c + m->offset);

    return atomic_load_explicit(at, memory_order_relaxed);
}

static uint64_t total(const struct metrics *all, const struct metric *m)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < all->workers; i++)
        sum += value_in(all->counters[i], m);
    return sum;
}

static void head(struct buf *out, const char *name, const char *help, const char *type)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_text(struct buf *out, const struct metrics *all)
{
    const char *name = "";

    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        const struct metric *m = &metrics[i];

        if (strcmp(name, m->name) != 0)
            head(out, m->name, m->help, m->type);
        name = m->name;
        buf_str(out, m->name);
        if (m->labels[0] != '\0')
            buf_printf(out, "{%s}", m->labels);
        buf_printf(out, " %" PRIu64 "\n", total(all, m));
    }
    head(out, "midwatch_audit_failing", "1 while records cannot be written", "gauge");
    buf_printf(out, "midwatch_audit_failing %d\n", all->audit_failing);
    head(out, "midwatch_workers", "Worker processes", "gauge");
    buf_printf(out, "midwatch_workers %u\n", all->workers);
    head(out, "midwatch_build_info", "Always 1; the label says which version runs", "gauge");
    buf_printf(out, "midwatch_build_info{version=\"%s\"} 1\n", built_version());
}

static json_t *as_object(uint64_t (*value)(const void *, const struct metric *), const void *of)
{
    json_t *o = json_object();

    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        if (json_object_set_new(o, metrics[i].field,
                                json_integer((json_int_t)value(of, &metrics[i]))) < 0) {
            json_decref(o);
            return NULL;
        }
    return o;
}

static uint64_t value_of_one(const void *of, const struct metric *m)
{
    return value_in(of, m);
}

static uint64_t value_of_all(const void *of, const struct metric *m)
{
    return total(of, m);
}

json_t *metrics_of(const struct gate_counters *c)
{
    return as_object(value_of_one, c);
}

json_t *metrics_total(const struct metrics *m)
{
    return as_object(value_of_all, m);
}
