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
)

// disk is how long the disk of a run takes for one sync. No answer that was promised to be
// durable is quicker, and the slowest hundredth of them waits for the disk's own.
type disk struct{ P50, P99 float64 } // milliseconds

func (d disk) String() string { return fmt.Sprintf("%.1f ms, p99 %.1f ms", d.P50, d.P99) }

// syncs writes over a file and syncs it for a second, as the journal of a database does.
func syncs(folder string) (d disk, err error) {
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
	var took []float64
	piece := make([]byte, syncedBytes)
	for end := time.Now().Add(syncFor); time.Now().Before(end); {
		if _, err := f.WriteAt(piece, int64(len(took)*syncedBytes%journalSize)); err != nil {
			return d, err
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return d, err
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(took)
	return disk{took[len(took)/2], took[len(took)*99/100]}, nil
}
