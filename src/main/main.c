/*
 * The program: the first word says which command runs, the rest is the command's.
 */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/config.h"
#include "base/built.h"
#include "check/check.h"
#include "check/decisions.h"
#include "check/exempt.h"
#include "check/exit.h"
#include "check/explain.h"
#include "check/pins.h"
#include "check/watch.h"
#include "gate/parent/gate.h"
#include "lab/lab.h"

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "check", check_command, "who can read a connection, and why an app warns" },
    { "explain", explain_command, "what a finding means, and what to do about it" },
    { "exempt", exempt_command, "the exception your IT needs, for their gateway" },
    { "trust", trust_command, "what was trusted anyway: list, remove, log" },
    { "pin", pin_command, "the keys a host must show: add, list, remove, import" },
    { "watch", watch_command, "check again and again, and tell only what changed" },
    { "gate", gate_command, "the gateway that inspects TLS, honestly" },
    { "lab", lab_command, "every broken TLS in a box, on this computer only" },
    { "version", version_command, "which version this is" },
    { "help", help_command, "this text, or that of a command" },
};

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void usage(FILE *to)
{
    fputs("Midwatch keeps watch on the middle of a TLS connection.\n"
          "\n"
          "usage: midwatch COMMAND [options]\n"
          "\n",
          to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "Try:  midwatch check example.com\n"
          "      midwatch help check\n",
          to);
}

static int command_unknown(const char *name)
{
    const char *names[ARRAY_LEN(commands)], *near;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    near = config_nearest(name, names, ARRAY_LEN(names));
    if (near != NULL)
        fprintf(stderr, "midwatch: there is no command \"%.60s\"; did you mean \"%s\"?\n", name,
                near);
    else if (strchr(name, '.') != NULL)
        fprintf(stderr,
                "midwatch: there is no command \"%.60s\"; to check that host: "
                "midwatch check %.60s\n",
                name, name);
    else
        fprintf(stderr,
                "midwatch: there is no command \"%.60s\"; \"midwatch help\" lists them\n", name);
    return CHECK_USAGE;
}

static int help_command(int argc, char **argv)
{
    char option[] = "--help", *words[] = { NULL, option, NULL };
    const struct command *c;

    if (argc < 2) {
        usage(stdout);
        return 0;
    }
    c = command_find(argv[1]);
    if (c == NULL)
        return command_unknown(argv[1]);
    if (c->run == help_command || c->run == version_command) {
        usage(stdout);
        return 0;
    }
    words[0] = argv[1];
    return c->run(2, words);
}

static int version_command(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("midwatch %s\n", built_version());
    return 0;
}

int main(int argc, char **argv)
{
    const struct command *c;

    if (argc < 2) {
        usage(stderr);
        return CHECK_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help_command(argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return version_command(argc - 1, argv + 1);
    c = command_find(argv[1]);
    return c != NULL ? c->run(argc - 1, argv + 1) : command_unknown(argv[1]);
}
