// Package e2e holds tests only: both programs in one process, or as the real
// binaries, used as people use them.
//
//	story_test.go     reads testdata/stories/*.txt and plays them
//	world_test.go     starts idp and tracker beside each other, clock held
//	stories_test.go   every story: in process on SQLite and PostgreSQL, and in Chromium
//	pages_test.go     every page in Chromium: accessibility, weight; `make screens` keeps its pictures
//	attack_*_test.go  what somebody hostile tries, by subject; attack_tools_test.go has their tools
//	binary_test.go    the real idp as a process of its own
//	kill_test.go      kill -9 in the middle, then a look for half states
//	load/             a program: `make bench` and `make soak` measure the real idp with it
package e2e
