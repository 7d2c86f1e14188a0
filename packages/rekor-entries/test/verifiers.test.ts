/** For every kind: the key that verified an entry is the key that is told, recorded, and found again. */
import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { defaultClientAlgorithms, equalBytes } from '@sigstack/crypto'
import {
  entryKinds,
  keyNamesOf,
  readStoredEntry,
  type VerifiedEntry,
  type Verifier,
  verifyProposal,
} from '@sigstack/rekor-entries'
import { parseCertificate } from '@sigstack/x509'
import fc from 'fast-check'
import { generateKey, readKey } from 'openpgp'
import t from 'tap'
import { type Certified, certified, rootPem, signedJar } from './support/certified.ts'
import { apk } from './support/packages.ts'
import { base64, bytes, type Derived, dsse, hashedrekord, json } from './vectors.ts'

fc.configureGlobal({ seed: 1 })

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
const entryOf = (kind: string, spec: unknown, apiVersion = '0.0.1') => ({ apiVersion, kind, spec })
const issuer = 'https://accounts.example.org'
const ann = await certified({ type: 'email', value: 'ann@example.org' }, issuer)
const bob = await certified({ type: 'email', value: 'bob@example.org' }, 'https://other.example.org')
const artifact = Buffer.from('artifact')
const digest = createHash('sha256').update(artifact).digest('hex')
const signatureBy = (key: KeyObject, message: Uint8Array = artifact) =>
  sign('sha256', message, key).toString('base64')
const payload = Buffer.from('{}')
const pae = Buffer.from('DSSEv1 1 x 2 {}')
const envelope = (...signers: readonly Certified[]) =>
  JSON.stringify({
    payload: base64(payload),
    payloadType: 'x',
    signatures: signers.map(({ key }) => ({ sig: signatureBy(key, pae) })),
  })
const intoto002 = (pairs: readonly { signer: Certified; pem: string }[]) =>
  entryOf(
    'intoto',
    {
      content: {
        envelope: {
          payloadType: 'x',
          payload: base64(base64(payload)),
          signatures: pairs.map(({ signer, pem }) => ({
            sig: base64(signatureBy(signer.key, pae)),
            publicKey: base64(pem),
          })),
        },
        hash: { algorithm: 'sha256', value: '0'.repeat(64) },
      },
    },
    '0.0.2',
  )
const rekord = (format: string, data: Uint8Array, signature: string | Uint8Array, key: string | Uint8Array) =>
  entryOf('rekord', {
    data: { content: base64(data) },
    signature: { format, content: base64(signature), publicKey: { content: base64(key) } },
  })
const jarEntry = (signers: readonly Certified[], certificates: readonly Uint8Array[]) =>
  entryOf('jar', { archive: { content: base64(signedJar(signers, certificates)) } })
const made = (name: string) => bytes(`made/${name}`)
const tufContent = (name: string) => ({ content: json(`inputs/tuf/${name}.json`) })
const withChain = `${ann.pem}${rootPem}`
const alpineKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
const alpinePem = alpineKey.publicKey.export({ format: 'pem', type: 'spki' }) as string
const pairOf = (signer: Certified) => ({ signer, pem: signer.pem })

type Case = { readonly proposal: unknown; readonly signers?: readonly Certified[] }

