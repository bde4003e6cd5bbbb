/*
 * Linux: /proc/net/tcp names the inode of a listening socket, and /proc/PID/fd who holds it,
 * of the processes that we may look into.
 */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/text.h"
#include "probe/local_system.h"

enum {
    LISTEN_STATE = 0x0a, /* TCP_LISTEN, include/net/tcp_states.h */
    MAX_LINES = 65536,
    MAX_PROCESSES = 16384,
    MAX_DESCRIPTORS = 4096, /* of one process */
};

static void own_closedir(DIR **at)
{
    if (*at != NULL)
        closedir(*at);
}

/* An address as the kernel prints it: words of four bytes in this machine's order. */
static bool address_parse(const char *hex, size_t words, uint8_t ip[16])
{
    for (size_t i = 0; i < words; i++) {
        char word[9] = { 0 }, *end;
        uint32_t v;

        memcpy(word, hex + 8 * i, 8);
        v = (uint32_t)strtoul(word, &end, 16);
        if (*end != '\0')
            return false;
        memcpy(ip + 4 * i, &v, 4);
    }
    return true;
}

static bool is_zero(const uint8_t *ip, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (ip[i] != 0)
            return false;
    return true;
}

/* "  sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout
 * inode": is it a listener that takes connections to `at`? */
static bool line_matches(const char *line, const struct addr *at, uint64_t *inode)
{
    char local[40];
    unsigned port, state;
    uint8_t ip[16];
    size_t words;

    /* The kernel wrote the line, and the widths keep the numbers in range.
     * NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x %*s %*s %*s %*u %*u %" SCNu64,
               local, &port, &state, inode) != 4 ||
        state != LISTEN_STATE || port != addr_port(at))
        return false;
    words = strlen(local) / 8;
    if ((words != 1 && words != 4) || strlen(local) % 8 != 0 || !address_parse(local, words, ip))
        return false;
    return is_zero(ip, 4 * words) || span_eq(addr_ip(at), span_of(ip, 4 * words));
}

/* 1: *inode, 0: no listener, -1: the table cannot be read. */
static int table_find(const char *path, const struct addr *at, uint64_t *inode)
{
    CLEANUP(own_fclose) FILE *table = fopen(path, "re");
    char line[512];

    if (table == NULL)
        return -1;
    for (int i = 0; i < MAX_LINES && fgets(line, sizeof line, table) != NULL; i++)
        if (line_matches(line, at, inode))
            return 1;
    return 0;
}

static bool process_holds(const char *pid, uint64_t inode)
{
    char path[320], want[40], target[64];
    CLEANUP(own_closedir) DIR *fds = NULL;
    const struct dirent *entry;

    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    snprintf(want, sizeof want, "socket:[%" PRIu64 "]", inode);
    fds = opendir(path);
    for (int i = 0; fds != NULL && i < MAX_DESCRIPTORS && (entry = readdir(fds)) != NULL; i++) {
        ssize_t len;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        len = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        if (strcmp(target, want) == 0)
            return true;
    }
    return false;
}

static void program_name(const char *pid, char program[LOCAL_PROGRAM_TEXT])
{
    CLEANUP(own_fclose) FILE *comm = NULL;
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(LOCAL_PROGRAM_TEXT - 1);
    char path[320], name[32] = "";

    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    comm = fopen(path, "re");
    if (comm == NULL || fgets(name, sizeof name, comm) == NULL)
        return;
    text_safe(&safe, span_trim(span_of(name, strcspn(name, "\n"))), 0);
    if (buf_error(&safe) == 0 && safe.len > 0)
        snprintf(program, LOCAL_PROGRAM_TEXT, "%s", (const char *)safe.data);
}

static void holder_find(uint64_t inode, char program[LOCAL_PROGRAM_TEXT])
{
    CLEANUP(own_closedir) DIR *proc = opendir("/proc");
    const struct dirent *entry;

    for (int i = 0; proc != NULL && i < MAX_PROCESSES && (entry = readdir(proc)) != NULL; i++) {
        if (isdigit((unsigned char)entry->d_name[0]) && process_holds(entry->d_name, inode)) {
            program_name(entry->d_name, program);
            return;
        }
    }
}

enum mw_seen local_listener_find(const struct addr *at, char program[LOCAL_PROGRAM_TEXT])
{
    uint64_t inode = 0;
    int v4, v6 = 0;

    program[0] = '\0';
    v4 = addr_family(at) == AF_INET ? table_find("/proc/net/tcp", at, &inode) : 0;
    if (v4 <= 0) /* a socket on :: takes IPv4 too */
        v6 = table_find("/proc/net/tcp6", at, &inode);
    if (v4 <= 0 && v6 <= 0)
        return v4 < 0 || v6 < 0 ? MW_COULD_NOT_LOOK : MW_SEEN_NO;
    holder_find(inode, program);
    return program[0] != '\0' ? MW_SEEN_YES : MW_COULD_NOT_LOOK;
}
