package wire

import (
	"strings"
	"testing"
)

func TestErrorCodesAreRegisteredOnes(t *testing.T) { // RFC 6749 §5.2; fosite has codes of its own
	for code, to := range renamed {
		if sentences[to] == "" || sentences[code] != "" {
			t.Errorf("%s is renamed to %s", code, to)
		}
	}
	for code, sentence := range sentences {
		if strings.ContainsFunc(code+sentence, func(r rune) bool { return Unprintable(r) || r == '"' || r == '\\' }) {
			t.Errorf("%s: %q is not what RFC 6749 Appendix A allows", code, sentence)
		}
	}
}
