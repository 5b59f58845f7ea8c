package reply

// The response modes. OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response
// Mode.
const (
	Query    = "query"
	Fragment = "fragment" // reaches the browser's script and no server
	FormPost = "form_post"
)

// Those of signed answers. JARM §2.3.
const (
	JWT         = "jwt"
	QueryJWT    = "query.jwt"
	FragmentJWT = "fragment.jwt"
	FormPostJWT = "form_post.jwt"
)

// Carrier is the plain mode that carries the answers of a signed one; ok is false for a
// mode that signs nothing. JWT stands for the default of the response type: what it gives
// is that of the code. JARM §2.3.4.
func Carrier(mode string) (plain string, ok bool) {
	switch mode {
	case JWT, QueryJWT:
		return Query, true
	case FragmentJWT:
		return Fragment, true
	case FormPostJWT:
		return FormPost, true
	}
	return "", false
}
