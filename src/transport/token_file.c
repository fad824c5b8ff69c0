#include "transport/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum oct_status refuse(struct oct_error *error, const char *path, const char *why)
{
    oct_error_set(error, OCT_VALIDATION, "invalid_argument", "token_file %s: '%s'", why, path);
    error->argument = "token_file";
    return OCT_FAILED;
}

static bool is_private(int file)
{
    struct stat about;
    return fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
           (about.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* -1 when reading failed or the content does not fit. */
static ssize_t read_all(int file, char *out, size_t size)
{
    size_t len = 0;
    for (;;) {
        ssize_t got = read(file, out + len, size - len);
        if (got == 0) {
            return (ssize_t)len;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        len += got > 0 ? (size_t)got : 0;
        if (got < 0 || len == size) {
            return -1;
        }
    }
}

static void trim(char *text, size_t len)
{
    size_t start = 0;
    while (len > 0 && (unsigned char)text[len - 1] <= ' ') {
        len--;
    }
    while (start < len && (unsigned char)text[start] <= ' ') {
        start++;
    }
    memmove(text, text + start, len - start);
    text[len - start] = '\0';
}

enum oct_status oct_token_file_read(const char *path, char *out, size_t size,
                                    struct oct_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return refuse(error, path, "must be a file that can be read");
    }
    bool allowed = is_private(file);
    ssize_t len = allowed ? read_all(file, out, size) : -1;
    close(file);
    if (!allowed) {
        return refuse(error, path,
                      "must be a regular file that only its owner can read (chmod 600)");
    }
    if (len < 0) {
        return refuse(error, path, "must hold one token and nothing else");
    }
    trim(out, (size_t)len);
    return out[0] == '\0' ? refuse(error, path, "must not be empty") : OCT_OK;
}

bool oct_is_readable(const char *path)
{
    return access(path, R_OK) == 0;
}
