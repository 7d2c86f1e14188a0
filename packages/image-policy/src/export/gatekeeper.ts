/**
 * Gatekeeper asks a provider over TLS. The policy goes to the provider as a ConfigMap, and Gatekeeper gets a Provider, a
 * ConstraintTemplate that admits what was judged and nothing else, and its constraint.
 */
import { needsTrust } from '../conditions.ts'
import { ImagePolicyError } from '../errors.ts'
import type { ImagePolicy } from '../policy.ts'
import { writeImagePolicy } from '../write-policy.ts'
import type { Exporter } from './context.ts'
import { encodeManifests, headOf } from './manifest.ts'
import { base64, trustOf } from './trust.ts'

export const exportGatekeeper: Exporter = (policy, context, cannot) => {
  const { provider } = context
  if (provider === undefined)
    throw new ImagePolicyError(
      'incomplete',
      'Gatekeeper asks a provider: name it with --provider-url and --provider-ca',
    )
  if (!provider.url.startsWith('https://')) cannot('Gatekeeper asks providers over https alone')
  const name = `sigstack-${policy.name}`
  const { trustedRoot: _, ...own } = policy
  const whole = writeImagePolicy({
    ...own,
    ...(needsTrust(policy) && { trustedRoot: trustOf(context).text }),
  })
  const documents = [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'gatekeeper-system' },
      data: { 'policy.yaml': whole },
    },
    {
      apiVersion: 'externaldata.gatekeeper.sh/v1beta1',
      kind: 'Provider',
      metadata: { name },
      spec: { url: provider.url, timeout: 10, caBundle: base64(provider.caPem) },
    },
    template,
    constraintOf(policy, name),
  ]
  const notes = [
    'Whoever answers at the URL decides by the policy in the ConfigMap; this tool brings no such service.',
    'Gatekeeper keeps answers for 3 minutes, and its own webhook must have failurePolicy: Fail.',
  ]
  const text = encodeManifests(headOf(policy, context, notes), documents)
  return { files: [{ name: 'gatekeeper.yaml', text }], notes }
}

const kind = 'SigstackSignedImages'

/** A provider may answer less than it was asked, and its trouble may look like an empty answer: neither admits an image. */
const rego = `package sigstack

lists := ["containers", "initContainers", "ephemeralContainers"]

images[image] {
  image := input.review.object.spec[lists[_]][_].image
}

images[image] {
  image := input.review.object.spec.volumes[_].image.reference
}

answer := external_data({"provider": input.parameters.provider, "keys": [image | images[image]]})

answered[image] {
  image := answer.responses[_][0]
}

answered[image] {
  image := answer.errors[_][0]
}

violation[{"msg": msg}] {
  count(answer.errors) > 0
  msg := sprintf("%v", [answer.errors])
}

violation[{"msg": msg}] {
  answer.system_error != ""
  msg := sprintf("images could not be judged: %v", [answer.system_error])
}

violation[{"msg": msg}] {
  images[image]
  not answered[image]
  msg := sprintf("%v was not judged", [image])
}
`

/** One for all policies: each constraint names the provider that it asks. */
const template = {
  apiVersion: 'templates.gatekeeper.sh/v1',
  kind: 'ConstraintTemplate',
  metadata: { name: kind.toLowerCase() },
  spec: {
    crd: {
      spec: {
        names: { kind },
        validation: {
          openAPIV3Schema: {
            type: 'object',
            properties: { provider: { type: 'string' } },
            required: ['provider'],
          },
        },
      },
    },
    targets: [{ target: 'admission.k8s.gatekeeper.sh', rego }],
  },
}

function constraintOf({ name, mode }: ImagePolicy, provider: string): object {
  return {
    apiVersion: 'constraints.gatekeeper.sh/v1beta1',
    kind,
    metadata: { name },
    spec: {
      enforcementAction: mode === 'warn' ? 'warn' : 'deny',
      match: { kinds: [{ apiGroups: [''], kinds: ['Pod'] }] },
      parameters: { provider },
    },
  }
}
