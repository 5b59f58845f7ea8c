import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jwt.JWT;
import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.*;
import com.nimbusds.oauth2.sdk.pkce.*;
import com.nimbusds.openid.connect.sdk.*;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import net.minidev.json.JSONObject;

/** Nimbus OAuth 2.0 SDK with OpenID Connect extensions: code flow with PKCE, client_secret_basic. */
public class Party {
    static final Map<String, String> env = System.getenv();
    static final ClientID id = new ClientID(env.get("CLIENT_ID"));
    static final ClientSecretBasic auth = new ClientSecretBasic(id, new Secret(env.get("CLIENT_SECRET")));
    static final URI callback = URI.create(env.get("SITE") + "/callback");
    static OIDCProviderMetadata op;
    static State state;
    static Nonce nonce;
    static CodeVerifier verifier;
    static JWT idToken;

    public static void main(String[] args) throws Exception {
        op = OIDCProviderMetadata.resolve(new Issuer(env.get("ISSUER")));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(env.get("PORT"))), 0);
        server.createContext("/login", x -> go(x, Party::login));
        server.createContext("/callback", x -> show(x, Party::callback));
        server.createContext("/logout", x -> go(x, Party::logout));
        server.createContext("/bye", x -> show(x, any -> new JSONObject(Map.of("bye", true))));
        server.start();
    }

    static URI login(HttpExchange x) {
        state = new State();
        nonce = new Nonce();
        verifier = new CodeVerifier();
        return new AuthenticationRequest.Builder(ResponseType.CODE, new Scope("openid", "profile", "email"), id, callback)
                .endpointURI(op.getAuthorizationEndpointURI()).state(state).nonce(nonce)
                .codeChallenge(verifier, CodeChallengeMethod.S256).build().toURI();
    }

    static JSONObject callback(HttpExchange x) throws Exception {
        AuthenticationResponse answer = AuthenticationResponseParser.parse(URI.create(env.get("SITE") + x.getRequestURI()));
        if (!answer.indicatesSuccess() || !state.equals(answer.getState()) || !op.getIssuer().equals(answer.getIssuer())) {
            throw new Exception("refused, another state or another issuer: " + x.getRequestURI());
        }
        AuthorizationGrant grant = new AuthorizationCodeGrant(answer.toSuccessResponse().getAuthorizationCode(), callback, verifier);
        TokenResponse tokens = OIDCTokenResponseParser.parse(new TokenRequest(op.getTokenEndpointURI(), auth, grant, null).toHTTPRequest().send());
        if (!tokens.indicatesSuccess()) throw new Exception(tokens.toErrorResponse().toJSONObject().toString());
        var got = ((OIDCTokenResponse) tokens.toSuccessResponse()).getOIDCTokens();
        idToken = got.getIDToken();
        var proved = new IDTokenValidator(op.getIssuer(), id, JWSAlgorithm.RS256, op.getJWKSetURI().toURL()).validate(idToken, nonce);
        UserInfoResponse info = UserInfoResponse.parse(new UserInfoRequest(op.getUserInfoEndpointURI(), got.getAccessToken()).toHTTPRequest().send());
        if (!info.indicatesSuccess()) throw new Exception(info.toErrorResponse().getErrorObject().toString());
        var person = info.toSuccessResponse().getUserInfo();
        boolean revoked = new TokenRevocationRequest(op.getRevocationEndpointURI(), auth, got.getAccessToken()).toHTTPRequest().send().indicatesSuccess();
        JSONObject saw = new JSONObject();
        saw.put("sub", proved.getSubject().getValue());
        saw.put("iss", proved.getIssuer().getValue());
        saw.put("email", person.getEmailAddress());
        saw.put("name", person.getName());
        saw.put("id_token", idToken.serialize());
        saw.put("userinfo", person.toJSONObject());
        saw.put("revoked", revoked);
        return saw;
    }

    static URI logout(HttpExchange x) {
        return new LogoutRequest(op.getEndSessionEndpointURI(), idToken, URI.create(env.get("SITE") + "/bye"), null).toURI();
    }

    interface Page<T> {
        T of(HttpExchange x) throws Exception;
    }

    static void go(HttpExchange x, Page<URI> page) {
        try {
            x.getResponseHeaders().set("Location", page.of(x).toString());
            x.sendResponseHeaders(302, -1);
        } catch (Exception e) {
            e.printStackTrace();
        }
        x.close();
    }

    static void show(HttpExchange x, Page<JSONObject> page) {
        JSONObject what;
        try {
            what = page.of(x);
        } catch (Exception e) {
            what = new JSONObject(Map.of("error", e.toString()));
        }
        try {
            byte[] text = what.toJSONString().getBytes(StandardCharsets.UTF_8);
            x.sendResponseHeaders(200, text.length);
            x.getResponseBody().write(text);
        } catch (Exception e) {
            e.printStackTrace();
        }
        x.close();
    }
}
