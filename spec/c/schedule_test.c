/* Unit tests of src/core/schedule.c: random operations beside a model that looks at every task.
 * Uses: check.h, src/core.
 * Owner: each test frees its schedule. */
#include "core/schedule.h"

#include "check.h"

enum { TASKS = 40, OPERATIONS = 20000, LATEST = 50 }; /* few moments: many tasks share one */

static uint32_t state = 1;

/* The same numbers in every run. */
static size_t pick(size_t bound)
{
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % bound;
}

static size_t members(const struct oct_task *tasks)
{
    size_t count = 0;
    for (size_t i = 0; i < TASKS; i++) {
        count += tasks[i].place != 0;
    }
    return count;
}

static int64_t earliest(const struct oct_task *tasks)
{
    int64_t wake_ms = INT64_MAX;
    for (size_t i = 0; i < TASKS; i++) {
        if (tasks[i].place != 0 && tasks[i].wake_ms < wake_ms) {
            wake_ms = tasks[i].wake_ms;
        }
    }
    return wake_ms;
}

/* Joins, leaves or is set; answers the time that the task has to have now. */
static int64_t change(struct oct_schedule *schedule, struct oct_task *task)
{
    int64_t wake_ms = task->wake_ms;
    if (task->place == 0) {
        return oct_schedule_join(schedule, task) ? INT64_MAX : -1;
    }
    if (pick(3) == 0) {
        oct_schedule_leave(schedule, task);
        return wake_ms;
    }
    wake_ms = pick(10) == 0 ? INT64_MAX : (int64_t)pick(LATEST);
    oct_schedule_set(schedule, task, wake_ms);
    return wake_ms;
}

/* Each member is where it says, and the first is one of the earliest. */
static bool is_right(const struct oct_schedule *schedule, const struct oct_task *tasks)
{
    const struct oct_task *first = oct_schedule_first(schedule);
    for (size_t i = 0; i < TASKS; i++) {
        size_t place = tasks[i].place;
        if (place > schedule->count || (place > 0 && schedule->heap[place - 1] != &tasks[i])) {
            return false;
        }
    }
    return schedule->count == members(tasks) &&
           (first == NULL ? schedule->count == 0 : first->wake_ms == earliest(tasks));
}

static void test_random_operations(void)
{
    struct oct_schedule schedule = {0};
    struct oct_task tasks[TASKS] = {{0}};
    int done = 0;
    for (bool good = true; good && done < OPERATIONS; done += good) {
        struct oct_task *task = &tasks[pick(TASKS)];
        bool was_member = task->place != 0;
        size_t count = schedule.count;
        int64_t wake_ms = change(&schedule, task);
        good = task->wake_ms == wake_ms && is_right(&schedule, tasks) &&
               (was_member ? schedule.count <= count : schedule.count == count + 1);
    }
    CHECK_INT("operations that went well", done, OPERATIONS);
    oct_schedule_free(&schedule);
}

/* What is taken first, until none is left, comes in order. */
static void test_order(void)
{
    struct oct_schedule schedule = {0};
    struct oct_task tasks[TASKS] = {{0}};
    for (size_t i = 0; i < TASKS; i++) {
        oct_schedule_join(&schedule, &tasks[i]);
        oct_schedule_set(&schedule, &tasks[i], (int64_t)pick(LATEST));
    }
    int64_t last_ms = 0;
    for (size_t i = 0; i < TASKS; i++) {
        struct oct_task *task = oct_schedule_first(&schedule);
        CHECK("in order", task != NULL && task->wake_ms >= last_ms);
        last_ms = task->wake_ms;
        oct_schedule_leave(&schedule, task);
    }
    CHECK("none is left", oct_schedule_first(&schedule) == NULL);
    oct_schedule_free(&schedule);
}

static void test_edges(void)
{
    struct oct_schedule schedule = {0};
    struct oct_task task = {0};
    CHECK("empty", oct_schedule_first(&schedule) == NULL);
    oct_schedule_leave(&schedule, &task);
    CHECK_INT("left without having joined", schedule.count, 0);
    CHECK("join", oct_schedule_join(&schedule, &task));
    CHECK_INT("never, until it is set", oct_schedule_first(&schedule)->wake_ms, INT64_MAX);
    oct_schedule_leave(&schedule, &task);
    oct_schedule_leave(&schedule, &task);
    CHECK_INT("left twice", schedule.count, 0);
    oct_schedule_free(&schedule);
    oct_schedule_free(&schedule);
    CHECK("join after the end", oct_schedule_join(&schedule, &task));
    oct_schedule_free(&schedule);
}

int main(void)
{
    test_random_operations();
    test_order();
    test_edges();
    return check_report();
}
