/** Bundles with the answer that each must have (`test/vectors/cases.json`), for tests here, beside the oracle and of the whole tool. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parsePublicKeyPem } from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import type { Artifact } from './artifact.ts'
import { identityCondition } from './identity-condition.ts'
import { readBundle } from './read-bundle.ts'
import { verifyBundle } from './verify-bundle.ts'

/** Names of files are below the folder of vectors. */
export type BundleCase = {
  readonly id: string
  readonly bundle: string
  readonly expect: 'pass' | 'fail'
  readonly why: string
  readonly trustedRoot: string
  readonly artifact?: string
  readonly artifactDigest?: string
  readonly key?: string
  readonly identity?: string
  readonly issuer?: string
  readonly identityRegexp?: string
  readonly issuerRegexp?: string
  readonly predicateType?: string
  readonly ignoreTlog?: boolean
  readonly ignoreSCT?: boolean
  readonly requireSignedTimestamp?: boolean
}

const folder = new URL('../test/vectors/', import.meta.url)

export const bundleVectors = fileURLToPath(folder)

export function readVector(name: string): Buffer {
  return readFileSync(new URL(name, folder))
}

export function bundleCases(): readonly BundleCase[] {
  return JSON.parse(readVector('cases.json').toString())
}

/** Of each that must not verify, a part of the sentence with which it is refused: another one would be luck. */
export function refusalReasons(): Readonly<Record<string, string>> {
  return JSON.parse(readVector('reasons.json').toString())
}

/** Whom the conformance suite means where it does not say. */
export const beacon = {
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
}

/** With the case's trusted root, signer and switches; `bundle` instead of its own where it is given. Rejects with why not. */
export async function verifyCase(
  c: BundleCase,
  artifact: Artifact,
  bundle = readVector(c.bundle).toString(),
): Promise<void> {
  const policy = () => ({
    subject: identityCondition({ value: c.identity, pattern: c.identityRegexp }),
    issuer: identityCondition({ value: c.issuer, pattern: c.issuerRegexp }),
  })
  await verifyBundle({
    bundle: readBundle(bundle),
    artifact,
    trustedRoot: parseTrustedRoot(readVector(c.trustedRoot).toString()),
    signer:
      c.key === undefined ? { policy: policy() } : { key: parsePublicKeyPem(readVector(c.key).toString()) },
    ...(c.predicateType !== undefined && { predicateType: c.predicateType }),
    ...(c.ignoreTlog !== undefined && { ignoreTlog: c.ignoreTlog }),
    ...(c.ignoreSCT !== undefined && { ignoreSct: c.ignoreSCT }),
    ...(c.requireSignedTimestamp !== undefined && { requireSignedTimestamp: c.requireSignedTimestamp }),
  })
}
