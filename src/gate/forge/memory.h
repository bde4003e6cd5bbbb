/*
 * Memory that keys pass through: locked, never in a core dump, not open to a debugger.
 * Source: OPENSSL_secure_malloc(3), prctl(2) PR_SET_DUMPABLE, setrlimit(2).
 */
#ifndef GATE_FORGE_MEMORY_H
#define GATE_FORGE_MEMORY_H

/* Once, before the first key.  What the system does not allow (memory may not be locked) is one
 * line in the log: the keys then still lie in a heap of their own. */
void memory_harden(void);

#endif
