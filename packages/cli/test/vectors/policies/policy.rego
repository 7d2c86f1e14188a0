package signature

default allow = false

allow {
	input.predicateType == "https://cosign.sigstore.dev/attestation/v1"
	startswith(input.predicate.Data, "tested")
	input.subject[_].digest.sha256
}
