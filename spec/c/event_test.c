/* Unit tests of src/core/event.c: order, the bound, names.
 * Uses: check.h, src/core.
 * Owner: each test frees its events and what it takes. */
#include "core/event.h"

#include "check.h"

#include <stdlib.h>

static void add_numbered(struct oct_events *events, int first, int last)
{
    for (int i = first; i <= last; i++) {
        char lock[16];
        snprintf(lock, sizeof lock, "%d", i);
        oct_events_add(events, OCT_EVENT_LOCK_LOST, OCT_LEASE_UNCERTAIN, lock);
    }
}

/* Takes one, which has to be the lock of this number. */
static void check_next(const char *name, struct oct_events *events, int number)
{
    struct oct_event *event = oct_events_take(events);
    if (CHECK(name, event != NULL)) {
        CHECK_INT(name, atoi(event->lock), number);
    }
    free(event);
}

static void check_empty(const char *name, struct oct_events *events)
{
    CHECK(name, oct_events_take(events) == NULL);
    CHECK(name, events->first == NULL && events->last == NULL);
    CHECK_INT(name, events->count, 0);
}

static void test_names(void)
{
    CHECK_TEXT("name", oct_event_name(OCT_EVENT_LOCK_LOST), "lock_lost");
    CHECK_TEXT("name", oct_event_name(OCT_EVENT_DROPPED), "dropped");
    CHECK_TEXT("name", oct_event_name(OCT_EVENT_SESSION_ENDED), "session_ended");
}

static void test_contents(void)
{
    struct oct_events events = {0};
    char lock[] = "reports/daily";
    oct_events_add(&events, OCT_EVENT_LOCK_LOST, OCT_LEASE_LOST, lock);
    oct_events_add(&events, OCT_EVENT_SESSION_ENDED, OCT_LEASE_FORKED, "");
    lock[0] = '?'; /* the name was copied */

    struct oct_event *event = oct_events_take(&events);
    CHECK_INT("lock", event->type, OCT_EVENT_LOCK_LOST);
    CHECK_INT("lock", event->reason, OCT_LEASE_LOST);
    CHECK_TEXT("lock", event->lock, "reports/daily");
    free(event);
    event = oct_events_take(&events);
    CHECK_INT("session", event->type, OCT_EVENT_SESSION_ENDED);
    CHECK_INT("session", event->reason, OCT_LEASE_FORKED);
    CHECK_TEXT("session", event->lock, "");
    free(event);
    check_empty("both taken", &events);
}

static void test_order(void)
{
    struct oct_events events = {0};
    check_empty("new", &events);
    add_numbered(&events, 1, 3);
    check_next("first in, first out", &events, 1);
    add_numbered(&events, 4, 4);
    for (int i = 2; i <= 4; i++) {
        check_next("first in, first out", &events, i);
    }
    check_empty("all taken", &events);
    add_numbered(&events, 5, 5);
    check_next("used again", &events, 5);
    oct_events_free(&events);
}

static void test_bound(void)
{
    struct oct_events events = {0};
    add_numbered(&events, 1, OCT_MAX_EVENTS);
    CHECK_INT("full", events.count, OCT_MAX_EVENTS);
    CHECK_INT("full", atoi(events.first->lock), 1);
    add_numbered(&events, OCT_MAX_EVENTS + 1, OCT_MAX_EVENTS + 2);
    CHECK_INT("the oldest go", events.count, OCT_MAX_EVENTS);
    for (int i = 3; i <= OCT_MAX_EVENTS + 2; i++) {
        check_next("the oldest go", &events, i);
    }
    check_empty("the oldest go", &events);
    add_numbered(&events, 1, 2);
    oct_events_free(&events);
    check_empty("freed", &events);
}

int main(void)
{
    test_names();
    test_contents();
    test_order();
    test_bound();
    return check_report();
}
