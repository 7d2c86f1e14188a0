/** Flux: a Secret with the trust, and for each repository an OCIRepository that verifies what it pulls. */
import { regularExpressionOf, wholePattern } from '../conditions.ts'
import { scopeOf } from '../image-pattern.ts'
import type { IdentitySigner, ImagePolicy, Rule } from '../policy.ts'
import type { ExportContext, Exporter } from './context.ts'
import {
  identitiesOf,
  keysOf,
  refuseAttestations,
  refuseDenial,
  refuseIdentityWithoutLog,
  refuseJobConditions,
  refuseMixture,
  refuseWarning,
} from './limits.ts'
import { encodeManifests, headOf } from './manifest.ts'
import { base64, currentLog, trustOf } from './trust.ts'

const engine = 'Flux'

export const exportFlux: Exporter = (policy, context, cannot) => {
  refuseJobConditions(policy, engine, cannot)
  refuseIdentityWithoutLog(policy, engine, cannot)
  refuseMixture(policy, engine, cannot)
  refuseAttestations(policy, engine, cannot)
  refuseWarning(policy, engine, cannot)
  refuseDenial(policy, engine, cannot)
  for (const rule of policy.rules) {
    if (keysOf(rule).length > 0 && rule.log === 'required')
      cannot(`rule ${rule.name}: ${engine} looks into no log where a key has signed; say log: off`)
    for (const pattern of rule.images)
      if (scopeOf(pattern)?.isWhole !== true)
        cannot(`rule ${rule.name}: ${engine} verifies one repository at a time, and ${pattern} is a pattern`)
  }
  const documents = policy.rules.flatMap((rule) => [
    secretOf(policy, rule, context),
    ...rule.images.map((repository, at) => sourceOf(policy, rule, repository, at)),
  ])
  const notes = [
    'Verification by an identity takes Flux 2.9 (source-controller 1.9.1); spec.verify is what counts, the rest of an OCIRepository is yours.',
    'The trust inside does not renew itself: export again when a key of the instance is turned.',
    ...(policy.signatures === 'legacy'
      ? []
      : ['Of bundles Flux takes any statement of the signer about the image, an attestation too.']),
  ]
  const text = encodeManifests(headOf(policy, context, notes), documents)
  return { files: [{ name: 'flux.yaml', text }], notes }
}

function secretOf(policy: ImagePolicy, rule: Rule, context: ExportContext): object {
  const keys = keysOf(rule)
  const data =
    keys.length > 0
      ? Object.fromEntries(keys.map(({ key }, at) => [`key-${at}.pub`, base64(key)]))
      : { 'trusted_root.json': trustData(context) }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretName(policy, rule) },
    type: 'Opaque',
    data,
  }
}

/** Flux refuses a trusted root that names no log. */
function trustData(context: ExportContext): string {
  const { trustedRoot, text } = trustOf(context)
  currentLog(trustedRoot)
  return base64(text)
}

function secretName({ name }: ImagePolicy, rule: Rule): string {
  return `${name}-${rule.name}-trust`
}

function sourceOf(policy: ImagePolicy, rule: Rule, repository: string, at: number): object {
  const identities = identitiesOf(rule)
  const name = secretName(policy, rule)
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { name: `${policy.name}-${rule.name}${at === 0 ? '' : `-${at}`}` },
    spec: {
      interval: '10m',
      url: `oci://${repository}`,
      verify: {
        provider: 'cosign',
        ...(identities.length === 0
          ? { secretRef: { name } }
          : {
              trustedRootSecretRef: { name },
              // Without it every identity of the CA would do.
              matchOIDCIdentity: identities.map(identityOf),
            }),
      },
    },
  }
}

/** Both are regular expressions that need not cover a value. */
function identityOf({ issuer, identity, identityPattern }: IdentitySigner): object {
  return {
    issuer: regularExpressionOf(issuer),
    subject:
      identityPattern === undefined ? regularExpressionOf(identity ?? '') : wholePattern(identityPattern),
  }
}
