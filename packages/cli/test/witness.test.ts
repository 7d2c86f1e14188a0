/** Proofs as files, and what witnesses have signed, with nobody asked but the servers of the test. */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  cosign,
  encodeNoteKey,
  type NoteKey,
  noteKeyOf,
  parseCheckpoint,
  signCheckpoint,
} from '@sigstack/checkpoint'
import { createSigner, parsePublicKey, sha256, sha256Hex } from '@sigstack/crypto'
import { asHash } from '@sigstack/merkle'
import t, { type Test } from 'tap'
import { runCommand } from './support.ts'

const folder = (name: string): string =>
  fileURLToPath(new URL(`../../verification/test/vectors/conformance/${name}`, import.meta.url))
const run = (...words: readonly string[]) => runCommand(words, { SIGSTACK_DATA: '/nowhere' })

/** A policy of the logs in a trusted root. */
function policyOf(trustedRoot: string): string {
  const { tlogs } = JSON.parse(readFileSync(trustedRoot, 'utf8')) as {
    tlogs: { baseUrl: string; publicKey: { rawBytes: string } }[]
  }
  const vkeys = tlogs.map(({ baseUrl, publicKey }) => {
    const key = parsePublicKey(Buffer.from(publicKey.rawBytes, 'base64'))
    return encodeNoteKey(noteKeyOf(new URL(baseUrl).hostname, key, 'log'))
  })
  return `${[...new Set(vkeys)].map((vkey) => `log ${vkey}\n`).join('')}quorum none\n`
}

t.test('the proof in a bundle becomes a file, which holds without the log', async (t) => {
  for (const name of ['rekor2-happy-path', 'trust-root-tlog-validity-end-inclusive']) {
    const bundle = path.join(folder(name), 'bundle.sigstore.json')
    const trusted = path.join(folder(name), 'trusted_root.json')
    const base = t.testdir({ policy: policyOf(trusted), 'other.json': '{}' })
    const at = (file: string) => path.join(base, file)
    t.match(await run('log', 'proof', bundle, '--out', at('a.tlog-proof')), { status: 0, out: '' }, name)
    const text = readFileSync(at('a.tlog-proof'), 'utf8')
    t.match(text, /^c2sp\.org\/tlog-proof@v1\nindex \d+\n/)
    t.equal((await run('log', 'proof', bundle)).out, text)
    const verify = (...words: readonly string[]) =>
      run('log', 'verify-proof', at('a.tlog-proof'), '--policy', at('policy'), ...words)
    t.match(await verify('--bundle', bundle), { status: 0, err: /^Verified OK: entry \d+ of \d+ in \S/ })
    t.match(JSON.parse((await verify('--bundle', bundle, '--json')).out), { signatures: [{ name: String }] })
    t.match(await verify('--leaf', at('other.json')), { status: 1, err: /another root/ })
    t.match(await verify(), { status: 1, err: /--bundle or --leaf/ })
    writeFileSync(at('policy'), 'quorum none\n')
    t.match(await verify('--bundle', bundle), { status: 1, err: /names no log/ }, 'else any log would do')
    const { key: nobody } = someone('nobody.example', 'witness')
    const witnessed = `witness w ${encodeNoteKey(nobody)}\nquorum w\n`
    writeFileSync(at('policy'), policyOf(trusted).replace('quorum none\n', witnessed))
    t.match(await verify('--bundle', bundle), { status: 1, err: /no quorum[^]*--fresh/ })
    writeFileSync(at('policy'), 'quorum none\nquorum none\n')
    t.match(await verify('--bundle', bundle), { status: 1, err: /line 2 of the policy/ })
    const { key } = someone('log.example', 'log')
    writeFileSync(at('policy'), `log ${encodeNoteKey(key)}\nquorum none\n`)
    t.match(await verify('--bundle', bundle), { status: 1, err: /no log of the policy has signed/ })
  }
})

function someone(name: string, role: 'log' | 'witness') {
  const signer = createSigner(generateKeyPairSync('ed25519').privateKey)
  return { key: noteKeyOf(name, signer.publicKey, role), sign: signer.sign, signer }
}

