/* The replication protocol of one shard on three members, for exhaustive search with spin. docs/replication.md explains it
 * beside the code.
 *
 * Bounds (-D): EPOCHS, RECORDS (decided by clients; each opening adds one), CRASHES (of a primary, which loses what it has
 * not synced; a follower has nothing to lose, so its crash is the same as silence), CHANGES (of in_sync, asked for by
 * primaries), LOSSES (disks emptied). READS adds leases, reads and handovers.
 *
 * Broken rules (-D), each of which must be found: NO_EPOCH_CHECK, EPOCH_REUSED, SHRINK_WITHOUT_CAS, GROW_OLD_SET_ACK,
 * GROW_BEHIND, FAILOVER_OUT_OF_SYNC, EMPTY_DISK_ELECTED, OWN_DISK_NOT_COUNTED, READ_WITHOUT_LEASE, PROMISE_NOT_KEPT,
 * RESTART_DOES_NOT_WAIT.
 *
 * SHOW_ALL makes it an error that all of it can happen in one run, to show that nothing above holds for want of trying.
 *
 * The network is the set of all messages ever sent: any of them may arrive at any time, any number of times, in any order,
 * or never. What a primary sends is its sequence, which only grows as long as it leads; so its messages are kept as that
 * sequence. An acknowledgement stays true as long as its epoch lasts; so only the furthest is kept, and a primary that did
 * not get it yet is one that has not acted on it yet.
 *
 * Time is in the model as what it guarantees: a lease ends before the promise that it rests on. */

#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef RECORDS
#define RECORDS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef LOSSES
#define LOSSES 0
#endif

#if EPOCHS > 3 || EPOCHS + RECORDS > 5
#error "sequences hold five records of three openings"
#endif

#define MIN 2       /* min_in_sync */
#define LONGEST 5   /* EPOCHS openings and RECORDS records */

/* A sequence: two bits a record, which say the opening under which it was decided (1 to 3; 0: no record). With its index
 * that names a record. */
#define AT(l, i) (((l) >> (2 * ((i) - 1))) & 3)
#define UPTO(l, k) ((l) & ((1 << (2 * (k))) - 1))
#define LEN(l) ((l) == 0 -> 0 : ((l) < 4 -> 1 : ((l) < 16 -> 2 : ((l) < 64 -> 3 : ((l) < 256 -> 4 : 5)))))
#define STARTS_WITH(l, prefix) (UPTO(l, LEN(prefix)) == (prefix))

#define BIT(n) (1 << (n))
#define HAS(set, n) ((set) & BIT(n))
#define SIZE(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1))

/* The coordinator's record. */
byte rev = 1;
byte epoch = 1;
byte owner = 0;
byte in_sync = 7;

/* Members. */
short log[3];       /* of a follower: on disk; of a primary: decided */
byte disk[3];       /* of a primary: how much of it is on disk */
byte seen[3];       /* highest epoch, on disk */
byte leads[3];      /* the opening under which it is primary; 0: follower */
byte given[3];      /* an epoch given to it and not opened yet, ... */
byte given_set[3];  /* ... as the record was then */
byte given_rev[3];
bool replaced[3];   /* its disk is another one than the record names */

/* What a primary knows. */
byte set[3];
byte wanted[3];     /* a change is under way, or its outcome unknown */
byte known_rev[3];
byte committed[3];
byte lease[3];      /* whose promises it reads on */
bool giving[3];     /* it reads no more, until it sees that its handover was refused */

/* Changes asked of the coordinator: may be done at any time or never. */
byte ask_set[3];
byte ask_rev[3];
byte ask_owner[3];  /* 1 + the member to hand over to */

/* Openings, in order, and what was sent under them. */
byte openings = 0;
byte epoch_of[4];
byte opener[4];
short sent[4];
byte acked[12];     /* [epoch * 3 + member]: the furthest acknowledgement */
bool at_once[4];    /* [epoch]: given by a handover, or to who served before: nobody else can be reading */

/* What somebody was told: the longest committed sequence. */
short told;

byte crashes, changes, losses, records;
hidden byte i, m;
hidden short l;

#define ACKED(e, n) acked[(e) * 3 + (n)]
#define ON_DISK(n) (leads[n] -> UPTO(log[n], disk[n]) : log[n])
#define COUNTED(n) (set[n] | wanted[n])

