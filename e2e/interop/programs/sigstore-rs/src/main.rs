//! The library as a program:
//!
//!     sign CA_URL REKOR_URL TOKEN FILE BUNDLE
//!     verify TRUSTED_ROOT BUNDLE FILE EMAIL ISSUER
//!
//! Its `SigningContext` wants a type that it keeps to itself, so outside the public instance it cannot be made. Signing
//! here is its CA client and its log client, in the order of its own `SigningSession`.

use std::error::Error;

use base64::{engine::general_purpose::STANDARD, Engine as _};
use p256::ecdsa::{signature::Signer, DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use sha2::{Digest, Sha256};
use sigstore::bundle::verify::{policy::Identity, Verifier};
use sigstore::bundle::Bundle;
use sigstore::fulcio::oauth::OauthTokenProvider;
use sigstore::fulcio::{FulcioClient, TokenProvider};
use sigstore::oauth::IdentityToken;
use sigstore::rekor::apis::configuration::Configuration;
use sigstore::rekor::apis::entries_api::create_log_entry;
use sigstore::rekor::models::{hashedrekord, ProposedEntry};
use sigstore::trust::sigstore::SigstoreTrustRoot;
use sigstore_protobuf_specs::dev::sigstore::bundle::v1::{
    bundle, verification_material, VerificationMaterial,
};
use sigstore_protobuf_specs::dev::sigstore::common::v1::{
    HashAlgorithm, HashOutput, MessageSignature, X509Certificate, X509CertificateChain,
};
use x509_cert::builder::{Builder, RequestBuilder};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::EncodePem;
use x509_cert::name::Name;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["sign", ca, rekor, token, file, bundle] => sign(ca, rekor, token, file, bundle).await,
        ["verify", root, bundle, file, email, issuer] => verify(root, bundle, file, email, issuer).await,
        _ => Err("unknown command".into()),
    };
    if let Err(error) = result {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

async fn sign(ca: &str, rekor: &str, token: &str, file: &str, to: &str) -> Result<(), Box<dyn Error>> {
    let content = std::fs::read(file)?;
    let key = SigningKey::generate();
    let request = RequestBuilder::new(Name::default())?.build::<_, DerSignature>(&key)?;
    let client = FulcioClient::new(ca.parse()?, TokenProvider::Oauth(OauthTokenProvider::default()));
    let certificates = client.request_cert_v2(request, &IdentityToken::try_from(token)?).await?;

    let signature: DerSignature = key.sign(&content);
    let digest = Sha256::digest(&content).to_vec();
    let entry = ProposedEntry::Hashedrekord {
        api_version: "0.0.1".to_owned(),
        spec: hashedrekord::Spec {
            signature: hashedrekord::Signature {
                content: STANDARD.encode(signature.as_bytes()),
                public_key: hashedrekord::PublicKey::new(
                    STANDARD.encode(certificates.cert.to_pem(LineEnding::LF)?),
                ),
            },
            data: hashedrekord::Data {
                hash: hashedrekord::Hash {
                    algorithm: hashedrekord::AlgorithmKind::sha256,
                    value: hex::encode(&digest),
                },
            },
        },
    };
    let configuration = Configuration { base_path: rekor.to_owned(), ..Configuration::default() };
    let logged = create_log_entry(&configuration, entry).await.map_err(|error| error.to_string())?;

    let chain = X509CertificateChain {
        certificates: vec![X509Certificate { raw_bytes: certificates.cert_der }],
    };
    let bundle = Bundle {
        media_type: "application/vnd.dev.sigstore.bundle+json;version=0.2".to_owned(),
        verification_material: Some(VerificationMaterial {
            timestamp_verification_data: None,
            tlog_entries: vec![logged.try_into().map_err(|_| "the log's answer is no entry")?],
            content: Some(verification_material::Content::X509CertificateChain(chain)),
        }),
        content: Some(bundle::Content::MessageSignature(MessageSignature {
            message_digest: Some(HashOutput { algorithm: HashAlgorithm::Sha2256.into(), digest }),
            signature: signature.as_bytes().to_vec(),
        })),
    };
    std::fs::write(to, serde_json::to_vec(&bundle)?)?;
    Ok(())
}

async fn verify(
    root: &str,
    bundle: &str,
    file: &str,
    email: &str,
    issuer: &str,
) -> Result<(), Box<dyn Error>> {
    let trust = SigstoreTrustRoot::from_trusted_root_json_unchecked(&std::fs::read(root)?)?;
    let bundle: Bundle = serde_json::from_slice(&std::fs::read(bundle)?)?;
    let content = tokio::fs::File::open(file).await?;
    Verifier::new(Configuration::default(), trust)?
        .verify(content, bundle, &Identity::new(email, issuer), true)
        .await?;
    Ok(())
}
