import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.endpoint.OAuth2RefreshTokenGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AuthenticationFailureHandler;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Spring Security's oauth2Login with its log-out at the provider, and its back-channel log-out. */
@EnableAutoConfiguration
@RestController
public class Party {
    public static void main(String[] args) {
        SpringApplication.run(Party.class, args);
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
        var start = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
        start.setAuthorizationRequestCustomizer(r -> r.additionalParameters(p -> p.put("prompt", "consent"))); // for offline_access
        var bye = new OidcClientInitiatedLogoutSuccessHandler(clients);
        bye.setPostLogoutRedirectUri("{baseUrl}/bye");
        return http.authorizeHttpRequests(r -> r.requestMatchers("/bye").permitAll().anyRequest().authenticated())
                .oauth2Login(o -> o.loginPage("/oauth2/authorization/tegata") // no page of ours to begin at
                        .authorizationEndpoint(a -> a.authorizationRequestResolver(start))
                        .redirectionEndpoint(e -> e.baseUri("/callback"))
                        .failureHandler(refused()))
                .logout(l -> l.logoutRequestMatcher(PathPatternRequestMatcher.pathPattern(HttpMethod.GET, "/logout")).logoutSuccessHandler(bye))
                .oidcLogout(l -> l.backChannel(Customizer.withDefaults())).build();
    }

    static AuthenticationFailureHandler refused() {
        return (request, response, problem) -> {
            response.setContentType("application/json");
            response.getWriter().print("{\"error\": \"" + problem.getMessage().replace('"', '\'') + "\"}");
        };
    }

    /** Where an authenticated person ends: what Spring Security knows of them. */
    @GetMapping("/login")
    Map<String, Object> saw(@AuthenticationPrincipal OidcUser person, @RegisteredOAuth2AuthorizedClient("tegata") OAuth2AuthorizedClient client) {
        var saw = new LinkedHashMap<String, Object>();
        saw.put("sub", person.getSubject());
        saw.put("iss", person.getIssuer().toString());
        saw.put("email", person.getEmail());
        saw.put("name", person.getFullName());
        saw.put("id_token", person.getIdToken().getTokenValue());
        saw.put("userinfo", person.getUserInfo().getClaims());
        saw.put("token_type", client.getAccessToken().getTokenType().getValue());
        saw.put("refreshed", !refresh(client).equals(client.getAccessToken().getTokenValue()));
        return saw;
    }

    /** Spring refreshes by itself a minute before a token expires; here we do not wait for that. */
    static String refresh(OAuth2AuthorizedClient client) {
        var asked = new OAuth2RefreshTokenGrantRequest(client.getClientRegistration(), client.getAccessToken(), client.getRefreshToken());
        return new RestClientRefreshTokenTokenResponseClient().getTokenResponse(asked).getAccessToken().getTokenValue();
    }

    @GetMapping("/me")
    String me(@AuthenticationPrincipal OidcUser person) {
        return person.getSubject();
    }

    @GetMapping("/bye")
    String bye() {
        return "Bye.";
    }
}