/* Of a primary: the records before its opening one. */
#define BEFORE_OPENING(n) (AT(log[n], 1) == leads[n] || LEN(log[n]) == 0 -> 0 : \
  (AT(log[n], 2) == leads[n] || LEN(log[n]) == 1 -> 1 : \
  (AT(log[n], 3) == leads[n] || LEN(log[n]) == 2 -> 2 : \
  (AT(log[n], 4) == leads[n] || LEN(log[n]) == 3 -> 3 : 4))))
#define OPENED(n) (committed[n] > BEFORE_OPENING(n))

/* Every member that may be elected has all that anybody was told; nobody leads under a later epoch without it. */
inline check_nothing_lost() {
  i = 0;
  do
  :: i < 3 ->
     assert(!HAS(in_sync, i) || replaced[i] || STARTS_WITH(ON_DISK(i), told));
     assert(!leads[i] || seen[i] != epoch || STARTS_WITH(log[i], told));
     i++
  :: else -> break
  od;
  i = 0
}

inline stop_leading(n) {
  i = 0;
  do
  :: i < 3 -> ACKED(epoch_of[leads[n]], i) = 0; i++
  :: else -> break
  od;
  i = 0;
  leads[n] = 0; disk[n] = 0; set[n] = 0; wanted[n] = 0; known_rev[n] = 0; committed[n] = 0; lease[n] = 0; giving[n] = 0
}

/* Messages under epochs that everyone is past arrive in vain. */
inline forget_the_past() {
#ifndef NO_EPOCH_CHECK
  i = 1;
  do
  :: i <= openings ->
     if
     :: seen[0] > epoch_of[i] && seen[1] > epoch_of[i] && seen[2] > epoch_of[i] -> sent[i] = 0
     :: else
     fi;
     i++
  :: else -> break
  od;
  i = 0;
#endif
  if :: given[0] <= seen[0] -> given[0] = 0; given_set[0] = 0; given_rev[0] = 0 :: else fi;
  if :: given[1] <= seen[1] -> given[1] = 0; given_set[1] = 0; given_rev[1] = 0 :: else fi;
  if :: given[2] <= seen[2] -> given[2] = 0; given_set[2] = 0; given_rev[2] = 0 :: else fi
}

/* Changes asked for on an older revision will be refused. */
inline forget_refused() {
#ifndef SHRINK_WITHOUT_CAS
  i = 0;
  do
  :: i < 3 ->
     if
     :: ask_rev[i] != rev -> ask_set[i] = 0; ask_rev[i] = 0; ask_owner[i] = 0
     :: else
     fi;
     i++
  :: else -> break
  od;
  i = 0
#else
  skip
#endif
}

/* Member n takes note of the epoch of opening t; if it was primary, what it had decided is on its disk by now, or was lost
 * in a crash before. */
inline follow(n, t) {
  if
  :: epoch_of[t] > seen[n] -> seen[n] = epoch_of[t]
  :: else
  fi;
  if
  :: leads[n] -> stop_leading(n)
  :: else
  fi
}

#ifdef NO_EPOCH_CHECK
#define TAKES(n, t) (t <= openings && leads[n] != t && opener[t] != n)
#else
#define TAKES(n, t) (t <= openings && sent[t] && opener[t] != n && epoch_of[t] >= seen[n])
#endif

/* Record k of opening t arrives. */
#define TAKE(n, t, k) \
  :: d_step { TAKES(n, t) && k <= LEN(sent[t]) && k <= LEN(log[n]) + 1 && \
       (k == 1 || epoch_of[AT(log[n], k - 1)] == epoch_of[AT(sent[t], k - 1)]) && \
       (ACKED(epoch_of[t], n) < k || epoch_of[AT(log[n], k)] != epoch_of[AT(sent[t], k)]) -> \
       follow(n, t); \
       if \
       :: epoch_of[AT(log[n], k)] == epoch_of[AT(sent[t], k)] \
       :: else -> log[n] = UPTO(log[n], k - 1) | (AT(sent[t], k) << (2 * (k - 1))) \
       fi; \
       /* No divergence survives. */ \
       assert(UPTO(log[n], k) == UPTO(sent[t], k)); \
       if \
       :: !replaced[n] && (leads[0] == t || leads[1] == t || leads[2] == t) && ACKED(epoch_of[t], n) < k -> \
          ACKED(epoch_of[t], n) = k \
       :: else \
       fi; \
       check_nothing_lost(); forget_the_past() }

