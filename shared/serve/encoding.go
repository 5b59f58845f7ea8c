package serve

import (
	"net/http"
	"strconv"
	"strings"
)

// TakesGzip tells whether the caller shall get a body gzipped that we have plain too.
// RFC 9110 §12.5.3
func TakesGzip(r *http.Request) bool {
	lines := r.Header["Accept-Encoding"]
	if len(lines) == 0 {
		return false // all codings are acceptable to it then, but it may know none
	}
	if len(lines) == 1 && lines[0] == "gzip" { // Go's client
		return true
	}
	const unsaid = -1
	packed, plain, others := float64(unsaid), float64(unsaid), float64(unsaid)
	for _, line := range lines {
		for one := range strings.SplitSeq(line, ",") {
			coding, parameters, _ := strings.Cut(one, ";")
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				packed = max(packed, weight(parameters))
			case "identity":
				plain = max(plain, weight(parameters))
			case "*":
				others = max(others, weight(parameters))
			}
		}
	}
	if packed == unsaid {
		packed = others
	}
	if plain == unsaid {
		plain = others
	}
	if packed == unsaid {
		return plain == 0 // anything but plain is what it asks for
	}
	return packed > 0 && packed >= plain
}

// Has tells whether the caller has the representation with that strong entity tag, in its
// quotes, so that 304 is the answer to a GET. RFC 9110 §13.1.2
func Has(r *http.Request, etag string) bool {
	for _, line := range r.Header["If-None-Match"] {
		if line == etag {
			return true
		}
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == etag {
				return true
			}
		}
	}
	return false
}

// weight reads the parameter q; what nobody can read is none. RFC 9110 §12.4.2
func weight(parameters string) float64 {
	name, value, said := strings.Cut(strings.TrimSpace(parameters), "=")
	if !said && name == "" {
		return 1
	}
	if !strings.EqualFold(name, "q") {
		return 0
	}
	return Weight(value)
}

// Weight reads the value of a parameter q, of this header or another: from 0 to 1, and 0 for
// what nobody can read. RFC 9110 §12.4.2
func Weight(value string) float64 {
	q, err := strconv.ParseFloat(value, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
