package page

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"tegata/shared/fault"
	"tegata/shared/serve"
)

// statuses answers each kind of refusal.
var statuses = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Invalid: http.StatusBadRequest,
	fault.Denied: http.StatusForbidden, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	fault.Expired: http.StatusGone, fault.TooMany: http.StatusTooManyRequests, fault.Busy: http.StatusServiceUnavailable,
}

// StatusOf gives the HTTP status of an error by its kind.
func StatusOf(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, context.DeadlineExceeded) && fault.Of(err) == nil {
		return http.StatusServiceUnavailable // serve.Front's deadline: too much to do right now
	}
	return statuses[fault.KindOf(err)]
}

// Handler makes a page of f. Before f runs, the form is parsed and the language
// chosen; what f gives back as an error becomes a problem page.
func (s *Set) Handler(f func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		formErr := r.ParseForm()
		r = s.choose(w, r)
		if formErr != nil {
			s.Problem(w, r, badForm(formErr))
			return
		}
		if err := f(w, r); err != nil {
			s.Problem(w, r, err)
		}
	})
}

// badForm tells a body that is too large from one that is no form.
func badForm(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fault.Wrap(fault.Invalid, "problem.400.text", err)
}

// problem is the data of the problem page.
type problem struct {
	Status int
	Title  string // key of its title, "" for the usual one
	Text   string // "" for the usual one
	Cause  string // in development
	Wait   int    // seconds
}

// Problem answers err as a page: its status by its kind, its sentence by its key,
// with the title problem.title.KEY where there is one, and the request id. The cause of an internal error goes to the log, once.
func (s *Set) Problem(w http.ResponseWriter, r *http.Request, err error) {
	p := problem{Status: StatusOf(err)}
	if p.Status == http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "a page failed", "cause", err, "request_id", serve.RequestID(r.Context()), "path", r.URL.Path)
	}
	if s.Development {
		p.Cause = err.Error()
	}
	if f := fault.Of(err); f != nil {
		lang := s.Language(r)
		v := &View{Lang: lang, set: s, Brand: s.brands[lang]}
		if f.Kind != fault.Internal && v.Has(f.Key) {
			p.Text = v.sentence(f)
			if key := "problem.title." + f.Key; v.Has(key) {
				p.Title = key
			}
		}
		if f.RetryAfter > 0 {
			p.Wait = int(math.Ceil(f.RetryAfter.Seconds()))
		}
	}
	s.problem(w, r, p)
}

// Status answers with a problem page for a bare status: it is a serve.Problem.
func (s *Set) Status(w http.ResponseWriter, r *http.Request, status int) {
	s.problem(w, r, problem{Status: status})
}

var _ serve.Problem = (*Set)(nil).Status

func (s *Set) problem(w http.ResponseWriter, r *http.Request, p problem) {
	if p.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.Wait)) // RFC 9110 §10.2.3
	}
	title := cmp.Or(p.Title, "problem."+strconv.Itoa(p.Status)+".title")
	if !s.Catalog.Has(title) {
		title = "problem.400.title"
		if p.Status >= 500 {
			title = "problem.500.title"
		}
	}
	if err := s.Show(w, r, Page{Template: "problem", Title: title, Status: p.Status, Data: p}); err != nil {
		s.Log.ErrorContext(r.Context(), "the problem page failed", "cause", err)
		http.Error(w, http.StatusText(p.Status), p.Status)
	}
}

// TextKey is the key of the usual sentence for the status.
func (p problem) TextKey() string { return "problem." + strconv.Itoa(p.Status) + ".text" }

// Around lets mux answer what it knows and shows our pages for 404 and 405 else.
func (s *Set) Around(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		plain := &answer{header: http.Header{}}
		h.ServeHTTP(plain, r)
		for _, name := range []string{"Allow", "Location"} {
			if value := plain.header.Get(name); value != "" {
				w.Header().Set(name, value)
			}
		}
		if plain.status < http.StatusBadRequest { // the mux mends paths such as //login
			w.WriteHeader(plain.status)
			return
		}
		s.Status(w, s.choose(w, r), plain.status)
	})
}

// answer keeps what the mux would have said.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }
