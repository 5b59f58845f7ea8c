package web

import "net/http"

// Mount puts the pages on mux; these are all their URLs. The log-in has its own
// table in tracker/sso.
func (p *Pages) Mount(mux *http.ServeMux) {
	mux.Handle("GET /{$}", p.Set.Handler(p.start))
	mux.Handle("GET /help", p.Set.Handler(p.help))
	mux.Handle("GET /contact", p.Set.Handler(p.contact))
	mux.Handle("POST /language", p.Set.Switch())
	mux.Handle("GET /static/", p.Set.Static())

	mux.Handle("GET /welcome", p.known(p.welcome))
	mux.Handle("GET /welcome/address", p.known(p.showWelcomeAddress))
	mux.Handle("POST /welcome/address", p.known(p.welcomeAddress))
	mux.Handle("GET /welcome/settings", p.known(p.showWelcomeSettings))
	mux.Handle("POST /welcome/settings", p.known(p.welcomeSettings))

	mux.Handle("GET /home", p.personal(p.home))
	mux.Handle("GET /personal", p.personal(p.showMyInformation))
	mux.Handle("POST /personal", p.personal(p.updateInformation))
	mux.Handle("GET /personal/addresses", p.personal(p.showAddresses))
	mux.Handle("POST /personal/addresses", p.personal(p.updateAddress))
	mux.Handle("GET /personal/settings", p.personal(p.showSettings))
	mux.Handle("POST /personal/settings", p.personal(p.updateSettings))

	mux.Handle("GET /certifications", p.personal(p.section("certifications")))
	mux.Handle("GET /testing-history", p.personal(p.section("testing_history")))
	mux.Handle("GET /transcripts", p.personal(p.section("transcripts")))
	mux.Handle("GET /schedule", p.personal(p.section("schedule")))
}
