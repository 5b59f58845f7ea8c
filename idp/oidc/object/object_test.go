package object_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"tegata/idp/oidc/object"
)

// visit is something to write and to read.
type visit struct {
	Who    string    `json:"who,omitempty"`
	Count  int64     `json:"count,omitempty"`
	Places []string  `json:"places,omitempty"`
	At     time.Time `json:"at"`
	Next   *visit    `json:"next,omitempty"`
	More   any       `json:"more,omitempty"`
	Warm   bool      `json:"warm"`
}

func (v *visit) Members(w *object.Writer) {
	w.Text("who", v.Who)
	w.Number("count", v.Count)
	w.Texts("places", v.Places)
	w.Value("at", v.At)
	if v.Next != nil {
		w.Value("next", v.Next)
	}
	if v.More != nil {
		w.Value("more", v.More)
	}
	w.Value("warm", v.Warm)
}

func (v *visit) Member(name []byte, r *object.Reader) {
	switch string(name) {
	case "who":
		r.Text(&v.Who)
	case "count":
		r.Number(&v.Count)
	case "places":
		r.Texts(&v.Places)
	case "at":
		r.Time(&v.At)
	case "next":
		if v.Next == nil {
			v.Next = &visit{}
		}
		r.Object(v.Next)
	default:
		r.Unknown()
	}
}

// quick reads without help from json what it can.
type quick struct{ visit }

func (q *quick) Member(name []byte, r *object.Reader) {
	if string(name) == "warm" {
		var no string
		r.Text(&no) // it is no text
		return
	}
	q.visit.Member(name, r)
}

func FuzzWhatIsWrittenIsWhatJSONWrites(f *testing.F) {
	for _, s := range []string{"", "hanako@example.org", "山田 花子", `a"b\c`, "<script>&amp;</script>", "a\nb\x00\x7f", "\xff\xfe", "\u2028\u2029", "~ "} {
		f.Add(s, int64(1763715600_123456), true)
	}
	f.Add("x", int64(-99999999999999999), false) // a year of five digits, before our era
	f.Fuzz(func(t *testing.T, text string, number int64, truth bool) {
		inner := &visit{Who: text, Count: number, At: time.UnixMicro(number), Warm: truth}
		for _, v := range []*visit{inner, {Places: []string{text, "x", text}, Next: inner, More: map[string]any{text: number}}, {Places: []string{}}} {
			want, refused := json.Marshal(v)
			got, err := object.Marshal(v)
			if (err == nil) != (refused == nil) || err == nil && string(got) != string(want) {
				t.Errorf("got  %s, %v\nwant %s, %v", got, err, want, refused)
			}
		}
	})
}

func FuzzWhatIsReadIsWhatJSONReads(f *testing.F) {
	for _, s := range []string{
		`{"who":"ada","count":-12,"places":["a","b"],"at":"2026-11-21T12:00:00.000001Z","next":{"who":"bob","at":"2026-11-21T21:00:00+09:00"}}`,
		`{}`, `{"who":""}`, `{"who":"a\u0041"}`, `{"who":"花"}`, `{"WHO":"a"}`, `{"who":"a","who":"b"}`, `{"next":{"who":"a"},"next":{"count":1}}`,
		` {"who":"a"}`, `{"who":"a"} `, `{"who":"a"}x`, `{"who":"a",}`, `{,"who":"a"}`, `{"who" :"a"}`, `{"who":1}`, `{"who":null}`,
		`{"count":007}`, `{"count":-0}`, `{"count":-01}`, `{"count":0}`, `{"count":1.5}`, `{"count":1e3}`, `{"count":9223372036854775808}`, `{"count":--1}`, `{"count":}`, `{"count":-}`,
		`{"places":[]}`, `{"places":["a",]}`, `{"places":["a"`, `{"places":null}`, `{"at":"yesterday"}`, `{"at":"2026-11-21T12:00:00,5Z"}`, `{"at":"2026-11-21t12:00:00Z"}`,
		`{"next":{}}`, `{"next":null}`, `{"who":"a"`, `{"who`, `{`, ``, `null`, `[]`, `{"more":{"a":[1]}}`, "{\"who\":\"a\nb\"}", "{\"who\":\"\x7f\"}", "{\"who\":\"\xff\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, want visit
		err, refused := object.Unmarshal(b, &got), json.Unmarshal(b, &want)
		if (err == nil) != (refused == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v, %v", b, got, err, want, refused)
		}
	})
}

// Nothing that was half read stays when json has to read it.
func TestWhatIsReadAnewIsReadFromTheBeginning(t *testing.T) {
	var got quick
	if err := object.Unmarshal([]byte(`{"places":["a","b"],"warm":true,"who":"ada"}`), &got); err != nil || len(got.Places) != 2 || got.Who != "ada" || !got.Warm {
		t.Errorf("got %+v, %v", got, err)
	}
	got = quick{}
	if err := object.Unmarshal([]byte(`{"places":["a"],"count":"many"}`), &got); err == nil {
		t.Error("a text was taken for a number")
	}
}

func TestWhatJSONCannotWriteIsAnError(t *testing.T) {
	for _, more := range []any{make(chan int), &visit{More: make(chan int), Who: "after"}} {
		if b, err := object.Marshal(&visit{More: more}); err == nil || !strings.Contains(err.Error(), "chan int") {
			t.Errorf("got %s, %v", b, err)
		}
	}
}

func BenchmarkObject(b *testing.B) {
	v := &visit{Who: "hanako@example.org", Count: 12, Places: []string{"openid", "profile", "email"}, At: time.Now(), Next: &visit{Who: "0198c0de-0000-7000-8000-000000000000"}}
	text, _ := json.Marshal(v)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			object.Marshal(v)
		}
	})
	b.Run("write as json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			json.Marshal(v)
		}
	})
	text = []byte(strings.ReplaceAll(string(text), `,"warm":false`, ""))
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var to visit
			object.Unmarshal(text, &to)
		}
	})
	b.Run("read as json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var to visit
			json.Unmarshal(text, &to)
		}
	})
}
