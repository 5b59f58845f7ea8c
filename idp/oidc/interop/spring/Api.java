import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Spring Security's resource server, with its validator for access tokens of RFC 9068. */
@EnableAutoConfiguration
@RestController
public class Api {
    public static void main(String[] args) {
        SpringApplication.run(Api.class, args);
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http) throws Exception {
        return http.authorizeHttpRequests(r -> r
                        .requestMatchers("/orders").hasAuthority("SCOPE_orders.read")
                        .anyRequest().hasAuthority("SCOPE_orders.write"))
                .oauth2ResourceServer(o -> o.jwt(Customizer.withDefaults())).build();
    }

    @Bean
    JwtDecoder tokens() {
        var env = System.getenv();
        NimbusJwtDecoder tokens = NimbusJwtDecoder.withIssuerLocation(env.get("ISSUER")).validateType(false).build();
        tokens.setJwtValidator(JwtValidators.createAtJwtValidator()
                .audience(env.get("AUDIENCE")).clientId(env.get("CLIENT_ID")).issuer(env.get("ISSUER")).build());
        return tokens;
    }

    @GetMapping({"/orders", "/orders/new"})
    Map<String, Object> saw(@AuthenticationPrincipal Jwt token) {
        return token.getClaims();
    }
}
