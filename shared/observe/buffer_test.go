package observe_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tegata/shared/observe"
)

// written counts writes; a lock of its own, as the buffer's timer writes too.
type written struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.text.Write(b)
}

func (w *written) lines() (lines, writes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), "\n"), w.writes
}

func TestLinesOfTheLogShareAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to written
		log, err := observe.NewLogger(observe.NewBuffer(&to), "info", "text")
		if err != nil {
			t.Fatal(err)
		}
		for round := 1; round <= 2; round++ {
			for range 10 {
				log.Info("request")
			}
			if _, writes := to.lines(); writes != round-1 {
				t.Errorf("round %d: %d writes at once, want %d", round, writes, round-1)
			}
			time.Sleep(time.Second)
			if lines, writes := to.lines(); lines != 10*round || writes != round {
				t.Errorf("round %d: %d lines in %d writes, want %d in %d", round, lines, writes, 10*round, round)
			}
		}
	})
}

func TestWarningsDoNotWait(t *testing.T) {
	var to written
	log, _ := observe.NewLogger(observe.NewBuffer(&to), "info", "json")
	log.Info("before")
	log.With("a", 1).WithGroup("g").Warn("trouble")
	if lines, writes := to.lines(); lines != 2 || writes != 1 {
		t.Errorf("%d lines in %d writes, want both in one", lines, writes)
	}
}

func TestAFullBufferIsWritten(t *testing.T) {
	var to written
	b := observe.NewBuffer(&to)
	line := []byte(strings.Repeat("x", 1023) + "\n")
	for range 100 {
		b.Write(line)
	}
	if lines, _ := to.lines(); lines < 64 {
		t.Errorf("%d of 100 KB are written, want all but what may wait", lines)
	}
	b.Flush()
	if lines, _ := to.lines(); lines != 100 {
		t.Errorf("%d lines after Flush, want 100", lines)
	}
}
