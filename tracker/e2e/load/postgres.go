package main

import "time"

// postgres is a server of our own, whose CPU is told apart from the provider's.
type postgres struct {
	url string
	pid int
}

func (p *postgres) cpu() time.Duration { return familyCPU(p.pid) }
