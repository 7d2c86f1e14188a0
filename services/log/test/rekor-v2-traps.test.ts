/** What other implementations of Rekor v2 got wrong, or clients trip over (rekor-v2.md section 18), where no other test has it. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import path from 'node:path'
import { noteKeyHint, parseCheckpoint, verifyCheckpoint } from '@sigstack/checkpoint'
import { createSigner, parsePublicKeyPem, sha256, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import { freezeLog } from '@sigstack/log-engine'
import t, { type Test } from 'tap'
import { emptyDatabase, startRekor } from './running-log.ts'
import type { Parsed } from './support.ts'

const hostname = 'log2026-1.rekor.example.org'
const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

async function start(t: Test, variables: Readonly<Record<string, string>> = {}) {
  const log = await startRekor(t, {
    ...(await emptyDatabase(t)),
    keysFolder: t.testdir(),
    variables: { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: hostname, ...variables },
  })
  const post = async (
    artifact: string,
    signature: Uint8Array = sign('sha256', utf8(artifact), privateKey),
  ) => {
    const rawBytes = toBase64(createSigner(privateKey).publicKey.spki)
    const verifier = { publicKey: { rawBytes }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' }
    const body = JSON.stringify({
      hashedRekordRequestV002: {
        digest: toBase64(sha256(utf8(artifact))),
        signature: { content: toBase64(signature), verifier },
      },
    })
    // As a client does whose URL ends in a slash.
    const answer = await fetch(`${log.url}//api/v2/log/entries`, { method: 'POST', body })
    return { status: answer.status, entry: (await answer.json()) as Parsed }
  }
  return { log, post, publicKey: parsePublicKeyPem(log.publicKeyPem) }
}

const sizeOf = (note: string) => parseCheckpoint(note).treeHead.size

t.test('whoever was answered reads a checkpoint that covers it, and sizes never go back', async (t) => {
  const { log, post } = await start(t)
  let isDone = false
  const watching = (async () => {
    const sizes: bigint[] = []
    while (!isDone) sizes.push(sizeOf(await log.read('/checkpoint')))
    return sizes
  })()
  const covered = await Promise.all(
    Array.from({ length: 40 }, async (_, at) => {
      const { status, entry } = await post(`artifact ${at}`)
      const published = sizeOf(await log.read('/checkpoint'))
      const answered = BigInt(entry.inclusionProof.treeSize)
      return status === 201 && published >= answered && answered > BigInt(entry.logIndex)
    }),
  )
  isDone = true
  t.ok(covered.every(Boolean))
  const sizes = await watching
  t.same(
    sizes,
    sizes.toSorted((a, b) => Number(a - b)),
  )
})

t.test(
  'a second line of the log stands behind the first, under its name, and without other lines',
  async (t) => {
    const { log, post, publicKey } = await start(t, { LOG_ML_DSA_KEY: path.join(t.testdir(), 'ml-dsa.pem') })
    const { entry } = await post('one')
    const note: string = entry.inclusionProof.checkpoint.envelope
    const { signatures, extensionLines } = parseCheckpoint(note)
    t.same(
      signatures.map(({ name, signature }) => [name, signature.length > 2_000]),
      [
        [hostname, false],
        [hostname, true],
      ],
    )
    t.same(extensionLines, [])
    t.ok(note.endsWith('\n') && !note.endsWith('\n\n') && note.split('\n\n').length === 2, 'one blank line')
    const keyHint = noteKeyHint(hostname, publicKey)
    t.same(signatures[0]?.keyHint, keyHint)
    await t.resolves(verifyCheckpoint(note, { publicKey, keyHint, name: hostname }))
    t.equal(
      await log.read('/publicKey'),
      log.publicKeyPem,
      'the key of the second line is not published as the log’s',
    )
    await freezeLog(log.pool, 'rekor-v2')
    const last = parseCheckpoint(await log.read('/checkpoint'))
    t.equal(last.signatures.length, 2)
    t.same(last.extensionLines, [], 'which ML-DSA does not sign')
  },
)

t.test('what is not there yet is a short-lived 404, and no page of HTML', async (t) => {
  const { log } = await start(t)
  for (const name of [
    'tile/0/000.p/2',
    'tile/entries/001',
    'tile/0/000.p/256',
    'tile/64/000',
    'ct/v1/get-sth',
  ]) {
    const answer = await fetch(`${log.url}/${name}`)
    t.equal(answer.status, 404, name)
    t.notMatch(answer.headers.get('cache-control') ?? '', /immutable|max-age=[1-9]/)
    t.notMatch(answer.headers.get('content-type') ?? '', /html/)
  }
})

/** The order of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

t.test('both signatures of a pair of s are taken, and are two entries', async (t) => {
  const { post } = await start(t)
  const plain = sign('sha256', utf8('a'), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const s = BigInt(`0x${plain.subarray(32).toString('hex')}`)
  const forms = [s, order - s].map((each) => derOf(plain.subarray(0, 32), each))
  const key = createPublicKey(createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })))
  const indexes = new Set<string>()
  for (const form of forms) {
    t.ok(verify('sha256', utf8('a'), key, form))
    const { status, entry } = await post('a', form)
    t.equal(status, 201)
    indexes.add(entry.logIndex)
    const body = JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString()) as Parsed
    t.equal(body.spec.hashedRekordV002.signature.content, form.toString('base64'), 'as it came')
    t.equal(body.spec.hashedRekordV002.data.digest, Buffer.from(sha256Hex('a'), 'hex').toString('base64'))
  }
  t.equal(indexes.size, 2)
})

function derOf(r: Uint8Array, s: bigint): Buffer {
  const integer = (bytes: Buffer) => {
    let from = 0
    while (from < bytes.length - 1 && bytes[from] === 0) from++
    const plain = bytes.subarray(from)
    const positive = (plain[0] ?? 0) > 127 ? Buffer.concat([Buffer.of(0), plain]) : plain
    return Buffer.concat([Buffer.of(2, positive.length), positive])
  }
  const content = Buffer.concat([
    integer(Buffer.from(r)),
    integer(Buffer.from(s.toString(16).padStart(64, '0'), 'hex')),
  ])
  return Buffer.concat([Buffer.of(0x30, content.length), content])
}
