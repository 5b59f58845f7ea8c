package audit

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
)

// Export writes the chain to w, one JSON object per line:
//
//	{"seq":1,"hash":"9f…","event":{"id":"…","at":"…","action":"…", …}}
//
// hash is SHA-256 over the 32 bytes of the hash before (zero bytes for the first) and
// the bytes of event as they stand in the line, so anybody can check an export
// without us. An event that is missing is written as null.
func (l Log) Export(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	err := l.walk(ctx, func(at link) error {
		event := json.RawMessage("null")
		if at.Event != nil {
			event = at.Event.canonical()
		}
		line, err := json.Marshal(struct {
			Seq   int64           `json:"seq"`
			Hash  string          `json:"hash"`
			Event json.RawMessage `json:"event"`
		}{at.Seq, hex.EncodeToString(at.Hash), event})
		if err != nil {
			return err
		}
		_, err = out.Write(append(line, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}
