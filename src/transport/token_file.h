/* Files that the configuration names.
 * May use: core, POSIX files. Owns: nothing. */
#ifndef OCT_TOKEN_FILE_H
#define OCT_TOKEN_FILE_H

#include "core/error.h"

/* Reads a token into `out`, without the white space around it. Refuses a file that its group or
 * others may read or write, as the server does with its own token file. */
enum oct_status oct_token_file_read(const char *path, char *out, size_t size,
                                    struct oct_error *error);

bool oct_is_readable(const char *path);

#endif