inline open(n, with_set, with_rev) {
  openings++;
  epoch_of[openings] = seen[n]; opener[openings] = n;
  leads[n] = openings;
  disk[n] = LEN(log[n]);
  set[n] = with_set;
  known_rev[n] = with_rev;
  sent[openings] = log[n];
  /* Nothing that was told is lost, and one primary writes under an epoch. */
  assert(seen[n] != epoch || STARTS_WITH(log[n], told));
#ifndef EPOCH_REUSED
  assert(openings == 1 || epoch_of[openings] != epoch_of[openings - 1]);
#endif
  forget_the_past()
}

/* The record gives n an epoch that its disk has not seen. */
#define OPEN_GIVEN(n) \
  :: d_step { given[n] > seen[n] && openings < EPOCHS -> \
       if :: leads[n] -> stop_leading(n) :: else fi; \
       seen[n] = given[n]; open(n, given_set[n], given_rev[n]) }

/* The record names n, but its disk has seen that epoch: it asks for the next one. */
#ifdef EPOCH_REUSED
#define NEXT_EPOCH 0
#else
#define NEXT_EPOCH 1
#endif
/* Its own records of the epoch before tell that it had waited already. */
#ifdef RESTART_DOES_NOT_WAIT
#define SERVED(n) (epoch < EPOCHS)
#else
#define SERVED(n) (epoch < EPOCHS && LEN(log[n]) > 0 && epoch_of[AT(log[n], LEN(log[n]))] == epoch)
#endif
#define OPEN_AGAIN(n) \
  :: d_step { !leads[n] && !replaced[n] && owner == n && seen[n] == epoch && openings < EPOCHS && \
       epoch + NEXT_EPOCH <= EPOCHS -> \
       if :: SERVED(n) -> at_once[epoch + 1] = 1 :: else fi; \
       epoch = epoch + NEXT_EPOCH; rev = rev + NEXT_EPOCH; seen[n] = epoch; forget_refused(); open(n, in_sync, rev) }

/* A new primary writes its opening record when nobody can be reading on its promise. */
#ifdef PROMISE_NOT_KEPT
#define PROMISED(n) 0
#else
#define PROMISED(n) (HAS(lease[0] | lease[1] | lease[2], n) && !at_once[seen[n]])
#endif
#define DECIDE_OPENING(n) \
  :: d_step { leads[n] && BEFORE_OPENING(n) == LEN(log[n]) && !PROMISED(n) -> \
       log[n] = log[n] | (leads[n] << (2 * LEN(log[n]))); sent[leads[n]] = log[n]; sync_if_certain(n) }

#define DECIDE(n) \
  :: d_step { leads[n] && records < RECORDS && OPENED(n) && !giving[n] -> \
       records++; log[n] = log[n] | (leads[n] << (2 * LEN(log[n]))); sent[leads[n]] = log[n]; sync_if_certain(n) }

/* Once no crash comes any more, it does not matter when. */
inline sync_if_certain(n) {
  if
  :: crashes == CRASHES -> disk[n] = LEN(log[n])
  :: else
  fi
}
#define SYNC(n) \
  :: d_step { leads[n] && disk[n] < LEN(log[n]) -> disk[n] = LEN(log[n]) }

/* The acknowledge rule. */
#ifdef GROW_OLD_SET_ACK
#define MUST_HAVE(n) (SIZE(wanted[n]) > SIZE(set[n]) -> set[n] : COUNTED(n))
#else
#define MUST_HAVE(n) COUNTED(n)
#endif
#ifdef OWN_DISK_NOT_COUNTED
#define OWN(n) LEN(log[n])
#else
#define OWN(n) disk[n]
#endif
#define HAVE(n, k) \
  (OWN(n) >= (k) && \
   (n == 0 || !HAS(MUST_HAVE(n), 0) || ACKED(seen[n], 0) >= (k)) && \
   (n == 1 || !HAS(MUST_HAVE(n), 1) || ACKED(seen[n], 1) >= (k)) && \
   (n == 2 || !HAS(MUST_HAVE(n), 2) || ACKED(seen[n], 2) >= (k)))
