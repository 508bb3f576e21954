/*
 * Every bound on what comes from outside, in one place (design.md, PROTOCOL.md
 * and FORMAT.md quote these).
 */
#ifndef SYNC_LIMIT_H
#define SYNC_LIMIT_H

#define LIMIT_OPS 500               /* operations in a changeset */
#define LIMIT_OPS_BYTES (64u << 10) /* bytes of ops in a changeset */
#define LIMIT_DEPTH 16              /* nesting of a JSON value */
#define LIMIT_SEEN 4096             /* Seen lines in a changeset */
#define LIMIT_TEXT (320u << 10)     /* bytes of a signed commit, all in */
#define LIMIT_SUBJECT 200           /* bytes of the human line */
#define LIMIT_NAME 100              /* bytes of a person's name */
#define LIMIT_FIELD 64              /* bytes of a kind's or field's name */
#define LIMIT_REASON 500            /* bytes of a drop's reason */
#define LIMIT_RUN (64u << 10)       /* plain bytes of a run of several */
#define LIMIT_RUN_ONE (512u << 10)  /* plain bytes of a run of one */
#define LIMIT_FRAME (16u << 10)     /* payload bytes of a frame */
#define LIMIT_MESSAGE (4u << 20)    /* bytes of a message over many frames */
#define LIMIT_WINDOW (4u << 20)     /* bytes of runs sent and not yet Held */
#define LIMIT_WANTS 64              /* blobs asked for and not yet answered */
#define LIMIT_BYE 200               /* bytes of a reason told to a peer */
#define LIMIT_REFUSALS 1000         /* chains refused in one session */
#define LIMIT_ASKS 65536            /* Asks in one session, each way */
#define LIMIT_EVIDENCE 4096         /* pieces of evidence in one session */
#define LIMIT_TAKE_HOUR 500000      /* changesets taken from a peer an hour */
#define LIMIT_TAKE_DAY (4ll << 30)  /* plain bytes taken from a peer a day */
#define LIMIT_ROSTER (1u << 20)     /* bytes of one roster document */
#define LIMIT_ROSTER_KEYS 16        /* root keys, signatures, keys a station */
#define LIMIT_STATIONS 4096         /* entries of one roster document */
#define LIMIT_AUDITORS 256          /* auditors in one roster document */
#define LIMIT_PEERS 4096            /* pairs of peers in a document */
#define LIMIT_DECIDED 256           /* decisions in the root part */
#define LIMIT_VERSIONS 65536        /* hashes in one message Versions */
#define LIMIT_FETCHED 65536         /* documents, and their bytes, in a */
#define LIMIT_FETCHED_BYTES (256ll << 20) /* session of rosters alone */
#define LIMIT_INCS 64                     /* incarnations under one key */
#define LIMIT_ENDS 4096                   /* ends of one key or former parent */
#define LIMIT_FORMER 16                   /* former parents of a station */
#define LIMIT_TREE 16                     /* levels of stations */
#define LIMIT_INVITATION 4096             /* bytes of an invitation */
#define LIMIT_REQUEST 2048                /* bytes of a request to join */
#define LIMIT_ROTATION (1u << 20)         /* bytes of a request to rotate */
#define LIMIT_PROPOSAL_SIGS (16u << 10)   /* bytes of FILE.sig */
/* Chains named in one session: a List, or a receipt, of all of them is one
 * message, at 112 bytes each at most. */
#define LIMIT_HEADS 32768
#define LIMIT_BLOB (16u << 20)      /* bytes of an attachment */
#define LIMIT_BACKUP_KEYS 4096      /* bytes of HOME/backup-keys */
#define LIMIT_BACKUP (1ll << 38)    /* bytes of a backup's files */
#define LIMIT_BACKUP_FILES 10000000 /* files in a backup */
#define LIMIT_SEQ (1ll << 40)       /* changesets in a chain */
#define LIMIT_MEMORY (256u << 20)   /* bytes a receiver may map; and of its */
#define LIMIT_CACHE_KIB 16384       /* KiB of pages kept of each database */
#define LIMIT_TIME_MAX 253402271999999ll /* 9999-12-31T23:59:59.999+08:00 */

#endif
