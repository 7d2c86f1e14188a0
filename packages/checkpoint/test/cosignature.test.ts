import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createMlDsaSigner,
  createSigner,
  generateMlDsaKey,
  generateSigningKey,
  sha256,
  toHex,
} from '@sigstack/crypto'
import type { Hash } from '@sigstack/merkle'
import t from 'tap'
import {
  type Cosigner,
  canCosign,
  cosign,
  encodeCheckpoint,
  encodeNoteKey,
  encodeSignatureLine,
  noteKey,
  noteKeyOf,
  parseCheckpoint,
  parseNoteKey,
  parseSignedNote,
  signCheckpoint,
  verifyLines,
} from '../src/index.ts'

type Vector = { source: string; vkey: string; note: string }
const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('./vectors/cosigned.json', import.meta.url), 'utf8'),
)

const log = createSigner(generateSigningKey())
const logKey = noteKeyOf('log.example.org', log.publicKey, 'log')
const treeHead = { size: 7n, rootHash: sha256('seven') as Hash }
const note = await signCheckpoint({
  origin: 'log.example.org',
  name: 'log.example.org',
  treeHead,
  signer: log,
  keyHint: logKey.keyHint,
})

function ed25519(name: string, key: KeyObject = generateKeyPairSync('ed25519').privateKey): Cosigner {
  const signer = createSigner(key)
  return { key: noteKeyOf(name, signer.publicKey, 'witness'), sign: signer.sign }
}

function mlDsa(name: string): Cosigner {
  const signer = createMlDsaSigner(generateMlDsaKey())
  return { key: noteKey(name, 'ml-dsa-44', signer.publicKey), sign: signer.sign }
}

t.test('cosignatures of real witnesses and mirrors verify, and none with another byte', async (t) => {
  for (const { source, vkey, note } of vectors) {
    const key = parseNoteKey(vkey)
    t.equal(encodeNoteKey(key), vkey)
    const [line] = await verifyLines(parseCheckpoint(note), [key])
    t.equal(line?.timeSeconds, 1_767_139_200n, source)
    t.ok(note.includes(line?.line ?? 'none'))
    const other = note.replace('\n300\n', '\n301\n')
    await t.rejects(verifyLines(parseCheckpoint(other), [key]), { code: 'bad_signature' })
  }
})

t.test('each kind of key cosigns, and is verified with its time beside the line of the log', async (t) => {
  for (const cosigner of [ed25519('witness.example.org'), mlDsa('witness.example.org')]) {
    const line = await cosign(parseCheckpoint(note), cosigner, 1_700_000_000n)
    const [, signature] = parseSignedNote(note + line).signatures
    t.equal(signature?.signature.length, cosigner.key.kind === 'ml-dsa-44' ? 2_428 : 72)
    const checkpoint = parseCheckpoint(note + line)
    const keys = [logKey, parseNoteKey(encodeNoteKey(cosigner.key))]
    const lines = await verifyLines(checkpoint, keys)
    t.strictSame(
      lines.map(({ key, timeSeconds }) => [key.kind, timeSeconds]),
      [
        ['ecdsa', undefined],
        [cosigner.key.kind, 1_700_000_000n],
      ],
    )
    t.equal(lines.map(({ line }) => line).join(''), (note + line).split('\n\n')[1])

    for (const at of [0, 8, 30, (signature?.signature.length ?? 0) - 1]) {
      const bytes = Uint8Array.from(signature?.signature ?? [])
      bytes[at] = (bytes[at] ?? 0) ^ 1
      const { name, keyHint } = cosigner.key
      const bent = note + encodeSignatureLine({ name, keyHint, signature: bytes })
      await t.rejects(verifyLines(parseCheckpoint(bent), keys), { code: 'bad_signature' }, `byte ${at}`)
    }
    await t.rejects(cosign(checkpoint, cosigner, 0n), RangeError, 'without a time it says too little')
  }
})

