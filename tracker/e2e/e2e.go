// Package e2e holds tests only: both programs in one process, or as the real
// binaries, used as people use them.
//
//	story_test.go     reads testdata/stories/*.txt and plays them
//	world_test.go     starts idp and tracker beside each other, clock held
//	stories_test.go   every story: in process on SQLite and PostgreSQL, and in Chromium
//	screens_test.go   `make screens`: a picture of every page
//	kill_test.go      kill -9 at each step, then look for half states
//	weight_test.go    bytes and requests of every page
//	bench_test.go     `make bench`: sign-ins a second, start, memory
package e2e
