#include "transport/sigpipe.h"

#include <pthread.h>
#include <stddef.h>

static bool is_pending(void)
{
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

void oct_sigpipe_block(struct oct_sigpipe *guard, bool needed)
{
    sigset_t pipe_only;
    guard->active = needed;
    if (!needed) {
        return;
    }
    guard->was_pending = is_pending();
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &guard->before);
}

void oct_sigpipe_restore(struct oct_sigpipe *guard)
{
    sigset_t pipe_only;
    int signal_number = 0;
    if (!guard->active) {
        return;
    }
    if (!guard->was_pending && is_pending()) {
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        sigwait(&pipe_only, &signal_number);
    }
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}
