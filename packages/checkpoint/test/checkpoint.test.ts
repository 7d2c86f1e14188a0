import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createSigner,
  generateSigningKey,
  parseBase64,
  parsePublicKey,
  sha256,
  toBase64,
  toHex,
} from '@sigstack/crypto'
import { anyCodePoint } from '@sigstack/crypto/testing'
import type { Hash } from '@sigstack/merkle'
import fc from 'fast-check'
import t from 'tap'
import {
  CheckpointError,
  encodeCheckpoint,
  encodeSignatureLine,
  noteKeyHint,
  noteKeyId,
  parseCheckpoint,
  parseSignedNote,
  rekorV1KeyHint,
  signCheckpoint,
  verifyCheckpoint,
} from '../src/index.ts'

fc.configureGlobal({ seed: 1 })

type Vector = {
  source: string
  publicKey: string
  logId: string
  note: string
  treeSize: string
  rootHash: string
}
type Vectors = Record<'rekor-v1' | 'rekor-v2', { valid: Vector[]; invalid: Vector[] }>
const read = (name: string) => JSON.parse(readFileSync(new URL(`./vectors/${name}`, import.meta.url), 'utf8'))
const vectors: Vectors = read('checkpoints.json')

const logOf = (dialect: keyof Vectors, vector: Vector) => {
  const publicKey = parsePublicKey(parseBase64(vector.publicKey))
  const keyHint =
    dialect === 'rekor-v1' ? rekorV1KeyHint(publicKey) : parseBase64(idOf(vector)).subarray(0, 4)
  const expectedTreeHead = { size: BigInt(vector.treeSize), rootHash: parseBase64(vector.rootHash) as Hash }
  return { publicKey, keyHint, expectedTreeHead }
}
const idOf = (vector: Vector) => Buffer.from(vector.logId, 'hex').toString('base64')
const rootOf = (text: string) => sha256(text) as Hash

for (const dialect of ['rekor-v1', 'rekor-v2'] as const) {
  t.test(`every real ${dialect} checkpoint verifies and encodes to itself`, async (t) => {
    for (const vector of vectors[dialect].valid) {
      const checkpoint = await verifyCheckpoint(vector.note, logOf(dialect, vector))
      t.equal(encodeCheckpoint(checkpoint), checkpoint.text, vector.source)
    }
  })

  t.test(`a ${dialect} checkpoint with a wrong hint, root, signature or form is refused`, async (t) => {
    for (const vector of vectors[dialect].invalid) {
      await t.rejects(
        verifyCheckpoint(vector.note, logOf(dialect, vector)),
        { name: 'CheckpointError' },
        vector.source,
      )
    }
  })
}

t.test('a wrong root is told apart from a wrong key', async (t) => {
  const named = (name: string) =>
    vectors['rekor-v1'].invalid.find(({ source }) => source.includes(name)) as Vector
  const code = (vector: Vector) =>
    verifyCheckpoint(vector.note, logOf('rekor-v1', vector)).catch((e) => e.code)
  t.equal(await code(named('wrong-roothash')), 'wrong_tree_head')
  t.equal(await code(named('bad-keyhint')), 'unknown_signer')
  t.equal(await code(named('invalid-checkpoint-signature')), 'bad_signature')
})

t.test('key IDs are those of the public and test logs', async (t) => {
  type KeyId = { origin: string; publicKeySpki: string; logIdHex: string; v1LogIdHex: string }
  for (const { origin, publicKeySpki, logIdHex, v1LogIdHex } of read('log-key-ids.json') as KeyId[]) {
    const key = parsePublicKey(parseBase64(publicKeySpki))
    t.equal(toHex(noteKeyId(origin, key)), logIdHex, origin)
    t.equal(toHex(rekorV1KeyHint(key)), v1LogIdHex.slice(0, 8), origin)
  }
})

t.test('what we sign we verify, in the form of each dialect', async (t) => {
  const ed25519 = generateKeyPairSync('ed25519').privateKey
  for (const key of [generateSigningKey(), ed25519]) {
    const signer = createSigner(key)
    const origin = 'log.example.org - 4711'
    const treeHead = { size: 7n, rootHash: rootOf('seven') }
    for (const keyHint of [
      rekorV1KeyHint(signer.publicKey),
      noteKeyHint('log.example.org', signer.publicKey),
    ]) {
      const note = await signCheckpoint({ origin, name: 'log.example.org', treeHead, signer, keyHint })
      const log = {
        publicKey: signer.publicKey,
        keyHint,
        name: 'log.example.org',
        expectedTreeHead: treeHead,
      }
      const checkpoint = await verifyCheckpoint(note, log)
      t.match(checkpoint, { origin, treeHead, extensionLines: [] })
      t.equal(checkpoint.signatures.length, 1)
      await t.rejects(verifyCheckpoint(note, { ...log, name: 'other.example.org' }), {
        code: 'unknown_signer',
      })
      await t.rejects(
        verifyCheckpoint(note.replace('\n7\n', '\n8\n'), {
          ...log,
          expectedTreeHead: { ...treeHead, size: 8n },
        }),
        {
          code: 'bad_signature',
        },
      )
    }
  }
})

