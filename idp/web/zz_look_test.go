package web
import ("testing";"net/http";"net/http/httptest";"fmt";"os";"strconv";"tegata/shared/browser";"tegata/shared/serve";"log/slog")
func TestLook(t *testing.T) {
	set := testSet(t)
	all := samples()
	mux := http.NewServeMux()
	for i, s := range all { mux.Handle(fmt.Sprintf("GET /s/%d", i), set.Handler(func(w http.ResponseWriter, r *http.Request) error { return set.Show(w, r, s) })) }
	mux.Handle("GET /static/", set.Static())
	srv := httptest.NewServer(serve.Front{Log: slog.Default(), Problem: set.Status}.Handler(mux)); defer srv.Close()
	os.MkdirAll("/tmp/f/shots", 0o755)
	only := os.Getenv("LOOK")
	for _, c := range []struct{n string; w int; dark bool; l string}{{"ja-desk",1280,false,"ja"},{"ja-phone",360,false,"ja"},{"en-desk",1280,false,"en"},{"en-phone",360,false,"en"},{"ja-dark",1280,true,"ja"}} {
		if only != "" && only != c.n { continue }
		p := browser.Chromium(t, browser.Options{Width: c.w, Script: true, Dark: c.dark, Language: c.l})
		for i, s := range all { 
			p.Expect("status of 4"); p.Visit(srv.URL+"/s/"+strconv.Itoa(i)).Screenshot(fmt.Sprintf("/tmp/f/shots/%s-%02d-%s.png", c.n, i, s.Template)) }
	}
}
