package observe

import (
	"io"
	"sync"
	"time"
)

const (
	// logWaits is how long a line of the log may wait for others: a write for each
	// request costs more than making the line.
	logWaits = 100 * time.Millisecond
	// logHolds is how many bytes wait at most.
	logHolds = 32 << 10
)

// Buffer collects lines for a log and writes them together, a moment later or when
// there are many. What waits when the process is killed is lost; Flush writes it now.
type Buffer struct {
	to io.Writer

	mu      sync.Mutex
	waiting []byte
	timer   *time.Timer // runs while something waits
}

// NewBuffer gives a buffer in front of to. Call Flush at the end.
func NewBuffer(to io.Writer) *Buffer { return &Buffer{to: to} }

// Write takes a line. What goes wrong with writing it later is nobody's business, as it
// is with any log.
func (b *Buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := len(b.waiting) == 0
	b.waiting = append(b.waiting, line...)
	switch {
	case len(b.waiting) >= logHolds:
		b.flush()
	case first && b.timer == nil:
		b.timer = time.AfterFunc(logWaits, b.Flush)
	case first:
		b.timer.Reset(logWaits)
	}
	return len(line), nil
}

// Flush writes what waits.
func (b *Buffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

func (b *Buffer) flush() {
	if b.timer != nil {
		b.timer.Stop()
	}
	if len(b.waiting) > 0 {
		b.to.Write(b.waiting)
		b.waiting = b.waiting[:0]
	}
}