#define COMMIT(n) \
  :: d_step { leads[n] && committed[n] < LEN(log[n]) && SIZE(set[n]) >= MIN && \
       HAVE(n, (BEFORE_OPENING(n) >= committed[n] -> BEFORE_OPENING(n) : committed[n]) + 1) -> \
       m = (BEFORE_OPENING(n) >= committed[n] -> BEFORE_OPENING(n) : committed[n]) + 1; \
       do \
       :: m < LEN(log[n]) && HAVE(n, m + 1) -> m++ \
       :: else -> break \
       od; \
       committed[n] = m; \
       l = UPTO(log[n], m); \
       /* Nobody was told anything else. */ \
       assert(LEN(told) <= m -> STARTS_WITH(l, told) : STARTS_WITH(told, l)); \
       if \
       :: LEN(told) < m -> told = l \
       :: else \
       fi; \
       m = 0; l = 0; \
       check_nothing_lost() }

/* The primary takes a member out, or one in that has all that may be committed. */
#define ENOUGH(n) (BEFORE_OPENING(n) >= committed[n] -> BEFORE_OPENING(n) : committed[n])
#ifdef GROW_BEHIND
#define CAUGHT_UP(n, x) 1
#else
#define CAUGHT_UP(n, x) (ACKED(seen[n], x) >= ENOUGH(n))
#endif
inline ask_change(n, to) {
  changes++;
  ask_set[n] = to;
  ask_rev[n] = known_rev[n];
#ifdef SHRINK_WITHOUT_CAS
  if
  :: SIZE(to) < SIZE(set[n]) -> set[n] = to
  :: else -> wanted[n] = to
  fi
#else
  wanted[n] = to;
  forget_refused()
#endif
}
#define SHRINK(n, x) \
  :: d_step { leads[n] && !wanted[n] && !giving[n] && changes < CHANGES && HAS(set[n], x) && SIZE(set[n]) > MIN -> \
       ask_change(n, set[n] & ~BIT(x)) }
#define GROW(n, x) \
  :: d_step { leads[n] && !wanted[n] && !giving[n] && changes < CHANGES && !HAS(set[n], x) && !replaced[x] && \
       CAUGHT_UP(n, x) -> \
       ask_change(n, set[n] | BIT(x)) }

/* The coordinator does what it was asked, if nothing has changed since. */
#define SWAP(n) \
  :: d_step { ask_set[n] -> \
       rev++; in_sync = ask_set[n]; ask_set[n] = 0; ask_rev[n] = 0; forget_refused(); check_nothing_lost() } \
  :: d_step { ask_owner[n] -> \
       rev++; epoch++; owner = ask_owner[n] - 1; ask_owner[n] = 0; ask_rev[n] = 0; forget_refused(); \
       at_once[epoch] = 1; given[owner] = epoch; given_set[owner] = in_sync; given_rev[owner] = rev }

/* A primary sees how the record stands. (That it was deposed it learns from a message, or when it is given a later epoch;
 * until then it goes on, which leaves all the more to go wrong.) */
#define LOOK(n) \
  :: d_step { leads[n] && known_rev[n] < rev && epoch == seen[n] -> \
       set[n] = in_sync; wanted[n] = 0; known_rev[n] = rev; giving[n] = 0 }

/* The controller gives the shard to another member in sync, whether the primary is dead or not. */
#ifdef FAILOVER_OUT_OF_SYNC
#define MAY_GET(x) 1
#else
#define MAY_GET(x) (HAS(in_sync, x) && !replaced[x])
#endif
inline give(x, with_set) {
  rev++; epoch++; in_sync = with_set; owner = x; forget_refused();
  given[x] = epoch; given_set[x] = in_sync; given_rev[x] = rev
}
/* Until the shard leaves member 0 the other two are alike, so let it go to member 1 first. (With three epochs it comes back
 * to member 0, if at all, under the last one.) */
#define ALIKE(x) ((x) == 2 && owner == 0)
#define FAIL_OVER(x) \
  :: d_step { epoch < EPOCHS && owner != x && !ALIKE(x) && MAY_GET(x) && (SIZE(in_sync) > MIN || !HAS(in_sync, owner)) -> \
       give(x, (in_sync & ~BIT(owner)) | BIT(x)) } \
  :: d_step { epoch < EPOCHS && owner != x && !ALIKE(x) && MAY_GET(x) -> give(x, in_sync | BIT(x)) }