/** With the signers where they are ours. */
const cases: Readonly<Record<string, Case>> = {
  'hashedrekord, certificate': {
    proposal: hashedrekord('sha256', digest, signatureBy(ann.key), base64(ann.pem)),
    signers: [ann],
  },
  'hashedrekord, chain': {
    proposal: hashedrekord('sha256', digest, signatureBy(ann.key), base64(withChain)),
    signers: [ann],
  },
  dsse: { proposal: dsse(envelope(ann, bob), base64(bob.pem), base64(ann.pem)), signers: [ann, bob] },
  'intoto 0.0.1': {
    proposal: entryOf('intoto', { content: { envelope: envelope(ann) }, publicKey: base64(ann.pem) }),
    signers: [ann],
  },
  'intoto 0.0.2': { proposal: intoto002([pairOf(ann), pairOf(bob)]), signers: [ann, bob] },
  'rekord x509': {
    proposal: rekord('x509', artifact, sign('sha256', artifact, ann.key), ann.pem),
    signers: [ann],
  },
  'rekord pgp': { proposal: rekord('pgp', made('artifact'), made('pgp-ward.sig'), made('pgp-ward.asc')) },
  'rekord ssh': {
    proposal: rekord('ssh', made('artifact'), made('ssh-ed25519.sig'), made('ssh-ed25519.pub')),
  },
  'rekord minisign': { proposal: json<Derived>('derived/rekord-minisign.json').proposal },
  alpine: {
    proposal: entryOf('alpine', {
      package: { content: base64(await apk(alpineKey.privateKey)) },
      publicKey: { content: base64(alpinePem) },
    }),
  },
  cose: { proposal: json<Derived>('derived/cose.json').proposal },
  helm: {
    proposal: entryOf('helm', {
      chart: { provenance: { content: base64(bytes('inputs/helm/test-0.1.0.tgz.prov')) } },
      publicKey: { content: base64(bytes('inputs/helm/key.asc')) },
    }),
  },
  jar: { proposal: jarEntry([ann], [ann.der]), signers: [ann] },
  rfc3161: { proposal: entryOf('rfc3161', { tsr: { content: base64(bytes('inputs/rfc3161/test.tsr')) } }) },
  rpm: {
    proposal: entryOf('rpm', {
      package: { content: base64(bytes('inputs/rpm/test.rpm')) },
      publicKey: { content: base64(bytes('inputs/rpm/key.asc')) },
    }),
  },
  tuf: {
    proposal: entryOf('tuf', { metadata: tufContent('timestamp'), root: tufContent('root') }),
  },
}

const verify = (proposal: unknown): Promise<VerifiedEntry> => verifyProposal(proposal, policy)
const refusalOf = (proposal: unknown) =>
  verify(proposal).then(
    () => 'logged',
    (error: { code?: string }) => error.code,
  )
const plain = ({ keyHash, chain, subjects, tokenIssuer, serialNumber }: Verifier) => ({
  keyHash,
  chain: chain.map((der) => base64(der)),
  subjects,
  tokenIssuer,
  serialNumber,
})
/** By key, so that the order does not matter. */
const known = (verifiers: readonly Verifier[]) =>
  verifiers.map(plain).toSorted((a, b) => (a.keyHash < b.keyHash ? -1 : 1))

const isLong = ({ length }: Uint8Array) => length >= 64

t.test('every kind hands out who verified it, and its stored body tells the same', async (t) => {
  t.same(new Set(Object.keys(cases).map((name) => name.split(/[ ,]/)[0])), new Set(entryKinds))
  for (const [name, { proposal, signers }] of Object.entries(cases)) {
    const { verifiers, body, searchKeys, kind, apiVersion } = await verify(proposal)
    t.ok(verifiers.length > 0, `${name}: has verifiers`)
    t.ok(
      verifiers.every(({ spki }) => spki !== undefined),
      `${name}: each with its key`,
    )
    const stored = readStoredEntry(body)
    const names = { kind: name.split(/[ ,]/)[0], apiVersion: stored.apiVersion }
    t.ok(
      // Of Ed25519 they are the shortest.
      verifiers.every(({ signatures = [] }) => signatures.length > 0 && signatures.every(isLong)),
      `${name}: each with what it signed`,
    )
    t.match({ kind, apiVersion }, names, `${name}: is of the kind that was proposed`)
    t.match(stored, names, `${name}: and so is its body`)
    t.same(known(stored.verifiers), known(verifiers), `${name}: found again`)
    t.ok(
      stored.searchKeys.every((key) => searchKeys.includes(key)),
      `${name}: by the same keys`,
    )
    for (const [i, verifier] of verifiers.entries()) {
      const { spki } = stored.verifiers[i]!
      t.ok(spki === undefined || equalBytes(spki, verifier.spki!), `${name}: the same key`)
    }
    if (signers === undefined) continue
    const expected = signers.map(({ spki, subject, tokenIssuer, serialNumber }) => ({
      spki: base64(spki),
      subjects: [subject],
      tokenIssuer,
      serialNumber,
    }))
    const told = verifiers.map(({ spki, subjects, tokenIssuer, serialNumber }) => ({
      spki: base64(spki!),
      subjects,
      tokenIssuer,
      serialNumber,
    }))
    const order = (a: { spki: string }, b: { spki: string }) => (a.spki < b.spki ? -1 : 1)
    t.same(told.toSorted(order), expected.toSorted(order), `${name}: they are the signers`)
  }
})

