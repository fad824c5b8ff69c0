#include "transport/fork.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

/* A handler must not outlive the code that it is part of, and Lua unmaps this module when it closes
 * its last state. glibc takes care of that: pthread_atfork is linked into the module and registers
 * the handler under its __dso_handle, and on dlclose __cxa_finalize removes what is registered
 * under it (stdlib/cxa_finalize.c, UNREGISTER_ATFORK). Other libraries promise nothing of the kind.
 */
#if defined(__GLIBC__)

static unsigned generation;
static bool counted; /* false when there was no memory for a handler */

/* The child has one thread yet: nobody reads meanwhile. */
static void count_child(void)
{
    generation++;
}

static void register_handler(void)
{
    counted = pthread_atfork(NULL, NULL, count_child) == 0;
}

unsigned oct_fork_generation(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_handler);
    return counted ? generation : (unsigned)getpid();
}

#else

unsigned oct_fork_generation(void)
{
    return (unsigned)getpid();
}

#endif
