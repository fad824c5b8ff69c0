/* A schedule: which of many tasks wants to be woken first, as a binary heap.
 * May use: libc. Owns: its array, not the tasks; a task is part of whatever has it. */
#ifndef OCT_SCHEDULE_H
#define OCT_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oct_task {
    int64_t wake_ms;
    size_t place; /* in the heap, from 1; 0 when it is in none */
};

/* Zero-initialise it. */
struct oct_schedule {
    struct oct_task **heap;
    size_t count;
    size_t capacity;
};

void oct_schedule_free(struct oct_schedule *schedule);

/* Takes a task in, never to be woken until it is set; false when memory ran out. A member stays one
 * until it leaves, so that setting its time cannot fail. */
bool oct_schedule_join(struct oct_schedule *schedule, struct oct_task *task);
void oct_schedule_leave(struct oct_schedule *schedule, struct oct_task *task);

/* INT64_MAX for never. */
void oct_schedule_set(struct oct_schedule *schedule, struct oct_task *task, int64_t wake_ms);

/* The member with the earliest time, or NULL when there are none. */
struct oct_task *oct_schedule_first(const struct oct_schedule *schedule);

#endif
