package db

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>

static void keep_memory(int above, int ahead) {
	mallopt(M_TRIM_THRESHOLD, above);
	mallopt(M_TOP_PAD, ahead);
}

// Weak: the driver brings it, and another package's symbols are not there yet when this
// one is compiled.
extern int sqlite3_config(int, ...) __attribute__((weak));

static int count_nothing(void) {
	return sqlite3_config ? sqlite3_config(9, 0) : -1; // SQLITE_CONFIG_MEMSTATUS
}
#else
static void keep_memory(int above, int ahead) {}
static int count_nothing(void) { return -1; }
#endif
*/
import "C"

import "sync"

const (
	// keepFree is how many bytes at the end of each of its areas the C library keeps
	// for the next need. Our readers' memory is bounded at 4 MB for each.
	keepFree = 8 << 20
	// growBy is how many bytes more than needed such an area grows.
	growBy = 256 << 10
)

// keepMemory tells the C library not to give memory back to the kernel all the time, and
// SQLite not to count what it takes, for which all connections share a lock. After each
// commit SQLite frees all pages that a reading connection holds and fetches them anew:
// glibc's threshold of 128 KB made that system calls and page faults. It has to come before
// the first connection of the process; where it cannot, all works as before.
var keepMemory = sync.OnceFunc(func() {
	C.keep_memory(keepFree, growBy)
	C.count_nothing()
})
