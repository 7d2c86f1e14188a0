// Whether Gatekeeper admits a Pod by its policy and what its provider says: GATEKEEPER.YAML POD.JSON. Ends with 0 where it
// does, with 2 where it denies, and with 1 where nothing was decided. The parts are put together as Gatekeeper's own main
// does; its gator asks no providers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/open-policy-agent/frameworks/constraint/pkg/apis"
	externaldatav1beta1 "github.com/open-policy-agent/frameworks/constraint/pkg/apis/externaldata/v1beta1"
	"github.com/open-policy-agent/frameworks/constraint/pkg/apis/externaldata/unversioned"
	constraintclient "github.com/open-policy-agent/frameworks/constraint/pkg/client"
	"github.com/open-policy-agent/frameworks/constraint/pkg/client/drivers/rego"
	"github.com/open-policy-agent/frameworks/constraint/pkg/client/reviews"
	"github.com/open-policy-agent/frameworks/constraint/pkg/externaldata"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/gator/reader"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/mutation/types"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/target"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

var errDenied = errors.New("denied")

func main() {
	err := judge(os.Args[1], os.Args[2])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errDenied) {
		os.Exit(2)
	}
	os.Exit(1)
}

func judge(policyFile, podFile string) error {
	ctx := context.Background()
	documents, err := read(policyFile)
	if err != nil {
		return err
	}
	pods, err := read(podFile)
	if err != nil {
		return err
	}
	client, err := open(ctx, documents)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		asked := target.AugmentedUnstructured{Object: *pod, Source: types.SourceTypeOriginal}
		responses, err := client.Review(ctx, asked, reviews.EnforcementPoint(util.WebhookEnforcementPoint))
		if err != nil {
			return err
		}
		for _, result := range responses.Results() {
			return fmt.Errorf("%w: %s", errDenied, result.Msg)
		}
	}
	return nil
}

func open(ctx context.Context, documents []*unstructured.Unstructured) (*constraintclient.Client, error) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme); err != nil {
		return nil, err
	}
	providers := externaldata.NewCache()
	driver, err := rego.New(rego.AddExternalDataProviderCache(providers))
	if err != nil {
		return nil, err
	}
	client, err := constraintclient.NewClient(
		constraintclient.Targets(&target.K8sValidationTarget{}),
		constraintclient.Driver(driver),
		constraintclient.EnforcementPoints(util.WebhookEnforcementPoint),
	)
	if err != nil {
		return nil, err
	}
	constraints := 0
	for _, document := range documents {
		switch {
		case document.GetKind() == "Provider":
			err = addProvider(providers, document)
		case reader.IsTemplate(document):
			template, failure := reader.ToTemplate(scheme, document)
			if failure != nil {
				return nil, failure
			}
			_, err = client.AddTemplate(ctx, template)
		case reader.IsConstraint(document):
			constraints++
			_, err = client.AddConstraint(ctx, document)
		}
		if err != nil {
			return nil, err
		}
	}
	if constraints == 0 {
		return nil, errors.New("there is no constraint")
	}
	return client, nil
}

func addProvider(providers *externaldata.ProviderCache, document *unstructured.Unstructured) error {
	var read externaldatav1beta1.Provider
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(document.Object, &read, true); err != nil {
		return err
	}
	return providers.Upsert(&unversioned.Provider{
		TypeMeta:   read.TypeMeta,
		ObjectMeta: read.ObjectMeta,
		Spec: unversioned.ProviderSpec{
			URL:      read.Spec.URL,
			Timeout:  read.Spec.Timeout,
			CABundle: read.Spec.CABundle,
		},
	})
}

func read(name string) ([]*unstructured.Unstructured, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return reader.ReadK8sResources(file)
}
