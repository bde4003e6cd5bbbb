/*
 * What the test of transparent listeners runs inside its namespaces, with a configuration put
 * together here: rules printed, applied, checked and removed, and a listener that tells where each
 * connection was going.
 *
 * usage: gate_route_tool rules|apply|check|remove [+local] [+all] [+quic] [+on=IFACE] LISTENER...
 *        gate_route_tool accept LISTENER         one line for each connection, until killed
 *        gate_route_tool route ...               the command itself
 * LISTENER: tproxy://ADDR:PORT or redirect://ADDR:PORT
 */
#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "gate/door/door.h"
#include "gate/door/route.h"

enum { LISTENERS = 8 };

static struct gate_listener listeners[LISTENERS];
static const char *interfaces[1];

static int listener_read(struct gate_listener *out, const char *text)
{
    const char *at = strstr(text, "://");

    if (at == NULL)
        return -EINVAL;
    out->entrance = strncmp(text, "tproxy", 6) == 0 ? GATE_ENTRANCE_TPROXY
                                                    : GATE_ENTRANCE_REDIRECT;
    out->text = text;
    return addr_parse(&out->at, span_str(at + 3), 0);
}

static int word_read(struct gate_config *c, struct route_options *o, const char *word)
{
    if (strcmp(word, "+local") == 0)
        o->local = true;
    else if (strcmp(word, "+all") == 0)
        return route_ports_read(o, "all");
    else if (strcmp(word, "+quic") == 0)
        c->quic = GATE_BYPASS;
    else if (strncmp(word, "+on=", 4) == 0) {
        interfaces[0] = word + 4;
        o->interfaces = interfaces;
        o->n_interfaces = 1;
    } else if (c->n_listeners == LISTENERS)
        return -EINVAL;
    else
        return listener_read(&listeners[c->n_listeners++], word);
    return 0;
}

static int act(const char *what, const struct gate_config *c, const struct route_options *o)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20), error = BUF_INIT(4096);
    int r = 0;

    if (strcmp(what, "remove") == 0) {
        r = route_remove(&error);
    } else if (route_possible(c, o, &error) != 0) {
        r = 2;
    } else if (strcmp(what, "rules") == 0) {
        (void)route_rules_for(&out, c, o);
        fwrite(out.data, 1, out.len, stdout);
    } else {
        r = strcmp(what, "apply") == 0 ? route_apply(c, o, &error) : route_check(c, o, &error);
    }
    if (error.len > 0)
        printf("%s\n", (const char *)error.data);
    return r;
}

static int listen_at(const struct gate_listener *l)
{
    bool v6 = addr_family(&l->at) == AF_INET6;
    int fd = socket(addr_family(&l->at), SOCK_STREAM, 0), one = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0))
        return -1;
    if (l->entrance == GATE_ENTRANCE_TPROXY &&
        setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT,
                   &one, sizeof(one)) != 0)
        return -1;
    return bind(fd, &l->at.sa.any, l->at.len) == 0 && listen(fd, 8) == 0 ? fd : -1;
}

static int accept_all(const struct gate_listener *l)
{
    CLEANUP(own_close) int fd = listen_at(l);

    if (fd < 0) {
        perror("listen");
        return EXIT_FAILURE;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        CLEANUP(own_close) int client = accept(fd, NULL, NULL);
        char text[ADDR_TEXT];
        struct addr to;
        int r = client >= 0 ? door_original(client, l->entrance, &to) : -errno;

        if (r == 0)
            addr_text(&to, true, text);
        else
            snprintf(text, sizeof(text), "%s", r == -ELOOP ? "loop" : strerror(-r));
        puts(text);
        fflush(stdout);
        if (client >= 0 && write(client, "gate", 4) != 4)
            return EXIT_FAILURE;
    }
}

int main(int argc, char **argv)
{
    struct gate_config c = { .file = "test.conf", .user = "nobody", .quic = GATE_BLOCK,
                             .listeners = listeners };
    struct route_options o = route_defaults();

    if (argc > 1 && strcmp(argv[1], "route") == 0)
        return route_command(argc - 1, argv + 1);
    for (int i = 2; i < argc; i++) {
        if (word_read(&c, &o, argv[i]) != 0) {
            fprintf(stderr, "gate_route_tool: %s?\n", argv[i]);
            return EXIT_FAILURE;
        }
    }
    if (argc < 2)
        return EXIT_FAILURE;
    return strcmp(argv[1], "accept") == 0 ? accept_all(&listeners[0]) : act(argv[1], &c, &o);
}
