/** Many images in one call: those of a command line, of resources of Kubernetes, and of a Dockerfile. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type FakeOptions } from '../../oci/test/fake-registry.ts'
import { imagesOfDockerfile } from '../src/images/dockerfile.ts'
import { imagesOfManifest } from '../src/images/kubernetes-manifest.ts'
import { startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/cosign-3.1.3-p256.${name}`, import.meta.url))
const environment = { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' }
const run = (...words: readonly string[]) => runCommand(words, environment)
const sign = (...words: readonly string[]) =>
  run('sign', '--key', key('key'), '--tlog-upload=false', ...words)
const trust = ['--key', key('pub'), '--insecure-ignore-tlog']

t.test('images are looked at ten at once, each by one HEAD, one list and its bundles', async (t) => {
  const count = 20
  const waiting: (() => void)[] = []
  let isHeld = false
  let most = 0
  const intercept: NonNullable<FakeOptions['intercept']> = async (request) => {
    if (!isHeld || !(request.url ?? '').includes('/referrers/')) return false
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      most = Math.max(most, waiting.length)
      // Whoever asks one after the other waits here for ever.
      if (waiting.length === 10) for (const go of waiting.splice(0)) go()
    })
    return false
  }
  const registry = await startRegistry(t, { referrersApi: true, intercept })
  const images = await Promise.all(Array.from({ length: count }, (_, at) => registry.push(`app${at}`)))
  const signed = await sign(...images.map(({ pinned }) => pinned))
  t.equal(signed.status, 0, signed.err)
  isHeld = true
  const before = registry.lines().length
  const verified = await run('verify', ...trust, ...images.map(({ tag }) => tag))
  t.equal(verified.status, 0, verified.err)
  t.equal(most, 10)
  const asked = registry.lines().slice(before)
  const countOf = (part: string): number => asked.filter((line) => line.includes(part)).length
  t.equal(countOf('HEAD /v2/'), count)
  t.equal(countOf('/referrers/'), count)
  t.equal(countOf('/manifests/sha256:'), count, 'of the bundles')
  t.equal(countOf('/blobs/'), count)
  const order = verified.err.split('\n').filter((line) => line.startsWith('Verification for '))
  t.same(
    order,
    images.map(({ tag }) => `Verification for ${tag} --`),
    'told in the order of the words',
  )
})

t.test('of several images the one that does not verify is named', async (t) => {
  const registry = await startRegistry(t)
  const [one, other] = [await registry.push('one'), await registry.push('other')]
  t.equal((await sign(one.pinned)).status, 0)
  const { status, err } = await run('verify', ...trust, '--max-workers', '1', one.pinned, other.pinned)
  t.equal(status, 10)
  t.match(err, `Verification for ${one.pinned} --`)
  t.match(err, `Error: ${other.pinned}: no signatures found\n`)
  t.match((await run('verify', ...trust, '--max-workers', '0', one.pinned)).err, /a count from 1 to 999/)
})

t.test('every image that a manifest runs or mounts is verified', async (t) => {
  const registry = await startRegistry(t)
  const [one, other] = [await registry.push('one'), await registry.push('other')]
  t.equal((await sign(one.pinned)).status, 0)
  const folder = t.testdir({
    'pod.yaml': `apiVersion: v1\nkind: Pod\nspec: { containers: [{ image: "${one.pinned}" }] }\n`,
    'both.YML': `spec: { containers: [{ image: "${one.pinned}" }] }\n---\nspec:\n  template:\n    spec: { initContainers: [{ image: "${other.pinned}" }] }\n`,
    'empty.yaml': 'kind: ConfigMap\n',
    'pod.json': '{}',
    'broken.yaml': '{',
  })
  const verify = (name: string) => run('manifest', 'verify', ...trust, path.join(folder, name))
  const good = await verify('pod.yaml')
  t.equal(good.status, 0, good.err)
  t.match(good.err, `Extracted image(s): ${one.pinned}\n`)
  t.match(good.out, /cosign\/sign\/v1/)
  const bad = await verify('both.YML')
  t.equal(bad.status, 10)
  t.match(bad.err, `Extracted image(s): ${one.pinned}, ${other.pinned}\n`)
  t.match((await verify('empty.yaml')).err, /no images found in manifest/)
  t.match((await verify('pod.json')).err, /only \[\.yaml \.yml\] manifests are supported at this time/)
  t.match((await verify('broken.yaml')).err, /unable to decode the manifest/)
})

t.test('images are found wherever a pod stands', async (t) => {
  const pod = (...names: readonly string[]): string =>
    `{ containers: [${names.map((image) => `{ image: ${image} }`).join(', ')}] }`
  for (const [yaml, images] of [
    [`spec: ${pod('a', 'b')}`, ['a', 'b']],
    [`spec: { template: { spec: ${pod('a')} } }`, ['a']],
    [`spec: { jobTemplate: { spec: { template: { spec: ${pod('a')} } } } }`, ['a']],
    ['spec: { initContainers: [{ image: i }], ephemeralContainers: [{ image: e }] }', ['i', 'e']],
    ['spec: { volumes: [{ image: { reference: v } }, { emptyDir: {} }] }', ['v']],
    [`kind: List\nitems: [{ spec: ${pod('a')} }, { items: [{ spec: ${pod('b')} }] }]`, ['a', 'b']],
    [`spec: &s ${pod('a')}\n---\n{}\n---\nspec: ${pod('b')}`, ['a', 'b']],
    ['spec: { containers: [{ image: "" }, {}, 1, { image: [x] }] }', []],
    // What would hide an image, did kubectl not read it so.
    ['x: &c { image: a }\nspec: { containers: [{ <<: *c }] }', ['a']],
    [`items: []\nspec: ${pod('a')}`, ['a']],
    [`kind: PodTemplate\ntemplate: { spec: ${pod('a')} }`, ['a']],
    [`spec: { replicatedJobs: [{ template: { spec: { template: { spec: ${pod('a')} } } } }] }`, ['a']],
    ['', []],
    ['1', []],
  ] as const)
    t.same(imagesOfManifest(yaml), images, yaml)
  const bomb = `a: &a [x,x]\n${Array.from({ length: 30 }, (_, at) => `b${at}: &b${at} [*${at === 0 ? 'a' : `b${at - 1}`},*${at === 0 ? 'a' : `b${at - 1}`}]`).join('\n')}`
  t.throws(() => imagesOfManifest(bomb), { code: 'unreadable' })
  for (const yaml of [
    `${'{ items: ['.repeat(40)}${'] }'.repeat(40)}`,
    'spec: { containers: [{ image: !!binary YQ== }] }',
    'spec: { containers: !!set { ? { image: a } } }',
    'spec: { containers: [{ image: a, image: b }] }',
    'spec: { containers: [{ ? [image] : a }] }',
  ])
    t.throws(() => imagesOfManifest(yaml), { code: 'unreadable' }, yaml)
})

t.test('images of a Dockerfile are found as its builder finds them', async (t) => {
  for (const [text, images, base = images.at(-1)] of [
    ['FROM a', ['a']],
    ['from --platform=$BUILDPLATFORM a:1 as x\nFROM X\nCOPY --from=x / /', ['a:1'], 'a:1'],
    ['FROM a AS one\nFROM b AS two\nFROM one', ['a', 'b'], 'a'],
    ['FROM a AS x\nFROM scratch\nCOPY --from=x / /\nCOPY --from=c / /', ['a', 'c'], 'c'],
    [
      'FROM a\nFROM b\nCOPY --from=0 / /\nCOPY --chown=1:1 --from=1 / /\nADD --from=7 / /',
      ['a', 'b', '7'],
      'b',
    ],
    ['FROM a\nRUN --mount=type=bind,from=m,target=/m true\nONBUILD COPY --from=o / /', ['a', 'm', 'o'], 'a'],
    ['ARG T=1\nFROM a:$T\nARG T=2\nFROM b:${T}', ['a:1', 'b:1'], 'b:1'],
    ['FROM a:${OUT}\nFROM b:${NONE:-d}${OUT:+x}', ['a:set', 'b:dx'], 'b:dx'],
    ['ARG I="a:1" J=b:1\nFROM $I\nENV K c:1\nCOPY --from=$K / /', ['a:1', 'c:1'], 'a:1'],
    ['FROM a\nCOPY --link \\\n  # a comment\n\n  --from=b \\\n  / /', ['a', 'b'], 'a'],
    ['# escape=`\nFROM a `\n  AS x\nCOPY --from=b / \\', ['a', 'b'], 'a'],
    ['FROM a\nRUN <<E\nFROM no\nE\nCOPY <<-"F" /x\nFROM no\n\tF\nCOPY --from=b / /', ['a', 'b'], 'a'],
    ['# FROM no\n  FROM a\n#\nRUN echo FROM no', ['a']],
    ['\uFEFFFROM a\r\nFROM b\r\n', ['a', 'b']],
    [
      'FROM a\nENV P="$(date)" Q=5$ R=${X#y}\nENV LONG ' + 'x'.repeat(9000) + '\nCOPY --from=b / /',
      ['a', 'b'],
      'a',
    ],
    ['FROM a\nFROM 0\nFROM 00\nCOPY --from=00 / /', ['a', '0', '00'], '00'],
    // What would hide an image, did the builder not read it so.
    ['FROM a\nRUN echo \\\\\nFROM b', ['a', 'b']],
    ['FR\\\nOM a\nCOPY --fr\\\nom=b / /', ['a', 'b'], 'a'],
    ['FROM a\nCOPY --"from=b" / /\nCOPY --fr\\om=c / /', ['a', 'b', 'c'], 'a'],
    ['FROM a\nRUN --mount=type=bind,From=b true\nRUN --mount="type=bind,from=c" true', ['a', 'b', 'c'], 'a'],
    ['# other=1\n# escape=`\nFROM a \\\nAS x\nRUN echo `\nFROM b', ['a', 'b']],
    ['FROM a\nRUN echo "\\" <<E "\nFROM b\nRUN true \\\nE', ['a', 'b']],
    ['FROM a\nRUN echo \\" <<E\nFROM no\nE\nFROM b', ['a', 'b']],
    ['FROM a\nRUN a \\\n\uFEFF#c \nFROM b', ['a', 'b']],
    ['FROM a\nRUN echo $((1<<2)) <<<x 1<<2<', ['a']],
    ['ARG A=b\nARG B="x\\" A=c"\nFROM $A', ['b']],
  ] as const) {
    const found = imagesOfDockerfile(text, { OUT: 'set' })
    t.same(found.images, images, text)
    t.equal(found.base, base, text)
  }
  t.same(imagesOfDockerfile('# syntax=f:1\nFROM a', {}).notes, ['- not verified: f:1, which reads this file'])
  const doubled = Array.from({ length: 40 }, (_, at) => `ARG V${at + 1}=$V${at}$V${at}`).join('\n')
  const bomb = `ARG V0=xx\n${doubled}\nFROM $V40`
  for (const text of [
    'FROM',
    'FROM $NONE',
    'FROM a AS',
    'FROM a b',
    'FROM a\nRUN <<E\nx',
    'FROM a:${T#x}',
    'ARG X=$(x)\nFROM $X',
    'FROMAGE a\nFROM b',
    '\uFEFF\uFEFF#\nFROM a',
    '# escape=x\nFROM a',
    '# escape=`\n# escape=`\nFROM a',
    'FROM a AS b c',
    'FROM a\nRUN <<E\\F\nEF\nFROM b\nRUN <<#\nE\\F',
    'FROM a\nRUN ${X:-<<E}\nFROM b\nE',
    "FROM a\nRUN <<E '\nFROM b\nRUN \\\nE",
    'FROM a\nRUN --mount=\\"from=b\\" true',
    'FROM a\nCOPY --from=à / /',
    'FROM a\nONBUILD --x COPY --from=b / /',
    bomb,
  ])
    t.throws(() => imagesOfDockerfile(text, {}), { code: 'unreadable' }, text)
})

t.test('every image of a Dockerfile is verified, or that of the last stage alone', async (t) => {
  const registry = await startRegistry(t)
  const [one, other] = [await registry.push('one'), await registry.push('other')]
  t.equal((await sign(one.pinned)).status, 0)
  const folder = t.testdir({
    Dockerfile: `FROM ${other.pinned} AS build\nFROM \${BASE}\nCOPY --from=build / /\n`,
    scratch: 'FROM scratch\n',
  })
  const verify = (name: string, ...more: readonly string[]) =>
    runCommand(['dockerfile', 'verify', ...trust, ...more, path.join(folder, name)], {
      ...environment,
      BASE: one.pinned,
    })
  const all = await verify('Dockerfile')
  t.equal(all.status, 10)
  t.match(all.err, `Extracted image(s): ${other.pinned}, ${one.pinned}\n`)
  const base = await verify('Dockerfile', '--base-image-only')
  t.equal(base.status, 0, base.err)
  t.match(base.err, `Extracted image(s): ${one.pinned}\n`)
  const none = await verify('scratch')
  t.equal(none.status, 1)
  t.match(none.err, /- scratch image ignored\n.*no images found in Dockerfile/s)
})
