import dev.sigstore.AlgorithmRegistry;
import dev.sigstore.KeylessSigner;
import dev.sigstore.KeylessVerifier;
import dev.sigstore.SigningConfigProvider;
import dev.sigstore.TrustedRootProvider;
import dev.sigstore.VerificationOptions;
import dev.sigstore.VerificationOptions.CertificateMatcher;
import dev.sigstore.bundle.Bundle;
import dev.sigstore.oidc.client.OidcClients;
import dev.sigstore.oidc.client.TokenStringOidcClient;
import dev.sigstore.strings.StringMatcher;
import dev.sigstore.tuf.RootProvider;
import dev.sigstore.tuf.SigstoreTufClient;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The library as a program, since it has none of its own:
 *
 * <pre>
 *   sign TRUSTED_ROOT SIGNING_CONFIG TOKEN FILE BUNDLE
 *   verify TRUSTED_ROOT BUNDLE FILE EMAIL ISSUER
 *   verify-by-mirror MIRROR ROOT CACHE BUNDLE FILE EMAIL ISSUER
 * </pre>
 */
public final class SigstoreJava {
  public static void main(String[] args) {
    try {
      run(args);
    } catch (Exception error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        System.err.println("error: " + cause);
      }
      System.exit(1);
    }
  }

  private static void run(String[] args) throws Exception {
    switch (args[0]) {
      case "sign" -> {
        try (var signer = signer(args)) {
          write(signer.signFile(Path.of(args[4])), args[5]);
        }
      }
      case "verify" ->
          verify(TrustedRootProvider.from(Path.of(args[1])), args[2], args[3], args[4], args[5]);
      case "verify-by-mirror" -> {
        var client =
            SigstoreTufClient.builder()
                .tufMirror(URI.create(args[1]), RootProvider.fromFile(Path.of(args[2])))
                .tufCacheLocation(Path.of(args[3]));
        verify(TrustedRootProvider.from(client), args[4], args[5], args[6], args[7]);
      }
      default -> throw new IllegalArgumentException("unknown command " + args[0]);
    }
  }

  private static KeylessSigner signer(String[] args) throws Exception {
    return KeylessSigner.builder()
        .trustedRootProvider(TrustedRootProvider.from(Path.of(args[1])))
        .signingConfigProvider(SigningConfigProvider.from(Path.of(args[2])))
        .signingAlgorithm(AlgorithmRegistry.SigningAlgorithm.PKIX_ECDSA_P256_SHA_256)
        .forceCredentialProviders(OidcClients.of(TokenStringOidcClient.from(args[3])))
        .build();
  }

  private static void verify(
      TrustedRootProvider trust, String bundle, String file, String email, String issuer)
      throws Exception {
    var matcher =
        CertificateMatcher.fulcio()
            .subjectAlternativeName(StringMatcher.string(email))
            .issuer(StringMatcher.string(issuer))
            .build();
    var options = VerificationOptions.builder().addCertificateMatchers(matcher).build();
    var verifier = KeylessVerifier.builder().trustedRootProvider(trust).build();
    verifier.verify(
        Path.of(file), Bundle.from(Path.of(bundle), StandardCharsets.UTF_8), options);
  }

  private static void write(Bundle bundle, String file) throws Exception {
    Files.writeString(Path.of(file), bundle.toJson());
  }
}
