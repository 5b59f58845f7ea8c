package main

import (
	"fmt"
	"net/http"
	"os"
)

// fixedBody is what the measure answers with: about as long as a token answer.
var fixedBody = []byte(`{"fixed":"An answer that is always the same, so that it shows what HTTP alone costs on this machine."}`)

// serveFixed is this program as the measure: a plain net/http handler with a fixed
// small answer.
func serveFixed(addr string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(fixedBody)
	})
	return http.ListenAndServe(addr, mux)
}

// startFixed starts the measure as a process of its own.
func startFixed(folder string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := launch(folder, "fixed", nil, self, "fixed", addr)
	if err != nil {
		return nil, err
	}
	_, err = p.ready("http://" + addr + "/")
	return &target{name: "fixed", addr: addr, host: addr, process: p}, err
}
