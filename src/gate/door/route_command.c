#include <stddef.h>
#include <stdio.h>

#include "base/subcommand.h"
#include "gate/door/route.h"

struct route_settings {
    const char *config, *ports;
    struct config_list interfaces, listen;
    bool print, apply, remove, check, local, help;
};

#define SETTING(field) offsetof(struct route_settings, field)

static const struct arg route_args[] = {
    { "print", 0, CONFIG_BOOL, SETTING(print), 0, 0, NULL,
      "print the rules for nft -f; nothing is changed (the default)", true },
    { "apply", 0, CONFIG_BOOL, SETTING(apply), 0, 0, NULL,
      "put the rules and routes into force, in place of those before", true },
    { "remove", 0, CONFIG_BOOL, SETTING(remove), 0, 0, NULL, "take them away again", true },
    { "check", 0, CONFIG_BOOL, SETTING(check), 0, 0, NULL,
      "are these very rules in force?  The exit status is 1 if not", true },
    { "config", 'c', CONFIG_STRING, SETTING(config), 0, 0, "FILE", "the gate's configuration",
      true },
    { "listen", 'l', CONFIG_LIST, SETTING(listen), 0, 0, "URL",
      "in place of the configuration's listeners: tproxy://0.0.0.0:3129", true },
    { "ports", 'p', CONFIG_STRING, SETTING(ports), 0, 0, "LIST",
      "TCP ports to take, or \"all\" (80,443)", true },
    { "interface", 'i', CONFIG_LIST, SETTING(interfaces), 0, 0, "NAME",
      "take only what comes in there; may be given again", true },
    { "local", 0, CONFIG_BOOL, SETTING(local), 0, 0, NULL,
      "take what programs on this computer send, too", true },
    { "help", 'h', CONFIG_BOOL, SETTING(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch gate route",
    .usage = "[--print] [options]\n--apply [options]\n--check [options]\n--remove",
    .about = "The nftables rules and routes that bring other computers' connections to the gate's\n"
             "tproxy:// and redirect:// listeners. The gate's own user is left alone. While no "
             "gate\n"
             "listens, what was to be inspected is refused, not let through.",
    .args = route_args,
    .n_args = ARRAY_LEN(route_args),
    .footer = "Examples:\n"
              "  midwatch gate route --config gate.conf | less\n"
              "  sudo midwatch gate route --config gate.conf --interface lan0 --apply",
};

enum { CONFIG_BYTES = 64 * 1024, RULES_BYTES = 128 * 1024 };

/* --listen as a line of configuration.  A quote would end the string. */
static int listen_line(struct buf *out, const struct config_list *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (strpbrk(listen->items[i], "\"\\\n\r") != NULL)
            return subcommand_usage(&command, "--listen: \"%.60s\" is no listener",
                                    listen->items[i]);
        buf_printf(out, "%s\"%s\"", i == 0 ? "listen = [" : ", ", listen->items[i]);
    }
    if (listen->count > 0)
        buf_str(out, "]\n");
    return 0;
}

static int config_open(struct gate_config **out, const struct route_settings *set)
{
    CLEANUP(buf_deinit) struct buf extra = BUF_INIT(CONFIG_BYTES), error = BUF_INIT(4096);
    struct gate_bundle *bundle = NULL;
    int r = listen_line(&extra, &set->listen);

    if (r != 0)
        return r;
    r = buf_error(&extra);
    if (r == 0)
        r = gate_bundle_read(&bundle, set->config, extra.len > 0 ? (const char *)extra.data : "",
                             &error);
    if (r == 0)
        r = gate_config_load(out, bundle, &error);
    gate_bundle_free(bundle);
    if (r == 0)
        return 0;
    return subcommand_fail(&command, "%s", r > 0 && error.len > 0 ? (const char *)error.data
                                                                  : "out of memory");
}

static int options_read(struct route_options *o, const struct route_settings *set)
{
    *o = route_defaults();
    o->local = set->local;
    o->interfaces = set->interfaces.items;
    o->n_interfaces = set->interfaces.count;
    if (set->ports != NULL && route_ports_read(o, set->ports) != 0)
        return subcommand_usage(&command, "--ports: \"%.60s\" is neither a list such as 80,443 "
                                          "nor \"all\"", set->ports);
    if (o->n_interfaces > ROUTE_MAX_INTERFACES)
        return subcommand_usage(&command, "--interface: more than %d", ROUTE_MAX_INTERFACES);
    return 0;
}

static int print(const struct gate_config *c, const struct route_options *o)
{
    CLEANUP(buf_deinit) struct buf rules = BUF_INIT(RULES_BYTES);

    (void)route_rules_for(&rules, c, o);
    if (buf_error(&rules) != 0)
        return subcommand_fail(&command, "out of memory");
    if (fwrite(rules.data, rules.len, 1, stdout) != 1 || fflush(stdout) != 0)
        return subcommand_fail(&command, "cannot write the rules");
    return 0;
}

/* A family without a listener passes by. */
static void warn_of_gaps(const struct gate_config *c, const struct route_options *o)
{
    CLEANUP(buf_deinit) struct buf rules = BUF_INIT(RULES_BYTES);
    struct route_facts f = route_rules_for(&rules, c, o);

    if (!f.v4 || !f.v6)
        fprintf(stderr, "midwatch gate route: no listener for %s: such connections are not taken\n",
                f.v4 ? "IPv6" : "IPv4");
}

static int act(const struct gate_config *c, const struct route_options *o,
               const struct route_settings *set)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    int r;

    if (route_possible(c, o, &error) != 0)
        return subcommand_fail(&command, "%s", (const char *)error.data);
    if (!set->apply && !set->check)
        return print(c, o);
    warn_of_gaps(c, o);
    r = set->apply ? route_apply(c, o, &error) : route_check(c, o, &error);
    if (r != 0 && set->apply)
        return subcommand_fail(&command, "%s", (const char *)error.data);
    printf("%s%s\n", r == 0 ? "in force" : "not in force: ", r == 0 ? ""
                                                                    : (const char *)error.data);
    return r == 0 ? 0 : 1;
}

static int run(const struct config_list *words, const void *settings, struct arena *arena)
{
    const struct route_settings *set = settings;
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct gate_config *c = NULL;
    struct route_options o;
    int r;

    (void)arena;
    if (words->count > 0)
        return subcommand_usage(&command, "\"%.60s\" is one word too many", words->items[0]);
    if (set->print + set->apply + set->remove + set->check > 1)
        return subcommand_usage(&command, "only one of --print, --apply, --remove and --check");
    if (set->remove) {
        if (route_remove(&error) != 0)
            return subcommand_fail(&command, "%s", (const char *)error.data);
        puts("removed");
        return 0;
    }
    r = options_read(&o, set);
    if (r == 0)
        r = config_open(&c, set);
    if (r == 0)
        r = act(c, &o, set);
    gate_config_unref(c);
    return r;
}

int route_command(int argc, char **argv)
{
    struct route_settings set = { .config = NULL };

    return subcommand_main(&command, argc, argv, &set, &set.help, run);
}
