#include "core/schedule.h"

#include <stdlib.h>

static bool is_earlier(const struct oct_schedule *schedule, size_t a, size_t b)
{
    return schedule->heap[a - 1]->wake_ms < schedule->heap[b - 1]->wake_ms;
}

static void put(struct oct_schedule *schedule, struct oct_task *task, size_t place)
{
    schedule->heap[place - 1] = task;
    task->place = place;
}

static void swap(struct oct_schedule *schedule, size_t a, size_t b)
{
    struct oct_task *task = schedule->heap[a - 1];
    put(schedule, schedule->heap[b - 1], a);
    put(schedule, task, b);
}

static void rise(struct oct_schedule *schedule, size_t place)
{
    while (place > 1 && is_earlier(schedule, place, place / 2)) {
        swap(schedule, place, place / 2);
        place /= 2;
    }
}

static void sink(struct oct_schedule *schedule, size_t place)
{
    for (size_t child = 2 * place; child <= schedule->count; child = 2 * place) {
        if (child < schedule->count && is_earlier(schedule, child + 1, child)) {
            child++;
        }
        if (!is_earlier(schedule, child, place)) {
            return;
        }
        swap(schedule, place, child);
        place = child;
    }
}

static bool reserve(struct oct_schedule *schedule)
{
    if (schedule->count < schedule->capacity) {
        return true;
    }
    size_t capacity = schedule->capacity == 0 ? 16 : 2 * schedule->capacity;
    struct oct_task **heap = realloc(schedule->heap, capacity * sizeof *heap);
    if (heap == NULL) {
        return false;
    }
    schedule->heap = heap;
    schedule->capacity = capacity;
    return true;
}

bool oct_schedule_join(struct oct_schedule *schedule, struct oct_task *task)
{
    if (!reserve(schedule)) {
        return false;
    }
    task->wake_ms = INT64_MAX;
    put(schedule, task, ++schedule->count);
    return true;
}

void oct_schedule_leave(struct oct_schedule *schedule, struct oct_task *task)
{
    size_t place = task->place;
    if (place == 0) {
        return;
    }
    swap(schedule, place, schedule->count);
    schedule->count--;
    task->place = 0;
    if (place <= schedule->count) {
        rise(schedule, place);
        sink(schedule, place);
    }
}

void oct_schedule_set(struct oct_schedule *schedule, struct oct_task *task, int64_t wake_ms)
{
    task->wake_ms = wake_ms;
    rise(schedule, task->place);
    sink(schedule, task->place);
}

struct oct_task *oct_schedule_first(const struct oct_schedule *schedule)
{
    return schedule->count == 0 ? NULL : schedule->heap[0];
}

void oct_schedule_free(struct oct_schedule *schedule)
{
    free(schedule->heap);
    schedule->heap = NULL;
    schedule->count = schedule->capacity = 0;
}
