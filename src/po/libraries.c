/*
 * Not compiled: what the system and the libraries say, and is shown behind a
 * message of ours, for src/po/extract.  They say much more; that is shown as
 * they have it.
 */
#include "base/err.h"

static const char *const errno_texts[] = {
    N_("Operation not permitted"),
    N_("No such file or directory"),
    N_("Interrupted system call"),
    N_("Input/output error"),
    N_("No such device or address"),
    N_("Argument list too long"),
    N_("Exec format error"),
    N_("Bad file descriptor"),
    N_("No child processes"),
    N_("Resource temporarily unavailable"),
    N_("Cannot allocate memory"),
    N_("Permission denied"),
    N_("Device or resource busy"),
    N_("File exists"),
    N_("Invalid cross-device link"),
    N_("No such device"),
    N_("Not a directory"),
    N_("Is a directory"),
    N_("Invalid argument"),
    N_("Too many open files in system"),
    N_("Too many open files"),
    N_("Inappropriate ioctl for device"),
    N_("Text file busy"),
    N_("File too large"),
    N_("No space left on device"),
    N_("Illegal seek"),
    N_("Read-only file system"),
    N_("Too many links"),
    N_("Broken pipe"),
    N_("Numerical result out of range"),
    N_("Resource deadlock avoided"),
    N_("File name too long"),
    N_("No locks available"),
    N_("Function not implemented"),
    N_("Directory not empty"),
    N_("Too many levels of symbolic links"),
    N_("Protocol error"),
    N_("Bad message"),
    N_("Value too large for defined data type"),
    N_("Message too long"),
    N_("Protocol not supported"),
    N_("Operation not supported"),
    N_("Address family not supported by protocol"),
    N_("Address already in use"),
    N_("Cannot assign requested address"),
    N_("Network is down"),
    N_("Network is unreachable"),
    N_("Network dropped connection on reset"),
    N_("Software caused connection abort"),
    N_("Connection reset by peer"),
    N_("No buffer space available"),
    N_("Transport endpoint is not connected"),
    N_("Connection timed out"),
    N_("Connection refused"),
    N_("Host is down"),
    N_("No route to host"),
    N_("Operation already in progress"),
    N_("Operation now in progress"),
    N_("Stale file handle"),
    N_("Disk quota exceeded"),
    N_("No medium found"),
    N_("Operation canceled"),
    N_("Structure needs cleaning"),
    N_("unknown error"),
};

/* getaddrinfo(3) */
static const char *const gai_texts[] = {
    N_("Name or service not known"),
    N_("Temporary failure in name resolution"),
    N_("Non-recoverable failure in name resolution"),
    N_("No address associated with hostname"),
    N_("Servname not supported for ai_socktype"),
    N_("System error"),
};

static const char *const sqlite_texts[] = {
    N_("access permission denied"),
    N_("attempt to write a readonly database"),
    N_("bad parameter or other API misuse"),
    N_("constraint failed"),
    N_("database disk image is malformed"),
    N_("database is locked"),
    N_("database or disk is full"),
    N_("database schema has changed"),
    N_("disk I/O error"),
    N_("file is not a database"),
    N_("interrupted"),
    N_("locking protocol"),
    N_("out of memory"),
    N_("string or blob too big"),
    N_("unable to open database file"),
};

/* libssh2 */
static const char *const ssh_texts[] = {
    N_("Channel open failure"),
    N_("Failed getting banner"),
    N_("Socket disconnect"),
    N_("Socket error"),
    N_("Unable to exchange encryption keys"),
    N_("Unable to send data on socket"),
    N_("Would block"),
    N_("socket disconnect"),
};

/* libarchive */
static const char *const archive_texts[] = {
    N_("Damaged Zip archive"),
    N_("Truncated input file (needed %zu bytes, only %zu available)"),
    N_("Unrecognized archive format"),
    N_("Zip archive has no central directory"),
};
