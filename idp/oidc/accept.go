package oidc

import (
	"net/http"
	"strings"

	"tegata/shared/serve"
)

// prefersTo tells whether the request asks for the media type by its name, and wants it no
// less than the other one, which it may mean by a range. RFC 9110 §12.5.1.
func prefersTo(r *http.Request, kind, other string) bool {
	named, rest, precision := 0.0, 0.0, 0
	for _, line := range r.Header["Accept"] {
		for one := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(one, ";")
			name = strings.TrimSpace(name)
			if strings.EqualFold(name, kind) {
				named = max(named, quality(parameters))
			}
			if p := precise(name, other); p > 0 && p >= precision {
				rest, precision = quality(parameters), p
			}
		}
	}
	return named > 0 && named >= rest
}

// precise tells how well the range meets the media type: the best one says how much that is
// wanted. 0 is not at all.
func precise(name, kind string) int {
	main, _, _ := strings.Cut(kind, "/")
	switch {
	case strings.EqualFold(name, kind):
		return 3
	case strings.HasSuffix(name, "/*") && strings.EqualFold(strings.TrimSuffix(name, "/*"), main):
		return 2
	case name == "*/*":
		return 1
	}
	return 0
}

// quality is the weight among the parameters, 1 where there is none. RFC 9110 §12.4.2.
func quality(parameters string) float64 {
	for one := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(one, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			return serve.Weight(strings.TrimSpace(value))
		}
	}
	return 1
}
