import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import {
  attachedTag,
  type Digest,
  digestOf,
  isTag,
  parseAttachedTag,
  parseDigest,
  parseReference,
  parseRepository,
  referenceText,
  referrersTag,
  repositoryText,
} from '../src/index.ts'
import { mayBePlainHttp } from '../src/reference.ts'

type Vector = {
  readonly reference: string
  readonly refused?: boolean
  readonly name?: string
  readonly registry?: string
  readonly scheme?: string
}
const vectors = JSON.parse(
  readFileSync(new URL('vectors/references.json', import.meta.url), 'utf8'),
) as readonly Vector[]

/** go-containerregistry takes them, and no request could ever be made of them, or of another machine. */
const strictlyRefused: readonly string[] = [
  'https://registry.example/app',
  'registry.example:/app',
  'registry.example:99999/app',
  'regïstry.example/app',
  '0x7f.1/app',
]

t.test('references are read as go-containerregistry reads them, but for hosts that are none', async (t) => {
  for (const { reference, refused, name, registry, scheme } of vectors) {
    if (refused === true || strictlyRefused.includes(reference)) {
      t.throws(() => parseReference(reference), { name: 'OciError', code: 'bad_reference' }, reference)
      continue
    }
    const parsed = parseReference(reference)
    t.equal(referenceText(parsed), name, reference)
    t.equal(parsed.registry, registry, reference)
    t.equal(mayBePlainHttp(parsed.registry) ? 'http' : 'https', scheme, reference)
  }
})

t.test('what is refused is told with how to write it', async (t) => {
  t.throws(() => parseReference('https://registry.example/app'), {
    message:
      '"https://registry.example/app" is no reference to an image: it has no scheme before the host. Write it as registry.example/app:tag or registry.example/app@sha256:…',
  })
  t.throws(() => parseReference('registry.example/a/../b'), { message: /made of dots/ })
  t.throws(() => parseReference(`registry.example/${'a'.repeat(5000)}`), { message: /longer than 1024/ })
  t.throws(() => parseRepository('registry.example/app:tag'), { code: 'bad_reference' })
  t.equal(repositoryText(parseRepository('registry.example:5000/a/b')), 'registry.example:5000/a/b')
})

t.test(
  'a reference that was read is read again from its text, and any text is read or refused',
  async (t) => {
    const characters = [...'ab1./:@-_[] AZ'.split(''), 'sha256:', 'localhost', 'é', '\n']
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...characters), maxLength: 60 }), (text) => {
        try {
          const parsed = parseReference(text)
          const again = parseReference(referenceText(parsed))
          return (
            JSON.stringify(again) === JSON.stringify(parsed) &&
            URL.canParse(`https://${repositoryText(parsed)}`)
          )
        } catch (error) {
          return error instanceof Error && error.name === 'OciError'
        }
      }),
      { seed: 1, numRuns: 2000 },
    )
    t.pass('so it is')
  },
)

t.test('digests are sha256 or sha512 in lower-case hex', async (t) => {
  const digest = digestOf(Buffer.from('{}'))
  t.equal(digest, 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
  t.equal(parseDigest(digest), digest)
  t.equal(parseDigest(`sha512:${'0'.repeat(128)}`), `sha512:${'0'.repeat(128)}`)
  for (const text of [
    '',
    'sha256:',
    digest.toUpperCase(),
    `${digest}0`,
    `sha512:${'0'.repeat(64)}`,
    `${digest}\n`,
  ])
    t.equal(parseDigest(text), undefined, text)
})

t.test('tags of what is attached are those of cosign and of the specification', async (t) => {
  const hex = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
  const digest = parseDigest(`sha256:${hex}`)!
  t.equal(attachedTag(digest, 'sig'), `sha256-${hex}.sig`)
  t.equal(attachedTag(digest, 'att', 'prod-'), `prod-sha256-${hex}.att`)
  t.equal(referrersTag(digest), `sha256-${hex}`)
  t.equal(referrersTag(`sha512:${'a'.repeat(128)}` as Digest), `sha512-${'a'.repeat(64)}`)
  for (const kind of ['sig', 'att', 'sbom'] as const)
    t.same(parseAttachedTag(attachedTag(digest, kind)), { digest, kind })
  t.same(parseAttachedTag(referrersTag(digest)), { digest, kind: 'referrers' })
  for (const tag of ['v1', `sha256-${hex}.exe`, `sha256-${hex.slice(1)}`, `x-sha256-${hex}`])
    t.equal(parseAttachedTag(tag), undefined, tag)
  t.ok(isTag(attachedTag(digest, 'sbom')))
})