t.test('what ML-DSA signs is the structure of C2SP, byte for byte', async (t) => {
  const { key } = mlDsa('w/1')
  const signed: Uint8Array[] = []
  const sign = async (message: Uint8Array) => {
    signed.push(message)
    return new Uint8Array(2420)
  }
  await cosign(parseCheckpoint(note), { key, sign }, 0x0102n)
  const u64 = (value: bigint) => value.toString(16).padStart(16, '0')
  t.equal(
    toHex(signed[0] as Uint8Array),
    [
      Buffer.from('subtree/v1\n\0').toString('hex'),
      `03${Buffer.from('w/1').toString('hex')}`,
      u64(0x0102n),
      `0f${Buffer.from('log.example.org').toString('hex')}`,
      u64(0n),
      u64(7n),
      toHex(treeHead.rootHash),
    ].join(''),
  )
})

t.test('ML-DSA signs and verifies nothing that it would not cover', async (t) => {
  const cosigner = mlDsa('witness.example.org')
  const extended = parseCheckpoint(
    note.replace('\n\n', '\nLog frozen\n\n') + (await cosign(parseCheckpoint(note), cosigner, 5n)),
  )
  t.notOk(canCosign(extended, cosigner.key))
  await t.rejects(cosign(extended, cosigner, 5n), { code: 'bad_checkpoint' })
  await t.rejects(verifyLines(extended, [cosigner.key]), { code: 'bad_signature' })
  const { key } = ed25519('other.example.org')
  t.ok(canCosign(extended, key), 'the text holds them')
  const text = encodeCheckpoint({ origin: 'o'.repeat(256), treeHead })
  t.notOk(canCosign(parseCheckpoint(`${text}\n— log AAAAAAAA\n`), cosigner.key))
})

t.test('a key without its own name, hint or kind is none', (t) => {
  const { key } = ed25519('witness.example.org')
  const good = encodeNoteKey(key)
  const [name = '', hint = '', ...rest] = good.split('+')
  const base64 = rest.join('+')
  const flipped = `${hint[0] === '0' ? '1' : '0'}${hint.slice(1)}`
  for (const [what, text] of Object.entries({
    nothing: '',
    'no name': `+${hint}+${base64}`,
    'another name': `other.example.org+${hint}+${base64}`,
    'another hint': `${name}+${flipped}+${base64}`,
    'upper case': `${name}+${hint.toUpperCase().padStart(8, 'A').slice(-8).replace(/^./, 'A')}+${base64}`,
    'no base64': `${name}+${hint}+!`,
    unpadded: `${name}+${hint}+${base64.replace(/=+$/, '')}x`,
    'unknown kind': `${name}+${hint}+${Buffer.alloc(33, 9).toString('base64')}`,
    'short key': `${name}+${hint}+${Buffer.alloc(12, 4).toString('base64')}`,
    'short ML-DSA key': `${name}+${hint}+${Buffer.alloc(33, 6).toString('base64')}`,
    'white space': `a b+${hint}+${base64}`,
    'too long': `${name}+${hint}+${'A'.repeat(5000)}`,
  }))
    t.throws(() => parseNoteKey(text), { name: 'CheckpointError', code: 'bad_key' }, what)
  t.throws(() => noteKeyOf('w', log.publicKey, 'witness'), { code: 'bad_key' })
  t.throws(() => noteKey('n'.repeat(256), 'ml-dsa-44', new Uint8Array(1312)), { code: 'bad_key' })
  t.end()
})

t.test('a key that signs again and again is not verified without end', async (t) => {
  const cosigner = ed25519('witness.example.org')
  const line = await cosign(parseCheckpoint(note), cosigner, 5n)
  t.equal((await verifyLines(parseCheckpoint(note + line.repeat(16)), [cosigner.key])).length, 16)
  await t.rejects(verifyLines(parseCheckpoint(note + line.repeat(17)), [cosigner.key]), { code: 'bad_note' })
})