/** Of texts of base64 in a body, at any depth. */
const hashesIn = (value: unknown): readonly string[] =>
  typeof value === 'string'
    ? [createHash('sha256').update(Buffer.from(value, 'base64')).digest('hex')]
    : Object.values(value ?? {}).flatMap(hashesIn)

t.test('beside who signed it, every kind is found by digests, its documents, and words of TUF', async (t) => {
  for (const [name, { proposal }] of Object.entries(cases)) {
    const { verifiers, searchKeys, body } = await verify(proposal)
    const own = verifiers.flatMap(({ keyHash, subjects }) => [keyHash, ...subjects])
    const documents = hashesIn(JSON.parse(Buffer.from(body).toString()))
    const fixed = name === 'tuf' ? ['timestamp', '1'] : []
    // Whom an OpenPGP or SSH key is said to be of.
    const address = /^(?:rekord (?:pgp|ssh)|helm|rpm)$/.test(name) ? /^[^@:]+@[^@:]+$/ : /^$/
    const others = searchKeys.filter((key) => ![...own, ...documents, ...fixed].includes(key))
    t.same(
      others.filter((key) => !/^sha256:[0-9a-f]{64}$/.test(key) && !address.test(key)),
      [],
      name,
    )
  }
})

t.test('the certificate of a JAR is that of its signer, wherever strangers put others', async (t) => {
  const others = await Promise.all(
    ['carol', 'dave', 'eve'].map((name) =>
      certified({ type: 'email', value: `${name}@example.org` }, issuer),
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([bob, ...others]), fc.nat({ max: 4 }), async (some, place) => {
      const certificates = some.map(({ der }) => der)
      certificates.splice(Math.min(place, some.length), 0, ann.der)
      const { verifiers, body } = await verify(jarEntry([ann], certificates))
      const { spec } = JSON.parse(Buffer.from(body).toString()) as {
        spec: { signature: { publicKey: { content: string } } }
      }
      t.equal(Buffer.from(spec.signature.publicKey.content, 'base64').toString(), ann.pem)
      for (const { subjects } of [...verifiers, ...readStoredEntry(body).verifiers])
        t.same(subjects, [ann.subject])
    }),
    { numRuns: 30 },
  )
  t.equal(await refusalOf(jarEntry([ann, bob], [ann.der, bob.der])), 'bad_format', 'two signers')
  t.equal(await refusalOf(jarEntry([ann], [bob.der])), 'bad_format', 'not its own certificate')
})

t.test(
  'a JAR whose CA stands before its signer names the CA, as upstream does, and is the signer’s',
  async (t) => {
    const archive = readFileSync(new URL('./vectors/inputs/jar/test.jar', import.meta.url))
    const { body, verifiers } = await verify(
      entryOf('jar', { archive: { content: archive.toString('base64') } }),
    )
    const { spec } = JSON.parse(Buffer.from(body).toString()) as {
      spec: { signature: { publicKey: { content: string } } }
    }
    const named = new X509Certificate(Buffer.from(spec.signature.publicKey.content, 'base64'))
    t.equal(named.subject, 'O=sigstore.dev\nCN=sigstore')
    t.equal(verifiers.length, 1)
    t.not(base64(verifiers[0]!.spki!), base64(named.publicKey.export({ type: 'spki', format: 'der' })))
    t.same(readStoredEntry(body).verifiers[0]!.spki, verifiers[0]!.spki)
  },
)

t.test('a JAR that was logged with a stranger’s certificate is found by its signer', async (t) => {
  const { body } = await verify(jarEntry([ann], [bob.der, ann.der]))
  const forged = Buffer.from(body).toString().replace(base64(ann.pem), base64(bob.pem))
  t.match(forged, base64(bob.pem))
  t.same(
    readStoredEntry(Buffer.from(forged)).verifiers.map(({ subjects }) => subjects),
    [[ann.subject]],
  )
})

t.test('each signature of intoto 0.0.2 is verified by the key that is logged beside it', async (t) => {
  const swapped = intoto002([
    { signer: ann, pem: bob.pem },
    { signer: bob, pem: ann.pem },
  ])
  t.equal(await refusalOf(swapped), 'envelope_not_verified')
})

