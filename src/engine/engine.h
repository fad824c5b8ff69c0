/* The engine: one background thread a process that does what the keeper says, whatever the threads
 * of the host are busy with.
 * May use: core, transport, libcurl, POSIX threads. Owns: the keeper, until its last user lets it
 * go.
 *
 * It never touches Lua. A child made by fork has no engine until it asks for one: the parent's is
 * left alone, memory included. When the process ends, sessions and locks are ended on their servers
 * for as long as the exit budget lasts. */
#ifndef OCT_ENGINE_H
#define OCT_ENGINE_H

#include "core/keeper.h"
#include "engine/port.h"

enum { OCT_EXIT_BUDGET_MS = 1000 };

struct oct_engine;

/* The engine of this process, started when there is none; NULL when it cannot be. */
struct oct_engine *oct_engine_use(void);

/* The last user's call ends the thread, and waits for it. Not for an engine of the parent process.
 */
void oct_engine_let_go(struct oct_engine *engine);

/* Opens a port; NULL when memory or descriptors ran out. */
struct oct_port *oct_engine_open_port(struct oct_engine *engine,
                                      const struct oct_transport_options *options);

/* Ends what is carried for a port, and frees it. */
void oct_engine_close_port(struct oct_engine *engine, struct oct_port *port);

/* The keeper, and every port, for this thread alone until they are unlocked. */
struct oct_keeper *oct_engine_lock(struct oct_engine *engine);
void oct_engine_unlock(struct oct_engine *engine);

/* Has the thread look at its ports, since there is something new in one. */
void oct_engine_wake(struct oct_engine *engine);

#endif
