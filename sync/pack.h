/*
 * git packs of whole objects, without deltas (git's pack-format(5)): made in
 * memory and stored with their index.  The only file that knows zlib.
 */
#ifndef SYNC_PACK_H
#define SYNC_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct pack; /* a pack under construction */

#define PACK_NAME_LEN 45           /* "pack-" and 40 digits */
#define PACK_LOOSE_MAX (32u << 20) /* bytes of a loose object, inflated */

struct pack *pack_new(void);
void pack_free(struct pack *pack);

/* Add an object, "blob", "tree" or "commit"; oid is its address.  None may be
 * added twice.  The caller keeps a pack below 1 GiB. */
void pack_add(struct pack *pack, const char *type, const uint8_t oid[20],
    const void *data, size_t n);
/* Add an object's bytes as they lie in another pack. */
void pack_copy(
    struct pack *pack, const uint8_t oid[20], const void *raw, size_t n);
/* Add the loose object in a file.  YZ_ECORRUPT if it does not hash to oid. */
int pack_add_loose(struct pack *pack, const char *path, const uint8_t oid[20],
    struct err *err);

/* Does the object that lies in a pack at raw (n bytes from there on) inflate
 * whole?  Then its address, and how many bytes it takes. */
bool pack_object(uint8_t oid[20], size_t *used, const void *raw, size_t n);
/* Does a loose object's file hold what oid says? */
bool pack_loose_holds(const struct buf *file, const uint8_t oid[20]);

size_t pack_size(const struct pack *pack);  /* bytes so far */
size_t pack_count(const struct pack *pack); /* objects so far */

/* The CRC that an index holds of an object's bytes in the pack. */
uint32_t pack_crc(const void *raw, size_t n);

/* Write the pack and its index to folder (.../objects/pack), durable when it
 * returns; name gets the files' name without suffix.  Nothing may be added
 * after. */
int pack_store(char name[PACK_NAME_LEN + 1], struct pack *pack,
    const char *folder, struct err *err);

#endif
