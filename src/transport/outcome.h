/* What has become of an exchange: an answer, or an error that says why there is none.
 * May use: core, libcurl, handle.h. Owns: nothing. */
#ifndef OCT_TRANSPORT_OUTCOME_H
#define OCT_TRANSPORT_OUTCOME_H

#include "transport/handle.h"

/* Whether any byte of the request has left this machine. */
bool oct_outcome_sent(const struct oct_handle *handle);

/* Reads what libcurl made of a transfer that is over. True when the answer is there, in
 * handle->answer; else the error says why not, and whether the request may have taken effect. */
bool oct_outcome_read(struct oct_handle *handle, const struct oct_operation *operation,
                      CURLcode result, struct oct_error *error);

/* The error of an exchange that is given up since its time is over. */
void oct_outcome_late(const struct oct_handle *handle, const struct oct_operation *operation,
                      struct oct_error *error);

#endif
