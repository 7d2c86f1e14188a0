// Whether Flux's source-controller takes an image: its two calls to cosign's library, in its way. Flux itself keeps them
// internal. Ends with 0 where it does, with 2 where it does not.
//
//	flux-verifier key PUBLIC-KEY IMAGE
//	flux-verifier identity TRUSTED-ROOT ISSUER-PATTERN SUBJECT-PATTERN IMAGE
package main

import (
	"context"
	"crypto"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v3/pkg/cosign"
	rekor "github.com/sigstore/rekor/pkg/client"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

func main() {
	words := os.Args[1:]
	options, err := optionsOf(words)
	if err == nil {
		err = verify(options, words[len(words)-1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func optionsOf(words []string) (*cosign.CheckOpts, error) {
	given, err := os.ReadFile(words[1])
	if err != nil {
		return nil, err
	}
	if words[0] == "key" {
		key, err := cryptoutils.UnmarshalPEMToPublicKey(given)
		if err != nil {
			return nil, err
		}
		verifier, err := signature.LoadVerifier(key, crypto.SHA256)
		return &cosign.CheckOpts{SigVerifier: verifier, Offline: true, IgnoreTlog: true}, err
	}
	trust, err := root.NewTrustedRootFromJSON(given)
	if err != nil {
		return nil, err
	}
	options := &cosign.CheckOpts{
		TrustedMaterial: trust,
		Identities:      []cosign.Identity{{IssuerRegExp: words[2], SubjectRegExp: words[3]}},
	}
	for _, log := range trust.RekorLogs() {
		if log.BaseURL != "" {
			options.RekorClient, err = rekor.GetRekorClient(log.BaseURL)
			return options, err
		}
	}
	return nil, fmt.Errorf("the trusted root names no log")
}

func verify(options *cosign.CheckOpts, image string) error {
	ctx := context.Background()
	reference, err := name.ParseReference(image)
	if err != nil {
		return err
	}
	bundles, _, err := cosign.GetBundles(ctx, reference, options.RegistryClientOpts)
	if err != nil || len(bundles) == 0 {
		_, _, err = cosign.VerifyImageSignatures(ctx, reference, options)
		return err
	}
	options.NewBundleFormat = true
	_, _, err = cosign.VerifyImageAttestations(ctx, reference, options)
	return err
}
