/** Bundles and layers from a key or a certificate, with and without witnesses. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify as nodeVerify } from 'node:crypto'
import {
  createSigner,
  digest as hashOf,
  parsePublicKey,
  preAuthenticationEncoding,
  verifyDigest,
} from '@sigstack/crypto'
import { HttpError } from '@sigstack/http-client'
import { artifactOfBytes, type LogEntry, readBundle, verifyBundle } from '@sigstack/verification'
import { bundleFromJSON, bundleToJSON } from '@sigstore/bundle'
import t from 'tap'
import {
  attestationStatement,
  attestImageLegacy,
  type Credential,
  encodeBundle,
  keylessCredential,
  localSigningKey,
  signImage,
  signMessage,
  signPayloadLegacy,
  signStatement,
  simpleSigningPayload,
  type Witness,
  witnessesOf,
} from '../src/index.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = localSigningKey(privateKey)
const alone = { credential: { key }, witnesses: [] }
const trustedRoot = { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] }
const file = Buffer.from('hello\n')
const digest = `sha256:${'ab'.repeat(32)}`
const statement = attestationStatement({ name: 'x', digest: { sha256: 'ab' } }, 'custom', 'x', new Date(0))

const entry: LogEntry = {
  logIndex: 5n,
  logId: Buffer.alloc(32, 1),
  kind: 'hashedrekord',
  version: '0.0.1',
  integratedTime: 1_700_000_000n,
  promise: Buffer.of(1, 2),
  proof: {
    logIndex: 1n,
    treeSize: 2n,
    rootHash: Buffer.alloc(32, 2),
    hashes: [Buffer.alloc(32, 3)],
    checkpoint: 'note',
  },
  body: Buffer.from('{}'),
}
const log: Witness = { kind: 'log', testify: async () => ({ entry }) }
const stamp: Witness = { kind: 'timestamp authority', testify: async () => ({ timestamp: Buffer.of(7) }) }
const chain = { leaf: Buffer.from('leaf'), issuers: [Buffer.from('intermediate'), Buffer.from('root')] }
const certified: Credential = { key, certificate: async () => chain }

t.test('a key signs a file with nobody beside it, and the bundle verifies', async (t) => {
  const kinds = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ed25519'),
  ]
  for (const { privateKey, publicKey } of kinds) {
    const { text } = await signMessage([file.subarray(0, 2), file.subarray(2)], {
      credential: { key: localSigningKey(privateKey) },
      witnesses: [],
    })
    const key = parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }))
    const options = { artifact: artifactOfBytes(file), trustedRoot, signer: { key }, ignoreTlog: true }
    await t.resolves(verifyBundle({ bundle: readBundle(text), ...options }), key.type)
  }
})

t.test('a key that is elsewhere is shown the whole of it', async (t) => {
  const { begin: _, ...remote } = key
  const { text } = await signMessage([file.subarray(0, 2), file.subarray(2)], {
    credential: { key: remote },
    witnesses: [],
  })
  const signer = { key: key.publicKey }
  const artifact = artifactOfBytes(file)
  await t.resolves(
    verifyBundle({ bundle: readBundle(text), artifact, trustedRoot, signer, ignoreTlog: true }),
  )
})

t.test('the text of a bundle is what other readers write of it', async (t) => {
  for (const credential of [{ key }, certified])
    for (const signed of [
      await signMessage([file], { credential, witnesses: [log, stamp] }),
      await signStatement(statement, { credential, witnesses: [log] }),
    ]) {
      t.equal(JSON.stringify(bundleToJSON(bundleFromJSON(JSON.parse(signed.text)))), signed.text)
      t.equal(encodeBundle(readBundle(signed.text)), signed.text, 'read and written again')
    }
})

t.test('an Ed25519 key signs a digest for a log, and the file itself without one', async (t) => {
  const local = localSigningKey(generateKeyPairSync('ed25519').privateKey)
  const algorithms: string[] = []
  const watching: Witness = {
    kind: 'log',
    testify: async ({ content }) => {
      algorithms.push(content.type === 'message' ? content.algorithm : 'envelope')
      return { entry }
    },
  }
  const options = { credential: { key: local }, witnesses: [watching] }
  const signer = { key: local.publicKey }
  const { bundle } = await signMessage([file], options)
  const { digests } = artifactOfBytes(file)
  const verified = { bundle: { ...bundle, entries: [] }, trustedRoot, signer, ignoreTlog: true }
  await t.resolves(verifyBundle({ ...verified, artifact: { digests } }), 'the file is not needed')
  await t.resolves(signStatement(statement, options))
  t.same(algorithms, ['sha512', 'envelope'])

  const { prehashed: _, ...remote } = local
  await t.rejects(signMessage([file], { credential: { key: remote }, witnesses: [log] }), {
    code: 'not_signed',
    message: /sees only its digest$/,
  })
  const alone = await signMessage([file], { credential: { key: local }, witnesses: [] })
  const whole = { bundle: alone.bundle, trustedRoot, signer, ignoreTlog: true }
  await t.resolves(verifyBundle({ ...whole, artifact: artifactOfBytes(file) }))
  await t.rejects(verifyBundle({ ...whole, artifact: { digests } }), /with the file itself/)
})

t.test(
  'what a log of digests alone sees is signed over a digest, and needs a stamp beside a certificate',
  async (t) => {
    const digests: Witness = { ...log, seesDigests: true }
    for (const kind of [generateKeyPairSync('ec', { namedCurve: 'P-384' }), generateKeyPairSync('ed25519')]) {
      const credential = { key: localSigningKey(kind.privateKey) }
      const { bundle } = await signStatement(statement, { credential, witnesses: [digests] })
      const { type, ...content } = bundle.content
      t.equal(type, 'envelope')
      const signed = preAuthenticationEncoding(content as never)
      const { publicKey } = credential.key
      const hash = publicKey.type === 'ed25519' ? 'sha512' : 'sha384'
      t.ok(await verifyDigest(publicKey, hash, hashOf(hash, signed), bundle.content.signature))
      const options = {
        artifact: artifactOfBytes(file),
        trustedRoot,
        signer: { key: publicKey },
        ignoreTlog: true,
      }
      await t.resolves(verifyBundle({ bundle: { ...bundle, entries: [] }, ...options, ignoreSubject: true }))
    }
    let asked = 0
    const credential = { key, certificate: async () => (asked++, chain) }
    await t.rejects(signMessage([file], { credential, witnesses: [digests] }), {
      code: 'bad_trust',
      message: /tell no time.*timestamp authority/,
    })
    t.equal(asked, 0, 'before a certificate is asked for')
    for (const witnesses of [[digests, stamp], [digests, log], []])
      await t.resolves(signMessage([file], { credential, witnesses }))
  },
)

t.test('an image is signed as a statement of its digest', async (t) => {
  const { bundle } = await signImage({ digest, annotations: { a: '1' } }, alone)
  const { payload, payloadType } = bundle.content as { payload: Uint8Array; payloadType: string }
  t.equal(payloadType, 'application/vnd.in-toto+json')
  t.match(JSON.parse(Buffer.from(payload).toString()), {
    subject: [{ digest: { sha256: 'ab'.repeat(32) }, annotations: { a: '1' } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
  })
})

t.test('a legacy signature is over the payload, and the rest is in annotations', async (t) => {
  const image = { reference: 'registry.example/app', digest }
  const plain = await signPayloadLegacy(simpleSigningPayload(image), alone)
  t.same(Object.keys(plain.annotations), ['dev.cosignproject.cosign/signature'])
  const signature = Buffer.from(plain.annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64')
  t.ok(nodeVerify('sha256', plain.payload, createPublicKey(privateKey), signature))

  const { annotations } = await signPayloadLegacy(simpleSigningPayload(image), {
    credential: certified,
    witnesses: [log, stamp],
  })
  const pem = (text: string) =>
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString('base64')}\n-----END CERTIFICATE-----\n`
  t.equal(annotations['dev.sigstore.cosign/certificate'], pem('leaf'))
  t.equal(annotations['dev.sigstore.cosign/chain'], pem('intermediate') + pem('root'))
  t.equal(
    annotations['dev.sigstore.cosign/bundle'],
    `{"SignedEntryTimestamp":"AQI=","Payload":{"body":"e30=","integratedTime":1700000000,"logIndex":5,"logID":"${'01'.repeat(32)}"}}`,
  )
  t.equal(annotations['dev.sigstore.cosign/rfc3161timestamp'], '{"SignedRFC3161Timestamp":"Bw=="}')
})

t.test('a legacy attestation has an empty signature beside it, and stamps over its envelope', async (t) => {
  const stamped: (Uint8Array | undefined)[] = []
  const watching: Witness = {
    kind: 'timestamp authority',
    testify: async (shown) => {
      stamped.push(shown.stamped)
      return { timestamp: Buffer.of(7) }
    },
  }
  const options = { credential: certified, witnesses: [log, watching] }
  const layer = await attestImageLegacy(statement, 'https://x', options)
  t.equal(layer.mediaType, 'application/vnd.dsse.envelope.v1+json')
  t.match(layer.annotations, { 'dev.cosignproject.cosign/signature': '', predicateType: 'https://x' })
  t.same(stamped, [layer.payload])
  t.match(JSON.parse(Buffer.from(layer.payload).toString()), {
    payload: Buffer.from(statement).toString('base64'),
    signatures: [{ sig: /./ }],
  })
})

t.test('a certificate is asked for once, after the first signature, and for the token holder', async (t) => {
  const token = `e30.${Buffer.from('{"sub":"me"}').toString('base64url')}.e30`
  const asked: string[] = []
  const steps: string[] = []
  const exchange = async (url: string) => {
    asked.push(url)
    throw new HttpError('unreachable', 'ECONNREFUSED')
  }
  const caUrl = 'http://ca.example'
  const options = {
    identityToken: token,
    caUrl,
    exchange,
    onProgress: (step: string) => void steps.push(step),
  }
  const credential = keylessCredential(options)
  const unreadable = async function* () {
    yield file
    throw new Error('the disk is gone')
  }
  await t.rejects(signMessage(unreadable(), { credential, witnesses: [] }), /the disk is gone/)
  t.same(asked, [], 'nothing was asked for a file that cannot be read')
  for (const _ of [1, 2])
    await t.rejects(signMessage([file], { credential, witnesses: [] }), {
      code: 'not_signed',
      message: 'The certificate authority at http://ca.example refused or failed: ECONNREFUSED',
      advice: /can be reached from here/,
    })
  t.equal(asked.length, 2, 'one request, tried again')
  t.same(steps, ['Getting a certificate for a fresh key...'])
})

t.test('a witness that refuses fails the signature with its words', async (t) => {
  const exchange = async () => {
    throw new HttpError('unreachable', 'ECONNREFUSED')
  }
  const witnesses = witnessesOf(
    { logs: [{ url: 'http://log.example', majorApiVersion: 1 }], tsaUrls: [] },
    exchange,
  )
  await t.rejects(signMessage([file], { credential: { key }, witnesses }), {
    name: 'SigningError',
    message: 'The transparency log at http://log.example refused or failed: ECONNREFUSED',
  })
})

t.test('a key that hashes by itself signs what goes by only as a whole', async (t) => {
  const ed25519 = createPrivateKey(
    generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }),
  )
  t.notOk('begin' in localSigningKey(ed25519))
  t.equal(createSigner(ed25519).algorithm, 'ed25519')
})