/** Answers with these texts by their paths, and elsewhere with 404. */
async function serve(t: Test, texts: Readonly<Record<string, string>>, otherwise?: string): Promise<string> {
  const server = createServer((request, response) => {
    const text = texts[request.url ?? '']
    response.writeHead(text === undefined ? 404 : 200).end(text ?? otherwise)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('the status of witnesses tells how far each is, and whether the quorum has signed', async (t) => {
  const origin = 'log.example'
  const log = someone(origin, 'log')
  const note = (size: bigint) =>
    signCheckpoint({
      origin,
      name: origin,
      treeHead: { size, rootHash: asHash(sha256(`root of ${size}`)) },
      signer: log.signer,
      keyHint: log.key.keyHint,
    })
  const a = someone('a.example', 'witness')
  const b = someone('b.example', 'witness')
  const c = someone('c.example', 'witness')
  const e = someone('e.example', 'witness')
  const lineOf = async (size: bigint, by: typeof a) =>
    cosign(parseCheckpoint(await note(size)), by, 1_700_000_000n)
  const shown = `/${sha256Hex(origin)}/checkpoint`
  const newest = await note(9n)
  const cosigned = newest + (await lineOf(9n, a)) + (await lineOf(9n, e))
  const urls = {
    log: await serve(t, { '/checkpoint': cosigned }),
    a: await serve(t, { [shown]: cosigned }),
    b: await serve(t, { [shown]: (await note(7n)) + (await lineOf(7n, b)) }),
    c: await serve(t, { [shown]: newest }),
    d: await serve(t, {}),
    e: await serve(t, {}),
  }
  const line = (name: 'a' | 'b' | 'c' | 'd' | 'e', { key }: { key: NoteKey }) =>
    `witness ${name} ${encodeNoteKey(key)} ${urls[name]}\n`
  const d = someone('d.example', 'witness')
  const lines = line('a', a) + line('b', b) + line('c', c) + line('d', d) + line('e', e)
  const base = t.testdir({ one: `${lines}quorum a\n`, all: `${lines}group g all a b c\nquorum g\n` })
  const status = (policy: string, ...words: readonly string[]) =>
    run('witness', 'status', '--policy', path.join(base, policy), '--log', `${urls.log}/`, ...words)
  t.match(await status('one'), {
    status: 0,
    out:
      'log.example, 9: the quorum has signed it\n' +
      '  a: 9, at 2023-11-14T22:13:20.000Z\n' +
      '  b: 7, at 2023-11-14T22:13:20.000Z, 2 behind\n' +
      '  c: it shows no checkpoint of this log with its signature\n' +
      '  d: it has signed nothing of this log, or does not know it\n' +
      '  e: 9, at 2023-11-14T22:13:20.000Z\n',
  })
  const all = await status('all', '--json')
  t.equal(all.status, 1)
  t.match(JSON.parse(all.out), {
    origin,
    size: '9',
    quorum: false,
    witnesses: [{ behind: '0' }, { behind: '2' }, {}, {}, { behind: '0' }],
  })
  t.match(await status('all'), { status: 1, out: /^log\.example, 9: shown without the quorum\n/ })
  t.match(await run('witness', 'status', '--policy', path.join(base, 'one'), '--log', `${urls.c}/none`), {
    status: 1,
    err: /answers with status 404/,
  })
})

t.test('a mirror that does not know the log says so, and what helps', async (t) => {
  const log = someone('log.example', 'log')
  const treeHead = { size: 1n, rootHash: asHash(sha256('root')) }
  const { keyHint } = log.key
  const checkpoint = await signCheckpoint({
    origin: 'log.example',
    name: 'log.example',
    treeHead,
    signer: log.signer,
    keyHint,
  })
  const problem = JSON.stringify({ status: 404, detail: 'no log "log.example" is known here' })
  const mirror = await serve(t, {}, problem)
  t.match(
    await run('log', 'mirror', '--log', await serve(t, { '/checkpoint': checkpoint }), '--to', mirror),
    {
      status: 1,
      err: /refuses the checkpoint with status 404: no log "log\.example" is known here\n.*list of logs/,
    },
  )
})
