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

enum { OCT_EXIT_BUDGET_MS = 1000 };

struct oct_engine;

/* The engine of this process, started when there is none; NULL when it cannot be. */
struct oct_engine *oct_engine_use(void);

/* The last user's call ends the thread, and waits for it. Not for an engine of the parent process.
 */
void oct_engine_let_go(struct oct_engine *engine);

/* The keeper, for this thread alone until it is unlocked. */
struct oct_keeper *oct_engine_lock(struct oct_engine *engine);
void oct_engine_unlock(struct oct_engine *engine);

#endif
