package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	syncedBytes = 16 << 10 // about what a commit that a few share adds to the journal
	journalSize = 16 << 20
	syncFor     = time.Second

	pauseBetween = 2 * time.Millisecond // commits at half of the best rate come about that far apart
)

// disk is how long the disk of a run takes for one sync: right after the last one, and after
// a pause, as at half of the best rate, where some disks take ten times as long. No answer
// that was promised to be durable is quicker, and one that comes while another is synced
// waits for both.
type disk struct{ Busy, Paused syncs }

// syncs are some of them, in milliseconds.
type syncs struct{ P50, P99 float64 }

func (d disk) String() string {
	return fmt.Sprintf("%.1f ms, p99 %.1f ms (%.1f and %.1f after a pause)", d.Busy.P50, d.Busy.P99, d.Paused.P50, d.Paused.P99)
}

// measureDisk writes over a file and syncs it, as the journal of a database does.
func measureDisk(folder string) (d disk, err error) {
	f, err := os.Create(filepath.Join(folder, "synced"))
	if err != nil {
		return d, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(make([]byte, journalSize)); err != nil {
		return d, err
	}
	if err := f.Sync(); err != nil {
		return d, err
	}
	if d.Busy, err = syncAgain(f, 0); err == nil {
		d.Paused, err = syncAgain(f, pauseBetween)
	}
	return d, err
}

// syncAgain does it for a second, with a pause before each.
func syncAgain(f *os.File, pause time.Duration) (syncs, error) {
	var took []float64
	piece := make([]byte, syncedBytes)
	for end := time.Now().Add(syncFor); time.Now().Before(end); {
		time.Sleep(pause)
		if _, err := f.WriteAt(piece, int64(len(took)*syncedBytes%journalSize)); err != nil {
			return syncs{}, err
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return syncs{}, err
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(took)
	return syncs{took[len(took)/2], took[len(took)*99/100]}, nil
}
