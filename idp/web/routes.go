package web

import (
	"net/http"

	"tegata/shared/serve"
)

// action is what a page does with a request; page.Set answers its errors.
type action = func(w http.ResponseWriter, r *http.Request) error

// route is one page. HEAD is GET without its body, and does no more than that.
type route struct {
	pattern string // method and path
	act     action
}

// routes is every page URL.
func (p *Pages) routes() []route {
	return []route{
		{"GET /{$}", p.home},
		{"GET /login", p.showLogin},
		{"POST /login", p.identify},
		{"GET /login/password", p.showPassword},
		{"POST /login/password", p.logIn},
		{"GET /login/account", p.showAccount},
		{"POST /login/account", p.chooseAccount},
		{"GET /terms/accept", p.showTerms},
		{"POST /terms/accept", p.acceptTerms},
		{"GET /consent", p.showConsent},
		{"POST /consent", p.consent},
		{"GET /device", p.showDevice},
		{"POST /device", p.typeDevice},
		{"GET /device/confirm", p.showDeviceConfirm},
		{"POST /device/confirm", p.confirmDevice},
		{"GET /device/done", p.showDeviceEnd("device.done_title", "device.done")},
		{"GET /device/denied", p.showDeviceEnd("device.denied_title", "device.denied_text")},
		{"GET /signup", p.showSignUp},
		{"POST /signup", p.signUp},
		{"GET /signup/sent", p.showSent},
		{"POST /signup/sent", p.sent},
		{"GET /activate", p.showActivate},
		{"POST /activate", p.activate},
		{"GET /activate/done", p.showActivated},
		{"GET /logout", p.showLogout},
		{"POST /logout", p.logout},
		{"GET /profile", p.showProfile},
		{"GET /profile/apps", p.showApps},
		{"POST /profile/apps", p.endApp},
		{"GET /doctor", p.showDoctor},
		{"GET /help", p.showHelp},
		{"GET /guide", p.article("guide.title", "guide.body")},
		{"GET /contact", p.showContact},
		{"GET /privacy", p.article("privacy.title", "privacy.body")},
		{"GET /terms", p.article("terms.title", "terms.body")},
		{"GET /cookies", p.article("cookies.title", "cookies.body")},
		{"GET /trademarks", p.article("trademarks.title", "trademarks.body")},
		{"GET /forgot-password", p.article("forgot_password.title", "forgot_password.body")},
		{"GET /forgot-email", p.article("forgot_email.title", "forgot_email.body")},
	}
}

// developmentRoutes exist only where there is a postbox.
func (p *Pages) developmentRoutes() []route {
	return []route{
		{"GET /dev/postbox", p.showPostbox},
		{"GET /dev/postbox.json", p.postboxJSON},
	}
}

// Mount puts every page behind mux. What else is on mux has longer patterns than the
// "/" of the pages, so it wins, and the refusal of cross-site posts does not reach it.
func (p *Pages) Mount(mux *http.ServeMux) {
	pages := http.NewServeMux()
	routes := p.routes()
	if p.Postbox != nil {
		routes = append(routes, p.developmentRoutes()...)
	}
	for _, route := range routes {
		pages.Handle(route.pattern, p.Page.Handler(route.act))
	}
	pages.Handle("POST /language", p.Page.Switch())
	pages.Handle("GET /static/", p.Page.Static())
	mux.Handle("/", serve.Chain(serve.Routed(p.Page.Around(pages)),
		unlisted, serve.CrossSite(p.Page.Status), serve.Forms(p.Page.Status)))
}

// unlisted keeps the pages out of search engines: people reach them from a service,
// and links in mails are nobody else's business.
func unlisted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		next.ServeHTTP(w, r)
	})
}
