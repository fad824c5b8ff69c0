/* Keeps SIGPIPE away from the host while a TLS library writes to a closed connection.
 * May use: POSIX signals of the calling thread. Owns: nothing.
 * libcurl with NOSIGNAL leaves this signal to its user, and ignoring it process-wide would change
 * the host. */
#ifndef OCT_SIGPIPE_H
#define OCT_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct oct_sigpipe {
    bool active;
    bool was_pending;
    sigset_t before;
};

/* Blocks the signal in this thread; `needed` is false for cleartext, whose writes never raise it.
 */
void oct_sigpipe_block(struct oct_sigpipe *guard, bool needed);

/* Takes a signal that came meanwhile and restores the thread's mask. */
void oct_sigpipe_restore(struct oct_sigpipe *guard);

#endif
