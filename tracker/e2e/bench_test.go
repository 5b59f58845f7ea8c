package e2e_test

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkSignedInCodeFlow is authorize → code → token over real HTTP against the
// real binary on SQLite with durable commits, by 16 browsers that are signed in. It
// prints flows a second, what one costs the server's CPU, and the token endpoint's
// latencies.
func BenchmarkSignedInCodeFlow(b *testing.B) {
	idp := build(b)
	idp.start()
	verifier := strings.Repeat("v", 43)
	browsers := make([]*http.Client, callers)
	for i := range browsers {
		browsers[i], _ = idp.signIn(verifier)
		browsers[i].Transport = &http.Transport{MaxIdleConnsPerHost: 4}
	}
	load(b, idp, func(caller int) (took time.Duration, wrong string) {
		browser := browsers[caller]
		code := idp.codeIn(idp.must(browser.Get(idp.authorizeURL(verifier))))
		began := time.Now()
		if idp.redeem(browser, code, verifier) == "" {
			wrong = "a code was refused"
		}
		return time.Since(began), wrong
	})
}

// callers is how many call at once.
const callers = 16

// load lets the callers work b.N times and reports how often a second, what one time
// costs the server's CPU, and the latencies that do measured.
func load(b *testing.B, idp *binary, do func(caller int) (took time.Duration, wrong string)) {
	var (
		mu    sync.Mutex
		all   []time.Duration
		work  = make(chan struct{})
		group sync.WaitGroup
	)
	before := idp.cpu()
	b.ResetTimer()
	for caller := range callers {
		group.Go(func() {
			for range work {
				took, wrong := do(caller)
				if wrong != "" {
					b.Error(wrong)
				}
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	group.Wait()
	b.StopTimer()
	slices.Sort(all)
	cpu := idp.cpu() - before
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "times/s")
	b.ReportMetric(float64(b.N)/cpu.Seconds(), "times/cpu-s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "cpu-µs/time")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkColdStart is the time from exec to the first 200 of /readyz with a database
// that exists.
func BenchmarkColdStart(b *testing.B) {
	idp := build(b)
	idp.start()
	idp.kill()
	for b.Loop() {
		idp.start()
		b.StopTimer()
		idp.kill()
		b.StartTimer()
	}
}

// BenchmarkIdleMemory is what the program keeps at rest after a start.
func BenchmarkIdleMemory(b *testing.B) {
	idp := build(b)
	idp.start() // seeds the demo people, which hashes their passwords
	idp.kill()
	idp.start()
	time.Sleep(3 * time.Second)
	for b.Loop() {
	}
	b.ReportMetric(idp.resident(), "MB")
}

// cpu is the processor time that the server has used.
func (b *binary) cpu() time.Duration {
	b.t.Helper()
	stat := strings.Fields(b.proc("stat")) // the program's name has no space
	user, _ := strconv.Atoi(stat[13])
	system, _ := strconv.Atoi(stat[14])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// resident is the memory that the server holds, in MB.
func (b *binary) resident() float64 {
	b.t.Helper()
	for line := range strings.Lines(b.proc("status")) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kB / 1024
		}
	}
	return 0
}

func (b *binary) proc(file string) string {
	b.t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(b.cmd.Process.Pid) + "/" + file)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}
