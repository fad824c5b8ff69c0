/* What happens beside the calls of a client, until it asks.
 * May use: core/lease.h, libc. Owns: an oct_events owns what waits in it. */
#ifndef OCT_EVENT_H
#define OCT_EVENT_H

#include "core/lease.h"

#include <stddef.h>

enum oct_event_type {
    OCT_EVENT_LOCK_LOST,    /* a lock has ended, not by its owner's hand */
    OCT_EVENT_DROPPED,      /* a held lock was collected as garbage; it is released */
    OCT_EVENT_SESSION_ENDED /* a session has ended, not by its owner's hand */
};

/* "lock_lost", "dropped", "session_ended" */
const char *oct_event_name(enum oct_event_type type);

struct oct_event {
    struct oct_event *next;
    enum oct_event_type type;
    enum oct_ending reason;
    char lock[]; /* its name; "" for a session */
};

/* Zero-initialise it. */
struct oct_events {
    struct oct_event *first;
    struct oct_event *last;
    size_t count;
};

enum { OCT_MAX_EVENTS = 256 };

/* Adds one. When nobody takes them the oldest goes; when memory ran out this one is not kept. */
void oct_events_add(struct oct_events *events, enum oct_event_type type, enum oct_ending reason,
                    const char *lock);

/* The oldest one, which the caller frees; NULL when there is none. */
struct oct_event *oct_events_take(struct oct_events *events);
void oct_events_free(struct oct_events *events);

#endif
