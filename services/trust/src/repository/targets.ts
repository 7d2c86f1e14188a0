/** What the TUF repository holds: the trust files, and each key as older clients look for it. */
import { encodePem, parsePemBlocks, utf8 } from '@sigstack/crypto'
import {
  buildSigningConfig,
  parseSigningConfig,
  type TrustedLog,
  type TrustedRoot,
  type ValidityPeriod,
} from '@sigstack/trust-root'
import type { Target } from '@sigstack/tuf'
import { type Files, fileNames, keyFileName } from '../publication/files.ts'
import { type OldName, oldNames } from '../service-kinds.ts'

/**
 * The same trust is the same targets, whatever the time.
 *
 * @param rekorV2Urls Of logs that the signing configs do not name, as one that is only prepared.
 */
export function composeTargets(
  root: TrustedRoot,
  files: Files,
  rekorV2Urls: readonly string[] = [],
): readonly Target[] {
  return [
    { name: fileNames.trustedRoot, content: utf8(files.trustedRoot) },
    { name: fileNames.signingConfig, content: utf8(withTsaConfig(files.signingConfig)) },
    { name: fileNames.signingConfigV2, content: utf8(withTsaConfig(files.signingConfigV2)) },
    ...legacyTargets(
      oldNames.certificateAuthorities,
      root.certificateAuthorities.map(({ chain, uri, validFor }) => ({
        pem: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
        uri: uri ?? '',
        validFor,
      })),
    ),
    ...legacyTargets(oldNames.tlogs, root.tlogs.filter(isOfKeyFiles(files, rekorV2Urls)).map(legacyLog)),
    ...legacyTargets(oldNames.ctlogs, root.ctlogs.map(legacyLog)),
    ...stampTargets(root, files.tsaCertificates),
  ]
}

/** Clients that know keys by files know Rekor v1 alone. */
function isOfKeyFiles(
  { signingConfigV2 }: Files,
  rekorV2Urls: readonly string[],
): (log: TrustedLog) => boolean {
  const named = parseSigningConfig(signingConfigV2)
    .rekorTlogUrls.filter(({ majorApiVersion }) => majorApiVersion === 2)
    .map(({ url }) => url)
  const urls = [...named, ...rekorV2Urls]
  return ({ baseUrl }) => !urls.includes(baseUrl)
}

/** Each certificate of the chain that stamps now in a file of its own; older clients take one chain and no more. */
function stampTargets({ timestampAuthorities }: TrustedRoot, pem: string): readonly Target[] {
  if (pem === '') return []
  const certificates = parsePemBlocks(pem).map(({ der }) => encodePem('CERTIFICATE', der))
  const [first = ''] = certificates
  const authority = timestampAuthorities.find(
    ({ chain }) => encodePem('CERTIFICATE', chain[0] ?? new Uint8Array()) === first,
  )
  return certificates.map((content, at) => ({
    name: `tsa_${at === 0 ? 'leaf' : at === certificates.length - 1 ? 'root' : `intermediate_${at - 1}`}.crt.pem`,
    content: utf8(content),
    sigstore: { usage: 'TSA', status: 'Active', uri: authority?.uri ?? '' },
  }))
}

/**
 * sigstore-java, which verifies too only with a signing config from the repository, refuses one without `tsaConfig`. Clients
 * in JavaScript refuse one that has it and no timestamp authority, but take no signing config from a repository.
 */
function withTsaConfig(signingConfig: string): string {
  return buildSigningConfig({ tsaConfig: { selector: 'ANY' }, ...parseSigningConfig(signingConfig) })
}

type Legacy = { readonly pem: string; readonly uri: string; readonly validFor: Partial<ValidityPeriod> }

function legacyLog({ publicKey, baseUrl, validFor }: TrustedLog): Legacy {
  return { pem: encodePem('PUBLIC KEY', publicKey), uri: baseUrl, validFor }
}

/** One file a key, since these clients read only the first key of a file; the newest in use has the plain name. */
function legacyTargets({ name, extension, usage }: OldName, keys: readonly Legacy[]): readonly Target[] {
  const rank = ({ validFor }: Legacy): number =>
    validFor.end === undefined ? (validFor.start?.getTime() ?? 0) : Number.NEGATIVE_INFINITY
  return (
    keys
      // Trusted roots list the oldest first, and of two from the same second the later one counts.
      .toReversed()
      .toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(b) - rank(a)))
      .map(({ pem, uri, validFor }, position) => ({
        name: `${position === 0 ? name : keyFileName(name, pem)}${extension}`,
        content: utf8(pem),
        sigstore: { usage, status: validFor.end === undefined ? 'Active' : 'Expired', uri },
      }))
  )
}
