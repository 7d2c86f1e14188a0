/**
 * `policy.json` and `registries.d` of containers/image: Podman, CRI-O, Skopeo. It reads legacy signatures, of keys or of
 * e-mail addresses, and knows repositories and what is below them.
 */
import { parsePublicKey } from '@sigstack/crypto'
import { scopeOf } from '../image-pattern.ts'
import type { ImagePolicy, Rule } from '../policy.ts'
import type { ExportContext, Exporter } from './context.ts'
import {
  identitiesOf,
  keysOf,
  refuseAttestations,
  refuseBundles,
  refuseIdentityWithoutLog,
  refuseJobConditions,
  refuseMixture,
  refuseWarning,
} from './limits.ts'
import { headOf } from './manifest.ts'
import { authoritiesPem, base64, logKeyPem, logsOfLegacy, notesOfLogs, trustOf } from './trust.ts'

const engine = 'containers/image'

export const exportContainers: Exporter = (policy, context, cannot) => {
  refuseBundles(policy, engine, cannot)
  refuseForSignedBy(policy, engine, cannot)
  refuseWarning(policy, engine, cannot)
  refuseOtherLogKeys(policy, context, engine, cannot)
  for (const rule of policy.rules)
    if (identitiesOf(rule).length > 1)
      cannot(`rule ${rule.name}: ${engine} takes one identity, and several where all must have signed`)
  const scopes = policy.rules.flatMap((rule) =>
    scopesOf(rule, engine, cannot).map((scope) => ({ scope, rule })),
  )
  refuseOverlap(scopes, cannot)
  const byScope = scopes.toSorted((a, b) => (a.scope < b.scope ? -1 : 1))
  const document = {
    default: [{ type: policy.otherwise === 'deny' ? 'reject' : 'insecureAcceptAnything' }],
    transports: {
      docker: Object.fromEntries(byScope.map(({ scope, rule }) => [scope, [requirementOf(rule, context)]])),
      // What is on the machine already, and what its own daemon hands over, carries no signatures.
      ...(policy.otherwise === 'deny' && {
        'containers-storage': { '': [{ type: 'insecureAcceptAnything' }] },
        'docker-daemon': { '': [{ type: 'insecureAcceptAnything' }] },
      }),
    },
  }
  const attachments = byScope.map(
    ({ scope }) => `  ${JSON.stringify(scope)}:\n    use-sigstore-attachments: true\n`,
  )
  const name = `${policy.name}.yaml`
  return {
    files: [
      { name: 'policy.json', text: `${JSON.stringify(document, null, 2)}\n` },
      { name: `registries.d/${name}`, text: `${headOf(policy, context)}docker:\n${attachments.join('')}` },
    ],
    notes: [
      `registries.d/${name} belongs into /etc/containers/registries.d: without it no signature is looked for, and every image is refused.`,
      ...scopeNotes(policy, engine),
      ...notesOfLogs(policy, () => logsOfLegacy(context), engine),
    ],
  }
}

/** What this engine and those that are made of it cannot say of signers. */
export function refuseForSignedBy(
  policy: ImagePolicy,
  name: string,
  cannot: (sentence: string) => void,
): void {
  refuseJobConditions(policy, name, cannot)
  refuseIdentityWithoutLog(policy, name, cannot)
  refuseMixture(policy, name, cannot)
  refuseAttestations(policy, name, cannot)
  for (const rule of policy.rules)
    for (const { identity, identityPattern } of identitiesOf(rule)) {
      if (identityPattern !== undefined)
        cannot(`rule ${rule.name}: ${name} compares whole identities and has no patterns`)
      else if (identity !== undefined && !isEmail(identity))
        cannot(
          `rule ${rule.name}: ${name} knows e-mail addresses alone, and ${JSON.stringify(identity)} is none; sign with a key for it`,
        )
    }
}

export function refuseOtherLogKeys(
  { rules }: ImagePolicy,
  context: ExportContext,
  name: string,
  cannot: (sentence: string) => void,
): void {
  if (rules.every(({ log }) => log === 'off')) return
  for (const { baseUrl, publicKey, keyDetails } of logsOfLegacy(context).logs)
    if (keyDetails.startsWith('PKCS1_') || parsePublicKey(publicKey).type !== 'ecdsa')
      cannot(`${name} takes ECDSA keys of logs alone, and that of ${baseUrl} is another`)
}

function isEmail(identity: string): boolean {
  return identity.includes('@') && !identity.includes('/') && !identity.includes(':')
}

export function scopesOf({ name, images }: Rule, engineName: string, cannot: (sentence: string) => void) {
  return images.flatMap((pattern) => {
    const scope = scopeOf(pattern)
    if (scope !== undefined) return [scope.prefix]
    cannot(
      `rule ${name}: ${engineName} knows repositories and all that is below a name, and ${pattern} is neither; end it with /**`,
    )
    return []
  })
}

export function scopeNotes({ rules }: ImagePolicy, name: string): readonly string[] {
  const wider = rules.flatMap(({ images }) => images.filter((pattern) => scopeOf(pattern)?.isWhole))
  return wider.map((pattern) => `To ${name} ${pattern} is also what is below that name.`)
}

/** The most precise scope counts, and no other. */
function refuseOverlap(
  scopes: readonly { readonly scope: string; readonly rule: Rule }[],
  cannot: (sentence: string) => void,
): void {
  for (const [at, one] of scopes.entries())
    for (const other of scopes.slice(at + 1)) {
      const isBelow =
        `${one.scope}/`.startsWith(`${other.scope}/`) || `${other.scope}/`.startsWith(`${one.scope}/`)
      if (isBelow && one.rule !== other.rule)
        cannot(
          `rules ${one.rule.name} and ${other.rule.name} both cover ${one.scope.length > other.scope.length ? one.scope : other.scope}, and ${engine} would hold one of them alone`,
        )
    }
}

function requirementOf(rule: Rule, context: ExportContext): object {
  const keys = keysOf(rule)
  const rekor = () => ({
    rekorPublicKeyDatas: logsOfLegacy(context).logs.map((log) => base64(logKeyPem(log))),
  })
  const [identity] = identitiesOf(rule)
  // A payload names the repository without a tag, so by the default rule nothing could be pulled by one.
  const signedIdentity = { type: 'matchRepository' }
  if (identity === undefined || keys.length > 0) {
    const [first, ...more] = keys.map(({ key }) => base64(key))
    const data = more.length === 0 ? { keyData: first } : { keyDatas: [first, ...more] }
    return { type: 'sigstoreSigned', ...data, ...(rule.log === 'required' && rekor()), signedIdentity }
  }
  const caData = base64(authoritiesPem(trustOf(context).trustedRoot))
  const fulcio = { caData, oidcIssuer: identity.issuer, subjectEmail: identity.identity }
  return { type: 'sigstoreSigned', fulcio, ...rekor(), signedIdentity }
}
