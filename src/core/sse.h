/* Server-Sent Events, read as they arrive (WHATWG HTML, section 9.2.6): bytes in, data texts out.
 * May use: libc. Owns: what it has read of the event under way, until oct_sse_free. */
#ifndef OCT_SSE_H
#define OCT_SSE_H

#include "core/text.h"

/* An event beyond this is dropped; its stream goes on. */
enum { OCT_SSE_MAX_BYTES = 65536 };

/* Zero-initialise it. */
struct oct_sse {
    struct oct_buffer line;
    struct oct_buffer data; /* of the event under way; its lines each end with a newline */
    bool after_return;      /* a newline that comes next belongs to the carriage return before it */
};

/* Called with the data of an event, without the newline at its end. */
typedef void oct_sse_event(void *context, struct oct_text data);

/* Reads what has arrived, however it is cut. */
void oct_sse_read(struct oct_sse *sse, struct oct_text text, oct_sse_event *event, void *context);
void oct_sse_free(struct oct_sse *sse);

#endif