t.test(
  'a false signature in the name of the log is refused beside a good one, one by others is not',
  async (t) => {
    const signer = createSigner(generateSigningKey())
    const keyHint = rekorV1KeyHint(signer.publicKey)
    const treeHead = { size: 7n, rootHash: rootOf('seven') }
    const note = await signCheckpoint({ origin: 'log - 1', name: 'log', treeHead, signer, keyHint })
    const [text = '', good = ''] = note.split('\n\n')
    const lineOf = (name: string, hint: Uint8Array) =>
      encodeSignatureLine({ name, keyHint: hint, signature: new Uint8Array(70) })
    const verify = (lines: string, name?: string) =>
      verifyCheckpoint(`${text}\n\n${lines}`, { publicKey: signer.publicKey, keyHint, ...(name && { name }) })
    const bad = lineOf('log', keyHint)
    for (const lines of [good + bad, bad + good, bad])
      await t.rejects(verify(lines), { code: 'bad_signature' })
    await t.resolves(verify(lineOf('witness', Buffer.alloc(4)) + good))
    await t.resolves(verify(lineOf('log', Buffer.alloc(4)) + good), 'another key of the same name')
    await t.resolves(
      verify(lineOf('witness', keyHint) + good, 'log'),
      'where the name counts, it is another key',
    )
    await t.resolves(verify(lineOf('witness', Buffer.alloc(4)).repeat(200) + good), 'however many they are')
    await t.rejects(verify(good.repeat(17)), { code: 'bad_note', message: /more than 16 times/ })
  },
)

t.test('the empty tree is encoded as every log publishes it', async (t) => {
  const text = encodeCheckpoint({ origin: 'log.example.org', treeHead: { size: 0n, rootHash: rootOf('') } })
  t.equal(text, 'log.example.org\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n')
})

t.test('further lines are signed with the head, and read as they are', async (t) => {
  const signer = createSigner(generateSigningKey())
  const origin = 'log.example.org'
  const keyHint = noteKeyHint(origin, signer.publicKey)
  const head = { origin, treeHead: { size: 7n, rootHash: rootOf('seven') } }
  const extensionLines = ['Log frozen — Wed Dec  2 05:44:27 UTC 2026', 'x']
  const note = await signCheckpoint({ ...head, name: origin, extensionLines, signer, keyHint })
  t.match(await verifyCheckpoint(note, { publicKey: signer.publicKey, keyHint }), { ...head, extensionLines })
  await t.rejects(verifyCheckpoint(note.replace('\nx\n', '\n'), { publicKey: signer.publicKey, keyHint }), {
    code: 'bad_signature',
  })
  for (const line of ['', 'two\nlines'])
    t.throws(() => encodeCheckpoint({ ...head, extensionLines: [line] }), { code: 'bad_checkpoint' })
})

t.test('notes that bend the form are refused', async (t) => {
  const root = toBase64(sha256(''))
  const line = `\u2014 log ${toBase64(new Uint8Array(68))}\n`
  const good = `log\n1\n${root}\n\n${line}`
  t.equal(parseCheckpoint(good).treeHead.size, 1n)
  const bent: Record<string, string> = {
    'no final line feed': good.slice(0, -1),
    'two empty lines': `log\n1\n${root}\n\n${line}\n${line}`,
    'text with an empty line': `log\n\n1\n${root}\n\n${line}`,
    'carriage returns': good.replaceAll('\n', '\r\n'),
    'leading zero': good.replace('\n1\n', '\n01\n'),
    'negative size': good.replace('\n1\n', '\n-1\n'),
    'size beyond 64 bits': good.replace('\n1\n', '\n18446744073709551616\n'),
    'short root': good.replace(root, toBase64(new Uint8Array(31))),
    'unpadded root': good.replace(root, root.slice(0, -1)),
    'stray bits in the root': good.replace(root, root.replace('FU=', 'FV=')),
    'no origin': good.slice(4),
    'hyphen for dash': good.replace('\u2014', '-'),
    'no key name': good.replace('\u2014 log ', '\u2014  '),
    'plus in the key name': good.replace('\u2014 log ', '\u2014 l+g '),
    'signature of a hint only': good.replace(line, `\u2014 log ${toBase64(new Uint8Array(4))}\n`),
    'no signature': `log\n1\n${root}\n\n`,
    'too many signatures': good + line.repeat(1000),
    'lone surrogate': good.replace('log\n', 'l\ud800g\n'),
    'too long': `log\n1\n${root}\n${'x'.repeat(1_000_000)}\n\n${line}`,
  }
  for (const [what, note] of Object.entries(bent))
    t.throws(() => parseCheckpoint(note), { name: 'CheckpointError' }, what)
})

t.test('arbitrary text is parsed or refused, never anything else', async (t) => {
  const root = toBase64(sha256('x'))
  const piece = fc.oneof(
    fc.string({ unit: anyCodePoint, maxLength: 20 }),
    fc.constantFrom('\n', '\n\n', '\u2014 ', 'log', '0', root, 'AAAAAAAA', ' ', '+', '\r', '\u0000'),
  )
  const parse = (text: string) => {
    try {
      const { text: signed } = parseSignedNote(text)
      t.ok(text.startsWith(signed) && signed.endsWith('\n'))
      return encodeCheckpoint(parseCheckpoint(text))
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
      return undefined
    }
  }
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => void parse(pieces.join(''))),
    { numRuns: 500 },
  )
  const size = fc.bigInt(0n, 2n ** 64n - 1n)
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(size, hash, (size, rootHash) => {
      const text = encodeCheckpoint({ origin: 'log', treeHead: { size, rootHash: rootHash as Hash } })
      return parse(`${text}\n\u2014 log AAAAAAAA\n`) === text
    }),
  )
})