t.test('a key in any dress is the same key to whoever asks for it', async (t) => {
  const { spki } = ann
  const keyPem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`
  const dresses = [
    keyPem,
    ann.pem,
    withChain,
    ` ${ann.pem}`,
    `\n\n${keyPem}`,
    `x\n${ann.pem.replaceAll('\n', '\r\n')}`,
  ]
  const names = [spki, Buffer.from(keyPem)].map((form) => createHash('sha256').update(form).digest('hex'))
  for (const dress of dresses) {
    const proposals = [
      hashedrekord('sha256', digest, signatureBy(ann.key), base64(dress)),
      intoto002([{ signer: ann, pem: dress }]),
      dsse(envelope(ann), base64(dress)),
      rekord('x509', artifact, sign('sha256', artifact, ann.key), dress),
    ]
    for (const proposal of proposals) {
      const { verifiers, body } = await verify(proposal)
      t.same(verifiers.length, 1)
      t.ok(names.every((name) => keyNamesOf(verifiers[0]!).includes(name)))
      t.same(known(readStoredEntry(body).verifiers), known(verifiers))
    }
  }
})

t.test('of a ring of OpenPGP keys the one that signed is told, subkeys included', async (t) => {
  const { publicKey: stranger } = await generateKey({
    userIDs: [{ email: 'stranger@example.org' }],
    type: 'rsa',
    rsaBits: 2048,
    format: 'object',
  })
  for (const name of ['pgp-ward', 'pgp-subkey', 'pgp-nist']) {
    const ring = made(`${name}.asc`)
    const alone = await verify(rekord('pgp', made('artifact'), made(`${name}.sig`), ring))
    const own = await readKey({ armoredKey: ring.toString() })
    const [verifier] = alone.verifiers
    t.ok(verifier?.fingerprints?.includes(own.getFingerprint()), `${name}: by its fingerprint`)
    t.ok(verifier?.spki, `${name}: by its key`)
    for (const keys of [
      [stranger, own],
      [own, stranger],
    ]) {
      const mixed = Buffer.concat(keys.map((key) => Buffer.from(key.write())))
      const { verifiers } = await verify(rekord('pgp', made('artifact'), made(`${name}.sig`), mixed))
      t.same(
        verifiers.map(({ fingerprints }) => fingerprints),
        [verifier?.fingerprints],
        `${name}: beside a stranger`,
      )
      t.same(verifiers[0]?.spki, verifier?.spki)
    }
  }
})

t.test('certificates that cannot be read whole are refused, in every place they may stand', async (t) => {
  const badTime = (tbs: Uint8Array) => {
    const copy = Buffer.from(tbs)
    // The month of notBefore: 26 01 becomes 26 13.
    const at = copy.indexOf('260101000000Z')
    t.ok(at > 0)
    copy.write('13', at + 2)
    return copy
  }
  const badIssuer = (tbs: Uint8Array) => {
    const copy = Buffer.from(tbs)
    const at = copy.lastIndexOf(issuer)
    t.ok(at > 0)
    copy[at] = 0xff
    return copy
  }
  for (const change of [badTime, badIssuer]) {
    const broken = await certified({ type: 'email', value: 'ann@example.org' }, issuer, change)
    const proposals = {
      hashedrekord: hashedrekord('sha256', digest, signatureBy(broken.key), base64(broken.pem)),
      dsse: dsse(envelope(broken), base64(broken.pem)),
      'intoto 0.0.1': entryOf('intoto', {
        content: { envelope: envelope(broken) },
        publicKey: base64(broken.pem),
      }),
      'intoto 0.0.2': intoto002([pairOf(broken)]),
      rekord: rekord('x509', artifact, sign('sha256', artifact, broken.key), broken.pem),
      jar: jarEntry([broken], [broken.der]),
    }
    for (const [name, proposal] of Object.entries(proposals))
      t.match(await refusalOf(proposal), /^bad_(?:public_key|format)$/, name)
    // One that a log took before is found by its key and digest, and by no name.
    const content = base64(broken.pem)
    const body = JSON.stringify(hashedrekord('sha256', digest, signatureBy(broken.key), content))
    const stored = readStoredEntry(Buffer.from(body))
    const keyHash = createHash('sha256').update(broken.pem).digest('hex')
    t.same(stored.searchKeys, [keyHash, `sha256:${digest}`])
    t.same(stored.verifiers, [{ keyHash, chain: [], subjects: [] }])
  }
  t.throws(() => parseCertificate(Buffer.concat([ann.der, Buffer.of(0)])))
  t.equal(await refusalOf(jarEntry([ann], [])), 'bad_format')
})