#define CRASH(n) \
  :: d_step { leads[n] && crashes < CRASHES -> \
       crashes++; log[n] = UPTO(log[n], disk[n]); stop_leading(n); \
       if :: leads[0] -> sync_if_certain(0) :: else fi; \
       if :: leads[1] -> sync_if_certain(1) :: else fi; \
       if :: leads[2] -> sync_if_certain(2) :: else fi }

/* A disk is lost. Its node comes back with an empty one, which is another member; it is a learner when nobody counts on the
 * old one any more. */
#ifdef EMPTY_DISK_ELECTED
#define IS_REPLACED(n) 0
#else
#define IS_REPLACED(n) 1
#endif
#define LOSE(n) \
  :: d_step { losses < LOSSES -> \
       losses++; \
       if :: leads[n] -> stop_leading(n) :: else fi; \
       log[n] = 0; seen[n] = 0; given[n] = 0; given_set[n] = 0; given_rev[n] = 0; replaced[n] = IS_REPLACED(n) } \
  :: d_step { replaced[n] && !HAS(in_sync | COUNTED(0) | COUNTED(1) | COUNTED(2) | given_set[0] | given_set[1] | given_set[2], n) -> \
       replaced[n] = 0; \
       ACKED(1, n) = 0; ACKED(2, n) = 0; ACKED(3, n) = 0 }

/* Leases: member x answers a heartbeat; a lease ends. */
#define LEND(n, x) \
  :: d_step { leads[n] && !giving[n] && !replaced[x] && seen[x] <= seen[n] && !HAS(lease[n], x) -> \
       if :: seen[x] < seen[n] -> follow(x, leads[n]); forget_the_past() :: else fi; \
       lease[n] = lease[n] | BIT(x) } \
  :: d_step { HAS(lease[n], x) -> lease[n] = lease[n] & ~BIT(x) }

/* Whoever may read knows all that anybody was told. */
#ifdef READ_WITHOUT_LEASE
#define LENT(n) 1
#else
#define LENT(n) ((COUNTED(n) & ~BIT(n) & ~lease[n]) == 0)
#endif
#define READ(n) \
  :: d_step { leads[n] && OPENED(n) && !giving[n] && LENT(n) && !STARTS_WITH(log[n], told) -> \
       assert(false) }

#define HAND_OVER(n, x) \
  :: d_step { leads[n] && OPENED(n) && committed[n] == LEN(log[n]) && !giving[n] && !wanted[n] && HAS(set[n], x) && \
       epoch < EPOCHS && known_rev[n] == rev && !ALIKE(x) -> \
       giving[n] = 1; ask_owner[n] = x + 1; ask_rev[n] = known_rev[n] }

/* All records told under three epochs, a primary crashed, one member taken out and another in, all in sync again. */
#define ALL_HAPPENED \
  :: d_step { LEN(told) == EPOCHS + RECORDS && AT(told, LEN(told)) == EPOCHS && crashes == CRASHES && changes == CHANGES && \
       in_sync == 7 && !wanted[owner] -> assert(false) }

#define EACH(A) A(0) A(1) A(2)
#define EACH_OTHER(A) A(0, 1) A(0, 2) A(1, 0) A(1, 2) A(2, 0) A(2, 1)
#define EACH_OPENING(A) A(0, 1) A(0, 2) A(0, 3) A(1, 1) A(1, 2) A(1, 3) A(2, 1) A(2, 2) A(2, 3)
#define TAKE_ANY(n, t) TAKE(n, t, 1) TAKE(n, t, 2) TAKE(n, t, 3) TAKE(n, t, 4) TAKE(n, t, 5)

active proctype shard() {
  given[0] = 1; given_set[0] = 7; given_rev[0] = 1;
end:
  do
  EACH(OPEN_GIVEN)
  EACH(OPEN_AGAIN)
  EACH(DECIDE_OPENING)
  EACH(DECIDE)
  EACH(SYNC)
  EACH(COMMIT)
  EACH_OPENING(TAKE_ANY)
  EACH_OTHER(SHRINK)
  EACH_OTHER(GROW)
  EACH(SWAP)
  EACH(LOOK)
  EACH(FAIL_OVER)
  EACH(CRASH)
#if LOSSES > 0
  EACH(LOSE)
#endif
#ifdef SHOW_ALL
  ALL_HAPPENED
#endif
#ifdef READS
  EACH_OTHER(LEND)
  EACH(READ)
  EACH_OTHER(HAND_OVER)
#endif
  od
}
