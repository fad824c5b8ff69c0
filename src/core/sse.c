#include "core/sse.h"

#include <string.h>

static void append(struct oct_buffer *buffer, const char *data, size_t len)
{
    if (buffer->len + len <= OCT_SSE_MAX_BYTES) {
        oct_buffer_append(buffer, data, len);
    } else {
        buffer->failed = true; /* until the event, or the line, is over */
    }
}

static void end_event(struct oct_sse *sse, oct_sse_event *event, void *context)
{
    if (sse->data.len > 0 && !sse->data.failed) {
        event(context, (struct oct_text){sse->data.data, sse->data.len - 1});
    }
    oct_buffer_clear(&sse->data);
}

/* Of the fields only "data" is of use here: name, id and retry of an event are not. */
static void end_line(struct oct_sse *sse, oct_sse_event *event, void *context)
{
    static const char field[] = "data:";
    size_t skipped = sizeof field - 1;
    const struct oct_buffer *line = &sse->line;

    if (line->len == 0 && !line->failed) {
        end_event(sse, event, context);
    } else if (line->failed) {
        sse->data.failed = true;
    } else if (line->len >= skipped && memcmp(line->data, field, skipped) == 0) {
        skipped += line->len > skipped && line->data[skipped] == ' ';
        append(&sse->data, line->data + skipped, line->len - skipped);
        append(&sse->data, "\n", 1);
    }
    oct_buffer_clear(&sse->line);
}

void oct_sse_read(struct oct_sse *sse, struct oct_text text, oct_sse_event *event, void *context)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool second_half = c == '\n' && sse->after_return;
        sse->after_return = c == '\r';
        if (second_half) {
            continue;
        }
        if (c == '\n' || c == '\r') {
            end_line(sse, event, context);
        } else {
            append(&sse->line, &c, 1);
        }
    }
}

void oct_sse_free(struct oct_sse *sse)
{
    oct_buffer_free(&sse->line);
    oct_buffer_free(&sse->data);
}
