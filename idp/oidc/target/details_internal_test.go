package target

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzAuthorizationDetails(f *testing.F) {
	for _, seed := range []string{`[{"type":"a"}]`, `[]`, `{}`, `[{"type":1}]`, `[{"type":"a","n":1e999}]`, `[{"type":"a"}]x`, `[{"type":"a"}]]`, `[{"type":"a"}]}`, `[{"type":"a","type":"b"}]`, `[{"type":"\ud800"}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseDetails(text)
		if err != nil {
			return
		}
		if text != "" && !json.Valid([]byte(text)) {
			t.Errorf("%q is no JSON", text)
		}
		for _, one := range all {
			if !json.Valid(one) || aboutOf(one).Type == "" {
				t.Errorf("%q gives %s", text, one)
			}
		}
		again, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		narrowed, err := all.narrow(string(again))
		if len(all) > 0 && (err != nil || len(narrowed) != len(all) || !bytes.Equal(narrowed[0], all[0])) {
			t.Errorf("%q: its own text narrows to %s, %v", text, narrowed, err)
		}
	})
}
