package passwords

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	saltBytes = 16
	sumBytes  = 32
)

// phc is a hash with all it takes to compute it again, written as
// $argon2id$v=19$m=19456,t=2,p=1$SALT$SUM (the PHC string format).
type phc struct {
	Params
	salt, sum []byte
}

func (p phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Time, p.Threads, b64(p.salt), b64(p.sum))
}

func parsePHC(s string) (p phc, err error) {
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, fmt.Errorf("passwords: not an argon2id hash of version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads); err != nil {
		return phc{}, fmt.Errorf("passwords: parameters %q: %w", f[3], err)
	}
	if p.salt, err = base64.RawStdEncoding.DecodeString(f[4]); err != nil {
		return phc{}, fmt.Errorf("passwords: salt: %w", err)
	}
	if p.sum, err = base64.RawStdEncoding.DecodeString(f[5]); err != nil {
		return phc{}, fmt.Errorf("passwords: sum: %w", err)
	}
	if p.Memory < 8 || p.Time < 1 || p.Threads < 1 || len(p.sum) != sumBytes {
		return phc{}, fmt.Errorf("passwords: parameters %q are out of range", f[3])
	}
	return p, nil
}
