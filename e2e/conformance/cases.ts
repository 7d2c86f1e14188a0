/** Bundles with the answer that each must have: those of packages/verification, and folders of the suite's own form. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  type BundleCase,
  beacon,
  bundleCases,
  bundleVectors,
  refusalReasons,
} from '@sigstack/verification/testing'

export type Case = {
  readonly name: string
  readonly mustPass: boolean
  /** Part of the sentence with which it must be refused; undefined where any will do. */
  readonly reason: string | undefined
  /** In the protocol, or with what the protocol has no words for, to the tool itself. */
  readonly isProtocol: boolean
  readonly words: readonly string[]
}

/** Each by its file and by its digest. */
export function ownCases(): readonly Case[] {
  const reasons = refusalReasons()
  return [...bundleCases().flatMap(casesOf), ...suiteCases(path.join(bundleVectors, 'trust'))].map((each) => {
    const reason = reasons[each.name.replace(/ by \w+$/, '')]
    if (each.mustPass === (reason === undefined)) return { ...each, reason }
    throw new Error(`reasons.json must tell why ${each.name} is refused, and of no other`)
  })
}

function casesOf(listed: BundleCase): readonly Case[] {
  const { predicateType, ignoreTlog, ignoreSCT, requireSignedTimestamp } = listed
  const option = (name: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`--${name}`, value]
  const file = (name: string | undefined): string | undefined => name && path.join(bundleVectors, name)
  const common = [
    ...option('bundle', file(listed.bundle)),
    ...option('certificate-identity', listed.identity),
    ...option('certificate-oidc-issuer', listed.issuer),
    ...option('key', file(listed.key)),
    ...option('trusted-root', file(listed.trustedRoot)),
  ]
  const special = [
    ...option('certificate-identity-regexp', listed.identityRegexp),
    ...option('certificate-oidc-issuer-regexp', listed.issuerRegexp),
    ...option('type', predicateType),
    ...(ignoreTlog === true ? ['--insecure-ignore-tlog'] : []),
    ...(ignoreSCT === true ? ['--insecure-ignore-sct'] : []),
    ...(requireSignedTimestamp === true ? ['--use-signed-timestamps'] : []),
  ]
  const command = predicateType === undefined ? 'verify-blob' : 'verify-blob-attestation'
  return [file(listed.artifact), listed.artifactDigest].flatMap((artifact, at): readonly Case[] => {
    if (artifact === undefined) return []
    const isProtocol = special.length === 0 && (at === 0 || artifact.startsWith('sha256:'))
    return [
      {
        name: `${listed.id} by ${at === 0 ? 'file' : 'digest'}`,
        mustPass: listed.expect === 'pass',
        reason: undefined,
        isProtocol,
        words: [isProtocol ? 'verify-bundle' : command, ...common, ...special, artifact],
      },
    ]
  })
}

/** `folder` has the form of the suite's test/assets/bundle-verify. */
export function suiteCases(folder: string): readonly Case[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory())
  return names
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name }): readonly Case[] => {
      const own = (file: string): string | undefined => {
        const found = path.join(folder, name, file)
        return existsSync(found) ? found : undefined
      }
      const textOf = (file: string): string | undefined => {
        const found = own(file)
        return found === undefined ? undefined : readFileSync(found, 'utf8').trim()
      }
      const common = existsSync(path.join(folder, 'a.txt')) ? path.join(folder, 'a.txt') : undefined
      const artifact = own('artifact') ?? common ?? path.join(bundleVectors, 'conformance/a.txt')
      const key = own('key.pub')
      const who =
        key === undefined
          ? [
              '--certificate-identity',
              textOf('identity') ?? beacon.identity,
              '--certificate-oidc-issuer',
              textOf('issuer') ?? beacon.issuer,
            ]
          : ['--key', key]
      const trustedRoot = own('trusted_root.json')
      const words = [
        'verify-bundle',
        '--bundle',
        path.join(folder, name, 'bundle.sigstore.json'),
        ...who,
        ...(trustedRoot === undefined ? [] : ['--trusted-root', trustedRoot]),
      ]
      const digest = createHash('sha256').update(readFileSync(artifact)).digest('hex')
      return [
        { way: 'file', artifact },
        { way: 'digest', artifact: `sha256:${digest}` },
      ].map(({ way, artifact: last }) => ({
        name: `${path.basename(folder)}/${name} by ${way}`,
        mustPass: !name.endsWith('fail'),
        reason: undefined,
        isProtocol: true,
        words: [...words, last],
      }))
    })
}
