/** What the tool reads and writes for its callers, in a process of its own where streams matter. */
import { execFileSync, spawnSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { readArtifact } from '@sigstack/verification'
import t from 'tap'
import { demandOutputs, demandWritable, writeOutput } from '../src/files.ts'
import { type Io, shown } from '../src/io.ts'
import { runCommand } from './support.ts'

const io: Io = {
  environment: {},
  self: [],
  out: () => undefined,
  err: () => undefined,
  file: () => undefined,
  standardInput: () => Readable.from([]),
}
const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

t.test('what is written is never what was read, under whatever name', async (t) => {
  const folder = t.testdir({ input: 'precious', other: 'mine' })
  const at = (name: string) => join(folder, name)
  mkdirSync(at('sub'))
  symlinkSync(at('other'), at('link'))
  symlinkSync(at('nowhere'), at('dangling'))
  symlinkSync(folder, at('sub/up'))
  linkSync(at('input'), at('hard'))
  for (const output of ['input', 'hard', 'link', 'dangling', './sub/../input', 'sub/up/input'])
    await t.rejects(
      writeOutput(io, at(output), 'x', [at('input')]),
      { code: 'unwritable', message: /same file as|symbolic link/ },
      output,
    )
  t.equal(readFileSync(at('input'), 'utf8'), 'precious')
  t.equal(readFileSync(at('other'), 'utf8'), 'mine')
  t.throws(() => statSync(at('nowhere')), { code: 'ENOENT' })

  await writeOutput(io, at('new'), 'one', [at('input')])
  t.equal(statSync(at('new')).mode & 0o777, 0o600)
  await writeOutput(io, at('new'), '2', [at('input')])
  t.equal(readFileSync(at('new'), 'utf8'), '2', 'a file that is nobody else is written anew')
  await t.rejects(writeOutput(io, '/dev/full', 'x'), { code: 'unwritable', message: /ENOSPC/ })
})

t.test('a place that cannot be written to is refused before anything is made', async (t) => {
  const folder = t.testdir({ file: '', folder: {} })
  for (const [name, reason] of [
    ['none/x.json', /ENOENT/],
    ['file/x.json', /ENOTDIR/],
    ['folder', /EISDIR/],
  ] as const)
    await t.rejects(demandWritable([join(folder, 'new'), '-', join(folder, name)]), {
      code: 'unwritable',
      message: reason,
    })
})

t.test('two results are not written into one file', async (t) => {
  const folder = t.testdir({ a: '', b: '' })
  const at = (name: string) => join(folder, name)
  mkdirSync(at('sub'))
  linkSync(at('a'), at('c'))
  await t.resolves(demandOutputs([at('a'), at('b'), at('new')], []))
  for (const pair of [
    [at('a'), at('a')],
    [at('new'), at('sub/../new')],
    [at('a'), at('c')],
    ['-', '-'],
  ])
    await t.rejects(demandOutputs(pair, []), { name: 'CliError' }, pair.join(' '))
})

t.test('sign-blob refuses such places before it signs', async (t) => {
  const folder = t.testdir({ a: 'hello' })
  const file = join(folder, 'a')
  symlinkSync('/dev/null', `${file}.sigstore.json`)
  const { status, err } = await runCommand(['sign-blob', file, '--data', folder])
  t.equal(status, 1)
  t.match(err, /symbolic link/)
  const onto = await runCommand(['sign-blob', file, '--bundle', file, '--data', folder])
  t.match(onto.err, /same file as/)
  const words = ['sign-blob', file, '--bundle', join(folder, 'x'), '--output-signature', join(folder, 'x')]
  t.match((await runCommand(words)).err, /are the same file/)
  t.equal(readFileSync(file, 'utf8'), 'hello')
})

t.test('files of the tool itself are not waited for where they are pipes', async (t) => {
  const folder = t.testdir({ data: {}, config: {} })
  const at = (name: string) => join(folder, name)
  execFileSync('mkfifo', [at('data/endpoints.json'), at('config/profile')])
  const words = ['trust', 'show', '--data', at('data')]
  t.match((await runCommand(words)).err, /endpoints\.json: it is no regular file/)
  const { err } = await runCommand(['profile', 'list'], { SIGSTACK_CONFIG: at('config') })
  t.match(err, /cannot read .*profile \(it is no regular file\)/)
})

t.test('a large artifact is hashed as it comes, and not kept', async (t) => {
  const part = Buffer.alloc(1 << 20, 7)
  const parts = Array.from({ length: 17 }, () => part)
  const artifact = await readArtifact(Readable.from(parts), ['sha256', 'sha512'])
  t.equal(artifact.bytes, undefined)
  t.equal(artifact.digests.sha256?.length, 32)
  t.equal(artifact.digests.sha512?.length, 64)
  t.equal(artifact.digests.sha384, undefined)
  const small = await readArtifact(Readable.from([Buffer.from('a'), Buffer.from('b')]), ['sha256'])
  t.equal(Buffer.from(small.bytes ?? []).toString(), 'ab')
})

t.test(
  'bundles, trusted roots and tokens may begin with a byte order mark, and be UTF-16 behind it',
  async (t) => {
    const vectors = new URL('../../verification/test/vectors/', import.meta.url)
    const read = (name: string) => readFileSync(new URL(name, vectors), 'utf8')
    const bundle = read('conformance/happy-path-v0.3-new-mediaType/bundle.sigstore.json')
    const root = read('roots/public-good.trusted_root.json')
    const folder = t.testdir({})
    const encodings: Record<string, (text: string) => Buffer> = {
      plain: (text) => Buffer.from(text),
      'UTF-8 with a mark': (text) => Buffer.from(`\ufeff${text}`),
      'UTF-16 of Windows': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
    }
    for (const [name, encode] of Object.entries(encodings)) {
      writeFileSync(join(folder, 'bundle'), encode(bundle))
      writeFileSync(join(folder, 'root'), encode(root))
      const verify = ['verify-blob', fileURLToPath(new URL('conformance/a.txt', vectors))]
      const trust = ['--bundle', join(folder, 'bundle'), '--trusted-root', join(folder, 'root')]
      const who = ['--certificate-identity-regexp', '.*', '--certificate-oidc-issuer-regexp', '.*']
      const { status, err } = await runCommand([...verify, ...trust, ...who])
      t.equal(status, 0, `${name}: ${err}`)
    }
    writeFileSync(join(folder, 'bundle'), Buffer.from([0xff, 0xfe, 0x00]))
    const anybody = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b']
    const broken = ['verify-blob', '/dev/null', '--bundle', join(folder, 'bundle')]
    const { err } = await runCommand([...broken, ...anybody])
    t.match(err, /is no bundle: it is neither UTF-8/)
  },
)

t.test('to verify, no stack has to run: what it last published is in its folder', async (t) => {
  const vectors = new URL('../../verification/test/vectors/', import.meta.url)
  const at = (name: string) => fileURLToPath(new URL(name, vectors))
  const root = readFileSync(at('roots/public-good.trusted_root.json'))
  const folder = t.testdir({ trust: { 'trusted_root.json': root }, empty: {} })
  const bundle = at('conformance/happy-path-v0.3-new-mediaType/bundle.sigstore.json')
  const who = ['--certificate-identity-regexp', '.*', '--certificate-oidc-issuer-regexp', '.*']
  const words = ['verify-blob', at('conformance/a.txt'), '--bundle', bundle, ...who, '--data']
  t.equal((await runCommand([...words, folder])).status, 0)
  t.match((await runCommand([...words, join(folder, 'empty')])).err, /no stack is running/)
  t.match((await runCommand(['trust', 'show', '--data', folder])).out, /Transparency log/)
})

t.test('nothing that a terminal obeys comes through, and JSON stays JSON', async (t) => {
  const hostile = '\u001b[2K\rVerified OK\u009b\u202e\u2028'
  const text = `${JSON.stringify({ [hostile]: hostile })}\n`
  t.match(shown(text), /^[ -~\n]*$/)
  t.same(JSON.parse(shown(text)), { [hostile]: hostile })
  const folder = t.testdir({ a: 'x' })
  const file = join(folder, 'bundle.json')
  writeFileSync(file, JSON.stringify({ mediaType: hostile, [`${hostile}\nVerified OK`]: 1 }))
  for (const more of [[], ['--json']]) {
    const who = ['--certificate-identity', hostile, '--certificate-oidc-issuer', 'b']
    const words = ['verify-blob', join(folder, 'a'), '--bundle', file]
    const { status, out, err } = await runCommand([...words, ...more, ...who])
    t.equal(status, 1)
    t.match(out + err, /^[ -~\n]*$/)
    t.notMatch(out + err, /^Verified OK/m)
    if (more.length > 0) t.match(JSON.parse(out), { error: { code: 'bad_bundle' } })
  }
})

t.test('a reader that goes away ends the tool without words, a full disk with a sentence', async (t) => {
  const run = (script: string) =>
    spawnSync('bash', ['-c', script, process.execPath, program], { encoding: 'utf8' })
  const closed = run('set -o pipefail; "$0" "$1" completion bash | true; echo "${PIPESTATUS[0]}"')
  t.equal(closed.stderr, '')
  t.match(closed.stdout, /^(?:0|141)\n$/, 'it may have been faster than the reader')
  const full = run('"$0" "$1" version > /dev/full')
  t.equal(full.status, 1)
  t.equal(full.stderr, 'Error: cannot write to standard output (ENOSPC)\n')
})
