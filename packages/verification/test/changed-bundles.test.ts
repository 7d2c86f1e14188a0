import { readFileSync } from 'node:fs'
import { parseTrustedRoot } from '@sigstack/trust-root'
import * as fc from 'fast-check'
import t from 'tap'
import { artifactOfBytes } from '../src/artifact.ts'
import type { Bundle } from '../src/bundle.ts'
import { VerificationError } from '../src/errors.ts'
import { identityCondition } from '../src/identity-condition.ts'
import { readBundle } from '../src/read-bundle.ts'
import { verifyBundle } from '../src/verify-bundle.ts'

const read = (name: string) => readFileSync(new URL(`./vectors/${name}`, import.meta.url))
const goodBundle = read('conformance/happy-path-v0.3-new-mediaType/bundle.sigstore.json').toString()

t.test('a bundle with a member that nobody knows is refused by its name', async (t) => {
  const change = (edit: (bundle: Record<string, unknown>) => void) => {
    const bundle: Record<string, unknown> = JSON.parse(goodBundle)
    edit(bundle)
    return () => readBundle(JSON.stringify(bundle))
  }
  t.doesNotThrow(change(() => {}))
  t.throws(
    change((b) => Object.assign(b, { extra: 1 })),
    { code: 'bad_bundle', message: /extra is not a known member/ },
  )
  t.throws(
    change((b) => Object.assign(b['verificationMaterial'] as object, { certificatte: { rawBytes: 'AA==' } })),
    { message: /verificationMaterial.certificatte/ },
  )
  const digest = { length: 1e9 }
  t.throws(
    change((b) =>
      Object.assign(b, { messageSignature: { messageDigest: { algorithm: 1, digest }, signature: '' } }),
    ),
    { code: 'bad_bundle', message: /messageDigest.digest must be a string/ },
    'nobody has a gigabyte made by a few bytes',
  )
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        readBundle(text)
        return false
      } catch (error) {
        return error instanceof VerificationError
      }
    }),
    { seed: 5 },
  )
})

t.test('no change of one character lets a bundle verify', async (t) => {
  const anybody = identityCondition({ pattern: '.*' })
  const policy = { subject: anybody, issuer: anybody }
  const artifact = artifactOfBytes(read('conformance/a.txt'))
  const trustedRoot = parseTrustedRoot(read('roots/public-good.trusted_root.json').toString())
  // A Rekor v1 log may sign its checkpoints under any name.
  const contentOf = (bundle: Bundle) =>
    JSON.stringify(bundle, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)).replace(
      /— \S+ /,
      '— ',
    )
  const original = contentOf(readBundle(goodBundle))
  await fc.assert(
    fc.asyncProperty(
      fc.nat(goodBundle.length - 1),
      fc.constantFrom('0', 'A', 'z', '"', '{'),
      async (at, character) => {
        const text = goodBundle.slice(0, at) + character + goodBundle.slice(at + 1)
        try {
          const bundle = readBundle(text)
          await verifyBundle({ bundle, artifact, trustedRoot, signer: { policy } })
          // White space, or bits that base64 does not use: the same bundle as before.
          return contentOf(bundle) === original
        } catch (error) {
          return error instanceof VerificationError
        }
      },
    ),
    { seed: 11, numRuns: 250 },
  )
  t.pass()
})
