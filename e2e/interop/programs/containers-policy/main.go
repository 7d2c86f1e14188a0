// Whether containers/image lets an image run: POLICY.JSON REGISTRIES.D IMAGE. Ends with 0 where it does, with 2 where the
// policy refuses, and with 1 where nothing was decided.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
)

func main() {
	err := judge(os.Args[1], os.Args[2], os.Args[3])
	var refusal signature.PolicyRequirementError
	switch {
	case err == nil:
	case errors.As(err, &refusal):
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge(policyFile, registries, name string) error {
	policy, err := signature.NewPolicyFromFile(policyFile)
	if err != nil {
		return err
	}
	judges, err := signature.NewPolicyContext(policy)
	if err != nil {
		return err
	}
	defer judges.Destroy()
	reference, err := docker.ParseReference("//" + name)
	if err != nil {
		return err
	}
	ctx := context.Background()
	source, err := reference.NewImageSource(ctx, &types.SystemContext{
		RegistriesDirPath:           registries,
		DockerInsecureSkipTLSVerify: types.OptionalBoolTrue,
	})
	if err != nil {
		return err
	}
	defer source.Close()
	allowed, err := judges.IsRunningImageAllowed(ctx, image.UnparsedInstance(source, nil))
	if err == nil && !allowed {
		return errors.New("neither allowed nor refused")
	}
	return err
}
