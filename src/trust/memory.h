/*
 * Was it the peer's fault, or did OpenSSL run out of memory?  Its functions say "failed" for
 * both; to judge by the first when it was the second would make a revoked certificate look
 * unrevoked.
 */
#ifndef TRUST_MEMORY_H
#define TRUST_MEMORY_H

/* After an OpenSSL call that failed: -ENOMEM if any error it left says so, else `otherwise`.
 * Empties this thread's error queue. */
int memory_or(int otherwise);

#endif
