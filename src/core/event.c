#include "core/event.h"

#include <stdlib.h>
#include <string.h>

const char *oct_event_name(enum oct_event_type type)
{
    static const char *const names[] = {"lock_lost", "dropped", "session_ended"};
    return names[type];
}

void oct_events_add(struct oct_events *events, enum oct_event_type type, enum oct_ending reason,
                    const char *lock)
{
    size_t size = strlen(lock) + 1;
    struct oct_event *event = malloc(sizeof *event + size);
    if (event == NULL) {
        return;
    }
    if (events->count == OCT_MAX_EVENTS) {
        free(oct_events_take(events));
    }
    event->next = NULL;
    event->type = type;
    event->reason = reason;
    memcpy(event->lock, lock, size);
    if (events->last == NULL) {
        events->first = event;
    } else {
        events->last->next = event;
    }
    events->last = event;
    events->count++;
}

struct oct_event *oct_events_take(struct oct_events *events)
{
    struct oct_event *event = events->first;
    if (event == NULL) {
        return NULL;
    }
    events->first = event->next;
    events->last = event->next == NULL ? NULL : events->last;
    events->count--;
    return event;
}

void oct_events_free(struct oct_events *events)
{
    while (events->first != NULL) {
        free(oct_events_take(events));
    }
}
