package page_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"tegata/shared/browser"
	"tegata/shared/fault"
	"tegata/shared/page"
)

func TestEachKindOfErrorHasItsStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{fault.New(fault.Invalid, "email", "email.form"), http.StatusBadRequest},
		{fault.New(fault.Denied, "", "x"), http.StatusForbidden},
		{fault.New(fault.NotFound, "", "x"), http.StatusNotFound},
		{fault.New(fault.Conflict, "", "x"), http.StatusConflict},
		{fault.New(fault.Expired, "", "x"), http.StatusGone},
		{fault.Later("x", time.Second), http.StatusTooManyRequests},
		{fault.New(fault.Busy, "", "x"), http.StatusServiceUnavailable},
		{&http.MaxBytesError{Limit: 1}, http.StatusRequestEntityTooLarge},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		{errors.New("anything else"), http.StatusInternalServerError},
	} {
		if got := page.StatusOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

// A page in Japanese gives no cause that the English one does not, and fits every request
// that the English one fits.
func TestAProblemIsTheSameOneInJapanese(t *testing.T) { // S-013
	ada := browser.InProcess(t, browser.Options{Base: site(t), Language: "ja"})
	ada.Visit("/refused/503-late").Sees("混み合っているか、一時的に応答できない状態です。しばらくしてから、もう一度お試しください。")
	ada.Visit("/language").Title("この方法ではページを開けません") // every method that is not allowed comes here
}
