/* The keeper: keeps every session and lock of a process alive, and ends what is to end. Pure: it
 * says which request is due and is told the answer; who carries them is not its business. May use:
 * core. Owns: the registry; sessions and locks own themselves (session.h). Not for several threads
 * at once: whoever shares one locks around it. */
#ifndef OCT_KEEPER_H
#define OCT_KEEPER_H

#include "core/lock.h"
#include "core/session.h"

struct oct_keeper {
    struct oct_registry registry;
    double (*random)(void); /* in [0, 1) */
};

void oct_keeper_init(struct oct_keeper *keeper, double (*random)(void));

/* Gives up what is left, whatever its state is: no pointer to a session or lock is good afterwards.
 */
void oct_keeper_free(struct oct_keeper *keeper);

/* When oct_keeper_next is to be called, at the latest; INT64_MAX for never. */
int64_t oct_keeper_wake_ms(const struct oct_keeper *keeper);

/* The next request to carry, from job->request within job->timeout_ms; NULL when none is due. Call
 * it until it is NULL. */
struct oct_job *oct_keeper_next(struct oct_keeper *keeper, int64_t now_ms);

/* The answer to a request, or NULL when there was none; `sent` says whether any byte of the request
 * may have reached the server. The job is not used afterwards. */
void oct_keeper_complete(struct oct_keeper *keeper, struct oct_job *job,
                         const struct oct_response *response, bool sent, int64_t now_ms);

/* Begins to end everything, since the process ends. */
void oct_keeper_shut_down(struct oct_keeper *keeper, int64_t now_ms);

/* Whether anything is still to be ended on a server. */
bool oct_keeper_is_busy(const struct oct_keeper *keeper);

#endif
